/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "src/diff.h"
#include "tests/unit/scratch-repo.h"

#define RANGES 4096

struct range {
	enum sfs_change change;
	uint64_t offset, size;
};

static struct range ranges[RANGES];
static unsigned range_count;

static int collect(enum sfs_change change, uint64_t offset, uint64_t size,
		   void *context)
{
	(void)context;
	assert_true(range_count < RANGES);
	ranges[range_count++] = (struct range){ change, offset, size };
	return 0;
}

static void diff(struct sfs_view *from, struct sfs_view *to)
{
	range_count = 0;
	assert_int_equal(sfs_diff(from, to, collect, NULL), 0);
}

static void assert_range(unsigned i, enum sfs_change change, uint64_t offset,
			 uint64_t size)
{
	assert_true(i < range_count);
	assert_int_equal(ranges[i].change, change);
	assert_int_equal(ranges[i].offset, offset);
	assert_int_equal(ranges[i].size, size);
}

static uint64_t node_reads(void)
{
	struct sfs_cache_stats stats;

	sfs_cache_stats(sfs_chunks_node_cache(repo->chunks), &stats);
	return stats.hits + stats.misses;
}

static void equal_snapshots_have_no_difference(void **state)
{
	CLEANUP_VIEW struct sfs_view *a = NULL, *b = NULL;

	(void)state;
	put_noise("disk", 0, 10 * CHUNK, 1);
	a = take_view("v", "disk");
	b = take_view("v", "disk");
	diff(a, b);
	assert_int_equal(range_count, 0);
	diff(a, a);
	assert_int_equal(range_count, 0);
}

static void content_counts_and_not_place(void **state)
{
	CLEANUP_VIEW struct sfs_view *a = NULL, *b = NULL;

	(void)state;
	put_noise("disk", 0, 300 * CHUNK, 1);
	a = take_view("v", "disk");
	/* Another volume has packs of its own for what is the same, but for
	 * what sharing finds. */
	put_noise("disk", 299 * CHUNK, CHUNK, 2);
	b = take_view("w", "disk");
	diff(a, b);
	assert_int_equal(range_count, 1);
	assert_range(0, SFS_CHANGE_CHANGED, 299 * CHUNK, CHUNK);
}

static void kinds_and_neighbours(void **state)
{
	CLEANUP_VIEW struct sfs_view *a = NULL, *b = NULL;

	(void)state;
	put_noise("disk", 0, 20 * CHUNK, 1);
	resize("disk", 200 * CHUNK);
	a = take_view("v", "disk");
	put_noise("disk", 2 * CHUNK + 5, 1, 2);	      /* within one chunk */
	put_noise("disk", 4 * CHUNK, 3 * CHUNK, 3);   /* three in a row */
	put_zeros("disk", 7 * CHUNK, CHUNK);	      /* another kind beside */
	put_noise("disk", 126 * CHUNK, 5 * CHUNK, 4); /* across two leaves */
	b = take_view("v", "disk");
	diff(a, b);
	assert_int_equal(range_count, 4);
	assert_range(0, SFS_CHANGE_CHANGED, 2 * CHUNK, CHUNK);
	assert_range(1, SFS_CHANGE_CHANGED, 4 * CHUNK, 3 * CHUNK);
	assert_range(2, SFS_CHANGE_REMOVED, 7 * CHUNK, CHUNK);
	assert_range(3, SFS_CHANGE_ADDED, 126 * CHUNK, 5 * CHUNK);
	diff(b, a);
	assert_int_equal(range_count, 4);
	assert_range(2, SFS_CHANGE_ADDED, 7 * CHUNK, CHUNK);
	assert_range(3, SFS_CHANGE_REMOVED, 126 * CHUNK, 5 * CHUNK);
}

static void holes_are_zeros(void **state)
{
	CLEANUP_VIEW struct sfs_view *a = NULL, *b = NULL;

	(void)state;
	resize("disk", 400 * CHUNK);
	put_noise("disk", 0, CHUNK, 1);
	a = take_view("v", "disk");
	put_zeros("disk", 10 * CHUNK, 300 * CHUNK);
	b = take_view("v", "disk");
	assert_int_equal(entry_at(b, 20).kind, SFS_KIND_ZERO);
	diff(a, b);
	assert_int_equal(range_count, 0);
}

