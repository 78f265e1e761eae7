/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/record.h"

#include <errno.h>
#include <string.h>

#include "format/id.h"
#include "format/limits.h"
#include "format/xxh.h"

#define PREFIX_SIZE (sizeof(SFS_RECORD_PREFIX) - 1)
#define HEX_OFFSET  10
#define HEX_SIZE    16

static void check_of(const char *file, size_t size, char hex[HEX_SIZE + 1])
{
	XXH64_canonical_t check;

	XXH64_canonicalFromHash(
		&check, XXH3_64bits(file + PREFIX_SIZE, size - PREFIX_SIZE));
	sfs_hex_format(check.digest, sizeof(check.digest), hex);
}

void sfs_record_seal(char *file, size_t size)
{
	char hex[HEX_SIZE + 1];

	check_of(file, size, hex);
	memcpy(file + HEX_OFFSET, hex, HEX_SIZE);
}

int sfs_record_verify(const char *file, size_t size, const char **reterr_why)
{
	char hex[HEX_SIZE + 1];

	*reterr_why = "not a record";
	if (size <= PREFIX_SIZE || size > SFS_RECORD_SIZE_MAX ||
	    memcmp(file, SFS_RECORD_PREFIX, HEX_OFFSET) != 0 ||
	    memcmp(file + HEX_OFFSET + HEX_SIZE, "\",", 2) != 0)
		return -EUCLEAN;
	*reterr_why = "check is wrong: altered or truncated";
	check_of(file, size, hex);
	if (memcmp(file + HEX_OFFSET, hex, HEX_SIZE) != 0)
		return -EBADMSG;
	return 0;
}
