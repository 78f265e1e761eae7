/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What users type for a snapshot, and what they are told when it does not
 * name one. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format/name.h"
#include "format/time.h"
#include "src/catalog-impl.h"
#include "src/log.h"

#define CANDIDATES_MAX 8 /* shown */

/* A snapshot that the selector may mean. */
struct match {
	char id[SFS_ID_SIZE];
	char volume[SFS_VOLUME_NAME_MAX + 1];
	int64_t time_ns;
};

struct matches {
	const char *volume;  /* wanted, or NULL */
	const char *prefix;  /* wanted: the start of an id, or NULL */
	struct match *items; /* oldest first */
	size_t count, capacity;
};

static void matches_done(struct matches *m)
{
	free(m->items);
}
#define CLEANUP_MATCHES __attribute__((cleanup(matches_done)))

static int note_match(const struct sfs_snapshot *s, void *context)
{
	struct matches *m = context;
	struct match *item;
	int r;

	if (m->volume && strcmp(s->volume, m->volume) != 0)
		return 0;
	if (m->prefix && strncmp(s->id, m->prefix, strlen(m->prefix)) != 0)
		return 0;
	r = sfs_grow(&m->items, &m->capacity, m->count, sizeof(*m->items));
	if (r < 0)
		return r;
	item = &m->items[m->count++];
	memcpy(item->id, s->id, sizeof(item->id));
	memcpy(item->volume, s->volume, sizeof(item->volume));
	item->time_ns = s->time_ns;
	return 0;
}

static int find_matches(struct sfs_catalog *catalog, void *context)
{
	struct matches *m = context;
	struct sfs_walk walk = { .each = note_match, .context = m };

	m->count = 0; /* it may be the second time */
	return sfs_catalog_walk_locked(catalog, &walk);
}

/* Load what a selector was resolved to, saying so if it is gone. */
static int load(struct sfs_catalog *catalog, const char *selector,
		const char *id, struct sfs_snapshot **ret)
{
	char binned[SFS_ID_SIZE];
	int r;

	r = sfs_catalog_load(catalog, id, ret);
	if (r != -ENOENT)
		return r;
	r = sfs_catalog_find_binned(catalog, id, binned);
	if (r < 0)
		return r;
	if (r > 0)
		sfs_err("'%s': snapshot %s was deleted", selector, id);
	else
		sfs_err("'%s': no such snapshot; 'snapfs snapshot list' shows "
			"all",
			selector);
	return -ENOENT;
}

/* ---- ids and their prefixes ---- */

bool sfs_catalog_parse_prefix(const char *kind, const char *digits,
			      char ret[SFS_ID_SIZE])
{
	size_t n = strlen(digits);

	if (n != strspn(digits, "0123456789abcdef") || n < SFS_PREFIX_MIN ||
	    n > SFS_ID_DIGITS)
		return false;
	snprintf(ret, SFS_ID_SIZE, "%s%s", kind, digits);
	return true;
}

struct bin_search {
	const char *prefix;
	char *found;
};

static int compare_binned(const struct sfs_object *object, void *context)
{
	struct bin_search *search = context;
	size_t size = strlen(object->name) + 1;

	if (strncmp(object->name, search->prefix, strlen(search->prefix)) !=
		    0 ||
	    size > SFS_ID_SIZE)
		return 0;
	memcpy(search->found, object->name, size);
	return 1;
}

int sfs_catalog_find_binned(struct sfs_catalog *catalog, const char *prefix,
			    char ret[SFS_ID_SIZE])
{
	struct bin_search search = { prefix, ret };

	return sfs_store_list(catalog->store, SFS_AREA_BIN, compare_binned,
			      &search);
}

static int log_none(struct sfs_catalog *catalog, const char *selector,
		    const char *prefix)
{
	char found[SFS_ID_SIZE];
	int r;

	r = sfs_catalog_find_binned(catalog, prefix, found);
	if (r < 0)
		return r;
	if (r > 0)
		sfs_err("'%s': snapshot %s was deleted", selector, found);
	else
		sfs_err("'%s': no snapshot's id starts so; 'snapfs snapshot "
			"list' shows all",
			selector);
	return -ENOENT;
}

