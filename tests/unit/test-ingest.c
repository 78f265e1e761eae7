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

/* Compare all of @view with the file @path. */
static void same_as_file(struct sfs_view *view, const char *path)
{
	uint64_t size = sfs_view_snapshot(view)->size;
	uint8_t *a = malloc(size + 1), *b = malloc(size + 1);
	int fd = open_disk(path);
	size_t got;

	assert_int_equal(pread(fd, a, size + 1, 0), size);
	assert_int_equal(sfs_view_pread(view, b, size + 1, 0, &got), 0);
	assert_int_equal(got, size);
	assert_memory_equal(a, b, size);
	close(fd);
	free(a);
	free(b);
}

static void sizes_of_every_shape(void **state)
{
	static const uint64_t sizes[] = {
		0, 1, 511, CHUNK - 1, CHUNK, CHUNK + 1, 1 << 20, (1 << 20) + 1
	};
	struct sfs_view *view;
	size_t i;

	(void)state;
	for (i = 0; i < SFS_ARRAY_SIZE(sizes); i++) {
		unlink("disk");
		resize("disk", 0);
		if (sizes[i])
			put_noise("disk", 0, sizes[i], i + 1);
		view = take_view("v", "disk");
		assert_int_equal(sfs_view_snapshot(view)->size, sizes[i]);
		same_as_file(view, "disk");
		sfs_view_close(view);
	}
}

static void unchanged_stores_nothing(void **state)
{
	struct sfs_snapshot *a, *b;

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	b = take("v", "disk");
	assert_int_equal(b->stored_bytes, 0);
	assert_true(sfs_entry_equal(&a->root, &b->root));
	assert_string_equal(b->parent, a->id);
	assert_string_equal(b->volume_id, a->volume_id);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
}

static void one_change_in_a_terabyte_is_cheap(void **state)
{
	struct sfs_snapshot *a, *b;
	unsigned i;

	(void)state;
	resize("disk", UINT64_C(1) << 40);
	for (i = 0; i < 64; i++)
		put_noise("disk", (uint64_t)i << 34, CHUNK, i);
	a = take("v", "disk");
	put_noise("disk", UINT64_C(5) << 34, CHUNK, 99);
	b = take("v", "disk");
	/* The chunk, and at most 32 KiB of map. */
	assert_true(b->stored_bytes <= CHUNK + (32 << 10));
	assert_int_equal(a->data_bytes, 64 * CHUNK);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
}

static void volumes_share_equal_chunks(void **state)
{
	struct sfs_snapshot *a, *b;
	struct sfs_view *view;

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	resize("other", 1 << 20);
	put_noise("other", 0, CHUNK, 77);
	assert_int_equal(system("dd if=disk of=other bs=4096 seek=1 count=200 "
				"conv=notrunc status=none"),
			 0);
	a = take("v", "disk");
	b = take("w", "other");
	assert_true(a->stored_bytes > 1 << 20);
	assert_true(b->stored_bytes < 5 * CHUNK + 3 * SFS_NODE_SIZE);
	assert_string_not_equal(a->volume_id, b->volume_id);
	assert_int_equal(sfs_view_open(repo, b->id, &view), 0);
	same_as_file(view, "other");
	sfs_view_close(view);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
}

/* Chunks that repeat within one source are stored once, also before their
 * pack is published. */
static void twins_are_stored_once(void **state)
{
	struct sfs_snapshot *a;
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++)
		put_noise("disk", i * CHUNK, CHUNK, 5);
	a = take("v", "disk");
	assert_int_equal(a->data_bytes, 100 * CHUNK);
	assert_true(a->stored_bytes < 2 * CHUNK + SFS_NODE_SIZE);
	sfs_snapshot_free(a);
}

/* A damaged chunk is no twin: what is stored anew reads back right. */
static void a_damaged_candidate_is_not_shared(void **state)
{
	struct sfs_snapshot *a;
	struct sfs_view *view;
	struct sfs_entry entry;
	struct sfs_map map;

	(void)state;
	put_noise("disk", 0, 4 * CHUNK, 1);
	a = take("v", "disk");
	map = sfs_map_of(repo->chunks, a, CHUNK);
	assert_int_equal(sfs_map_entry(&map, 0, 2, &entry), 0);
	assert_int_equal(chmod(pack_path(&entry), 0600), 0);
	flip(pack_path(&entry), entry.offset + 100);
	reopen();
	view = take_view("w", "disk");
	same_as_file(view, "disk");
	sfs_view_close(view);
	sfs_snapshot_free(a);
}

