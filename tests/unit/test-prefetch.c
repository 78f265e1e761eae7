/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>

#include "src/prefetch.h"
#include "tests/unit/scratch-repo.h"

#define PIECE (128u << 10)
#define SIZE  (2u << 20)

struct world {
	struct sfs_view *view;
	struct sfs_prefetch *prefetch;
	struct sfs_stream stream;
};

static void world_open(struct world *world)
{
	put_noise("disk", 0, SIZE, 1);
	world->view = take_view("v", "disk");
	assert_int_equal(sfs_prefetch_new(repo->chunks, 1, &world->prefetch),
			 0);
	sfs_stream_init(&world->stream);
}

static void world_close(struct world *world)
{
	sfs_prefetch_free(world->prefetch);
	sfs_stream_done(&world->stream);
	sfs_view_close(world->view);
}

static void note(struct world *world, uint64_t offset)
{
	sfs_prefetch_note(world->prefetch, &world->stream, world->view, offset,
			  PIECE);
}

static bool cached(struct world *world, uint64_t offset)
{
	struct sfs_cache_key key;
	struct sfs_entry entry;

	assert_int_equal(sfs_map_entry(sfs_view_map(world->view), 0,
				       offset / CHUNK, &entry),
			 0);
	key = (struct sfs_cache_key){ entry.pack, entry.offset, entry.kind };
	return sfs_cache_has(sfs_chunks_cache(repo->chunks), &key);
}

static uint64_t decoded(void)
{
	struct sfs_cache_stats stats;

	sfs_cache_stats(sfs_chunks_cache(repo->chunks), &stats);
	return stats.misses;
}

/* The alarm of the set-up ends a test whose condition never comes. */
static void wait_for(uint64_t count)
{
	while (decoded() < count)
		sched_yield();
}

static void who_goes_straight_on_is_helped(void **state)
{
	struct world world;
	uint64_t offset;

	(void)state;
	world_open(&world);
	note(&world, 0);
	note(&world, PIECE);
	wait_for(PIECE / CHUNK);
	for (offset = 2 * PIECE; offset < 3 * PIECE; offset += CHUNK)
		assert_true(cached(&world, offset));
	assert_false(cached(&world, 0));
	assert_false(cached(&world, 3 * PIECE));
	/* The next one is handed out once, not again. */
	note(&world, 2 * PIECE);
	wait_for(2 * PIECE / CHUNK);
	world_close(&world);
	assert_int_equal(decoded(), 2 * PIECE / CHUNK);
}

static void who_jumps_is_left_alone(void **state)
{
	struct world world;
	unsigned i;

	(void)state;
	world_open(&world);
	for (i = 0; i < 50; i++)
		note(&world, (i * 7 % 16) * (uint64_t)PIECE);
	world_close(&world);
	assert_int_equal(decoded(), 0);
}

static void the_end_of_the_volume_is_the_end(void **state)
{
	struct world world;

	(void)state;
	world_open(&world);
	world.stream.next = SIZE - 3 * PIECE;
	note(&world, SIZE - 3 * PIECE);
	note(&world, SIZE - 2 * PIECE);
	note(&world, SIZE - PIECE);
	wait_for(PIECE / CHUNK);
	world_close(&world);
	assert_int_equal(decoded(), PIECE / CHUNK);
}

/* It stops where the reader has been already. */
static void work_is_not_done_twice(void **state)
{
	struct world world;
	uint8_t byte;
	size_t got;

	(void)state;
	world_open(&world);
	assert_int_equal(sfs_view_pread(world.view, &byte, 1,
					3 * PIECE - 2 * CHUNK, &got),
			 0);
	note(&world, 0);
	note(&world, PIECE);
	wait_for(2);
	world_close(&world);
	assert_int_equal(decoded(), 2);
}

static void damage_is_left_to_the_reader(void **state)
{
	struct sfs_entry entry;
	struct world world;

	(void)state;
	world_open(&world);
	assert_int_equal(sfs_map_entry(sfs_view_map(world.view), 0,
				       (3 * PIECE - CHUNK) / CHUNK, &entry),
			 0);
	assert_int_equal(chmod(pack_path(&entry), 0600), 0);
	flip(pack_path(&entry), entry.offset + 20);
	note(&world, 0);
	note(&world, PIECE);
	wait_for(1);
	world_close(&world);
	assert_string_equal(scratch_log, "");
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, repo_setup, repo_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_goes_straight_on_is_helped),
		TEST(who_jumps_is_left_alone),
		TEST(the_end_of_the_volume_is_the_end),
		TEST(work_is_not_done_twice),
		TEST(damage_is_left_to_the_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
