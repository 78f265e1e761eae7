/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_SESSION_H
#define SNAPFS_FUSE_SESSION_H

/* From mount to unmount. */

#include "src/util.h"

struct sfs_fs;

/* Block SIGUSR1 for this thread and all that it starts.  Before there are
 * any. */
void sfs_session_block_signals(void);

/* Mount @fs on its directory and serve it until it is unmounted, or until
 * SIGINT, SIGTERM or SIGHUP.  SIGUSR1 logs the counters. */
SFS_MUST_CHECK int sfs_session_run(struct sfs_fs *fs);

#endif
