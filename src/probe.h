/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_PROBE_H
#define SNAPFS_SRC_PROBE_H

/*
 * What kind of machine boots from a disk, from what stands on it: partition
 * table, EFI system partition, boot code, the kernel or a program of the root
 * file system, os-release.  Libraries judge all of it (libblkid, libext2fs), in
 * a child process that has no privileges, no files and little memory and time,
 * since a disk's bytes are anybody's.  Nothing is guessed: what is not found
 * stays "".
 */

#include "format/limits.h"
#include "src/util.h"
#include "src/view.h"

struct sfs_probe {
	char architecture[SFS_WORD_MAX + 1]; /* as in struct sfs_image */
	char boot_mode[SFS_WORD_MAX + 1];
	char platform[SFS_DESCRIPTION_MAX + 1]; /* text that is fit to record */
	/* For people: where each of them was found, or why not. */
	char found[512];
};

/* Returns 0 also when nothing was found, or the child died of the disk; errors
 * are of this process. */
SFS_MUST_CHECK int sfs_probe(struct sfs_view *view, struct sfs_probe *ret);

#endif
