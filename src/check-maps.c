/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "src/check-run.h"

/*
 * The first of two walks over all maps, which share most of their nodes.  It
 * goes into each node once, however many snapshots share it.  A node's memo
 * then holds how many chunks of data are under it, plus one, so that each
 * snapshot's number is known without walking what was walked.
 */

#define UNKNOWN 0u
#define BROKEN	UINT32_MAX /* damage under it: its data cannot be counted */

/* Above this height a count may not fit a memo; those nodes are few, and
 * what is under them is remembered. */
#define MEMO_HEIGHT_MAX 4u

/* ---- reporting ---- */

int sfs_check_report_once(struct sfs_check_walk *walk, enum sfs_mark mark,
			  const struct sfs_entry *entry,
			  enum sfs_damage_kind kind, const char *why)
{
	const struct sfs_damage damage = {
		.kind = kind,
		.pack = entry->pack,
		.slot_offset = mark == SFS_MARK_PACK ? 0 : entry->offset,
		.why = why,
	};
	int r;

	r = sfs_places_add(&walk->check->places, mark, damage.pack,
			   damage.slot_offset);
	if (r > 0)
		sfs_check_report(walk->check, &damage);
	return r < 0 ? r : 0;
}

static int report_not_found(struct sfs_check_walk *walk,
			    const struct sfs_entry *entry, int find)
{
	walk->broken = true;
	if (find == SFS_FIND_NO_PACK)
		return sfs_check_report_once(walk, SFS_MARK_PACK, entry,
					     SFS_DAMAGE_PACK, "is missing");
	return sfs_check_report_once(
		walk, SFS_MARK_ROW, entry,
		sfs_check_is_node(entry) ? SFS_DAMAGE_NODE : SFS_DAMAGE_SLOT,
		"a map names it as what its pack's table does not");
}

static void report_snapshot(struct sfs_check_walk *walk,
			    enum sfs_damage_kind kind,
			    const struct sfs_entry *entry, const char *why)
{
	const struct sfs_damage damage = {
		.kind = kind,
		.name = walk->snapshot->id,
		.volume = walk->snapshot->volume,
		.pack = entry->pack,
		.slot_offset = entry->offset,
		.why = why,
	};

	sfs_check_report(walk->check, &damage);
}

/* ---- nodes ---- */

int sfs_check_read_node(struct sfs_check_walk *walk,
			const struct sfs_entry *entry, unsigned height,
			const char **reterr_why)
{
	struct sfs_check *check = walk->check;
	int r;

	r = sfs_check_read_slot(check, entry, reterr_why);
	if (r < 0)
		return r;
	return sfs_node_decode(check->decoded, SFS_NODE_SIZE, height,
			       check->repo->config.chunk_size,
			       check->nodes[height], reterr_why);
}

int sfs_check_make_memo(struct sfs_check_pack *pack)
{
	if (!pack->memo)
		pack->memo = sfs_calloc(pack->count, sizeof(*pack->memo));
	return pack->memo ? 0 : -ENOMEM;
}

/* ---- walking ---- */

static int mark_live(struct sfs_check_pack *pack, uint32_t row)
{
	uint64_t bit = UINT64_C(1) << (row % 64);

	if (!pack->live)
		pack->live =
			sfs_calloc(pack->count / 64 + 1, sizeof(*pack->live));
	if (!pack->live)
		return -ENOMEM;
	if (!(pack->live[row / 64] & bit)) {
		pack->live[row / 64] |= bit;
		pack->live_bytes +=
			SFS_SLOT_HEADER_SIZE + pack->rows[row].stored;
	}
	return 0;
}

static int visit(struct sfs_check_walk *walk, const struct sfs_entry *entry,
		 unsigned height);

