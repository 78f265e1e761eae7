/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_DIFF_H
#define SNAPFS_SRC_DIFF_H

/* What differs between two snapshots, by descending both maps at once and
 * skipping what they share. */

#include <stdint.h>

#include "src/util.h"
#include "src/view.h"

enum sfs_change {
	SFS_CHANGE_ADDED,   /* data where the first had none */
	SFS_CHANGE_REMOVED, /* zeros, or the end, where the first had data */
	SFS_CHANGE_CHANGED, /* data in both, not the same */
};

/* Call @each for every differing range in order; neighbours of one kind are
 * one range.  Stops at its first non-zero result and returns it. */
SFS_MUST_CHECK int sfs_diff(struct sfs_view *from, struct sfs_view *to,
			    int (*each)(enum sfs_change change, uint64_t offset,
					uint64_t size, void *context),
			    void *context);

#endif