int sfs_catalog_ambiguous(const char *selector, size_t count,
			  void (*describe)(const void *items, size_t i,
					   char ret[SFS_CANDIDATE_SIZE]),
			  const void *items)
{
	size_t shown = sfs_min(count, CANDIDATES_MAX), used = 0, i;
	char list[CANDIDATES_MAX * (SFS_CANDIDATE_SIZE + 2) + 32];
	char one[SFS_CANDIDATE_SIZE];

	for (i = 0; i < shown; i++) {
		describe(items, i, one);
		used += (size_t)snprintf(list + used, sizeof(list) - used,
					 "%s%s", i ? ", " : "", one);
	}
	if (count > shown)
		snprintf(list + used, sizeof(list) - used, " and %zu more",
			 count - shown);
	sfs_err("'%s': ambiguous: %s; give more digits", selector, list);
	return -EEXIST;
}

static void describe_match(const void *items, size_t i,
			   char ret[SFS_CANDIDATE_SIZE])
{
	const struct match *match = (const struct match *)items + i;
	char time[SFS_TIME_SIZE];

	sfs_time_format(match->time_ns, time);
	snprintf(ret, SFS_CANDIDATE_SIZE, "%s (%s, %s)", match->id,
		 match->volume, time);
}

static int select_id(struct sfs_catalog *catalog, const char *selector,
		     struct sfs_snapshot **ret)
{
	static const char kind[] = SFS_ID_SNAPSHOT;
	CLEANUP_MATCHES struct matches m = { 0 };
	const char *digits = selector;
	char prefix[SFS_ID_SIZE];
	int r;

	if (strncmp(digits, kind, sizeof(kind) - 1) == 0)
		digits += sizeof(kind) - 1;
	if (!sfs_catalog_parse_prefix(kind, digits, prefix)) {
		sfs_err("'%s': not a snapshot: give an id, at least %d digits "
			"of one, or VOLUME@latest, VOLUME@-N or VOLUME@TIME",
			selector, SFS_PREFIX_MIN);
		return -EINVAL;
	}
	if (sfs_id_valid(prefix, kind))
		return load(catalog, selector, prefix, ret);
	m.prefix = prefix;
	r = sfs_catalog_run(catalog, find_matches, &m);
	if (r < 0)
		return r;
	if (m.count == 0)
		return log_none(catalog, selector, prefix);
	if (m.count > 1)
		return sfs_catalog_ambiguous(selector, m.count, describe_match,
					     m.items);
	return load(catalog, selector, m.items[0].id, ret);
}

/* ---- volumes ---- */

/* N of "-N": digits only. */
static bool parse_back(const char *s, size_t *ret)
{
	size_t n = 0;

	if (*s++ != '-' || !*s || strlen(s) > 9)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		n = n * 10 + (size_t)(*s - '0');
	}
	*ret = n;
	return true;
}

static int pick_back(const char *selector, const struct matches *m, size_t back,
		     size_t *ret)
{
	if (back >= m->count) {
		sfs_err("'%s': volume '%s' has only %zu snapshots; the oldest "
			"is '%s@-%zu'",
			selector, m->volume, m->count, m->volume, m->count - 1);
		return -ENOENT;
	}
	*ret = m->count - 1 - back;
	return 0;
}

/* A time in full that is a snapshot's own means that one, though another be
 * of the same second: it was copied from a list. */
static size_t count_until(const struct matches *m, int64_t first_ns,
			  int64_t last_ns)
{
	size_t n, within = 0;

	for (n = 0; n < m->count && m->items[n].time_ns <= last_ns; n++)
		if (m->items[n].time_ns == first_ns)
			within = n + 1;
	return within && last_ns - first_ns < SFS_SECOND ? within : n;
}

static int pick_time(const char *selector, const struct matches *m,
		     const char *when, int64_t first_ns, int64_t last_ns,
		     size_t *ret)
{
	size_t n = count_until(m, first_ns, last_ns);
	char first[SFS_TIME_SIZE];

	if (n == 0) {
		sfs_time_format(m->items[0].time_ns, first);
		sfs_err("'%s': no snapshot of volume '%s' at or before %s; the "
			"first is of %s",
			selector, m->volume, when, first);
		return -ENOENT;
	}
	*ret = n - 1;
	return 0;
}

