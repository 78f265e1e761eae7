/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "format/le.h"
#include "format/pack.h"
#include "src/codec.h"
#include "tests/fuzz/fuzz.h"

/* Where the golden pack's second slot stands. */
#define PACK   UINT64_C(0x0123456789abcdef)
#define OFFSET 0x1050u

static void check_content(const uint8_t *bytes, const struct sfs_slot *slot)
{
	uint8_t *content = malloc(slot->length);

	if (!content)
		abort();
	if (sfs_codec_decompress(slot->codec, bytes + SFS_SLOT_HEADER_SIZE,
				 slot->stored, content, slot->length) == 0 &&
	    slot->kind > SFS_KIND_NODE) {
		struct sfs_entry entries[SFS_NODE_ENTRIES];
		const char *why;

		if (sfs_node_decode(content, slot->length,
				    slot->kind - SFS_KIND_NODE, 4096, entries,
				    &why) == 0)
			assert(slot->length == SFS_NODE_SIZE);
	}
	free(content);
}

static void decode(const uint8_t *bytes, size_t size, uint32_t chunk_size)
{
	struct sfs_slot slot;
	const char *why = NULL;
	uint8_t *again;

	if (sfs_slot_decode(bytes, size, PACK, OFFSET, chunk_size, &slot,
			    &why) < 0) {
		assert(why);
		return;
	}
	assert(slot.stored == size - SFS_SLOT_HEADER_SIZE);
	assert(slot.stored > 0 && slot.stored <= slot.length);
	assert(slot.length == chunk_size || slot.length == SFS_NODE_SIZE);
	again = sfs_fuzz_copy(bytes, size);
	memset(again, 0, SFS_SLOT_HEADER_SIZE);
	sfs_slot_encode(again, PACK, OFFSET, &slot);
	assert(memcmp(again, bytes, size) == 0);
	free(again);
	/* At any other place it must not verify. */
	assert(sfs_slot_decode(bytes, size, PACK, OFFSET + 1, chunk_size, &slot,
			       &why) < 0);
	assert(sfs_slot_decode(bytes, size, PACK + 1, OFFSET, chunk_size, &slot,
			       &why) < 0);
	check_content(bytes, &slot);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *copy;
	le64 check;

	decode(bytes, size, 4096);
	if (size < SFS_SLOT_HEADER_SIZE)
		return 0;
	copy = sfs_fuzz_copy(bytes, size);
	check = le64_put(XXH3_64bits_withSeed(
		copy + 8, size - 8,
		PACK ^ OFFSET * UINT64_C(0x9e3779b97f4a7c15)));
	memcpy(copy, &check, sizeof(check));
	decode(copy, size, 4096);
	decode(copy, size, 16384);
	free(copy);
	return 0;
}
