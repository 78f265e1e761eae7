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

#include <stdbool.h>
#include <stdint.h>

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

/* ---- what stands on it ---- */

#define SFS_PROBE_PARTITIONS_MAX 128
#define SFS_PROBE_TYPE_SIZE	 24

struct sfs_probe_partition {
	int number; /* 0: the whole disk, which has no table */
	/* The table has it reach beyond the disk's end; the size is of what is
	 * there, 0 for none. */
	bool is_cut;
	uint64_t offset;
	uint64_t size;
	char usage[16]; /* libblkid's word: "filesystem", "crypto", "raid",
			   "other"; "" unknown */
	char type[SFS_PROBE_TYPE_SIZE]; /* what is on it, "ext4"; "" unknown */
	char label[64];			/* fit to be shown; "" none */
	char uuid[40]; /* hexadecimal digits and '-'; "" none */
};

struct sfs_probe_disk {
	char table[SFS_PROBE_TYPE_SIZE]; /* "gpt", "dos", ...; "" none */
	unsigned sector_size; /* that the table counts in; 0: no table */
	bool from_backup;     /* a GPT of which only the copy is good */
	bool has_remains;     /* no table, but what once was a GPT */
	bool is_incomplete;   /* parts of the disk could not be read */
	unsigned count;
	/* As the table has them; without one, the whole disk alone. */
	struct sfs_probe_partition partitions[SFS_PROBE_PARTITIONS_MAX];
};

/* List the partitions, extended ones left out.  -EIO, logged: the process that
 * looked died of the disk. */
SFS_MUST_CHECK int sfs_probe_disk(struct sfs_view *view,
				  struct sfs_probe_disk *ret);

#endif
