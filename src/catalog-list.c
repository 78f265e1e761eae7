/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Reading the rows, in order.  All of them are read once and must add up
 * before any is believed. */

#include <errno.h>
#include <string.h>

#include "src/catalog-impl.h"

static int sum_records(struct sfs_catalog *catalog, uint64_t *total)
{
	CLEANUP_RESET struct sfs_stmt *stmt = NULL;
	struct sfs_record_row row;
	int r;

	r = sfs_catalog_query(catalog, SFS_QUERY_RECORDS, &stmt);
	if (r < 0)
		return r;
	while ((r = sfs_stmt_step(stmt)) > 0) {
		r = sfs_catalog_read_record(catalog, stmt, &row);
		if (r < 0)
			return r;
		*total += row.check;
	}
	return r;
}

static int compare_place(int64_t time_a, const char *id_a, int64_t time_b,
			 const char *id_b)
{
	if (time_a != time_b)
		return time_a < time_b ? -1 : 1;
	return strcmp(id_a, id_b);
}

/* Read the rows behind walk's place, moving it along. */
static int walk_rows(struct sfs_catalog *catalog, struct sfs_walk *walk,
		     uint64_t *total)
{
	CLEANUP_RESET struct sfs_stmt *stmt = NULL;
	struct sfs_snapshot s;
	uint64_t check;
	bool committed;
	char id[SFS_ID_SIZE];
	int r;

	r = sfs_catalog_query(catalog, SFS_QUERY_SNAPSHOTS, &stmt);
	if (r < 0)
		return r;
	memcpy(id, walk->last_id, sizeof(id)); /* the statement borrows it */
	sfs_stmt_bind_int(stmt, 1, walk->last_time_ns);
	sfs_stmt_bind_text(stmt, 2, id, strlen(id));
	while ((r = sfs_stmt_step(stmt)) > 0) {
		r = sfs_catalog_read_snapshot(catalog, stmt, &s, &committed,
					      &check);
		if (r < 0)
			return r;
		*total += check;
		/* A damaged tree may lead in circles. */
		if (compare_place(s.time_ns, s.id, walk->last_time_ns,
				  walk->last_id) <= 0)
			r = sfs_db_distrust(catalog->db);
		walk->last_time_ns = s.time_ns;
		memcpy(walk->last_id, s.id, sizeof(s.id));
		if (r >= 0)
			r = committed && walk->each
				    ? walk->each(&s, walk->context)
				    : 0;
		sfs_snapshot_done(&s);
		if (r != 0)
			return r;
	}
	return r;
}

int sfs_catalog_verify_locked(struct sfs_catalog *catalog)
{
	struct sfs_walk all = { 0 };
	struct sfs_meta meta;
	uint64_t total = 0;
	int r;

	r = sfs_catalog_get_meta(catalog, &meta);
	if (r < 0)
		return r;
	if (catalog->verified &&
	    catalog->verified_generation == meta.generation)
		return 0;
	r = sum_records(catalog, &total);
	if (r < 0)
		return r;
	r = walk_rows(catalog, &all, &total);
	if (r < 0)
		return r;
	if (total != meta.total)
		return sfs_db_distrust(catalog->db);
	catalog->verified = true;
	catalog->verified_generation = meta.generation;
	return 0;
}

int sfs_catalog_walk_locked(struct sfs_catalog *catalog, struct sfs_walk *walk)
{
	CLEANUP_TXN struct sfs_db *txn = NULL;
	uint64_t ignored = 0;
	int r;

	r = sfs_catalog_sync_locked(catalog);
	if (r < 0)
		return r;
	r = sfs_db_begin(catalog->db, false, &txn);
	if (r < 0)
		return r;
	r = sfs_catalog_verify_locked(catalog);
	if (r < 0)
		return r;
	return walk_rows(catalog, walk, &ignored);
}

