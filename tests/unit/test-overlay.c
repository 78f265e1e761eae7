/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "src/overlay.h"
#include "tests/unit/scratch-repo.h"

#define BLOCK SFS_OVERLAY_BLOCK
#define SIZE  (3u * (1 << 20) + 1234)
#define LEAF  (UINT64_C(128) << 20)

/* Chunks of four blocks, so that a block is not all of a chunk. */
static int setup(void **state)
{
	if (scratch_setup(state) < 0 ||
	    sfs_repo_init("repo", 4 * BLOCK, "lz4") < 0)
		return -1;
	return sfs_repo_open("repo", 0, &repo);
}

struct world {
	struct sfs_view *view;
	struct sfs_overlay *overlay;
	uint8_t *want;
	uint8_t *got;
};

/* A disk of SIZE with noise, a hole from 1 MiB on, and noise at the end. */
static void world_open(struct world *world, const char *directory)
{
	size_t n;

	put_noise("disk", 0, 1 << 20, 1);
	put_noise("disk", 2 << 20, SIZE - (2 << 20), 2);
	world->view = take_view("v", "disk");
	world->want = malloc(SIZE);
	world->got = malloc(SIZE);
	assert_true(world->want && world->got);
	assert_int_equal(sfs_view_pread(world->view, world->want, SIZE, 0, &n),
			 0);
	assert_int_equal(
		sfs_overlay_new(directory, world->view, &world->overlay), 0);
}

static void world_close(struct world *world)
{
	sfs_overlay_free(world->overlay);
	sfs_view_close(world->view);
	free(world->want);
	free(world->got);
}

static void check_range(struct world *world, uint64_t offset, size_t size)
{
	size_t n;

	assert_int_equal(
		sfs_overlay_read(world->overlay, world->got, size, offset, &n),
		0);
	assert_int_equal(n, sfs_min(size, SIZE - offset));
	assert_memory_equal(world->got, world->want + offset, n);
}

static void write_both(struct world *world, uint64_t offset, size_t size,
		       uint64_t seed)
{
	noise(world->want + offset, size, seed);
	assert_int_equal(sfs_overlay_write(world->overlay, world->want + offset,
					   size, offset),
			 0);
}

static void punch_both(struct world *world, uint64_t offset, uint64_t size)
{
	assert_int_equal(sfs_overlay_punch(world->overlay, offset, size), 0);
	memset(world->want + offset, 0, sfs_min(size, SIZE - offset));
}

/* ---- */

static void what_is_not_written_is_the_views(void **state)
{
	struct world world;

	(void)state;
	world_open(&world, ".");
	check_range(&world, 0, SIZE);
	assert_true(sfs_overlay_clean(world.overlay, 0, UINT64_MAX));
	assert_int_equal(sfs_overlay_allocated(world.overlay), 0);
	write_both(&world, 5 * BLOCK + 7, 1, 3);
	assert_false(sfs_overlay_clean(world.overlay, 5 * BLOCK, 1));
	assert_true(sfs_overlay_clean(world.overlay, 0, 5 * BLOCK));
	assert_true(sfs_overlay_clean(world.overlay, 6 * BLOCK, UINT64_MAX));
	assert_false(sfs_overlay_clean(world.overlay, 0, UINT64_MAX));
	check_range(&world, 0, SIZE);
	world_close(&world);
}

/* Sizes and places around the edges of blocks, stripes and the volume. */
static uint64_t random_offset(void)
{
	static const uint64_t edges[] = { 0, BLOCK, 1 << 20, 2 << 20, SIZE };

	if (random() % 4 == 0)
		return (edges[random() % 5] + (uint64_t)random() % 9 + SIZE -
			4) %
		       SIZE;
	return (uint64_t)random() % SIZE;
}

static size_t random_size(uint64_t offset)
{
	static const size_t sizes[] = { 10, BLOCK, 5 * BLOCK, 2 << 20 };
	size_t size = (size_t)random() % sizes[random() % 4] + 1;

	if (random() % 4 == 0) /* whole blocks */
		size = (size / BLOCK + 1) * BLOCK - offset % BLOCK;
	return sfs_min(size, SIZE - offset);
}

