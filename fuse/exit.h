/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_EXIT_H
#define SNAPFS_FUSE_EXIT_H

/* What mount(8) wants to hear from its helpers. */
enum sfs_mount_exit {
	SFS_MOUNT_EXIT_OK = 0,
	SFS_MOUNT_EXIT_USAGE = 1,
	SFS_MOUNT_EXIT_SYSTEM = 2,
	SFS_MOUNT_EXIT_FAIL = 32,
};

#endif
