/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/log.h"
#include "src/map.h"
#include "tests/unit/scratch-disk.h"

#define CHUNK 16384u

/* A store whose every node is a pack of its own. */
struct world {
	struct sfs_store *store;
	struct sfs_config config;
	struct sfs_chunks *chunks;
	unsigned nodes; /* put so far */
};

static void world_open(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->config.chunk_size = CHUNK;
	assert_int_equal(sfs_store_create("repo"), 0);
	assert_int_equal(sfs_store_open_new("repo", &world->store), 0);
	assert_int_equal(sfs_chunks_new(world->store, &world->config, 1 << 20,
					1 << 20, &world->chunks),
			 0);
}

static void world_close(struct world *world)
{
	sfs_chunks_free(world->chunks);
	sfs_store_close(world->store);
}

static int put_node(const struct sfs_entry entries[SFS_NODE_ENTRIES],
		    unsigned height, struct sfs_entry *ret, void *context)
{
	uint8_t header[SFS_PACK_HEADER_SIZE] = { 0 };
	uint8_t bytes[SFS_SLOT_HEADER_SIZE + SFS_NODE_SIZE];
	struct iovec iov[2] = { { header, sizeof(header) },
				{ bytes, sizeof(bytes) } };
	struct world *world = context;
	struct sfs_slot slot = {
		.stored = SFS_NODE_SIZE,
		.length = SFS_NODE_SIZE,
		.codec = SFS_CODEC_RAW,
		.kind = (uint8_t)(SFS_KIND_NODE + height),
	};

	world->nodes++;
	*ret = (struct sfs_entry){
		.pack = world->nodes,
		.offset = SFS_PACK_HEADER_SIZE,
		.stored = SFS_NODE_SIZE,
		.kind = slot.kind,
	};
	sfs_node_encode(entries, bytes + SFS_SLOT_HEADER_SIZE);
	sfs_slot_encode(bytes, ret->pack, ret->offset, &slot);
	return sfs_store_put_pack(world->store, ret->pack, iov, 2);
}

/* The entry of data chunk number @n, for recognition. */
static struct sfs_entry data(uint64_t n)
{
	struct sfs_entry entry = {
		.pack = 7000000 + n,
		.offset = SFS_PACK_HEADER_SIZE,
		.stored = 100,
		.kind = SFS_KIND_DATA,
	};

	memcpy(entry.hash.b, &n, sizeof(n));
	return entry;
}

static void finish(struct world *world, struct sfs_map_builder *builder,
		   uint64_t count, struct sfs_map *map)
{
	map->chunks = world->chunks;
	map->chunk_count = count;
	assert_int_equal(
		sfs_map_builder_finish(builder, &map->root, &map->height), 0);
	assert_int_equal(map->height, sfs_map_height(count));
	sfs_map_builder_free(builder);
}

/* Build a map of @count chunks, all data but each @hole_every-th. */
static void build(struct world *world, const struct sfs_map *parent,
		  uint64_t count, uint64_t hole_every, uint64_t changed,
		  struct sfs_map *map)
{
	const struct sfs_entry hole = { .kind = SFS_KIND_HOLE };
	struct sfs_map_builder *builder;
	struct sfs_entry entry;
	uint64_t i;

	assert_int_equal(sfs_map_builder_new(parent, put_node, world, &builder),
			 0);
	for (i = 0; i < count; i++) {
		entry = data(i == changed ? i + 1000000 : i);
		if (hole_every && i % hole_every == 0)
			entry = hole;
		assert_int_equal(sfs_map_builder_add(builder, &entry), 0);
	}
	finish(world, builder, count, map);
}

static void lookup(const struct sfs_map *map, uint64_t chunk,
		   struct sfs_entry *ret)
{
	struct sfs_run run;

	assert_int_equal(sfs_map_run(map, chunk, &run), 0);
	assert_int_equal(run.first, chunk);
	assert_true(run.count >= 1);
	assert_true(chunk + run.count <= map->chunk_count);
	*ret = run.entries ? run.entries[0]
			   : (struct sfs_entry){ .kind = run.kind };
	sfs_map_run_done(map, &run);
}

