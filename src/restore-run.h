/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_RESTORE_RUN_H
#define SNAPFS_SRC_RESTORE_RUN_H

/* The parts of restore: for src/restore*.c alone. */

#include <stdbool.h>
#include <stdint.h>

#include "src/map.h"
#include "src/restore.h"
#include "src/view.h"

/* ---- a snapshot's extents, in order ---- */

struct sfs_extent {
	uint64_t offset;
	uint64_t size;
	bool empty; /* reads as zeros */
};

/* No empty extent is larger, so that progress is seen and heard. */
#define SFS_EXTENT_EMPTY_MAX (UINT64_C(1) << 30)

struct sfs_extents {
	struct sfs_view *view;
	const struct sfs_map *map;
	uint64_t chunk; /* the next one */
	uint32_t chunk_size;
	bool have_run;
	struct sfs_run run;
};

void sfs_extents_init(struct sfs_extents *extents, struct sfs_view *view);
void sfs_extents_done(struct sfs_extents *extents);
#define CLEANUP_EXTENTS __attribute__((cleanup(sfs_extents_done)))

/* Returns 1 with the next extent: data of one leaf of the map and at most
 * SFS_READ_MAX bytes, or empty.  0 at the end.  A part that cannot be read or
 * that the source could not give is logged. */
SFS_MUST_CHECK int sfs_extents_next(struct sfs_extents *extents,
				    struct sfs_extent *ret);

/* ---- content ---- */

/* Room for slots as they lie in a pack: at least one, however large. */
#define SFS_RESTORE_SLOTS (SFS_READ_MAX + SFS_SLOT_HEADER_SIZE)

/* Decode the data chunks of @entries, for the @size bytes from @offset on,
 * into @ret, which has room for whole chunks.  @slots has SFS_RESTORE_SLOTS
 * bytes.  Logged.  Any thread. */
SFS_MUST_CHECK int sfs_restore_load(struct sfs_view *view,
				    const struct sfs_entry *entries,
				    uint64_t offset, size_t size,
				    uint8_t *slots, uint8_t *ret);

/* ---- passes over a file or device ---- */

struct sfs_restore_target {
	const char *name;
	int fd;
	int read_fd;	      /* of a device: past the page cache */
	uint64_t device_size; /* 0: a regular file */
};

enum sfs_restore_pass {
	SFS_RESTORE_WRITE,  /* everything; a file is empty before */
	SFS_RESTORE_DELTA,  /* what differs */
	SFS_RESTORE_VERIFY, /* nothing; -EBADMSG where it differs */
};

/* Failures are logged. */
SFS_MUST_CHECK int sfs_restore_run(struct sfs_view *view,
				   const struct sfs_restore_target *target,
				   enum sfs_restore_pass pass,
				   const struct sfs_restore_options *options,
				   struct sfs_restore_result *result);

/* ---- destinations ---- */

SFS_MUST_CHECK int
sfs_restore_to_stdout(struct sfs_view *view,
		      const struct sfs_restore_options *options,
		      struct sfs_restore_result *ret);
/* @dest is a block device. */
SFS_MUST_CHECK int
sfs_restore_to_device(struct sfs_view *view, const char *dest,
		      const struct sfs_restore_options *options,
		      struct sfs_restore_result *ret);
/* @dest is a regular file without symbolic links on its way, or not there. */
SFS_MUST_CHECK int
sfs_restore_to_file(struct sfs_view *view, const char *dest,
		    const struct sfs_restore_options *options,
		    struct sfs_restore_result *ret);
SFS_MUST_CHECK int
sfs_restore_in_place(struct sfs_view *view, const char *dest,
		     const struct sfs_restore_options *options,
		     struct sfs_restore_result *ret);

/* -EBUSY, logged, when @dest or a device over it is mounted. */
SFS_MUST_CHECK int sfs_restore_refuse_mounted(const char *dest);

#endif
