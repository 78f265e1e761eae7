/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/catalog.h"

#include <errno.h>
#include <string.h>

#include "src/catalog-impl.h"
#include "src/log.h"
#include "src/mutex.h"

void sfs_catalog_end_finding(struct sfs_catalog *catalog)
{
	sfs_db_rollbackp(&catalog->finding);
	catalog->finding = NULL;
}

static int run_locked(struct sfs_catalog *catalog, sfs_catalog_op *op,
		      void *context)
{
	int r = 0;

	sfs_catalog_end_finding(catalog);
	if (!catalog->db)
		r = sfs_catalog_attach(catalog, false);
	else if (sfs_db_failed(catalog->db)) /* in a look-up */
		r = sfs_catalog_reattach(catalog, sfs_db_failed(catalog->db));
	if (r < 0)
		return r;
	/* Ends: after the file comes a new file, then memory. */
	while ((r = op(catalog, context)) < 0 && catalog->path &&
	       sfs_db_failed(catalog->db)) {
		r = sfs_catalog_reattach(catalog, sfs_db_failed(catalog->db));
		if (r < 0)
			return r;
	}
	return r;
}

int sfs_catalog_run(struct sfs_catalog *catalog, sfs_catalog_op *op,
		    void *context)
{
	int r;

	SFS_LOCK(&catalog->mutex);
	r = run_locked(catalog, op, context);
	return r;
}

static int refresh_locked(struct sfs_catalog *catalog, void *context)
{
	bool changed;
	int r;

	(void)context;
	r = sfs_catalog_sync_locked(catalog);
	if (r < 0)
		return r;
	changed = catalog->generation != catalog->seen_generation;
	catalog->seen_generation = catalog->generation;
	return changed;
}

int sfs_catalog_refresh(struct sfs_catalog *catalog)
{
	return sfs_catalog_run(catalog, refresh_locked, NULL);
}

static int rebuild_locked(struct sfs_catalog *catalog, void *context)
{
	bool *done = context;
	int r;

	if (!*done) {
		*done = true;
		r = sfs_catalog_attach(catalog, true);
		if (r < 0)
			return r;
	}
	return sfs_catalog_sync_locked(catalog);
}

static int relist_locked(struct sfs_catalog *catalog, void *context)
{
	(void)context;
	catalog->relist = true;
	return sfs_catalog_sync_locked(catalog);
}

int sfs_catalog_relist(struct sfs_catalog *catalog)
{
	return sfs_catalog_run(catalog, relist_locked, NULL);
}

int sfs_catalog_rebuild(struct sfs_catalog *catalog)
{
	bool done = false;

	return sfs_catalog_run(catalog, rebuild_locked, &done);
}

int sfs_catalog_open(struct sfs_store *store, const struct sfs_config *config,
		     struct sfs_catalog **ret)
{
	CLEANUP_CATALOG struct sfs_catalog *catalog = NULL;
	int r;

	catalog = sfs_calloc(1, sizeof(*catalog));
	if (!catalog)
		return -ENOMEM;
	pthread_mutex_init(&catalog->mutex, NULL);
	catalog->store = store;
	catalog->config = config;
	r = sfs_catalog_refresh(catalog);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(catalog);
	return 0;
}

void sfs_catalog_close(struct sfs_catalog *catalog)
{
	if (!catalog)
		return;
	sfs_catalog_settle(catalog);
	sfs_catalog_detach(catalog);
	pthread_mutex_destroy(&catalog->mutex);
	free(catalog);
}

/* A set's record is the commit of its members by its name alone: damage to it
 * must not take them away. */
static int check_set(struct sfs_catalog *catalog, const char *set)
{
	CLEANUP_FREE char *file = NULL;
	size_t size;
	int r;

	if (!*set)
		return 0;
	r = sfs_store_get(catalog->store, SFS_AREA_RECORDS, set, &file, &size);
	return r == -ENOENT || sfs_catalog_is_passing(r) ? r : 0;
}

/* *reterr_why is NULL when it is not the record that is at fault. */
static int load_snapshot(struct sfs_catalog *catalog, const char *id,
			 struct sfs_snapshot **ret, char *why,
			 const char **reterr_why)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	CLEANUP_FREE char *file = NULL;
	size_t size;
	int r;

	*reterr_why = NULL;
	if (!sfs_id_valid(id, SFS_ID_SNAPSHOT))
		return -ENOENT;
	r = sfs_store_get(catalog->store, SFS_AREA_RECORDS, id, &file, &size);
	if (r < 0)
		return r;
	r = sfs_record_decode_snapshot(catalog->config, id, file, size,
				       &snapshot, why, reterr_why);
	if (r < 0)
		return r;
	*reterr_why = NULL;
	r = check_set(catalog, snapshot->set);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(snapshot);
	return 0;
}

static void log_damage(struct sfs_catalog *catalog, const char *id,
		       const char *why)
{
	sfs_err("'%s/records/%s.json': record %s; see 'snapfs check'",
		sfs_store_path(catalog->store), id, why);
}

int sfs_catalog_load(struct sfs_catalog *catalog, const char *id,
		     struct sfs_snapshot **ret)
{
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	int r;

	r = load_snapshot(catalog, id, ret, buffer, &why);
	if (r < 0 && why)
		log_damage(catalog, id, why);
	return r;
}

int sfs_catalog_look(struct sfs_catalog *catalog, const char *id)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *ignored = NULL;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	int r;

	r = load_snapshot(catalog, id, &ignored, buffer, &why);
	if (r == 0 || r == -ENOENT || sfs_catalog_is_passing(r))
		return r;
	return -EUCLEAN;
}

int sfs_catalog_load_image(struct sfs_catalog *catalog, const char *id,
			   struct sfs_image **ret)
{
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	CLEANUP_FREE char *file = NULL;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	size_t size;
	int r;

	if (!sfs_id_valid(id, SFS_ID_IMAGE))
		return -ENOENT;
	r = sfs_store_get(catalog->store, SFS_AREA_RECORDS, id, &file, &size);
	if (r < 0)
		return r;
	r = sfs_record_decode_image(catalog->config, id, file, size, &image,
				    buffer, &why);
	if (r < 0) {
		log_damage(catalog, id, why);
		return r;
	}
	r = check_set(catalog, image->set);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(image);
	return 0;
}
