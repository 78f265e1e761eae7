/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/delete.h"
#include "tests/unit/scratch-repo.h"

static struct sfs_gc_result gc(bool dry_run)
{
	struct sfs_gc_result result;

	assert_int_equal(sfs_gc(repo, dry_run, NULL, &result), 0);
	return result;
}

static void delete_one(const struct sfs_snapshot *snapshot)
{
	char *ids[] = { (char *)(uintptr_t)snapshot->id };

	assert_int_equal(sfs_delete(repo, ids, 1), 0);
}

static uint64_t would_free(const struct sfs_snapshot *a,
			   const struct sfs_snapshot *b)
{
	char *ids[] = { (char *)(uintptr_t)a->id,
			(char *)(uintptr_t)(b ? b->id : NULL) };
	uint64_t bytes;

	assert_int_equal(sfs_delete_would_free(repo, ids, b ? 2 : 1, &bytes),
			 0);
	return bytes;
}

static unsigned count_packs(void)
{
	return (unsigned)atoi(shell("find repo/packs -name '*.pack' | wc -l"));
}

static void deleting_all_frees_all(void **state)
{
	struct sfs_snapshot *a;

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	assert_int_equal(gc(false).packs_removed, 0);
	delete_one(a);
	assert_int_equal(gc(false).packs_removed, 2);
	assert_int_equal(count_packs(), 0);
	assert_string_equal(shell("ls repo/bin repo/tmp | grep -c json || :"),
			    "0");
	sfs_snapshot_free(a);
}

static void what_is_foretold_is_freed(void **state)
{
	struct sfs_snapshot *a, *b;
	uint64_t both, first;

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	put_noise("disk", 0, 1 << 20, 2);
	b = take("v", "disk");
	first = would_free(a, NULL);
	both = would_free(a, b);
	assert_true(first > 1 << 20);
	assert_true(both > 2 << 20);
	delete_one(a);
	assert_int_equal(gc(true).freed_bytes, first);
	assert_int_equal(gc(false).freed_bytes, first);
	delete_one(b);
	assert_int_equal(gc(false).freed_bytes, both - first);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
}

/* What they share is freed by neither alone. */
static void sharing_is_not_counted_twice(void **state)
{
	struct sfs_snapshot *a, *b;

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	b = take("v", "disk");
	assert_int_equal(would_free(a, NULL), 0);
	assert_int_equal(would_free(b, NULL), 0);
	assert_true(would_free(a, b) > 1 << 20);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
}

static void deleting_the_middle_hurts_nobody(void **state)
{
	struct sfs_snapshot *a, *b;
	struct sfs_view *c;
	uint8_t want[CHUNK], got[CHUNK];
	size_t size;

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	put_noise("disk", 5 * CHUNK, CHUNK, 2);
	b = take("v", "disk");
	put_noise("disk", 9 * CHUNK, CHUNK, 3);
	c = take_view("v", "disk");
	delete_one(a);
	delete_one(b);
	gc(false);
	noise(want, CHUNK, 2);
	assert_int_equal(sfs_view_pread(c, got, CHUNK, 5 * CHUNK, &size), 0);
	assert_memory_equal(got, want, CHUNK);
	sfs_view_close(c);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
}

static void an_open_snapshot_outlives_its_deletion(void **state)
{
	uint8_t want[CHUNK], got[CHUNK];
	struct sfs_snapshot *a;
	struct sfs_view *view;
	size_t size;

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	assert_int_equal(sfs_view_open(repo, a->id, &view), 0);
	delete_one(a);
	unlink("repo/catalog.db");
	assert_int_equal(gc(false).pinned, 1);
	assert_int_equal(gc(false).packs_removed, 0);
	noise(want, CHUNK, 1);
	assert_int_equal(sfs_view_pread(view, got, CHUNK, 0, &size), 0);
	assert_memory_equal(got, want, CHUNK);
	sfs_view_close(view);
	assert_int_equal(gc(false).packs_removed, 2);
	sfs_snapshot_free(a);
}

