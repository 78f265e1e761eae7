/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/chunk.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "format/xxh.h"
#include "src/codec.h"
#include "src/mutex.h"

/* Slots up to this size are read into the stack; only chunk sizes well above
 * the default need memory of their own. */
#define STACK_SLOT ((64u << 10) + SFS_SLOT_HEADER_SIZE)

#define NODE_BLOCK (SFS_NODE_ENTRIES * sizeof(struct sfs_entry))

#define NEWS 256

struct sfs_chunks {
	struct sfs_store *store;
	const struct sfs_config *config;
	struct sfs_cache *cache;
	struct sfs_cache *nodes;

	pthread_mutex_t news_lock;
	struct sfs_cache_key news[NEWS]; /* under news_lock */
	unsigned news_next;		 /* under news_lock */
};

int sfs_chunks_new(struct sfs_store *store, const struct sfs_config *config,
		   size_t chunk_cache_size, size_t node_cache_size,
		   struct sfs_chunks **ret)
{
	CLEANUP_CHUNKS struct sfs_chunks *chunks = NULL;
	int r;

	chunks = sfs_calloc(1, sizeof(*chunks));
	if (!chunks)
		return -ENOMEM;
	chunks->store = store;
	chunks->config = config;
	pthread_mutex_init(&chunks->news_lock, NULL);
	r = sfs_cache_new(chunk_cache_size, config->chunk_size, &chunks->cache);
	if (r < 0)
		return r;
	r = sfs_cache_new(node_cache_size, NODE_BLOCK, &chunks->nodes);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(chunks);
	return 0;
}

void sfs_chunks_free(struct sfs_chunks *chunks)
{
	if (!chunks)
		return;
	sfs_cache_free(chunks->cache);
	sfs_cache_free(chunks->nodes);
	pthread_mutex_destroy(&chunks->news_lock);
	free(chunks);
}

const struct sfs_config *sfs_chunks_config(const struct sfs_chunks *chunks)
{
	return chunks->config;
}

struct sfs_cache *sfs_chunks_cache(struct sfs_chunks *chunks)
{
	return chunks->cache;
}

struct sfs_cache *sfs_chunks_node_cache(struct sfs_chunks *chunks)
{
	return chunks->nodes;
}

void sfs_chunk_hash(const struct sfs_config *config, const void *bytes,
		    size_t size, struct sfs_hash *ret)
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(
		&canonical, XXH3_128bits_withSecret(bytes, size, config->secret,
						    sizeof(config->secret)));
	memcpy(ret->b, canonical.digest, sizeof(ret->b));
}

const char *sfs_damage_text(int error)
{
	switch (error) {
	case -ENOENT:
		return "its pack is missing";
	case -EBADMSG:
		return "its check is wrong";
	case -EUCLEAN:
		return "its structure is bad";
	default:
		return strerror(-error);
	}
}

bool sfs_chunks_news(struct sfs_chunks *chunks, const struct sfs_entry *entry)
{
	struct sfs_cache_key *key;
	bool known = false;
	unsigned i;

	SFS_LOCK(&chunks->news_lock);
	for (i = 0; i < NEWS && !known; i++)
		known = chunks->news[i].pack == entry->pack &&
			chunks->news[i].offset == entry->offset;
	if (!known) {
		key = &chunks->news[chunks->news_next++ % NEWS];
		key->pack = entry->pack;
		key->offset = entry->offset;
	}
	return !known;
}

/* ---- slots ---- */

int sfs_chunk_load(struct sfs_chunks *chunks, const struct sfs_entry *entry,
		   void *scratch, void *ret)
{
	size_t size = SFS_SLOT_HEADER_SIZE + entry->stored;
	struct sfs_slot slot;
	const char *why;
	int r;

	r = sfs_store_read_pack(chunks->store, entry->pack, scratch, size,
				entry->offset);
	if (r < 0)
		return r;
	r = sfs_slot_decode(scratch, size, entry->pack, entry->offset,
			    chunks->config->chunk_size, &slot, &why);
	if (r < 0)
		return r;
	if (slot.kind != entry->kind)
		return -EUCLEAN;
	return sfs_codec_decompress(slot.codec,
				    (uint8_t *)scratch + SFS_SLOT_HEADER_SIZE,
				    slot.stored, ret, slot.length);
}

/* What a cache's loader needs to know beside the key. */
struct load {
	struct sfs_chunks *chunks;
	const struct sfs_entry *entry;
	unsigned height;
};

static int load_chunk(const struct sfs_cache_key *key, void *ret, void *context)
{
	CLEANUP_FREE uint8_t *heap = NULL;
	struct load *load = context;
	uint8_t stack[STACK_SLOT];
	uint8_t *scratch = stack;

	(void)key;
	if (load->entry->stored + SFS_SLOT_HEADER_SIZE > sizeof(stack)) {
		heap = sfs_malloc(load->entry->stored + SFS_SLOT_HEADER_SIZE);
		if (!heap)
			return -ENOMEM;
		scratch = heap;
	}
	return sfs_chunk_load(load->chunks, load->entry, scratch, ret);
}

