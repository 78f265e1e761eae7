/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_FILES_H
#define SNAPFS_FUSE_FILES_H

/* What the handle of an open file is: a struct sfs_opened, or, with the lowest
 * bit set, a text of files.c. */

#include <stdbool.h>
#include <stdint.h>

#include "fuse/fuse.h"
#include "fuse/opened.h"

#define SFS_HANDLE_TEXT 1u

static inline bool sfs_handle_is_text(const struct fuse_file_info *fi)
{
	return fi->fh & SFS_HANDLE_TEXT;
}

static inline struct sfs_opened *
sfs_handle_opened(const struct fuse_file_info *fi)
{
	return (struct sfs_opened *)(uintptr_t)fi->fh;
}

#endif
