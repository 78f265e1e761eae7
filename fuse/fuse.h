/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_FUSE_H
#define SNAPFS_FUSE_FUSE_H

/* libfuse, always with the same version of its interface. */

#define FUSE_USE_VERSION 312

#include <fuse_lowlevel.h>

#endif
