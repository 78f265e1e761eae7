/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_IMPORT_H
#define SNAPFS_SRC_IMPORT_H

/* Taking in an image from a file that sfs_image_export() made. */

#include "src/image.h"
#include "src/progress.h"
#include "src/repo.h"
#include "src/util.h"

struct sfs_import_options {
	const char *name;	       /* NULL: as it was called */
	unsigned threads;	       /* 0: one a processor */
	struct sfs_progress *progress; /* or NULL */
};

/* Import the image file @path: all or nothing.  The image, its snapshots and
 * their volumes are new ones; the image belongs to the caller, is shared with
 * nobody, neither disabled nor protected, and says what it was.  Times,
 * consistency, descriptions and tags of snapshots are kept.
 *
 * A volume whose origin was imported before goes on in the volume that this
 * made; else it gets the name that it had, with a number if that is taken.
 *
 * Everything that fails is logged: -EEXIST the name is taken, -EUCLEAN or
 * -EBADMSG the file is truncated or altered, -EOPNOTSUPP it is newer, -ENOENT
 * what it is based on is not here, and what sfs_ingest() returns. */
SFS_MUST_CHECK int sfs_image_import(struct sfs_repo *repo, const char *path,
				    const struct sfs_import_options *options,
				    struct sfs_image **ret);

#endif
