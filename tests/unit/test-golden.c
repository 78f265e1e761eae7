/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The golden repositories: what was written once must decode for ever, to what
 * it was then, and encode to the same bytes again.  The document's worked
 * example is compared with it, and each defect of the table must be refused
 * for its own reason.
 *
 * Takes the source tree's root as its argument.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/record.h"
#include "src/chunk.h"
#include "src/cleanup.h"
#include "src/codec.h"
#include "tests/golden/defects.h"
#include "tests/golden/document.h"
#include "tests/golden/golden.h"

static const char *root = ".";

static void load(const char *name, unsigned count, struct sfs_golden *ret)
{
	char dir[4096];

	snprintf(dir, sizeof(dir), "%s/tests/data/good/%s", root, name);
	sfs_golden_load(dir, count, ret);
}

static int setup(void **state)
{
	struct sfs_golden *golden = sfs_golden_alloc(sizeof(*golden));

	load("images", SFS_GOLDEN_FILES, golden);
	*state = golden;
	return 0;
}

static int teardown(void **state)
{
	sfs_golden_done(*state);
	free(*state);
	return 0;
}

/* So that what holds for the files of the one holds for the other. */
static void images_has_all_of_minimal(void **state)
{
	const struct sfs_golden *golden = *state;
	const struct sfs_golden_file *a, *b;
	struct sfs_golden minimal;
	unsigned i;

	load("minimal", SFS_GOLDEN_MINIMAL, &minimal);
	for (i = 0; i < SFS_GOLDEN_MINIMAL; i++) {
		a = &golden->files[i];
		b = &minimal.files[i];
		assert_int_equal(a->size, b->size);
		assert_memory_equal(a->bytes, b->bytes, a->size);
	}
	sfs_golden_done(&minimal);
}

/* Decode slot @number of @file and give its content. */
static int decode_slot(const struct sfs_golden_file *file, uint32_t number,
		       uint8_t ret[SFS_GOLDEN_CHUNK], struct sfs_slot *ret_slot,
		       const char **reterr_why)
{
	const struct sfs_row *row = &file->rows[number];
	const uint8_t *at = file->bytes + row->offset;
	int r;

	r = sfs_slot_decode(at, SFS_SLOT_HEADER_SIZE + row->stored, file->pack,
			    row->offset, SFS_GOLDEN_CHUNK, ret_slot,
			    reterr_why);
	if (r < 0)
		return r;
	*reterr_why = "codec";
	return sfs_codec_decompress(ret_slot->codec, at + SFS_SLOT_HEADER_SIZE,
				    ret_slot->stored, ret, ret_slot->length);
}

static int decode_table(const struct sfs_golden_file *file,
			struct sfs_row rows[SFS_GOLDEN_SLOTS_MAX],
			struct sfs_pack_footer *ret, const char **reterr_why)
{
	const uint8_t *end = file->bytes + file->size;
	size_t size;
	int r;

	r = sfs_pack_footer_decode(end - SFS_PACK_FOOTER_SIZE,
				   SFS_PACK_FOOTER_SIZE, file->size, ret,
				   reterr_why);
	if (r < 0)
		return r;
	assert_true(ret->slots <= SFS_GOLDEN_SLOTS_MAX);
	size = sfs_pack_table_size(ret->slots);
	return sfs_pack_table_decode(end - size, size, ret, SFS_GOLDEN_CHUNK,
				     rows, reterr_why);
}

static void check_pack(const struct sfs_golden_file *file)
{
	CLEANUP_FREE uint8_t *again = sfs_golden_alloc(file->size);
	struct sfs_row rows[SFS_GOLDEN_SLOTS_MAX];
	struct sfs_pack_header header;
	struct sfs_pack_footer footer;
	uint8_t content[SFS_GOLDEN_CHUNK];
	struct sfs_slot slot;
	const char *why;
	uint32_t i;

	memcpy(again, file->bytes, file->size);
	assert_int_equal(
		sfs_pack_header_decode(file->bytes, file->size, &header, &why),
		0);
	assert_true(header.id == file->pack);
	memset(again, 0, SFS_PACK_HEADER_SIZE);
	sfs_pack_header_encode(&header, again);
	assert_int_equal(decode_table(file, rows, &footer, &why), 0);
	for (i = 0; i < footer.slots; i++) {
		assert_int_equal(decode_slot(file, i, content, &slot, &why), 0);
		memset(again + rows[i].offset, 0, SFS_SLOT_HEADER_SIZE);
		sfs_slot_encode(again + rows[i].offset, file->pack,
				rows[i].offset, &slot);
	}
	memset(again + footer.table_offset, 0,
	       file->size - footer.table_offset);
	sfs_pack_table_encode(footer.id, rows, footer.slots,
			      again + footer.table_offset);
	assert_memory_equal(again, file->bytes, file->size);
}

