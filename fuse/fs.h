/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_FS_H
#define SNAPFS_FUSE_FS_H

/* One mount: what all requests share. */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fuse/counters.h"
#include "fuse/opened.h"
#include "fuse/options.h"
#include "fuse/scratch.h"
#include "fuse/tree.h"
#include "src/cleanup.h"
#include "src/prefetch.h"
#include "src/repo.h"
#include "src/util.h"

struct sfs_fs {
	const struct sfs_mount_options *options;
	struct sfs_repo *repo;
	char *readme;
	size_t readme_size;
	int64_t started_ns;
	/* Called once the kernel is about to get its answer to INIT. */
	void (*ready)(void *context);
	void *ready_context;

	struct sfs_prefetch *prefetch;
	struct sfs_opened_table opened;
	struct sfs_scratch_table scratch;
	struct sfs_counters counters;

	/* Locks in order of acquisition.  refresh_lock is held while the
	 * catalog is looked at and the next tree is built; reads of data take
	 * neither. */
	pthread_mutex_t refresh_lock;
	bool stale;	   /* under refresh_lock: the last build failed */
	int64_t let_go_ns; /* under refresh_lock: when packs were last let go */
	pthread_mutex_t tree_lock;
	struct sfs_tree *tree; /* under tree_lock; itself immutable */
	uint64_t generation;   /* under tree_lock */
};

/* Build the first tree.  @options and @repo are borrowed. */
SFS_MUST_CHECK int sfs_fs_new(const struct sfs_mount_options *options,
			      struct sfs_repo *repo, struct sfs_fs **ret);
void sfs_fs_free(struct sfs_fs *fs);
SFS_DEFINE_CLEANUP(struct sfs_fs, sfs_fs_free);
#define CLEANUP_FS __attribute__((cleanup(sfs_fs_freep)))

/* The current tree as it is, and brought up to date first.  When that fails
 * (logged below) the last good one goes on.  Give back with
 * sfs_tree_unref(). */
struct sfs_tree *sfs_fs_tree(struct sfs_fs *fs);
struct sfs_tree *sfs_fs_refreshed(struct sfs_fs *fs);
uint64_t sfs_fs_generation(struct sfs_fs *fs);

/* What stat(2) shows, and for how many seconds the kernel may believe it.
 * @place has the number that the kernel is to know: sfs_scratch_current(). */
void sfs_fs_stat(struct sfs_fs *fs, const struct sfs_tree *tree,
		 const struct sfs_place *place, struct stat *ret);
double sfs_fs_stat_timeout(const struct sfs_fs *fs,
			   const struct sfs_place *place);
double sfs_fs_name_timeout(const struct sfs_fs *fs,
			   const struct sfs_place *place);

/* The errno for what the engine returned: damage is EIO. */
int sfs_fs_errno(int r);

#endif
