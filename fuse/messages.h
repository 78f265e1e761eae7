/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_MESSAGES_H
#define SNAPFS_FUSE_MESSAGES_H

/* Where the mount's messages go: to the terminal until it answers, then to a
 * file, to syslog, or still to the terminal. */

#include <stdbool.h>

#include "src/util.h"

/* stderr, also for what libfuse has to say. */
void sfs_messages_start(bool verbose);

/* Open the file that is to be used later.  Failure is logged. */
SFS_MUST_CHECK int sfs_messages_open(const char *path);

/* Now use that file, or else syslog when there is no terminal any more. */
void sfs_messages_leave_terminal(bool daemon);

#endif