static void packs_encode_to_the_same_bytes(void **state)
{
	const struct sfs_golden *golden = *state;
	unsigned i;

	for (i = 0; i < SFS_GOLDEN_FILES; i++)
		if (sfs_golden_is_pack(i))
			check_pack(&golden->files[i]);
}

static void check_chunk(const struct sfs_golden_file *file, uint32_t number,
			unsigned chunk)
{
	uint8_t expected[SFS_GOLDEN_CHUNK], content[SFS_GOLDEN_CHUNK];
	struct sfs_config config;
	struct sfs_slot slot;
	struct sfs_hash hash;
	const char *why;

	assert_int_equal(decode_slot(file, number, content, &slot, &why), 0);
	sfs_golden_chunk(chunk, expected);
	assert_memory_equal(content, expected, sizeof(expected));
	sfs_golden_config(&config);
	sfs_chunk_hash(&config, content, sizeof(content), &hash);
	assert_memory_equal(&hash, &file->rows[number].hash, sizeof(hash));
}

static void chunks_hold_what_was_put_in(void **state)
{
	const struct sfs_golden *golden = *state;
	unsigned i;

	for (i = 0; i < 3; i++)
		check_chunk(&golden->files[SFS_GOLDEN_PACK_DATA_1], i, i);
	check_chunk(&golden->files[SFS_GOLDEN_PACK_DATA_2], 0, 3);
}

/* Where stored chunk @number is. */
static struct sfs_entry entry_of(const struct sfs_golden *golden,
				 unsigned number)
{
	const struct sfs_golden_file *file =
		&golden->files[number < 3 ? SFS_GOLDEN_PACK_DATA_1
					  : SFS_GOLDEN_PACK_DATA_2];
	const struct sfs_row *row = &file->rows[number % 3];

	return (struct sfs_entry){ .pack = file->pack,
				   .offset = row->offset,
				   .stored = row->stored,
				   .kind = row->kind,
				   .hash = row->hash };
}

static void check_node(const struct sfs_golden *golden, unsigned snapshot)
{
	const struct sfs_golden_file *file =
		&golden->files[snapshot == 1 ? SFS_GOLDEN_PACK_NODES_1
					     : SFS_GOLDEN_PACK_NODES_2];
	uint8_t content[SFS_NODE_SIZE], again[SFS_NODE_SIZE];
	struct sfs_entry entries[SFS_NODE_ENTRIES], expected;
	struct sfs_slot slot;
	const char *why;
	unsigned i, number;

	assert_int_equal(decode_slot(file, 0, content, &slot, &why), 0);
	assert_int_equal(slot.kind, SFS_KIND_NODE + 1);
	assert_int_equal(sfs_node_decode(content, sizeof(content), 1,
					 SFS_GOLDEN_CHUNK, entries, &why),
			 0);
	for (i = 0; i < SFS_NODE_ENTRIES; i++) {
		expected = (struct sfs_entry){ .kind = sfs_golden_content(
						       snapshot, i, &number) };
		if (expected.kind == SFS_KIND_DATA)
			expected = entry_of(golden, number);
		assert_true(sfs_entry_equal(&entries[i], &expected));
	}
	sfs_node_encode(entries, again);
	assert_memory_equal(again, content, sizeof(content));
}

static void nodes_name_the_chunks(void **state)
{
	check_node(*state, 1);
	check_node(*state, 2);
}

static void assert_same(const struct sfs_golden_file *file, char *again,
			size_t size)
{
	assert_int_equal(size, file->size);
	assert_memory_equal(again, file->bytes, size);
	free(again);
}

static void config_decodes_and_encodes_again(void **state)
{
	const struct sfs_golden *golden = *state;
	const struct sfs_golden_file *file = &golden->files[SFS_GOLDEN_CONFIG];
	struct sfs_config config, expected;
	char why[128], *again;
	const char *reason;
	size_t size;

	sfs_golden_config(&expected);
	assert_int_equal(sfs_record_decode_config((char *)file->bytes,
						  file->size, &config, why,
						  &reason),
			 0);
	assert_memory_equal(config.uuid, expected.uuid, SFS_UUID_LEN);
	assert_memory_equal(config.secret, expected.secret,
			    sizeof(config.secret));
	assert_int_equal(config.chunk_size, expected.chunk_size);
	assert_string_equal(config.compression, expected.compression);
	assert_true(config.created_ns == expected.created_ns);
	assert_int_equal(sfs_record_encode_config(&config, &again, &size), 0);
	assert_same(file, again, size);
}

