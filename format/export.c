/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/export.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "format/le.h"
#include "format/xxh.h"

static const char header_magic[8] = "snapfsIM";
static const char footer_magic[8] = "snapfsIE";

struct header_disk {
	char magic[8];			  /* +0x00 "snapfsIM" */
	le32 version;			  /* +0x08 */
	le32 block_size;		  /* +0x0c */
	uint8_t repository[SFS_UUID_LEN]; /* +0x10 */
	le64 features;			  /* +0x20 incompatible ones */
	uint8_t reserved[16];		  /* +0x28 zero */
	le64 check;			  /* +0x38 of +0x00..+0x38 */
};
_Static_assert(sizeof(struct header_disk) == SFS_EXPORT_HEADER_SIZE,
	       "FORMAT.md, Image file header");
_Static_assert(offsetof(struct header_disk, check) == 0x38,
	       "FORMAT.md, Image file header");

struct row_disk {
	le64 place;	      /* +0x00  bits 0-47 block, 48-63 volume */
	le32 stored_kind;     /* +0x08  bits 0-23 stored, 24-31 kind */
	le32 check;	      /* +0x0c of the stored bytes */
	struct sfs_hash hash; /* +0x10 of the content */
};
_Static_assert(sizeof(struct row_disk) == SFS_EXPORT_ROW_SIZE,
	       "FORMAT.md, Image file index");

struct frame_disk {
	le32 size;	      /* +0x00 of the record behind it */
	le32 role;	      /* +0x04 */
	char id[SFS_ID_SIZE]; /* +0x08 padded with zeros */
};
_Static_assert(sizeof(struct frame_disk) == SFS_EXPORT_FRAME_SIZE,
	       "FORMAT.md, Image file records");

struct footer_disk {
	le64 index_offset;    /* +0x00 */
	le64 rows;	      /* +0x08 */
	le64 records_size;    /* +0x10 */
	uint8_t reserved[24]; /* +0x18 zero */
	le64 check;	      /* +0x30 from the index to +0x30 */
	char magic[8];	      /* +0x38 "snapfsIE" */
};
_Static_assert(sizeof(struct footer_disk) == SFS_EXPORT_FOOTER_SIZE,
	       "FORMAT.md, Image file footer");
_Static_assert(offsetof(struct footer_disk, check) == 0x30,
	       "FORMAT.md, Image file footer");

#define BLOCK_BITS 48

static int reject(const char **reterr_why, const char *why)
{
	*reterr_why = why;
	return -EUCLEAN;
}

static int mismatch(const char **reterr_why, const char *why)
{
	*reterr_why = why;
	return -EBADMSG;
}

static int newer(const char **reterr_why, const char *why)
{
	*reterr_why = why;
	return -EOPNOTSUPP;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static uint64_t place_of(uint16_t volume, uint64_t block)
{
	return (uint64_t)volume << BLOCK_BITS | block;
}

void sfs_export_hash(const void *bytes, size_t size, struct sfs_hash *ret)
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, size));
	memcpy(ret->b, canonical.digest, sizeof(ret->b));
}

/* Half of the hash will do: the content's own decides in the end. */
uint32_t sfs_export_check(const void *bytes, size_t size, uint16_t volume,
			  uint64_t block)
{
	return (uint32_t)XXH3_64bits_withSeed(bytes, size,
					      place_of(volume, block));
}

/* ---- encoding ---- */

void sfs_export_header_encode(const struct sfs_export_header *header,
			      uint8_t ret[SFS_EXPORT_HEADER_SIZE])
{
	struct header_disk disk = {
		.version = le32_put(SFS_EXPORT_VERSION),
		.block_size = le32_put(SFS_EXPORT_BLOCK_SIZE),
	};

	memcpy(disk.magic, header_magic, sizeof(disk.magic));
	memcpy(disk.repository, header->repository, SFS_UUID_LEN);
	disk.check = le64_put(
		XXH3_64bits(&disk, offsetof(struct header_disk, check)));
	memcpy(ret, &disk, sizeof(disk));
}

void sfs_export_row_encode(const struct sfs_export_row *row,
			   uint8_t ret[SFS_EXPORT_ROW_SIZE])
{
	const struct row_disk disk = {
		.place = le64_put(place_of(row->volume, row->block)),
		.stored_kind =
			le32_put(row->stored | (uint32_t)row->kind << 24),
		.check = le32_put(row->check),
		.hash = row->hash,
	};

	memcpy(ret, &disk, sizeof(disk));
}

void sfs_export_frame_encode(const struct sfs_export_record *record,
			     uint8_t ret[SFS_EXPORT_FRAME_SIZE])
{
	struct frame_disk disk = {
		.size = le32_put((uint32_t)record->size),
		.role = le32_put(record->role),
	};

	memcpy(disk.id, record->id, strlen(record->id));
	memcpy(ret, &disk, sizeof(disk));
}

