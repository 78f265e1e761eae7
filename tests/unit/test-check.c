/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>

#include "src/check.h"
#include "tests/unit/scratch-repo.h"

/* ---- what was reported ---- */

#define DAMAGES 64

static struct {
	struct sfs_damage damage;
	char name[128];
	char why[384];
} found[DAMAGES];
static unsigned found_count;
static struct sfs_check_result result;

static void collect(const struct sfs_damage *damage, void *context)
{
	(void)context;
	assert_true(found_count < DAMAGES);
	assert_non_null(damage->why);
	found[found_count].damage = *damage;
	snprintf(found[found_count].name, sizeof(found[0].name), "%s",
		 damage->name ? damage->name : "");
	snprintf(found[found_count].why, sizeof(found[0].why), "%s",
		 damage->why);
	found_count++;
}

/* In a repository just opened, which remembers nothing. */
static int check_fresh(const struct sfs_check_options *options)
{
	CLEANUP_REPO struct sfs_repo *fresh = NULL;

	found_count = 0;
	assert_int_equal(sfs_repo_open("repo", 0, &fresh), 0);
	return sfs_check(fresh, options, collect, NULL, &result);
}

static void check_with(const struct sfs_check_options *options)
{
	assert_int_equal(check_fresh(options), 0);
	assert_int_equal(result.damages, found_count);
}

static void check(bool read_data)
{
	const struct sfs_check_options options = { .read_data = read_data,
						   .threads = 2 };

	check_with(&options);
}

static unsigned count(enum sfs_damage_kind kind)
{
	unsigned i, n = 0;

	for (i = 0; i < found_count; i++)
		n += found[i].damage.kind == kind;
	return n;
}

static bool found_range(const char *id, uint64_t offset, uint64_t size)
{
	unsigned i;

	for (i = 0; i < found_count; i++)
		if (found[i].damage.kind == SFS_DAMAGE_RANGE &&
		    strcmp(found[i].name, id) == 0 &&
		    found[i].damage.offset == offset &&
		    found[i].damage.size == size)
			return true;
	return false;
}

static bool found_place(enum sfs_damage_kind kind,
			const struct sfs_entry *entry)
{
	unsigned i;

	for (i = 0; i < found_count; i++)
		if (found[i].damage.kind == kind &&
		    found[i].damage.pack == entry->pack &&
		    found[i].damage.slot_offset == entry->offset)
			return true;
	return false;
}

/* ---- a repository to damage ---- */

/* Three snapshots of one volume of 1,000 chunks and a bit, each differing in
 * one chunk from the one before, and one of another volume. */
static struct sfs_view *views[4];

static const char *id_of(unsigned i)
{
	return sfs_view_snapshot(views[i])->id;
}

static int chain_setup(void **state)
{
	unsigned i;

	if (repo_setup(state) < 0)
		return -1;
	resize("disk", 1000 * CHUNK + 100);
	put_noise("disk", 0, 400 * CHUNK, 1);
	put_noise("disk", 1000 * CHUNK, 100, 2);
	for (i = 0; i < 3; i++) {
		put_noise("disk", (100 + i) * CHUNK, CHUNK, 10 + i);
		views[i] = take_view("v", "disk");
	}
	put_noise("other", 0, 50 * CHUNK, 3);
	views[3] = take_view("w", "other");
	return 0;
}

static int chain_teardown(void **state)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		sfs_view_close(TAKE_PTR(views[i]));
	return repo_teardown(state);
}

static uint64_t pack_size(const struct sfs_entry *entry)
{
	struct stat st;

	assert_int_equal(stat(pack_path(entry), &st), 0);
	return (uint64_t)st.st_size;
}

static unsigned pack_files(void)
{
	return (unsigned)atoi(shell("ls repo/packs/*/*.pack | wc -l"));
}

/* ---- nothing wrong ---- */

