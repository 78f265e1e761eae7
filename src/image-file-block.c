/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/image-file.h"

#include <errno.h>
#include <string.h>

#include "src/codec.h"
#include "src/io.h"
#include "src/log.h"

/* Never -EIO, for which a snapshot's creator would offer to do without. */
static int damaged(const struct sfs_image_file *file,
		   const struct sfs_image_file_volume *volume,
		   const struct sfs_export_row *row, const char *what)
{
	sfs_err("'%s': altered or damaged: the block of volume '%s' at offset "
		"%llu (byte %llu of the file) %s",
		file->path, volume->snapshot->volume,
		(unsigned long long)row->block * SFS_EXPORT_BLOCK_SIZE,
		(unsigned long long)row->offset, what);
	return -EBADMSG;
}

static int read_stored(const struct sfs_image_file *file,
		       const struct sfs_image_file_volume *volume,
		       const struct sfs_export_row *row, void *ret,
		       size_t length)
{
	CLEANUP_FREE uint8_t *stored = NULL;
	enum sfs_codec codec;
	int r;

	stored = sfs_malloc(row->stored);
	if (!stored)
		return -ENOMEM;
	r = sfs_io_pread(file->fd, stored, row->stored, row->offset);
	if (r < 0)
		return damaged(file, volume, row,
			       r == -ENODATA ? "is not there" : strerror(-r));
	if (sfs_export_check(stored, row->stored, row->volume, row->block) !=
	    row->check)
		return damaged(file, volume, row, "does not have its check");
	codec = row->kind == SFS_EXPORT_LZ4 ? SFS_CODEC_LZ4 : SFS_CODEC_RAW;
	r = sfs_codec_decompress(codec, stored, row->stored, ret, length);
	if (r < 0)
		return damaged(file, volume, row, "cannot be decompressed");
	return 0;
}

/* What lies beyond the base's end is zeros in both. */
static int read_base(const struct sfs_export_row *row, struct sfs_view *base,
		     void *ret, size_t length)
{
	size_t done;
	int r;

	r = sfs_view_pread(base, ret, length,
			   row->block * SFS_EXPORT_BLOCK_SIZE, &done);
	if (r < 0)
		return r == -EIO ? -EBADMSG : r;
	memset((uint8_t *)ret + done, 0, length - done);
	return 0;
}

int sfs_image_file_read_block(const struct sfs_image_file *file,
			      const struct sfs_image_file_volume *volume,
			      const struct sfs_export_row *row,
			      struct sfs_view *base, void *ret)
{
	size_t length = sfs_image_file_block_size(volume->snapshot, row->block);
	struct sfs_hash hash;
	int r;

	r = row->kind == SFS_EXPORT_BASE
		    ? read_base(row, base, ret, length)
		    : read_stored(file, volume, row, ret, length);
	if (r < 0)
		return r;
	sfs_export_hash(ret, length, &hash);
	if (memcmp(&hash, &row->hash, sizeof(hash)) == 0)
		return 0;
	if (row->kind != SFS_EXPORT_BASE)
		return damaged(file, volume, row, "does not have its hash");
	sfs_err("'%s': was not made against '%s': volume '%s' differs from it "
		"at offset %llu",
		file->path, sfs_view_snapshot(base)->id,
		volume->snapshot->volume,
		(unsigned long long)row->block * SFS_EXPORT_BLOCK_SIZE);
	return -EBADMSG;
}
