/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_IMPORT_VOLUMES_H
#define SNAPFS_SRC_IMPORT_VOLUMES_H

/*
 * Which volumes those of an image file become, and what stands here for what
 * they are based on.  A file says whatever its maker wants: it decides about
 * neither.  For src/import.c alone.
 */

#include <stdbool.h>
#include <stddef.h>

#include "src/image-file.h"
#include "src/image-volumes.h"
#include "src/repo.h"
#include "src/util.h"
#include "src/view.h"

/* "import:UUID/vol-..." */
#define SFS_ORIGIN_SIZE (8 + SFS_UUID_SIZE + SFS_ID_SIZE)

/* What the Source of @snapshot's import is; @snapshot is of @file. */
void sfs_import_origin(const struct sfs_image_file *file,
		       const struct sfs_snapshot *snapshot,
		       char ret[SFS_ORIGIN_SIZE]);

/* Open the one snapshot of @image, which the user named, that fits what the
 * record of @volume's base says.  -ENOENT when none does and -EEXIST when
 * several do, both logged. */
SFS_MUST_CHECK int
sfs_import_open_base(struct sfs_repo *repo, const struct sfs_image_file *file,
		     const struct sfs_image_file_volume *volume,
		     const struct sfs_image *image, struct sfs_view **ret);

/* Add to @names, of which the others are in use or "", what volume @number of
 * @file becomes: that of @base, which may be NULL, if nothing but imports from
 * the same place is in it; else a new one.  What was found is logged. */
SFS_MUST_CHECK int
sfs_import_name_volume(struct sfs_repo *repo, const struct sfs_image_file *file,
		       size_t number, const struct sfs_view *base,
		       struct sfs_volume_name *names, bool *ret_joins);

/* Whether the volume @name is still as that one found it: 0, or -EBUSY,
 * logged. */
SFS_MUST_CHECK int sfs_import_check_volume(struct sfs_repo *repo,
					   const char *name, bool joins,
					   const char *origin);

#endif
