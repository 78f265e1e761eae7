/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_IMAGE_JSON_H
#define SNAPFS_SRC_IMAGE_JSON_H

/* An image as programs see it: `image show --json` and image.json. */

#include "src/image.h"
#include "src/images.h"
#include "src/json.h"

/* Write @image as an object, @key as for sfs_jsonw_object().  @states, one for
 * each mapping, may be NULL: then nothing is said of them. */
void sfs_image_json(struct sfs_jsonw *w, const char *key,
		    const struct sfs_image *image,
		    const enum sfs_mapping_state *states);

/* Tags as a list of objects with Key and Value. */
void sfs_tags_json(struct sfs_jsonw *w, const char *key,
		   const struct sfs_tags *tags);

/* The same of an image of @repo as a document of its own: image.json.  The
 * caller frees. */
SFS_MUST_CHECK int sfs_image_document(struct sfs_repo *repo,
				      const struct sfs_image *image, char **ret,
				      size_t *ret_size);

#endif
