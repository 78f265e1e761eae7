/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "format/record.h"
#include "src/log.h"

uint8_t *sfs_fuzz_copy(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (!copy)
		abort();
	if (size > 0)
		memcpy(copy, bytes, size);
	return copy;
}

char *sfs_fuzz_string(const uint8_t *bytes, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		abort();
	if (size > 0)
		memcpy(copy, bytes, size);
	copy[size] = '\0';
	return copy;
}

char *sfs_fuzz_record(const uint8_t *bytes, size_t size)
{
	const size_t prefix = sizeof(SFS_RECORD_PREFIX) - 1;
	char *file = (char *)sfs_fuzz_copy(bytes, size);

	if (size <= prefix)
		return file;
	memcpy(file, SFS_RECORD_PREFIX, prefix);
	sfs_record_seal(file, size);
	return file;
}

static void drop(enum sfs_level level, const char *text)
{
	(void)level;
	(void)text;
}

void sfs_fuzz_quiet(void)
{
	sfs_log_set_sink(drop);
}
