/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_IMAGE_RESTORE_RUN_H
#define SNAPFS_SRC_IMAGE_RESTORE_RUN_H

/* Between the parts of image-restore: image-restore.c decides what is written,
 * image-restore-write.c where, and does it. */

#include <stdbool.h>

#include "src/image-restore.h"
#include "src/images.h"
#include "src/view.h"

#define SFS_RESTORE_MANIFEST "image.json"
#define SFS_RESTORE_DOMAIN   "domain.xml"
#define SFS_RESTORE_SCRIPT   "start"
#define SFS_RESTORE_VARS     "uefi-vars.fd" /* made by who starts it */

struct sfs_image_restore_job {
	struct sfs_repo *repo;
	const struct sfs_image *image;
	const struct sfs_image_restore_options *options;
	char *dir; /* as given, without slashes at its end */
	char *real;
	int fd; /* of it */
	bool made;
	enum sfs_mapping_state *states;
	struct sfs_view **views; /* of the volumes that are restored */
	char *manifest;
	char *domain; /* NULL when nobody knows what starts it, as of the next
		       */
	char *script;
	struct sfs_image_restored done;
};

/* Set job->dir, which must not lie in the repository. */
SFS_MUST_CHECK int sfs_image_restore_set_dir(struct sfs_image_restore_job *job,
					     const char *dir);
/* Make it if it is not there. */
SFS_MUST_CHECK int
sfs_image_restore_open_dir(struct sfs_image_restore_job *job);
/* Whether all that there is to write may and can be. */
SFS_MUST_CHECK int
sfs_image_restore_check(const struct sfs_image_restore_job *job);
/* Write it all. */
SFS_MUST_CHECK int sfs_image_restore_write(struct sfs_image_restore_job *job);

#endif
