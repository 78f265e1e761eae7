/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Records of snapshots and sets, as such and with their checks put right. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "src/record.h"
#include "tests/fuzz/fuzz.h"
#include "tests/golden/golden.h"

/* The id in the text, which the file would have to be named after. */
static void find_id(const char *file, size_t size, const char *key,
		    size_t length, char ret[SFS_ID_SIZE])
{
	const char *at = memmem(file, size, key, strlen(key));

	memset(ret, 0, SFS_ID_SIZE);
	if (!at || strlen(key) + length > (size_t)(file + size - at))
		return;
	memcpy(ret, at + strlen(key), length);
}

static void decode_snapshot(const struct sfs_config *config, const char *file,
			    size_t size)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	CLEANUP_SNAPSHOT struct sfs_snapshot *back = NULL;
	CLEANUP_FREE char *once = NULL;
	CLEANUP_FREE char *twice = NULL;
	char id[SFS_ID_SIZE], buffer[SFS_RECORD_WHY_SIZE];
	size_t once_size, twice_size;
	const char *why = NULL;
	int r;

	find_id(file, size, "\"SnapshotId\": \"", 22, id);
	r = sfs_record_decode_snapshot(config, id, file, size, &snapshot,
				       buffer, &why);
	if (r < 0) {
		assert(why);
		return;
	}
	r = sfs_record_encode_snapshot(config, snapshot, &once, &once_size);
	assert(r == 0);
	r = sfs_record_decode_snapshot(config, id, once, once_size, &back,
				       buffer, &why);
	assert(r == 0);
	r = sfs_record_encode_snapshot(config, back, &twice, &twice_size);
	assert(r == 0 && once_size == twice_size &&
	       memcmp(once, twice, once_size) == 0);
}

static void decode_set(const struct sfs_config *config, const char *file,
		       size_t size)
{
	char id[SFS_ID_SIZE], buffer[SFS_RECORD_WHY_SIZE];
	CLEANUP_FREE char *again = NULL;
	const char *why = NULL;
	struct sfs_set set;
	size_t again_size;
	int r;

	find_id(file, size, "\"SetId\": \"", 21, id);
	r = sfs_record_decode_set(config, id, file, size, &set, buffer, &why);
	if (r < 0) {
		assert(why);
		return;
	}
	assert(set.members >= 1 && set.members <= SFS_SET_MEMBERS_MAX);
	r = sfs_record_encode_set(config, &set, &again, &again_size);
	assert(r == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sfs_config config;
	char *sealed;

	sfs_fuzz_quiet();
	sfs_golden_config(&config);
	decode_snapshot(&config, (const char *)bytes, size);
	sealed = sfs_fuzz_record(bytes, size);
	decode_snapshot(&config, sealed, size);
	decode_set(&config, sealed, size);
	free(sealed);
	return 0;
}
