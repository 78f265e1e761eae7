/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_IMAGE_VOLUMES_H
#define SNAPFS_SRC_IMAGE_VOLUMES_H

/* Which volumes the disks of a new image are. */

#include <stddef.h>

#include "format/limits.h"
#include "src/images.h"
#include "src/repo.h"
#include "src/util.h"

struct sfs_volume_name {
	char name[SFS_VOLUME_NAME_MAX + 1];
};

/* *ret, the caller's to free, has one for each of @sources: as it says, else
 * the volume that was read from it before, else a new one named after it.
 * What was found is logged. */
SFS_MUST_CHECK int sfs_image_volumes(struct sfs_repo *repo,
				     const struct sfs_image_source *sources,
				     size_t count,
				     struct sfs_volume_name **ret);

/* Make @name the first of NAME, NAME-2, NAME-3, ... that is neither among
 * @names nor that of a volume. */
SFS_MUST_CHECK int
sfs_image_volume_make_free(struct sfs_repo *repo, struct sfs_volume_name *names,
			   size_t count, char name[SFS_VOLUME_NAME_MAX + 1]);

#endif