static void grown_volume(void **state)
{
	CLEANUP_VIEW struct sfs_view *a = NULL, *b = NULL, *c = NULL;

	(void)state;
	put_noise("disk", 0, 3 * CHUNK, 1);
	a = take_view("v", "disk");
	resize("disk", 100000 * CHUNK); /* a higher map */
	b = take_view("v", "disk");
	diff(a, b); /* zeros beyond the end are the size's affair */
	assert_int_equal(range_count, 0);
	put_noise("disk", 99999 * CHUNK, 100, 2);
	resize("disk", 99999 * CHUNK + 100);
	c = take_view("v", "disk");
	diff(a, c); /* the last range ends with the larger volume */
	assert_int_equal(range_count, 1);
	assert_range(0, SFS_CHANGE_ADDED, 99999 * CHUNK, 100);
	diff(c, a);
	assert_int_equal(range_count, 1);
	assert_range(0, SFS_CHANGE_REMOVED, 99999 * CHUNK, 100);
}

static void empty_volume(void **state)
{
	CLEANUP_VIEW struct sfs_view *a = NULL, *b = NULL;

	(void)state;
	resize("disk", 0);
	a = take_view("v", "disk");
	put_noise("disk", 0, 2 * CHUNK + 1, 1);
	b = take_view("v", "disk");
	diff(a, b);
	assert_int_equal(range_count, 1);
	assert_range(0, SFS_CHANGE_ADDED, 0, 2 * CHUNK + 1);
}

static void tebibyte_costs_a_handful_of_nodes(void **state)
{
	CLEANUP_VIEW struct sfs_view *a = NULL, *b = NULL;
	uint64_t before;

	(void)state;
	resize("disk", UINT64_C(1) << 40);
	put_noise("disk", UINT64_C(5) << 36, 600 * CHUNK, 1);
	put_noise("disk", UINT64_C(9) << 36, 600 * CHUNK, 2);
	a = take_view("v", "disk");
	put_noise("disk", (UINT64_C(9) << 36) + 300 * CHUNK, CHUNK, 3);
	b = take_view("v", "disk");
	before = node_reads();
	diff(a, b);
	assert_int_equal(range_count, 1);
	assert_range(0, SFS_CHANGE_CHANGED, (UINT64_C(9) << 36) + 300 * CHUNK,
		     CHUNK);
	/* One node a level and map. */
	assert_true(node_reads() - before <= 2 * 4);
}

static void empty_subtrees_are_not_walked(void **state)
{
	CLEANUP_VIEW struct sfs_view *a = NULL, *b = NULL;
	uint64_t before;

	(void)state;
	put_noise("disk", 0, CHUNK, 1);
	a = take_view("v", "disk");
	resize("disk", UINT64_C(8) << 40);
	put_noise("disk", (UINT64_C(8) << 40) - CHUNK, CHUNK, 2);
	b = take_view("v", "disk");
	before = node_reads();
	diff(a, b);
	assert_int_equal(range_count, 1);
	assert_range(0, SFS_CHANGE_ADDED, (UINT64_C(8) << 40) - CHUNK, CHUNK);
	assert_true(node_reads() - before <= 3 * SFS_MAP_HEIGHT_MAX);
}

static int stop_at_second(enum sfs_change change, uint64_t offset,
			  uint64_t size, void *context)
{
	int *calls = context;

	(void)change;
	(void)offset;
	(void)size;
	return ++*calls == 2 ? 7 : 0;
}

static void callback_stops_it(void **state)
{
	CLEANUP_VIEW struct sfs_view *a = NULL, *b = NULL;
	int calls = 0;

	(void)state;
	resize("disk", 20 * CHUNK);
	a = take_view("v", "disk");
	put_noise("disk", 2 * CHUNK, CHUNK, 1);
	put_noise("disk", 4 * CHUNK, CHUNK, 2);
	put_noise("disk", 6 * CHUNK, CHUNK, 3);
	b = take_view("v", "disk");
	assert_int_equal(sfs_diff(a, b, stop_at_second, &calls), 7);
	assert_int_equal(calls, 2);
}

