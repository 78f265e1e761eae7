/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/probe.h"

#include <stdio.h>
#include <string.h>

#include "format/name.h"
#include "src/image.h"
#include "src/probe-child.h"
#include "src/probe-run.h"
#include "src/probe-serve.h"

/* A disk is looked at in a fraction of a second, unless somebody made it not
 * to. */
#define PROBE_NS (INT64_C(20) * 1000000000)

static bool is_terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

bool sfs_probe_is_sound(const struct sfs_probe *probe)
{
	const char *why;

	return is_terminated(probe->architecture,
			     sizeof(probe->architecture)) &&
	       is_terminated(probe->boot_mode, sizeof(probe->boot_mode)) &&
	       is_terminated(probe->platform, sizeof(probe->platform)) &&
	       is_terminated(probe->found, sizeof(probe->found)) &&
	       (probe->architecture[0] == '\0' ||
		sfs_image_architecture_ok(probe->architecture)) &&
	       (probe->boot_mode[0] == '\0' ||
		sfs_image_boot_mode_ok(probe->boot_mode)) &&
	       sfs_name_text_ok(probe->platform, SFS_DESCRIPTION_MAX, &why) &&
	       sfs_name_text_ok(probe->found, sizeof(probe->found) - 1, &why);
}

static void find_nothing(struct sfs_probe *ret, const char *why)
{
	memset(ret, 0, sizeof(*ret));
	snprintf(ret->found, sizeof(ret->found),
		 "nothing: the process that looked at the disk %s", why);
}

int sfs_probe(struct sfs_view *view, struct sfs_probe *ret)
{
	char why[SFS_DISK_WHY_SIZE];
	struct sfs_probe probe;
	int r;

	_Static_assert(sizeof(probe) <= SFS_DISK_RESULT_MAX, "one message");
	r = sfs_disk_serve(view, sfs_probe_look, PROBE_NS, &probe,
			   sizeof(probe), why);
	if (r < 0)
		return r;
	if (r == 0)
		find_nothing(ret, why);
	else if (!sfs_probe_is_sound(&probe))
		find_nothing(ret, "said what cannot be");
	else
		*ret = probe;
	return 0;
}
