/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/image-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "src/io.h"
#include "src/log.h"

/* One while it is opened. */
struct opening {
	struct sfs_image_file *file;
	uint64_t size;
	struct sfs_export_footer footer;
	uint8_t end[SFS_EXPORT_FOOTER_SIZE]; /* as it is in the file */
	uint8_t *records;
	struct sfs_export_tail tail;
	uint8_t *piece; /* of the index */
};

static void opening_done(struct opening *opening)
{
	sfs_image_file_close(opening->file);
	sfs_export_tail_done(&opening->tail);
	free(opening->records);
	free(opening->piece);
}
#define CLEANUP_OPENING __attribute__((cleanup(opening_done)))

struct sfs_config sfs_image_file_config(const uint8_t repository[SFS_UUID_LEN])
{
	struct sfs_config config = { .chunk_size = SFS_EXPORT_BLOCK_SIZE };

	memcpy(config.uuid, repository, SFS_UUID_LEN);
	return config;
}

void sfs_image_file_close(struct sfs_image_file *file)
{
	size_t i;

	if (!file)
		return;
	for (i = 0; i < file->volume_count; i++) {
		sfs_snapshot_free(file->volumes[i].snapshot);
		sfs_snapshot_free(file->volumes[i].base);
	}
	free(file->volumes);
	sfs_image_free(file->image);
	sfs_image_free(file->base);
	free(file->rows);
	sfs_closep(&file->fd);
	free(file->path);
	free(file);
}

static int tell(const struct sfs_image_file *file, int r, const char *why)
{
	sfs_err("'%s': %s", file->path, why);
	return r;
}

static int reject(const struct sfs_image_file *file, const char *why)
{
	return tell(file, -EUCLEAN, why);
}

/* ---- the frame: header, tail, index ---- */