void sfs_export_tail_seal(uint8_t *tail, const struct sfs_export_footer *footer)
{
	size_t at = sfs_export_tail_size(footer) - SFS_EXPORT_FOOTER_SIZE;
	struct footer_disk disk = {
		.index_offset = le64_put(footer->index_offset),
		.rows = le64_put(footer->rows),
		.records_size = le64_put(footer->records_size),
	};

	memcpy(disk.magic, footer_magic, sizeof(disk.magic));
	memcpy(tail + at, &disk, sizeof(disk));
	disk.check = le64_put(
		XXH3_64bits(tail, at + offsetof(struct footer_disk, check)));
	memcpy(tail + at, &disk, sizeof(disk));
}

/* ---- decoding ---- */

int sfs_export_header_decode(const uint8_t *bytes, size_t size,
			     struct sfs_export_header *ret,
			     const char **reterr_why)
{
	struct header_disk disk;

	if (size < sizeof(disk))
		return reject(reterr_why, "shorter than any image file");
	memcpy(&disk, bytes, sizeof(disk));
	if (memcmp(disk.magic, header_magic, sizeof(disk.magic)) != 0)
		return reject(reterr_why, "not an image file");
	if (le32_get(disk.version) == 0)
		return reject(reterr_why, "header of an impossible version");
	if (le32_get(disk.version) > SFS_EXPORT_VERSION)
		return newer(reterr_why, "made by a newer snapfs");
	if (le64_get(disk.check) !=
	    XXH3_64bits(bytes, offsetof(struct header_disk, check)))
		return mismatch(reterr_why, "header's check is wrong");
	if (le64_get(disk.features) != 0)
		return newer(reterr_why, "made by a newer snapfs: it has a "
					 "feature that this one does not know");
	if (!is_zero(disk.reserved, sizeof(disk.reserved)))
		return reject(reterr_why, "header's reserved bytes are set");
	if (le32_get(disk.block_size) != SFS_EXPORT_BLOCK_SIZE)
		return reject(reterr_why, "header's block size is wrong");
	memcpy(ret->repository, disk.repository, SFS_UUID_LEN);
	return 0;
}

int sfs_export_footer_decode(const uint8_t *bytes, size_t size,
			     uint64_t file_size, struct sfs_export_footer *ret,
			     const char **reterr_why)
{
	struct sfs_export_footer footer;
	struct footer_disk disk;

	if (size != sizeof(disk) ||
	    file_size < SFS_EXPORT_HEADER_SIZE + SFS_EXPORT_FOOTER_SIZE)
		return reject(reterr_why, "truncated");
	memcpy(&disk, bytes, sizeof(disk));
	if (memcmp(disk.magic, footer_magic, sizeof(disk.magic)) != 0)
		return reject(reterr_why, "truncated, or with something "
					  "behind its end");
	if (le64_get(disk.rows) > SFS_EXPORT_ROWS_MAX)
		return reject(reterr_why, "footer has too many rows");
	if (le64_get(disk.records_size) > SFS_EXPORT_RECORDS_MAX)
		return reject(reterr_why, "footer's records are too large");
	footer.index_offset = le64_get(disk.index_offset);
	footer.rows = le64_get(disk.rows);
	footer.records_size = (uint32_t)le64_get(disk.records_size);
	if (footer.index_offset < SFS_EXPORT_HEADER_SIZE ||
	    footer.index_offset > file_size ||
	    file_size - footer.index_offset != sfs_export_tail_size(&footer))
		return reject(reterr_why, "not of the size that its end says: "
					  "altered or truncated");
	*ret = footer;
	return 0;
}

static int decode_row(const uint8_t *bytes, struct sfs_export_row *ret,
		      const char **reterr_why)
{
	struct row_disk disk;
	uint32_t word;
	bool base;

	memcpy(&disk, bytes, sizeof(disk));
	word = le32_get(disk.stored_kind);
	ret->volume = (uint16_t)(le64_get(disk.place) >> BLOCK_BITS);
	ret->block = le64_get(disk.place) & ((UINT64_C(1) << BLOCK_BITS) - 1);
	ret->stored = word & 0xffffff;
	ret->kind = (uint8_t)(word >> 24);
	ret->check = le32_get(disk.check);
	ret->hash = disk.hash;
	if (ret->kind < SFS_EXPORT_RAW || ret->kind > SFS_EXPORT_BASE)
		return reject(reterr_why, "index has a row of unknown kind");
	if (ret->stored > SFS_EXPORT_BLOCK_SIZE)
		return reject(reterr_why, "index has a block that is too long");
	base = ret->kind == SFS_EXPORT_BASE;
	if ((ret->stored == 0) != base || (base && ret->check != 0))
		return reject(reterr_why, "index has a row that stores nothing "
					  "where it should, or reverse");
	return 0;
}