static void damaged_map_is_an_error(void **state)
{
	CLEANUP_VIEW struct sfs_view *a = NULL, *b = NULL;
	const struct sfs_entry *root;

	(void)state;
	put_noise("disk", 0, 20 * CHUNK, 1);
	a = take_view("v", "disk");
	put_noise("disk", 0, CHUNK, 2);
	b = take_view("v", "disk");
	root = &sfs_view_map(b)->root;
	flip(pack_path(root), root->offset + SFS_SLOT_HEADER_SIZE);
	range_count = 0;
	assert_int_equal(sfs_diff(a, b, collect, NULL), -EBADMSG);
	assert_non_null(strstr(scratch_log, sfs_view_snapshot(b)->id));
}

/* ---- against what comparing all chunks says ---- */

static unsigned chunk_state(const char *path, uint64_t chunk, uint8_t *bytes)
{
	static const uint8_t zeros[CHUNK];
	int fd = open_disk(path);
	ssize_t n;

	memset(bytes, 0, CHUNK);
	n = pread(fd, bytes, CHUNK, (off_t)(chunk * CHUNK));
	assert_true(n >= 0);
	close(fd);
	return memcmp(bytes, zeros, CHUNK) != 0;
}

static void assert_as_compared(const char *from, const char *to,
			       uint64_t chunks)
{
	uint8_t x[CHUNK], y[CHUNK];
	unsigned i = 0, a, b;
	uint64_t chunk, done = 0;
	int change;

	for (chunk = 0; chunk < chunks; chunk++) {
		a = chunk_state(from, chunk, x);
		b = chunk_state(to, chunk, y);
		if (!a && !b)
			change = -1;
		else if (!a || !b)
			change = b ? SFS_CHANGE_ADDED : SFS_CHANGE_REMOVED;
		else
			change = memcmp(x, y, CHUNK) ? SFS_CHANGE_CHANGED : -1;
		if (i < range_count && done == ranges[i].size)
			i++, done = 0;
		if (change < 0) {
			assert_true(i == range_count ||
				    ranges[i].offset > chunk * CHUNK);
			continue;
		}
		assert_true(i < range_count);
		assert_int_equal(ranges[i].change, change);
		assert_int_equal(ranges[i].offset + done, chunk * CHUNK);
		done += CHUNK;
	}
	if (i < range_count && done == ranges[i].size)
		i++;
	assert_int_equal(i, range_count);
}

static void scribble(const char *path, uint64_t chunks, unsigned seed)
{
	unsigned i;

	srandom(seed);
	resize(path, chunks * CHUNK);
	for (i = 0; i < 40; i++) {
		uint64_t at = (uint64_t)random() % chunks;
		size_t n = (size_t)random() % sfs_min(chunks - at, 60) + 1;

		if (n > chunks - at)
			n = chunks - at;
		if (random() % 3)
			put_noise(path, at * CHUNK, n * CHUNK,
				  (uint64_t)random() % 3);
		else
			put_zeros(path, at * CHUNK, n * CHUNK);
	}
}

static void agrees_with_comparing(void **state)
{
	unsigned seed;

	(void)state;
	for (seed = 1; seed <= 6; seed++) {
		CLEANUP_VIEW struct sfs_view *a = NULL, *b = NULL;

		print_message("seed %u\n", seed);
		scribble("disk", 200 * seed, seed);
		a = take_view("v", "disk");
		shell("cp disk before");
		scribble("disk", 1300 - 190 * seed, seed + 100);
		b = take_view("v", "disk");
		diff(a, b);
		assert_as_compared("before", "disk", 1400);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, repo_setup, repo_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(equal_snapshots_have_no_difference),
		TEST(content_counts_and_not_place),
		TEST(kinds_and_neighbours),
		TEST(holes_are_zeros),
		TEST(grown_volume),
		TEST(empty_volume),
		TEST(tebibyte_costs_a_handful_of_nodes),
		TEST(empty_subtrees_are_not_walked),
		TEST(callback_stops_it),
		TEST(damaged_map_is_an_error),
		TEST(agrees_with_comparing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
