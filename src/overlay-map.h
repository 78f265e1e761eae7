/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_OVERLAY_MAP_H
#define SNAPFS_SRC_OVERLAY_MAP_H

/* Which blocks an overlay has: one bit each, set for good.  Setting and asking
 * take no lock; who finds a bit set sees all that was done before it was. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/util.h"

/* A leaf is a page: 128 MiB of blocks of 4 KiB. */
#define SFS_OVERLAY_LEAF_WORDS	512u
#define SFS_OVERLAY_LEAF_BLOCKS (SFS_OVERLAY_LEAF_WORDS * 64)

struct sfs_overlay_leaf {
	_Atomic uint64_t words[SFS_OVERLAY_LEAF_WORDS];
};

struct sfs_overlay_map {
	_Atomic(struct sfs_overlay_leaf *) *leaves;
	size_t leaf_count;
	uint64_t block_count;
};

SFS_MUST_CHECK int sfs_overlay_map_init(struct sfs_overlay_map *map,
					uint64_t block_count);
void sfs_overlay_map_done(struct sfs_overlay_map *map);

/* Make sure that setting bits of [first, end) cannot fail. */
SFS_MUST_CHECK int sfs_overlay_map_prepare(struct sfs_overlay_map *map,
					   uint64_t first, uint64_t end);
/* Set [first, end), which is prepared. */
void sfs_overlay_map_set(struct sfs_overlay_map *map, uint64_t first,
			 uint64_t end);

bool sfs_overlay_map_get(const struct sfs_overlay_map *map, uint64_t block);
/* Where the run of blocks that are as @first is ends, at most at @end, and how
 * they were when asked. */
uint64_t sfs_overlay_map_run(const struct sfs_overlay_map *map, uint64_t first,
			     uint64_t end, bool *ret_set);

#endif
