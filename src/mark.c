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

/* Say once that all of @pack stays. */
static void keep_whole(struct sfs_marked_pack *pack, int error)
{
	pack->error = error;
	sfs_warn("pack %016llx: its table cannot be read: %s; all of it is "
		 "kept; see 'snapfs check'",
		 (unsigned long long)pack->id, sfs_damage_text(error));
}

/* The slot of @entry in @pack.  The bits were made for the table as it was
 * read first; one that has changed since is damage as well. */
static int find_slot(struct sfs_mark *mark, struct sfs_marked_pack *pack,
		     const struct sfs_entry *entry, uint32_t *ret_slot,
		     struct sfs_row *ret_row)
{
	uint32_t slots;
	int r;

	if (pack->error)
		return pack->error;
	r = sfs_tables_find(mark->tables, entry->pack, entry->offset, ret_slot,
			    ret_row, &slots);
	if (r == 0 && pack->bits && slots != pack->slots)
		r = -EUCLEAN;
	if (r < 0 && r != -ENOMEM)
		keep_whole(pack, r);
	if (r < 0 || pack->bits)
		return r;
	pack->slots = slots;
	pack->bits = sfs_calloc(slots / 64 + 1, sizeof(uint64_t));
	return pack->bits ? 0 : -ENOMEM;
}

/* 1 when the slot was not marked before, 0 when it was; -ENOENT when its pack
 * is not there, or what is wrong with the pack's table. */
static int mark_entry(struct sfs_mark *mark, const struct sfs_entry *entry)
{
	struct sfs_marked_pack *pack = find_pack(mark, entry->pack);
	struct sfs_row row;
	uint32_t slot;
	int r;

	if (!pack)
		return -ENOENT;
	r = find_slot(mark, pack, entry, &slot, &row);
	if (r < 0)
		return r;
	if (pack->bits[slot / 64] & UINT64_C(1) << slot % 64)
		return 0;
	pack->bits[slot / 64] |= UINT64_C(1) << slot % 64;
	pack->live_slots++;
	pack->live_bytes +=
		SFS_SLOT_HEADER_SIZE + row.stored + SFS_SLOT_ROW_SIZE;
	return 1;
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

/* What is under a node that cannot be found is unknown, so that nothing may
 * be swept: its pack may be away for a while only. */
static int mark_node(const struct sfs_entry *entry, unsigned height,
		     uint64_t first, void *context)
{
	int r;

	r = mark_entry(context, entry);
	return r < 0 && r != -ENOMEM
		       ? log_node(entry, height, first, r, context)
		       : r;
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
		/* A chunk that is gone, or lies in a pack that stays whole,
		 * needs nothing of what could be swept. */
		r = mark_entry(context, &entries[i]);
		if (r == -ENOMEM)
			return r;
	}
	return 0;
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

int sfs_mark_judge(struct sfs_mark *mark)
{
	struct sfs_marked_pack *pack;
	struct sfs_row *rows;
	uint32_t count;
	size_t i;
	int r;

	for (i = 0; i < mark->count; i++) {
		pack = &mark->packs[i];
		if (!sfs_marked_dead(pack))
			continue;
		r = sfs_chunks_table(mark->repo->chunks, pack->id, &rows,
				     &count);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			keep_whole(pack, r);
		else
			free(rows);
	}
	return 0;
}
