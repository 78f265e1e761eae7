/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_FREEZE_GUARD_H
#define SNAPFS_SRC_FREEZE_GUARD_H

/*
 * The process that freezes, and thaws however its parent ends.  For freeze.c.
 *
 * It has nothing to do but to wait on a pipe, and thaws when that ends, which
 * it does when the parent closes it or dies.  A parent that waits in the
 * kernel for what it froze itself cannot die; it is enough then that somebody
 * tried to kill it.
 */

#include <stdint.h>

struct sfs_guard {
	int told, tell;	 /* pipes from and to the parent */
	int status;	 /* the parent's /proc/PID/status */
	const int *dirs; /* to freeze, in this order */
	uint32_t count;
};

/* What the guard says of one directory: a negative errno, or 0.  Written
 * whole, being smaller than PIPE_BUF. */
struct sfs_guard_report {
	uint32_t index;
	int32_t error;
};

/* The index of the report that all are frozen. */
#define SFS_GUARD_FROZEN UINT32_MAX

/* Be the guard, in a new child of what may be a process of many threads: only
 * system calls are made.  First it reports that all are frozen or which one
 * failed, then, in any case, of each that it thaws. */
_Noreturn void sfs_guard_run(const struct sfs_guard *guard);

#endif
