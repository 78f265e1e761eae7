/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The input is the end of a pack: a table and its footer. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "format/le.h"
#include "format/pack.h"
#include "tests/fuzz/fuzz.h"

static void check_rows(const struct sfs_pack_footer *footer,
		       const struct sfs_row *rows, const uint8_t *bytes,
		       size_t size)
{
	uint64_t offset = SFS_PACK_HEADER_SIZE;
	uint8_t *again = sfs_fuzz_copy(bytes, size);
	uint32_t i;

	for (i = 0; i < footer->slots; i++) {
		assert(rows[i].offset == offset);
		offset += SFS_SLOT_HEADER_SIZE + rows[i].stored;
	}
	assert(offset == footer->table_offset);
	memset(again, 0, size);
	sfs_pack_table_encode(footer->id, rows, footer->slots, again);
	assert(memcmp(again, bytes, size) == 0);
	free(again);
}

static void decode(const uint8_t *bytes, size_t size)
{
	struct sfs_pack_footer footer;
	const char *why = NULL;
	struct sfs_row *rows;
	le32 table_offset;
	int r;

	if (size < SFS_PACK_FOOTER_SIZE) {
		assert(sfs_pack_footer_decode(bytes, size, size, &footer,
					      &why) < 0);
		return;
	}
	memcpy(&table_offset, bytes + size - 12, sizeof(table_offset));
	r = sfs_pack_footer_decode(
		bytes + size - SFS_PACK_FOOTER_SIZE, SFS_PACK_FOOTER_SIZE,
		(uint64_t)le32_get(table_offset) + size, &footer, &why);
	if (r < 0)
		return;
	assert(sfs_pack_table_size(footer.slots) == size);
	rows = calloc(footer.slots + 1, sizeof(*rows));
	if (!rows)
		abort();
	r = sfs_pack_table_decode(bytes, size, &footer, 4096, rows, &why);
	if (r == 0)
		check_rows(&footer, rows, bytes, size);
	free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *copy;
	le64 check;

	decode(bytes, size);
	if (size < SFS_PACK_FOOTER_SIZE)
		return 0;
	copy = sfs_fuzz_copy(bytes, size);
	check = le64_put(XXH3_64bits(copy, size - sizeof(check)));
	memcpy(copy + size - sizeof(check), &check, sizeof(check));
	decode(copy, size);
	free(copy);
	return 0;
}
