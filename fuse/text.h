/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_TEXT_H
#define SNAPFS_FUSE_TEXT_H

/* The files of the mount that are text; the caller frees what it gets. */

#include <stddef.h>

#include "src/util.h"

struct sfs_fs;
struct sfs_repo;

SFS_MUST_CHECK int sfs_text_readme(const struct sfs_repo *repo, char **ret,
				   size_t *ret_size);

/* image.json of the image @id. */
SFS_MUST_CHECK int sfs_text_manifest(struct sfs_fs *fs, const char *id,
				     char **ret, size_t *ret_size);

/* .snapfs/status.json as of now. */
SFS_MUST_CHECK int sfs_text_status(struct sfs_fs *fs, char **ret,
				   size_t *ret_size);

/* Log the most telling of the same figures in one line. */
void sfs_text_log_status(struct sfs_fs *fs);

#endif
