/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_PROGRESS_H
#define SNAPFS_SRC_PROGRESS_H

/*
 * How long work tells how far it is, and learns that it should stop.  The
 * engine calls sfs_progress_step() from one thread, often; the program
 * decides what to show and when.
 */

#include <stdbool.h>
#include <stdint.h>

#include "src/util.h"

struct sfs_progress {
	const char *what;      /* "snapshot web-root"; static or outliving */
	uint64_t done_bytes;   /* of the work, holes included */
	uint64_t total_bytes;  /* 0: not known */
	uint64_t read_bytes;   /* really read */
	uint64_t stored_bytes; /* really written to packs or destination */
	/* Show it.  Non-zero (-EINTR) makes the work stop and undo. */
	int (*step)(struct sfs_progress *progress);
	void *context;
};

/* @progress may be NULL. */
SFS_MUST_CHECK static inline int
sfs_progress_step(struct sfs_progress *progress)
{
	return progress && progress->step ? progress->step(progress) : 0;
}

#endif