/* What the parent lost is stored anew, from the source that has it. */
static void a_lost_pack_is_made_good(void **state)
{
	struct sfs_snapshot *a, *b;
	struct sfs_view *view;
	struct sfs_entry entry;
	struct sfs_map map;

	(void)state;
	put_noise("disk", 0, 1 << 20, 1);
	a = take("v", "disk");
	map = sfs_map_of(repo->chunks, a, CHUNK);
	assert_int_equal(sfs_map_entry(&map, 0, 0, &entry), 0);
	assert_int_equal(unlink(pack_path(&entry)), 0);
	reopen();
	b = take("v", "disk");
	assert_true(b->stored_bytes > 1 << 20);
	assert_int_equal(sfs_view_open(repo, b->id, &view), 0);
	same_as_file(view, "disk");
	sfs_view_close(view);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
}

/* The same hash is not enough: a row that lies about its chunk's hash, in a
 * pack that verifies, is found out by comparing bytes. */
static void a_forged_hash_is_not_believed(void **state)
{
	struct sfs_snapshot *a;
	struct sfs_hash hash;
	struct sfs_row *rows;
	struct sfs_view *view;
	struct sfs_entry entry;
	struct sfs_map map;
	uint8_t chunk[CHUNK], *table;
	uint32_t count;
	uint64_t size;
	int fd;

	(void)state;
	put_noise("disk", 0, CHUNK, 1);
	a = take("v", "disk");
	map = sfs_map_of(repo->chunks, a, CHUNK);
	assert_int_equal(sfs_map_entry(&map, 0, 0, &entry), 0);
	/* What the next volume will hold. */
	noise(chunk, sizeof(chunk), 2);
	sfs_chunk_hash(&repo->config, chunk, sizeof(chunk), &hash);
	assert_int_equal(
		sfs_chunks_table(repo->chunks, entry.pack, &rows, &count), 0);
	assert_int_equal(count, 1);
	rows[0].hash = hash;
	table = malloc(sfs_pack_table_size(1));
	sfs_pack_table_encode(entry.pack, rows, 1, table);
	assert_int_equal(sfs_store_pack_size(repo->store, entry.pack, &size),
			 0);
	assert_int_equal(chmod(pack_path(&entry), 0600), 0);
	fd = open_disk(pack_path(&entry));
	assert_int_equal(pwrite(fd, table, sfs_pack_table_size(1),
				(off_t)(size - sfs_pack_table_size(1))),
			 sfs_pack_table_size(1));
	close(fd);
	assert_int_equal(sfs_catalog_rebuild(repo->catalog), 0);
	reopen();
	put_noise("other", 0, CHUNK, 2);
	view = take_view("w", "other");
	same_as_file(view, "other");
	sfs_view_close(view);
	sfs_snapshot_free(a);
	free(rows);
	free(table);
}

static int count_down(struct sfs_progress *progress)
{
	unsigned *left = progress->context;

	return (*left)-- == 0 ? -EINTR : 0;
}

static int refuse(const struct sfs_snapshot *snapshot, void *context)
{
	(void)context;
	fail_msg("'%s' is visible", snapshot->id);
	return 0;
}

/* Steps are batches of 1 MiB. */
static int take_interrupted(const struct sfs_ingest_member *members,
			    size_t count, unsigned steps)
{
	struct sfs_progress progress = { .step = count_down,
					 .context = &steps };
	const struct sfs_ingest_options options = { .threads = 2,
						    .progress = &progress };
	struct sfs_snapshot *snapshots[2] = { NULL };

	return sfs_ingest(repo, members, count, &options, snapshots);
}

static void an_interrupted_create_is_invisible_and_used_again(void **state)
{
	const struct sfs_ingest_member member = { .volume = "v",
						  .source = "disk" };
	struct sfs_snapshot *a;

	(void)state;
	put_noise("disk", 0, 128 << 20, 1);
	assert_int_equal(take_interrupted(&member, 1, 120), -EINTR);
	reopen();
	assert_int_equal(sfs_catalog_list(repo->catalog, NULL, refuse, NULL),
			 0);
	a = take("v", "disk");
	/* Three packs of 32 MiB were published of 120. */
	assert_true(a->stored_bytes < 36 << 20);
	sfs_snapshot_free(a);
}

