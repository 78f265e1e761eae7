/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The rows of snapshot. */

#include <errno.h>
#include <string.h>

#include "src/catalog-impl.h"
#include "src/catalog-values.h"

static int check_snapshot(struct sfs_catalog *catalog,
			  const struct sfs_snapshot *s, const char *tags,
			  const char *grants, uint64_t *ret)
{
	CLEANUP_VALUES struct sfs_values v;

	sfs_values_init(&v, 's');
	sfs_values_add_int(&v, (uint64_t)s->time_ns);
	sfs_values_add_text(&v, s->id);
	sfs_values_add_text(&v, s->volume_id);
	sfs_values_add_text(&v, s->volume);
	sfs_values_add_text(&v, s->parent);
	sfs_values_add_text(&v, s->set);
	sfs_values_add_int(&v, (uint64_t)s->completed_ns);
	sfs_values_add_int(&v, s->size);
	sfs_values_add_int(&v, s->data_bytes);
	sfs_values_add_int(&v, s->bad_bytes);
	sfs_values_add_int(&v, s->stored_bytes);
	sfs_values_add_int(&v, s->consistency);
	sfs_values_add_text(&v, s->source);
	sfs_values_add_text(&v, s->description);
	sfs_values_add_text(&v, tags);
	sfs_values_add_int(&v, s->owner);
	sfs_values_add_text(&v, grants);
	return sfs_values_check(&v, catalog->config, ret);
}

/* ---- tags: a line "K=V" each; keys hold no '=', neither a newline ---- */

static int format_tags(const struct sfs_tags *tags, char **ret)
{
	CLEANUP_FREE char *text = NULL;
	size_t size = 1, i;
	char *p;

	for (i = 0; i < tags->count; i++)
		size += strlen(tags->tags[i].key) +
			strlen(tags->tags[i].value) + 2;
	text = sfs_malloc(size);
	if (!text)
		return -ENOMEM;
	p = text;
	for (i = 0; i < tags->count; i++) {
		p = stpcpy(p, tags->tags[i].key);
		*p++ = '=';
		p = stpcpy(p, tags->tags[i].value);
		*p++ = '\n';
	}
	*p = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}

