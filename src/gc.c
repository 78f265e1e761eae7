/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Mark and sweep: FORMAT.md, "Garbage collection", numbers the steps.  What
 * is dead is found from records and packs alone, while no creator runs.
 */

#include <errno.h>
#include <string.h>

#include "src/delete.h"
#include "src/log.h"
#include "src/mark.h"
#include "src/roots.h"

/* What was seen to be deleted must not come back once its bytes are gone. */
static int sync_records(struct sfs_repo *repo, bool dry_run)
{
	int r;

	if (dry_run)
		return 0;
	r = sfs_store_sync(repo->store, SFS_AREA_BIN);
	if (r < 0)
		return r;
	return sfs_store_sync(repo->store, SFS_AREA_RECORDS);
}

/* Under the structure lock there is no creator, under the records lock nobody
 * who tags: what lies in tmp/ is nobody's. */
static int clean(struct sfs_repo *repo, struct sfs_gc_result *result)
{
	CLEANUP_LOCK struct sfs_lock *records = NULL;
	int r;

	r = sfs_store_lock(repo->store, SFS_LOCK_RECORDS, NULL, true, true,
			   &records);
	if (r < 0)
		return r;
	return sfs_store_clean(repo->store, &result->freed_bytes);
}

/* With the lock that who deletes or tags takes: a record that moves must not
 * slip through the listing. */
static int read_roots(struct sfs_repo *repo, bool dry_run,
		      struct sfs_roots *ret)
{
	CLEANUP_LOCK struct sfs_lock *records = NULL;
	int r;

	if (!dry_run) {
		r = sfs_store_lock(repo->store, SFS_LOCK_RECORDS, NULL, true,
				   true, &records);
		if (r < 0)
			return r;
	}
	r = sfs_roots_read(repo, dry_run, ret);
	if (r < 0)
		return r;
	return sync_records(repo, dry_run);
}

static int lock(struct sfs_repo *repo, bool dry_run, struct sfs_lock **ret)
{
	int r;

	if (dry_run)
		return 0;
	r = sfs_repo_check_writable(repo);
	if (r < 0)
		return r;
	r = sfs_store_lock(repo->store, SFS_LOCK_STRUCTURE, NULL, true, false,
			   ret);
	if (r == -EBUSY)
		sfs_err("'%s': a 'snapshot create' or another gc is running; "
			"try again when it is done",
			sfs_store_path(repo->store));
	return r;
}

static int mark_living(struct sfs_mark *mark, const struct sfs_roots *roots,
		       struct sfs_progress *progress)
{
	size_t i;
	int r;

	if (progress)
		progress->total_bytes = roots->count;
	for (i = 0; i < roots->count; i++) {
		if (progress)
			progress->done_bytes = i;
		r = sfs_progress_step(progress);
		if (r == 0 && roots->roots[i].snapshot && !roots->roots[i].dead)
			r = sfs_mark_snapshot(mark, roots->roots[i].snapshot);
		if (r < 0)
			return r;
	}
	return 0;
}

static int sweep_records(struct sfs_repo *repo, const struct sfs_roots *roots,
			 bool dry_run, struct sfs_gc_result *result)
{
	const struct sfs_root *root;
	size_t i;
	int r;

	for (i = 0; i < roots->count; i++) {
		root = &roots->roots[i];
		result->pinned += root->pinned;
		if (!root->dead)
			continue;
		result->records_removed++;
		if (dry_run)
			continue;
		r = sfs_store_remove(repo->store,
				     root->binned ? SFS_AREA_BIN
						  : SFS_AREA_RECORDS,
				     root->id);
		if (r < 0)
			return r;
	}
	return result->records_removed ? sync_records(repo, dry_run) : 0;
}

/* The dead packs' ids, the caller's to free, and the sums. */
static int find_dead(const struct sfs_mark *mark, uint64_t **ret_ids,
		     struct sfs_gc_result *result)
{
	const struct sfs_marked_pack *packs;
	size_t count, i;
	uint64_t *ids;

	packs = sfs_mark_packs(mark, &count);
	ids = sfs_calloc(count, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		if (sfs_marked_dead(&packs[i])) {
			ids[result->packs_removed++] = packs[i].id;
			result->freed_bytes += packs[i].size;
			continue;
		}
		result->kept_bytes += packs[i].size;
		if (packs[i].error == 0)
			result->dead_bytes += packs[i].size -
					      SFS_PACK_SIZE_MIN -
					      packs[i].live_bytes;
	}
	*ret_ids = ids;
	return 0;
}

static int sweep_packs(struct sfs_repo *repo, const uint64_t *ids,
		       uint64_t count)
{
	uint64_t i;
	int r;

	/* The index first, so that it never points at what is gone. */
	sfs_catalog_drop_packs(repo->catalog, ids, count);
	for (i = 0; i < count; i++) {
		r = sfs_store_remove_pack(repo->store, ids[i]);
		if (r < 0)
			return r;
	}
	return sfs_store_sync_packs(repo->store, ids, count);
}

int sfs_gc(struct sfs_repo *repo, bool dry_run, struct sfs_progress *progress,
	   struct sfs_gc_result *ret)
{
	CLEANUP_LOCK struct sfs_lock *structure = NULL;
	CLEANUP_ROOTS struct sfs_roots roots = { 0 };
	CLEANUP_MARK struct sfs_mark *mark = NULL;
	CLEANUP_FREE uint64_t *dead = NULL;
	struct sfs_gc_result result = { 0 };
	int r;

	r = lock(repo, dry_run, &structure);
	if (r == 0)
		r = read_roots(repo, dry_run, &roots);
	if (r == 0)
		r = sfs_mark_new(repo, &mark);
	if (r == 0)
		r = mark_living(mark, &roots, progress);
	if (r == 0)
		r = sfs_mark_judge(mark);
	if (r == 0)
		r = find_dead(mark, &dead, &result);
	if (r == 0)
		r = sweep_records(repo, &roots, dry_run, &result);
	if (r == 0 && !dry_run)
		r = sweep_packs(repo, dead, result.packs_removed);
	if (r == 0 && !dry_run)
		r = clean(repo, &result);
	if (r < 0)
		return r;
	if (!dry_run) /* the catalog follows, now or when next asked */
		sfs_ignore(sfs_catalog_refresh(repo->catalog) < 0);
	*ret = result;
	return 0;
}
