/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Keeping up with the records: list them, compare their versions with the
 * rows, read those that are new or other, drop the rows of those that went.
 * The stamp that was taken before the listing is kept with the rows once it
 * is settled; as long as the area shows that stamp, nothing need be done.
 *
 * A verdict on what a file holds is kept with the file's version.  A file that
 * could not be read got none: its row has a version of zeros, and no stamp is
 * kept as long as there is such a row, so that each refresh tries again.
 */

#include <errno.h>
#include <string.h>

#include "format/name.h"
#include "src/catalog-impl.h"
#include "src/log.h"

struct object {
	char *name;
	uint64_t version[3];
	bool known; /* there is a row, and it is of this version */
};

/* A row to be dropped. */
struct stale {
	char *name;
	enum sfs_record_kind kind;
	int64_t time_ns;
};

struct changes {
	struct object *objects; /* all there are, by name */
	size_t object_count, object_capacity;
	struct stale *stales;
	size_t stale_count, stale_capacity;
	size_t known_count;
	size_t unread_count; /* records that cannot be read at the moment */
};

static void changes_done(struct changes *c)
{
	size_t i;

	for (i = 0; i < c->object_count; i++)
		free(c->objects[i].name);
	for (i = 0; i < c->stale_count; i++)
		free(c->stales[i].name);
	free(c->objects);
	free(c->stales);
}
#define CLEANUP_CHANGES __attribute__((cleanup(changes_done)))

