/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The index of chunks: the first 64 bits of a hash to a slot.  It only ever
 * proposes, so it need not be complete, and rows are not checked: the pack's
 * table and the chunk's bytes decide.
 */

#include <errno.h>
#include <string.h>

#include "format/pack.h"
#include "src/catalog-impl.h"
#include "src/log.h"
#include "src/mutex.h"

/* Look-ups before the read transaction is renewed, so that it does not hold
 * up checkpoints. */
#define FINDS_MAX 4096

static int64_t key_of(const struct sfs_hash *hash)
{
	int64_t key;

	memcpy(&key, hash->b, sizeof(key));
	return key;
}

/* ---- finding ---- */

static int look_for_any(struct sfs_catalog *catalog)
{
	CLEANUP_RESET struct sfs_stmt *stmt = NULL;
	int r;

	r = sfs_catalog_query(catalog, SFS_QUERY_CHUNK_ANY, &stmt);
	if (r < 0)
		return r;
	r = sfs_stmt_step(stmt);
	if (r < 0)
		return r;
	catalog->chunks = r ? SFS_CHUNKS_SOME : SFS_CHUNKS_NONE;
	return 0;
}

static int begin_finding(struct sfs_catalog *catalog)
{
	if (catalog->finding && catalog->finds++ < FINDS_MAX)
		return 0;
	sfs_catalog_end_finding(catalog);
	catalog->finds = 0;
	return sfs_db_begin(catalog->db, false, &catalog->finding);
}

static int find_locked(struct sfs_catalog *catalog, const struct sfs_hash *hash,
		       struct sfs_candidate *ret)
{
	CLEANUP_RESET struct sfs_stmt *stmt = NULL;
	int64_t pack, slot;
	int r;

	if (!catalog->db || sfs_db_failed(catalog->db))
		return 0;
	if (catalog->chunks == SFS_CHUNKS_UNKNOWN) {
		r = look_for_any(catalog);
		if (r < 0)
			return r;
	}
	if (catalog->chunks == SFS_CHUNKS_NONE)
		return 0;
	r = begin_finding(catalog);
	if (r < 0)
		return r;
	r = sfs_catalog_query(catalog, SFS_QUERY_CHUNK_FIND, &stmt);
	if (r < 0)
		return r;
	sfs_stmt_bind_int(stmt, 1, key_of(hash));
	r = sfs_stmt_step(stmt);
	if (r <= 0)
		return r;
	if (!sfs_stmt_int(stmt, 0, &pack) || !sfs_stmt_int(stmt, 1, &slot) ||
	    slot < 0 || slot >= (int64_t)SFS_PACK_SLOTS_MAX)
		return 0;
	*ret = (struct sfs_candidate){ (uint64_t)pack, (uint32_t)slot };
	return 1;
}

int sfs_catalog_find_chunk(struct sfs_catalog *catalog,
			   const struct sfs_hash *hash,
			   struct sfs_candidate *ret)
{
	int r;

	SFS_LOCK(&catalog->mutex);
	r = find_locked(catalog, hash, ret);
	return r > 0;
}

/* ---- adding ---- */

struct chunk_row {
	int64_t key;
	uint32_t slot;
};

struct addition {
	uint64_t pack;
	struct chunk_row *rows; /* by key, for the tree's sake */
	size_t count;
};

