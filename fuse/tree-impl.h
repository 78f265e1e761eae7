/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_TREE_IMPL_H
#define SNAPFS_FUSE_TREE_IMPL_H

/*
 * What the files of the tree share.
 *
 *	tree.c		building it; numbers to places
 *	tree-names.c	names to places, and back
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuse/inode-table.h"
#include "fuse/tree.h"

struct sfs_tree {
	atomic_uint refs;
	bool scratch;
	int64_t newest_ns;
	struct sfs_tree_snapshot *snapshots; /* in order of (time, id) */
	size_t snapshot_count;
	size_t snapshot_capacity;
	struct sfs_tree_volume *volumes; /* in order of first appearance */
	size_t volume_count;
	size_t volume_capacity;
	uint32_t *by_volume; /* snapshots, volume after volume, by time */
	struct sfs_tree_image *images; /* in order of (name, id) */
	size_t image_count;
	size_t image_capacity;
	struct sfs_tree_disk *disks; /* image after image */
	size_t disk_count;
	size_t disk_capacity;
	struct sfs_inode_table table; /* of all four, and of images' names */
};

/* The object with that id or name; or else the base that is free for it. */
bool sfs_tree_get(const struct sfs_tree *tree, enum sfs_inode_object object,
		  const char *key, size_t *ret_index, uint64_t *ret_base);

/* The inode of an object that @bits, of enum sfs_inode_bits, say; false when
 * it has no such one. */
bool sfs_tree_place(const struct sfs_tree *tree, enum sfs_inode_object object,
		    size_t index, unsigned bits, struct sfs_place *ret);
/* The same of the fixed ones. */
bool sfs_tree_fixed(const struct sfs_tree *tree, enum sfs_place_kind kind,
		    struct sfs_place *ret);

#endif
