/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_PROBE_CHILD_H
#define SNAPFS_SRC_PROBE_CHILD_H

#include "src/probe-disk.h"

/* Look at @disk and fill @result, a struct sfs_probe, in a process of its own:
 * a sfs_disk_user. */
SFS_MUST_CHECK int sfs_probe_look(struct sfs_disk *disk, void *result);

/* The same for a struct sfs_probe_disk. */
SFS_MUST_CHECK int sfs_probe_list(struct sfs_disk *disk, void *result);

#endif
