/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/tag.h"

#include <errno.h>

#include "src/log.h"
#include "src/record.h"

int sfs_tags_change(struct sfs_tags *tags, const struct sfs_tags *set,
		    char *const *unset, size_t unset_count)
{
	size_t i;
	int r;

	/* Removing first: what is then set may need the room. */
	for (i = 0; i < unset_count; i++) {
		r = sfs_tags_set(tags, unset[i], NULL);
		if (r < 0)
			return r;
	}
	for (i = 0; i < set->count; i++) {
		r = sfs_tags_set(tags, set->tags[i].key, set->tags[i].value);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- replacing a record ---- */

static int replace(struct sfs_repo *repo, const struct sfs_snapshot *snapshot)
{
	CLEANUP_FREE char *bytes = NULL;
	size_t size;
	int r;

	r = sfs_record_encode_snapshot(&repo->config, snapshot, &bytes, &size);
	if (r < 0)
		return r;
	return sfs_store_put(repo->store, SFS_AREA_RECORDS, snapshot->id, bytes,
			     size, true);
}

int sfs_snapshot_edit(struct sfs_repo *repo, const char *id,
		      int (*edit)(struct sfs_snapshot *snapshot, void *context),
		      void *context, struct sfs_snapshot **ret)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	CLEANUP_LOCK struct sfs_lock *lock = NULL;
	int r;

	/* So that nobody edits or deletes it between reading and replacing. */
	r = sfs_repo_lock_records(repo, &lock);
	if (r < 0)
		return r;
	r = sfs_catalog_load(repo->catalog, id, &snapshot);
	if (r == -ENOENT)
		sfs_err("'%s': was deleted meanwhile", id);
	if (r < 0)
		return r;
	if (snapshot->newer) {
		sfs_err("'%s': was written by a newer snapfs; change it with "
			"that one, or what it alone knows would be lost",
			id);
		return -EOPNOTSUPP;
	}
	r = edit(snapshot, context);
	if (r < 0)
		return r;
	r = replace(repo, snapshot);
	if (r < 0)
		return r;
	if (ret)
		*ret = TAKE_PTR(snapshot);
	return 0;
}

/* ---- tags ---- */

struct change {
	const struct sfs_tags *set;
	char *const *unset;
	size_t unset_count;
};

static int change_tags(struct sfs_snapshot *snapshot, void *context)
{
	const struct change *change = context;

	return sfs_tags_change(&snapshot->tags, change->set, change->unset,
			       change->unset_count);
}

int sfs_tag(struct sfs_repo *repo, const char *id, const struct sfs_tags *set,
	    char *const *unset, size_t unset_count, struct sfs_snapshot **ret)
{
	struct change change = { set, unset, unset_count };

	return sfs_snapshot_edit(repo, id, change_tags, &change, ret);
}