static void an_unreadable_record_stops_the_sweep(void **state)
{
	struct sfs_snapshot *a, *b;
	char path[64];

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	put_noise("disk2", 0, 1 << 20, 2);
	b = take("w", "disk2");
	delete_one(a);
	snprintf(path, sizeof(path), "repo/records/%s.json", b->id);
	flip(path, 200);
	assert_int_equal(
		sfs_gc(repo, false, NULL, &(struct sfs_gc_result){ 0 }),
		-EBADMSG);
	assert_non_null(strstr(scratch_log, b->id));
	assert_int_equal(count_packs(), 4);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
}

static void an_unreadable_node_stops_the_sweep(void **state)
{
	struct sfs_snapshot *a, *b;

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	put_noise("disk2", 0, 1 << 20, 2);
	b = take("w", "disk2");
	delete_one(a);
	assert_int_equal(chmod(pack_path(&b->root), 0600), 0);
	flip(pack_path(&b->root), b->root.offset + 50);
	reopen();
	assert_int_equal(
		sfs_gc(repo, false, NULL, &(struct sfs_gc_result){ 0 }),
		-EBADMSG);
	assert_int_equal(count_packs(), 4);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
}

/* A node pack that is away for a while, as in a half-done copy: what is under
 * it is unknown, so nothing may go.  A data pack that is away holds nobody up,
 * and nothing else goes for it. */
static void a_pack_that_is_away_takes_nothing_with_it(void **state)
{
	struct sfs_gc_result result = { 0 };
	struct sfs_snapshot *a;
	struct sfs_entry data;
	struct sfs_map map;
	char path[64];
	size_t size;
	uint8_t want[CHUNK], got[CHUNK];
	struct sfs_view *view;

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	map = sfs_map_of(repo->chunks, a, CHUNK);
	assert_int_equal(sfs_map_entry(&map, 0, 0, &data), 0);
	strcpy(path, pack_path(&a->root));
	assert_int_equal(rename(path, "away"), 0);
	reopen();
	assert_int_equal(sfs_gc(repo, false, NULL, &result), -ENOENT);
	assert_int_equal(count_packs(), 1);
	assert_int_equal(rename("away", path), 0);
	strcpy(path, pack_path(&data));
	assert_int_equal(rename(path, "away"), 0);
	reopen();
	assert_int_equal(sfs_gc(repo, false, NULL, &result), 0);
	assert_int_equal(count_packs(), 1);
	assert_int_equal(rename("away", path), 0);
	reopen();
	assert_int_equal(sfs_view_open(repo, a->id, &view), 0);
	noise(want, CHUNK, 1);
	assert_int_equal(sfs_view_pread(view, got, CHUNK, 0, &size), 0);
	assert_memory_equal(got, want, CHUNK);
	sfs_view_close(view);
	sfs_snapshot_free(a);
}

/* Nobody can tell what is in it. */
static void an_unneeded_pack_with_a_bad_table_stays(void **state)
{
	struct sfs_snapshot *a;

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	delete_one(a);
	assert_int_equal(chmod(pack_path(&a->root), 0600), 0);
	assert_int_equal(truncate(pack_path(&a->root), 500), 0);
	reopen();
	assert_int_equal(gc(false).packs_removed, 1);
	assert_int_equal(count_packs(), 1);
	sfs_snapshot_free(a);
}

static void a_creator_keeps_gc_away(void **state)
{
	struct sfs_lock *lock;

	(void)state;
	assert_int_equal(sfs_store_lock(repo->store, SFS_LOCK_STRUCTURE, NULL,
					false, false, &lock),
			 0);
	assert_int_equal(
		sfs_gc(repo, false, NULL, &(struct sfs_gc_result){ 0 }),
		-EBUSY);
	assert_int_equal(sfs_gc(repo, true, NULL, &(struct sfs_gc_result){ 0 }),
			 0);
	sfs_lock_release(lock);
}

/* As a creator leaves it that died between the members and the set. */
static void members_without_their_set_are_swept(void **state)
{
	const struct sfs_ingest_member members[] = {
		{ .volume = "a", .source = "disk" },
		{ .volume = "b", .source = "disk2" },
	};
	const struct sfs_ingest_options options = { .threads = 1 };
	struct sfs_snapshot *set[2];

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	put_noise("disk2", 0, 1 << 20, 2);
	assert_int_equal(sfs_ingest(repo, members, 2, &options, set), 0);
	assert_int_equal(gc(false).records_removed, 0);
	assert_int_equal(
		sfs_store_remove(repo->store, SFS_AREA_RECORDS, set[0]->set),
		0);
	assert_int_equal(gc(false).records_removed, 2);
	assert_int_equal(count_packs(), 0);
	sfs_snapshot_free(set[0]);
	sfs_snapshot_free(set[1]);
}

