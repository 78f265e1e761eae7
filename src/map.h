/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_MAP_H
#define SNAPFS_SRC_MAP_H

/*
 * Maps: from chunk number to entry through a radix tree of shared nodes.
 * FORMAT.md, "Maps".  Reading costs one step a level however many snapshots
 * came before; a builder writes only the nodes that differ from the parent's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/map.h"
#include "src/chunk.h"
#include "src/cleanup.h"
#include "src/snapshot.h"
#include "src/util.h"

/* A map by value; immutable. */
struct sfs_map {
	struct sfs_chunks *chunks;
	struct sfs_entry root;
	unsigned height;
	uint64_t chunk_count;
};

/* The map of @snapshot. */
struct sfs_map sfs_map_of(struct sfs_chunks *chunks,
			  const struct sfs_snapshot *snapshot,
			  uint32_t chunk_size);

/* Neighbouring chunks [first, first + count), looked up at once: @count
 * entries, or when @entries is NULL all of them holes or zeros (@kind). */
struct sfs_run {
	uint64_t first;
	uint64_t count;
	const struct sfs_entry *entries;
	uint8_t kind;
	struct sfs_node node;  /* pins entries */
	struct sfs_entry lone; /* a root of height 0 */
};

/* The run that starts at @chunk < chunk_count and ends with its leaf, with
 * the empty subtree it lies in, or with the map.  When a node on the way
 * cannot be read, ret->lone is its entry. */
SFS_MUST_CHECK int sfs_map_run(const struct sfs_map *map, uint64_t chunk,
			       struct sfs_run *ret);
void sfs_map_run_done(const struct sfs_map *map, struct sfs_run *run);

/* The entry of @height <= map->height that stands for the chunks from
 * @index << 7 * @height on: a hole or a zero when an entry above it is one,
 * a hole beyond the root's reach. */
SFS_MUST_CHECK int sfs_map_entry(const struct sfs_map *map, unsigned height,
				 uint64_t index, struct sfs_entry *ret);

/* A walk over a whole map, in order, depth first.  Any callback may be NULL;
 * a negative result ends the walk and is returned. */
struct sfs_map_visitor {
	/* A node is about to be read; return 0 to pass over what is under it,
	 * 1 to read it.  @first is the first chunk under it. */
	int (*node)(const struct sfs_entry *entry, unsigned height,
		    uint64_t first, void *context);
	/* The @count entries of height 0 from chunk @first on. */
	int (*leaf)(const struct sfs_entry *entries, uint64_t count,
		    uint64_t first, void *context);
	/* A node could not be read.  NULL: the walk fails with @error. */
	int (*damage)(const struct sfs_entry *entry, unsigned height,
		      uint64_t first, int error, void *context);
	void *context;
};
SFS_MUST_CHECK int sfs_map_visit(const struct sfs_map *map,
				 const struct sfs_map_visitor *visitor);

/*
 * A builder takes a volume's chunks in order and gives the root.  It holds
 * one open node a level.  A node that equals the parent's at the same place,
 * byte for byte, is taken from there; others go to @put.
 */
struct sfs_map_builder;

/* Store a node of @height and say where: fill *ret whole. */
typedef int sfs_map_put_node(const struct sfs_entry entries[SFS_NODE_ENTRIES],
			     unsigned height, struct sfs_entry *ret,
			     void *context);

/* @parent (or NULL) is borrowed. */
SFS_MUST_CHECK int sfs_map_builder_new(const struct sfs_map *parent,
				       sfs_map_put_node *put, void *context,
				       struct sfs_map_builder **ret);
void sfs_map_builder_free(struct sfs_map_builder *builder);
SFS_DEFINE_CLEANUP(struct sfs_map_builder, sfs_map_builder_free);
#define CLEANUP_MAP_BUILDER __attribute__((cleanup(sfs_map_builder_freep)))

SFS_MUST_CHECK int sfs_map_builder_add(struct sfs_map_builder *builder,
				       const struct sfs_entry *entry);
/* @count chunks of holes or zeros; costs the height, not the count. */
SFS_MUST_CHECK int sfs_map_builder_add_run(struct sfs_map_builder *builder,
					   uint8_t kind, uint64_t count);
/* The root over all that was added and the least height that covers it. */
SFS_MUST_CHECK int sfs_map_builder_finish(struct sfs_map_builder *builder,
					  struct sfs_entry *ret_root,
					  unsigned *ret_height);

#endif