int sfs_export_tail_init(struct sfs_export_tail *tail,
			 const struct sfs_export_footer *footer)
{
	*tail = (struct sfs_export_tail){ .footer = *footer,
					  .hash = XXH3_createState(),
					  .offset = SFS_EXPORT_HEADER_SIZE };
	if (!tail->hash)
		return -ENOMEM;
	XXH3_64bits_reset(tail->hash);
	return 0;
}

void sfs_export_tail_done(struct sfs_export_tail *tail)
{
	XXH3_freeState(tail->hash);
	tail->hash = NULL;
}

static int next_row(struct sfs_export_tail *tail, const uint8_t *bytes,
		    struct sfs_export_row *ret, const char **reterr_why)
{
	uint64_t place;
	int r;

	r = decode_row(bytes, ret, reterr_why);
	if (r < 0)
		return r;
	place = place_of(ret->volume, ret->block);
	if (tail->rows > 0 && place <= tail->place)
		return reject(reterr_why, "index is out of order");
	if (ret->stored > tail->footer.index_offset - tail->offset)
		return reject(reterr_why,
			      "index has blocks that are not in the file");
	ret->offset = tail->offset;
	tail->offset += ret->stored;
	tail->place = place;
	tail->rows++;
	return 0;
}

int sfs_export_tail_rows(struct sfs_export_tail *tail, const uint8_t *bytes,
			 size_t count, struct sfs_export_row *ret,
			 const char **reterr_why)
{
	size_t i;
	int r;

	XXH3_64bits_update(tail->hash, bytes, count * SFS_EXPORT_ROW_SIZE);
	for (i = 0; i < count; i++) {
		r = next_row(tail, bytes + i * SFS_EXPORT_ROW_SIZE, &ret[i],
			     reterr_why);
		if (r < 0)
			return r;
	}
	return 0;
}

int sfs_export_tail_end(struct sfs_export_tail *tail, const uint8_t *records,
			const uint8_t footer[SFS_EXPORT_FOOTER_SIZE],
			const char **reterr_why)
{
	struct footer_disk disk;

	memcpy(&disk, footer, sizeof(disk));
	XXH3_64bits_update(tail->hash, records, tail->footer.records_size);
	XXH3_64bits_update(tail->hash, footer,
			   offsetof(struct footer_disk, check));
	if (le64_get(disk.check) != XXH3_64bits_digest(tail->hash))
		return mismatch(reterr_why, "check of its index is wrong");
	if (!is_zero(disk.reserved, sizeof(disk.reserved)))
		return reject(reterr_why, "footer's reserved bytes are set");
	if (tail->rows != tail->footer.rows ||
	    tail->offset != tail->footer.index_offset)
		return reject(reterr_why,
			      "index and blocks do not meet each other");
	return 0;
}

static bool id_ok(enum sfs_export_role role, const char id[SFS_ID_SIZE])
{
	size_t length = strnlen(id, SFS_ID_SIZE);

	bool image = role == SFS_EXPORT_IMAGE || role == SFS_EXPORT_BASE_IMAGE;

	return is_zero((const uint8_t *)id + length, SFS_ID_SIZE - length) &&
	       length < SFS_ID_SIZE &&
	       sfs_id_valid(id, image ? SFS_ID_IMAGE : SFS_ID_SNAPSHOT);
}

int sfs_export_record_next(const uint8_t *records, size_t size, size_t *at,
			   struct sfs_export_record *ret,
			   const char **reterr_why)
{
	size_t left = size - *at;
	struct frame_disk disk;

	if (left == 0)
		return 0;
	if (left < sizeof(disk))
		return reject(reterr_why, "records end in a part of one");
	memcpy(&disk, records + *at, sizeof(disk));
	left -= sizeof(disk);
	if (le32_get(disk.size) > left ||
	    le32_get(disk.size) > SFS_RECORD_SIZE_MAX)
		return reject(reterr_why, "record is too long");
	if (le32_get(disk.role) < SFS_EXPORT_IMAGE ||
	    le32_get(disk.role) > SFS_EXPORT_BASE_IMAGE)
		return reject(reterr_why, "record in an unknown role");
	ret->role = (enum sfs_export_role)le32_get(disk.role);
	if (!id_ok(ret->role, disk.id))
		return reject(reterr_why, "record of an impossible id");
	memcpy(ret->id, disk.id, sizeof(ret->id));
	ret->size = le32_get(disk.size);
	ret->bytes = (const char *)records + *at + sizeof(disk);
	*at += sizeof(disk) + ret->size;
	return 1;
}
