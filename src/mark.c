/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/mark.h"

#include <errno.h>
#include <stdlib.h>

#include "src/log.h"
#include "src/map.h"
#include "src/tables.h"

struct sfs_mark {
	struct sfs_repo *repo;
	struct sfs_tables *tables;
	struct sfs_marked_pack *packs; /* sorted by id */
	size_t count;
	size_t capacity;
	struct sfs_marked_pack *last; /* entries come in runs of one pack */
	const struct sfs_snapshot *snapshot;
};

static int add_pack(uint64_t id, uint64_t size, uint64_t allocated,
		    void *context)
{
	struct sfs_mark *mark = context;
	int r;

	(void)allocated;
	r = sfs_grow(&mark->packs, &mark->capacity, mark->count,
		     sizeof(*mark->packs));
	if (r < 0)
		return r;
	mark->packs[mark->count++] =
		(struct sfs_marked_pack){ .id = id, .size = size };
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct sfs_marked_pack *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

int sfs_mark_new(struct sfs_repo *repo, struct sfs_mark **ret)
{
	CLEANUP_MARK struct sfs_mark *mark = NULL;
	int r;

	mark = sfs_calloc(1, sizeof(*mark));
	if (!mark)
		return -ENOMEM;
	mark->repo = repo;
	r = sfs_tables_new(repo->chunks, &mark->tables);
	if (r < 0)
		return r;
	r = sfs_store_list_packs(repo->store, add_pack, mark);
	if (r < 0)
		return r;
	if (mark->count)
		qsort(mark->packs, mark->count, sizeof(*mark->packs), compare);
	*ret = TAKE_PTR(mark);
	return 0;
}

void sfs_mark_free(struct sfs_mark *mark)
{
	size_t i;

	if (!mark)
		return;
	for (i = 0; i < mark->count; i++)
		free(mark->packs[i].bits);
	free(mark->packs);
	sfs_tables_free(mark->tables);
	free(mark);
}

const struct sfs_marked_pack *sfs_mark_packs(const struct sfs_mark *mark,
					     size_t *ret_count)
{
	*ret_count = mark->count;
	return mark->packs;
}

static struct sfs_marked_pack *find_pack(struct sfs_mark *mark, uint64_t id)
{
	const struct sfs_marked_pack key = { .id = id };

	if (!mark->last || mark->last->id != id)
		mark->last = mark->count
				     ? bsearch(&key, mark->packs, mark->count,
					       sizeof(key), compare)
				     : NULL;
	return mark->last;
}

/* 1 when the slot was not marked before, 0 when it was or is not there. */
static int mark_entry(struct sfs_mark *mark, const struct sfs_entry *entry)
{
	struct sfs_marked_pack *pack = find_pack(mark, entry->pack);
	struct sfs_row row;
	uint32_t slot;
	int r;

	if (!pack)
		return 0;
	r = sfs_tables_find(mark->tables, entry->pack, entry->offset, &slot,
			    &row, &pack->slots);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		pack->error = r; /* nothing of it will be swept */
		return 1;
	}
	if (!pack->bits)
		pack->bits = sfs_calloc(pack->slots / 64 + 1, sizeof(uint64_t));
	if (!pack->bits)
		return -ENOMEM;
	if (pack->bits[slot / 64] & UINT64_C(1) << slot % 64)
		return 0;
	pack->bits[slot / 64] |= UINT64_C(1) << slot % 64;
	pack->live_slots++;
	pack->live_bytes +=
		SFS_SLOT_HEADER_SIZE + row.stored + SFS_SLOT_ROW_SIZE;
	return 1;
}

static int mark_node(const struct sfs_entry *entry, unsigned height,
		     uint64_t first, void *context)
{
	(void)height;
	(void)first;
	return mark_entry(context, entry);
}

static int mark_leaf(const struct sfs_entry *entries, uint64_t count,
		     uint64_t first, void *context)
{
	uint64_t i;
	int r;

	(void)first;
	for (i = 0; i < count; i++) {
		if (entries[i].kind != SFS_KIND_DATA)
			continue;
		r = mark_entry(context, &entries[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int log_node(const struct sfs_entry *entry, unsigned height,
		    uint64_t first, int error, void *context)
{
	struct sfs_mark *mark = context;

	(void)height;
	(void)first;
	sfs_err("'%s' of volume '%s': its map cannot be read: slot at %u of "
		"pack %016llx: %s; nothing can be given back until that is "
		"mended or the snapshot deleted",
		mark->snapshot->id, mark->snapshot->volume, entry->offset,
		(unsigned long long)entry->pack, sfs_damage_text(error));
	return error;
}

int sfs_mark_snapshot(struct sfs_mark *mark,
		      const struct sfs_snapshot *snapshot)
{
	const struct sfs_map_visitor visitor = {
		.node = mark_node,
		.leaf = mark_leaf,
		.damage = log_node,
		.context = mark,
	};
	struct sfs_map map;

	mark->snapshot = snapshot;
	map = sfs_map_of(mark->repo->chunks, snapshot,
			 mark->repo->config.chunk_size);
	return sfs_map_visit(&map, &visitor);
}