static void a_set_goes_with_its_last_member(void **state)
{
	const struct sfs_ingest_member members[] = {
		{ .volume = "a", .source = "disk" },
		{ .volume = "b", .source = "disk2" },
	};
	const struct sfs_ingest_options options = { .threads = 1 };
	struct sfs_snapshot *set[2];

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	put_noise("disk2", 0, 1 << 20, 2);
	assert_int_equal(sfs_ingest(repo, members, 2, &options, set), 0);
	delete_one(set[0]);
	assert_int_equal(gc(false).records_removed, 1);
	delete_one(set[1]);
	assert_int_equal(gc(false).records_removed, 2);
	assert_string_equal(shell("ls repo/records | wc -l"), "0");
	sfs_snapshot_free(set[0]);
	sfs_snapshot_free(set[1]);
}

/* As a creator leaves it that died between the image and the set. */
static void an_image_without_its_set_is_swept(void **state)
{
	struct sfs_image *image = new_image("web");
	const struct sfs_image_source source = { .source = "disk" };
	const struct sfs_ingest_options options = { .threads = 1 };

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	add_mapping(image, "/dev/sda1", SFS_MAPPING_SNAPSHOT);
	assert_int_equal(sfs_image_create(repo, image, &source, 1, &options),
			 0);
	assert_int_equal(gc(false).records_removed, 0);
	assert_int_equal(
		sfs_store_remove(repo->store, SFS_AREA_RECORDS, image->set), 0);
	assert_int_equal(gc(true).records_removed, 0); /* it may be running */
	assert_int_equal(gc(false).records_removed, 2);
	assert_int_equal(count_packs(), 0);
	assert_string_equal(shell("ls repo/records | wc -l"), "0");
	sfs_image_free(image);
}

/* Its snapshots may all be others'. */
/* Lost by hand, the snapshot's chunks wait for its record to come back. */
static void nothing_goes_while_an_image_lacks_a_snapshot(void **state)
{
	const struct sfs_image_source source = { .source = "disk" };
	const struct sfs_ingest_options options = { .threads = 1 };
	struct sfs_image *image = new_image("web"), *loaded;
	struct sfs_released *released;
	struct sfs_gc_result result;
	const char *id;
	size_t count;

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	add_mapping(image, "/dev/sda1", SFS_MAPPING_SNAPSHOT);
	assert_int_equal(sfs_image_create(repo, image, &source, 1, &options),
			 0);
	id = image->mappings[0].snapshot;
	shell("mv repo/records/%s.json .", id);
	assert_int_equal(sfs_gc(repo, false, NULL, &result), -EUCLEAN);
	assert_non_null(strstr(scratch_log, id));
	assert_non_null(strstr(scratch_log, image->id));
	shell("mv %s.json repo/records", id);
	assert_int_equal(gc(false).records_removed, 0);
	assert_string_equal(shell("find repo/packs -name '*.pack' | wc -l"),
			    "2");
	shell("rm repo/records/%s.json", id);
	assert_int_equal(
		sfs_catalog_load_image(repo->catalog, image->id, &loaded), 0);
	assert_int_equal(sfs_image_deregister(repo, image->id, false, false,
					      &released, &count),
			 0);
	assert_int_equal(gc(false).records_removed, 2);
	assert_string_equal(shell("ls repo/records repo/bin | grep -c json "
				  "|| :"),
			    "0");
	free(released);
	sfs_image_free(loaded);
	sfs_image_free(image);
}