static int visit_node(struct sfs_check_walk *walk,
		      const struct sfs_entry *entry, unsigned height)
{
	const char *why;
	unsigned i;
	int r;

	walk->check->result.nodes++;
	r = sfs_check_read_node(walk, entry, height, &why);
	if (sfs_check_is_damage(r)) {
		walk->broken = true;
		return sfs_check_report_once(walk, SFS_MARK_NODE, entry,
					     SFS_DAMAGE_NODE, why);
	}
	if (r < 0)
		return r;
	for (i = 0; i < SFS_NODE_ENTRIES; i++) {
		r = visit(walk, &walk->check->nodes[height][i], height - 1);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Visit a node, or know from its memo what a visit would say. */
static int visit_memo(struct sfs_check_walk *walk,
		      const struct sfs_entry *entry, unsigned height,
		      struct sfs_check_pack *pack, uint32_t row)
{
	struct sfs_check_walk under = { .check = walk->check,
					.snapshot = walk->snapshot };
	uint32_t memo;
	int r;

	r = sfs_check_make_memo(pack);
	if (r < 0)
		return r;
	memo = pack->memo[row];
	if (memo == UNKNOWN) {
		r = visit_node(&under, entry, height);
		if (r < 0)
			return r;
		if (under.broken)
			pack->memo[row] = BROKEN;
		else if (height <= MEMO_HEIGHT_MAX)
			pack->memo[row] = (uint32_t)under.data + 1;
	} else if (memo == BROKEN) {
		under.broken = true;
	} else {
		under.data = memo - 1;
	}
	walk->data += under.data;
	walk->broken |= under.broken;
	return 0;
}

/* A node whose pack has no table may be whole for all that. */
static int visit_untabled(struct sfs_check_walk *walk,
			  const struct sfs_entry *entry, unsigned height)
{
	int r;

	walk->broken = true;
	if (!sfs_check_is_node(entry))
		return 0;
	r = sfs_places_add(&walk->check->places, SFS_MARK_VISITED, entry->pack,
			   entry->offset);
	return r > 0 ? visit_node(walk, entry, height) : r;
}

/* Descends one level a call, at most SFS_MAP_HEIGHT_MAX deep. */
static int visit(struct sfs_check_walk *walk, const struct sfs_entry *entry,
		 unsigned height)
{
	struct sfs_check_pack *pack;
	uint32_t row;
	int r;

	if (!sfs_entry_stored(entry))
		return 0;
	r = sfs_check_find(walk->check, entry, &pack, &row);
	if (r < 0)
		return r;
	if (r == SFS_FIND_NOTABLE)
		return visit_untabled(walk, entry, height);
	if (r != SFS_FIND_ROW)
		return report_not_found(walk, entry, r);
	if (sfs_check_is_node(entry))
		return visit_memo(walk, entry, height, pack, row);
	walk->data++;
	return mark_live(pack, row);
}

/* Nothing may lie beyond the end of the volume.  Along the way to its last
 * chunk only: shared nodes serve volumes of several sizes. */
static int check_end(struct sfs_check_walk *walk)
{
	uint64_t last = walk->chunk_count - 1;
	struct sfs_entry entry = walk->snapshot->root;
	unsigned height = walk->snapshot->height, i;
	const struct sfs_entry *entries;
	const char *why;
	int r;

	for (; height > 0 && sfs_check_is_node(&entry); height--) {
		r = sfs_check_read_node(walk, &entry, height, &why);
		if (r < 0) /* damage was told by the walk */
			return sfs_check_is_damage(r) ? 0 : r;
		entries = walk->check->nodes[height];
		i = (last >> (SFS_NODE_BITS * (height - 1))) &
		    (SFS_NODE_ENTRIES - 1);
		entry = entries[i];
		for (i++; i < SFS_NODE_ENTRIES; i++) {
			if (entries[i].kind == SFS_KIND_HOLE)
				continue;
			report_snapshot(walk, SFS_DAMAGE_NODE, &entries[i],
					"its map goes on beyond its end");
			return 0;
		}
	}
	return 0;
}

static int visit_snapshot(struct sfs_check_walk *walk)
{
	const struct sfs_check_snapshot *snapshot = walk->snapshot;
	uint32_t chunk_size = walk->check->repo->config.chunk_size;
	int r;

	r = visit(walk, &snapshot->root, snapshot->height);
	if (r < 0)
		return r;
	if (!walk->broken && walk->data * chunk_size != snapshot->data_bytes)
		report_snapshot(walk, SFS_DAMAGE_RECORD,
				&(struct sfs_entry){ 0 },
				"its record says another amount of data than "
				"its map has");
	return walk->chunk_count > 0 ? check_end(walk) : 0;
}

int sfs_check_each_snapshot(struct sfs_check *check,
			    int (*each)(struct sfs_check_walk *walk))
{
	const struct sfs_check_snapshot *snapshot = check->snapshots;
	size_t i;
	int r;

	for (i = 0; i < check->snapshot_count; i++, snapshot++) {
		struct sfs_check_walk walk = {
			.check = check,
			.snapshot = snapshot,
			.chunk_count = sfs_map_chunks(
				snapshot->size, check->repo->config.chunk_size),
		};

		r = each(&walk);
		if (r < 0)
			return r;
	}
	return 0;
}

int sfs_check_maps(struct sfs_check *check)
{
	return sfs_check_each_snapshot(check, visit_snapshot);
}
