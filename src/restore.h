/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_RESTORE_H
#define SNAPFS_SRC_RESTORE_H

/* Writing a snapshot back out. */

#include <stdbool.h>
#include <stdint.h>

#include "src/progress.h"
#include "src/util.h"
#include "src/view.h"

struct sfs_restore_options {
	bool force;	  /* overwrite what exists */
	bool delta;	  /* in place, writing only what differs; needs force */
	bool verify;	  /* read back past the cache and compare */
	unsigned threads; /* 0: one a processor */
	struct sfs_progress *progress; /* or NULL */
};

struct sfs_restore_result {
	uint64_t written_bytes;
	uint64_t same_bytes; /* found equal with @delta */
};

/* Restore to @dest: a file (made under a temporary name and renamed when it
 * is whole, sparse where the snapshot is), a block device (which must not be
 * in use and be large enough), or "-" for stdout.  Everything that fails is
 * logged: -EEXIST without force, -EBUSY mounted, -ENOSPC too small,
 * -EBADMSG verification found a difference (the first offset is named). */
SFS_MUST_CHECK int sfs_restore(struct sfs_view *view, const char *dest,
			       const struct sfs_restore_options *options,
			       struct sfs_restore_result *ret);

#endif
