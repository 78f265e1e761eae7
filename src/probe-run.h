/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_PROBE_RUN_H
#define SNAPFS_SRC_PROBE_RUN_H

/* The parts of one probing: for probe*.c and their tests.  All of it but the
 * last is done in the confined process. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/limits.h"
#include "src/probe-disk.h"
#include "src/probe.h"
#include "src/util.h"

/* ---- probe-table.c: what stands where, by libblkid ---- */

#define SFS_PARTITIONS_MAX 128

struct sfs_partition {
	int number; /* 0: the whole disk, which has no table */
	uint64_t offset;
	uint64_t size;
	bool is_efi;	 /* an EFI system partition by its type */
	bool boots_bios; /* says that boot code of a GPT disk needs it */
	bool is_cut;	 /* not all of it is there; none: its size is 0 */
	char type[24];	 /* what is on it, "ext4"; "" unknown */
};

struct sfs_table {
	char type[24];	      /* "gpt", "dos", ...; "" none */
	unsigned sector_size; /* that it counts in; 0: none */
	bool from_backup;     /* a GPT whose first copy is damaged */
	bool boot_code;	      /* in the first sector, and a BIOS would run it */
	struct sfs_partition partitions[SFS_PARTITIONS_MAX];
	unsigned count;
};

SFS_MUST_CHECK int sfs_probe_table(struct sfs_disk *disk,
				   struct sfs_table *ret);

/* ---- probe-ext.c: the root file system, by libext2fs ---- */

#define SFS_PROBE_PATH_SIZE 300

struct sfs_probe_root {
	bool found; /* there is an os-release; otherwise the rest is empty */
	char platform[SFS_DESCRIPTION_MAX + 1];
	char architecture[SFS_WORD_MAX + 1];
	char program[SFS_PROBE_PATH_SIZE]; /* that says the architecture */
	bool is_kernel;			   /* it is a kernel */
};

bool sfs_probe_is_ext(const struct sfs_partition *partition);

/* Returns 0; or -EIO with *reterr_why (static) when the file system cannot be
 * read. */
SFS_MUST_CHECK int sfs_probe_root(struct sfs_disk *disk,
				  const struct sfs_partition *partition,
				  struct sfs_probe_root *ret,
				  const char **reterr_why);

/* ---- probe-os.c: what files say ---- */

/* Of a Linux kernel or a program, by the first bytes of its file; NULL when
 * they do not tell. */
#define SFS_PROBE_HEAD_SIZE 1024
const char *sfs_probe_kernel_architecture(const uint8_t *head, size_t size);
const char *sfs_probe_program_architecture(const uint8_t *head, size_t size);

/* PRETTY_NAME of an os-release file, of which @text ends with a NUL.  False,
 * and "", when there is none or it is not fit to be shown. */
bool sfs_probe_pretty_name(const char *text, char ret[SFS_DESCRIPTION_MAX + 1]);

/* ---- probe.c, probe-partitions.c ---- */

/* Whether a result is one that the process would give, had the disk not got
 * at it. */
bool sfs_probe_is_sound(const struct sfs_probe *probe);
bool sfs_probe_disk_is_sound(const struct sfs_probe_disk *found, uint64_t size);

#endif
