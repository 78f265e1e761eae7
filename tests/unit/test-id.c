/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "format/id.h"
#include "format/le.h"

static void an_id_is_its_prefix_and_digits(void **state)
{
	static const uint8_t random[9] = { 0x01, 0x23, 0x45, 0x67, 0x89,
					   0xab, 0xcd, 0xef, 0x0f };
	static const char *const kinds[] = { SFS_ID_SNAPSHOT, SFS_ID_VOLUME,
					     SFS_ID_IMAGE, SFS_ID_SET,
					     SFS_ID_POLICY };
	char id[SFS_ID_SIZE];
	unsigned i, j;

	(void)state;
	sfs_id_format(SFS_ID_SNAPSHOT, random, id);
	assert_string_equal(id, "snap-0123456789abcdef0");
	for (i = 0; i < 5; i++) {
		sfs_id_format(kinds[i], random, id);
		for (j = 0; j < 5; j++)
			assert_int_equal(sfs_id_valid(id, kinds[j]), i == j);
	}
}

/* The four bits that have no digit do not matter; all others do. */
static void all_of_the_randomness_is_used(void **state)
{
	uint8_t random[9] = { 0 };
	char zero[SFS_ID_SIZE], id[SFS_ID_SIZE];
	unsigned bit;

	(void)state;
	sfs_id_format(SFS_ID_SET, random, zero);
	for (bit = 0; bit < 72; bit++) {
		memset(random, 0, sizeof(random));
		random[bit / 8] = (uint8_t)(1 << bit % 8);
		sfs_id_format(SFS_ID_SET, random, id);
		assert_int_equal(strcmp(id, zero) == 0, bit >= 64 && bit < 68);
	}
}

static void anything_else_is_no_id(void **state)
{
	static const char *const bad[] = {
		"",
		"snap-",
		"snap-0123456789abcdef",
		"snap-0123456789abcdef01",
		"snap-0123456789abcdeF0",
		"snap-0123456789abcdeg0",
		"snap-0123456789abcde 0",
		"snap_0123456789abcdef0",
		"SNAP-0123456789abcdef0",
		" snap-0123456789abcdef0",
		"snap-0123456789abcdef0\n",
		"snap-../../../etc/pass",
		"0123456789abcdef0",
	};
	unsigned i;

	(void)state;
	assert_true(sfs_id_valid("snap-0123456789abcdef0", SFS_ID_SNAPSHOT));
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(sfs_id_valid(bad[i], SFS_ID_SNAPSHOT));
}

static void uuids_come_back(void **state)
{
	static const char text[] = "00112233-4455-6677-8899-aabbccddeeff";
	uint8_t uuid[SFS_UUID_LEN];
	char back[SFS_UUID_SIZE];
	unsigned i;

	(void)state;
	assert_true(sfs_uuid_parse(text, uuid));
	for (i = 0; i < SFS_UUID_LEN; i++)
		assert_int_equal(uuid[i], i * 0x11);
	sfs_uuid_format(uuid, back);
	assert_string_equal(back, text);
}

static void other_uuids_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"00112233-4455-6677-8899-aabbccddeef",
		"00112233-4455-6677-8899-aabbccddeeff0",
		"00112233-4455-6677-8899-aabbccddeefF",
		"00112233-4455-6677-8899-aabbccddeefg",
		"001122334455-6677-8899--aabbccddeeff",
		"00112233445566778899aabbccddeeff",
		"00112233-4455-6677-8899aaabbccddeeff",
		"{0112233-4455-6677-8899-aabbccddeeff",
	};
	uint8_t uuid[SFS_UUID_LEN] = { 7 };
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(sfs_uuid_parse(bad[i], uuid));
	assert_int_equal(uuid[0], 7);
}

static void hex_comes_back(void **state)
{
	uint8_t bytes[256], back[256];
	char hex[513];
	unsigned i;

	(void)state;
	for (i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	sfs_hex_format(bytes, 256, hex);
	assert_int_equal(strlen(hex), 512);
	assert_memory_equal(hex + 0x9e * 2, "9e9fa0", 6);
	assert_true(sfs_hex_parse(hex, back, 256));
	assert_memory_equal(bytes, back, 256);
}

static void other_hex_is_refused(void **state)
{
	uint8_t bytes[2] = { 7, 7 };
	int c;
	char hex[] = "00ff";

	(void)state;
	assert_false(sfs_hex_parse("", bytes, 2));
	assert_false(sfs_hex_parse("00f", bytes, 2));
	assert_false(sfs_hex_parse("00fff", bytes, 2));
	for (c = 1; c < 256; c++) {
		if (strchr("0123456789abcdef", c))
			continue;
		hex[3] = (char)c;
		assert_false(sfs_hex_parse(hex, bytes, 2));
	}
	assert_int_equal(bytes[0], 7);
	assert_int_equal(bytes[1], 7);
}

static void integers_are_little_endian(void **state)
{
	static const uint8_t bytes[] = { 0xf1, 0xe2, 0xd3, 0xc4,
					 0xb5, 0xa6, 0x97, 0x88 };
	le16 v16;
	le32 v32;
	le64 v64;

	(void)state;
	memcpy(&v16, bytes, sizeof(v16));
	memcpy(&v32, bytes, sizeof(v32));
	memcpy(&v64, bytes, sizeof(v64));
	assert_int_equal(le16_get(v16), 0xe2f1);
	assert_int_equal(le32_get(v32), 0xc4d3e2f1);
	assert_int_equal(le64_get(v64), UINT64_C(0x8897a6b5c4d3e2f1));
	v16 = le16_put(0xe2f1);
	v32 = le32_put(0xc4d3e2f1);
	v64 = le64_put(UINT64_C(0x8897a6b5c4d3e2f1));
	assert_memory_equal(&v16, bytes, sizeof(v16));
	assert_memory_equal(&v32, bytes, sizeof(v32));
	assert_memory_equal(&v64, bytes, sizeof(v64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_its_prefix_and_digits),
		cmocka_unit_test(all_of_the_randomness_is_used),
		cmocka_unit_test(anything_else_is_no_id),
		cmocka_unit_test(uuids_come_back),
		cmocka_unit_test(other_uuids_are_refused),
		cmocka_unit_test(hex_comes_back),
		cmocka_unit_test(other_hex_is_refused),
		cmocka_unit_test(integers_are_little_endian),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
