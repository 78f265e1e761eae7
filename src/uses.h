/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_USES_H
#define SNAPFS_SRC_USES_H

/*
 * Who uses a disk: the mounts, swap areas and stacked devices on a block
 * device, its partitions and the loop devices made of it, and the processes
 * that have any of them open for writing.
 *
 * Three views are put together, since none is complete.  The kernel's
 * exclusive claim (O_EXCL) covers mounts in other namespaces and every kind of
 * volume manager, but does not say whose it is and says nothing of plain
 * writers; mountinfo and sysfs name what they see; /proc/PID/fd names plain
 * writers.  A claim that the others do not explain is a use of its own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "src/mounted.h"
#include "src/util.h"

struct sfs_freeze;

enum sfs_use_kind {
	SFS_USE_MOUNT,	  /* where: directory */
	SFS_USE_SWAP,	  /* where: device */
	SFS_USE_CLAIM,	  /* somebody unseen has it to himself; device */
	SFS_USE_ATTACHED, /* a writable loop device without users; device */
	SFS_USE_PROCESS,  /* open for writing; where: its name, or "" */
};

struct sfs_use {
	enum sfs_use_kind kind;
	uint64_t device; /* used; 0 for a file opened by a process */
	uint64_t fs;	 /* of a mount */
	bool writable;
	int pid;
	char *where;
};

struct sfs_uses {
	struct sfs_mounts mounts;
	struct sfs_use *uses;
	size_t count;
	size_t capacity;
	uint64_t *devices; /* all that were looked at */
	size_t device_count;
	size_t device_capacity;
	uint64_t *watched; /* the counters of which tell of a change */
	size_t watched_count;
	size_t watched_capacity;
};

/* @uses is the caller's storage, empty or not used before. */
SFS_MUST_CHECK int sfs_uses_init(struct sfs_uses *uses);
void sfs_uses_done(struct sfs_uses *uses);
#define CLEANUP_USES __attribute__((cleanup(sfs_uses_done)))

/* Add the uses of block device @device.  Returns 1 when somebody has claimed
 * it or part of it, which need not be a use (a volume group with no volume in
 * use), else 0. */
SFS_MUST_CHECK int sfs_uses_add_device(struct sfs_uses *uses, uint64_t device);
/* Add the uses of the file @st through loop devices; by processes that have
 * the file @st (or NULL), or a device looked at before, open for writing,
 * seen as far as we may look. */
SFS_MUST_CHECK int sfs_uses_add_file(struct sfs_uses *uses,
				     const struct stat *st);
SFS_MUST_CHECK int sfs_uses_add_processes(struct sfs_uses *uses,
					  const struct stat *st);
/* Add one that was found otherwise.  Copies @where. */
SFS_MUST_CHECK int sfs_uses_add(struct sfs_uses *uses,
				const struct sfs_use *use);

/* The first use through which bytes may change while @freeze (or NULL)
 * holds; NULL when there is none.  Swap is not one: what is in it means
 * nothing once the machine was off. */
const struct sfs_use *sfs_uses_writer(const struct sfs_uses *uses,
				      const struct sfs_freeze *freeze);

/* Sectors written to and discarded from the watched devices so far. */
uint64_t sfs_uses_written(const struct sfs_uses *uses);

/* What is seen once may be somebody who only looks (udev, losetup, another
 * snapfs) and is gone at once: look up to this often, with pauses between. */
#define SFS_USES_LOOKS 6
void sfs_uses_pause(void);

/* Log that @use is in the way of reading @name, and what to do. */
void sfs_use_explain(const struct sfs_use *use, const char *name);

#endif
