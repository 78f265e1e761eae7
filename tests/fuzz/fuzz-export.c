/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The input is an image file, as such and with its checks put right. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include "format/export.h"
#include "format/le.h"
#include "format/record.h"
#include "src/image-file.h"
#include "tests/fuzz/fuzz.h"

static void put_check(uint8_t *at, const uint8_t *from, size_t size)
{
	const le64 check = le64_put(XXH3_64bits(from, size));

	memcpy(at, &check, sizeof(check));
}

/* Seal what the frames say are records, as far as they fit. */
static void seal_records(uint8_t *records, size_t size)
{
	const size_t prefix = sizeof(SFS_RECORD_PREFIX) - 1;
	struct sfs_export_record record;
	const char *why;
	size_t at = 0;

	while (sfs_export_record_next(records, size, &at, &record, &why) > 0)
		if (record.size > prefix)
			sfs_record_seal((char *)records + at - record.size,
					record.size);
}

static void seal(uint8_t *bytes, size_t size)
{
	struct sfs_export_footer footer;
	uint8_t *tail;
	const char *why;

	if (size < SFS_EXPORT_HEADER_SIZE + SFS_EXPORT_FOOTER_SIZE)
		return;
	put_check(bytes + 0x38, bytes, 0x38);
	if (sfs_export_footer_decode(bytes + size - SFS_EXPORT_FOOTER_SIZE,
				     SFS_EXPORT_FOOTER_SIZE, size, &footer,
				     &why) < 0)
		return;
	tail = bytes + footer.index_offset;
	seal_records(tail + footer.rows * SFS_EXPORT_ROW_SIZE,
		     footer.records_size);
	put_check(bytes + size - 0x10, tail, size - 0x10 - footer.index_offset);
}

/* A row that is accepted says what its bytes say, and nothing else. */
static void check_row(const struct sfs_image_file *file,
		      const struct sfs_export_row *row, const uint8_t *bytes,
		      size_t size)
{
	const uint8_t *index = bytes + size - SFS_EXPORT_FOOTER_SIZE;
	uint8_t again[SFS_EXPORT_ROW_SIZE];
	le64 offset;

	memcpy(&offset, index, sizeof(offset));
	index = bytes + le64_get(offset);
	sfs_export_row_encode(row, again);
	assert(memcmp(index + (size_t)(row - file->rows) * sizeof(again), again,
		      sizeof(again)) == 0);
	assert(row->offset + row->stored <= le64_get(offset));
}

static void read_volume(const struct sfs_image_file *file,
			const struct sfs_image_file_volume *volume,
			const uint8_t *bytes, size_t size)
{
	const struct sfs_export_row *row;
	struct sfs_hash hash;
	uint8_t *block;
	size_t i, length;

	for (i = 0; i < volume->row_count; i++) {
		row = &volume->rows[i];
		check_row(file, row, bytes, size);
		assert(row->kind != SFS_EXPORT_BASE || volume->base);
		if (row->kind == SFS_EXPORT_BASE)
			continue;
		length =
			sfs_image_file_block_size(volume->snapshot, row->block);
		block = malloc(length);
		assert(block);
		if (sfs_image_file_read_block(file, volume, row, NULL, block) ==
		    0) {
			sfs_export_hash(block, length, &hash);
			assert(memcmp(&hash, &row->hash, sizeof(hash)) == 0);
		}
		free(block);
	}
}

static void decode(const uint8_t *bytes, size_t size)
{
	CLEANUP_IMAGE_FILE struct sfs_image_file *file = NULL;
	CLEANUP_CLOSE int fd = memfd_create("image", MFD_CLOEXEC);
	char path[32];
	size_t i;

	assert(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (sfs_image_file_open(path, &file) < 0)
		return;
	assert(file->image && file->volume_count > 0);
	for (i = 0; i < file->volume_count; i++)
		read_volume(file, &file->volumes[i], bytes, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *sealed;

	sfs_fuzz_quiet();
	decode(bytes, size);
	sealed = sfs_fuzz_copy(bytes, size);
	seal(sealed, size);
	decode(sealed, size);
	free(sealed);
	return 0;
}
