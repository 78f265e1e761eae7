/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/scratch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "format/time.h"
#include "fuse/fs.h"
#include "fuse/opened.h"
#include "src/mutex.h"
#include "src/overlay.h"

#define SECTOR 512u

/* New numbers are far above the fixed ones, and below all others for as long as
 * anybody can remove files. */
#define RESET_FIRST (UINT64_C(1) << 40)

/* A twin that is not just what the tree says; all under table->lock. */
struct sfs_scratch_twin {
	uint64_t place; /* the tree's number */
	uint64_t ino;	/* the kernel's */
	/* Held open, with its overlay; NULL after a reset. */
	struct sfs_opened *opened;
	struct sfs_scratch_twin *next_by_place;
	struct sfs_scratch_twin *next_by_ino;
};

void sfs_scratch_init(struct sfs_scratch_table *table)
{
	*table = (struct sfs_scratch_table){ .count = 0 };
	pthread_mutex_init(&table->lock, NULL);
	pthread_mutex_init(&table->create_lock, NULL);
}

/* The opened files go all at once, whoever holds them. */
void sfs_scratch_done(struct sfs_scratch_table *table)
{
	struct sfs_scratch_twin *twin;
	size_t i;

	for (i = 0; i < SFS_SCRATCH_BUCKETS; i++) {
		while ((twin = table->by_place[i])) {
			table->by_place[i] = twin->next_by_place;
			free(twin);
		}
	}
	pthread_mutex_destroy(&table->lock);
	pthread_mutex_destroy(&table->create_lock);
}

/* ---- the table ---- */

static size_t bucket_of(uint64_t number)
{
	return (number >> 3) % SFS_SCRATCH_BUCKETS;
}

static struct sfs_scratch_twin *by_place_locked(struct sfs_scratch_table *table,
						uint64_t place)
{
	struct sfs_scratch_twin *twin = table->by_place[bucket_of(place)];

	while (twin && twin->place != place)
		twin = twin->next_by_place;
	return twin;
}

static struct sfs_scratch_twin *by_ino_locked(struct sfs_scratch_table *table,
					      uint64_t ino)
{
	struct sfs_scratch_twin *twin = table->by_ino[bucket_of(ino)];

	while (twin && twin->ino != ino)
		twin = twin->next_by_ino;
	return twin;
}

static void link_ino_locked(struct sfs_scratch_table *table,
			    struct sfs_scratch_twin *twin)
{
	struct sfs_scratch_twin **first = &table->by_ino[bucket_of(twin->ino)];

	twin->next_by_ino = *first;
	*first = twin;
}

static void unlink_ino_locked(struct sfs_scratch_table *table,
			      struct sfs_scratch_twin *twin)
{
	struct sfs_scratch_twin **at = &table->by_ino[bucket_of(twin->ino)];

	while (*at != twin)
		at = &(*at)->next_by_ino;
	*at = twin->next_by_ino;
}

static struct sfs_scratch_twin *add_locked(struct sfs_scratch_table *table,
					   uint64_t place)
{
	struct sfs_scratch_twin **first = &table->by_place[bucket_of(place)];
	struct sfs_scratch_twin *twin;

	twin = sfs_calloc(1, sizeof(*twin));
	if (!twin)
		return NULL;
	twin->place = twin->ino = place;
	twin->next_by_place = *first;
	*first = twin;
	link_ino_locked(table, twin);
	table->count++;
	return twin;
}

/* Whether @ino is a number of the tree's. */
static bool is_original(uint64_t ino)
{
	return ino >> 62;
}

/* ---- names and attributes ---- */

static bool is_twin(const struct sfs_place *place)
{
	return place->scratch && (place->kind == SFS_PLACE_SNAPSHOT ||
				  place->kind == SFS_PLACE_DISK);
}

void sfs_scratch_current(struct sfs_fs *fs, struct sfs_place *place)
{
	const struct sfs_scratch_twin *twin;

	if (!is_twin(place))
		return;
	SFS_LOCK(&fs->scratch.lock);
	twin = by_place_locked(&fs->scratch, place->ino);
	if (twin)
		place->ino = twin->ino;
}

/* The tree's number of what the kernel knows as @ino, or 0. */
static uint64_t place_of(struct sfs_fs *fs, uint64_t ino)
{
	const struct sfs_scratch_twin *twin;

	if (!sfs_scratch_is_twin(ino))
		return ino;
	SFS_LOCK(&fs->scratch.lock);
	twin = by_ino_locked(&fs->scratch, ino);
	if (twin)
		return twin->place;
	if (!is_original(ino) || by_place_locked(&fs->scratch, ino))
		return 0; /* reset since */
	return ino;
}

bool sfs_scratch_find(struct sfs_fs *fs, const struct sfs_tree *tree,
		      uint64_t ino, struct sfs_place *ret)
{
	uint64_t place = place_of(fs, ino);

	if (place == 0 || !sfs_tree_find(tree, place, ret))
		return false;
	ret->ino = ino;
	return true;
}

/* At most: that a block is the snapshot's data and was written over, or
 * punched, is not looked for. */
static void add_written(struct stat *st, const struct sfs_overlay *overlay)
{
	const uint64_t all = (uint64_t)st->st_size / SECTOR +
			     ((uint64_t)st->st_size % SECTOR != 0);
	const int64_t time_ns = sfs_overlay_time_ns(overlay);

	st->st_blocks = (blkcnt_t)sfs_min(
		(uint64_t)st->st_blocks +
			sfs_overlay_allocated(overlay) / SECTOR,
		all);
	st->st_mtim.tv_sec = time_ns / SFS_SECOND;
	st->st_mtim.tv_nsec = time_ns % SFS_SECOND;
	st->st_ctim = st->st_mtim;
}

