/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "src/check-run.h"

/*
 * The second walk, only where something is damaged.  It has to tell for each
 * snapshot what is hit, and so goes again into every node with damage under
 * it, however many snapshots share it; the memo marks the others.
 */

#define CLEAN 1u

static void flush(struct sfs_check_walk *walk)
{
	if (walk->range.size > 0)
		sfs_check_report(walk->check, &walk->range);
	walk->range.size = 0;
}

/* All that is under @entry, from chunk @first on, cannot be read. */
static void hit(struct sfs_check_walk *walk, const struct sfs_entry *entry,
		unsigned height, uint64_t first)
{
	uint32_t chunk_size = walk->check->repo->config.chunk_size;
	struct sfs_damage *range = &walk->range;
	uint64_t count, offset, end;

	walk->broken = true;
	if (first >= walk->chunk_count)
		return;
	count = sfs_min(UINT64_C(1) << (SFS_NODE_BITS * height),
			walk->chunk_count - first);
	offset = first * chunk_size;
	end = sfs_min((first + count) * chunk_size, walk->snapshot->size);
	if (range->size > 0 && range->offset + range->size == offset) {
		range->size = end - range->offset;
		return;
	}
	flush(walk);
	*range = (struct sfs_damage){
		.kind = SFS_DAMAGE_RANGE,
		.name = walk->snapshot->id,
		.volume = walk->snapshot->volume,
		.why = "cannot be read",
		.pack = entry->pack,
		.slot_offset = entry->offset,
		.offset = offset,
		.size = end - offset,
	};
}

static int trace(struct sfs_check_walk *walk, const struct sfs_entry *entry,
		 unsigned height, uint64_t first);

static int trace_node(struct sfs_check_walk *walk,
		      const struct sfs_entry *entry, unsigned height,
		      uint64_t first)
{
	const struct sfs_places *places = &walk->check->places;
	const char *why;
	unsigned i;
	int r;

	r = -EUCLEAN;
	if (!sfs_places_has(places, SFS_MARK_NODE, entry->pack, entry->offset))
		r = sfs_check_read_node(walk, entry, height, &why);
	if (sfs_check_is_damage(r)) {
		hit(walk, entry, height, first);
		return 0;
	}
	if (r < 0)
		return r;
	for (i = 0; i < SFS_NODE_ENTRIES; i++) {
		r = trace(walk, &walk->check->nodes[height][i], height - 1,
			  first + ((uint64_t)i
				   << (SFS_NODE_BITS * (height - 1))));
		if (r < 0)
			return r;
	}
	return 0;
}

/* Trace a node and see whether anything under it was hit. */
static int trace_under(struct sfs_check_walk *walk,
		       const struct sfs_entry *entry, unsigned height,
		       uint64_t first, bool *ret_clean)
{
	bool before = walk->broken;
	int r;

	walk->broken = false;
	r = trace_node(walk, entry, height, first);
	*ret_clean = !walk->broken;
	walk->broken |= before;
	return r;
}

static int trace_memo(struct sfs_check_walk *walk,
		      const struct sfs_entry *entry, unsigned height,
		      uint64_t first, struct sfs_check_pack *pack, uint32_t row)
{
	bool clean;
	int r;

	r = sfs_check_make_memo(pack);
	if (r < 0 || pack->memo[row] == CLEAN)
		return r;
	r = trace_under(walk, entry, height, first, &clean);
	if (r == 0 && clean)
		pack->memo[row] = CLEAN;
	return r;
}

/* Its pack has no table, so the slot itself is asked. */
static int trace_untabled(struct sfs_check_walk *walk,
			  const struct sfs_entry *entry, unsigned height,
			  uint64_t first)
{
	struct sfs_check *check = walk->check;
	const char *why;
	bool clean;
	int r;

	if (sfs_places_has(&check->places, SFS_MARK_CLEAN, entry->pack,
			   entry->offset))
		return 0;
	if (sfs_check_is_node(entry)) {
		r = trace_under(walk, entry, height, first, &clean);
		if (r < 0 || !clean)
			return r;
	} else {
		if (!check->options->read_data)
			return 0;
		r = sfs_check_read_slot(check, entry, &why);
		if (sfs_check_is_damage(r)) {
			hit(walk, entry, height, first);
			return sfs_check_report_once(walk, SFS_MARK_SLOT, entry,
						     SFS_DAMAGE_SLOT, why);
		}
		if (r < 0)
			return r;
	}
	r = sfs_places_add(&check->places, SFS_MARK_CLEAN, entry->pack,
			   entry->offset);
	return r < 0 ? r : 0;
}

/* Descends one level a call, at most SFS_MAP_HEIGHT_MAX deep. */
static int trace(struct sfs_check_walk *walk, const struct sfs_entry *entry,
		 unsigned height, uint64_t first)
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
		return trace_untabled(walk, entry, height, first);
	if (r != SFS_FIND_ROW ||
	    (!sfs_check_is_node(entry) &&
	     sfs_places_has(&walk->check->places, SFS_MARK_SLOT, entry->pack,
			    entry->offset))) {
		hit(walk, entry, height, first);
		return 0;
	}
	if (!sfs_check_is_node(entry))
		return 0;
	return trace_memo(walk, entry, height, first, pack, row);
}

static int trace_snapshot(struct sfs_check_walk *walk)
{
	int r;

	r = trace(walk, &walk->snapshot->root, walk->snapshot->height, 0);
	if (r < 0)
		return r;
	flush(walk);
	return 0;
}

int sfs_check_ranges(struct sfs_check *check)
{
	struct sfs_check_pack *pack;
	size_t i;

	for (i = 0; i < check->pack_count; i++) {
		pack = &check->packs[i];
		if (pack->memo)
			memset(pack->memo, 0,
			       pack->count * sizeof(*pack->memo));
	}
	return sfs_check_each_snapshot(check, trace_snapshot);
}
