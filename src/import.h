/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_IMPORT_H
#define SNAPFS_SRC_IMPORT_H

/* Taking in an image from a file that sfs_image_export() made. */

#include "src/image.h"
#include "src/progress.h"
#include "src/repo.h"
#include "src/util.h"

struct sfs_import_options {
	const char *name;	      /* NULL: as it was called */
	const struct sfs_image *base; /* that the file was made against; NULL */
	unsigned threads;	      /* 0: one a processor */
	struct sfs_progress *progress; /* or NULL */
};

/* Import the image file @path: all or nothing.  The image, its snapshots and
 * their volumes are new ones; the image belongs to the caller, is shared with
 * nobody, neither disabled nor protected, and says what it was.  Times,
 * consistency, descriptions and tags of snapshots are kept.
 *
 * A file that holds only what differs from another image needs the image that
 * is that one here: what it lacks is read from the snapshots of options->base
 * and from no others.  For one that holds all, options->base is not used.
 *
 * Each volume becomes a new one, with the name that it had and a number if
 * that is taken; but where it has a base in use, it goes on in the base's
 * volume if all that is in there was imported from the same volume.
 *
 * Everything that fails is logged: -EEXIST the name is taken, or several
 * snapshots of the base fit, -EUCLEAN or -EBADMSG the file is truncated or
 * altered, or the base is not what it was made against, -EOPNOTSUPP it is
 * newer, -ENOENT the base is missing, -ERANGE it is of the future, and what
 * sfs_ingest() returns. */
SFS_MUST_CHECK int sfs_image_import(struct sfs_repo *repo, const char *path,
				    const struct sfs_import_options *options,
				    struct sfs_image **ret);

#endif
