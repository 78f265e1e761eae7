/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <xxhash.h>

#include "format/pack.h"

#define PACK   UINT64_C(0x0123456789abcdef)
#define CHUNK  16384u
#define OFFSET 4711u

/* ---- header ---- */

static const struct sfs_pack_header header = {
	.id = PACK,
	.repository = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
	.chunk_size = CHUNK,
};

static void reseal_header(uint8_t bytes[SFS_PACK_HEADER_SIZE])
{
	le64 check = le64_put(XXH3_64bits(bytes, 0x38));

	memcpy(bytes + 0x38, &check, sizeof(check));
}

static int decode_header(const uint8_t *bytes)
{
	struct sfs_pack_header ret;
	const char *why = NULL;
	int r;

	r = sfs_pack_header_decode(bytes, SFS_PACK_HEADER_SIZE, &ret, &why);
	assert_int_equal(r == 0, why == NULL);
	return r;
}

static void the_header_comes_back(void **state)
{
	uint8_t bytes[SFS_PACK_HEADER_SIZE];
	struct sfs_pack_header back;
	const char *why;

	(void)state;
	sfs_pack_header_encode(&header, bytes);
	assert_memory_equal(bytes, "snapfsPK\x01\0\0\0\x00\x40\0\0", 16);
	assert_memory_equal(bytes + 0x10, "\xef\xcd\xab\x89\x67\x45\x23\x01",
			    8);
	assert_int_equal(
		sfs_pack_header_decode(bytes, sizeof(bytes), &back, &why), 0);
	assert_int_equal(back.id, header.id);
	assert_int_equal(back.chunk_size, header.chunk_size);
	assert_memory_equal(back.repository, header.repository, SFS_UUID_LEN);
}

