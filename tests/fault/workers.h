/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_FAULT_WORKERS_H
#define SNAPFS_TESTS_FAULT_WORKERS_H

/* Several processes share the cases; each has a world of its own. */

#include "tests/fault/fault.h"

struct job {
	const char *snapfs;
	const char *top; /* where prepare() was */
	bool verbose;
	struct selection selection;
};

/* Keep what the engine says to ourselves, and end in good order when asked. */
void workers_init(void);

void world_make(struct world *world, const struct job *job, unsigned worker,
		struct shared *shared);
void world_done(struct world *world);

typedef void command_fn(struct world *world, const struct command *command,
			const struct selection *selection);

/* Let each worker call @each for the selected commands.  Prints the sums;
 * returns the problems, and adds the faults to *faults. */
unsigned run_workers(const struct job *job, const char *what, command_fn *each,
		     unsigned *faults);

#endif
