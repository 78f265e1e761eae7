/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_OPENED_H
#define SNAPFS_FUSE_OPENED_H

/* The image files that somebody has open: one view a file, however many
 * handles.  They stay readable when the snapshot is deleted.  Writable twins
 * that were written to are also held open by the table of fuse/scratch.h. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuse/inode-table.h"
#include "src/overlay.h"
#include "src/prefetch.h"
#include "src/repo.h"
#include "src/util.h"
#include "src/view.h"

struct sfs_opened {
	uint64_t ino;
	struct sfs_view *view;
	struct sfs_stream stream;
	/* What was written to it, or NULL until something is. */
	_Atomic(struct sfs_overlay *) overlay;
	atomic_uint refs;	 /* from and to 0 only under the table's lock */
	struct sfs_opened *next; /* under the table's lock */
};

#define SFS_OPENED_BUCKETS 256

struct sfs_opened_table {
	pthread_mutex_t lock; /* protects what is below; never held across I/O
			       */
	struct sfs_opened *buckets[SFS_OPENED_BUCKETS];
	size_t count; /* of files, not of handles */
	struct sfs_inode_table missed;
};

void sfs_opened_init(struct sfs_opened_table *table);
/* Every handle has been given back. */
void sfs_opened_done(struct sfs_opened_table *table);

/* A handle on the file with inode @ino, which shows @size bytes of the snapshot
 * @id, or of zeros where that is "".  -ENOENT when there is none. */
SFS_MUST_CHECK int sfs_opened_get(struct sfs_opened_table *table,
				  struct sfs_repo *repo, uint64_t ino,
				  const char *id, uint64_t size,
				  struct sfs_opened **ret);
/* Another handle on inode @ino if there is one already, else NULL. */
struct sfs_opened *sfs_opened_find(struct sfs_opened_table *table,
				   uint64_t ino);
/* Another one for who has one, without a lock. */
void sfs_opened_ref(struct sfs_opened *opened);
void sfs_opened_put(struct sfs_opened_table *table, struct sfs_opened *opened);

/* Whether this is the first time that the file with inode @ino could not be
 * opened because its snapshot is missing: who logs that does so once. */
bool sfs_opened_first_miss(struct sfs_opened_table *table, uint64_t ino);

/* How many files are open, however often. */
size_t sfs_opened_count(struct sfs_opened_table *table);

#endif
