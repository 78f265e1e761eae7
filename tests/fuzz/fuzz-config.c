/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "src/record.h"
#include "tests/fuzz/fuzz.h"

static void decode(const char *file, size_t size)
{
	char buffer[SFS_RECORD_WHY_SIZE];
	CLEANUP_FREE char *once = NULL;
	CLEANUP_FREE char *twice = NULL;
	size_t once_size, twice_size;
	struct sfs_config config;
	const char *why = NULL;
	int r;

	r = sfs_record_decode_config(file, size, &config, buffer, &why);
	if (r < 0) {
		assert(why);
		return;
	}
	assert(sfs_chunk_size_ok(config.chunk_size));
	r = sfs_record_encode_config(&config, &once, &once_size);
	assert(r == 0);
	r = sfs_record_decode_config(once, once_size, &config, buffer, &why);
	assert(r == 0);
	r = sfs_record_encode_config(&config, &twice, &twice_size);
	assert(r == 0 && once_size == twice_size &&
	       memcmp(once, twice, once_size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *sealed;

	sfs_fuzz_quiet();
	decode((const char *)bytes, size);
	sealed = sfs_fuzz_record(bytes, size);
	decode(sealed, size);
	free(sealed);
	return 0;
}
