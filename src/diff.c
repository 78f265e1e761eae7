/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/diff.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "src/log.h"
#include "src/map.h"

/*
 * Both maps are descended at once, so that a subtree that is the same in both
 * is passed over unread, however large.  Where one map is lower than the
 * other it stands for its own leftmost descendant: everything beside it is a
 * hole.
 */

/* What one map has where the descent is. */
struct part {
	struct sfs_entry entry;
	bool above; /* the map's root lies below; entry does not apply */
};

struct side {
	const struct sfs_map *map;
	const struct sfs_snapshot *snapshot;
};

struct diff {
	struct side from, to;
	uint32_t chunk_size;
	uint64_t size; /* of the larger volume */

	/* A range that may still grow; nothing when size is 0. */
	enum sfs_change change;
	uint64_t range_offset, range_size;

	int (*each)(enum sfs_change change, uint64_t offset, uint64_t size,
		    void *context);
	void *context;
};

static bool empty(const struct part *part)
{
	return !part->above && (part->entry.kind == SFS_KIND_HOLE ||
				part->entry.kind == SFS_KIND_ZERO);
}

/* Places may differ where the content does not. */
static bool same(const struct part *a, const struct part *b)
{
	if (empty(a) || empty(b))
		return empty(a) && empty(b);
	if (a->above || b->above)
		return false;
	return a->entry.kind == b->entry.kind &&
	       memcmp(&a->entry.hash, &b->entry.hash, sizeof(a->entry.hash)) ==
		       0;
}

static int flush(struct diff *diff)
{
	uint64_t size = diff->range_size;

	if (size == 0)
		return 0;
	diff->range_size = 0;
	return diff->each(diff->change, diff->range_offset, size,
			  diff->context);
}

static int add(struct diff *diff, enum sfs_change change, uint64_t chunk)
{
	uint64_t offset = chunk * diff->chunk_size, size;
	int r;

	if (offset >= diff->size)
		return 0;
	size = sfs_min(diff->chunk_size, diff->size - offset);
	if (diff->range_size == 0 || diff->change != change ||
	    diff->range_offset + diff->range_size != offset) {
		r = flush(diff);
		if (r != 0)
			return r;
		diff->change = change;
		diff->range_offset = offset;
	}
	diff->range_size += size;
	return 0;
}

static int compare_chunk(struct diff *diff, const struct part *from,
			 const struct part *to, uint64_t chunk)
{
	if (empty(from))
		return add(diff, SFS_CHANGE_ADDED, chunk);
	if (empty(to))
		return add(diff, SFS_CHANGE_REMOVED, chunk);
	return add(diff, SFS_CHANGE_CHANGED, chunk);
}

static int get_node(const struct side *side, const struct part *part,
		    unsigned height, uint64_t first, uint32_t chunk_size,
		    struct sfs_node *ret)
{
	int r;

	r = sfs_node_get(side->map->chunks, &part->entry, height, ret);
	if (r < 0)
		sfs_err("'%s': the map from offset %llu on (pack %016llx, "
			"offset %u) cannot be read: %s",
			side->snapshot->id,
			(unsigned long long)first * chunk_size,
			(unsigned long long)part->entry.pack,
			part->entry.offset, sfs_damage_text(r));
	return r;
}

/* The @i-th part of @height under @part; @node is what @part names, if it
 * names one. */
static void child(const struct side *side, const struct part *part,
		  const struct sfs_node *node, unsigned height, unsigned i,
		  struct part *ret)
{
	*ret = (struct part){ .entry.kind = SFS_KIND_HOLE };
	if (node)
		ret->entry = node->entries[i];
	else if (!part->above || i > 0)
		return; /* of an empty part, or beside the root */
	else if (height == side->map->height)
		ret->entry = side->map->root;
	else
		ret->above = true;
}

static int compare(struct diff *diff, const struct part *from,
		   const struct part *to, unsigned height, uint64_t first);

static int compare_children(struct diff *diff, const struct part *from,
			    const struct sfs_node *from_node,
			    const struct part *to,
			    const struct sfs_node *to_node, unsigned height,
			    uint64_t first)
{
	uint64_t span = UINT64_C(1) << (SFS_NODE_BITS * (height - 1));
	struct part a, b;
	unsigned i;
	int r;

	for (i = 0; i < SFS_NODE_ENTRIES; i++) {
		child(&diff->from, from, from_node, height - 1, i, &a);
		child(&diff->to, to, to_node, height - 1, i, &b);
		r = compare(diff, &a, &b, height - 1, first + i * span);
		if (r != 0)
			return r;
	}
	return 0;
}

static int with_to(struct diff *diff, const struct part *from,
		   const struct sfs_node *from_node, const struct part *to,
		   unsigned height, uint64_t first)
{
	struct sfs_node node;
	int r;

	if (to->above || empty(to))
		return compare_children(diff, from, from_node, to, NULL, height,
					first);
	r = get_node(&diff->to, to, height, first, diff->chunk_size, &node);
	if (r < 0)
		return r;
	r = compare_children(diff, from, from_node, to, &node, height, first);
	sfs_node_put(diff->to.map->chunks, &node);
	return r;
}

/* Descends one level a call, at most SFS_MAP_HEIGHT_MAX deep. */
static int compare(struct diff *diff, const struct part *from,
		   const struct part *to, unsigned height, uint64_t first)
{
	struct sfs_node node;
	int r;

	if (same(from, to))
		return 0;
	if (height == 0)
		return compare_chunk(diff, from, to, first);
	if (from->above || empty(from))
		return with_to(diff, from, NULL, to, height, first);
	r = get_node(&diff->from, from, height, first, diff->chunk_size, &node);
	if (r < 0)
		return r;
	r = with_to(diff, from, &node, to, height, first);
	sfs_node_put(diff->from.map->chunks, &node);
	return r;
}

static void top(const struct side *side, unsigned height, struct part *ret)
{
	*ret = (struct part){ .entry = side->map->root,
			      .above = side->map->height < height };
}

int sfs_diff(struct sfs_view *from, struct sfs_view *to,
	     int (*each)(enum sfs_change change, uint64_t offset, uint64_t size,
			 void *context),
	     void *context)
{
	struct diff diff = {
		.from = { sfs_view_map(from), sfs_view_snapshot(from) },
		.to = { sfs_view_map(to), sfs_view_snapshot(to) },
		.chunk_size = sfs_view_repo(from)->config.chunk_size,
		.each = each,
		.context = context,
	};
	unsigned height =
		(unsigned)sfs_max(diff.from.map->height, diff.to.map->height);
	struct part a, b;
	int r;

	diff.size = sfs_max(diff.from.snapshot->size, diff.to.snapshot->size);
	top(&diff.from, height, &a);
	top(&diff.to, height, &b);
	r = compare(&diff, &a, &b, height, 0);
	return r != 0 ? r : flush(&diff);
}