/* The text has been verified, so it is what format_tags() made. */
static int parse_tags(const char *text, struct sfs_tags *ret)
{
	CLEANUP_FREE char *copy = NULL;
	char *line, *save = NULL, *value;
	int r;

	if (!*text)
		return 0;
	copy = sfs_strdup(text);
	if (!copy)
		return -ENOMEM;
	for (line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		value = strchr(line, '=');
		if (!value)
			return -EUCLEAN;
		*value++ = '\0';
		r = sfs_tags_set(ret, line, value);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- snapshots ---- */

static int fill_snapshot(struct sfs_stmt *stmt, struct sfs_snapshot *s,
			 bool *ok)
{
	s->time_ns = (int64_t)sfs_values_get_int(stmt, 0, ok);
	sfs_values_copy_text(stmt, 1, s->id, sizeof(s->id), ok);
	sfs_values_copy_text(stmt, 2, s->volume_id, sizeof(s->volume_id), ok);
	sfs_values_copy_text(stmt, 3, s->volume, sizeof(s->volume), ok);
	sfs_values_copy_text(stmt, 4, s->parent, sizeof(s->parent), ok);
	sfs_values_copy_text(stmt, 5, s->set, sizeof(s->set), ok);
	s->completed_ns = (int64_t)sfs_values_get_int(stmt, 6, ok);
	s->size = sfs_values_get_int(stmt, 7, ok);
	s->data_bytes = sfs_values_get_int(stmt, 8, ok);
	s->bad_bytes = sfs_values_get_int(stmt, 9, ok);
	s->stored_bytes = sfs_values_get_int(stmt, 10, ok);
	s->consistency = (enum sfs_consistency)sfs_values_get_int(stmt, 11, ok);
	s->source = sfs_strdup(sfs_values_get_text(stmt, 12, ok));
	s->description = sfs_strdup(sfs_values_get_text(stmt, 13, ok));
	return s->source && s->description ? 0 : -ENOMEM;
}

static int verify_snapshot(struct sfs_catalog *catalog, struct sfs_stmt *stmt,
			   struct sfs_snapshot *s, uint64_t *ret_check)
{
	const char *tags, *grants;
	uint64_t stored;
	bool ok = true;
	int r;

	r = fill_snapshot(stmt, s, &ok);
	if (r < 0)
		return r;
	tags = sfs_values_get_text(stmt, 14, &ok);
	s->owner = (uint32_t)sfs_values_get_int(stmt, 15, &ok);
	grants = sfs_values_get_text(stmt, 16, &ok);
	stored = sfs_values_get_int(stmt, 17, &ok);
	r = check_snapshot(catalog, s, tags, grants, ret_check);
	if (r < 0)
		return r;
	if (!ok || stored != *ret_check)
		return sfs_db_distrust(catalog->db);
	r = parse_tags(tags, &s->tags);
	if (r < 0)
		return r;
	return sfs_grants_parse(grants, &s->grants);
}

int sfs_catalog_read_snapshot(struct sfs_catalog *catalog,
			      struct sfs_stmt *stmt, struct sfs_snapshot *ret,
			      bool *ret_committed, uint64_t *ret_check)
{
	struct sfs_snapshot snapshot = { 0 };
	bool ok = true;
	int r;

	r = verify_snapshot(catalog, stmt, &snapshot, ret_check);
	if (r < 0) {
		sfs_snapshot_done(&snapshot);
		return r;
	}
	*ret_committed = sfs_values_get_int(stmt, 18, &ok) == 1;
	*ret = snapshot;
	return 0;
}

static void bind_snapshot(struct sfs_stmt *stmt, const struct sfs_snapshot *s)
{
	sfs_values_bind_int(stmt, 1, (uint64_t)s->time_ns);
	sfs_values_bind_text(stmt, 2, s->id);
	sfs_values_bind_text(stmt, 3, s->volume_id);
	sfs_values_bind_text(stmt, 4, s->volume);
	sfs_values_bind_text(stmt, 5, s->parent);
	sfs_values_bind_text(stmt, 6, s->set);
	sfs_values_bind_int(stmt, 7, (uint64_t)s->completed_ns);
	sfs_values_bind_int(stmt, 8, s->size);
	sfs_values_bind_int(stmt, 9, s->data_bytes);
	sfs_values_bind_int(stmt, 10, s->bad_bytes);
	sfs_values_bind_int(stmt, 11, s->stored_bytes);
	sfs_values_bind_int(stmt, 12, s->consistency);
	sfs_values_bind_text(stmt, 13, s->source);
	sfs_values_bind_text(stmt, 14, s->description);
}

int sfs_catalog_put_snapshot(struct sfs_catalog *catalog,
			     const struct sfs_snapshot *snapshot,
			     uint64_t *ret_check)
{
	CLEANUP_FREE char *tags = NULL, *grants = NULL;
	struct sfs_stmt *stmt;
	int r;

	r = format_tags(&snapshot->tags, &tags);
	if (r < 0)
		return r;
	r = sfs_grants_format(&snapshot->grants, &grants);
	if (r < 0)
		return r;
	r = check_snapshot(catalog, snapshot, tags, grants, ret_check);
	if (r < 0)
		return r;
	r = sfs_catalog_query(catalog, SFS_QUERY_SNAPSHOT_PUT, &stmt);
	if (r < 0)
		return r;
	bind_snapshot(stmt, snapshot);
	sfs_values_bind_text(stmt, 15, tags);
	sfs_values_bind_int(stmt, 16, snapshot->owner);
	sfs_values_bind_text(stmt, 17, grants);
	sfs_values_bind_int(stmt, 18, *ret_check);
	return sfs_stmt_run(stmt);
}
