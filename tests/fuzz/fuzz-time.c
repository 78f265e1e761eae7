/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Times in records: the input as text, and its first bytes as a number. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/time.h"
#include "tests/fuzz/fuzz.h"

/* 2262-01-01 */
#define END (INT64_C(9214646400) * SFS_SECOND)

static void check_number(const uint8_t *bytes)
{
	char text[SFS_TIME_SIZE];
	uint64_t number;
	int64_t back;

	memcpy(&number, bytes, sizeof(number));
	sfs_time_format((int64_t)(number % (uint64_t)END), text);
	assert(sfs_time_parse(text, &back));
	assert((uint64_t)back == number % (uint64_t)END);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *s = sfs_fuzz_string(bytes, size);
	char again[SFS_TIME_SIZE];
	int64_t time_ns;

	if (sfs_time_parse(s, &time_ns)) {
		assert(time_ns >= 0 && time_ns < END);
		sfs_time_format(time_ns, again);
		assert(strcmp(again, s) == 0);
	}
	free(s);
	if (size >= sizeof(uint64_t))
		check_number(bytes);
	return 0;
}
