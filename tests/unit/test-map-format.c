/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "format/map.h"
#include "format/pack.h"

#define CHUNK 16384u

static const struct sfs_entry data = {
	.pack = UINT64_C(0x0123456789abcdef),
	.offset = 0x13579bdf,
	.stored = 0x1234,
	.hash = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } },
	.kind = SFS_KIND_DATA,
};

static int decode(const struct sfs_entry *entry, unsigned height,
		  struct sfs_entry *ret)
{
	uint8_t bytes[SFS_ENTRY_SIZE];
	const char *why = NULL;
	int r;

	sfs_entry_encode(entry, bytes);
	r = sfs_entry_decode(bytes, height, CHUNK, ret, &why);
	assert_int_equal(r == 0, why == NULL);
	assert_true(r == 0 || r == -EUCLEAN);
	return r;
}

static int judge(struct sfs_entry entry, unsigned height)
{
	struct sfs_entry back;

	return decode(&entry, height, &back);
}

static void an_entry_lies_as_told(void **state)
{
	uint8_t bytes[SFS_ENTRY_SIZE];
	struct sfs_entry back;

	(void)state;
	sfs_entry_encode(&data, bytes);
	assert_memory_equal(bytes,
			    "\xef\xcd\xab\x89\x67\x45\x23\x01"
			    "\xdf\x9b\x57\x13\x34\x12\x00\x02"
			    "\x01\x02\x03\x04\x05\x06\x07\x08"
			    "\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10",
			    SFS_ENTRY_SIZE);
	assert_int_equal(decode(&data, 0, &back), 0);
	assert_true(sfs_entry_equal(&data, &back));
}

static void entries_differ_in_any_field(void **state)
{
	struct sfs_entry other[5] = { data, data, data, data, data };
	unsigned i;

	(void)state;
	other[0].pack++;
	other[1].offset++;
	other[2].stored++;
	other[3].hash.b[15]++;
	other[4].kind = SFS_KIND_BAD;
	for (i = 0; i < 5; i++)
		assert_false(sfs_entry_equal(&data, &other[i]));
}

/* Each kind at each height: FORMAT.md, Map entry. */
static void kinds_belong_to_heights(void **state)
{
	struct sfs_entry entry;
	unsigned kind, height;
	bool good;

	(void)state;
	for (kind = 0; kind < 256; kind++) {
		for (height = 0; height <= SFS_MAP_HEIGHT_MAX; height++) {
			entry = (struct sfs_entry){ .kind = (uint8_t)kind };
			good = kind < 2 || (kind == 3 && height == 0);
			if (sfs_entry_stored(&entry)) {
				entry = data;
				entry.kind = (uint8_t)kind;
				entry.stored = 1;
				good = kind == 2 ? height == 0
						 : height > 0 &&
							   kind == 16 + height;
			}
			assert_int_equal(judge(entry, height) == 0, good);
		}
	}
}

static void what_is_not_stored_has_no_place(void **state)
{
	static const uint8_t kinds[] = { SFS_KIND_HOLE, SFS_KIND_ZERO,
					 SFS_KIND_BAD };
	struct sfs_entry entry;
	unsigned i, byte;

	(void)state;
	for (i = 0; i < 3; i++) {
		entry = (struct sfs_entry){ .kind = kinds[i] };
		assert_false(sfs_entry_stored(&entry));
		assert_int_equal(judge(entry, 0), 0);
		entry.pack = UINT64_C(1) << 63;
		assert_int_equal(judge(entry, 0), -EUCLEAN);
		entry = (struct sfs_entry){ .kind = kinds[i], .offset = 1 };
		assert_int_equal(judge(entry, 0), -EUCLEAN);
		entry = (struct sfs_entry){ .kind = kinds[i], .stored = 1 };
		assert_int_equal(judge(entry, 0), -EUCLEAN);
		for (byte = 0; byte < 16; byte++) {
			entry = (struct sfs_entry){ .kind = kinds[i] };
			entry.hash.b[byte] = 1;
			assert_int_equal(judge(entry, 0), -EUCLEAN);
		}
	}
}

static void stored_lengths(void **state)
{
	struct sfs_entry entry = data;

	(void)state;
	entry.stored = 0;
	assert_int_equal(judge(entry, 0), -EUCLEAN);
	entry.stored = CHUNK;
	assert_int_equal(judge(entry, 0), 0);
	entry.stored = CHUNK + 1;
	assert_int_equal(judge(entry, 0), -EUCLEAN);
	entry.kind = SFS_KIND_NODE + 1;
	entry.stored = SFS_NODE_SIZE;
	assert_int_equal(judge(entry, 1), 0);
	entry.stored = SFS_NODE_SIZE + 1;
	assert_int_equal(judge(entry, 1), -EUCLEAN);
}

