/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_INODE_TABLE_H
#define SNAPFS_FUSE_INODE_TABLE_H

/* From the base of inode numbers (see tree.h) to what has it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/util.h"

/* What an inode that is not fixed belongs to. */
enum sfs_inode_object {
	SFS_OBJECT_SNAPSHOT,
	SFS_OBJECT_VOLUME,
	SFS_OBJECT_IMAGE,
	SFS_OBJECT_DISK,
	SFS_OBJECT_NAME, /* an image, by its name; no inode is made of it */
	SFS_OBJECT_COUNT,
};

/* The lowest bits of such a number: which inode of the object it is. */
enum sfs_inode_bits {
	SFS_INODE_SNAPSHOT = 0,
	SFS_INODE_LINK = 1,
	SFS_INODE_VOLUME = 0,
	SFS_INODE_LATEST = 1,
	SFS_INODE_IMAGE = 0,
	SFS_INODE_MANIFEST = 1,
	SFS_INODE_ROOT_DISK = 2,
	SFS_INODE_DISK = 0,
	SFS_INODE_KINDS = 3,   /* mask of the above */
	SFS_INODE_SCRATCH = 4, /* with them: the writable twin */
	SFS_INODE_BITS = 7,    /* mask of all */
};

struct sfs_inode_slot {
	uint64_t base;
	uint32_t index; /* + 1; 0: free */
	enum sfs_inode_object object;
};

/* Open addressing, never more than half full.  All zero is an empty table.
 */
struct sfs_inode_table {
	struct sfs_inode_slot *slots;
	size_t count;
	size_t size; /* power of two */
};

/* The base for an object with the id or name @key; another one for each
 * @attempt. */
uint64_t sfs_inode_base(enum sfs_inode_object object, const char *key,
			unsigned attempt);

void sfs_inode_table_done(struct sfs_inode_table *table);
/* @base is not in the table. */
SFS_MUST_CHECK int sfs_inode_table_add(struct sfs_inode_table *table,
				       uint64_t base,
				       enum sfs_inode_object object,
				       size_t index);
bool sfs_inode_table_get(const struct sfs_inode_table *table, uint64_t base,
			 enum sfs_inode_object *ret_object, size_t *ret_index);

#endif
