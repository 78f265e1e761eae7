/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_CACHE_H
#define SNAPFS_SRC_CACHE_H

/*
 * A bounded cache of decoded blocks of one size, keyed by place (pack,
 * offset).  Many threads: a block is decoded once however many wait for it,
 * and stays in place while it is pinned.
 *
 * Replacement is S3-FIFO (Yang et al., "FIFO queues are all you need for
 * cache eviction", SOSP 2023): a small queue that scans pass through, a main
 * queue, and a ghost queue of keys that left the small one.
 */

#include <stddef.h>
#include <stdint.h>

#include "src/cleanup.h"
#include "src/util.h"

struct sfs_cache;
struct sfs_cache_slot;

/* @kind is what the place is read as: a record that lies about a node's height
 * must not find what an honest one cached. */
struct sfs_cache_key {
	uint64_t pack;
	uint32_t offset;
	uint32_t kind;
};

/* Fill @ret (block_size bytes) for @key.  Runs without any lock held.
 * Returns 0 or a negative errno, which all who wait for the block get; a
 * failure is not cached. */
typedef int sfs_cache_load(const struct sfs_cache_key *key, void *ret,
			   void *context);

struct sfs_cache_stats {
	uint64_t hits;
	uint64_t misses;
	uint64_t waits; /* hits on a block that another thread was loading */
	uint64_t evictions;
	uint64_t used_bytes;
	uint64_t size_bytes;
};

/* A cache of at most @size bytes of blocks of @block_size (a multiple of 64).
 * Memory is reserved, but touched only as blocks come in.  However small
 * @size is, there is room for a few blocks a shard. */
SFS_MUST_CHECK int sfs_cache_new(size_t size, size_t block_size,
				 struct sfs_cache **ret);
void sfs_cache_free(struct sfs_cache *cache);
SFS_DEFINE_CLEANUP(struct sfs_cache, sfs_cache_free);
#define CLEANUP_CACHE __attribute__((cleanup(sfs_cache_freep)))

/* Pin the block of @key, loading it when it is not there.  Returns 0,
 * @load's error, or -ENOBUFS when all blocks of the shard are pinned (the
 * caller then decodes into memory of its own).  @ret_slot is given back with
 * sfs_cache_put(); @ret_block is valid until then. */
SFS_MUST_CHECK int sfs_cache_get(struct sfs_cache *cache,
				 const struct sfs_cache_key *key,
				 sfs_cache_load *load, void *context,
				 struct sfs_cache_slot **ret_slot,
				 const void **ret_block);
void sfs_cache_put(struct sfs_cache *cache, struct sfs_cache_slot *slot);

/* Whether @key is there or being loaded; a hint, for prefetching. */
int sfs_cache_has(struct sfs_cache *cache, const struct sfs_cache_key *key);

void sfs_cache_stats(struct sfs_cache *cache, struct sfs_cache_stats *ret);

/* Assert every invariant (see cache.c).  For tests. */
void sfs_cache_check(struct sfs_cache *cache);

#endif
