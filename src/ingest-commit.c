/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "format/time.h"
#include "src/ingest-run.h"

static int seal_packs(struct sfs_ingest_run *ingest)
{
	struct sfs_pack_set *set = &ingest->work.found;
	struct sfs_pack_writer *writers[] = { ingest->work.chunks,
					      ingest->work.nodes };
	const struct sfs_pack_set *published;
	size_t i, j;
	int r;

	for (i = 0; i < SFS_ARRAY_SIZE(writers); i++) {
		r = sfs_pack_writer_finish(writers[i]);
		if (r < 0)
			return r;
		published = sfs_pack_writer_packs(writers[i]);
		for (j = 0; j < published->count; j++)
			sfs_pack_set_add(set, published->ids[j]);
	}
	/* Those that were found stored as well: their writer may have died
	 * between rename and fsync. */
	return sfs_store_sync_packs(ingest->repo->store, set->ids, set->count);
}

int sfs_ingest_seal(struct sfs_ingest_run *ingest)
{
	const struct sfs_ingest_options *options = ingest->options;
	size_t i;
	int r;

	r = seal_packs(ingest);
	if (r < 0)
		return r;
	for (i = 0; i < ingest->count; i++)
		ingest->taken[i] = ingest->members[i].snapshot;
	return options->on_sealed
		       ? options->on_sealed(ingest->taken, options->context)
		       : 0;
}

static int put_snapshot(struct sfs_ingest_run *ingest,
			struct sfs_snapshot *snapshot)
{
	CLEANUP_FREE char *bytes = NULL;
	size_t size;
	int r;

	snapshot->completed_ns = sfs_now_ns() / SFS_SECOND * SFS_SECOND;
	if (snapshot->completed_ns < snapshot->time_ns)
		snapshot->completed_ns = snapshot->time_ns;
	r = sfs_record_encode_snapshot(&ingest->repo->config, snapshot, &bytes,
				       &size);
	if (r < 0)
		return r;
	return sfs_store_put(ingest->repo->store, SFS_AREA_RECORDS,
			     snapshot->id, bytes, size, false);
}

static int put_set(struct sfs_ingest_run *ingest)
{
	CLEANUP_FREE char *bytes = NULL;
	struct sfs_set set = { .time_ns = ingest->time_ns,
			       .members = ingest->count };
	size_t size;
	int r;

	strcpy(set.id, ingest->set);
	r = sfs_record_encode_set(&ingest->repo->config, &set, &bytes, &size);
	if (r < 0)
		return r;
	return sfs_store_put(ingest->repo->store, SFS_AREA_RECORDS, set.id,
			     bytes, size, false);
}

/* Publish what is to count together with the set, and the set.  Whether
 * that failed before or after its rename, they stand or fall with it. */
static int commit_set(struct sfs_ingest_run *ingest, bool *ret_uncertain)
{
	const struct sfs_ingest_options *options = ingest->options;
	CLEANUP_LOCK struct sfs_lock *lock = NULL;
	int r = 0;

	if (options->on_publish) {
		r = sfs_repo_lock_records(ingest->repo, &lock);
		if (r == 0)
			r = options->on_publish(ingest->taken,
						options->context);
	}
	if (r < 0)
		return r;
	*ret_uncertain = true;
	return put_set(ingest);
}

/* Take back members whose set will not be published; gc would, too. */
static void withdraw(struct sfs_ingest_run *ingest, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		sfs_ignore(sfs_store_remove(ingest->repo->store,
					    SFS_AREA_RECORDS,
					    ingest->members[i].snapshot->id));
}

int sfs_ingest_commit(struct sfs_ingest_run *ingest)
{
	bool uncertain = false;
	size_t i;
	int r = 0;

	for (i = 0; i < ingest->count && r == 0; i++)
		r = put_snapshot(ingest, ingest->members[i].snapshot);
	if (!*ingest->set)
		return r;
	if (r == 0)
		r = commit_set(ingest, &uncertain);
	if (r < 0 && !uncertain)
		withdraw(ingest, i);
	return r;
}
