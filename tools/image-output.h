/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_IMAGE_OUTPUT_H
#define SNAPFS_TOOLS_IMAGE_OUTPUT_H

/* Images as results, and the verbs that change one thing of one. */

#include "src/image.h"
#include "src/images.h"
#include "src/repo.h"
#include "src/util.h"
#include "tools/cmd.h"

/* "available", "deprecated", "disabled", or "broken" when a disk is missing. */
const char *sfs_image_output_state(const struct sfs_image *image,
				   const enum sfs_mapping_state *states);

/* Print @image as the JSON document. */
SFS_MUST_CHECK int sfs_image_output_json(struct sfs_repo *repo,
					 const struct sfs_image *image);

/* Edit the image that the first word names: src/images.h.  With --json prints
 * it as it is then. */
SFS_MUST_CHECK int sfs_image_output_edit(const struct sfs_cmd *cmd,
					 int (*edit)(struct sfs_image *image,
						     void *context),
					 void *context);

#endif
