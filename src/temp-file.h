/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_TEMP_FILE_H
#define SNAPFS_SRC_TEMP_FILE_H

/*
 * A file that appears under its name whole or not at all: written under
 * another one beside it, made durable, renamed.  Failures are logged.
 */

#include <stdbool.h>
#include <sys/stat.h>

#include "src/util.h"

struct sfs_temp_file {
	const char *dest; /* borrowed */
	const char *base; /* within dest */
	bool replace;
	struct stat old; /* of what is replaced */
	int dir;
	int fd;		/* to write to */
	char name[256]; /* "" when there is nothing to remove */
};

#define SFS_TEMP_FILE_INIT                                                     \
	{                                                                      \
		.dir = -1, .fd = -1                                            \
	}

/* Create the file, for its owner alone: a disk holds every secret of its
 * machine.  With @replace, what is at @dest may be replaced; it is then a
 * regular file, whose owner and mode stay. */
SFS_MUST_CHECK int sfs_temp_file_open(const char *dest, bool replace,
				      struct sfs_temp_file *file);
/* Give it its name.  -EEXIST: something came to be at @dest meanwhile. */
SFS_MUST_CHECK int sfs_temp_file_publish(struct sfs_temp_file *file);
/* Close it, and remove it unless it was published. */
void sfs_temp_file_done(struct sfs_temp_file *file);
#define CLEANUP_TEMP_FILE __attribute__((cleanup(sfs_temp_file_done)))

#endif
