/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdlib.h>

#include "format/limits.h"
#include "format/record.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const size_t prefix = sizeof(SFS_RECORD_PREFIX) - 1;
	const char *why = NULL;
	char *sealed;
	int r;

	r = sfs_record_verify((const char *)bytes, size, &why);
	assert(r == 0 || why);
	sealed = sfs_fuzz_record(bytes, size);
	r = sfs_record_verify(sealed, size, &why);
	assert((r == 0) == (size > prefix && size <= SFS_RECORD_SIZE_MAX));
	if (r == 0) {
		sealed[size - 1] ^= 1;
		assert(sfs_record_verify(sealed, size, &why) < 0);
	}
	free(sealed);
	return 0;
}
