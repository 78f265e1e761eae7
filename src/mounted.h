/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_MOUNTED_H
#define SNAPFS_SRC_MOUNTED_H

/*
 * What is mounted, as /proc/self/mountinfo has it, and on which block
 * devices.
 *
 * A file system is known by the device number in mountinfo (its "fs"), not by
 * the st_dev of its files: btrfs gives every subvolume an st_dev of its own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/cleanup.h"
#include "src/util.h"

struct sfs_mount {
	uint64_t id;	 /* as statx(2) gives it */
	uint64_t fs;	 /* device number of the file system */
	uint64_t device; /* of the block device it names, or 0 */
	char *dir;
	bool btrfs;    /* may be on more devices than it names */
	bool writable; /* the file system; a mount of it may be read-only */
};

struct sfs_mounts {
	struct sfs_mount *mounts;
	size_t count;
	size_t capacity;
};

/* Read the table.  @ret is the caller's to give to sfs_mounts_done(). */
SFS_MUST_CHECK int sfs_mounts_read(struct sfs_mounts *ret);
void sfs_mounts_done(struct sfs_mounts *mounts);
#define CLEANUP_MOUNTS __attribute__((cleanup(sfs_mounts_done)))

/* @dir as the table has it.  Its last part is not looked at where it cannot be:
 * it may be a mount whose server died.  Not logged. */
SFS_MUST_CHECK int sfs_mounts_path(const char *dir, char *ret, size_t size);

/* Whether @mount's file system keeps data on block device @device itself. */
bool sfs_mount_is_on(const struct sfs_mount *mount, uint64_t device);

/* The file system of the object on @fd, which may be an O_PATH one. */
SFS_MUST_CHECK int sfs_mounts_of_fd(const struct sfs_mounts *mounts, int fd,
				    uint64_t *ret_fs);

/* Whether writing to @fs writes to @below: they are the same, or @fs is on
 * loop or stacked devices whose backing file is on @below. */
bool sfs_mounts_stacked(const struct sfs_mounts *mounts, uint64_t fs,
			uint64_t below);

/* ---- block devices, from sysfs ---- */

/* Read the attribute @name of block device @device, without its newline.
 * -ENOENT: no such device or attribute. */
SFS_MUST_CHECK int sfs_sysfs_read(uint64_t device, const char *name, char *ret,
				  size_t size);

/* Call @each with the device number in every entry of @directory of
 * @device's sysfs directory ("holders", "slaves", "." for partitions) that
 * has the attribute @marker.  Stops at its first non-zero result and returns
 * it. */
SFS_MUST_CHECK int sfs_sysfs_list(uint64_t device, const char *directory,
				  const char *marker,
				  int (*each)(uint64_t device, void *context),
				  void *context);

/* The same for every attached loop device. */
SFS_MUST_CHECK int sfs_sysfs_loops(int (*each)(uint64_t device, void *context),
				   void *context);

/* The disk that a partition is part of; any other device itself. */
uint64_t sfs_sysfs_disk(uint64_t device);

/* The path of the device's node, "/dev/sda1"; or "8:1" when sysfs has no
 * name for it. */
void sfs_sysfs_node(uint64_t device, char *ret, size_t size);

#endif
