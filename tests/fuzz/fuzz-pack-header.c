/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "format/le.h"
#include "format/pack.h"
#include "tests/fuzz/fuzz.h"

static void decode(const uint8_t *bytes, size_t size)
{
	uint8_t again[SFS_PACK_HEADER_SIZE];
	struct sfs_pack_header header;
	const char *why = NULL;

	if (sfs_pack_header_decode(bytes, size, &header, &why) < 0) {
		assert(why);
		return;
	}
	assert(sfs_chunk_size_ok(header.chunk_size));
	sfs_pack_header_encode(&header, again);
	assert(memcmp(again, bytes, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *copy;
	le64 check;

	decode(bytes, size);
	if (size < SFS_PACK_HEADER_SIZE)
		return 0;
	copy = sfs_fuzz_copy(bytes, size);
	check = le64_put(XXH3_64bits(copy, 0x38));
	memcpy(copy + 0x38, &check, sizeof(check));
	decode(copy, size);
	free(copy);
	return 0;
}