static void whole_repository(void **state)
{
	(void)state;
	check(false);
	assert_int_equal(found_count, 0);
	assert_int_equal(result.records, 4);
	assert_int_equal(result.snapshots, 4);
	assert_int_equal(result.packs, pack_files());
	/* 4 leaves of data, the last one and the root, of the first; a leaf
	 * and a root of the next two; a leaf of the other. */
	assert_int_equal(result.nodes, 6 + 2 + 2 + 1);
	check(true);
	assert_int_equal(found_count, 0);
	/* Both walks over the ends of the maps read nodes once more. */
	assert_true(result.slots_read >= 401 + 2 + 50 + result.nodes);
	assert_true(result.bytes_read >= 453 * CHUNK);
}

static void empty_repository(void **state)
{
	(void)state;
	check(true);
	assert_int_equal(found_count, 0);
	assert_int_equal(result.snapshots, 0);
}

static void empty_volumes(void **state)
{
	(void)state;
	resize("nothing", 0);
	sfs_snapshot_free(take("n", "nothing"));
	resize("hole", 300 * CHUNK);
	sfs_snapshot_free(take("h", "hole"));
	put_zeros("zero", 0, 300 * CHUNK);
	sfs_snapshot_free(take("z", "zero"));
	check(true);
	assert_int_equal(found_count, 0);
	assert_int_equal(result.snapshots, 3);
}

/* ---- data ---- */

static void damaged_chunk(void **state)
{
	struct sfs_entry entry = entry_at(views[0], 7);

	(void)state;
	flip(pack_path(&entry), entry.offset + SFS_SLOT_HEADER_SIZE + 9);
	check(false); /* does not look there */
	assert_int_equal(found_count, 0);
	check(true);
	assert_int_equal(count(SFS_DAMAGE_SLOT), 1);
	assert_true(found_place(SFS_DAMAGE_SLOT, &entry));
	/* Whoever shares it is hit, and nobody else. */
	assert_int_equal(count(SFS_DAMAGE_RANGE), 3);
	assert_true(found_range(id_of(0), 7 * CHUNK, CHUNK));
	assert_true(found_range(id_of(1), 7 * CHUNK, CHUNK));
	assert_true(found_range(id_of(2), 7 * CHUNK, CHUNK));
	assert_int_equal(found_count, 4);
}

static void neighbours_are_one_range(void **state)
{
	struct sfs_entry entry;
	uint64_t chunk;

	(void)state;
	for (chunk = 126; chunk < 130; chunk++) { /* across two leaves */
		entry = entry_at(views[0], chunk);
		flip(pack_path(&entry), entry.offset);
	}
	entry = entry_at(views[0], 200);
	flip(pack_path(&entry), entry.offset);
	check(true);
	assert_int_equal(count(SFS_DAMAGE_SLOT), 5);
	assert_int_equal(count(SFS_DAMAGE_RANGE), 6);
	assert_true(found_range(id_of(2), 126 * CHUNK, 4 * CHUNK));
	assert_true(found_range(id_of(2), 200 * CHUNK, CHUNK));
}

static void last_chunk_is_clipped(void **state)
{
	struct sfs_entry entry = entry_at(views[0], 1000);

	(void)state;
	flip(pack_path(&entry), entry.offset);
	check(true);
	assert_true(found_range(id_of(0), 1000 * CHUNK, 100));
}

static void changed_chunk_hits_one(void **state)
{
	struct sfs_entry entry = entry_at(views[1], 101);

	(void)state;
	flip(pack_path(&entry), entry.offset);
	check(true);
	assert_int_equal(count(SFS_DAMAGE_RANGE), 2); /* and who came after */
	assert_false(found_range(id_of(0), 101 * CHUNK, CHUNK));
	assert_true(found_range(id_of(1), 101 * CHUNK, CHUNK));
}

static void what_nobody_needs_is_not_damage(void **state)
{
	struct sfs_entry entry = entry_at(views[3], 7);

	(void)state;
	flip(pack_path(&entry), entry.offset);
	assert_int_equal(sfs_store_move(repo->store, SFS_AREA_RECORDS,
					SFS_AREA_BIN, id_of(3)),
			 0);
	check(true);
	assert_int_equal(result.snapshots, 3);
	assert_int_equal(found_count, 0);
}

