/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_MARK_H
#define SNAPFS_SRC_MARK_H

/*
 * Which slots of which packs are needed.  Marking a snapshot walks its map;
 * a node that is marked already is not walked again, so shared maps cost
 * once.  Memory: one bit a slot.
 */

#include <stddef.h>
#include <stdint.h>

#include "src/cleanup.h"
#include "src/repo.h"
#include "src/snapshot.h"
#include "src/util.h"

struct sfs_mark;

struct sfs_marked_pack {
	uint64_t id;
	uint64_t size;	     /* of the file */
	uint64_t live_bytes; /* of marked slots, headers and rows included */
	uint64_t live_slots;
	uint32_t slots; /* known once one of them was marked */
	uint64_t *bits; /* one a slot, or NULL */
	int error;	/* its table cannot be read: all of it stays */
};

/* List the packs that exist now. */
SFS_MUST_CHECK int sfs_mark_new(struct sfs_repo *repo, struct sfs_mark **ret);
void sfs_mark_free(struct sfs_mark *mark);
SFS_DEFINE_CLEANUP(struct sfs_mark, sfs_mark_free);
#define CLEANUP_MARK __attribute__((cleanup(sfs_mark_freep)))

/* Mark all that @snapshot needs.  -EUCLEAN, -EBADMSG or -ENOENT, logged, when
 * a node cannot be read, be it that its pack is not there: what is under it
 * is then unknown.  A chunk whose pack is not there is no obstacle: it needs
 * nothing that is. */
SFS_MUST_CHECK int sfs_mark_snapshot(struct sfs_mark *mark,
				     const struct sfs_snapshot *snapshot);

/* After the last snapshot, before asking what is dead: a pack that nobody
 * needs and whose table cannot be read stays, since nobody can tell what it
 * is.  May be called again after more marking. */
SFS_MUST_CHECK int sfs_mark_judge(struct sfs_mark *mark);

/* All packs, in order of their ids; borrowed. */
const struct sfs_marked_pack *sfs_mark_packs(const struct sfs_mark *mark,
					     size_t *ret_count);

/* Whether gc may remove the pack. */
static inline int sfs_marked_dead(const struct sfs_marked_pack *pack)
{
	return pack->live_slots == 0 && pack->error == 0;
}

#endif
