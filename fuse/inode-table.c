/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/inode-table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define INO_LARGE (UINT64_C(1) << 62)

uint64_t sfs_inode_base(enum sfs_inode_object object, const char *key,
			unsigned attempt)
{
	uint64_t seed = (uint64_t)attempt * SFS_OBJECT_COUNT + object;
	uint64_t hash = XXH3_64bits_withSeed(key, strlen(key), seed);

	return (hash >> 1 | INO_LARGE) & ~(uint64_t)SFS_INODE_BITS;
}

/* The slot of @base, or the free one where it belongs. */
static struct sfs_inode_slot *find_slot(const struct sfs_inode_table *table,
					uint64_t base)
{
	struct sfs_inode_slot *slot;
	size_t i = base >> 3;

	for (;; i++) {
		slot = &table->slots[i & (table->size - 1)];
		if (!slot->index || slot->base == base)
			return slot;
	}
}

bool sfs_inode_table_get(const struct sfs_inode_table *table, uint64_t base,
			 enum sfs_inode_object *ret_object, size_t *ret_index)
{
	const struct sfs_inode_slot *slot;

	if (table->count == 0)
		return false;
	slot = find_slot(table, base);
	if (!slot->index)
		return false;
	*ret_object = slot->object;
	*ret_index = slot->index - 1;
	return true;
}

static int grow(struct sfs_inode_table *table)
{
	struct sfs_inode_table grown = {
		.count = table->count,
		.size = table->size ? table->size * 2 : 64,
	};
	size_t i;

	grown.slots = sfs_calloc(grown.size, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (i = 0; i < table->size; i++) {
		if (table->slots[i].index)
			*find_slot(&grown, table->slots[i].base) =
				table->slots[i];
	}
	free(table->slots);
	*table = grown;
	return 0;
}

int sfs_inode_table_add(struct sfs_inode_table *table, uint64_t base,
			enum sfs_inode_object object, size_t index)
{
	int r;

	if (table->count * 2 >= table->size) {
		r = grow(table);
		if (r < 0)
			return r;
	}
	*find_slot(table, base) = (struct sfs_inode_slot){
		.base = base,
		.index = (uint32_t)index + 1,
		.object = object,
	};
	table->count++;
	return 0;
}

void sfs_inode_table_done(struct sfs_inode_table *table)
{
	free(table->slots);
	*table = (struct sfs_inode_table){ 0 };
}
