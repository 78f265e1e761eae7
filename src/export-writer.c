/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/export-writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/io.h"
#include "src/log.h"

void sfs_export_writer_done(struct sfs_export_writer *writer)
{
	sfs_temp_file_done(&writer->file);
	free(writer->tail);
}

static int write_at(struct sfs_export_writer *writer, const void *bytes,
		    size_t size, uint64_t offset)
{
	int r = sfs_io_pwrite(writer->file.fd, bytes, size, offset);

	if (r < 0)
		sfs_err("'%s': cannot write at byte %llu: %s",
			writer->file.dest, (unsigned long long)offset,
			strerror(-r));
	else if (writer->progress)
		writer->progress->stored_bytes += size;
	return r;
}

int sfs_export_writer_begin(struct sfs_export_writer *writer, const char *dest,
			    bool replace)
{
	uint8_t bytes[SFS_EXPORT_HEADER_SIZE];
	struct sfs_export_header header;
	int r;

	memcpy(header.repository, writer->config.uuid, SFS_UUID_LEN);
	sfs_export_header_encode(&header, bytes);
	r = sfs_temp_file_open(dest, replace, &writer->file);
	if (r < 0)
		return r;
	writer->offset = sizeof(bytes);
	return write_at(writer, bytes, sizeof(bytes), 0);
}

/* Room for @size more bytes of the tail, which then count as there. */
static int extend_tail(struct sfs_export_writer *writer, size_t size,
		       uint8_t **ret)
{
	size_t need = writer->tail_size + size, capacity;
	uint8_t *grown;

	if (need > writer->tail_capacity) {
		capacity = sfs_max(need, 2 * writer->tail_capacity);
		grown = sfs_realloc(writer->tail, capacity, 1);
		if (!grown)
			return -ENOMEM;
		writer->tail = grown;
		writer->tail_capacity = capacity;
	}
	*ret = writer->tail + writer->tail_size;
	writer->tail_size = need;
	return 0;
}

int sfs_export_writer_block(struct sfs_export_writer *writer,
			    struct sfs_export_row *row, const void *stored)
{
	uint8_t *bytes;
	int r;

	if (writer->footer.rows == SFS_EXPORT_ROWS_MAX) {
		sfs_err("'%s': its volumes hold more than the %llu TiB that "
			"an image file can",
			writer->file.dest,
			(unsigned long long)(SFS_EXPORT_ROWS_MAX >> 20));
		return -EFBIG;
	}
	row->offset = writer->offset;
	r = write_at(writer, stored, row->stored, row->offset);
	if (r < 0)
		return r;
	r = extend_tail(writer, SFS_EXPORT_ROW_SIZE, &bytes);
	if (r < 0)
		return r;
	sfs_export_row_encode(row, bytes);
	writer->footer.rows++;
	writer->offset += row->stored;
	return 0;
}

/* ---- records ---- */

static int put_record(struct sfs_export_writer *writer,
		      const struct sfs_export_record *record)
{
	size_t size = SFS_EXPORT_FRAME_SIZE + record->size;
	uint8_t *bytes;
	int r;

	if (size > SFS_EXPORT_RECORDS_MAX - writer->footer.records_size) {
		sfs_err("'%s': descriptions and tags are more than fits an "
			"image file",
			writer->file.dest);
		return -E2BIG;
	}
	r = extend_tail(writer, size, &bytes);
	if (r < 0)
		return r;
	sfs_export_frame_encode(record, bytes);
	memcpy(bytes + SFS_EXPORT_FRAME_SIZE, record->bytes, record->size);
	writer->footer.records_size += (uint32_t)size;
	return 0;
}

int sfs_export_writer_image(struct sfs_export_writer *writer,
			    enum sfs_export_role role,
			    const struct sfs_image *image)
{
	struct sfs_export_record record = { .role = role };
	CLEANUP_IMAGE struct sfs_image *copy = NULL;
	CLEANUP_FREE char *bytes = NULL;
	int r;

	r = sfs_image_copy(image, &copy);
	if (r < 0)
		return r;
	copy->set[0] = copy->origin[0] = '\0';
	copy->owner = SFS_OWNER_NONE;
	sfs_grants_done(&copy->grants);
	copy->grants = (struct sfs_grants){ 0 };
	copy->disabled = copy->is_protected = false;
	r = sfs_record_encode_image(&writer->config, copy, &bytes,
				    &record.size);
	if (r < 0)
		return r;
	memcpy(record.id, copy->id, sizeof(record.id));
	record.bytes = bytes;
	return put_record(writer, &record);
}

/* Its map is not that of any repository: all holes, and not to be read. */
static void reduce(struct sfs_snapshot *snapshot, uint64_t rows)
{
	snapshot->parent[0] = snapshot->set[0] = '\0';
	snapshot->source[0] = '\0';
	snapshot->owner = SFS_OWNER_NONE;
	sfs_grants_done(&snapshot->grants);
	snapshot->grants = (struct sfs_grants){ 0 };
	snapshot->data_bytes = rows * SFS_EXPORT_BLOCK_SIZE;
	snapshot->bad_bytes = snapshot->stored_bytes = 0;
	snapshot->root = (struct sfs_entry){ .kind = SFS_KIND_HOLE };
	snapshot->height = sfs_map_height(
		sfs_map_chunks(snapshot->size, SFS_EXPORT_BLOCK_SIZE));
}

int sfs_export_writer_snapshot(struct sfs_export_writer *writer,
			       enum sfs_export_role role,
			       const struct sfs_snapshot *snapshot,
			       uint64_t rows)
{
	struct sfs_export_record record = { .role = role };
	CLEANUP_SNAPSHOT struct sfs_snapshot *copy = NULL;
	CLEANUP_FREE char *bytes = NULL;
	int r;

	r = sfs_snapshot_copy(snapshot, &copy);
	if (r < 0)
		return r;
	reduce(copy, rows);
	r = sfs_record_encode_snapshot(&writer->config, copy, &bytes,
				       &record.size);
	if (r < 0)
		return r;
	memcpy(record.id, copy->id, sizeof(record.id));
	record.bytes = bytes;
	return put_record(writer, &record);
}

int sfs_export_writer_end(struct sfs_export_writer *writer)
{
	uint8_t *footer;
	int r;

	r = extend_tail(writer, SFS_EXPORT_FOOTER_SIZE, &footer);
	if (r < 0)
		return r;
	writer->footer.index_offset = writer->offset;
	sfs_export_tail_seal(writer->tail, &writer->footer);
	r = write_at(writer, writer->tail, writer->tail_size, writer->offset);
	if (r < 0)
		return r;
	writer->result.file_bytes = writer->offset + writer->tail_size;
	return sfs_temp_file_publish(&writer->file);
}