/* Every byte that is not zero is found, and holes are zeros. */
static void check_holes(struct world *world)
{
	uint64_t at = 0, data, hole;

	while (sfs_overlay_next_data(world->overlay, at, &data) == 0) {
		for (; at < data; at++)
			assert_int_equal(world->want[at], 0);
		assert_int_equal(
			sfs_overlay_next_hole(world->overlay, data, &hole), 0);
		assert_true(hole > data && hole <= SIZE);
		at = hole;
	}
	for (; at < SIZE; at++)
		assert_int_equal(world->want[at], 0);
}

static void it_is_as_a_file_is(void **state)
{
	struct world world;
	uint64_t offset;
	size_t size;
	int i;

	(void)state;
	world_open(&world, ".");
	srandom(7);
	for (i = 0; i < 3000; i++) {
		offset = random_offset();
		size = random_size(offset);
		switch (random() % 8) {
		case 0:
			punch_both(&world, offset, size);
			break;
		case 1:
		case 2:
		case 3:
			check_range(&world, offset, size);
			break;
		default:
			write_both(&world, offset, size, (uint64_t)i);
		}
		if (i % 100 == 0)
			check_holes(&world);
	}
	assert_int_equal(sfs_overlay_sync(world.overlay), 0);
	check_range(&world, 0, SIZE);
	world_close(&world);
}

