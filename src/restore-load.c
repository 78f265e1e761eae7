/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "src/codec.h"
#include "src/restore-run.h"

/* How many of the @count entries lie one behind the other in their pack, and
 * fit a buffer. */
static unsigned adjacent(const struct sfs_entry *entries, unsigned count,
			 size_t *ret_size)
{
	uint64_t start = entries[0].offset, size = 0, more;
	unsigned n;

	for (n = 0; n < count; n++) {
		more = SFS_SLOT_HEADER_SIZE + entries[n].stored;
		if (entries[n].pack != entries[0].pack ||
		    entries[n].offset != start + size ||
		    size + more > SFS_RESTORE_SLOTS)
			break;
		size += more;
	}
	*ret_size = size;
	return n;
}

static int decode(const struct sfs_config *config,
		  const struct sfs_entry *entry, const uint8_t *bytes,
		  uint8_t *ret)
{
	struct sfs_slot slot;
	const char *why;
	int r;

	r = sfs_slot_decode(bytes, SFS_SLOT_HEADER_SIZE + entry->stored,
			    entry->pack, entry->offset, config->chunk_size,
			    &slot, &why);
	if (r < 0)
		return r;
	if (slot.kind != entry->kind)
		return -EUCLEAN;
	return sfs_codec_decompress(slot.codec, bytes + SFS_SLOT_HEADER_SIZE,
				    slot.stored, ret, slot.length);
}

/* Past the cache, which a whole disk would only flush: slots that lie
 * together are read together, and decoded where they are written from. */
static int load_chunks(struct sfs_view *view, const struct sfs_entry *entries,
		       unsigned count, uint8_t *slots, uint8_t *ret)
{
	const struct sfs_repo *repo = sfs_view_repo(view);
	const struct sfs_entry *entry;
	unsigned i, n;
	size_t size;
	int r;

	for (; count > 0; entries += n, count -= n) {
		n = adjacent(entries, count, &size);
		r = sfs_store_read_pack(repo->store, entries->pack, slots, size,
					entries->offset);
		if (r < 0)
			return r;
		for (i = 0; i < n; i++, ret += repo->config.chunk_size) {
			entry = &entries[i];
			r = decode(&repo->config, entry,
				   slots + (entry->offset - entries->offset),
				   ret);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int sfs_restore_load(struct sfs_view *view, const struct sfs_entry *entries,
		     uint64_t offset, size_t size, uint8_t *slots, uint8_t *ret)
{
	uint32_t chunk_size = sfs_view_repo(view)->config.chunk_size;
	size_t got;
	int r;

	r = load_chunks(view, entries,
			(unsigned)sfs_map_chunks(size, chunk_size), slots, ret);
	if (r == 0)
		return 0;
	/* The slow way, which tells where the damage is. */
	return sfs_view_pread(view, ret, size, offset, &got);
}
