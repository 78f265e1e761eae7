/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_CHECK_H
#define SNAPFS_SRC_CHECK_H

/* Proving that what is stored is what was stored. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/progress.h"
#include "src/repo.h"
#include "src/util.h"

struct sfs_check_options {
	/* Every chunk's bytes and content hash as well; those that no snapshot
	 * needs are passed over, for gc may have punched them out. */
	bool read_data;
	unsigned slice_n, slice_m; /* packs: the n-th (1..m) of m; 0: all */
	unsigned threads;	   /* 0: one a processor */
	char *const *ids; /* only what these snapshots need; NULL: all */
	size_t id_count;
	struct sfs_progress *progress; /* or NULL */
};

enum sfs_damage_kind {
	SFS_DAMAGE_RECORD, /* @name does not decode; "bin/" before it if there
			    */
	SFS_DAMAGE_PACK,   /* missing, or header or table do not decode */
	SFS_DAMAGE_SLOT,   /* a slot does not verify */
	SFS_DAMAGE_NODE,   /* part of a map cannot be read */
	SFS_DAMAGE_RANGE,  /* hence these bytes of a snapshot cannot */
	SFS_DAMAGE_IMAGE,  /* a volume of it cannot be made from its snapshot */
	SFS_DAMAGE_NEWER,  /* as RECORD, but it is for a newer snapfs to read */
};

/* Fields that do not apply are zero or NULL. */
struct sfs_damage {
	enum sfs_damage_kind kind;
	const char *name; /* of the record, or the snapshot's or image's id */
	const char *volume;
	const char *why;
	uint64_t pack;
	uint32_t slot_offset;
	uint64_t offset, size; /* bytes of the snapshot */
};

struct sfs_check_result {
	uint64_t records;
	uint64_t snapshots;
	uint64_t images;
	uint64_t packs;
	uint64_t nodes;
	uint64_t slots_read;
	uint64_t bytes_read;
	uint64_t damages;
	uint64_t newer; /* of those: records that want a newer snapfs */
};

/* Check, from the files themselves, calling @report for each damage from the
 * calling thread.  Returns 0 however much damage was found (see @ret->damages),
 * negative when the check itself could not be done. */
SFS_MUST_CHECK int
sfs_check(struct sfs_repo *repo, const struct sfs_check_options *options,
	  void (*report)(const struct sfs_damage *damage, void *context),
	  void *context, struct sfs_check_result *ret);

#endif