static void a_set_is_all_or_nothing(void **state)
{
	const struct sfs_ingest_member bad[] = {
		{ .volume = "a", .source = "disk" },
		{ .volume = "b", .source = "missing" }
	};
	const struct sfs_ingest_member good[] = {
		{ .volume = "a", .source = "disk" },
		{ .volume = "b", .source = "disk2" }
	};
	const struct sfs_ingest_options options = { .threads = 1 };
	struct sfs_snapshot *set[2];

	(void)state;
	put_noise("disk", 0, 3 << 20, 1);
	put_noise("disk2", 0, 3 << 20, 2);
	assert_int_equal(sfs_ingest(repo, bad, 2, &options, set), -ENOENT);
	assert_int_equal(take_interrupted(good, 2, 5), -EINTR);
	assert_int_equal(sfs_catalog_list(repo->catalog, NULL, refuse, NULL),
			 0);
	assert_int_equal(sfs_ingest(repo, good, 2, &options, set), 0);
	assert_string_equal(set[0]->set, set[1]->set);
	assert_int_equal(set[0]->time_ns, set[1]->time_ns);
	sfs_snapshot_free(set[0]);
	sfs_snapshot_free(set[1]);
}

static void names_are_judged(void **state)
{
	static const char *const names[] = { "",	"a/b",	    "..",
					     ".hidden", "-x",	    "a b",
					     "a\n",	"\xc3\x28", "a@b" };
	const struct sfs_ingest_options options = { .threads = 1 };
	struct sfs_ingest_member member = { .volume = NULL, .source = "disk" };
	struct sfs_snapshot *snapshot;
	size_t i;

	(void)state;
	resize("disk", 0);
	for (i = 0; i < SFS_ARRAY_SIZE(names); i++) {
		member.volume = names[i];
		assert_int_equal(
			sfs_ingest(repo, &member, 1, &options, &snapshot),
			-EINVAL);
	}
}

static void the_repository_is_no_source(void **state)
{
	const struct sfs_ingest_member member = { .volume = "v",
						  .source =
							  "repo/snapfs.json" };
	const struct sfs_ingest_options options = { .threads = 1 };
	struct sfs_snapshot *snapshot;

	(void)state;
	assert_int_equal(sfs_ingest(repo, &member, 1, &options, &snapshot),
			 -EINVAL);
}

static void two_creators_of_a_volume_exclude_each_other(void **state)
{
	const struct sfs_ingest_member member = { .volume = "v",
						  .source = "disk" };
	const struct sfs_ingest_options options = { .threads = 1 };
	struct sfs_snapshot *snapshot;
	struct sfs_lock *lock;

	(void)state;
	resize("disk", 0);
	assert_int_equal(sfs_store_lock(repo->store, SFS_LOCK_VOLUME, "v", true,
					false, &lock),
			 0);
	assert_int_equal(sfs_ingest(repo, &member, 1, &options, &snapshot),
			 -EBUSY);
	sfs_lock_release(lock);
}

static void a_failing_pre_hook_stops_and_post_always_runs(void **state)
{
	const struct sfs_ingest_member missing = { .volume = "v",
						   .source = "missing" };
	const struct sfs_ingest_member member = { .volume = "v",
						  .source = "disk" };
	struct sfs_ingest_options options = { .threads = 1, .pre = "exit 3" };
	struct sfs_snapshot *snapshot;

	(void)state;
	resize("disk", 0);
	assert_int_equal(sfs_ingest(repo, &member, 1, &options, &snapshot),
			 -EREMOTEIO);
	options.pre = "touch pre";
	options.post = "touch post";
	assert_int_equal(sfs_ingest(repo, &missing, 1, &options, &snapshot),
			 -ENOENT);
	assert_int_equal(access("pre", F_OK), 0);
	assert_int_equal(access("post", F_OK), 0);
}

static void times_of_a_volume_differ(void **state)
{
	struct sfs_snapshot *a, *b, *c;

	(void)state;
	put_noise("disk", 0, CHUNK, 1);
	a = take("v", "disk");
	b = take("v", "disk");
	c = take("v", "disk");
	assert_true(a->time_ns < b->time_ns);
	assert_true(b->time_ns < c->time_ns);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
	sfs_snapshot_free(c);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, repo_setup, repo_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sizes_of_every_shape),
		TEST(unchanged_stores_nothing),
		TEST(one_change_in_a_terabyte_is_cheap),
		TEST(volumes_share_equal_chunks),
		TEST(twins_are_stored_once),
		TEST(a_damaged_candidate_is_not_shared),
		TEST(a_lost_pack_is_made_good),
		TEST(a_forged_hash_is_not_believed),
		TEST(an_interrupted_create_is_invisible_and_used_again),
		TEST(a_set_is_all_or_nothing),
		TEST(names_are_judged),
		TEST(the_repository_is_no_source),
		TEST(two_creators_of_a_volume_exclude_each_other),
		TEST(a_failing_pre_hook_stops_and_post_always_runs),
		TEST(times_of_a_volume_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
