/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_WORKPOOL_H
#define SNAPFS_SRC_WORKPOOL_H

/*
 * A bounded pool of workers whose results come back in the order in which the
 * jobs were submitted.  One thread submits and collects; jobs are the
 * caller's memory, made once and used again.
 */

#include <stdbool.h>
#include <stddef.h>

#include "src/cleanup.h"
#include "src/util.h"

struct sfs_workpool;

/* Do @job.  @worker is 0 to threads - 1, for scratch memory a thread. */
typedef void sfs_work(void *job, unsigned worker, void *context);

/* Start @threads workers (0: one a processor); at most @depth jobs are under
 * way or waiting to be collected. */
SFS_MUST_CHECK int sfs_workpool_new(unsigned threads, size_t depth,
				    sfs_work *work, void *context,
				    struct sfs_workpool **ret);
/* Wait for the workers to finish what was submitted, and join them. */
void sfs_workpool_free(struct sfs_workpool *pool);
SFS_DEFINE_CLEANUP(struct sfs_workpool, sfs_workpool_free);
#define CLEANUP_WORKPOOL __attribute__((cleanup(sfs_workpool_freep)))

unsigned sfs_workpool_threads(const struct sfs_workpool *pool);

/* True when @depth jobs are outstanding: collect before submitting. */
bool sfs_workpool_full(const struct sfs_workpool *pool);
void sfs_workpool_submit(struct sfs_workpool *pool, void *job);

/* Wait for the oldest outstanding job and return it; NULL when there is
 * none. */
void *sfs_workpool_collect(struct sfs_workpool *pool);

#endif
