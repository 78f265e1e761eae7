/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_OVERLAY_H
#define SNAPFS_SRC_OVERLAY_H

/*
 * What was written over a view, block by block of 4 KiB: copy-on-write into a
 * file of its own.  The repository is only read.
 *
 * Model.  The file is sparse, as long as the volume, and holds each written
 * block at the block's own offset.  A map in memory has one bit a block:
 *
 *	bit 0	the block is the view's
 *	bit 1	the block is the file's; where the file has a hole, because it
 *		was punched, it reads as zeros
 *
 * A bit only ever goes from 0 to 1, and after the block is complete in the
 * file.  So readers take no lock: who finds 0 reads the view, which never
 * changes, and who finds 1 reads all of the block from the file.  A write of
 * part of a block whose bit is 0 completes it from the view first; a lock per
 * stripe of the volume keeps two of these, or one and a punch, from losing
 * what the other did.  Blocks whose bit is 1 are written without it.
 *
 * What is promised is what a disk with sectors of 4 KiB promises.  Once a
 * write or punch has returned, every later read sees it.  A read at the same
 * time as the first write to a block sees the old or the new block, never a mix
 * of the two; of a block written before, it sees what the file system beneath
 * makes of reading and writing one page at once.  A write that fails, for
 * instance with -ENOSPC, has changed any number of its blocks, each of them
 * wholly or not at all; the others keep what they had.
 *
 * A damaged chunk of the view hits who reads a block that is still the view's,
 * or writes only a part of it.  A block that is wholly written needs no view.
 *
 * The map has two levels and takes memory for what was written, a leaf of 4 KiB
 * for every 128 MiB with a written block in them; leaves that were discarded
 * whole are one and the same.
 *
 * A kept volume would give the file a name and keep the map beside it.  The
 * order is made for that: data, fdatasync of the file, then the bits that were
 * set before it began, checksummed, then fdatasync of those.  Whatever a
 * crash leaves, a bit that is on disk stands for a block that is; a block
 * without its bit was never acknowledged by a sync, and is the view's again.
 * Since a written block stays where it is and its bit stays set, that map only
 * ever grows, and which write of a block after its first one survives is up to
 * the file system, as on any disk.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/cleanup.h"
#include "src/util.h"
#include "src/view.h"

#define SFS_OVERLAY_BLOCK 4096u

/* A bound for the map's upper level, which is one array: 64 MiB. */
#define SFS_OVERLAY_SIZE_MAX (UINT64_C(1) << 50)

struct sfs_overlay;

/* An overlay over @view, which is borrowed until it is freed, in a file without
 * a name in @directory.  Failures are logged: -EFBIG when files there, or
 * overlays, cannot be as large as the volume. */
SFS_MUST_CHECK int sfs_overlay_new(const char *directory, struct sfs_view *view,
				   struct sfs_overlay **ret);
/* What was written is gone. */
void sfs_overlay_free(struct sfs_overlay *overlay);
SFS_DEFINE_CLEANUP(struct sfs_overlay, sfs_overlay_free);
#define CLEANUP_OVERLAY __attribute__((cleanup(sfs_overlay_freep)))

/* Any number of threads may call all of the following at once. */

/* Whether all of [offset, offset + size) is still the view's: then
 * sfs_view_read() gives the same, without copying it. */
bool sfs_overlay_clean(const struct sfs_overlay *overlay, uint64_t offset,
		       uint64_t size);

/* Read; *ret_size is short only at the volume's end.  As sfs_view_read(), and
 * -EIO, logged once, when the file cannot be read. */
SFS_MUST_CHECK int sfs_overlay_read(struct sfs_overlay *overlay, void *buffer,
				    size_t size, uint64_t offset,
				    size_t *ret_size);

/* Write; -EFBIG, with nothing written, when it does not all lie within the
 * volume.  What the file said is logged once and returned: -ENOSPC, -EIO. */
SFS_MUST_CHECK int sfs_overlay_write(struct sfs_overlay *overlay,
				     const void *buffer, size_t size,
				     uint64_t offset);

/* Let what of [offset, offset + size) lies within the volume read as zeros,
 * and give back the space it takes.  -EOPNOTSUPP where the file system cannot
 * do that. */
SFS_MUST_CHECK int sfs_overlay_punch(struct sfs_overlay *overlay,
				     uint64_t offset, uint64_t size);

/* Put on disk what was written before.  Once that failed it fails for ever,
 * and so does writing: what the disk has is not known any more. */
SFS_MUST_CHECK int sfs_overlay_sync(struct sfs_overlay *overlay);

/* As sfs_view_next_data() and sfs_view_next_hole(). */
SFS_MUST_CHECK int sfs_overlay_next_data(struct sfs_overlay *overlay,
					 uint64_t offset, uint64_t *ret);
SFS_MUST_CHECK int sfs_overlay_next_hole(struct sfs_overlay *overlay,
					 uint64_t offset, uint64_t *ret);

/* The space that the file takes. */
uint64_t sfs_overlay_allocated(const struct sfs_overlay *overlay);

/* When it was last written to or punched. */
int64_t sfs_overlay_time_ns(const struct sfs_overlay *overlay);

#endif
