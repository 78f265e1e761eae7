/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Building a map from left to right.
 *
 * There is one open node a level; level h holds entries of height h.  When a
 * level has 128 entries it is closed: it becomes one entry of the level above.
 * Levels below the first non-empty one are empty, so that a run of holes goes
 * in at the highest level it is aligned to.
 *
 * Invariant: the chunks added so far are the sum of each level's count times
 * 128^level.
 */

#include <errno.h>
#include <string.h>

#include "src/map.h"

struct level {
	struct sfs_entry entries[SFS_NODE_ENTRIES];
	unsigned count;
};

struct sfs_map_builder {
	const struct sfs_map *parent;
	sfs_map_put_node *put;
	void *context;
	uint64_t chunks; /* added so far */
	struct level levels[SFS_MAP_HEIGHT_MAX + 1];
};

int sfs_map_builder_new(const struct sfs_map *parent, sfs_map_put_node *put,
			void *context, struct sfs_map_builder **ret)
{
	struct sfs_map_builder *builder;

	builder = sfs_calloc(1, sizeof(*builder));
	if (!builder)
		return -ENOMEM;
	builder->parent = parent;
	builder->put = put;
	builder->context = context;
	*ret = builder;
	return 0;
}

void sfs_map_builder_free(struct sfs_map_builder *builder)
{
	free(builder);
}

static bool uniform(const struct level *level, uint8_t kind)
{
	unsigned i;

	for (i = 0; i < SFS_NODE_ENTRIES; i++)
		if (level->entries[i].kind != kind)
			return false;
	return true;
}

static bool same_entries(const struct sfs_entry *a, const struct sfs_entry *b)
{
	unsigned i;

	for (i = 0; i < SFS_NODE_ENTRIES; i++)
		if (!sfs_entry_equal(&a[i], &b[i]))
			return false;
	return true;
}

/* 1 with *ret when the parent has the same node at the same place.  A parent
 * that cannot be read only means that there is nothing to share. */
static int find_in_parent(struct sfs_map_builder *builder, unsigned height,
			  uint64_t index, const struct level *level,
			  struct sfs_entry *ret)
{
	const struct sfs_map *parent = builder->parent;
	struct sfs_entry entry;
	struct sfs_node node;
	bool same;

	if (!parent || height > parent->height ||
	    sfs_map_entry(parent, height, index, &entry) < 0 ||
	    entry.kind < SFS_KIND_NODE ||
	    sfs_node_get(parent->chunks, &entry, height, &node) < 0)
		return 0;
	same = same_entries(node.entries, level->entries);
	sfs_node_put(parent->chunks, &node);
	if (same)
		*ret = entry;
	return same;
}

/* Turn the full @level of entries of @height - 1 into one of @height. */
static int close_level(struct sfs_map_builder *builder, unsigned height,
		       uint64_t index, struct sfs_entry *ret)
{
	const struct level *level = &builder->levels[height - 1];

	*ret = (struct sfs_entry){ .kind = SFS_KIND_HOLE };
	if (uniform(level, SFS_KIND_HOLE))
		return 0;
	ret->kind = SFS_KIND_ZERO;
	if (uniform(level, SFS_KIND_ZERO))
		return 0;
	if (find_in_parent(builder, height, index, level, ret))
		return 0;
	return builder->put(level->entries, height, ret, builder->context);
}

/* Add an entry of @height; the levels below it are empty. */
static int add(struct sfs_map_builder *builder, unsigned height,
	       const struct sfs_entry *entry)
{
	struct sfs_entry up, current = *entry;
	struct level *level;
	int r;

	builder->chunks += UINT64_C(1) << (SFS_NODE_BITS * height);
	for (;; height++) {
		if (height > SFS_MAP_HEIGHT_MAX)
			return -EFBIG;
		level = &builder->levels[height];
		level->entries[level->count++] = current;
		if (level->count < SFS_NODE_ENTRIES ||
		    height == SFS_MAP_HEIGHT_MAX)
			return 0;
		r = close_level(builder, height + 1,
				(builder->chunks - 1) >>
					(SFS_NODE_BITS * (height + 1)),
				&up);
		if (r < 0)
			return r;
		level->count = 0;
		current = up;
	}
}

int sfs_map_builder_add(struct sfs_map_builder *builder,
			const struct sfs_entry *entry)
{
	return add(builder, 0, entry);
}

int sfs_map_builder_add_run(struct sfs_map_builder *builder, uint8_t kind,
			    uint64_t count)
{
	const struct sfs_entry entry = { .kind = kind };
	unsigned height;
	uint64_t span;
	int r;

	while (count > 0) {
		span = 1;
		for (height = 0; height < SFS_MAP_HEIGHT_MAX; height++) {
			if (span << SFS_NODE_BITS > count ||
			    builder->chunks % (span << SFS_NODE_BITS) != 0)
				break;
			span <<= SFS_NODE_BITS;
		}
		r = add(builder, height, &entry);
		if (r < 0)
			return r;
		count -= span;
	}
	return 0;
}

/* Fill the open node at @height up with holes and close it. */
static int top_up(struct sfs_map_builder *builder, unsigned height,
		  struct sfs_entry *ret)
{
	static const struct sfs_entry hole = { .kind = SFS_KIND_HOLE };
	struct level *level = &builder->levels[height];
	unsigned i;

	for (i = level->count; i < SFS_NODE_ENTRIES; i++)
		level->entries[i] = hole;
	return close_level(builder, height + 1,
			   builder->chunks >> (SFS_NODE_BITS * (height + 1)),
			   ret);
}

int sfs_map_builder_finish(struct sfs_map_builder *builder,
			   struct sfs_entry *ret_root, unsigned *ret_height)
{
	unsigned height = sfs_map_height(builder->chunks), h;
	struct sfs_entry entry;
	struct level *level;
	int r;

	for (h = 0; h < height; h++) {
		level = &builder->levels[h];
		if (level->count == 0)
			continue;
		r = top_up(builder, h, &entry);
		if (r < 0)
			return r;
		level->count = 0;
		level = &builder->levels[h + 1];
		level->entries[level->count++] = entry;
	}
	*ret_root = builder->levels[height].count
			    ? builder->levels[height].entries[0]
			    : (struct sfs_entry){ .kind = SFS_KIND_HOLE };
	*ret_height = height;
	return 0;
}
