/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "format/limits.h"
#include "format/record.h"

static const char unsealed[] = SFS_RECORD_PREFIX "\n \"Format\":\"snapfs\"}\n";

static int verify(const char *file, size_t size)
{
	const char *why = NULL;
	int r;

	r = sfs_record_verify(file, size, &why);
	assert_true(r == 0 || why != NULL);
	return r;
}

/* Only the zeros of the prefix change, to what FORMAT.md says. */
static void the_check_is_as_told(void **state)
{
	char file[sizeof(unsealed)], hex[17];
	size_t size = sizeof(unsealed) - 1;

	(void)state;
	memcpy(file, unsealed, sizeof(file));
	assert_int_equal(verify(file, size), -EBADMSG);
	sfs_record_seal(file, size);
	assert_int_equal(verify(file, size), 0);
	snprintf(hex, sizeof(hex), "%016llx",
		 (unsigned long long)XXH3_64bits(file + 28, size - 28));
	assert_memory_equal(file + 10, hex, 16);
	assert_memory_equal(file, unsealed, 10);
	assert_string_equal(file + 26, unsealed + 26);
}

static void sealing_twice_changes_nothing(void **state)
{
	char once[sizeof(unsealed)], twice[sizeof(unsealed)];

	(void)state;
	memcpy(once, unsealed, sizeof(once));
	sfs_record_seal(once, sizeof(once) - 1);
	memcpy(twice, once, sizeof(twice));
	sfs_record_seal(twice, sizeof(twice) - 1);
	assert_string_equal(once, twice);
}

static void no_bit_can_change(void **state)
{
	char file[sizeof(unsealed)];
	size_t size = sizeof(unsealed) - 1, bit;
	int r;

	(void)state;
	memcpy(file, unsealed, sizeof(file));
	sfs_record_seal(file, size);
	for (bit = 0; bit < size * 8; bit++) {
		file[bit / 8] ^= (char)(1 << bit % 8);
		r = verify(file, size);
		if (bit / 8 < 10 || bit / 8 == 26 || bit / 8 == 27)
			assert_int_equal(r, -EUCLEAN);
		else
			assert_int_equal(r, -EBADMSG);
		file[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_int_equal(verify(file, size), 0);
}

/* On the heap and of its very size, so that ASan sees a look beyond it. */
static void no_byte_can_be_missing(void **state)
{
	size_t size = sizeof(unsealed) - 1, n;
	char file[sizeof(unsealed)], *cut;

	(void)state;
	memcpy(file, unsealed, sizeof(file));
	sfs_record_seal(file, size);
	for (n = 0; n < size; n++) {
		cut = malloc(n ? n : 1);
		assert_non_null(cut);
		memcpy(cut, file, n);
		assert_int_equal(verify(cut, n), n <= 28 ? -EUCLEAN : -EBADMSG);
		free(cut);
	}
	assert_int_equal(verify(file, size + 1), -EBADMSG);
}

static void a_check_has_one_spelling(void **state)
{
	char file[sizeof(unsealed)];
	size_t size = sizeof(unsealed) - 1, i;

	(void)state;
	memcpy(file, unsealed, sizeof(file));
	sfs_record_seal(file, size);
	for (i = 10; i < 26; i++)
		if (file[i] >= 'a' && file[i] <= 'f')
			break;
	assert_true(i < 26);
	file[i] ^= 0x20;
	assert_int_equal(verify(file, size), -EBADMSG);
}

static void a_record_has_at_most_a_mebibyte(void **state)
{
	char *file = malloc(SFS_RECORD_SIZE_MAX + 1);

	(void)state;
	assert_non_null(file);
	memset(file, ' ', SFS_RECORD_SIZE_MAX + 1);
	memcpy(file, SFS_RECORD_PREFIX, strlen(SFS_RECORD_PREFIX));
	sfs_record_seal(file, SFS_RECORD_SIZE_MAX);
	assert_int_equal(verify(file, SFS_RECORD_SIZE_MAX), 0);
	sfs_record_seal(file, SFS_RECORD_SIZE_MAX + 1);
	assert_int_equal(verify(file, SFS_RECORD_SIZE_MAX + 1), -EUCLEAN);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_check_is_as_told),
		cmocka_unit_test(sealing_twice_changes_nothing),
		cmocka_unit_test(no_bit_can_change),
		cmocka_unit_test(no_byte_can_be_missing),
		cmocka_unit_test(a_check_has_one_spelling),
		cmocka_unit_test(a_record_has_at_most_a_mebibyte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
