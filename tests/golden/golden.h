/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_GOLDEN_GOLDEN_H
#define SNAPFS_TESTS_GOLDEN_GOLDEN_H

/*
 * The golden repositories, tests/data/good/minimal and images: what is in
 * them, and their files in memory.  tests/data/README.md describes them.  What
 * snapshots, images and chunks must hold is stated here, apart from the files,
 * so that a test compares two things.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/pack.h"
#include "src/record.h"

#define SFS_GOLDEN_CHUNK     4096u
#define SFS_GOLDEN_DATA_1    UINT64_C(0x0123456789abcdef)
#define SFS_GOLDEN_NODES_1   UINT64_C(0xfedcba9876543210)
#define SFS_GOLDEN_DATA_2    UINT64_C(0x1111111111111111)
#define SFS_GOLDEN_NODES_2   UINT64_C(0x2222222222222222)
#define SFS_GOLDEN_SNAPSHOTS 4 /* of minimal; the last one is in the bin */
#define SFS_GOLDEN_OWNED     5 /* the snapshot that images has besides */
#define SFS_GOLDEN_IMAGES    2
#define SFS_GOLDEN_CHUNKS    4 /* that are stored */
#define SFS_GOLDEN_SLOTS_MAX 3 /* in one pack */

/* The files, in this order everywhere. */
enum sfs_golden_name {
	SFS_GOLDEN_CONFIG,
	SFS_GOLDEN_PACK_DATA_1,
	SFS_GOLDEN_PACK_NODES_1,
	SFS_GOLDEN_PACK_DATA_2,
	SFS_GOLDEN_PACK_NODES_2,
	SFS_GOLDEN_SNAPSHOT_1,
	SFS_GOLDEN_SNAPSHOT_2,
	SFS_GOLDEN_SNAPSHOT_3,
	SFS_GOLDEN_SNAPSHOT_4,
	SFS_GOLDEN_SET_1,
	SFS_GOLDEN_LOCK,
	SFS_GOLDEN_MINIMAL, /* how many they are; images has these as well: */
	SFS_GOLDEN_SNAPSHOT_5 = SFS_GOLDEN_MINIMAL,
	SFS_GOLDEN_IMAGE_1,
	SFS_GOLDEN_IMAGE_2,
	SFS_GOLDEN_FILES,
};

struct sfs_golden_file {
	uint8_t *bytes;
	size_t size;
	/* Of a pack: what it held before anybody changed its bytes. */
	uint64_t pack;
	uint32_t slots;
	uint32_t table_offset;
	struct sfs_row rows[SFS_GOLDEN_SLOTS_MAX];
};

struct sfs_golden {
	struct sfs_golden_file files[SFS_GOLDEN_FILES];
	unsigned count; /* SFS_GOLDEN_MINIMAL or SFS_GOLDEN_FILES */
};

/* Where a file stands in the repository. */
const char *sfs_golden_path(enum sfs_golden_name name);
/* Whether it is a pack, and whether it is an enveloped JSON file. */
bool sfs_golden_is_pack(enum sfs_golden_name name);
bool sfs_golden_is_record(enum sfs_golden_name name);

/* What snapfs.json and the records of the snapshots, the set and the images
 * say.  The maps' roots are left out: they come from the packs.  All that is
 * pointed to is borrowed from the program. */
void sfs_golden_config(struct sfs_config *ret);
void sfs_golden_snapshot(unsigned number, struct sfs_snapshot *ret);
void sfs_golden_set(struct sfs_set *ret);
void sfs_golden_image(unsigned number, struct sfs_image *ret);

/* The file of snapshot @number. */
enum sfs_golden_name sfs_golden_snapshot_file(unsigned number);

/* The content of stored chunk @number. */
void sfs_golden_chunk(unsigned number, uint8_t ret[SFS_GOLDEN_CHUNK]);

/* What the snapshot's volume holds at @chunk: a kind, and for data the number
 * of the stored chunk. */
uint8_t sfs_golden_content(unsigned snapshot, uint64_t chunk,
			   unsigned *ret_number);

/* Load the first @count files from @dir, and give back.  A test without its
 * data cannot go on, so failure ends the program. */
void sfs_golden_load(const char *dir, unsigned count, struct sfs_golden *ret);
void sfs_golden_done(struct sfs_golden *golden);

/* Write to @dir, which is made where it is missing, with all that an open
 * needs but git does not keep (empty directories).  Failure ends the
 * program. */
void sfs_golden_store(const struct sfs_golden *golden, const char *dir);

/* Write a whole file, making the directories above it. */
void sfs_golden_write(const char *dir, const char *path, const void *bytes,
		      size_t size);

/* Compute all checks of the file anew where its original layout has them,
 * so that what was changed in it gets past them to the decoders behind. */
void sfs_golden_reseal(enum sfs_golden_name name, struct sfs_golden_file *file);

/* A malloc(3) that ends the program when there is no memory. */
void *sfs_golden_alloc(size_t size);

#endif
