/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The input is a height and an entry of it, or a node of the height above. */

#include <assert.h>
#include <string.h>

#include "format/map.h"
#include "tests/fuzz/fuzz.h"

#define CHUNK 4096u

static void check_entry(const struct sfs_entry *entry, unsigned height)
{
	if (!sfs_entry_stored(entry)) {
		assert(entry->pack == 0 && entry->offset == 0 &&
		       entry->stored == 0);
		assert(height == 0 || entry->kind != SFS_KIND_BAD);
		return;
	}
	assert(entry->kind ==
	       (height ? SFS_KIND_NODE + height : SFS_KIND_DATA));
	assert(entry->stored > 0 && entry->stored <= CHUNK);
	assert(entry->offset < SFS_PACK_SIZE_MAX);
}

static void decode_entry(const uint8_t *bytes, unsigned height)
{
	uint8_t again[SFS_ENTRY_SIZE];
	struct sfs_entry entry;
	const char *why = NULL;

	if (sfs_entry_decode(bytes, height, CHUNK, &entry, &why) < 0) {
		assert(why);
		return;
	}
	check_entry(&entry, height);
	sfs_entry_encode(&entry, again);
	assert(memcmp(again, bytes, sizeof(again)) == 0);
}

static void decode_node(const uint8_t *bytes, size_t size, unsigned height)
{
	struct sfs_entry entries[SFS_NODE_ENTRIES];
	uint8_t again[SFS_NODE_SIZE];
	const char *why = NULL;
	unsigned i;

	if (sfs_node_decode(bytes, size, height, CHUNK, entries, &why) < 0) {
		assert(why);
		return;
	}
	assert(size == SFS_NODE_SIZE && height >= 1);
	for (i = 0; i < SFS_NODE_ENTRIES; i++)
		check_entry(&entries[i], height - 1);
	sfs_node_encode(entries, again);
	assert(memcmp(again, bytes, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size == 0)
		return 0;
	if (size == 1 + SFS_ENTRY_SIZE)
		decode_entry(bytes + 1, bytes[0] % (SFS_MAP_HEIGHT_MAX + 1));
	else
		decode_node(bytes + 1, size - 1, bytes[0] % 16);
	return 0;
}