static void no_bit_of_the_header_can_change(void **state)
{
	uint8_t bytes[SFS_PACK_HEADER_SIZE];
	unsigned bit;

	(void)state;
	sfs_pack_header_encode(&header, bytes);
	for (bit = 0; bit < sizeof(bytes) * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(decode_header(bytes) < 0);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(decode_header(bytes), 0);
}

static void a_header_is_refused_for_the_right_reason(void **state)
{
	uint8_t bytes[SFS_PACK_HEADER_SIZE];
	struct sfs_pack_header ret;
	const char *why;
	unsigned i;

	(void)state;
	sfs_pack_header_encode(&header, bytes);
	assert_int_equal(
		sfs_pack_header_decode(bytes, sizeof(bytes) - 1, &ret, &why),
		-EUCLEAN);
	/* A newer version may have its check elsewhere. */
	bytes[8] = 2;
	assert_int_equal(decode_header(bytes), -EOPNOTSUPP);
	bytes[8] = 0;
	reseal_header(bytes);
	assert_int_equal(decode_header(bytes), -EUCLEAN);

	for (i = 0x28; i < 0x38; i++) {
		sfs_pack_header_encode(&header, bytes);
		bytes[i] = 1;
		reseal_header(bytes);
		assert_int_equal(decode_header(bytes), -EUCLEAN);
	}
	sfs_pack_header_encode(&header, bytes);
	bytes[0x38] ^= 1;
	assert_int_equal(decode_header(bytes), -EBADMSG);
	bytes[0] = 'S';
	assert_int_equal(decode_header(bytes), -EUCLEAN);
}

static void chunk_sizes_of_a_header(void **state)
{
	static const uint32_t bad[] = { 0,	  2048,	    4095,
					4097,	  12288,    16383,
					1u << 21, 1u << 31, UINT32_MAX };
	struct sfs_pack_header other = header;
	uint8_t bytes[SFS_PACK_HEADER_SIZE];
	uint32_t size;
	size_t i;

	(void)state;
	for (size = 4096; size <= 1u << 20; size *= 2) {
		other.chunk_size = size;
		sfs_pack_header_encode(&other, bytes);
		assert_int_equal(decode_header(bytes), 0);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		other.chunk_size = bad[i];
		sfs_pack_header_encode(&other, bytes);
		assert_int_equal(decode_header(bytes), -EUCLEAN);
	}
}

/* ---- slots ---- */

static uint8_t slot_bytes[SFS_SLOT_HEADER_SIZE + 2 * CHUNK];

static size_t make_slot(uint32_t stored, uint32_t length, uint8_t codec,
			uint8_t kind)
{
	struct sfs_slot slot = { stored, length, codec, kind };
	uint32_t i;

	for (i = 0; i < stored; i++)
		slot_bytes[SFS_SLOT_HEADER_SIZE + i] = (uint8_t)(i * 7 + 3);
	sfs_slot_encode(slot_bytes, PACK, OFFSET, &slot);
	return SFS_SLOT_HEADER_SIZE + stored;
}

static int decode_at(size_t size, uint64_t pack, uint32_t offset)
{
	const char *why = NULL;
	struct sfs_slot ret;
	int r;

	r = sfs_slot_decode(slot_bytes, size, pack, offset, CHUNK, &ret, &why);
	assert_int_equal(r == 0, why == NULL);
	return r;
}

static int make_and_decode(uint32_t stored, uint32_t length, uint8_t codec,
			   uint8_t kind)
{
	return decode_at(make_slot(stored, length, codec, kind), PACK, OFFSET);
}

static void a_slot_comes_back(void **state)
{
	struct sfs_slot back;
	const char *why;
	size_t size;

	(void)state;
	size = make_slot(1000, CHUNK, SFS_CODEC_LZ4, SFS_KIND_DATA);
	assert_int_equal(sfs_slot_decode(slot_bytes, size, PACK, OFFSET, CHUNK,
					 &back, &why),
			 0);
	assert_int_equal(back.stored, 1000);
	assert_int_equal(back.length, CHUNK);
	assert_int_equal(back.codec, SFS_CODEC_LZ4);
	assert_int_equal(back.kind, SFS_KIND_DATA);
}

static void no_bit_of_a_slot_can_change(void **state)
{
	size_t size = make_slot(1000, CHUNK, SFS_CODEC_LZ4, SFS_KIND_DATA);
	size_t bit;

	(void)state;
	for (bit = 0; bit < size * 8; bit++) {
		slot_bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(decode_at(size, PACK, OFFSET), -EBADMSG);
		slot_bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(decode_at(size, PACK, OFFSET), 0);
}

static void a_slot_verifies_in_its_own_place_only(void **state)
{
	size_t size = make_slot(1000, CHUNK, SFS_CODEC_LZ4, SFS_KIND_DATA);
	unsigned bit;

	(void)state;
	for (bit = 0; bit < 64; bit++)
		assert_int_equal(
			decode_at(size, PACK ^ UINT64_C(1) << bit, OFFSET),
			-EBADMSG);
	for (bit = 0; bit < 32; bit++)
		assert_int_equal(decode_at(size, PACK, OFFSET ^ 1u << bit),
				 -EBADMSG);
}

static void a_slot_has_the_size_it_was_asked_for(void **state)
{
	size_t size = make_slot(1000, CHUNK, SFS_CODEC_LZ4, SFS_KIND_DATA), n;

	(void)state;
	for (n = 0; n < SFS_SLOT_HEADER_SIZE; n++)
		assert_int_equal(decode_at(n, PACK, OFFSET), -EUCLEAN);
	assert_int_equal(decode_at(size - 1, PACK, OFFSET), -EBADMSG);
	assert_int_equal(decode_at(size + 1, PACK, OFFSET), -EBADMSG);
}

/* With a right check, and so by a writer's hand. */
static void slots_that_make_no_sense(void **state)
{
	unsigned kind, codec;

	(void)state;
	for (kind = 0; kind < 256; kind++)
		assert_int_equal(
			make_and_decode(100,
					kind == SFS_KIND_DATA ? CHUNK
							      : SFS_NODE_SIZE,
					SFS_CODEC_LZ4, (uint8_t)kind),
			kind == 2 || (kind >= 17 && kind <= 23) ? 0 : -EUCLEAN);
	for (codec = 0; codec < 256; codec++)
		assert_int_equal(make_and_decode(100, CHUNK, (uint8_t)codec,
						 SFS_KIND_DATA),
				 codec == SFS_CODEC_LZ4 ? 0 : -EUCLEAN);
	assert_int_equal(make_and_decode(100, CHUNK / 2, 1, 2), -EUCLEAN);
	assert_int_equal(make_and_decode(100, SFS_NODE_SIZE, 1, 2), -EUCLEAN);
	assert_int_equal(make_and_decode(100, CHUNK, 1, 17), -EUCLEAN);
	assert_int_equal(make_and_decode(0, CHUNK, 1, 2), -EUCLEAN);
	assert_int_equal(make_and_decode(CHUNK - 1, CHUNK, 1, 2), 0);
	assert_int_equal(make_and_decode(CHUNK, CHUNK, 1, 2), -EUCLEAN);
	assert_int_equal(make_and_decode(CHUNK, CHUNK, 0, 2), 0);
	assert_int_equal(make_and_decode(CHUNK - 1, CHUNK, 0, 2), -EUCLEAN);
	assert_int_equal(make_and_decode(CHUNK + 1, CHUNK, 0, 2), -EUCLEAN);
}

/* ---- table and footer ---- */

#define ROWS 5u

static const struct sfs_row rows[ROWS] = {
	{ 64, 100, SFS_KIND_DATA, { { 1 } } },
	{ 180, CHUNK, SFS_KIND_DATA, { { 2 } } },
	{ 16580, 1, SFS_KIND_NODE + 1, { { 3 } } },
	{ 16597, SFS_NODE_SIZE, SFS_KIND_NODE + 7, { { 4 } } },
	{ 20709, 33, SFS_KIND_DATA, { { 5 } } },
};
#define TABLE_OFFSET (20709u + 16 + 33)
#define TABLE_SIZE   (ROWS * SFS_SLOT_ROW_SIZE + SFS_PACK_FOOTER_SIZE)
#define PACK_SIZE    (TABLE_OFFSET + TABLE_SIZE)

static void reseal_table(uint8_t *bytes)
{
	le64 check = le64_put(XXH3_64bits(bytes, TABLE_SIZE - 8));

	memcpy(bytes + TABLE_SIZE - 8, &check, sizeof(check));
}

/* Footer, then table, as a reader does. */
static int decode_table(const uint8_t bytes[TABLE_SIZE], uint64_t pack_size,
			struct sfs_row ret[ROWS])
{
	struct sfs_pack_footer footer;
	const char *why = NULL;
	int r;

	r = sfs_pack_footer_decode(bytes + TABLE_SIZE - SFS_PACK_FOOTER_SIZE,
				   SFS_PACK_FOOTER_SIZE, pack_size, &footer,
				   &why);
	if (r == 0 && footer.slots != ROWS)
		return -ERANGE;
	if (r == 0)
		r = sfs_pack_table_decode(bytes, TABLE_SIZE, &footer, CHUNK,
					  ret, &why);
	assert_int_equal(r == 0, why == NULL);
	return r;
}

static void the_table_comes_back(void **state)
{
	uint8_t bytes[TABLE_SIZE];
	struct sfs_row back[ROWS];
	struct sfs_pack_footer footer;
	const char *why;
	unsigned i;

	(void)state;
	assert_int_equal(sfs_pack_table_size(ROWS), TABLE_SIZE);
	sfs_pack_table_encode(PACK, rows, ROWS, bytes);
	assert_int_equal(decode_table(bytes, PACK_SIZE, back), 0);
	for (i = 0; i < ROWS; i++) {
		assert_int_equal(back[i].offset, rows[i].offset);
		assert_int_equal(back[i].stored, rows[i].stored);
		assert_int_equal(back[i].kind, rows[i].kind);
		assert_memory_equal(&back[i].hash, &rows[i].hash, 16);
	}
	assert_int_equal(sfs_pack_footer_decode(bytes + TABLE_SIZE -
							SFS_PACK_FOOTER_SIZE,
						SFS_PACK_FOOTER_SIZE, PACK_SIZE,
						&footer, &why),
			 0);
	assert_int_equal(footer.id, PACK);
	assert_int_equal(footer.slots, ROWS);
	assert_int_equal(footer.table_offset, TABLE_OFFSET);
}

static void no_bit_of_the_table_can_change(void **state)
{
	uint8_t bytes[TABLE_SIZE];
	struct sfs_row back[ROWS];
	unsigned bit;

	(void)state;
	sfs_pack_table_encode(PACK, rows, ROWS, bytes);
	for (bit = 0; bit < TABLE_SIZE * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(decode_table(bytes, PACK_SIZE, back) < 0);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(decode_table(bytes, PACK_SIZE, back), 0);
}

static void a_pack_without_slots(void **state)
{
	uint8_t bytes[SFS_PACK_FOOTER_SIZE];
	struct sfs_pack_footer footer;
	struct sfs_row none[1];
	const char *why;

	(void)state;
	sfs_pack_table_encode(PACK, NULL, 0, bytes);
	assert_int_equal(sfs_pack_footer_decode(bytes, sizeof(bytes),
						SFS_PACK_SIZE_MIN, &footer,
						&why),
			 0);
	assert_int_equal(sfs_pack_table_decode(bytes, sizeof(bytes), &footer,
					       CHUNK, none, &why),
			 0);
}

static int decode_footer(uint32_t slots, uint32_t table_offset,
			 uint64_t pack_size)
{
	uint8_t bytes[SFS_PACK_FOOTER_SIZE];
	struct sfs_pack_footer footer;
	const char *why;
	le32 words[2] = { le32_put(slots), le32_put(table_offset) };

	sfs_pack_table_encode(PACK, NULL, 0, bytes);
	memcpy(bytes + 0x10, words, sizeof(words));
	return sfs_pack_footer_decode(bytes, sizeof(bytes), pack_size, &footer,
				      &why);
}

/* Whatever they say, the numbers lead nowhere outside the pack. */
static void numbers_of_the_footer(void **state)
{
	(void)state;
	assert_int_equal(decode_footer(0, 64, 96), 0);
	assert_int_equal(decode_footer(0, 64, 95), -EUCLEAN);
	assert_int_equal(decode_footer(0, 64, 97), -EUCLEAN);
	assert_int_equal(decode_footer(0, 64, 0), -EUCLEAN);
	assert_int_equal(decode_footer(0, 63, 95), -EUCLEAN);
	assert_int_equal(decode_footer(1, 44, 96), -EUCLEAN);
	assert_int_equal(decode_footer(2, 200, 272), 0);
	assert_int_equal(decode_footer(1u << 20, 64, 96 + (20u << 20)), 0);
	assert_int_equal(decode_footer((1u << 20) + 1, 64, 116 + (20u << 20)),
			 -EUCLEAN);
	assert_int_equal(decode_footer(0, (1u << 30) - 32, 1u << 30), 0);
	assert_int_equal(decode_footer(0, (1u << 30) - 31, (1u << 30) + 1),
			 -EUCLEAN);
	/* Sums that would fit if they overflowed. */
	assert_int_equal(decode_footer(UINT32_MAX, UINT32_MAX, 96), -EUCLEAN);
	assert_int_equal(decode_footer(5, 0u - 100, 128), -EUCLEAN);
	assert_int_equal(decode_footer(4, UINT32_MAX - 15, 96), -EUCLEAN);
}

static int decode_with_row(unsigned i, uint32_t stored, uint8_t kind)
{
	le32 word = le32_put(stored | (uint32_t)kind << 24);
	uint8_t bytes[TABLE_SIZE];
	struct sfs_row back[ROWS];

	sfs_pack_table_encode(PACK, rows, ROWS, bytes);
	memcpy(bytes + i * SFS_SLOT_ROW_SIZE, &word, sizeof(word));
	reseal_table(bytes);
	return decode_table(bytes, PACK_SIZE, back);
}

static void rows_that_make_no_sense(void **state)
{
	unsigned kind;

	(void)state;
	assert_int_equal(decode_with_row(0, 100, SFS_KIND_DATA), 0);
	assert_int_equal(decode_with_row(0, 99, SFS_KIND_DATA), -EUCLEAN);
	assert_int_equal(decode_with_row(0, 101, SFS_KIND_DATA), -EUCLEAN);
	assert_int_equal(decode_with_row(0, 0, SFS_KIND_DATA), -EUCLEAN);
	assert_int_equal(decode_with_row(1, CHUNK + 1, SFS_KIND_DATA),
			 -EUCLEAN);
	assert_int_equal(decode_with_row(1, CHUNK, SFS_KIND_NODE + 1),
			 -EUCLEAN);
	assert_int_equal(decode_with_row(1, 0xffffff, SFS_KIND_DATA), -EUCLEAN);
	for (kind = 0; kind < 256; kind++)
		assert_int_equal(
			decode_with_row(2, 1, (uint8_t)kind),
			kind == 2 || (kind >= 17 && kind <= 23) ? 0 : -EUCLEAN);
}

static void a_table_of_another_size(void **state)
{
	uint8_t bytes[TABLE_SIZE];
	struct sfs_pack_footer footer = { PACK, ROWS, TABLE_OFFSET };
	struct sfs_row back[ROWS];
	const char *why;

	(void)state;
	sfs_pack_table_encode(PACK, rows, ROWS, bytes);
	assert_int_equal(sfs_pack_table_decode(bytes, TABLE_SIZE - 1, &footer,
					       CHUNK, back, &why),
			 -EUCLEAN);
	bytes[0] ^= 1;
	assert_int_equal(sfs_pack_table_decode(bytes, TABLE_SIZE, &footer,
					       CHUNK, back, &why),
			 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_header_comes_back),
		cmocka_unit_test(no_bit_of_the_header_can_change),
		cmocka_unit_test(a_header_is_refused_for_the_right_reason),
		cmocka_unit_test(chunk_sizes_of_a_header),
		cmocka_unit_test(a_slot_comes_back),
		cmocka_unit_test(no_bit_of_a_slot_can_change),
		cmocka_unit_test(a_slot_verifies_in_its_own_place_only),
		cmocka_unit_test(a_slot_has_the_size_it_was_asked_for),
		cmocka_unit_test(slots_that_make_no_sense),
		cmocka_unit_test(the_table_comes_back),
		cmocka_unit_test(no_bit_of_the_table_can_change),
		cmocka_unit_test(a_pack_without_slots),
		cmocka_unit_test(numbers_of_the_footer),
		cmocka_unit_test(rows_that_make_no_sense),
		cmocka_unit_test(a_table_of_another_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