static void a_deregistered_image_is_swept(void **state)
{
	struct sfs_released *released;
	struct sfs_snapshot *a;
	struct sfs_image *image;
	size_t count;

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	image = register_image("web", a);
	assert_int_equal(gc(false).records_removed, 0);
	assert_int_equal(sfs_image_deregister(repo, image->id, true, false,
					      &released, &count),
			 0);
	assert_int_equal(gc(false).records_removed, 2);
	assert_int_equal(count_packs(), 0);
	free(released);
	sfs_image_free(image);
	sfs_snapshot_free(a);
}

static void an_unreadable_image_stops_the_sweep(void **state)
{
	struct sfs_snapshot *a, *b;
	struct sfs_image *image;
	char path[64];

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	b = take("v", "disk");
	image = register_image("web", a);
	delete_one(b);
	snprintf(path, sizeof(path), "repo/records/%s.json", image->id);
	flip(path, 300);
	assert_int_equal(
		sfs_gc(repo, false, NULL, &(struct sfs_gc_result){ 0 }),
		-EBADMSG);
	assert_non_null(strstr(scratch_log, image->id));
	sfs_image_free(image);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
}

static struct sfs_gc_result stopped;

static const char *record_path(const char *area, const char *id)
{
	static char path[64];

	snprintf(path, sizeof(path), "repo/%s/%s.json", area, id);
	return path;
}

static void assert_said(const char *text, bool said)
{
	if ((strstr(all_log, text) != NULL) != said)
		fail_msg("'%s' was %ssaid: %s", text, said ? "not " : "",
			 all_log);
}

/* An image of one volume that was made with it. */
static struct sfs_image *create_image(void)
{
	const struct sfs_image_source source = { .source = "disk" };
	const struct sfs_ingest_options options = { .threads = 1 };
	struct sfs_image *image = new_image("web");

	put_noise("disk", 0, 1 << 20, 1);
	add_mapping(image, "/dev/sda1", SFS_MAPPING_SNAPSHOT);
	assert_int_equal(sfs_image_create(repo, image, &source, 1, &options),
			 0);
	log_all();
	return image;
}

/* It counts because it is there. */
static void an_unreadable_set_holds_what_it_held(void **state)
{
	struct sfs_image *image = create_image(), *loaded;
	struct sfs_released *released;
	size_t count;

	(void)state;
	flip(record_path("records", image->set), 100);
	assert_int_equal(gc(true).records_removed, 0);
	assert_int_equal(gc(false).records_removed, 0);
	assert_int_equal(count_packs(), 2);
	assert_said(image->set, true);
	assert_said("stays", true);
	assert_said("move it away", false);
	assert_int_equal(
		sfs_catalog_load_image(repo->catalog, image->id, &loaded), 0);
	sfs_image_free(loaded);
	/* Of anything else gc gives back what can be. */
	assert_int_equal(sfs_image_deregister(repo, image->id, true, false,
					      &released, &count),
			 0);
	free(released);
	assert_int_equal(gc(false).records_removed, 2);
	assert_int_equal(count_packs(), 0);
	assert_int_equal(access(record_path("records", image->set), F_OK), 0);
	sfs_image_free(image);
}

static void a_newer_set_holds_what_it_held(void **state)
{
	struct sfs_image *image = create_image();

	(void)state;
	make_newer(record_path("records", image->set));
	assert_int_equal(gc(false).records_removed, 0);
	assert_said("use a newer snapfs", true);
	assert_said("move it away", false);
	assert_said("from a copy", false);
	sfs_image_free(image);
}

static void newer_records_ask_for_a_newer_snapfs(void **state)
{
	struct sfs_image *image = create_image();
	const char *ids[] = { image->id, image->mappings[0].snapshot };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		make_newer(record_path("records", ids[i]));
		log_all();
		assert_int_equal(sfs_gc(repo, false, NULL, &stopped),
				 -EOPNOTSUPP);
		assert_said("use a newer snapfs", true);
		assert_said("move it away", false);
	}
	assert_int_equal(count_packs(), 2);
	sfs_image_free(image);
}

static void images_in_the_bin_are_not_read(void **state)
{
	struct sfs_image *image = create_image();
	struct sfs_released *released;
	size_t count;

	(void)state;
	assert_int_equal(sfs_image_deregister(repo, image->id, false, false,
					      &released, &count),
			 0);
	free(released);
	flip(record_path("bin", image->id), 100);
	assert_int_equal(gc(false).records_removed, 1);
	assert_int_equal(access(record_path("bin", image->id), F_OK), -1);
	sfs_image_free(image);
}

