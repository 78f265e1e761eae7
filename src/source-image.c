/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/source-image.h"

#include <errno.h>
#include <string.h>

struct volume_source {
	const struct sfs_image_file *file;
	const struct sfs_image_file_volume *volume;
	struct sfs_view *base;
};

static uint64_t row_offset(const struct sfs_export_row *row)
{
	return row->block * SFS_EXPORT_BLOCK_SIZE;
}

/* The first row of @block or a later one; the number of rows if none. */
static size_t find_row(const struct sfs_image_file_volume *volume,
		       uint64_t block)
{
	size_t low = 0, high = volume->row_count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (volume->rows[middle].block < block)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int source_data(void *backing, uint64_t offset, uint64_t *ret_start,
		       uint64_t *ret_end)
{
	const struct volume_source *source = backing;
	const struct sfs_image_file_volume *volume = source->volume;
	uint64_t size = volume->snapshot->size, next;
	size_t row = find_row(volume, offset / SFS_EXPORT_BLOCK_SIZE);

	if (row == volume->row_count) {
		*ret_start = *ret_end = size;
		return 0;
	}
	next = volume->rows[row].block;
	*ret_start = sfs_max(offset, row_offset(&volume->rows[row]));
	while (row < volume->row_count && volume->rows[row].block == next) {
		row++;
		next++;
	}
	*ret_end = sfs_min(next * SFS_EXPORT_BLOCK_SIZE, size);
	return 0;
}

/* Give bytes [skip, skip + size) of the block. */
static int read_part(const struct volume_source *source,
		     const struct sfs_export_row *row, size_t skip, size_t size,
		     uint8_t *ret)
{
	CLEANUP_FREE uint8_t *block = NULL;
	int r;

	if (size ==
	    sfs_image_file_block_size(source->volume->snapshot, row->block))
		return sfs_image_file_read_block(source->file, source->volume,
						 row, source->base, ret);
	block = sfs_malloc(SFS_EXPORT_BLOCK_SIZE);
	if (!block)
		return -ENOMEM;
	r = sfs_image_file_read_block(source->file, source->volume, row,
				      source->base, block);
	if (r == 0)
		memcpy(ret, block + skip, size);
	return r;
}

static int source_read(void *backing, void *buffer, size_t size,
		       uint64_t offset)
{
	const struct volume_source *source = backing;
	const struct sfs_image_file_volume *volume = source->volume;
	size_t done, skip, part, row;
	uint64_t block;
	int r;

	for (done = 0; done < size; done += part) {
		block = (offset + done) / SFS_EXPORT_BLOCK_SIZE;
		skip = (offset + done) % SFS_EXPORT_BLOCK_SIZE;
		part = sfs_min(size - done, SFS_EXPORT_BLOCK_SIZE - skip);
		row = find_row(volume, block);
		if (row == volume->row_count ||
		    volume->rows[row].block != block) {
			memset((uint8_t *)buffer + done, 0, part);
			continue;
		}
		r = read_part(source, &volume->rows[row], skip, part,
			      (uint8_t *)buffer + done);
		if (r < 0)
			return r;
	}
	return 0;
}

static void source_close(void *backing)
{
	free(backing);
}

static const struct sfs_source_ops ops = {
	.data = source_data,
	.read = source_read,
	.close = source_close,
};

int sfs_source_open_image(const struct sfs_image_file *file, size_t number,
			  const char *name, struct sfs_view *base,
			  struct sfs_source **ret)
{
	const struct sfs_image_file_volume *volume = &file->volumes[number];
	CLEANUP_FREE struct volume_source *source = NULL;
	int r;

	source = sfs_calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->file = file;
	source->volume = volume;
	source->base = base;
	r = sfs_source_new(name, volume->snapshot->size,
			   volume->snapshot->consistency, &ops, source, ret);
	if (r == 0)
		TAKE_PTR(source);
	return r;
}
