/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_IMAGE_FILE_H
#define SNAPFS_SRC_IMAGE_FILE_H

/*
 * An image file, open for reading: FORMAT.md, "Image files".  Opening judges
 * all of it but the blocks, which are verified as they are read.  Immutable
 * from then on; any number of threads read at once.  Failures are logged with
 * the file's name.
 */

#include <stddef.h>
#include <stdint.h>

#include "format/export.h"
#include "src/cleanup.h"
#include "src/image.h"
#include "src/record.h"
#include "src/snapshot.h"
#include "src/util.h"
#include "src/view.h"

struct sfs_image_file_volume {
	struct sfs_snapshot *snapshot;	   /* as it was where it comes from */
	struct sfs_snapshot *base;	   /* the same, or NULL */
	const struct sfs_export_row *rows; /* its own, in order */
	size_t row_count;
	size_t base_rows; /* how many of them are of the base */
};

struct sfs_image_file {
	char *path;
	int fd;
	struct sfs_config config; /* what its records are written for */
	struct sfs_image *image;  /* as it was where it comes from */
	struct sfs_image *base;	  /* the same, that bases are of, or NULL */
	struct sfs_image_file_volume *volumes;
	size_t volume_count;
	struct sfs_export_row *rows;
	size_t row_count;
};

/* The records of an image file are those of a repository with @repository's
 * UUID whose chunks are the file's blocks. */
struct sfs_config sfs_image_file_config(const uint8_t repository[SFS_UUID_LEN]);

/* Bytes of the volume in block @block. */
static inline size_t
sfs_image_file_block_size(const struct sfs_snapshot *snapshot, uint64_t block)
{
	return sfs_min(SFS_EXPORT_BLOCK_SIZE,
		       snapshot->size - block * SFS_EXPORT_BLOCK_SIZE);
}

/* -EUCLEAN or -EBADMSG: truncated, altered, or no image file; -EOPNOTSUPP:
 * made by a newer snapfs. */
SFS_MUST_CHECK int sfs_image_file_open(const char *path,
				       struct sfs_image_file **ret);
void sfs_image_file_close(struct sfs_image_file *file);
SFS_DEFINE_CLEANUP(struct sfs_image_file, sfs_image_file_close);
#define CLEANUP_IMAGE_FILE __attribute__((cleanup(sfs_image_file_closep)))

/* Read the whole block of @row, of @volume, into @ret.  @base is open on what
 * stands for the volume's base here; NULL where no row is of it. */
SFS_MUST_CHECK int
sfs_image_file_read_block(const struct sfs_image_file *file,
			  const struct sfs_image_file_volume *volume,
			  const struct sfs_export_row *row,
			  struct sfs_view *base, void *ret);

#endif