static void slices_find_it_once(void **state)
{
	struct sfs_entry entry = entry_at(views[0], 7);
	struct sfs_check_options options = { .read_data = true, .slice_m = 3 };
	unsigned hits = 0;

	(void)state;
	flip(pack_path(&entry), entry.offset);
	for (options.slice_n = 1; options.slice_n <= 3; options.slice_n++) {
		check_with(&options);
		hits += count(SFS_DAMAGE_SLOT);
	}
	assert_int_equal(hits, 1);
}

static void only_what_was_asked_for(void **state)
{
	char id[SFS_ID_SIZE];
	char *const ids[] = { id };
	const struct sfs_check_options options = {
		.read_data = true,
		.ids = ids,
		.id_count = 1,
	};
	struct sfs_entry entry = entry_at(views[0], 7);

	(void)state;
	flip(pack_path(&entry), entry.offset);
	memcpy(id, id_of(3), sizeof(id));
	check_with(&options);
	assert_int_equal(found_count, 0);
	assert_int_equal(result.snapshots, 1);
	memcpy(id, id_of(1), sizeof(id));
	check_with(&options);
	assert_int_equal(count(SFS_DAMAGE_SLOT), 1);
	assert_int_equal(count(SFS_DAMAGE_RANGE), 1);
	memcpy(id, "snap-00000000000000000", 23);
	assert_int_equal(check_fresh(&options), -ENOENT);
}

/* ---- maps ---- */

static struct sfs_entry leaf_of(const struct sfs_view *view, uint64_t index)
{
	struct sfs_entry entry;

	assert_int_equal(sfs_map_entry(sfs_view_map(view), 1, index, &entry),
			 0);
	return entry;
}

static void damaged_leaf(void **state)
{
	struct sfs_entry leaf = leaf_of(views[0], 1);

	(void)state;
	flip(pack_path(&leaf), leaf.offset + SFS_SLOT_HEADER_SIZE + 1);
	check(false);
	assert_int_equal(count(SFS_DAMAGE_NODE), 1);
	assert_true(found_place(SFS_DAMAGE_NODE, &leaf));
	assert_int_equal(count(SFS_DAMAGE_RANGE), 3);
	assert_true(found_range(id_of(0), 128 * CHUNK, 128 * CHUNK));
	assert_true(found_range(id_of(2), 128 * CHUNK, 128 * CHUNK));
	check(true); /* says no more of it */
	assert_int_equal(found_count, 4);
}

static void damaged_root(void **state)
{
	const struct sfs_entry *root = &sfs_view_map(views[1])->root;

	(void)state;
	flip(pack_path(root), root->offset + SFS_SLOT_HEADER_SIZE + 1);
	check(true);
	assert_int_equal(count(SFS_DAMAGE_NODE), 1);
	assert_int_equal(count(SFS_DAMAGE_RANGE), 1);
	assert_true(found_range(id_of(1), 0, 1000 * CHUNK + 100));
}

/* ---- packs ---- */

static void missing_pack(void **state)
{
	struct sfs_entry entry = entry_at(views[1], 101);

	(void)state;
	assert_int_equal(unlink(pack_path(&entry)), 0);
	check(false);
	assert_int_equal(count(SFS_DAMAGE_PACK), 1);
	assert_true(count(SFS_DAMAGE_RANGE) >= 2);
	assert_int_equal(found[0].damage.pack, entry.pack);
	check(true);
	assert_int_equal(count(SFS_DAMAGE_PACK), 1);
	assert_int_equal(count(SFS_DAMAGE_SLOT), 0);
	assert_true(found_range(id_of(2), 101 * CHUNK, CHUNK));
}

static void damaged_table_leaves_data_readable(void **state)
{
	struct sfs_entry entry = entry_at(views[0], 7);

	(void)state;
	flip(pack_path(&entry), pack_size(&entry) - SFS_PACK_FOOTER_SIZE - 30);
	check(true);
	assert_int_equal(count(SFS_DAMAGE_PACK), 1);
	assert_int_equal(found_count, 1);
	flip(pack_path(&entry), entry.offset);
	check(true);
	assert_int_equal(count(SFS_DAMAGE_PACK), 1);
	assert_int_equal(count(SFS_DAMAGE_SLOT), 1);
	assert_int_equal(count(SFS_DAMAGE_RANGE), 3);
}