static int select_of(struct sfs_catalog *catalog, const char *selector,
		     const char *volume, const char *which,
		     struct sfs_snapshot **ret)
{
	CLEANUP_MATCHES struct matches m = { .volume = volume };
	int64_t first_ns = 0, last_ns = 0;
	size_t back = 0, picked;
	bool counted;
	int r;

	counted = strcmp(which, "latest") == 0 || parse_back(which, &back);
	if (!counted && !sfs_time_parse_user(which, &first_ns, &last_ns)) {
		sfs_err("'%s': '%s' is not 'latest', '-N' or a time such as "
			"2026-11-22T09:00Z",
			selector, which);
		return -EINVAL;
	}
	r = sfs_catalog_run(catalog, find_matches, &m);
	if (r < 0)
		return r;
	if (m.count == 0) {
		sfs_err("'%s': no snapshot of volume '%s'; 'snapfs volume "
			"list' shows the volumes",
			selector, volume);
		return -ENOENT;
	}
	r = counted ? pick_back(selector, &m, back, &picked)
		    : pick_time(selector, &m, which, first_ns, last_ns,
				&picked);
	if (r < 0)
		return r;
	return load(catalog, selector, m.items[picked].id, ret);
}

int sfs_catalog_select(struct sfs_catalog *catalog, const char *selector,
		       struct sfs_snapshot **ret)
{
	const char *at = strchr(selector, '@'), *why;
	char volume[SFS_VOLUME_NAME_MAX + 1];

	if (!at)
		return select_id(catalog, selector, ret);
	if (at - selector > SFS_VOLUME_NAME_MAX) {
		sfs_err("'%s': the volume's name is longer than %d bytes",
			selector, SFS_VOLUME_NAME_MAX);
		return -EINVAL;
	}
	memcpy(volume, selector, (size_t)(at - selector));
	volume[at - selector] = '\0';
	if (!sfs_name_volume_ok(volume, &why)) {
		sfs_err("'%s': the volume's name %s", selector, why);
		return -EINVAL;
	}
	return select_of(catalog, selector, volume, at + 1, ret);
}

int sfs_catalog_latest(struct sfs_catalog *catalog, const char *volume,
		       struct sfs_snapshot **ret)
{
	CLEANUP_MATCHES struct matches m = { .volume = volume };
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	int r;

	r = sfs_catalog_run(catalog, find_matches, &m);
	if (r < 0)
		return r;
	/* One may have been deleted since it was listed; and what a record says
	 * of its volume counts, not what a row says. */
	while (m.count-- > 0) {
		r = sfs_catalog_load(catalog, m.items[m.count].id, &snapshot);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		if (strcmp(snapshot->volume, volume) == 0) {
			*ret = TAKE_PTR(snapshot);
			return 0;
		}
		sfs_snapshot_free(TAKE_PTR(snapshot));
	}
	return -ENOENT;
}

/* ---- sources ---- */

struct source_search {
	const char *source;
	char volume[SFS_VOLUME_NAME_MAX + 1]; /* of the newest so far, or "" */
};

static int compare_source(const struct sfs_snapshot *s, void *context)
{
	struct source_search *search = context;

	if (strcmp(s->source, search->source) == 0)
		memcpy(search->volume, s->volume, sizeof(s->volume));
	return 0;
}

static int search_source(struct sfs_catalog *catalog, void *context)
{
	struct source_search *search = context;
	struct sfs_walk walk = { .each = compare_source, .context = search };

	search->volume[0] = '\0';
	return sfs_catalog_walk_locked(catalog, &walk);
}

int sfs_catalog_volume_of_source(struct sfs_catalog *catalog,
				 const char *source,
				 char ret[SFS_VOLUME_NAME_MAX + 1])
{
	struct source_search search = { .source = source };
	int r;

	r = sfs_catalog_run(catalog, search_source, &search);
	if (r < 0)
		return r;
	if (!*search.volume)
		return -ENOENT;
	memcpy(ret, search.volume, sizeof(search.volume));
	return 0;
}