static void every_chunk_is_found_at_every_size(void **state)
{
	static const uint64_t sizes[] = { 1,   2,     127,   128,   129,  200,
					  256, 16383, 16384, 16385, 20000 };
	struct sfs_entry got, want;
	struct world world;
	struct sfs_map map;
	uint64_t chunk;
	size_t i;

	(void)state;
	world_open(&world);
	for (i = 0; i < SFS_ARRAY_SIZE(sizes); i++) {
		build(&world, NULL, sizes[i], 0, UINT64_MAX, &map);
		for (chunk = 0; chunk < sizes[i]; chunk++) {
			lookup(&map, chunk, &got);
			want = data(chunk);
			assert_true(sfs_entry_equal(&got, &want));
		}
	}
	world_close(&world);
}

static void an_empty_volume_is_a_hole(void **state)
{
	struct world world;
	struct sfs_map map;

	(void)state;
	world_open(&world);
	build(&world, NULL, 0, 0, 0, &map);
	assert_int_equal(map.root.kind, SFS_KIND_HOLE);
	assert_int_equal(map.height, 0);
	world_close(&world);
}

static void holes_cost_no_nodes(void **state)
{
	const uint64_t count = (UINT64_C(8) << 40) / CHUNK;
	const struct sfs_entry entry = data(5);
	struct sfs_map_builder *builder;
	struct sfs_entry got;
	struct world world;
	struct sfs_map map;
	struct sfs_run run;

	(void)state;
	world_open(&world);
	assert_int_equal(sfs_map_builder_new(NULL, put_node, &world, &builder),
			 0);
	assert_int_equal(
		sfs_map_builder_add_run(builder, SFS_KIND_HOLE, 123456789), 0);
	assert_int_equal(sfs_map_builder_add(builder, &entry), 0);
	assert_int_equal(sfs_map_builder_add_run(builder, SFS_KIND_ZERO,
						 count - 123456790),
			 0);
	finish(&world, builder, count, &map);
	/* Along the one path, and where holes and zeros meet. */
	assert_true(world.nodes <= map.height);
	lookup(&map, 123456789, &got);
	assert_true(sfs_entry_equal(&got, &entry));
	assert_int_equal(sfs_map_run(&map, 0, &run), 0);
	assert_null(run.entries);
	assert_int_equal(run.kind, SFS_KIND_HOLE);
	assert_true(run.count >= 1 << 21);
	sfs_map_run_done(&map, &run);
	lookup(&map, count - 1, &got);
	assert_int_equal(got.kind, SFS_KIND_ZERO);
	world_close(&world);
}

static void an_unchanged_map_is_its_parent(void **state)
{
	struct sfs_map first, second;
	struct world world;
	unsigned nodes;

	(void)state;
	world_open(&world);
	build(&world, NULL, 20000, 3, UINT64_MAX, &first);
	nodes = world.nodes;
	build(&world, &first, 20000, 3, UINT64_MAX, &second);
	assert_int_equal(world.nodes, nodes);
	assert_true(sfs_entry_equal(&first.root, &second.root));
	world_close(&world);
}

static void one_change_writes_one_path(void **state)
{
	struct sfs_map first, second;
	struct sfs_entry got, want;
	struct world world;
	unsigned nodes;

	(void)state;
	world_open(&world);
	build(&world, NULL, 20000, 0, UINT64_MAX, &first);
	nodes = world.nodes;
	build(&world, &first, 20000, 0, 12345, &second);
	assert_int_equal(world.nodes, nodes + second.height);
	lookup(&second, 12345, &got);
	want = data(12345 + 1000000);
	assert_true(sfs_entry_equal(&got, &want));
	world_close(&world);
}

static void growing_keeps_what_was_there(void **state)
{
	struct sfs_map first, second;
	struct world world;
	unsigned nodes;

	(void)state;
	world_open(&world);
	build(&world, NULL, 128 * 10, 0, UINT64_MAX, &first);
	nodes = world.nodes;
	build(&world, &first, 128 * 200, 0, UINT64_MAX, &second);
	assert_int_equal(second.height, first.height + 1);
	/* 190 new leaves, two nodes over them, one root. */
	assert_int_equal(world.nodes - nodes, 190 + 2 + 1);
	world_close(&world);
}