static void damaged_node_table_leaves_maps_readable(void **state)
{
	struct sfs_entry leaf = leaf_of(views[0], 1);
	struct sfs_entry entry = entry_at(views[0], 130);

	(void)state;
	flip(pack_path(&leaf), pack_size(&leaf) - SFS_PACK_FOOTER_SIZE - 30);
	flip(pack_path(&entry), entry.offset);
	check(true);
	assert_int_equal(count(SFS_DAMAGE_PACK), 1);
	assert_int_equal(count(SFS_DAMAGE_SLOT), 1);
	assert_int_equal(count(SFS_DAMAGE_RANGE), 3);
	assert_true(found_range(id_of(0), 130 * CHUNK, CHUNK));
}

static void damaged_header(void **state)
{
	struct sfs_entry entry = entry_at(views[0], 7);

	(void)state;
	flip(pack_path(&entry), 3);
	check(true);
	assert_int_equal(count(SFS_DAMAGE_PACK), 1);
	assert_int_equal(found_count, 1);
}

static void truncated_pack(void **state)
{
	struct sfs_entry entry = entry_at(views[0], 399);

	(void)state;
	assert_int_equal(truncate(pack_path(&entry), entry.offset + 10), 0);
	check(true);
	assert_int_equal(count(SFS_DAMAGE_PACK), 1);
	assert_true(found_range(id_of(0), 399 * CHUNK, CHUNK));
	assert_false(found_range(id_of(0), 398 * CHUNK, 2 * CHUNK));
}

static void pack_under_another_name(void **state)
{
	struct sfs_entry entry = entry_at(views[3], 7);
	char from[64];

	(void)state;
	snprintf(from, sizeof(from), "%s", pack_path(&entry));
	entry.pack ^= 1;
	assert_int_equal(rename(from, pack_path(&entry)), 0);
	check(false);
	/* One is missing, and one is not what it is called. */
	assert_true(count(SFS_DAMAGE_PACK) >= 2);
	assert_true(found_range(id_of(3), 0, 50 * CHUNK));
}

/* ---- records ---- */

static void damaged_record(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s",
		 shell("ls repo/records/%s*", id_of(1)));
	flip(path, 60);
	check(true);
	assert_int_equal(count(SFS_DAMAGE_RECORD), 1);
	assert_int_equal(found_count, 1);
	assert_memory_equal(found[0].name, id_of(1), 22);
	assert_int_equal(result.snapshots, 3);
}

/* Publish the record of @snapshot anew. */
static void republish(const struct sfs_snapshot *snapshot)
{
	CLEANUP_FREE char *file = NULL;
	size_t size;

	assert_int_equal(sfs_record_encode_snapshot(&repo->config, snapshot,
						    &file, &size),
			 0);
	assert_int_equal(sfs_store_put(repo->store, SFS_AREA_RECORDS,
				       snapshot->id, file, size, true),
			 0);
}

static void record_that_miscounts(void **state)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;

	(void)state;
	assert_int_equal(
		sfs_snapshot_copy(sfs_view_snapshot(views[1]), &snapshot), 0);
	snapshot->data_bytes -= CHUNK;
	republish(snapshot);
	check(false);
	assert_int_equal(found_count, 1);
	assert_int_equal(count(SFS_DAMAGE_RECORD), 1);
	assert_string_equal(found[0].name, id_of(1));
}

static void map_beyond_the_end(void **state)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;

	(void)state;
	assert_int_equal(
		sfs_snapshot_copy(sfs_view_snapshot(views[1]), &snapshot), 0);
	/* As high a map, and data behind. */
	snapshot->size = snapshot->data_bytes = 390 * CHUNK;
	republish(snapshot);
	check(false);
	assert_int_equal(count(SFS_DAMAGE_NODE), 1);
	assert_string_equal(found[0].name, id_of(1));
}

static void map_that_lies_about_a_place(void **state)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;

	(void)state;
	assert_int_equal(
		sfs_snapshot_copy(sfs_view_snapshot(views[1]), &snapshot), 0);
	snapshot->root.hash.b[3] ^= 1;
	republish(snapshot);
	check(false);
	assert_int_equal(count(SFS_DAMAGE_NODE), 1);
	assert_true(found_range(id_of(1), 0, 1000 * CHUNK + 100));
	assert_int_equal(count(SFS_DAMAGE_RANGE), 1);
}

