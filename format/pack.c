/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/pack.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "format/xxh.h"

static const char header_magic[8] = "snapfsPK";
static const char footer_magic[8] = "snapfsPT";

struct header_disk {
	char magic[8];			  /* +0x00 "snapfsPK" */
	le32 version;			  /* +0x08 */
	le32 chunk_size;		  /* +0x0c */
	le64 id;			  /* +0x10 */
	uint8_t repository[SFS_UUID_LEN]; /* +0x18 */
	uint8_t reserved[16];		  /* +0x28 zero */
	le64 check;			  /* +0x38 of +0x00..+0x38 */
};
_Static_assert(sizeof(struct header_disk) == SFS_PACK_HEADER_SIZE,
	       "FORMAT.md, Pack header");
_Static_assert(offsetof(struct header_disk, check) == 0x38,
	       "FORMAT.md, Pack header");

struct slot_disk {
	le64 check;	   /* +0x00 of +0x08..end, seeded with the place */
	le32 stored_codec; /* +0x08  bits 0-23 stored, 24-31 codec */
	le32 length_kind;  /* +0x0c  bits 0-23 length, 24-31 kind */
};
_Static_assert(sizeof(struct slot_disk) == SFS_SLOT_HEADER_SIZE,
	       "FORMAT.md, Slot");

struct row_disk {
	le32 stored_kind;     /* +0x00  bits 0-23 stored, 24-31 kind */
	struct sfs_hash hash; /* +0x04 */
};
_Static_assert(sizeof(struct row_disk) == SFS_SLOT_ROW_SIZE,
	       "FORMAT.md, Slot table");

struct footer_disk {
	char magic[8];	   /* +0x00 "snapfsPT" */
	le64 id;	   /* +0x08 */
	le32 slots;	   /* +0x10 */
	le32 table_offset; /* +0x14 */
	le64 check;	   /* +0x18 of the table and +0x00..+0x18 */
};
_Static_assert(sizeof(struct footer_disk) == SFS_PACK_FOOTER_SIZE,
	       "FORMAT.md, Pack footer");

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

void sfs_pack_header_encode(const struct sfs_pack_header *header,
			    uint8_t ret[SFS_PACK_HEADER_SIZE])
{
	struct header_disk disk = {
		.version = le32_put(SFS_FORMAT_VERSION),
		.chunk_size = le32_put(header->chunk_size),
		.id = le64_put(header->id),
	};

	memcpy(disk.magic, header_magic, sizeof(disk.magic));
	memcpy(disk.repository, header->repository, SFS_UUID_LEN);
	disk.check = le64_put(
		XXH3_64bits(&disk, offsetof(struct header_disk, check)));
	memcpy(ret, &disk, sizeof(disk));
}

int sfs_pack_header_decode(const uint8_t *bytes, size_t size,
			   struct sfs_pack_header *ret, const char **reterr_why)
{
	static const uint8_t zeros[16];
	struct header_disk disk;

	if (size < sizeof(disk))
		return reject(reterr_why, "shorter than a pack's header");
	memcpy(&disk, bytes, sizeof(disk));
	if (memcmp(disk.magic, header_magic, sizeof(disk.magic)) != 0)
		return reject(reterr_why, "not a pack");
	if (le32_get(disk.version) == 0)
		return reject(reterr_why, "pack of an impossible version");
	if (le32_get(disk.version) > SFS_FORMAT_VERSION) {
		*reterr_why = "pack of a newer version";
		return -EOPNOTSUPP;
	}
	if (le64_get(disk.check) !=
	    XXH3_64bits(bytes, offsetof(struct header_disk, check)))
		return mismatch(reterr_why, "pack header's check is wrong");
	if (memcmp(disk.reserved, zeros, sizeof(zeros)) != 0)
		return reject(reterr_why, "pack header's reserved bytes set");
	if (!sfs_chunk_size_ok(le32_get(disk.chunk_size)))
		return reject(reterr_why, "pack of an impossible chunk size");
	ret->id = le64_get(disk.id);
	ret->chunk_size = le32_get(disk.chunk_size);
	memcpy(ret->repository, disk.repository, SFS_UUID_LEN);
	return 0;
}

/* Any function of the place that moves with each of its bits will do. */
static uint64_t slot_seed(uint64_t pack, uint32_t offset)
{
	return pack ^ offset * UINT64_C(0x9e3779b97f4a7c15);
}

void sfs_slot_encode(uint8_t *bytes, uint64_t pack, uint32_t offset,
		     const struct sfs_slot *slot)
{
	struct slot_disk disk = {
		.stored_codec =
			le32_put(slot->stored | (uint32_t)slot->codec << 24),
		.length_kind =
			le32_put(slot->length | (uint32_t)slot->kind << 24),
	};

	memcpy(bytes, &disk, sizeof(disk));
	disk.check = le64_put(XXH3_64bits_withSeed(
		bytes + sizeof(disk.check),
		SFS_SLOT_HEADER_SIZE - sizeof(disk.check) + slot->stored,
		slot_seed(pack, offset)));
	memcpy(bytes, &disk.check, sizeof(disk.check));
}

static bool kind_stored(uint8_t kind)
{
	return kind == SFS_KIND_DATA ||
	       (kind > SFS_KIND_NODE &&
		kind <= SFS_KIND_NODE + SFS_MAP_HEIGHT_MAX);
}

static uint32_t kind_length(uint8_t kind, uint32_t chunk_size)
{
	return kind == SFS_KIND_DATA ? chunk_size : SFS_NODE_SIZE;
}