static void the_end_is_the_end(void **state)
{
	struct world world;
	uint64_t found;
	size_t n = 1;

	(void)state;
	world_open(&world, ".");
	assert_int_equal(sfs_overlay_write(world.overlay, "ab", 2, SIZE - 1),
			 -EFBIG);
	assert_int_equal(sfs_overlay_write(world.overlay, "a", 1, SIZE),
			 -EFBIG);
	assert_int_equal(sfs_overlay_write(world.overlay, "a", 1, UINT64_MAX),
			 -EFBIG);
	assert_int_equal(sfs_overlay_write(world.overlay, "", 0, SIZE), 0);
	assert_true(sfs_overlay_clean(world.overlay, 0, UINT64_MAX));
	assert_int_equal(
		sfs_overlay_read(world.overlay, world.got, 5, SIZE, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(sfs_overlay_next_data(world.overlay, SIZE, &found),
			 -ENXIO);
	assert_int_equal(sfs_overlay_next_hole(world.overlay, SIZE, &found),
			 -ENXIO);
	write_both(&world, SIZE - 1, 1, 1);
	punch_both(&world, SIZE - 100, UINT64_MAX);
	assert_int_equal(sfs_overlay_punch(world.overlay, SIZE, 5), 0);
	check_range(&world, 0, SIZE);
	world_close(&world);
}

static void punching_gives_space_back(void **state)
{
	struct world world;
	uint64_t before, found;

	(void)state;
	world_open(&world, ".");
	write_both(&world, 0, 1 << 20, 5);
	assert_int_equal(sfs_overlay_sync(world.overlay), 0);
	before = sfs_overlay_allocated(world.overlay);
	assert_true(before >= 1 << 20);
	punch_both(&world, 100, (1 << 20) - 200);
	check_range(&world, 0, SIZE);
	assert_true(sfs_overlay_allocated(world.overlay) <=
		    before - (1 << 20) + 2 * BLOCK);
	/* What was never written as well. */
	punch_both(&world, 2 << 20, SIZE);
	check_range(&world, 0, SIZE);
	assert_int_equal(sfs_overlay_next_data(world.overlay, BLOCK, &found),
			 0);
	assert_int_equal(found, (1 << 20) - BLOCK);
	assert_int_equal(sfs_overlay_next_data(world.overlay, 1 << 20, &found),
			 -ENXIO);
	world_close(&world);
}

static void time_goes_on_with_writes(void **state)
{
	struct world world;
	int64_t time_ns;

	(void)state;
	world_open(&world, ".");
	time_ns = sfs_overlay_time_ns(world.overlay);
	assert_int_equal(time_ns, sfs_view_snapshot(world.view)->time_ns);
	write_both(&world, 0, 1, 5);
	assert_true(sfs_overlay_time_ns(world.overlay) > time_ns);
	world_close(&world);
}

/* The snapshot @id whose third chunk, blocks 8 to 11, is damaged. */
static struct sfs_view *open_damaged(const char *id)
{
	struct sfs_entry entry;
	struct sfs_view *view;

	assert_int_equal(sfs_view_open(repo, id, &view), 0);
	entry = entry_at(view, 2);
	sfs_view_close(view);
	flip(pack_path(&entry), entry.offset + entry.stored / 2);
	reopen();
	assert_int_equal(sfs_view_open(repo, id, &view), 0);
	return view;
}

static void damage_hits_who_needs_what_was_there(void **state)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	struct sfs_overlay *overlay;
	struct sfs_view *view;
	uint8_t bytes[BLOCK];
	size_t n;

	(void)state;
	put_noise("disk", 0, 64 * BLOCK, 1);
	snapshot = take("v", "disk");
	view = open_damaged(snapshot->id);
	assert_int_equal(sfs_overlay_new(".", view, &overlay), 0);
	memset(bytes, 1, BLOCK);
	assert_true(sfs_overlay_read(overlay, bytes, 1, 9 * BLOCK, &n) < 0);
	assert_true(sfs_overlay_write(overlay, bytes, 5, 9 * BLOCK) < 0);
	assert_true(sfs_overlay_clean(overlay, 0, UINT64_MAX));
	assert_int_equal(sfs_overlay_write(overlay, bytes, BLOCK, 9 * BLOCK),
			 0);
	assert_int_equal(sfs_overlay_read(overlay, bytes, BLOCK, 9 * BLOCK, &n),
			 0);
	assert_int_equal(sfs_overlay_write(overlay, bytes, 5, 9 * BLOCK + 1),
			 0);
	assert_int_equal(sfs_overlay_punch(overlay, 10 * BLOCK, BLOCK), 0);
	assert_int_equal(
		sfs_overlay_read(overlay, bytes, BLOCK, 10 * BLOCK, &n), 0);
	assert_true(sfs_overlay_read(overlay, bytes, BLOCK, 8 * BLOCK, &n) < 0);
	assert_int_equal(sfs_overlay_read(overlay, bytes, BLOCK, 7 * BLOCK, &n),
			 0);
	sfs_overlay_free(overlay);
	sfs_view_close(view);
}

/* ---- a full disk ---- */

static void mount_small(const char *size)
{
	assert_int_equal(mkdir("small", 0700), 0);
	if (mount("none", "small", "tmpfs", 0, size) < 0)
		skip();
}

static void a_full_disk_hits_the_writer_alone(void **state)
{
	CLEANUP_OVERLAY struct sfs_overlay *other = NULL;
	struct world world;
	uint64_t offset;
	size_t n;
	int r = 0;

	(void)state;
	mount_small("size=256k");
	world_open(&world, "small");
	assert_int_equal(sfs_overlay_new(".", world.view, &other), 0);
	write_both(&world, 3 * BLOCK, 2 * BLOCK, 5);
	memset(world.got, 0xaa, SIZE);
	/* Each write lies across four blocks. */
	for (offset = 100; r == 0; offset += 3 * BLOCK) {
		assert_true(offset < 1 << 20);
		r = sfs_overlay_write(world.overlay, world.got, 3 * BLOCK,
				      offset);
		if (r == 0)
			memset(world.want + offset, 0xaa, 3 * BLOCK);
	}
	assert_int_equal(r, -ENOSPC);
	/* The others are as they were, written or not. */
	check_range(&world, 0, offset - 3 * BLOCK);
	check_range(&world, offset + BLOCK, SIZE);
	assert_int_equal(sfs_overlay_write(other, world.want, SIZE, 0), 0);
	/* What is there can still be written over, and space be made. */
	write_both(&world, 3 * BLOCK, 2 * BLOCK, 6);
	punch_both(&world, 3 * BLOCK, 2 * BLOCK);
	write_both(&world, 1 << 20, 2 * BLOCK, 7);
	check_range(&world, 3 * BLOCK, 2 * BLOCK);
	check_range(&world, 1 << 20, SIZE);
	assert_int_equal(sfs_overlay_read(other, world.got, SIZE, 0, &n), 0);
	world_close(&world);
	sfs_overlay_free(TAKE_PTR(other));
	assert_int_equal(umount("small"), 0);
}

static void a_directory_that_is_gone_is_said_so(void **state)
{
	struct sfs_overlay *overlay = NULL;
	struct sfs_view *view;

	(void)state;
	put_noise("disk", 0, 1, 1);
	view = take_view("v", "disk");
	assert_int_equal(sfs_overlay_new("gone", view, &overlay), -ENOENT);
	assert_null(overlay);
	sfs_view_close(view);
}

/* ---- large volumes ---- */

static void open_zeros(uint64_t size, struct world *world)
{
	*world = (struct world){ .view = NULL };
	assert_int_equal(sfs_view_open_volume(repo, "", size, &world->view), 0);
}

static void check_byte(struct sfs_overlay *overlay, uint64_t offset,
		       uint8_t want)
{
	uint8_t got = 99;
	size_t n;

	assert_int_equal(sfs_overlay_read(overlay, &got, 1, offset, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(got, want);
}

/* Leaf by leaf, whole or in part, before and after writing there. */
static void a_large_volume_costs_what_is_written(void **state)
{
	const uint64_t size = UINT64_C(1) << 40;
	struct world world;
	uint64_t found, leaf;

	(void)state;
	open_zeros(size, &world);
	assert_int_equal(sfs_overlay_new(".", world.view, &world.overlay), 0);
	for (leaf = 3; leaf < 8000; leaf += 800)
		assert_int_equal(sfs_overlay_write(world.overlay, "xyz", 3,
						   leaf * LEAF - 1),
				 0);
	assert_int_equal(sfs_overlay_next_data(world.overlay, 0, &found), 0);
	assert_int_equal(found, 3 * LEAF - BLOCK);
	assert_int_equal(sfs_overlay_next_hole(world.overlay, found, &found),
			 0);
	assert_int_equal(found, 3 * LEAF + BLOCK);
	check_byte(world.overlay, 803 * LEAF - 1, 'x');
	assert_int_equal(sfs_overlay_punch(world.overlay, 803 * LEAF + 1, size),
			 0);
	check_byte(world.overlay, 803 * LEAF, 'y');
	check_byte(world.overlay, 803 * LEAF + 1, 0);
	check_byte(world.overlay, size - 1, 0);
	assert_int_equal(sfs_overlay_next_data(world.overlay,
					       803 * LEAF + BLOCK, &found),
			 -ENXIO);
	assert_true(sfs_overlay_clean(world.overlay, 800 * LEAF, 2 * LEAF));
	assert_false(sfs_overlay_clean(world.overlay, size - BLOCK, 1));
	assert_int_equal(sfs_overlay_write(world.overlay, "w", 1, size - 1), 0);
	check_byte(world.overlay, size - 1, 'w');
	world_close(&world);
}

static void what_no_file_can_hold_is_refused(void **state)
{
	struct sfs_overlay *overlay = NULL;
	struct world world;

	(void)state;
	open_zeros(SFS_OVERLAY_SIZE_MAX + 1, &world);
	assert_int_equal(sfs_overlay_new(".", world.view, &overlay), -EFBIG);
	sfs_view_close(world.view);
}

/* ---- threads ---- */

#define THREADS 4
#define PART	(BLOCK / THREADS)

struct writer {
	struct sfs_overlay *overlay;
	pthread_t thread;
	unsigned number;
	int r;
};

/* Writes its part of each block, each in another order. */
static void *write_parts(void *context)
{
	struct writer *writer = context;
	/* No two have a factor in common. */
	static const unsigned steps[THREADS] = { 1, 5, 7, 11 };
	const unsigned blocks = SIZE / BLOCK;
	uint8_t part[PART];
	unsigned i;

	memset(part, (int)writer->number + 1, PART);
	for (i = 0; i < blocks && writer->r == 0; i++)
		writer->r = sfs_overlay_write(
			writer->overlay, part, PART,
			(uint64_t)(i * steps[writer->number] % blocks) * BLOCK +
				writer->number * PART);
	return NULL;
}

static void parts_of_a_block_do_not_lose_each_other(void **state)
{
	struct writer writers[THREADS];
	struct world world;
	unsigned i;
	size_t at;

	(void)state;
	world_open(&world, ".");
	for (i = 0; i < THREADS; i++) {
		writers[i] = (struct writer){ .overlay = world.overlay,
					      .number = i };
		assert_int_equal(pthread_create(&writers[i].thread, NULL,
						write_parts, &writers[i]),
				 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(writers[i].thread, NULL);
		assert_int_equal(writers[i].r, 0);
	}
	for (at = 0; at < SIZE / BLOCK * BLOCK; at++)
		world.want[at] = (uint8_t)(at / PART % THREADS + 1);
	check_range(&world, 0, SIZE);
	world_close(&world);
}

struct reader {
	struct world *world;
	pthread_t thread;
	atomic_bool stop;
	const char *wrong;
};

static bool all_are(const uint8_t *bytes, uint8_t byte)
{
	return bytes[0] == byte && memcmp(bytes, bytes + 1, BLOCK - 1) == 0;
}

/* Each block is wholly old, wholly new, or punched, and never old again. */
static void *read_blocks(void *context)
{
	struct reader *reader = context;
	static uint8_t seen[SIZE / BLOCK], bytes[BLOCK];
	size_t n, block;

	memset(seen, 0, sizeof(seen));
	while (!atomic_load(&reader->stop)) {
		for (block = 0; block < SIZE / BLOCK; block++) {
			if (sfs_overlay_read(reader->world->overlay, bytes,
					     BLOCK, block * BLOCK, &n) < 0)
				reader->wrong = "cannot read";
			if (all_are(bytes, 0xee) || all_are(bytes, 0))
				seen[block] = !all_are(bytes, 0);
			else if (seen[block] ||
				 memcmp(bytes,
					reader->world->want + block * BLOCK,
					BLOCK) != 0)
				reader->wrong = "a mix of old and new";
		}
	}
	return NULL;
}

static void readers_see_whole_blocks(void **state)
{
	struct reader reader = { .world = NULL };
	struct world world;
	uint8_t *bytes = malloc(SIZE);
	unsigned i;

	(void)state;
	world_open(&world, ".");
	reader.world = &world;
	memset(bytes, 0xee, SIZE);
	assert_int_equal(
		pthread_create(&reader.thread, NULL, read_blocks, &reader), 0);
	for (i = 0; i < SIZE / BLOCK; i += 7)
		assert_int_equal(
			sfs_overlay_write(world.overlay, bytes,
					  sfs_min(7, SIZE / BLOCK - i) * BLOCK,
					  (uint64_t)i * BLOCK),
			0);
	assert_int_equal(sfs_overlay_punch(world.overlay, 0, 1 << 20), 0);
	atomic_store(&reader.stop, true);
	pthread_join(reader.thread, NULL);
	assert_string_equal(reader.wrong ? reader.wrong : "", "");
	free(bytes);
	world_close(&world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, repo_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_is_not_written_is_the_views),
		TEST(it_is_as_a_file_is),
		TEST(the_end_is_the_end),
		TEST(punching_gives_space_back),
		TEST(time_goes_on_with_writes),
		TEST(damage_hits_who_needs_what_was_there),
		TEST(a_full_disk_hits_the_writer_alone),
		TEST(a_directory_that_is_gone_is_said_so),
		TEST(a_large_volume_costs_what_is_written),
		TEST(what_no_file_can_hold_is_refused),
		TEST(parts_of_a_block_do_not_lose_each_other),
		TEST(readers_see_whole_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
