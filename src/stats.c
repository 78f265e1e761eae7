/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "src/delete.h"
#include "src/roots.h"
#include "src/tables.h"

/* What is summed up over packs. */
struct sum {
	struct sfs_repo *repo;
	struct sfs_stats *stats;
};

static int sum_pack(uint64_t id, uint64_t size, uint64_t allocated,
		    void *context)
{
	CLEANUP_FREE struct sfs_row *rows = NULL;
	struct sum *sum = context;
	struct sfs_stats *stats = sum->stats;
	uint32_t count, i;
	int r;

	(void)allocated;
	stats->packs++;
	stats->pack_bytes += size;
	r = sfs_chunks_table(sum->repo->chunks, id, &rows, &count);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return 0; /* 'check' has something to say, figures have not */
	for (i = 0; i < count; i++) {
		if (rows[i].kind == SFS_KIND_DATA) {
			stats->chunks++;
			stats->chunk_bytes += rows[i].stored;
		} else {
			stats->nodes++;
			stats->node_bytes += rows[i].stored;
		}
	}
	return 0;
}

static bool alive(const struct sfs_root *root)
{
	return root->snapshot && !root->binned && !root->dead;
}

static int compare_volumes(const void *a, const void *b)
{
	const struct sfs_snapshot *const *x = a, *const *y = b;

	return strcmp((*x)->volume_id, (*y)->volume_id);
}

static int count_volumes(const struct sfs_roots *roots, uint64_t *ret)
{
	CLEANUP_FREE struct sfs_snapshot **snapshots = NULL;
	size_t i, n = 0;

	snapshots = sfs_calloc(roots->count, sizeof(*snapshots));
	if (!snapshots)
		return -ENOMEM;
	for (i = 0; i < roots->count; i++)
		if (alive(&roots->roots[i]))
			snapshots[n++] = roots->roots[i].snapshot;
	qsort(snapshots, n, sizeof(*snapshots), compare_volumes);
	for (i = 0; i < n; i++)
		*ret += i == 0 ||
			compare_volumes(&snapshots[i], &snapshots[i - 1]) != 0;
	return 0;
}

static void sum_roots(const struct sfs_roots *roots, struct sfs_stats *stats)
{
	const struct sfs_root *root;
	size_t i;

	for (i = 0; i < roots->count; i++) {
		root = &roots->roots[i];
		stats->record_bytes += root->record_bytes;
		if (root->binned && root->snapshot)
			stats->deleted_snapshots++;
		if (root->image && !root->binned && !root->dead)
			stats->images++;
		if (!alive(root))
			continue;
		stats->snapshots++;
		stats->volume_bytes += root->snapshot->size;
		stats->data_bytes += root->snapshot->data_bytes;
	}
}

int sfs_stats(struct sfs_repo *repo, struct sfs_stats *ret)
{
	CLEANUP_ROOTS struct sfs_roots roots = { 0 };
	const char *catalog = sfs_store_catalog_path(repo->store);
	struct sum sum = { repo, ret };
	struct sfs_gc_result gc;
	struct stat st;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = sfs_roots_read(repo, true, &roots);
	if (r < 0)
		return r;
	sum_roots(&roots, ret);
	r = count_volumes(&roots, &ret->volumes);
	if (r < 0)
		return r;
	r = sfs_store_list_packs(repo->store, sum_pack, &sum);
	if (r < 0)
		return r;
	ret->unique_bytes = ret->chunks * repo->config.chunk_size;
	if (catalog && stat(catalog, &st) == 0)
		ret->catalog_bytes = (uint64_t)st.st_size;
	r = sfs_gc(repo, true, NULL, &gc);
	if (r == -ENOMEM)
		return r;
	ret->freeable_bytes = r < 0 ? UINT64_MAX : gc.freed_bytes;
	return 0;
}
