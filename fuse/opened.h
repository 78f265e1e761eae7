/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_OPENED_H
#define SNAPFS_FUSE_OPENED_H

/* The image files that somebody has open: one view a snapshot, however many
 * handles.  They stay readable when the snapshot is deleted. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/prefetch.h"
#include "src/repo.h"
#include "src/util.h"
#include "src/view.h"

struct sfs_opened {
	uint64_t ino;
	struct sfs_view *view;
	struct sfs_stream stream;
	atomic_uint refs;	 /* from and to 0 only under the table's lock */
	struct sfs_opened *next; /* under the table's lock */
};

#define SFS_OPENED_BUCKETS 256

struct sfs_opened_table {
	pthread_mutex_t lock; /* protects what is below; never held across I/O
			       */
	struct sfs_opened *buckets[SFS_OPENED_BUCKETS];
	size_t count; /* of files, not of handles */
};

void sfs_opened_init(struct sfs_opened_table *table);
/* Every handle has been given back. */
void sfs_opened_done(struct sfs_opened_table *table);

/* A handle on the snapshot @id, whose image file is inode @ino.  -ENOENT when
 * there is none. */
SFS_MUST_CHECK int sfs_opened_get(struct sfs_opened_table *table,
				  struct sfs_repo *repo, uint64_t ino,
				  const char *id, struct sfs_opened **ret);
/* Another handle on inode @ino if there is one already, else NULL. */
struct sfs_opened *sfs_opened_find(struct sfs_opened_table *table,
				   uint64_t ino);
/* Another one for who has one, without a lock. */
void sfs_opened_ref(struct sfs_opened *opened);
void sfs_opened_put(struct sfs_opened_table *table, struct sfs_opened *opened);

/* How many files are open, however often. */
size_t sfs_opened_count(struct sfs_opened_table *table);

#endif