int sfs_slot_decode(const uint8_t *bytes, size_t size, uint64_t pack,
		    uint32_t offset, uint32_t chunk_size, struct sfs_slot *ret,
		    const char **reterr_why)
{
	struct slot_disk disk;
	struct sfs_slot slot;

	if (size < sizeof(disk))
		return reject(reterr_why, "shorter than a slot's header");
	memcpy(&disk, bytes, sizeof(disk));
	if (le64_get(disk.check) !=
	    XXH3_64bits_withSeed(bytes + sizeof(disk.check),
				 size - sizeof(disk.check),
				 slot_seed(pack, offset)))
		return mismatch(reterr_why, "slot's check is wrong");
	slot.stored = le32_get(disk.stored_codec) & 0xffffff;
	slot.codec = (uint8_t)(le32_get(disk.stored_codec) >> 24);
	slot.length = le32_get(disk.length_kind) & 0xffffff;
	slot.kind = (uint8_t)(le32_get(disk.length_kind) >> 24);
	if (slot.stored != size - sizeof(disk))
		return reject(reterr_why, "slot's stored length is wrong");
	if (!kind_stored(slot.kind))
		return reject(reterr_why, "slot of an unknown kind");
	if (slot.length != kind_length(slot.kind, chunk_size))
		return reject(reterr_why, "slot's length is wrong");
	if (slot.codec != SFS_CODEC_RAW && slot.codec != SFS_CODEC_LZ4)
		return reject(reterr_why, "slot's codec is unknown");
	if (slot.stored == 0)
		return reject(reterr_why, "slot is empty");
	if (slot.codec == SFS_CODEC_RAW ? slot.stored != slot.length
					: slot.stored >= slot.length)
		return reject(reterr_why, "slot's lengths do not agree");
	*ret = slot;
	return 0;
}

void sfs_pack_table_encode(uint64_t pack, const struct sfs_row *rows,
			   uint32_t slots, uint8_t *ret)
{
	struct footer_disk footer = { .id = le64_put(pack),
				      .slots = le32_put(slots) };
	uint32_t table_offset = SFS_PACK_HEADER_SIZE;
	struct row_disk row;
	uint8_t *p = ret;
	uint32_t i;

	for (i = 0; i < slots; i++) {
		row.stored_kind =
			le32_put(rows[i].stored | (uint32_t)rows[i].kind << 24);
		row.hash = rows[i].hash;
		memcpy(p, &row, sizeof(row));
		p += sizeof(row);
		table_offset += SFS_SLOT_HEADER_SIZE + rows[i].stored;
	}
	memcpy(footer.magic, footer_magic, sizeof(footer.magic));
	footer.table_offset = le32_put(table_offset);
	memcpy(p, &footer, sizeof(footer));
	footer.check = le64_put(XXH3_64bits(
		ret, (size_t)(p - ret) + offsetof(struct footer_disk, check)));
	memcpy(p, &footer, sizeof(footer));
}

int sfs_pack_footer_decode(const uint8_t *bytes, size_t size,
			   uint64_t pack_size, struct sfs_pack_footer *ret,
			   const char **reterr_why)
{
	struct sfs_pack_footer footer;
	struct footer_disk disk;

	if (size != sizeof(disk) || pack_size < SFS_PACK_SIZE_MIN)
		return reject(reterr_why, "shorter than any pack");
	if (pack_size > SFS_PACK_SIZE_MAX)
		return reject(reterr_why, "longer than any pack");
	memcpy(&disk, bytes, sizeof(disk));
	if (memcmp(disk.magic, footer_magic, sizeof(disk.magic)) != 0)
		return reject(reterr_why, "no footer: truncated or not a pack");
	footer.id = le64_get(disk.id);
	footer.slots = le32_get(disk.slots);
	footer.table_offset = le32_get(disk.table_offset);
	if (footer.slots > SFS_PACK_SLOTS_MAX)
		return reject(reterr_why, "too many slots");
	if (footer.table_offset < SFS_PACK_HEADER_SIZE ||
	    (uint64_t)footer.table_offset + sfs_pack_table_size(footer.slots) !=
		    pack_size)
		return reject(reterr_why, "table does not fit the pack");
	*ret = footer;
	return 0;
}

int sfs_pack_table_decode(const uint8_t *bytes, size_t size,
			  const struct sfs_pack_footer *footer,
			  uint32_t chunk_size, struct sfs_row *ret,
			  const char **reterr_why)
{
	uint64_t offset = SFS_PACK_HEADER_SIZE;
	struct row_disk disk;
	uint32_t i, word;
	le64 check;

	if (size != sfs_pack_table_size(footer->slots))
		return reject(reterr_why, "table of the wrong size");
	memcpy(&check, bytes + size - sizeof(check), sizeof(check));
	if (le64_get(check) != XXH3_64bits(bytes, size - sizeof(check)))
		return mismatch(reterr_why, "table's check is wrong");
	for (i = 0; i < footer->slots; i++) {
		memcpy(&disk, bytes + i * sizeof(disk), sizeof(disk));
		word = le32_get(disk.stored_kind);
		ret[i].offset = (uint32_t)offset;
		ret[i].stored = word & 0xffffff;
		ret[i].kind = (uint8_t)(word >> 24);
		ret[i].hash = disk.hash;
		if (!kind_stored(ret[i].kind))
			return reject(reterr_why, "row of an unknown kind");
		if (ret[i].stored == 0 ||
		    ret[i].stored > kind_length(ret[i].kind, chunk_size))
			return reject(reterr_why, "row's length out of range");
		offset += SFS_SLOT_HEADER_SIZE + ret[i].stored;
		if (offset > footer->table_offset)
			return reject(reterr_why, "slots run into the table");
	}
	if (offset != footer->table_offset)
		return reject(reterr_why, "slots do not reach the table");
	return 0;
}
