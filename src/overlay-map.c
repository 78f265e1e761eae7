/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/overlay-map.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define LEAF_BLOCKS SFS_OVERLAY_LEAF_BLOCKS

/* Stands for all leaves of which every bit is set; never looked into. */
static struct sfs_overlay_leaf full;

int sfs_overlay_map_init(struct sfs_overlay_map *map, uint64_t block_count)
{
	*map = (struct sfs_overlay_map){
		.leaf_count = block_count / LEAF_BLOCKS + 1,
		.block_count = block_count,
	};
	map->leaves = sfs_calloc(map->leaf_count, sizeof(*map->leaves));
	return map->leaves ? 0 : -ENOMEM;
}

void sfs_overlay_map_done(struct sfs_overlay_map *map)
{
	struct sfs_overlay_leaf *leaf;
	size_t i;

	for (i = 0; map->leaves && i < map->leaf_count; i++) {
		leaf = atomic_load(&map->leaves[i]);
		if (leaf != &full)
			free(leaf);
	}
	free(map->leaves);
}

static struct sfs_overlay_leaf *leaf_of(const struct sfs_overlay_map *map,
					uint64_t block)
{
	return atomic_load_explicit(&map->leaves[block / LEAF_BLOCKS],
				    memory_order_acquire);
}

static uint64_t leaf_end(const struct sfs_overlay_map *map, uint64_t block)
{
	return sfs_min((block / LEAF_BLOCKS + 1) * LEAF_BLOCKS,
		       map->block_count);
}

static bool covers_leaf(const struct sfs_overlay_map *map, uint64_t first,
			uint64_t end)
{
	return first % LEAF_BLOCKS == 0 && end >= leaf_end(map, first);
}

/* The leaf of @first for it to be set up to @end. */
static int prepare_leaf(struct sfs_overlay_map *map, uint64_t first,
			uint64_t end)
{
	struct sfs_overlay_leaf *leaf = NULL, *fresh;

	/* It becomes &full when it is set. */
	if (leaf_of(map, first) || covers_leaf(map, first, end))
		return 0;
	fresh = sfs_calloc(1, sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	if (!atomic_compare_exchange_strong(&map->leaves[first / LEAF_BLOCKS],
					    &leaf, fresh))
		free(fresh); /* another one was first */
	return 0;
}

int sfs_overlay_map_prepare(struct sfs_overlay_map *map, uint64_t first,
			    uint64_t end)
{
	int r;

	for (; first < end; first = leaf_end(map, first)) {
		r = prepare_leaf(map, first, end);
		if (r < 0)
			return r;
	}
	return 0;
}

static void set_words(struct sfs_overlay_leaf *leaf, unsigned first,
		      unsigned end)
{
	uint64_t bits;
	unsigned n;

	for (; first < end; first += n) {
		n = (unsigned)sfs_min(64 - first % 64, end - first);
		bits = (UINT64_MAX >> (64 - n)) << first % 64;
		atomic_fetch_or_explicit(&leaf->words[first / 64], bits,
					 memory_order_release);
	}
}

static void set_in_leaf(struct sfs_overlay_map *map, uint64_t first,
			uint64_t end)
{
	struct sfs_overlay_leaf *leaf = NULL;

	if (covers_leaf(map, first, end) &&
	    atomic_compare_exchange_strong(&map->leaves[first / LEAF_BLOCKS],
					   &leaf, &full))
		return;
	leaf = leaf_of(map, first);
	assert(leaf);
	if (leaf != &full)
		set_words(leaf, (unsigned)(first % LEAF_BLOCKS),
			  (unsigned)((end - 1) % LEAF_BLOCKS) + 1);
}

void sfs_overlay_map_set(struct sfs_overlay_map *map, uint64_t first,
			 uint64_t end)
{
	uint64_t next;

	for (; first < end; first = next) {
		next = sfs_min(leaf_end(map, first), end);
		set_in_leaf(map, first, next);
	}
}

/* The 64 bits that @block is among. */
static uint64_t word_of(const struct sfs_overlay_map *map, uint64_t block)
{
	struct sfs_overlay_leaf *leaf = leaf_of(map, block);

	if (!leaf)
		return 0;
	if (leaf == &full)
		return UINT64_MAX;
	return atomic_load_explicit(&leaf->words[block % LEAF_BLOCKS / 64],
				    memory_order_acquire);
}

bool sfs_overlay_map_get(const struct sfs_overlay_map *map, uint64_t block)
{
	return word_of(map, block) >> block % 64 & 1;
}

/* The end of the leaf of @block when all of it is alike without a look at its
 * bits, else of its word. */
static uint64_t stride_end(const struct sfs_overlay_map *map, uint64_t block)
{
	const struct sfs_overlay_leaf *leaf = leaf_of(map, block);

	if (!leaf || leaf == &full)
		return (block / LEAF_BLOCKS + 1) * LEAF_BLOCKS;
	return (block / 64 + 1) * 64;
}

uint64_t sfs_overlay_map_run(const struct sfs_overlay_map *map, uint64_t first,
			     uint64_t end, bool *ret_set)
{
	const bool set = sfs_overlay_map_get(map, first);
	const uint64_t same = set ? UINT64_MAX : 0;
	uint64_t other;

	*ret_set = set;
	while (first < end) {
		other = (word_of(map, first) ^ same) >> first % 64;
		if (other != 0)
			return sfs_min(first + (unsigned)__builtin_ctzll(other),
				       end);
		first = stride_end(map, first);
	}
	return end;
}