static bool has_tag(const struct sfs_tags *tags, const char *wanted)
{
	const char *equals = strchr(wanted, '=');
	size_t n = equals ? (size_t)(equals - wanted) : strlen(wanted), i;

	for (i = 0; i < tags->count; i++) {
		if (strncmp(tags->tags[i].key, wanted, n) == 0 &&
		    !tags->tags[i].key[n])
			return !equals ||
			       strcmp(tags->tags[i].value, equals + 1) == 0;
	}
	return false;
}

static bool passes(const struct sfs_catalog_filter *filter,
		   const struct sfs_snapshot *s)
{
	if (filter->volume && strcmp(s->volume, filter->volume) != 0)
		return false;
	if (s->time_ns < filter->since_ns)
		return false;
	if (filter->until_ns && s->time_ns > filter->until_ns)
		return false;
	return !filter->tag || has_tag(&s->tags, filter->tag);
}

struct listing {
	const struct sfs_catalog_filter *filter;
	int (*each)(const struct sfs_snapshot *snapshot, void *context);
	void *context;
	int result; /* @each's, once it is not zero */
};

static int list_one(const struct sfs_snapshot *snapshot, void *context)
{
	struct listing *listing = context;

	if (listing->filter && !passes(listing->filter, snapshot))
		return 0;
	listing->result = listing->each(snapshot, listing->context);
	return listing->result ? 1 : 0;
}

static int list_locked(struct sfs_catalog *catalog, void *context)
{
	return sfs_catalog_walk_locked(catalog, context);
}

int sfs_catalog_list(struct sfs_catalog *catalog,
		     const struct sfs_catalog_filter *filter,
		     int (*each)(const struct sfs_snapshot *snapshot,
				 void *context),
		     void *context)
{
	struct listing listing = { filter, each, context, 0 };
	struct sfs_walk walk = { .each = list_one, .context = &listing };
	int r;

	r = sfs_catalog_run(catalog, list_locked, &walk);
	return r > 0 ? listing.result : r;
}

struct damage {
	char *name;
	char *why;
};

struct damages {
	struct damage *items;
	size_t count, capacity;
};

static void damages_clear(struct damages *d)
{
	size_t i;

	for (i = 0; i < d->count; i++) {
		free(d->items[i].name);
		free(d->items[i].why);
	}
	d->count = 0;
}

static void damages_done(struct damages *d)
{
	damages_clear(d);
	free(d->items);
}
#define CLEANUP_DAMAGES __attribute__((cleanup(damages_done)))

static int note_damage(struct damages *d, const struct sfs_record_row *row)
{
	struct damage *item;
	int r;

	r = sfs_grow(&d->items, &d->capacity, d->count, sizeof(*d->items));
	if (r < 0)
		return r;
	item = &d->items[d->count++];
	item->name = sfs_strdup(row->name);
	item->why = sfs_strdup(row->label);
	return item->name && item->why ? 0 : -ENOMEM;
}

static int find_damages(struct sfs_catalog *catalog, void *context)
{
	CLEANUP_RESET struct sfs_stmt *stmt = NULL;
	struct sfs_record_row row;
	int r;

	damages_clear(context);
	r = sfs_catalog_sync_locked(catalog);
	if (r < 0)
		return r;
	r = sfs_catalog_verify_locked(catalog);
	if (r < 0)
		return r;
	r = sfs_catalog_query(catalog, SFS_QUERY_RECORDS, &stmt);
	if (r < 0)
		return r;
	while ((r = sfs_stmt_step(stmt)) > 0) {
		r = sfs_catalog_read_record(catalog, stmt, &row);
		if (r == 0 && row.kind == SFS_RECORD_DAMAGED)
			r = note_damage(context, &row);
		if (r < 0)
			return r;
	}
	return r;
}

int sfs_catalog_damaged(struct sfs_catalog *catalog,
			int (*each)(const char *name, const char *why,
				    void *context),
			void *context)
{
	CLEANUP_DAMAGES struct damages d = { 0 };
	size_t i;
	int r;

	r = sfs_catalog_run(catalog, find_damages, &d);
	if (r < 0)
		return r;
	for (i = 0; each && i < d.count; i++) {
		r = each(d.items[i].name, d.items[i].why, context);
		if (r != 0)
			return r;
	}
	return (int)d.count;
}
