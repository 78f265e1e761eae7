/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_CHECK_RUN_H
#define SNAPFS_SRC_CHECK_RUN_H

/* The parts of check: for src/check*.c alone.  One thread but where said. */

#include <stdbool.h>
#include <stdint.h>

#include "format/map.h"
#include "format/pack.h"
#include "src/check.h"
#include "src/cleanup.h"
#include "src/repo.h"

/* ---- sets of places ---- */

/* Why a place is in the set: a place may be there for several reasons. */
enum sfs_mark {
	SFS_MARK_SLOT, /* its bytes do not verify */
	SFS_MARK_NODE, /* it was reported as an unreadable node */
	SFS_MARK_ROW,  /* it was reported as unknown to its pack's table */
	SFS_MARK_PACK, /* (offset 0) it was reported as missing */
	/* Of nodes whose pack has no table, and hence no memo: */
	SFS_MARK_VISITED, /* by the first walk */
	SFS_MARK_CLEAN,	  /* nothing under it is damaged */
};

struct sfs_place {
	uint64_t pack;
	uint32_t offset;
	uint32_t mark; /* plus one; 0: an empty place of the table */
};

/* Open addressing; what is in it stays. */
struct sfs_places {
	struct sfs_place *table;
	size_t size; /* a power of two, or 0 */
	size_t count;
};

void sfs_places_done(struct sfs_places *places);
bool sfs_places_has(const struct sfs_places *places, enum sfs_mark mark,
		    uint64_t pack, uint32_t offset);
/* Returns 1 when it was not there before, 0 when it was, -ENOMEM. */
SFS_MUST_CHECK int sfs_places_add(struct sfs_places *places, enum sfs_mark mark,
				  uint64_t pack, uint32_t offset);

/* ---- packs and their tables ---- */

enum sfs_pack_state {
	SFS_PACK_UNSEEN = 0,
	SFS_PACK_WHOLE,	  /* its table is good */
	SFS_PACK_NOTABLE, /* it is there, but has no good table */
};

struct sfs_check_pack {
	uint64_t id;
	uint64_t size;
	uint64_t live_bytes;   /* in slots of data that snapshots need */
	struct sfs_row *rows;  /* NULL: not in memory at the moment */
	uint64_t *live;	       /* of data, a bit a row; NULL: none needed */
	uint32_t *memo;	       /* of nodes, a word a row: what a walk knows */
	uint32_t count;	       /* of rows */
	uint32_t newer, older; /* neighbours in the order of use, plus one */
	uint8_t state;
};

struct sfs_check {
	struct sfs_repo *repo;
	const struct sfs_check_options *options;
	void (*report)(const struct sfs_damage *damage, void *context);
	void *context;
	struct sfs_check_result result;

	struct sfs_check_snapshot *snapshots;
	size_t snapshot_count, snapshot_capacity;

	struct sfs_check_pack *packs; /* in order of their ids */
	size_t pack_count, pack_capacity;
	uint32_t newest, oldest; /* tables in memory by use, plus one */
	size_t table_bytes;	 /* of those */
	struct sfs_check_pack *last_pack; /* where the last entry was found, */
	uint32_t last_row;		  /* and the next one likely is */

	struct sfs_places places;

	/* One node a height, and what its bytes are read and decoded into. */
	struct sfs_entry nodes[SFS_MAP_HEIGHT_MAX + 1][SFS_NODE_ENTRIES];
	uint8_t *slot_bytes;
	uint8_t *decoded;
};

/* What is kept of a snapshot. */
struct sfs_check_snapshot {
	char id[SFS_ID_SIZE];
	char volume[SFS_VOLUME_NAME_MAX + 1];
	uint64_t size;
	uint64_t data_bytes;
	unsigned height;
	struct sfs_entry root;
};

/* Whether @r is about what is stored, not about this machine or the caller. */
bool sfs_check_is_damage(int r);

/* Count and report. */
void sfs_check_report(struct sfs_check *check, const struct sfs_damage *damage);

/* Account for @bytes read, and let the caller of check see and stop it.
 * Returns 0 or a negative errno. */
SFS_MUST_CHECK int sfs_check_step(struct sfs_check *check, uint64_t bytes);

