/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_IMAGES_IMPL_H
#define SNAPFS_SRC_IMAGES_IMPL_H

/* What registering, creating and editing share: for src/image*.c alone.  What
 * is wrong is logged with the image's name. */

#include <stdbool.h>
#include <stdint.h>

#include "src/image.h"
#include "src/repo.h"
#include "src/util.h"
#include "src/view.h"

/* Judge @image as sfs_image_check() does. */
SFS_MUST_CHECK int sfs_images_judge(const struct sfs_image *image);

/* Give @mapping the @size of @what if it has none; -EINVAL when its own is
 * smaller. */
SFS_MUST_CHECK int sfs_images_fit_size(const struct sfs_image *image,
				       struct sfs_mapping *mapping,
				       uint64_t size, const char *what);
/* The same for a mapping that names a snapshot, which must exist. */
SFS_MUST_CHECK int sfs_images_fit_named(struct sfs_repo *repo,
					const struct sfs_image *image,
					struct sfs_mapping *mapping);

/* Whether no committed image is called @name: 0 or -EEXIST.  What that says
 * stays true as long as the records lock is held. */
SFS_MUST_CHECK int sfs_images_name_free(struct sfs_repo *repo,
					const char *name);

/* Publish a new image, with a new id and its owner, or replace a record. */
SFS_MUST_CHECK int sfs_images_publish(struct sfs_repo *repo,
				      struct sfs_image *image);
SFS_MUST_CHECK int sfs_images_replace(struct sfs_repo *repo,
				      const struct sfs_image *image);

/* Fill in what is unknown and what @view, the root's, tells. */
SFS_MUST_CHECK int sfs_images_probe_view(struct sfs_image *image,
					 struct sfs_view *view);
#endif
