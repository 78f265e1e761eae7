/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/map.h"

#include <assert.h>

struct sfs_map sfs_map_of(struct sfs_chunks *chunks,
			  const struct sfs_snapshot *snapshot,
			  uint32_t chunk_size)
{
	return (struct sfs_map){
		.chunks = chunks,
		.root = snapshot->root,
		.height = snapshot->height,
		.chunk_count = sfs_map_chunks(snapshot->size, chunk_size),
	};
}

/* Chunks under one entry of @height. */
static uint64_t span(unsigned height)
{
	return UINT64_C(1) << (SFS_NODE_BITS * height);
}

static unsigned slot_of(uint64_t chunk, unsigned height)
{
	return (chunk >> (SFS_NODE_BITS * height)) & (SFS_NODE_ENTRIES - 1);
}

static void empty_run(const struct sfs_map *map, uint64_t chunk,
		      const struct sfs_entry *entry, unsigned height,
		      struct sfs_run *ret)
{
	uint64_t end = (chunk | (span(height) - 1)) + 1;

	ret->first = chunk;
	ret->count = sfs_min(end, map->chunk_count) - chunk;
	ret->entries = NULL;
	ret->kind = entry->kind;
	ret->node = (struct sfs_node){ 0 };
}

int sfs_map_run(const struct sfs_map *map, uint64_t chunk, struct sfs_run *ret)
{
	struct sfs_entry entry = map->root;
	unsigned height = map->height, slot;
	struct sfs_node node;
	int r;

	for (; height > 0 && entry.kind > SFS_KIND_NODE; height--) {
		r = sfs_node_get(map->chunks, &entry, height, &node);
		if (r < 0) {
			ret->lone = entry;
			return r;
		}
		slot = slot_of(chunk, height - 1);
		if (height > 1) {
			entry = node.entries[slot];
			sfs_node_put(map->chunks, &node);
			continue;
		}
		ret->first = chunk;
		ret->count = sfs_min(SFS_NODE_ENTRIES - slot,
				     map->chunk_count - chunk);
		ret->entries = node.entries + slot;
		ret->kind = SFS_KIND_DATA;
		ret->node = node;
		return 0;
	}
	if (entry.kind == SFS_KIND_HOLE || entry.kind == SFS_KIND_ZERO) {
		empty_run(map, chunk, &entry, height, ret);
		return 0;
	}
	ret->first = chunk;
	ret->count = 1;
	ret->lone = entry;
	ret->entries = &ret->lone;
	ret->kind = SFS_KIND_DATA;
	ret->node = (struct sfs_node){ 0 };
	return 0;
}

void sfs_map_run_done(const struct sfs_map *map, struct sfs_run *run)
{
	sfs_node_put(map->chunks, &run->node);
}

int sfs_map_entry(const struct sfs_map *map, unsigned height, uint64_t index,
		  struct sfs_entry *ret)
{
	struct sfs_entry entry = map->root;
	struct sfs_node node;
	unsigned h;
	int r;

	assert(height <= map->height);
	if (index >> (SFS_NODE_BITS * (map->height - height)) != 0) {
		*ret = (struct sfs_entry){ .kind = SFS_KIND_HOLE };
		return 0;
	}
	for (h = map->height; h > height && entry.kind > SFS_KIND_NODE; h--) {
		r = sfs_node_get(map->chunks, &entry, h, &node);
		if (r < 0)
			return r;
		entry = node.entries[slot_of(index << (SFS_NODE_BITS * height),
					     h - 1)];
		sfs_node_put(map->chunks, &node);
	}
	*ret = entry;
	return 0;
}

/* ---- walking ---- */

struct walk {
	const struct sfs_map *map;
	const struct sfs_map_visitor *visitor;
};

static int visit_leaf(const struct walk *walk, const struct sfs_entry *entries,
		      uint64_t count, uint64_t first)
{
	const struct sfs_map_visitor *visitor = walk->visitor;

	return visitor->leaf
		       ? visitor->leaf(entries, count, first, visitor->context)
		       : 0;
}

/* Descends one level a call, at most SFS_MAP_HEIGHT_MAX deep. */
static int visit(const struct walk *walk, const struct sfs_entry *entry,
		 unsigned height, uint64_t first)
{
	const struct sfs_map_visitor *visitor = walk->visitor;
	struct sfs_node node;
	unsigned i;
	int r;

	if (height == 0)
		return visit_leaf(walk, entry, 1, first);
	if (entry->kind < SFS_KIND_NODE)
		return 0; /* nothing stored under it */
	r = visitor->node
		    ? visitor->node(entry, height, first, visitor->context)
		    : 1;
	if (r <= 0)
		return r;
	r = sfs_node_get(walk->map->chunks, entry, height, &node);
	if (r < 0)
		return visitor->damage ? visitor->damage(entry, height, first,
							 r, visitor->context)
				       : r;
	if (height == 1)
		r = visit_leaf(walk, node.entries, SFS_NODE_ENTRIES, first);
	else
		for (i = 0, r = 0; i < SFS_NODE_ENTRIES && r >= 0; i++)
			r = visit(walk, &node.entries[i], height - 1,
				  first + i * span(height - 1));
	sfs_node_put(walk->map->chunks, &node);
	return r < 0 ? r : 0;
}

int sfs_map_visit(const struct sfs_map *map,
		  const struct sfs_map_visitor *visitor)
{
	const struct walk walk = { map, visitor };

	return visit(&walk, &map->root, map->height, 0);
}