/* ---- records ---- */

/* Judge the records, and keep the snapshots that are to be checked. */
SFS_MUST_CHECK int sfs_check_records(struct sfs_check *check);

/* ---- listing packs ---- */

/* List all packs.  Tables are read as they are asked for. */
SFS_MUST_CHECK int sfs_check_list_packs(struct sfs_check *check);
void sfs_check_packs_done(struct sfs_check *check);

/* Have @pack's rows in memory until the next call, and look at its header and
 * table if that was not done; what is wrong is reported once.  Returns 0 also
 * for a pack without a good table. */
SFS_MUST_CHECK int sfs_check_load_pack(struct sfs_check *check,
				       struct sfs_check_pack *pack);

enum sfs_find {
	SFS_FIND_ROW,	  /* it is in its pack's table */
	SFS_FIND_NO_ROW,  /* it is not */
	SFS_FIND_NOTABLE, /* its pack has no good table */
	SFS_FIND_NO_PACK, /* its pack is missing */
};

/* Look a stored @entry up.  Returns an enum sfs_find, or a negative errno.
 * @ret_pack and @ret_row are set for a row. */
SFS_MUST_CHECK int sfs_check_find(struct sfs_check *check,
				  const struct sfs_entry *entry,
				  struct sfs_check_pack **ret_pack,
				  uint32_t *ret_row);

static inline bool sfs_check_live(const struct sfs_check_pack *pack,
				  uint32_t row)
{
	return pack->live && (pack->live[row / 64] >> (row % 64) & 1);
}

/* ---- maps ---- */

struct sfs_check_walk {
	struct sfs_check *check;
	const struct sfs_check_snapshot *snapshot;
	uint64_t chunk_count;
	uint64_t data; /* first walk: chunks of data so far */
	bool broken;   /* something was passed over, or hit */

	/* Second: a damaged range that may grow; nothing when size is 0. */
	struct sfs_damage range;
};

static inline bool sfs_check_is_node(const struct sfs_entry *entry)
{
	return entry->kind > SFS_KIND_NODE;
}

/* Start a walk over every snapshot's map. */
SFS_MUST_CHECK int
sfs_check_each_snapshot(struct sfs_check *check,
			int (*each)(struct sfs_check_walk *walk));

/* Read the node into check->nodes[height]. */
SFS_MUST_CHECK int sfs_check_read_node(struct sfs_check_walk *walk,
				       const struct sfs_entry *entry,
				       unsigned height,
				       const char **reterr_why);

/* Have a memo in @pack; all zero at first. */
SFS_MUST_CHECK int sfs_check_make_memo(struct sfs_check_pack *pack);

/* Report the place of @entry, unless it was for the same reason. */
SFS_MUST_CHECK int sfs_check_report_once(struct sfs_check_walk *walk,
					 enum sfs_mark mark,
					 const struct sfs_entry *entry,
					 enum sfs_damage_kind kind,
					 const char *why);

/* Walk all maps, each node once: verify the nodes, look every entry up in its
 * pack's table, mark the data that is needed. */
SFS_MUST_CHECK int sfs_check_maps(struct sfs_check *check);

/* Walk them again and report which bytes of which snapshots cannot be read. */
SFS_MUST_CHECK int sfs_check_ranges(struct sfs_check *check);

/* ---- content ---- */

/* Verify the slot at @bytes, read from where @entry says, and what it decodes
 * to.  @decoded holds a chunk or a node.  Any thread. */
SFS_MUST_CHECK int sfs_check_slot(const struct sfs_config *config,
				  const struct sfs_entry *entry,
				  const uint8_t *bytes, uint8_t *decoded,
				  const char **reterr_why);

/* Read and verify one slot, into @check->decoded. */
SFS_MUST_CHECK int sfs_check_read_slot(struct sfs_check *check,
				       const struct sfs_entry *entry,
				       const char **reterr_why);

/* Read and verify every slot of data that a snapshot needs, in the packs that
 * the options ask for.  Those that none needs are passed over: gc may have
 * punched them out already. */
SFS_MUST_CHECK int sfs_check_data(struct sfs_check *check);

#endif