/* Behind the header, and with room for a footer. */
static void places_lie_inside_a_pack(void **state)
{
	struct sfs_entry entry = data;
	uint32_t most = SFS_PACK_SIZE_MAX - SFS_PACK_FOOTER_SIZE -
			SFS_SLOT_HEADER_SIZE - data.stored;

	(void)state;
	entry.offset = SFS_PACK_HEADER_SIZE - 1;
	assert_int_equal(judge(entry, 0), -EUCLEAN);
	entry.offset = SFS_PACK_HEADER_SIZE;
	assert_int_equal(judge(entry, 0), 0);
	entry.offset = most;
	assert_int_equal(judge(entry, 0), 0);
	entry.offset = most + 1;
	assert_int_equal(judge(entry, 0), -EUCLEAN);
	entry.offset = UINT32_MAX;
	assert_int_equal(judge(entry, 0), -EUCLEAN);
}

/* ---- nodes ---- */

static struct sfs_entry entries[SFS_NODE_ENTRIES], back[SFS_NODE_ENTRIES];
static uint8_t node[SFS_NODE_SIZE];

static void make_node(unsigned height)
{
	unsigned i;

	for (i = 0; i < SFS_NODE_ENTRIES; i++) {
		entries[i] = (struct sfs_entry){ .kind = i % 2 };
		if (i % 3 == 0) {
			entries[i] = data;
			entries[i].offset += i;
			entries[i].stored = i + 1;
			if (height > 1)
				entries[i].kind =
					(uint8_t)(SFS_KIND_NODE + height - 1);
		}
	}
	sfs_node_encode(entries, node);
}

static void nodes_come_back(void **state)
{
	const char *why;
	unsigned height, i;

	(void)state;
	for (height = 1; height <= SFS_MAP_HEIGHT_MAX; height++) {
		make_node(height);
		assert_int_equal(sfs_node_decode(node, sizeof(node), height,
						 CHUNK, back, &why),
				 0);
		for (i = 0; i < SFS_NODE_ENTRIES; i++)
			assert_true(sfs_entry_equal(&entries[i], &back[i]));
		/* A node of one height is none of another. */
		assert_int_equal(sfs_node_decode(node, sizeof(node),
						 height % 7 + 1, CHUNK, back,
						 &why),
				 -EUCLEAN);
	}
}

static void one_bad_entry_spoils_a_node(void **state)
{
	const char *why;
	unsigned i;

	(void)state;
	for (i = 0; i < SFS_NODE_ENTRIES; i++) {
		make_node(1);
		node[i * SFS_ENTRY_SIZE + 15] = 4;
		assert_int_equal(sfs_node_decode(node, sizeof(node), 1, CHUNK,
						 back, &why),
				 -EUCLEAN);
	}
}

static void nodes_have_one_size_and_seven_heights(void **state)
{
	const char *why;

	(void)state;
	memset(node, 0, sizeof(node));
	assert_int_equal(
		sfs_node_decode(node, sizeof(node) - 1, 1, CHUNK, back, &why),
		-EUCLEAN);
	assert_int_equal(sfs_node_decode(node, 0, 1, CHUNK, back, &why),
			 -EUCLEAN);
	assert_int_equal(
		sfs_node_decode(node, sizeof(node), 0, CHUNK, back, &why),
		-EUCLEAN);
	assert_int_equal(
		sfs_node_decode(node, sizeof(node), 8, CHUNK, back, &why),
		-EUCLEAN);
	assert_int_equal(
		sfs_node_decode(node, sizeof(node), 7, CHUNK, back, &why), 0);
}

/* ---- geometry ---- */

static void chunks_of_a_volume(void **state)
{
	(void)state;
	assert_int_equal(sfs_map_chunks(0, 4096), 0);
	assert_int_equal(sfs_map_chunks(1, 4096), 1);
	assert_int_equal(sfs_map_chunks(4096, 4096), 1);
	assert_int_equal(sfs_map_chunks(4097, 4096), 2);
	assert_int_equal(sfs_map_chunks(SFS_VOLUME_SIZE_MAX, 4096),
			 UINT64_C(1) << 48);
	assert_int_equal(sfs_map_chunks(SFS_VOLUME_SIZE_MAX - 1, 1u << 20),
			 UINT64_C(1) << 40);
}

static void the_height_is_the_least(void **state)
{
	unsigned height;
	uint64_t covered = 1;

	(void)state;
	assert_int_equal(sfs_map_height(0), 0);
	assert_int_equal(sfs_map_height(1), 0);
	for (height = 0; height < SFS_MAP_HEIGHT_MAX; height++) {
		assert_int_equal(sfs_map_height(covered), height);
		assert_int_equal(sfs_map_height(covered + 1), height + 1);
		covered *= SFS_NODE_ENTRIES;
	}
	assert_int_equal(sfs_map_height(UINT64_C(1) << 48), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_lies_as_told),
		cmocka_unit_test(entries_differ_in_any_field),
		cmocka_unit_test(kinds_belong_to_heights),
		cmocka_unit_test(what_is_not_stored_has_no_place),
		cmocka_unit_test(stored_lengths),
		cmocka_unit_test(places_lie_inside_a_pack),
		cmocka_unit_test(nodes_come_back),
		cmocka_unit_test(one_bad_entry_spoils_a_node),
		cmocka_unit_test(nodes_have_one_size_and_seven_heights),
		cmocka_unit_test(chunks_of_a_volume),
		cmocka_unit_test(the_height_is_the_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