/* ---- stopping ---- */

static int interrupt(struct sfs_progress *progress)
{
	(void)progress;
	return -EINTR;
}

static void it_can_be_stopped(void **state)
{
	struct sfs_progress progress = { .step = interrupt };
	const struct sfs_check_options options = { .read_data = true,
						   .progress = &progress };

	(void)state;
	assert_int_equal(check_fresh(&options), -EINTR);
}

static void progress_reaches_its_total(void **state)
{
	struct sfs_progress progress = { .what = "check" };
	const struct sfs_check_options options = { .read_data = true,
						   .progress = &progress };

	(void)state;
	check_with(&options);
	assert_int_equal(progress.done_bytes, progress.total_bytes);
	assert_true(progress.done_bytes >= 453 * CHUNK);
}

/* ---- images ---- */

static void images_without_their_snapshots(void **state)
{
	struct sfs_snapshot *a, *b;
	struct sfs_image *whole, *hurt;
	struct sfs_mapping *mapping;
	char path[64];

	(void)state;
	put_noise("disk", 0, 10 * CHUNK, 1);
	a = take("v", "disk");
	b = take("v", "disk");
	whole = register_image("whole", a);
	hurt = new_image("hurt");
	mapping = add_mapping(hurt, "/dev/sda1", SFS_MAPPING_SNAPSHOT);
	strcpy(mapping->snapshot, a->id);
	mapping = add_mapping(hurt, "/dev/sdf", SFS_MAPPING_SNAPSHOT);
	strcpy(mapping->snapshot, b->id);
	assert_int_equal(sfs_image_register(repo, hurt), 0);
	check(true);
	assert_int_equal(result.damages, 0);
	assert_int_equal(result.images, 2);

	snprintf(path, sizeof(path), "repo/records/%s.json", b->id);
	assert_int_equal(rename(path, "away"), 0);
	check(false);
	assert_int_equal(result.damages, 1);
	assert_int_equal(count(SFS_DAMAGE_IMAGE), 1);
	assert_string_equal(found[0].name, hurt->id);

	assert_int_equal(rename("away", path), 0);
	flip(path, 200);
	check(false);
	assert_int_equal(count(SFS_DAMAGE_IMAGE), 1);
	assert_int_equal(count(SFS_DAMAGE_RECORD), 1);

	snprintf(path, sizeof(path), "repo/records/%s.json", whole->id);
	flip(path, 200);
	check(false);
	assert_int_equal(count(SFS_DAMAGE_RECORD), 2);
	sfs_image_free(whole);
	sfs_image_free(hurt);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
}

/* ---- sets, and the bin ---- */

static const char *record_path(const char *area, const char *id)
{
	static char path[64];

	snprintf(path, sizeof(path), "repo/%s/%s.json", area, id);
	return path;
}

static struct sfs_image *create_image(void)
{
	const struct sfs_image_source source = { .source = "disk" };
	const struct sfs_ingest_options options = { .threads = 1 };
	struct sfs_image *image = new_image("web");

	put_noise("disk", 0, 10 * CHUNK, 1);
	add_mapping(image, "/dev/sda1", SFS_MAPPING_SNAPSHOT);
	assert_int_equal(sfs_image_create(repo, image, &source, 1, &options),
			 0);
	return image;
}

static void assert_found_one(enum sfs_damage_kind kind, const char *name,
			     const char *why)
{
	assert_int_equal(found_count, 1);
	assert_int_equal(found[0].damage.kind, kind);
	assert_string_equal(found[0].name, name);
	if (!strstr(found[0].why, why))
		fail_msg("'%s' is not in '%s'", why, found[0].why);
}

static void a_damaged_set_takes_nothing_away(void **state)
{
	struct sfs_image *image = create_image();
	char why[128];

	(void)state;
	check(false);
	assert_int_equal(found_count, 0);
	assert_int_equal(result.records, 3);
	flip(record_path("records", image->set), 100);
	check(false);
	snprintf(why, sizeof(why), "stays: 1 snapshots and image %s",
		 image->id);
	assert_found_one(SFS_DAMAGE_RECORD, image->set, why);
	assert_int_equal(result.snapshots, 1);
	assert_int_equal(result.images, 1);
	sfs_image_free(image);
}

