/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_EXPORT_H
#define SNAPFS_SRC_EXPORT_H

/* Writing an image, with all its volumes, to one file: FORMAT.md, "Image
 * files". */

#include <stdbool.h>
#include <stdint.h>

#include "src/image.h"
#include "src/progress.h"
#include "src/repo.h"
#include "src/util.h"

struct sfs_export_options {
	/* Leave out what the volume of the same device of this image holds as
	 * well: whoever imports the file must have that one, and the file says
	 * which it is.  Or NULL. */
	const struct sfs_image *base;
	bool force;		       /* replace what exists */
	unsigned threads;	       /* 0: one a processor */
	struct sfs_progress *progress; /* or NULL */
};

struct sfs_export_result {
	uint64_t file_bytes;
	uint64_t data_bytes; /* of the volumes, without what is zeros */
	uint64_t base_bytes; /* of these, left to the base */
};

/* Export @image to the file @dest, which appears whole or not at all.
 * Deletions do not matter once it has begun.  Everything that fails is logged:
 * -EEXIST without force, -ENOENT a snapshot that is missing, what reading a
 * damaged one returns, -EINTR. */
SFS_MUST_CHECK int sfs_image_export(struct sfs_repo *repo,
				    const struct sfs_image *image,
				    const char *dest,
				    const struct sfs_export_options *options,
				    struct sfs_export_result *ret);

#endif
