/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_MOUNTPOINT_H
#define SNAPFS_FUSE_MOUNTPOINT_H

/* The directory that is mounted on, and what the kernel knows of it. */

#include <stdbool.h>

#include "fuse/options.h"
#include "src/util.h"

/* Enter the mount namespace that -N names: a process id, or a file. */
SFS_MUST_CHECK int sfs_mountpoint_enter(const char *namespace);

/* Make @options->directory absolute and without links, and refuse one that
 * is none, overlaps the repository, or has snapfs mounted on it already.  An
 * automount there is fine.  Logs what is wrong. */
SFS_MUST_CHECK int sfs_mountpoint_check(struct sfs_mount_options *options);

/* Whether @inner is @outer or lies under it; both are absolute and without
 * links. */
bool sfs_mountpoint_is_under(const char *inner, const char *outer);

/* Let the kernel read ahead further in what is mounted on @directory.
 * Returns the window in bytes, or 0 when it may not be changed.  Sends the
 * mount no request. */
unsigned sfs_mountpoint_raise_readahead(const char *directory);

#endif