static int open_path(struct opening *opening, const char *path)
{
	struct sfs_image_file *file;
	struct stat st;

	file = opening->file = sfs_calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->fd = -1;
	file->path = sfs_strdup(path);
	if (!file->path)
		return -ENOMEM;
	/* Not to wait for a FIFO's writer. */
	file->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (file->fd < 0 || fstat(file->fd, &st) < 0)
		return tell(file, -errno, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return tell(file, S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL,
			    "is not a regular file");
	opening->size = (uint64_t)st.st_size;
	return 0;
}

static int read_at(const struct sfs_image_file *file, void *buffer, size_t size,
		   uint64_t offset)
{
	int r = sfs_io_pread(file->fd, buffer, size, offset);

	if (r == -ENODATA)
		return reject(file, "truncated while it was read");
	return r < 0 ? tell(file, r, strerror(-r)) : 0;
}

static int read_header(struct opening *opening)
{
	uint8_t bytes[SFS_EXPORT_HEADER_SIZE];
	struct sfs_export_header header;
	const char *why;
	size_t size;
	int r;

	size = sfs_min(opening->size, sizeof(bytes));
	r = read_at(opening->file, bytes, size, 0);
	if (r < 0)
		return r;
	r = sfs_export_header_decode(bytes, size, &header, &why);
	if (r < 0)
		return tell(opening->file, r, why);
	opening->file->config = sfs_image_file_config(header.repository);
	return 0;
}

static int read_footer(struct opening *opening)
{
	const char *why;
	size_t size;
	int r;

	size = sfs_min(opening->size, sizeof(opening->end));
	r = read_at(opening->file, opening->end, size, opening->size - size);
	if (r < 0)
		return r;
	r = sfs_export_footer_decode(opening->end, size, opening->size,
				     &opening->footer, &why);
	return r < 0 ? tell(opening->file, r, why) : 0;
}

/* Before the index, whose size they bound. */
static int read_records(struct opening *opening)
{
	const struct sfs_export_footer *footer = &opening->footer;

	opening->records = sfs_malloc(footer->records_size);
	if (!opening->records)
		return -ENOMEM;
	return read_at(opening->file, opening->records, footer->records_size,
		       footer->index_offset +
			       footer->rows * SFS_EXPORT_ROW_SIZE);
}

/* ---- records ---- */

static struct sfs_image_file_volume *last_volume(struct sfs_image_file *file)
{
	return file->volume_count > 0 ? &file->volumes[file->volume_count - 1]
				      : NULL;
}

static int decode_snapshot(struct sfs_image_file *file,
			   const struct sfs_export_record *record, char *why,
			   const char **reterr_why)
{
	struct sfs_image_file_volume *volume = last_volume(file);
	struct sfs_snapshot **to;

	*reterr_why = "more volumes than an image can have";
	if (record->role == SFS_EXPORT_VOLUME) {
		if (file->volume_count == SFS_MAPPINGS_MAX)
			return -EUCLEAN;
		volume = &file->volumes[file->volume_count++];
		to = &volume->snapshot;
	} else {
		*reterr_why = "a base without its volume";
		if (!volume || volume->base)
			return -EUCLEAN;
		to = &volume->base;
	}
	return sfs_record_decode_snapshot(&file->config, record->id,
					  record->bytes, record->size, to, why,
					  reterr_why);
}

/* The image, perhaps what its bases are of, and volumes with their bases. */
static bool is_in_order(const struct sfs_image_file *file,
			enum sfs_export_role role)
{
	switch (role) {
	case SFS_EXPORT_IMAGE:
		return !file->image;
	case SFS_EXPORT_BASE_IMAGE:
		return file->image && !file->base && file->volume_count == 0;
	case SFS_EXPORT_OF_BASE:
		return file->image && file->base;
	case SFS_EXPORT_VOLUME:
		break;
	}
	return file->image;
}

static int decode_record(struct sfs_image_file *file,
			 const struct sfs_export_record *record)
{
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	int r;

	if (!is_in_order(file, record->role))
		return reject(file, "its records are out of order");
	if (record->role == SFS_EXPORT_IMAGE ||
	    record->role == SFS_EXPORT_BASE_IMAGE)
		r = sfs_record_decode_image(
			&file->config, record->id, record->bytes, record->size,
			file->image ? &file->base : &file->image, buffer, &why);
	else
		r = decode_snapshot(file, record, buffer, &why);
	if (r == -EOPNOTSUPP)
		sfs_err("'%s': made by a newer snapfs: '%s': %s", file->path,
			record->id, why);
	else if (r < 0)
		sfs_err("'%s': '%s' in it: %s", file->path, record->id, why);
	return r;
}

static int decode_records(struct opening *opening)
{
	const struct sfs_export_footer *footer = &opening->footer;
	struct sfs_image_file *file = opening->file;
	struct sfs_export_record record;
	const char *why;
	size_t at = 0;
	int r;

	file->volumes = sfs_calloc(SFS_MAPPINGS_MAX, sizeof(*file->volumes));
	if (!file->volumes)
		return -ENOMEM;
	for (;;) {
		r = sfs_export_record_next(opening->records,
					   footer->records_size, &at, &record,
					   &why);
		if (r <= 0)
			break;
		r = decode_record(file, &record);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return tell(file, r, why);
	return file->image ? 0 : reject(file, "has no image in it");
}

/* ---- what belongs together ---- */

static const struct sfs_image_file_volume *
find_volume(const struct sfs_image_file *file, const char *id)
{
	size_t i;

	for (i = 0; i < file->volume_count; i++)
		if (strcmp(file->volumes[i].snapshot->id, id) == 0)
			return &file->volumes[i];
	return NULL;
}

static int check_mappings(const struct sfs_image_file *file)
{
	const struct sfs_image_file_volume *volume;
	const struct sfs_mapping *mapping;
	size_t i;

	for (i = 0; i < file->image->mapping_count; i++) {
		mapping = &file->image->mappings[i];
		if (mapping->kind != SFS_MAPPING_SNAPSHOT)
			continue;
		volume = find_volume(file, mapping->snapshot);
		if (!volume)
			return reject(file, "lacks a volume of its image");
		if (volume->snapshot->size > mapping->size)
			return reject(file, "a volume of its image is smaller "
					    "than its snapshot");
	}
	for (i = 0; i < file->volume_count; i++) {
		volume = &file->volumes[i];
		if (find_volume(file, volume->snapshot->id) != volume)
			return reject(file, "has a volume twice");
		if (!sfs_image_uses(file->image, volume->snapshot->id))
			return reject(file, "has a volume that is not of its "
					    "image");
	}
	return 0;
}

/* ---- the index ---- */

#define PIECE ((size_t)32 << 10) /* rows */

/* Who declares little is not to make us hold much. */
static int bound_rows(const struct opening *opening)
{
	const struct sfs_image_file *file = opening->file;
	uint64_t blocks = 0;
	size_t i;

	for (i = 0; i < file->volume_count; i++)
		blocks += sfs_map_chunks(file->volumes[i].snapshot->size,
					 SFS_EXPORT_BLOCK_SIZE);
	return opening->footer.rows > blocks
		       ? reject(file, "its index has more rows than its "
				      "volumes have blocks")
		       : 0;
}

static int make_room(struct opening *opening, size_t *capacity, size_t need)
{
	struct sfs_image_file *file = opening->file;
	struct sfs_export_row *grown;

	if (need <= *capacity)
		return 0;
	need = sfs_min(sfs_max(need, 2 * *capacity), opening->footer.rows);
	grown = sfs_realloc(file->rows, need, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	file->rows = grown;
	*capacity = need;
	return 0;
}

static int read_piece(struct opening *opening, size_t count)
{
	const struct sfs_export_footer *footer = &opening->footer;
	struct sfs_image_file *file = opening->file;
	const char *why;
	int r;

	r = read_at(file, opening->piece, count * SFS_EXPORT_ROW_SIZE,
		    footer->index_offset +
			    file->row_count * SFS_EXPORT_ROW_SIZE);
	if (r < 0)
		return r;
	r = sfs_export_tail_rows(&opening->tail, opening->piece, count,
				 file->rows + file->row_count, &why);
	if (r < 0)
		return tell(file, r, why);
	file->row_count += count;
	return 0;
}

/* Memory grows with the rows that were found to be some. */
static int read_rows(struct opening *opening)
{
	const struct sfs_export_footer *footer = &opening->footer;
	struct sfs_image_file *file = opening->file;
	size_t capacity = 0, count;
	const char *why;
	int r;

	r = sfs_export_tail_init(&opening->tail, footer);
	if (r < 0)
		return r;
	opening->piece = sfs_malloc(PIECE * SFS_EXPORT_ROW_SIZE);
	if (!opening->piece)
		return -ENOMEM;
	while (file->row_count < footer->rows) {
		count = sfs_min(footer->rows - file->row_count, PIECE);
		r = make_room(opening, &capacity, file->row_count + count);
		if (r == 0)
			r = read_piece(opening, count);
		if (r < 0)
			return r;
	}
	r = sfs_export_tail_end(&opening->tail, opening->records, opening->end,
				&why);
	return r < 0 ? tell(file, r, why) : 0;
}

static bool row_fits(const struct sfs_image_file_volume *volume,
		     const struct sfs_export_row *row)
{
	size_t length;

	if (row->block >=
	    sfs_map_chunks(volume->snapshot->size, SFS_EXPORT_BLOCK_SIZE))
		return false;
	length = sfs_image_file_block_size(volume->snapshot, row->block);
	switch (row->kind) {
	case SFS_EXPORT_RAW:
		return row->stored == length;
	case SFS_EXPORT_LZ4:
		return row->stored < length;
	}
	return volume->base;
}

/* Give each volume its rows, which are in the volumes' order. */
static int deal_rows(struct sfs_image_file *file)
{
	struct sfs_image_file_volume *volume;
	const struct sfs_export_row *row;
	size_t i;

	for (i = 0; i < file->row_count; i++) {
		row = &file->rows[i];
		if (row->volume >= file->volume_count)
			return reject(file, "index has a block of no volume");
		volume = &file->volumes[row->volume];
		if (!row_fits(volume, row))
			return reject(file, "index has a block that does not "
					    "fit its volume");
		if (volume->row_count++ == 0)
			volume->rows = row;
		volume->base_rows += row->kind == SFS_EXPORT_BASE;
	}
	return 0;
}

int sfs_image_file_open(const char *path, struct sfs_image_file **ret)
{
	CLEANUP_OPENING struct opening opening = { .file = NULL };
	int r;

	r = open_path(&opening, path);
	if (r == 0)
		r = read_header(&opening);
	if (r == 0)
		r = read_footer(&opening);
	if (r == 0)
		r = read_records(&opening);
	if (r == 0)
		r = decode_records(&opening);
	if (r == 0)
		r = check_mappings(opening.file);
	if (r == 0)
		r = bound_rows(&opening);
	if (r == 0)
		r = read_rows(&opening);
	if (r == 0)
		r = deal_rows(opening.file);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(opening.file);
	return 0;
}
