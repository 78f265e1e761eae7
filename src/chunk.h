/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_CHUNK_H
#define SNAPFS_SRC_CHUNK_H

/*
 * Chunks and nodes from their packs: one pread, verify, decode, behind the
 * two caches (decoded chunks, validated nodes).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/map.h"
#include "format/pack.h"
#include "src/cache.h"
#include "src/cleanup.h"
#include "src/record.h"
#include "src/store.h"
#include "src/util.h"

struct sfs_chunks;

/* @store and @config are borrowed.  Sizes are in bytes of decoded content. */
SFS_MUST_CHECK int sfs_chunks_new(struct sfs_store *store,
				  const struct sfs_config *config,
				  size_t chunk_cache_size,
				  size_t node_cache_size,
				  struct sfs_chunks **ret);
void sfs_chunks_free(struct sfs_chunks *chunks);
SFS_DEFINE_CLEANUP(struct sfs_chunks, sfs_chunks_free);
#define CLEANUP_CHUNKS __attribute__((cleanup(sfs_chunks_freep)))

/* A pinned decoded chunk, or a private copy when the cache was full. */
struct sfs_chunk {
	const uint8_t *bytes;
	struct sfs_cache_slot *slot;
	void *own;
};

/* A pinned node: SFS_NODE_ENTRIES entries. */
struct sfs_node {
	const struct sfs_entry *entries;
	struct sfs_cache_slot *slot;
	void *own;
};

/* The chunk of a data @entry.  Damage (-EUCLEAN, -EBADMSG, -ENOENT for a
 * missing pack) is not logged here: whoever asks knows whose bytes they are. */
SFS_MUST_CHECK int sfs_chunk_get(struct sfs_chunks *chunks,
				 const struct sfs_entry *entry,
				 struct sfs_chunk *ret);
void sfs_chunk_put(struct sfs_chunks *chunks, struct sfs_chunk *chunk);

/* The node of a node @entry of @height. */
SFS_MUST_CHECK int sfs_node_get(struct sfs_chunks *chunks,
				const struct sfs_entry *entry, unsigned height,
				struct sfs_node *ret);
void sfs_node_put(struct sfs_chunks *chunks, struct sfs_node *node);

/* Read and verify slot bytes, decode into @ret (chunk_size or SFS_NODE_SIZE
 * bytes), past the caches.  @scratch holds SFS_SLOT_HEADER_SIZE +
 * @entry->stored bytes.  For check, and for comparing before sharing. */
SFS_MUST_CHECK int sfs_chunk_load(struct sfs_chunks *chunks,
				  const struct sfs_entry *entry, void *scratch,
				  void *ret);

/* The content hash: XXH3-128 with the repository's secret. */
void sfs_chunk_hash(const struct sfs_config *config, const void *bytes,
		    size_t size, struct sfs_hash *ret);

/* A pack's table, verified; the caller frees *ret_rows. */
SFS_MUST_CHECK int sfs_chunks_table(struct sfs_chunks *chunks, uint64_t pack,
				    struct sfs_row **ret_rows,
				    uint32_t *ret_count);

/* What a failure to get a chunk, node or table means, in a few words. */
const char *sfs_damage_text(int error);

/* True the first time it is asked of a place, and again only when many others
 * were asked of since: so that damage is logged once. */
bool sfs_chunks_news(struct sfs_chunks *chunks, const struct sfs_entry *entry);

const struct sfs_config *sfs_chunks_config(const struct sfs_chunks *chunks);
struct sfs_cache *sfs_chunks_cache(struct sfs_chunks *chunks);
struct sfs_cache *sfs_chunks_node_cache(struct sfs_chunks *chunks);

#endif
