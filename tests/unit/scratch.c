/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int remove_one(const char *path, const struct stat *st, int kind,
		      struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

int scratch_setup(void **state)
{
	const char *base = getenv("TMPDIR");
	char *dir;

	if (asprintf(&dir, "%s/snapfs-unit-XXXXXX", base ? base : "/tmp") < 0)
		return -1;
	*state = dir;
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

int scratch_teardown(void **state)
{
	int r = chdir("/");

	if (r == 0)
		r = nftw(*state, remove_one, 16,
			 FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	free(*state);
	return r;
}
