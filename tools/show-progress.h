/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_SHOW_PROGRESS_H
#define SNAPFS_TOOLS_SHOW_PROGRESS_H

/*
 * How far long work is: on a terminal a line that is drawn again up to five
 * times a second, with --json a JSON line a second, otherwise nothing; on
 * SIGUSR1 one line in any case.  SIGINT, SIGTERM and SIGHUP make the work
 * stop and undo; a second one ends the process as ever.
 */

#include <stdbool.h>

#include "src/progress.h"

/* SIGUSR1 is caught from here on, so that it ends no verb. */
void sfs_show_progress_init(void);
void sfs_show_progress_set(bool quiet, bool json);

/* Fill *progress for the work @what, until the engine says more, and catch the
 * signals that stop; once a process. */
void sfs_show_progress_start(struct sfs_progress *progress, const char *what);
/* Wipe the line. */
void sfs_show_progress_end(void);

#endif