static void assert_tags_equal(const struct sfs_tags *a,
			      const struct sfs_tags *b)
{
	size_t i;

	assert_int_equal(a->count, b->count);
	for (i = 0; i < a->count; i++) {
		assert_string_equal(a->tags[i].key, b->tags[i].key);
		assert_string_equal(a->tags[i].value, b->tags[i].value);
	}
}

static void assert_grants_equal(const struct sfs_grants *a,
				const struct sfs_grants *b)
{
	size_t i;

	assert_int_equal(a->count, b->count);
	for (i = 0; i < a->count; i++) {
		assert_int_equal(a->grants[i].kind, b->grants[i].kind);
		assert_int_equal(a->grants[i].id, b->grants[i].id);
	}
}

static void assert_snapshots_equal(const struct sfs_snapshot *a,
				   const struct sfs_snapshot *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->volume_id, b->volume_id);
	assert_string_equal(a->volume, b->volume);
	assert_string_equal(a->parent, b->parent);
	assert_string_equal(a->set, b->set);
	assert_true(a->time_ns == b->time_ns);
	assert_true(a->completed_ns == b->completed_ns);
	assert_true(a->size == b->size);
	assert_true(a->data_bytes == b->data_bytes);
	assert_true(a->bad_bytes == b->bad_bytes);
	assert_int_equal(a->consistency, b->consistency);
	assert_string_equal(a->source, b->source);
	assert_string_equal(a->description, b->description);
	assert_int_equal(a->height, b->height);
	assert_tags_equal(&a->tags, &b->tags);
	assert_int_equal(a->owner, b->owner);
	assert_grants_equal(&a->grants, &b->grants);
	assert_false(a->newer);
}

static void check_root(const struct sfs_golden *golden, unsigned number,
		       const struct sfs_entry *entry)
{
	const struct sfs_golden_file *nodes =
		&golden->files[number == 1 ? SFS_GOLDEN_PACK_NODES_1
					   : SFS_GOLDEN_PACK_NODES_2];
	const struct sfs_entry hole = { .kind = SFS_KIND_HOLE };
	struct sfs_entry chunk = entry_of(golden, 0);

	if (number > 2) {
		assert_true(
			sfs_entry_equal(entry, number == 3 ? &chunk : &hole));
		return;
	}
	assert_true(entry->pack == nodes->pack);
	assert_int_equal(entry->offset, nodes->rows[0].offset);
	assert_int_equal(entry->stored, nodes->rows[0].stored);
	assert_int_equal(entry->kind, SFS_KIND_NODE + 1);
}

static void check_snapshot(const struct sfs_golden *golden, unsigned number)
{
	const struct sfs_golden_file *file =
		&golden->files[sfs_golden_snapshot_file(number)];
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	struct sfs_snapshot expected;
	struct sfs_config config;
	char why[128], *again;
	const char *reason;
	size_t size;

	sfs_golden_config(&config);
	sfs_golden_snapshot(number, &expected);
	assert_int_equal(sfs_record_decode_snapshot(
				 &config, expected.id, (char *)file->bytes,
				 file->size, &snapshot, why, &reason),
			 0);
	assert_snapshots_equal(snapshot, &expected);
	check_root(golden, number, &snapshot->root);
	assert_int_equal(
		sfs_record_encode_snapshot(&config, snapshot, &again, &size),
		0);
	assert_same(file, again, size);
}

static void snapshots_decode_and_encode_again(void **state)
{
	unsigned i;

	for (i = 1; i <= SFS_GOLDEN_OWNED; i++)
		check_snapshot(*state, i);
}

