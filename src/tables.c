/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/tables.h"

#include <errno.h>
#include <pthread.h>

#include "src/mutex.h"

#define TABLES 24

struct table {
	uint64_t pack;
	struct sfs_row *rows; /* NULL: free */
	uint32_t count;
	uint64_t used; /* when last, by the clock below */
};

struct sfs_tables {
	struct sfs_chunks *chunks;
	pthread_mutex_t lock;
	struct table tables[TABLES]; /* under lock */
	uint64_t clock;		     /* under lock */
};

int sfs_tables_new(struct sfs_chunks *chunks, struct sfs_tables **ret)
{
	struct sfs_tables *tables;

	tables = sfs_calloc(1, sizeof(*tables));
	if (!tables)
		return -ENOMEM;
	tables->chunks = chunks;
	pthread_mutex_init(&tables->lock, NULL);
	*ret = tables;
	return 0;
}

void sfs_tables_free(struct sfs_tables *tables)
{
	unsigned i;

	if (!tables)
		return;
	for (i = 0; i < TABLES; i++)
		free(tables->tables[i].rows);
	pthread_mutex_destroy(&tables->lock);
	free(tables);
}

static struct table *find_locked(struct sfs_tables *tables, uint64_t pack)
{
	struct table *table;
	unsigned i;

	for (i = 0; i < TABLES; i++) {
		table = &tables->tables[i];
		if (table->rows && table->pack == pack) {
			table->used = ++tables->clock;
			return table;
		}
	}
	return NULL;
}

/* In the place of the one that was not used for longest. */
static struct table *insert_locked(struct sfs_tables *tables, uint64_t pack,
				   struct sfs_row *rows, uint32_t count)
{
	struct table *oldest = &tables->tables[0];
	unsigned i;

	for (i = 1; i < TABLES; i++)
		if (tables->tables[i].used < oldest->used)
			oldest = &tables->tables[i];
	free(oldest->rows);
	*oldest = (struct table){ pack, rows, count, ++tables->clock };
	return oldest;
}

/* What is wanted of a table: by number, or by offset. */
struct query {
	bool by_offset;
	uint32_t key;
	uint32_t slot;
	uint32_t count;
	struct sfs_row row;
};

static int answer(const struct table *table, struct query *query)
{
	uint32_t low = 0, high = table->count, middle;

	query->slot = query->key;
	if (query->by_offset) {
		while (low < high) {
			middle = low + (high - low) / 2;
			if (table->rows[middle].offset < query->key)
				low = middle + 1;
			else
				high = middle;
		}
		query->slot = low;
	}
	if (query->slot >= table->count ||
	    (query->by_offset && table->rows[query->slot].offset != query->key))
		return -EUCLEAN;
	query->row = table->rows[query->slot];
	query->count = table->count;
	return 0;
}

static int ask(struct sfs_tables *tables, uint64_t pack, struct query *query)
{
	struct sfs_row *rows;
	struct table *table;
	uint32_t count;
	int r;

	{
		SFS_LOCK(&tables->lock);
		table = find_locked(tables, pack);
		if (table)
			return answer(table, query);
	}
	r = sfs_chunks_table(tables->chunks, pack, &rows, &count);
	if (r < 0)
		return r;
	SFS_LOCK(&tables->lock);
	table = find_locked(tables, pack);
	if (table) /* somebody else was faster */
		free(rows);
	else
		table = insert_locked(tables, pack, rows, count);
	return answer(table, query);
}

int sfs_tables_row(struct sfs_tables *tables, uint64_t pack, uint32_t slot,
		   struct sfs_row *ret)
{
	struct query query = { .key = slot };
	int r;

	r = ask(tables, pack, &query);
	if (r < 0)
		return r;
	*ret = query.row;
	return 0;
}

int sfs_tables_find(struct sfs_tables *tables, uint64_t pack, uint32_t offset,
		    uint32_t *ret_slot, struct sfs_row *ret_row,
		    uint32_t *ret_count)
{
	struct query query = { .by_offset = true, .key = offset };
	int r;

	r = ask(tables, pack, &query);
	if (r < 0)
		return r;
	*ret_slot = query.slot;
	*ret_row = query.row;
	*ret_count = query.count;
	return 0;
}
