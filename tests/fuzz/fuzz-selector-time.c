/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Times as a user types them behind VOLUME@. */

#include <assert.h>
#include <stdlib.h>

#include "format/time.h"
#include "tests/fuzz/fuzz.h"

#define END (INT64_C(9214646400) * SFS_SECOND) /* 2262-01-01 */

/* What is written for a time is a name for that time. */
static void check_back(int64_t time_ns,
		       void (*format)(int64_t time_ns, char ret[SFS_TIME_SIZE]))
{
	char text[SFS_TIME_SIZE];
	int64_t first, last;

	if (time_ns >= END) /* by way of a zone behind UTC */
		return;
	format(time_ns, text);
	assert(sfs_time_parse_user(text, &first, &last));
	assert(first == time_ns && last >= first);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *s = sfs_fuzz_string(bytes, size);
	int64_t first, last;

	if (sfs_time_parse_user(s, &first, &last)) {
		assert(first >= 0 && first <= last);
		assert(last - first < 86400 * SFS_SECOND);
		check_back(first, sfs_time_format);
		check_back(first, sfs_time_format_name);
	}
	free(s);
	return 0;
}
