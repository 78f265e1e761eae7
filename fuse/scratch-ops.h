/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_SCRATCH_OPS_H
#define SNAPFS_FUSE_SCRATCH_OPS_H

/* The requests that change something, for a mount that has scratch/.  Without
 * it the mount is read-only for the kernel, and none of them comes. */

#include "fuse/fuse.h"

void sfs_scratch_add_ops(struct fuse_lowlevel_ops *ops);

#endif
