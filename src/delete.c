/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/delete.h"

#include <errno.h>
#include <string.h>

#include "src/log.h"
#include "src/mark.h"
#include "src/roots.h"

int sfs_delete(struct sfs_repo *repo, char *const *ids, size_t count)
{
	CLEANUP_LOCK struct sfs_lock *lock = NULL;
	size_t i;
	int r;

	r = sfs_repo_check_writable(repo);
	if (r < 0)
		return r;
	/* Held for moments by whoever has it, and not by creators. */
	r = sfs_store_lock(repo->store, SFS_LOCK_RECORDS, NULL, true, true,
			   &lock);
	if (r < 0)
		return r;
	for (i = 0; i < count; i++) {
		r = sfs_store_move(repo->store, SFS_AREA_RECORDS, SFS_AREA_BIN,
				   ids[i]);
		if (r < 0)
			return r;
	}
	/* The catalog follows, now or when next asked. */
	sfs_ignore(sfs_catalog_refresh(repo->catalog) < 0);
	return 0;
}

static bool listed(char *const *ids, size_t count, const char *id)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(ids[i], id) == 0)
			return true;
	return false;
}

/* Mark the living snapshots that are, or are not, among @ids. */
static int mark_those(struct sfs_mark *mark, const struct sfs_roots *roots,
		      char *const *ids, size_t count, bool among)
{
	const struct sfs_root *root;
	size_t i;
	int r;

	for (i = 0; i < roots->count; i++) {
		root = &roots->roots[i];
		if (!root->snapshot || root->dead ||
		    listed(ids, count, root->id) != among)
			continue;
		r = sfs_mark_snapshot(mark, root->snapshot);
		if (r < 0)
			return r;
	}
	return 0;
}

static uint64_t dead_bytes(const struct sfs_mark *mark)
{
	const struct sfs_marked_pack *packs;
	uint64_t bytes = 0;
	size_t count, i;

	packs = sfs_mark_packs(mark, &count);
	for (i = 0; i < count; i++)
		if (sfs_marked_dead(&packs[i]))
			bytes += packs[i].size;
	return bytes;
}

int sfs_delete_would_free(struct sfs_repo *repo, char *const *ids, size_t count,
			  uint64_t *ret_bytes)
{
	CLEANUP_ROOTS struct sfs_roots roots = { 0 };
	CLEANUP_MARK struct sfs_mark *mark = NULL;
	uint64_t without;
	int r;

	r = sfs_roots_read(repo, true, &roots);
	if (r == 0)
		r = sfs_mark_new(repo, &mark);
	if (r == 0)
		r = mark_those(mark, &roots, ids, count, false);
	if (r == 0)
		r = sfs_mark_judge(mark);
	if (r < 0)
		return r;
	without = dead_bytes(mark);
	r = mark_those(mark, &roots, ids, count, true);
	if (r < 0)
		return r;
	*ret_bytes = without - dead_bytes(mark);
	return 0;
}