static void assert_images_equal(const struct sfs_image *a,
				const struct sfs_image *b)
{
	size_t i;

	assert_string_equal(a->id, b->id);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->set, b->set);
	assert_string_equal(a->origin, b->origin);
	assert_true(a->time_ns == b->time_ns);
	assert_int_equal(a->owner, b->owner);
	assert_grants_equal(&a->grants, &b->grants);
	assert_string_equal(a->architecture, b->architecture);
	assert_string_equal(a->boot_mode, b->boot_mode);
	assert_string_equal(a->platform, b->platform);
	assert_string_equal(a->description, b->description);
	assert_tags_equal(&a->tags, &b->tags);
	assert_int_equal(a->disabled, b->disabled);
	assert_int_equal(a->is_protected, b->is_protected);
	assert_true(a->deprecated_ns == b->deprecated_ns);
	assert_string_equal(a->root, b->root);
	assert_false(a->newer);
	assert_int_equal(a->mapping_count, b->mapping_count);
	for (i = 0; i < a->mapping_count; i++) {
		const struct sfs_mapping *x = &a->mappings[i];
		const struct sfs_mapping *y = &b->mappings[i];

		assert_string_equal(x->device, y->device);
		assert_int_equal(x->kind, y->kind);
		assert_string_equal(x->snapshot, y->snapshot);
		assert_true(x->size == y->size);
		assert_int_equal(x->ephemeral, y->ephemeral);
		assert_int_equal(x->delete_on_termination,
				 y->delete_on_termination);
	}
}

static void images_decode_and_encode_again(void **state)
{
	const struct sfs_golden *golden = *state;
	const struct sfs_golden_file *file;
	struct sfs_image *image, expected;
	struct sfs_config config;
	char why[SFS_RECORD_WHY_SIZE], *again;
	const char *reason;
	unsigned i;
	size_t size;

	sfs_golden_config(&config);
	for (i = 0; i < SFS_GOLDEN_IMAGES; i++) {
		file = &golden->files[SFS_GOLDEN_IMAGE_1 + i];
		sfs_golden_image(i + 1, &expected);
		assert_int_equal(sfs_record_decode_image(&config, expected.id,
							 (char *)file->bytes,
							 file->size, &image,
							 why, &reason),
				 0);
		assert_images_equal(image, &expected);
		assert_int_equal(
			sfs_record_encode_image(&config, image, &again, &size),
			0);
		assert_same(file, again, size);
		sfs_image_free(image);
	}
}

static void set_decodes_and_encodes_again(void **state)
{
	const struct sfs_golden *golden = *state;
	const struct sfs_golden_file *file = &golden->files[SFS_GOLDEN_SET_1];
	struct sfs_set set, expected;
	struct sfs_config config;
	char why[128], *again;
	const char *reason;
	size_t size;

	sfs_golden_config(&config);
	sfs_golden_set(&expected);
	assert_int_equal(sfs_record_decode_set(&config, expected.id,
					       (char *)file->bytes, file->size,
					       &set, why, &reason),
			 0);
	assert_string_equal(set.id, expected.id);
	assert_true(set.time_ns == expected.time_ns);
	assert_int_equal(set.members, expected.members);
	assert_int_equal(sfs_record_encode_set(&config, &set, &again, &size),
			 0);
	assert_same(file, again, size);
}

/* Resealing is written from the document alone. */
static void checks_are_as_documented(void **state)
{
	struct sfs_golden *golden = *state;
	unsigned i;

	for (i = 0; i < SFS_GOLDEN_FILES; i++) {
		struct sfs_golden_file *file = &golden->files[i];
		CLEANUP_FREE uint8_t *before = sfs_golden_alloc(file->size);

		memcpy(before, file->bytes, file->size);
		sfs_golden_reseal(i, file);
		assert_memory_equal(file->bytes, before, file->size);
	}
}

static void the_document_shows_the_golden_files(void **state)
{
	const struct sfs_golden *golden = *state;
	char path[4096];
	unsigned i, shown = 0;

	snprintf(path, sizeof(path), "%s/format/FORMAT.md", root);
	for (i = 0; i < SFS_GOLDEN_FILES; i++) {
		const struct sfs_golden_file *file = &golden->files[i];
		CLEANUP_FREE uint8_t *bytes = NULL;
		size_t size;

		bytes = sfs_document_file(path, sfs_golden_path(i), &size);
		if (!bytes)
			continue;
		assert_int_equal(size, file->size);
		assert_memory_equal(bytes, file->bytes, size);
		shown++;
	}
	/* A data pack, a node pack, a snapshot, an image. */
	assert_true(shown >= 4);
}

/* ---- defects ---- */

static int decode_node(const struct sfs_golden_file *file,
		       const char **reterr_why)
{
	struct sfs_entry entries[SFS_NODE_ENTRIES];
	uint8_t content[SFS_NODE_SIZE];
	struct sfs_slot slot;
	int r;

	r = decode_slot(file, 0, content, &slot, reterr_why);
	if (r < 0)
		return r;
	return sfs_node_decode(content, sizeof(content), 1, SFS_GOLDEN_CHUNK,
			       entries, reterr_why);
}

