/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_SCRATCH_H
#define SNAPFS_FUSE_SCRATCH_H

/*
 * The writable twins below scratch/.  What is written to one goes to an
 * overlay (src/overlay.h) that all who have the file open share, and that is
 * kept until the file is removed, its snapshot or image is gone and nobody has
 * it open any more, or the mount ends.  It belongs to the struct sfs_opened of
 * the file, which is kept open for it here.
 *
 * Inode numbers.  Removing a twin resets it: the name shows the snapshot again,
 * under a number that is new and not the tree's, so that the kernel takes it
 * for another file, while who has the old one open goes on with it.  So who
 * gives the number of a place to the kernel (lookup, listings) first calls
 * sfs_scratch_current(), and who gets one from it calls sfs_scratch_find()
 * and not sfs_tree_find().
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fuse/inode-table.h"
#include "fuse/tree.h"
#include "src/util.h"

struct sfs_fs;
struct sfs_mount_options;
struct sfs_opened;
struct sfs_overlay;
struct sfs_scratch_twin;

#define SFS_SCRATCH_BUCKETS 256

struct sfs_scratch_table {
	/* Protects what is below.  Taken before the lock of the opened files
	 * and the one of the tree; never held across I/O. */
	pthread_mutex_t lock;
	/* Those that were written to or reset, by the tree's number and by
	 * the kernel's. */
	struct sfs_scratch_twin *by_place[SFS_SCRATCH_BUCKETS];
	struct sfs_scratch_twin *by_ino[SFS_SCRATCH_BUCKETS];
	size_t count;
	uint64_t resets; /* numbers given out */
	/* Held while an overlay is made, so that a file gets one. */
	pthread_mutex_t create_lock;
};

void sfs_scratch_init(struct sfs_scratch_table *table);
/* Before the opened files are done with. */
void sfs_scratch_done(struct sfs_scratch_table *table);

/* ---- for names and attributes ---- */

/* Numbers of twins, the tree's and the new ones, have this bit. */
static inline bool sfs_scratch_is_twin(uint64_t ino)
{
	return ino > SFS_PLACE_STATUS && (ino & SFS_INODE_SCRATCH);
}

/* Replace @place->ino, the tree's, by the one that the kernel is to know.
 * Does nothing to places that are no twins. */
void sfs_scratch_current(struct sfs_fs *fs, struct sfs_place *place);

/* As sfs_tree_find() of a number that the kernel gave, which stays the one in
 * *ret.  False also for the old number of a file that was reset; it may still
 * be open: sfs_opened_find(). */
bool sfs_scratch_find(struct sfs_fs *fs, const struct sfs_tree *tree,
		      uint64_t ino, struct sfs_place *ret);

/* Put in @st what writing has changed: time, blocks and, once it is removed,
 * links.  @place, a twin, has the number that the kernel knows; @st is
 * otherwise filled as for the file that it is the twin of. */
void sfs_scratch_stat(struct sfs_fs *fs, const struct sfs_place *place,
		      struct stat *st);

/* How many files there are that were written to, and what space that takes. */
size_t sfs_scratch_usage(struct sfs_fs *fs, uint64_t *ret_bytes);

/* ---- for writing ---- */

/* The overlay of the twin that is open as @opened, made if there is none yet.
 * It goes with @opened. */
SFS_MUST_CHECK int sfs_scratch_overlay(struct sfs_fs *fs,
				       struct sfs_opened *opened,
				       struct sfs_overlay **ret);

/* The twin whose number in the tree is @place is removed: its name now shows
 * the snapshot again. */
SFS_MUST_CHECK int sfs_scratch_reset(struct sfs_fs *fs, uint64_t place);

/* Forget what was written to files that are not in the tree any more; who has
 * one open keeps it until he closes it. */
void sfs_scratch_prune(struct sfs_fs *fs);

/* ---- the directory ---- */

/* Settle where overlays go: what scratch_dir= says, else $TMPDIR if it can be
 * written, else /var/tmp.  Logs what is wrong with it. */
SFS_MUST_CHECK int
sfs_scratch_choose_directory(struct sfs_mount_options *options);

#endif
