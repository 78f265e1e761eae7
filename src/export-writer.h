/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_EXPORT_WRITER_H
#define SNAPFS_SRC_EXPORT_WRITER_H

/*
 * An image file while it is written: header, blocks, and the tail, which
 * grows in memory until the end.  Steps in this order; failures are logged.
 * For src/export*.c alone.
 */

#include <stddef.h>
#include <stdint.h>

#include "format/export.h"
#include "src/export.h"
#include "src/image.h"
#include "src/record.h"
#include "src/temp-file.h"
#include "src/view.h"

struct sfs_export_writer {
	struct sfs_temp_file file;
	struct sfs_config config; /* that the records are written for */
	uint64_t offset;	  /* of the next block */
	uint8_t *tail;
	size_t tail_size;
	size_t tail_capacity;
	struct sfs_export_footer footer; /* so far */
	unsigned threads;
	struct sfs_progress *progress;
	struct sfs_export_result result;
};

void sfs_export_writer_done(struct sfs_export_writer *writer);
#define CLEANUP_EXPORT_WRITER __attribute__((cleanup(sfs_export_writer_done)))

/* Create the file, in place of @dest with @replace; @writer has its config,
 * threads and progress, and SFS_TEMP_FILE_INIT. */
SFS_MUST_CHECK int sfs_export_writer_begin(struct sfs_export_writer *writer,
					   const char *dest, bool replace);

/* Append the block of @row, whose offset is filled in here. */
SFS_MUST_CHECK int sfs_export_writer_block(struct sfs_export_writer *writer,
					   struct sfs_export_row *row,
					   const void *stored);

/* All blocks of volume @number, which are those of @view; where @base, or
 * NULL, holds the same, rows alone.  *ret_rows is how many rows were added. */
SFS_MUST_CHECK int sfs_export_volume(struct sfs_export_writer *writer,
				     uint16_t number, struct sfs_view *view,
				     struct sfs_view *base, uint64_t *ret_rows);

/* Records: the image first, then the one that bases are of, then each volume
 * with its base behind it.  What is nobody's business elsewhere, owners and
 * grants above all, stays here. */
SFS_MUST_CHECK int sfs_export_writer_image(struct sfs_export_writer *writer,
					   enum sfs_export_role role,
					   const struct sfs_image *image);
SFS_MUST_CHECK int
sfs_export_writer_snapshot(struct sfs_export_writer *writer,
			   enum sfs_export_role role,
			   const struct sfs_snapshot *snapshot, uint64_t rows);

/* Write the tail, and publish the file. */
SFS_MUST_CHECK int sfs_export_writer_end(struct sfs_export_writer *writer);

#endif