static int decode_image(unsigned number, const struct sfs_config *config,
			const struct sfs_golden_file *file, char why[128],
			const char **reterr_why)
{
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	struct sfs_image expected;

	sfs_golden_image(number, &expected);
	return sfs_record_decode_image(config, expected.id, (char *)file->bytes,
				       file->size, &image, why, reterr_why);
}

static int decode_record(enum sfs_golden_name name,
			 const struct sfs_golden_file *file, char why[128],
			 const char **reterr_why)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	const char *text = (const char *)file->bytes;
	struct sfs_snapshot expected;
	struct sfs_config config;
	struct sfs_set set;

	sfs_golden_config(&config);
	if (name == SFS_GOLDEN_CONFIG)
		return sfs_record_decode_config(text, file->size, &config, why,
						reterr_why);
	if (name == SFS_GOLDEN_SET_1)
		return sfs_record_decode_set(&config, "set-00000000000000001",
					     text, file->size, &set, why,
					     reterr_why);
	if (name == SFS_GOLDEN_IMAGE_1 || name == SFS_GOLDEN_IMAGE_2)
		return decode_image(name - SFS_GOLDEN_IMAGE_1 + 1, &config,
				    file, why, reterr_why);
	sfs_golden_snapshot(name == SFS_GOLDEN_SNAPSHOT_5
				    ? SFS_GOLDEN_OWNED
				    : name - SFS_GOLDEN_SNAPSHOT_1 + 1,
			    &expected);
	return sfs_record_decode_snapshot(&config, expected.id, text,
					  file->size, &snapshot, why,
					  reterr_why);
}

static int decode_defect(const struct sfs_defect *defect,
			 const struct sfs_golden_file *file, char why[128],
			 const char **reterr_why)
{
	struct sfs_row rows[SFS_GOLDEN_SLOTS_MAX];
	struct sfs_pack_header header;
	struct sfs_pack_footer footer;
	uint8_t content[SFS_GOLDEN_CHUNK];
	struct sfs_slot slot;

	switch (defect->decoder) {
	case SFS_DEFECT_PACK_HEADER:
		return sfs_pack_header_decode(file->bytes, file->size, &header,
					      reterr_why);
	case SFS_DEFECT_SLOT_0:
		return decode_slot(file, 0, content, &slot, reterr_why);
	case SFS_DEFECT_SLOT_1:
		return decode_slot(file, 1, content, &slot, reterr_why);
	case SFS_DEFECT_TABLE:
		return decode_table(file, rows, &footer, reterr_why);
	case SFS_DEFECT_NODE:
		return decode_node(file, reterr_why);
	case SFS_DEFECT_ENVELOPE:
		return sfs_record_verify((char *)file->bytes, file->size,
					 reterr_why);
	case SFS_DEFECT_RECORD:
		return decode_record(defect->file, file, why, reterr_why);
	}
	return 0;
}

static void every_defect_is_refused_for_its_reason(void **state)
{
	const struct sfs_defect *defect;
	struct sfs_golden *golden;
	const char *reason;
	char why[128];
	size_t i;
	int r, failed = 0;

	(void)state;
	for (i = 0; i < sfs_defect_count; i++) {
		defect = &sfs_defects[i];
		setup((void **)&golden);
		sfs_defect_apply(defect, golden);
		reason = "(none)";
		r = decode_defect(defect, &golden->files[defect->file], why,
				  &reason);
		if (r != defect->error || !strstr(reason, defect->why)) {
			print_error("%s: got %d '%s', not %d '%s'\n",
				    defect->name, r, reason, defect->error,
				    defect->why);
			failed++;
		}
		teardown((void **)&golden);
	}
	assert_int_equal(failed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(images_has_all_of_minimal),
		TEST(packs_encode_to_the_same_bytes),
		TEST(chunks_hold_what_was_put_in),
		TEST(nodes_name_the_chunks),
		TEST(config_decodes_and_encodes_again),
		TEST(snapshots_decode_and_encode_again),
		TEST(images_decode_and_encode_again),
		TEST(set_decodes_and_encodes_again),
		TEST(checks_are_as_documented),
		TEST(the_document_shows_the_golden_files),
		cmocka_unit_test(every_defect_is_refused_for_its_reason),
	};

	if (argc > 1)
		root = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
