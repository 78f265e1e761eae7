/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_DAEMON_H
#define SNAPFS_FUSE_DAEMON_H

/* Becoming a daemon without leaving the caller in doubt: the first process
 * stays until the mount answers, and returns what came of it. */

#include "src/util.h"

/* Fork.  Returns 1 in the child, with the pipe's end for
 * sfs_daemon_ready() in *ret_fd, and 0 in the parent once the child is ready
 * or gone, with the exit status in *ret_status. */
SFS_MUST_CHECK int sfs_daemon_fork(int *ret_fd, int *ret_status);

/* In the child: leave session, directory and terminal, and let the parent go.
 * Until here the child belongs to the caller's process group, which is how an
 * automount knows that it must not wait for itself. */
void sfs_daemon_ready(int fd);

#endif