struct seen {
	unsigned nodes;
	uint64_t data;
	uint64_t next; /* the chunk that must come next, or later */
	unsigned damages;
	bool skip;
};

static int see_node(const struct sfs_entry *entry, unsigned height,
		    uint64_t first, void *context)
{
	struct seen *seen = context;

	(void)first;
	assert_int_equal(entry->kind, SFS_KIND_NODE + height);
	seen->nodes++;
	return !seen->skip;
}

static int see_leaf(const struct sfs_entry *entries, uint64_t count,
		    uint64_t first, void *context)
{
	struct seen *seen = context;
	uint64_t i;

	assert_true(first >= seen->next);
	seen->next = first + count;
	for (i = 0; i < count; i++)
		seen->data += entries[i].kind == SFS_KIND_DATA;
	return 0;
}

static int see_damage(const struct sfs_entry *entry, unsigned height,
		      uint64_t first, int error, void *context)
{
	struct seen *seen = context;

	(void)entry;
	(void)height;
	(void)first;
	assert_int_equal(error, -ENOENT);
	seen->damages++;
	return 0;
}

static void a_walk_sees_all_in_order(void **state)
{
	struct seen seen = { 0 };
	struct sfs_map_visitor visitor = { see_node, see_leaf, see_damage,
					   &seen };
	struct world world;
	struct sfs_map map;

	(void)state;
	world_open(&world);
	build(&world, NULL, 20000, 4, UINT64_MAX, &map);
	assert_int_equal(sfs_map_visit(&map, &visitor), 0);
	assert_int_equal(seen.nodes, world.nodes);
	assert_int_equal(seen.data, 15000);
	seen = (struct seen){ .skip = true };
	assert_int_equal(sfs_map_visit(&map, &visitor), 0);
	assert_int_equal(seen.nodes, 1);
	assert_int_equal(seen.data, 0);
	world_close(&world);
}

static void a_lost_node_hurts_only_what_is_under_it(void **state)
{
	struct seen seen = { 0 };
	struct sfs_map_visitor visitor = { see_node, see_leaf, see_damage,
					   &seen };
	struct sfs_entry got;
	struct world world;
	struct sfs_map map;
	struct sfs_run run;

	(void)state;
	world_open(&world);
	build(&world, NULL, 1280, 0, UINT64_MAX, &map);
	/* The first node that was put is the leaf of chunks 0 to 127. */
	assert_int_equal(sfs_store_remove_pack(world.store, 1), 0);
	assert_int_equal(sfs_map_run(&map, 5, &run), -ENOENT);
	assert_int_equal(run.lone.pack, 1);
	lookup(&map, 128, &got);
	assert_int_equal(sfs_map_visit(&map, &visitor), 0);
	assert_int_equal(seen.damages, 1);
	assert_int_equal(seen.data, 1280 - 128);
	visitor.damage = NULL;
	seen = (struct seen){ 0 };
	assert_int_equal(sfs_map_visit(&map, &visitor), -ENOENT);
	world_close(&world);
}

/* A node that stands where another height belongs would make a loop. */
static void a_node_of_the_wrong_height_is_refused(void **state)
{
	struct sfs_entry got;
	struct world world;
	struct sfs_map map;
	struct sfs_run run;

	(void)state;
	world_open(&world);
	build(&world, NULL, 20000, 0, UINT64_MAX, &map);
	/* Also when an honest reader has just cached it. */
	lookup(&map, 5, &got);
	map.root.kind = SFS_KIND_NODE + 1;
	map.height = 1;
	map.chunk_count = 100;
	assert_int_equal(sfs_map_run(&map, 5, &run), -EUCLEAN);
	world_close(&world);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_chunk_is_found_at_every_size),
		TEST(an_empty_volume_is_a_hole),
		TEST(holes_cost_no_nodes),
		TEST(an_unchanged_map_is_its_parent),
		TEST(one_change_writes_one_path),
		TEST(growing_keeps_what_was_there),
		TEST(a_walk_sees_all_in_order),
		TEST(a_lost_node_hurts_only_what_is_under_it),
		TEST(a_node_of_the_wrong_height_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
