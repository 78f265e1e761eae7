/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/opened.h"

#include <errno.h>

#include "src/mutex.h"

static void opened_free(struct sfs_opened *opened)
{
	sfs_stream_done(&opened->stream);
	sfs_overlay_free(atomic_load(&opened->overlay));
	sfs_view_close(opened->view);
	free(opened);
}

/* All handles are given back before the table goes, but for those whose
 * RELEASE the kernel did not send because the mount was detached. */
void sfs_opened_done(struct sfs_opened_table *table)
{
	struct sfs_opened *opened;
	size_t i;

	for (i = 0; i < SFS_OPENED_BUCKETS; i++) {
		while ((opened = table->buckets[i])) {
			table->buckets[i] = opened->next;
			opened_free(opened);
		}
	}
	sfs_inode_table_done(&table->missed);
	pthread_mutex_destroy(&table->lock);
}

void sfs_opened_init(struct sfs_opened_table *table)
{
	*table = (struct sfs_opened_table){ .count = 0 };
	pthread_mutex_init(&table->lock, NULL);
}

static struct sfs_opened **bucket_of(struct sfs_opened_table *table,
				     uint64_t ino)
{
	/* The lowest bits are the same for all files of a kind. */
	return &table->buckets[(ino >> 3) % SFS_OPENED_BUCKETS];
}

static struct sfs_opened *find_locked(struct sfs_opened_table *table,
				      uint64_t ino)
{
	struct sfs_opened *opened = *bucket_of(table, ino);

	while (opened && opened->ino != ino)
		opened = opened->next;
	if (opened)
		sfs_opened_ref(opened);
	return opened;
}

void sfs_opened_ref(struct sfs_opened *opened)
{
	atomic_fetch_add_explicit(&opened->refs, 1, memory_order_relaxed);
}

struct sfs_opened *sfs_opened_find(struct sfs_opened_table *table, uint64_t ino)
{
	struct sfs_opened *opened;

	SFS_LOCK(&table->lock);
	opened = find_locked(table, ino);
	return opened;
}

/* Publish @fresh, unless another thread was first: then its one. */
static struct sfs_opened *publish(struct sfs_opened_table *table,
				  struct sfs_opened *fresh)
{
	struct sfs_opened **bucket = bucket_of(table, fresh->ino);
	struct sfs_opened *opened;

	SFS_LOCK(&table->lock);
	opened = find_locked(table, fresh->ino);
	if (!opened) {
		fresh->next = *bucket;
		*bucket = fresh;
		table->count++;
		opened = fresh;
	}
	return opened;
}

int sfs_opened_get(struct sfs_opened_table *table, struct sfs_repo *repo,
		   uint64_t ino, const char *id, uint64_t size,
		   struct sfs_opened **ret)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;
	CLEANUP_FREE struct sfs_opened *fresh = NULL;
	struct sfs_opened *opened;
	int r;

	opened = sfs_opened_find(table, ino);
	if (!opened) {
		r = sfs_view_open_volume(repo, id, size, &view);
		if (r < 0)
			return r;
		fresh = sfs_calloc(1, sizeof(*fresh));
		if (!fresh)
			return -ENOMEM;
		fresh->ino = ino;
		fresh->view = view;
		sfs_stream_init(&fresh->stream);
		atomic_init(&fresh->refs, 1);
		opened = publish(table, fresh);
		if (opened == fresh) {
			fresh = NULL;
			view = NULL;
		}
	}
	*ret = opened;
	return 0;
}

/* Take one reference away unless it is the last one. */
static bool put_not_last(struct sfs_opened *opened)
{
	unsigned refs =
		atomic_load_explicit(&opened->refs, memory_order_relaxed);

	while (refs > 1) {
		if (atomic_compare_exchange_weak(&opened->refs, &refs,
						 refs - 1))
			return true;
	}
	return false;
}

static void unlink_locked(struct sfs_opened_table *table,
			  struct sfs_opened *opened)
{
	struct sfs_opened **place = bucket_of(table, opened->ino);

	while (*place != opened)
		place = &(*place)->next;
	*place = opened->next;
	table->count--;
}

void sfs_opened_put(struct sfs_opened_table *table, struct sfs_opened *opened)
{
	bool last;

	if (put_not_last(opened))
		return;
	/* Under the lock nobody finds it meanwhile. */
	pthread_mutex_lock(&table->lock);
	last = atomic_fetch_sub(&opened->refs, 1) == 1;
	if (last)
		unlink_locked(table, opened);
	pthread_mutex_unlock(&table->lock);

	if (last)
		opened_free(opened);
}

bool sfs_opened_first_miss(struct sfs_opened_table *table, uint64_t ino)
{
	const uint64_t base = ino & ~(uint64_t)SFS_INODE_BITS;
	enum sfs_inode_object object;
	size_t index;

	SFS_LOCK(&table->lock);
	if (sfs_inode_table_get(&table->missed, base, &object, &index))
		return false;
	/* Out of memory it is logged again. */
	sfs_ignore(
		sfs_inode_table_add(&table->missed, base, SFS_OBJECT_DISK, 0));
	return true;
}

size_t sfs_opened_count(struct sfs_opened_table *table)
{
	size_t count;

	SFS_LOCK(&table->lock);
	count = table->count;
	return count;
}