static int note_object(const struct sfs_object *object, void *context)
{
	struct changes *c = context;
	struct object *copy;
	int r;

	r = sfs_grow(&c->objects, &c->object_capacity, c->object_count,
		     sizeof(*c->objects));
	if (r < 0)
		return r;
	copy = &c->objects[c->object_count];
	*copy = (struct object){ .name = sfs_strdup(object->name) };
	if (!copy->name)
		return -ENOMEM;
	memcpy(copy->version, object->version, sizeof(copy->version));
	c->object_count++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int note_stale(struct changes *c, const struct sfs_record_row *row)
{
	struct stale *stale;
	int r;

	r = sfs_grow(&c->stales, &c->stale_capacity, c->stale_count,
		     sizeof(*c->stales));
	if (r < 0)
		return r;
	stale = &c->stales[c->stale_count];
	*stale = (struct stale){ .name = sfs_strdup(row->name),
				 .kind = row->kind,
				 .time_ns = row->time_ns };
	if (!stale->name)
		return -ENOMEM;
	c->stale_count++;
	return 0;
}

bool sfs_catalog_is_passing(int error)
{
	return error == -ENOMEM || error == -EMFILE || error == -ENFILE ||
	       error == -EINTR;
}

/* Whether @error is what a file holds, and not what came of reading it. */
static bool is_verdict(int error)
{
	return error == -EUCLEAN || error == -EBADMSG || error == -EOPNOTSUPP;
}

static bool is_unread(const struct sfs_record_row *row)
{
	return !row->version[0] && !row->version[1] && !row->version[2];
}

/* Whether the record of @row still cannot be read: then the row stays as it
 * is. */
static int try_again(struct sfs_catalog *catalog, struct changes *c,
		     const struct sfs_record_row *row)
{
	CLEANUP_FREE char *file = NULL;
	size_t size;
	int r;

	r = sfs_store_get(catalog->store, SFS_AREA_RECORDS, row->name, &file,
			  &size);
	if (sfs_catalog_is_passing(r))
		return r;
	if (r == 0 || r == -ENOENT || is_verdict(r))
		return 0;
	c->unread_count++;
	return 1;
}

/* Compare @row with the objects from *@at on, both in order of names. */
static int compare_row(struct sfs_catalog *catalog, struct changes *c,
		       const struct sfs_record_row *row, size_t *at)
{
	struct object *object;
	int order = 1, same;

	while (*at < c->object_count) {
		order = strcmp(c->objects[*at].name, row->name);
		if (order >= 0)
			break;
		(*at)++;
	}
	if (*at == c->object_count || order != 0)
		return note_stale(c, row);
	object = &c->objects[*at];
	same = is_unread(row) ? try_again(catalog, c, row)
			      : memcmp(object->version, row->version,
				       sizeof(row->version)) == 0;
	if (same <= 0)
		return same < 0 ? same : note_stale(c, row);
	object->known = true;
	c->known_count++;
	return 0;
}

static int find_changes(struct sfs_catalog *catalog, struct changes *c)
{
	CLEANUP_RESET struct sfs_stmt *stmt = NULL;
	struct sfs_record_row row;
	size_t at = 0;
	int r;

	r = sfs_store_list(catalog->store, SFS_AREA_RECORDS, note_object, c);
	if (r < 0)
		return r;
	if (c->object_count > 0)
		qsort(c->objects, c->object_count, sizeof(*c->objects),
		      by_name);
	r = sfs_catalog_query(catalog, SFS_QUERY_RECORDS, &stmt);
	if (r < 0)
		return r;
	while ((r = sfs_stmt_step(stmt)) > 0) {
		r = sfs_catalog_read_record(catalog, stmt, &row);
		if (r < 0)
			return r;
		r = compare_row(catalog, c, &row, &at);
		if (r < 0)
			return r;
	}
	return r;
}

/* Run a DELETE ... RETURNING sum, which must find its row. */
static int drop_row(struct sfs_catalog *catalog, struct sfs_stmt *delete,
		    struct sfs_meta *meta)
{
	CLEANUP_RESET struct sfs_stmt *stmt = delete;
	int64_t check;
	int r;

	r = sfs_stmt_step(stmt);
	if (r < 0)
		return r;
	if (r == 0 || !sfs_stmt_int(stmt, 0, &check))
		return sfs_db_distrust(catalog->db);
	meta->total -= (uint64_t)check;
	return 0;
}

static int drop_stale(struct sfs_catalog *catalog, const struct stale *stale,
		      struct sfs_meta *meta)
{
	struct sfs_stmt *stmt;
	size_t size = strlen(stale->name);
	int r;

	r = sfs_catalog_query(catalog, SFS_QUERY_RECORD_DELETE, &stmt);
	if (r < 0)
		return r;
	sfs_stmt_bind_text(stmt, 1, stale->name, size);
	r = drop_row(catalog, stmt, meta);
	if (r < 0 || stale->kind != SFS_RECORD_SNAPSHOT)
		return r;
	r = sfs_catalog_query(catalog, SFS_QUERY_SNAPSHOT_DELETE, &stmt);
	if (r < 0)
		return r;
	sfs_stmt_bind_int(stmt, 1, stale->time_ns);
	sfs_stmt_bind_text(stmt, 2, stale->name, size);
	return drop_row(catalog, stmt, meta);
}

/* What a record holds, and whatever row->label may be borrowed from. */
struct content {
	struct sfs_snapshot *snapshot;
	struct sfs_image *image;
	char why[SFS_RECORD_WHY_SIZE];
};

static void content_done(struct content *content)
{
	sfs_snapshot_free(content->snapshot);
	sfs_image_free(content->image);
}
#define CLEANUP_CONTENT __attribute__((cleanup(content_done)))

static int decode_snapshot(struct sfs_catalog *catalog, const char *file,
			   size_t size, struct sfs_record_row *row,
			   struct content *content, const char **reterr_why)
{
	int r;

	r = sfs_record_decode_snapshot(catalog->config, row->name, file, size,
				       &content->snapshot, content->why,
				       reterr_why);
	if (r < 0)
		return r;
	row->kind = SFS_RECORD_SNAPSHOT;
	row->time_ns = content->snapshot->time_ns;
	return 0;
}

static int decode_image(struct sfs_catalog *catalog, const char *file,
			size_t size, struct sfs_record_row *row,
			struct content *content, const char **reterr_why)
{
	int r;

	r = sfs_record_decode_image(catalog->config, row->name, file, size,
				    &content->image, content->why, reterr_why);
	if (r < 0)
		return r;
	row->kind = SFS_RECORD_IMAGE;
	row->label = content->image->name;
	return 0;
}

/* Decode the record in @file.  Returns 0 with @row and @content filled in, or a
 * negative errno. */
static int decode(struct sfs_catalog *catalog, const char *file, size_t size,
		  struct sfs_record_row *row, struct content *content,
		  const char **reterr_why)
{
	struct sfs_set set;

	if (sfs_id_valid(row->name, SFS_ID_SNAPSHOT))
		return decode_snapshot(catalog, file, size, row, content,
				       reterr_why);
	if (sfs_id_valid(row->name, SFS_ID_IMAGE))
		return decode_image(catalog, file, size, row, content,
				    reterr_why);
	if (sfs_id_valid(row->name, SFS_ID_SET)) {
		row->kind = SFS_RECORD_SET;
		return sfs_record_decode_set(catalog->config, row->name, file,
					     size, &set, content->why,
					     reterr_why);
	}
	*reterr_why = "of a kind that this version does not know";
	return -EUCLEAN;
}

static void log_damage(struct sfs_catalog *catalog, const char *name,
		       const char *why)
{
	const char *ignored;

	if (!sfs_name_text_ok(name, SFS_SOURCE_MAX, &ignored))
		name = "(unprintable)";
	sfs_warn("'%s/records/%s.json': record %s; see 'snapfs check'",
		 sfs_store_path(catalog->store), name, why);
}

/* Read @row->name's record.  What cannot be decoded becomes a row that says
 * why; what cannot be read as well, but of no version.  Returns 0, -ENOENT when
 * it has gone meanwhile, or what says nothing about the record. */
static int read_record(struct sfs_catalog *catalog, struct sfs_record_row *row,
		       struct content *content)
{
	CLEANUP_FREE char *file = NULL;
	const char *why;
	size_t size;
	int r;

	r = sfs_store_get(catalog->store, SFS_AREA_RECORDS, row->name, &file,
			  &size);
	if (r == -ENOENT || sfs_catalog_is_passing(r))
		return r;
	if (r == 0)
		r = decode(catalog, file, size, row, content, &why);
	else
		why = "cannot be read";
	if (r == 0 || r == -ENOMEM)
		return r;
	if (!is_verdict(r))
		memset(row->version, 0, sizeof(row->version));
	log_damage(catalog, row->name, why);
	row->kind = SFS_RECORD_DAMAGED;
	row->label = why;
	return 0;
}

static int add_object(struct sfs_catalog *catalog, struct changes *c,
		      const struct object *object, struct sfs_meta *meta)
{
	CLEANUP_CONTENT struct content content = { 0 };
	struct sfs_record_row row = { .name = object->name, .label = "" };
	uint64_t check;
	int r;

	memcpy(row.version, object->version, sizeof(row.version));
	r = read_record(catalog, &row, &content);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = sfs_catalog_put_record(catalog, &row);
	if (r < 0)
		return r;
	meta->total += row.check;
	c->unread_count += is_unread(&row);
	if (!content.snapshot)
		return 0;
	r = sfs_catalog_put_snapshot(catalog, content.snapshot, &check);
	if (r < 0)
		return r;
	meta->total += check;
	return 0;
}

static int apply_changes(struct sfs_catalog *catalog, struct changes *c,
			 struct sfs_meta *meta)
{
	size_t i;
	int r;

	for (i = 0; i < c->stale_count; i++) {
		r = drop_stale(catalog, &c->stales[i], meta);
		if (r < 0)
			return r;
	}
	for (i = 0; i < c->object_count; i++) {
		if (c->objects[i].known)
			continue;
		r = add_object(catalog, c, &c->objects[i], meta);
		if (r < 0)
			return r;
	}
	if (c->stale_count > 0 || c->known_count < c->object_count)
		meta->generation++;
	return 0;
}

/* In a write transaction: bring rows and @meta up to date.  *ret_changed says
 * whether there is anything to commit. */
static int update(struct sfs_catalog *catalog, struct sfs_meta *meta,
		  struct sfs_stamp *ret_stamp, bool *ret_changed)
{
	CLEANUP_CHANGES struct changes c = { 0 };
	uint64_t before;
	int r;

	r = sfs_catalog_get_meta(catalog, meta);
	if (r < 0)
		return r;
	/* Before the listing: what changes during it shows in the stamp. */
	r = sfs_store_stamp(catalog->store, SFS_AREA_RECORDS, ret_stamp);
	if (r < 0)
		return r;
	*ret_changed = false;
	if (!catalog->relist && sfs_stamp_equal(ret_stamp, &meta->stamp))
		return 0; /* another process was faster */
	r = find_changes(catalog, &c);
	if (r < 0)
		return r;
	before = meta->generation;
	r = apply_changes(catalog, &c, meta);
	if (r < 0)
		return r;
	if (c.unread_count > 0)
		ret_stamp->settled = false;
	*ret_changed = meta->generation != before || ret_stamp->settled;
	meta->stamp = *ret_stamp; /* equals nothing until it is settled */
	return *ret_changed ? sfs_catalog_put_meta(catalog, meta) : 0;
}

static int sync_rows(struct sfs_catalog *catalog, struct sfs_meta *ret_meta,
		     struct sfs_stamp *ret_stamp)
{
	CLEANUP_LOCK struct sfs_lock *lock = NULL;
	CLEANUP_TXN struct sfs_db *txn = NULL;
	bool changed = false;
	int r;

	r = sfs_catalog_write_lock(catalog, &lock);
	if (r < 0)
		return r;
	r = sfs_db_begin(catalog->db, true, &txn);
	if (r < 0)
		return r;
	r = update(catalog, ret_meta, ret_stamp, &changed);
	if (r < 0 || !changed)
		return r;
	r = sfs_db_commit(&txn);
	if (r < 0)
		return r;
	sfs_catalog_tidy(catalog);
	return 0;
}

int sfs_catalog_sync_locked(struct sfs_catalog *catalog)
{
	struct sfs_stamp stamp;
	struct sfs_meta meta;
	int r;

	r = sfs_store_stamp(catalog->store, SFS_AREA_RECORDS, &stamp);
	if (r < 0)
		return r;
	if (!catalog->relist && sfs_stamp_equal(&stamp, &catalog->stamp))
		return 0;
	r = sfs_catalog_get_meta(catalog, &meta);
	if (r < 0)
		return r;
	if (catalog->relist || !sfs_stamp_equal(&stamp, &meta.stamp)) {
		r = sync_rows(catalog, &meta, &stamp);
		if (r < 0)
			return r;
	}
	catalog->relist = false;
	catalog->generation = meta.generation;
	catalog->stamp = stamp;
	return 0;
}
