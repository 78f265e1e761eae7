/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/map.h"

#include <errno.h>
#include <string.h>

#include "format/pack.h"

bool sfs_entry_equal(const struct sfs_entry *a, const struct sfs_entry *b)
{
	return a->kind == b->kind && a->pack == b->pack &&
	       a->offset == b->offset && a->stored == b->stored &&
	       memcmp(&a->hash, &b->hash, sizeof(a->hash)) == 0;
}

void sfs_entry_encode(const struct sfs_entry *entry, uint8_t *ret)
{
	struct sfs_entry_disk disk = {
		.pack = le64_put(entry->pack),
		.offset = le32_put(entry->offset),
		.stored_kind =
			le32_put(entry->stored | (uint32_t)entry->kind << 24),
		.hash = entry->hash,
	};

	memcpy(ret, &disk, sizeof(disk));
}

static int reject(const char **reterr_why, const char *why)
{
	*reterr_why = why;
	return -EUCLEAN;
}

static bool all_zero(const struct sfs_entry *entry)
{
	static const struct sfs_hash none;

	return entry->pack == 0 && entry->offset == 0 && entry->stored == 0 &&
	       memcmp(&entry->hash, &none, sizeof(none)) == 0;
}

static int check_entry(const struct sfs_entry *entry, unsigned height,
		       uint32_t chunk_size, const char **reterr_why)
{
	uint32_t most = height == 0 ? chunk_size : SFS_NODE_SIZE;

	switch (entry->kind) {
	case SFS_KIND_BAD:
		if (height != 0)
			return reject(reterr_why, "bad chunk above height 0");
		__attribute__((fallthrough));
	case SFS_KIND_HOLE:
	case SFS_KIND_ZERO:
		if (!all_zero(entry))
			return reject(reterr_why, "place without content");
		return 0;
	case SFS_KIND_DATA:
		if (height != 0)
			return reject(reterr_why, "chunk above height 0");
		break;
	default:
		if (height == 0 || entry->kind != SFS_KIND_NODE + height)
			return reject(reterr_why, "wrong kind or height");
	}
	if (entry->stored == 0 || entry->stored > most)
		return reject(reterr_why, "stored length out of range");
	if (entry->offset < SFS_PACK_HEADER_SIZE ||
	    entry->offset > SFS_PACK_SIZE_MAX - SFS_PACK_FOOTER_SIZE -
				    SFS_SLOT_HEADER_SIZE - entry->stored)
		return reject(reterr_why, "place outside any pack");
	return 0;
}

int sfs_entry_decode(const uint8_t *bytes, unsigned height, uint32_t chunk_size,
		     struct sfs_entry *ret, const char **reterr_why)
{
	struct sfs_entry_disk disk;
	struct sfs_entry entry;
	uint32_t stored_kind;
	int r;

	memcpy(&disk, bytes, sizeof(disk));
	stored_kind = le32_get(disk.stored_kind);
	entry = (struct sfs_entry){
		.pack = le64_get(disk.pack),
		.offset = le32_get(disk.offset),
		.stored = stored_kind & 0xffffff,
		.kind = (uint8_t)(stored_kind >> 24),
		.hash = disk.hash,
	};
	r = check_entry(&entry, height, chunk_size, reterr_why);
	if (r < 0)
		return r;
	*ret = entry;
	return 0;
}

void sfs_node_encode(const struct sfs_entry entries[SFS_NODE_ENTRIES],
		     uint8_t *ret)
{
	unsigned i;

	for (i = 0; i < SFS_NODE_ENTRIES; i++)
		sfs_entry_encode(&entries[i], ret + i * SFS_ENTRY_SIZE);
}

int sfs_node_decode(const uint8_t *bytes, size_t size, unsigned height,
		    uint32_t chunk_size, struct sfs_entry *ret,
		    const char **reterr_why)
{
	unsigned i;
	int r;

	if (size != SFS_NODE_SIZE)
		return reject(reterr_why, "node of the wrong size");
	if (height < 1 || height > SFS_MAP_HEIGHT_MAX)
		return reject(reterr_why, "node of an impossible height");
	for (i = 0; i < SFS_NODE_ENTRIES; i++) {
		r = sfs_entry_decode(bytes + i * SFS_ENTRY_SIZE, height - 1,
				     chunk_size, &ret[i], reterr_why);
		if (r < 0)
			return r;
	}
	return 0;
}

uint64_t sfs_map_chunks(uint64_t size, uint32_t chunk_size)
{
	return size / chunk_size + (size % chunk_size != 0);
}

unsigned sfs_map_height(uint64_t chunks)
{
	unsigned height = 0;

	while (height < SFS_MAP_HEIGHT_MAX &&
	       chunks > UINT64_C(1) << (SFS_NODE_BITS * height))
		height++;
	return height;
}
