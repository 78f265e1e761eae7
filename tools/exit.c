/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "tools/cmd.h"

int sfs_exit_status(int r)
{
	switch (-r) {
	case EINVAL:
	case E2BIG:
		return 2;
	case ENOMEDIUM:
		return 10;
	case EBUSY:
		return 11;
	case EUCLEAN:
	case EBADMSG:
		return SFS_EXIT_DAMAGE;
	case EINTR:
		return 130;
	}
	return r < 0 ? 1 : r;
}