static void what_lost_its_set_is_told_of(void **state)
{
	struct sfs_image *image = create_image();

	(void)state;
	assert_int_equal(unlink(record_path("records", image->set)), 0);
	log_all();
	check(true);
	assert_int_equal(found_count, 0); /* 'gc' will remove them */
	assert_int_equal(result.snapshots, 0);
	assert_int_equal(result.images, 0);
	assert_non_null(strstr(all_log, image->id));
	assert_non_null(strstr(all_log, image->mappings[0].snapshot));
	assert_non_null(strstr(all_log, "'snapfs gc' will remove it"));
	sfs_image_free(image);
}

static void a_newer_record_is_not_damaged(void **state)
{
	struct sfs_image *image = create_image();

	(void)state;
	make_newer(record_path("records", image->id));
	check(false);
	assert_found_one(SFS_DAMAGE_NEWER, image->id, "use a newer snapfs");
	assert_int_equal(result.newer, 1);
	sfs_image_free(image);
}

static void the_bin_is_read(void **state)
{
	struct sfs_image *image = create_image();
	const char *ids[] = { image->id, image->mappings[0].snapshot };
	char name[64];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_int_equal(sfs_store_move(repo->store, SFS_AREA_RECORDS,
						SFS_AREA_BIN, ids[i]),
				 0);
		check(false);
		assert_int_equal(found_count, 0);
		flip(record_path("bin", ids[i]), 100);
	}
	check(false); /* of the image nobody needs to know anything */
	snprintf(name, sizeof(name), "bin/%s", ids[1]);
	assert_found_one(SFS_DAMAGE_RECORD, name, "'snapfs gc' stops at it");
	sfs_image_free(image);
}

static void a_volume_too_small_for_its_snapshot(void **state)
{
	struct sfs_image *image = create_image();
	CLEANUP_FREE char *file = NULL;
	size_t size;

	(void)state;
	image->mappings[0].size = 10 * CHUNK - 1;
	assert_int_equal(
		sfs_record_encode_image(&repo->config, image, &file, &size), 0);
	assert_int_equal(sfs_store_put(repo->store, SFS_AREA_RECORDS, image->id,
				       file, size, true),
			 0);
	check(false);
	assert_found_one(SFS_DAMAGE_IMAGE, image->id,
			 "is larger than the volume");
	sfs_image_free(image);
}

#define TEST(f)	 cmocka_unit_test_setup_teardown(f, repo_setup, repo_teardown)
#define CHAIN(f) cmocka_unit_test_setup_teardown(f, chain_setup, chain_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(empty_repository),
		TEST(empty_volumes),
		TEST(images_without_their_snapshots),
		TEST(a_damaged_set_takes_nothing_away),
		TEST(what_lost_its_set_is_told_of),
		TEST(a_newer_record_is_not_damaged),
		TEST(the_bin_is_read),
		TEST(a_volume_too_small_for_its_snapshot),
		CHAIN(whole_repository),
		CHAIN(damaged_chunk),
		CHAIN(neighbours_are_one_range),
		CHAIN(last_chunk_is_clipped),
		CHAIN(changed_chunk_hits_one),
		CHAIN(what_nobody_needs_is_not_damage),
		CHAIN(slices_find_it_once),
		CHAIN(only_what_was_asked_for),
		CHAIN(damaged_leaf),
		CHAIN(damaged_root),
		CHAIN(missing_pack),
		CHAIN(damaged_table_leaves_data_readable),
		CHAIN(damaged_node_table_leaves_maps_readable),
		CHAIN(damaged_header),
		CHAIN(truncated_pack),
		CHAIN(pack_under_another_name),
		CHAIN(damaged_record),
		CHAIN(record_that_miscounts),
		CHAIN(map_beyond_the_end),
		CHAIN(map_that_lies_about_a_place),
		CHAIN(it_can_be_stopped),
		CHAIN(progress_reaches_its_total),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
