/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_INODE_TABLE_H
#define SNAPFS_FUSE_INODE_TABLE_H

/* From the base of inode numbers (see tree.h) to an index. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/util.h"

/* The lowest bits of an inode number that is not fixed. */
enum sfs_inode_bits {
	SFS_INODE_IMAGE = 0,
	SFS_INODE_LINK = 1,
	SFS_INODE_VOLUME = 2,
	SFS_INODE_LATEST = 3,
	SFS_INODE_BITS = 3, /* mask */
};

struct sfs_inode_slot {
	uint64_t base;
	uint32_t index; /* + 1; 0: free */
};

/* Open addressing, never more than half full.  All zero is an empty table.
 */
struct sfs_inode_table {
	struct sfs_inode_slot *slots;
	size_t count;
	size_t size; /* power of two */
};

/* The base for an id or name; another one for each @attempt. */
uint64_t sfs_inode_base(const char *key, unsigned attempt);

void sfs_inode_table_done(struct sfs_inode_table *table);
SFS_MUST_CHECK int sfs_inode_table_add(struct sfs_inode_table *table,
				       uint64_t base, size_t index);
bool sfs_inode_table_get(const struct sfs_inode_table *table, uint64_t base,
			 size_t *ret);

#endif
