/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_ATTACH_H
#define SNAPFS_SRC_ATTACH_H

/*
 * Attaching: a file system out of a snapshot, mounted on a directory of this
 * host.  Below it are a loop device over its partition, the writable twin of
 * the snapshot's file, and a mount of the repository that is there for nothing
 * else.
 *
 * Each attachment has a private directory, its place, SFS_ATTACH_DIR/attach-*:
 * the mount of the repository, and a state file that says what it is for.
 * Who makes or undoes an attachment has its place locked; so one that is not
 * whole, and not locked, was left behind by somebody who died.  The loop device
 * ends by itself with its last user, so every other step can be undone in
 * order, by whoever comes next, however far it was.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/id.h"
#include "format/limits.h"
#include "src/cleanup.h"
#include "src/probe.h"
#include "src/util.h"

/* ---- attach-pick.c: which file system ---- */

/* The partition @number of @disk, which is called @name; with 0, the largest
 * one with a file system of Linux, else with any.  What is taken, and what was
 * found instead, is logged.  @ret is borrowed from @disk.  -ENOENT: there is
 * no such partition; -ENXIO: it holds nothing that can be mounted. */
SFS_MUST_CHECK int sfs_attach_pick(const char *name,
				   const struct sfs_probe_disk *disk,
				   int number,
				   const struct sfs_probe_partition **ret);

/* ---- attach-mount.c: loop device and mount(2) ---- */

struct sfs_attach_source {
	const char *file;     /* writable */
	const char *name;     /* for messages */
	const char *mark;     /* that the loop device is known by: the last
				 part of the place */
	unsigned sector_size; /* of the disk; 0: as usual */
	const struct sfs_probe_partition *partition;
	bool writable;
};

/* Mount it on @directory.  Failures are logged, as -EIO where the kernel's
 * own would be taken for ours. */
SFS_MUST_CHECK int sfs_attach_mount(const struct sfs_attach_source *source,
				    const char *directory);

/* ---- attach-state.c: what is attached ---- */

#define SFS_ATTACH_DIR	 "/run/snapfs"
#define SFS_ATTACH_MOUNT "mnt" /* in a place: the repository */

enum sfs_attachment_state {
	SFS_ATTACHMENT_WHOLE,
	SFS_ATTACHMENT_BUSY,   /* somebody is making or undoing it */
	SFS_ATTACHMENT_BROKEN, /* part of it is gone */
};

struct sfs_attachment {
	char *place;
	/* What the state file says. */
	char snapshot[SFS_ID_SIZE];
	char image[SFS_ID_SIZE]; /* "" when it is not by way of an image */
	char device[SFS_DEVICE_NAME_MAX + 1]; /* the image's, or "" */
	char volume[SFS_VOLUME_NAME_MAX + 1];
	int partition; /* 0: the whole disk */
	char type[SFS_PROBE_TYPE_SIZE];
	bool writable;
	char *directory; /* NULL: there is no state file that can be read */
	/* How it stands. */
	enum sfs_attachment_state state;
	bool is_mounted; /* on its directory, whether it can be read or not */
	bool is_covered; /* by another mount on the same directory */
	bool is_used;	 /* a loop device is there: it may be mounted where we
			    do not see it */
	char node[32];	 /* of the loop device; "" when not mounted */
};

void sfs_attachment_done(struct sfs_attachment *attachment);
#define CLEANUP_ATTACHMENT __attribute__((cleanup(sfs_attachment_done)))

struct sfs_attachments {
	struct sfs_attachment *list;
	size_t count;
	size_t capacity;
};

void sfs_attachments_done(struct sfs_attachments *attachments);
#define CLEANUP_ATTACHMENTS __attribute__((cleanup(sfs_attachments_done)))

/* Keep others from adding and from choosing one, until *ret is closed.  Makes
 * SFS_ATTACH_DIR. */
SFS_MUST_CHECK int sfs_attach_lock(int *ret);

/* All there are, in order of their directories.  Under that lock. */
SFS_MUST_CHECK int sfs_attachments_read(struct sfs_attachments *ret);

/* Lock @place until *ret is closed.  -EBUSY, logged with @directory. */
SFS_MUST_CHECK int sfs_attach_lock_place(const char *place,
					 const char *directory, int *ret);

/* Write the state file in its place. */
SFS_MUST_CHECK int sfs_attachment_save(const struct sfs_attachment *attachment);

/* Log which processes have something open below @directory, and what is
 * mounted there. */
void sfs_attach_explain_busy(const char *directory);

#endif