static int by_chunk_key(const void *a, const void *b)
{
	const struct chunk_row *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static int insert_chunks(struct sfs_catalog *catalog, int64_t pack_row,
			 const struct addition *add)
{
	struct sfs_stmt *stmt;
	size_t i;
	int r;

	r = sfs_catalog_query(catalog, SFS_QUERY_CHUNK_PUT, &stmt);
	for (i = 0; i < add->count && r == 0; i++) {
		sfs_stmt_bind_int(stmt, 1, add->rows[i].key);
		sfs_stmt_bind_int(stmt, 2, pack_row);
		sfs_stmt_bind_int(stmt, 3, add->rows[i].slot);
		r = sfs_stmt_run(stmt);
	}
	return r;
}

/* 1 and the number of its new row, 0 when the pack is there already: two
 * creators may find it at once. */
static int insert_pack(struct sfs_catalog *catalog, uint64_t pack,
		       int64_t *ret_row)
{
	CLEANUP_RESET struct sfs_stmt *stmt = NULL;
	int r;

	r = sfs_catalog_query(catalog, SFS_QUERY_PACK_PUT, &stmt);
	if (r < 0)
		return r;
	sfs_stmt_bind_int(stmt, 1, (int64_t)pack);
	r = sfs_stmt_step(stmt);
	if (r > 0 && !sfs_stmt_int(stmt, 0, ret_row))
		return sfs_db_distrust(catalog->db);
	return r;
}

static int add_locked(struct sfs_catalog *catalog, void *context)
{
	CLEANUP_LOCK struct sfs_lock *lock = NULL;
	CLEANUP_TXN struct sfs_db *txn = NULL;
	const struct addition *add = context;
	int64_t pack_row;
	int r;

	r = sfs_catalog_write_lock(catalog, &lock);
	if (r < 0)
		return r;
	r = sfs_db_begin(catalog->db, true, &txn);
	if (r < 0)
		return r;
	r = insert_pack(catalog, add->pack, &pack_row);
	if (r <= 0)
		return r;
	r = insert_chunks(catalog, pack_row, add);
	if (r < 0)
		return r;
	r = sfs_db_commit(&txn);
	if (r < 0)
		return r;
	catalog->chunks = SFS_CHUNKS_UNKNOWN;
	sfs_catalog_tidy(catalog);
	return 0;
}

static int add_pack(struct sfs_catalog *catalog, uint64_t pack,
		    const struct sfs_row *rows, uint32_t count)
{
	CLEANUP_FREE struct chunk_row *chunks = NULL;
	struct addition add = { .pack = pack };
	uint32_t i;

	chunks = sfs_malloc(count * sizeof(*chunks));
	if (!chunks)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		if (rows[i].kind == SFS_KIND_DATA)
			chunks[add.count++] =
				(struct chunk_row){ key_of(&rows[i].hash), i };
	qsort(chunks, add.count, sizeof(*chunks), by_chunk_key);
	add.rows = chunks;
	return sfs_catalog_run(catalog, add_locked, &add);
}

void sfs_catalog_add_pack(struct sfs_catalog *catalog, uint64_t pack,
			  const struct sfs_row *rows, uint32_t count)
{
	int r;

	r = add_pack(catalog, pack, rows, count);
	if (r < 0)
		sfs_debug("pack %016llx: not indexed: %s",
			  (unsigned long long)pack, strerror(-r));
}

/* ---- dropping ---- */

struct pack_list {
	uint64_t *ids;
	size_t count, capacity;
};

static void pack_list_done(struct pack_list *list)
{
	free(list->ids);
}
#define CLEANUP_PACK_LIST __attribute__((cleanup(pack_list_done)))

static int delete_packs(struct sfs_catalog *catalog,
			const struct pack_list *list)
{
	struct sfs_stmt *stmt;
	size_t i;
	int r;

	r = sfs_catalog_query(catalog, SFS_QUERY_PACK_DELETE, &stmt);
	for (i = 0; i < list->count && r == 0; i++) {
		sfs_stmt_bind_int(stmt, 1, (int64_t)list->ids[i]);
		r = sfs_stmt_run(stmt);
	}
	if (r < 0)
		return r;
	/* One pass over all chunks: an index by pack would double the size
	 * of the table for what only gc does. */
	r = sfs_catalog_query(catalog, SFS_QUERY_CHUNK_SWEEP, &stmt);
	return r < 0 ? r : sfs_stmt_run(stmt);
}

static int drop_locked(struct sfs_catalog *catalog, void *context)
{
	CLEANUP_LOCK struct sfs_lock *lock = NULL;
	CLEANUP_TXN struct sfs_db *txn = NULL;
	int r;

	r = sfs_catalog_write_lock(catalog, &lock);
	if (r < 0)
		return r;
	r = sfs_db_begin(catalog->db, true, &txn);
	if (r < 0)
		return r;
	r = delete_packs(catalog, context);
	if (r < 0)
		return r;
	r = sfs_db_commit(&txn);
	if (r < 0)
		return r;
	catalog->chunks = SFS_CHUNKS_UNKNOWN;
	sfs_catalog_tidy(catalog);
	return 0;
}

void sfs_catalog_drop_packs(struct sfs_catalog *catalog, const uint64_t *packs,
			    size_t count)
{
	struct pack_list list = { (uint64_t *)(uintptr_t)packs, count, count };
	int r;

	if (count == 0)
		return;
	r = sfs_catalog_run(catalog, drop_locked, &list);
	if (r < 0)
		sfs_debug("%zu packs: not dropped from the index: %s", count,
			  strerror(-r));
}

/* ---- keeping up ---- */

static int note_pack(struct pack_list *list, uint64_t id)
{
	int r;

	r = sfs_grow(&list->ids, &list->capacity, list->count,
		     sizeof(*list->ids));
	if (r < 0)
		return r;
	list->ids[list->count++] = id;
	return 0;
}

static int note_stored(uint64_t id, uint64_t size, uint64_t allocated,
		       void *context)
{
	(void)size;
	(void)allocated;
	return note_pack(context, id);
}

static int list_known(struct sfs_catalog *catalog, void *context)
{
	CLEANUP_RESET struct sfs_stmt *stmt = NULL;
	struct pack_list *list = context;
	int64_t id;
	int r;

	list->count = 0;
	r = sfs_catalog_query(catalog, SFS_QUERY_PACKS, &stmt);
	if (r < 0)
		return r;
	while ((r = sfs_stmt_step(stmt)) > 0) {
		if (!sfs_stmt_int(stmt, 0, &id))
			return sfs_db_distrust(catalog->db);
		r = note_pack(list, (uint64_t)id);
		if (r < 0)
			return r;
	}
	return r;
}

static int by_id(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void sort_list(struct pack_list *list)
{
	if (list->count > 0)
		qsort(list->ids, list->count, sizeof(*list->ids), by_id);
}

/* What is in @a and not in @b, both sorted. */
static int subtract(const struct pack_list *a, const struct pack_list *b,
		    struct pack_list *ret)
{
	size_t i, j = 0;
	int r;

	for (i = 0; i < a->count; i++) {
		while (j < b->count && b->ids[j] < a->ids[i])
			j++;
		if (j < b->count && b->ids[j] == a->ids[i])
			continue;
		r = note_pack(ret, a->ids[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int index_pack(struct sfs_catalog *catalog, uint64_t pack,
		      sfs_catalog_read_table *read_table, void *context)
{
	CLEANUP_FREE struct sfs_row *rows = NULL;
	uint32_t count;
	int r;

	r = read_table(pack, &rows, &count, context);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	return add_pack(catalog, pack, rows, count);
}

int sfs_catalog_sync_index(struct sfs_catalog *catalog,
			   sfs_catalog_read_table *read_table, void *context)
{
	CLEANUP_PACK_LIST struct pack_list stored = { 0 };
	CLEANUP_PACK_LIST struct pack_list known = { 0 };
	CLEANUP_PACK_LIST struct pack_list more = { 0 };
	CLEANUP_PACK_LIST struct pack_list gone = { 0 };
	size_t i;
	int r;

	r = sfs_store_list_packs(catalog->store, note_stored, &stored);
	if (r < 0)
		return r;
	r = sfs_catalog_run(catalog, list_known, &known);
	if (r < 0)
		return r;
	sort_list(&stored);
	sort_list(&known);
	r = subtract(&known, &stored, &gone);
	if (r < 0)
		return r;
	sfs_catalog_drop_packs(catalog, gone.ids, gone.count);
	r = subtract(&stored, &known, &more);
	for (i = 0; i < more.count && r == 0; i++)
		r = index_pack(catalog, more.ids[i], read_table, context);
	return r;
}