/* Somebody may have it open. */
static void an_unreadable_snapshot_in_the_bin_stops_the_sweep(void **state)
{
	struct sfs_snapshot *a;
	char said[64];

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	delete_one(a);
	flip(record_path("bin", a->id), 100);
	log_all();
	assert_int_equal(sfs_gc(repo, false, NULL, &stopped), -EBADMSG);
	snprintf(said, sizeof(said), "/bin/%s.json'", a->id);
	assert_said(said, true);
	assert_said("remove it once nobody has", true);
	assert_int_equal(count_packs(), 2);
	assert_int_equal(unlink(record_path("bin", a->id)), 0);
	assert_int_equal(gc(false).packs_removed, 2);
	sfs_snapshot_free(a);
}

static void temporary_files_are_swept(void **state)
{
	(void)state;
	put_noise("repo/tmp/0123456789abcdef", 0, 1000, 1);
	assert_int_equal(gc(false).freed_bytes, 1000);
	assert_int_equal(access("repo/tmp/0123456789abcdef", F_OK), -1);
}

/* A chunk that was swept is not shared from a stale index. */
static void the_index_forgets_what_was_swept(void **state)
{
	struct sfs_snapshot *a;
	struct sfs_view *view;
	uint8_t want[CHUNK], got[CHUNK];
	size_t size;

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	delete_one(a);
	gc(false);
	view = take_view("w", "disk");
	noise(want, CHUNK, 1);
	assert_int_equal(sfs_view_pread(view, got, CHUNK, 0, &size), 0);
	assert_memory_equal(got, want, CHUNK);
	sfs_view_close(view);
	sfs_snapshot_free(a);
}

static void stats_add_up(void **state)
{
	struct sfs_snapshot *a, *b;
	struct sfs_stats stats;
	struct sfs_image *image;

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	b = take("w", "disk");
	image = register_image("web", a);
	assert_int_equal(sfs_stats(repo, &stats), 0);
	assert_int_equal(stats.snapshots, 2);
	assert_int_equal(stats.images, 1);
	assert_int_equal(stats.volumes, 2);
	assert_int_equal(stats.volume_bytes, 2 << 20);
	assert_int_equal(stats.data_bytes, 2 << 20);
	assert_int_equal(stats.unique_bytes, 1 << 20);
	assert_int_equal(stats.chunks, (1 << 20) / CHUNK);
	assert_int_equal(stats.freeable_bytes, 0);
	assert_int_equal(stats.pack_bytes,
			 (uint64_t)atoll(shell("find repo/packs -name '*.pack' "
					       "-printf '%%s\\n' | "
					       "awk '{s+=$1} END {print s}'")));
	sfs_image_free(image);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, repo_setup, repo_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(deleting_all_frees_all),
		TEST(what_is_foretold_is_freed),
		TEST(sharing_is_not_counted_twice),
		TEST(deleting_the_middle_hurts_nobody),
		TEST(an_open_snapshot_outlives_its_deletion),
		TEST(an_unreadable_record_stops_the_sweep),
		TEST(an_unreadable_node_stops_the_sweep),
		TEST(a_pack_that_is_away_takes_nothing_with_it),
		TEST(an_unneeded_pack_with_a_bad_table_stays),
		TEST(a_creator_keeps_gc_away),
		TEST(members_without_their_set_are_swept),
		TEST(a_set_goes_with_its_last_member),
		TEST(an_image_without_its_set_is_swept),
		TEST(nothing_goes_while_an_image_lacks_a_snapshot),
		TEST(a_deregistered_image_is_swept),
		TEST(an_unreadable_image_stops_the_sweep),
		TEST(an_unreadable_set_holds_what_it_held),
		TEST(a_newer_set_holds_what_it_held),
		TEST(newer_records_ask_for_a_newer_snapfs),
		TEST(images_in_the_bin_are_not_read),
		TEST(an_unreadable_snapshot_in_the_bin_stops_the_sweep),
		TEST(temporary_files_are_swept),
		TEST(the_index_forgets_what_was_swept),
		TEST(stats_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