void sfs_scratch_stat(struct sfs_fs *fs, const struct sfs_place *place,
		      struct stat *st)
{
	struct sfs_opened *opened;
	struct sfs_overlay *overlay;

	if (!is_twin(place))
		return;
	if (place_of(fs, place->ino) == 0)
		st->st_nlink = 0;
	opened = sfs_opened_find(&fs->opened, place->ino);
	if (!opened)
		return;
	overlay = atomic_load(&opened->overlay);
	if (overlay)
		add_written(st, overlay);
	sfs_opened_put(&fs->opened, opened);
}

size_t sfs_scratch_usage(struct sfs_fs *fs, uint64_t *ret_bytes)
{
	const struct sfs_scratch_twin *twin;
	const struct sfs_overlay *overlay;
	size_t count = 0, i;

	*ret_bytes = 0;
	SFS_LOCK(&fs->scratch.lock);
	for (i = 0; i < SFS_SCRATCH_BUCKETS; i++) {
		twin = fs->scratch.by_place[i];
		for (; twin; twin = twin->next_by_place) {
			overlay = twin->opened
					  ? atomic_load(&twin->opened->overlay)
					  : NULL;
			if (!overlay)
				continue;
			count++;
			*ret_bytes += sfs_overlay_allocated(overlay);
		}
	}
	return count;
}

/* ---- writing ---- */

/* Hold @opened open for what was written to it, unless it was reset. */
static int hold(struct sfs_fs *fs, struct sfs_opened *opened)
{
	struct sfs_scratch_table *table = &fs->scratch;
	struct sfs_scratch_twin *twin;

	SFS_LOCK(&table->lock);
	twin = by_ino_locked(table, opened->ino);
	if (!twin) {
		if (!is_original(opened->ino) ||
		    by_place_locked(table, opened->ino))
			return 0;
		twin = add_locked(table, opened->ino);
		if (!twin)
			return -ENOMEM;
	}
	assert(!twin->opened);
	sfs_opened_ref(opened);
	twin->opened = opened;
	return 0;
}

int sfs_scratch_overlay(struct sfs_fs *fs, struct sfs_opened *opened,
			struct sfs_overlay **ret)
{
	CLEANUP_OVERLAY struct sfs_overlay *fresh = NULL;
	int r;

	*ret = atomic_load(&opened->overlay);
	if (*ret)
		return 0;
	SFS_LOCK(&fs->scratch.create_lock);
	*ret = atomic_load(&opened->overlay);
	if (*ret)
		return 0;
	r = sfs_overlay_new(fs->options->scratch_dir, opened->view, &fresh);
	if (r < 0)
		return r;
	r = hold(fs, opened);
	if (r < 0)
		return r;
	*ret = fresh;
	atomic_store(&opened->overlay, TAKE_PTR(fresh));
	return 0;
}

int sfs_scratch_reset(struct sfs_fs *fs, uint64_t place)
{
	struct sfs_scratch_table *table = &fs->scratch;
	struct sfs_scratch_twin *twin;
	struct sfs_opened *old;

	pthread_mutex_lock(&table->lock);
	twin = by_place_locked(table, place);
	if (!twin)
		twin = add_locked(table, place);
	if (!twin) {
		pthread_mutex_unlock(&table->lock);
		return -ENOMEM;
	}
	unlink_ino_locked(table, twin);
	twin->ino = RESET_FIRST + (table->resets++ << 3 | SFS_INODE_SCRATCH);
	link_ino_locked(table, twin);
	old = TAKE_PTR(twin->opened);
	pthread_mutex_unlock(&table->lock);

	if (old)
		sfs_opened_put(&fs->opened, old);
	return 0;
}

/* Take the twins out of one bucket that the tree does not know any more; they
 * are returned by their next_by_place. */
static struct sfs_scratch_twin *
take_stale_locked(struct sfs_scratch_table *table, const struct sfs_tree *tree,
		  size_t bucket, struct sfs_scratch_twin *stale)
{
	struct sfs_scratch_twin **at = &table->by_place[bucket];
	struct sfs_scratch_twin *twin;
	struct sfs_place place;

	while ((twin = *at)) {
		if (sfs_tree_find(tree, twin->place, &place)) {
			at = &twin->next_by_place;
			continue;
		}
		*at = twin->next_by_place;
		unlink_ino_locked(table, twin);
		table->count--;
		twin->next_by_place = stale;
		stale = twin;
	}
	return stale;
}

static bool is_empty(struct sfs_scratch_table *table)
{
	SFS_LOCK(&table->lock);
	return table->count == 0;
}

void sfs_scratch_prune(struct sfs_fs *fs)
{
	struct sfs_scratch_table *table = &fs->scratch;
	CLEANUP_TREE struct sfs_tree *tree = NULL;
	struct sfs_scratch_twin *stale = NULL, *next;
	size_t i;

	/* In any case: this lets go of packs that gc removed, whose space is
	 * not free before, also when nobody asks for anything. */
	tree = sfs_fs_refreshed(fs);
	if (is_empty(table))
		return;
	pthread_mutex_lock(&table->lock);
	for (i = 0; i < SFS_SCRATCH_BUCKETS; i++)
		stale = take_stale_locked(table, tree, i, stale);
	pthread_mutex_unlock(&table->lock);

	for (; stale; stale = next) {
		next = stale->next_by_place;
		if (stale->opened)
			sfs_opened_put(&fs->opened, stale->opened);
		free(stale);
	}
}
