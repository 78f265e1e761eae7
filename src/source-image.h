/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_SOURCE_IMAGE_H
#define SNAPFS_SRC_SOURCE_IMAGE_H

/* A volume of an image file as what a snapshot is taken of. */

#include <stddef.h>

#include "src/image-file.h"
#include "src/source.h"
#include "src/util.h"
#include "src/view.h"

/* Open volume @number of @file, to be known as @name.  @base is as for
 * sfs_image_file_read_block(); both stay the caller's and outlive the source.
 * Of bytes that do not verify, reading returns -EBADMSG, logged. */
SFS_MUST_CHECK int sfs_source_open_image(const struct sfs_image_file *file,
					 size_t number, const char *name,
					 struct sfs_view *base,
					 struct sfs_source **ret);

#endif