static int load_node(const struct sfs_cache_key *key, void *ret, void *context)
{
	uint8_t scratch[SFS_SLOT_HEADER_SIZE + SFS_NODE_SIZE];
	uint8_t bytes[SFS_NODE_SIZE];
	struct load *load = context;
	const char *why;
	int r;

	(void)key;
	r = sfs_chunk_load(load->chunks, load->entry, scratch, bytes);
	if (r < 0)
		return r;
	return sfs_node_decode(bytes, sizeof(bytes), load->height,
			       load->chunks->config->chunk_size, ret, &why);
}

/* Through the cache, or into memory of the caller's when that is full. */
static int get(struct sfs_cache *cache, size_t block, sfs_cache_load *fill,
	       struct load *load, struct sfs_cache_slot **ret_slot,
	       const void **ret_block, void **ret_own)
{
	const struct sfs_cache_key key = { load->entry->pack,
					   load->entry->offset,
					   load->entry->kind };
	CLEANUP_FREE void *own = NULL;
	int r;

	*ret_own = NULL;
	r = sfs_cache_get(cache, &key, fill, load, ret_slot, ret_block);
	if (r != -ENOBUFS)
		return r;
	own = sfs_malloc(block);
	if (!own)
		return -ENOMEM;
	r = fill(&key, own, load);
	if (r < 0)
		return r;
	*ret_slot = NULL;
	*ret_block = *ret_own = TAKE_PTR(own);
	return 0;
}

static void put(struct sfs_cache *cache, struct sfs_cache_slot *slot, void *own)
{
	if (slot)
		sfs_cache_put(cache, slot);
	free(own);
}

int sfs_chunk_get(struct sfs_chunks *chunks, const struct sfs_entry *entry,
		  struct sfs_chunk *ret)
{
	struct load load = { chunks, entry, 0 };
	const void *block;
	int r;

	r = get(chunks->cache, chunks->config->chunk_size, load_chunk, &load,
		&ret->slot, &block, &ret->own);
	if (r < 0)
		return r;
	ret->bytes = block;
	return 0;
}

void sfs_chunk_put(struct sfs_chunks *chunks, struct sfs_chunk *chunk)
{
	put(chunks->cache, chunk->slot, chunk->own);
}

int sfs_node_get(struct sfs_chunks *chunks, const struct sfs_entry *entry,
		 unsigned height, struct sfs_node *ret)
{
	struct load load = { chunks, entry, height };
	const void *block;
	int r;

	r = get(chunks->nodes, NODE_BLOCK, load_node, &load, &ret->slot, &block,
		&ret->own);
	if (r < 0)
		return r;
	ret->entries = block;
	return 0;
}

void sfs_node_put(struct sfs_chunks *chunks, struct sfs_node *node)
{
	put(chunks->nodes, node->slot, node->own);
}

/* ---- tables ---- */

static int read_footer(struct sfs_chunks *chunks, uint64_t pack,
		       uint64_t pack_size, struct sfs_pack_footer *ret)
{
	uint8_t bytes[SFS_PACK_FOOTER_SIZE];
	const char *why;
	int r;

	if (pack_size < SFS_PACK_SIZE_MIN)
		return -EUCLEAN;
	r = sfs_store_read_pack(chunks->store, pack, bytes, sizeof(bytes),
				pack_size - sizeof(bytes));
	if (r < 0)
		return r;
	r = sfs_pack_footer_decode(bytes, sizeof(bytes), pack_size, ret, &why);
	if (r < 0)
		return r;
	return ret->id == pack ? 0 : -EUCLEAN;
}

int sfs_chunks_table(struct sfs_chunks *chunks, uint64_t pack,
		     struct sfs_row **ret_rows, uint32_t *ret_count)
{
	CLEANUP_FREE struct sfs_row *rows = NULL;
	CLEANUP_FREE uint8_t *bytes = NULL;
	struct sfs_pack_footer footer;
	uint64_t pack_size;
	const char *why;
	size_t size;
	int r;

	r = sfs_store_pack_size(chunks->store, pack, &pack_size);
	if (r < 0)
		return r;
	r = read_footer(chunks, pack, pack_size, &footer);
	if (r < 0)
		return r;
	size = sfs_pack_table_size(footer.slots);
	bytes = sfs_malloc(size);
	rows = sfs_calloc(footer.slots, sizeof(*rows));
	if (!bytes || !rows)
		return -ENOMEM;
	r = sfs_store_read_pack(chunks->store, pack, bytes, size,
				footer.table_offset);
	if (r < 0)
		return r;
	r = sfs_pack_table_decode(bytes, size, &footer,
				  chunks->config->chunk_size, rows, &why);
	if (r < 0)
		return r;
	*ret_rows = TAKE_PTR(rows);
	*ret_count = footer.slots;
	return 0;
}
