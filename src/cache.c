/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/cache.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "src/log.h"
#include "src/mutex.h"

/*
 * The cache is cut into shards by the hash of the key, each with a mutex, a
 * hash table and a fixed number of slots; a slot owns one block of the arena.
 * All memory is made at the start, so neither hits nor misses allocate.
 *
 * A slot's state, and what then holds of it:
 *
 *	state	 in hash  queue		pins	error
 *	-----	 -------  -----		----	-----
 *	EMPTY	 no	  unused	0	0
 *	LOADING	 yes	  none		>= 1	0
 *	READY	 yes	  small, main	any	0
 *	FAILED	 no	  none		>= 1	< 0
 *
 *	EMPTY -> LOADING	a miss; the thread that claims it loads it
 *	LOADING -> READY	loaded: by its key, new or a ghost, it enters
 *				the small or the main queue
 *	LOADING -> FAILED	not loaded, and others wait: their pins keep
 *				the slot until each has seen the error
 *	LOADING -> EMPTY	not loaded, nobody waits
 *	FAILED -> EMPTY		the last who waited has gone
 *	READY -> EMPTY		evicted: only with no pins
 *
 * Pins of a slot rise under the shard's lock alone.  So what an eviction
 * finds unpinned stays so, while putting a READY slot needs no lock.  LOADING
 * and FAILED slots change theirs only under the lock.  No lock is held while
 * a block loads, and a thread never holds the locks of two shards.
 *
 * Replacement is S3-FIFO.  New blocks enter the small queue, about a tenth of
 * the shard.  At its end a block that was used more than once meanwhile goes
 * on to the main queue; others leave, and their keys become ghosts.  A block
 * that comes back while its ghost lasts enters the main queue at once.  That
 * one is a FIFO in which each use, up to three, buys one more round.
 *
 * One thing is added.  A reader of small pieces, or one behind a prefetch,
 * uses each block several times in a row, which says nothing of later use;
 * yet it would carry a whole scan into the main queue.  So the uses of a
 * block do not count before some more blocks have entered behind it.
 */

enum state { EMPTY, LOADING, READY, FAILED };

/* As the paper has them. */
#define SMALL_SHARE  10 /* the small queue is a part in this many */
#define FREQ_MAX     3
#define FREQ_PROMOTE 2

/* Shards: enough that threads seldom meet, and yet each so large that its
 * queues tell hot from cold: in one of 64 slots chance fills the small queue
 * now fast, now slowly, and part of a scan gets through. */
#define SHARDS_MAX	 64
#define SHARD_SLOTS_GOOD 256
#define SLOTS_MIN	 8

/* Slots are named by their number in the shard. */
#define NONE UINT32_MAX

struct sfs_cache_slot {
	uint64_t pack;
	uint32_t offset;
	uint32_t kind;
	uint32_t chain; /* next in the hash bucket */
	uint32_t next;	/* in the queue, towards its tail */
	_Atomic uint32_t pins;
	uint32_t born; /* shard->arrivals when it entered the small queue */
	int error;
	uint8_t state;
	uint8_t freq; /* uses that count, up to FREQ_MAX */
	bool in_main;
};

/* Taken at the head, entered at the tail. */
struct queue {
	uint32_t head;
	uint32_t tail;
	uint32_t count;
};

/* Ghosts live in buckets of a few, so that no list has to be kept: one is
 * forgotten once span more have come, or for want of room in its bucket. */
#define GHOST_WAYS 4

struct ghost {
	uint32_t print; /* of the key: a mistake costs a hit, no more */
	uint32_t stamp; /* shard->ghost_clock when it came */
};

/* The fields of a hit stand in the first two cache lines; the condition,
 * which hits leave alone, keeps the next shard's lock off them. */
struct shard {
	pthread_mutex_t lock; /* of all below, and of the shard's slots */
	uint32_t *buckets;
	struct sfs_cache_slot *slots;
	struct ghost *ghosts;
	uint64_t hits;
	uint32_t arrivals; /* blocks that have entered the small queue */
	uint32_t ghost_clock;
	struct queue small;
	struct queue main;
	struct queue unused;
	uint64_t misses;
	uint64_t waits;
	uint64_t evictions;
	pthread_cond_t loaded; /* a slot left LOADING */
};

/* Nothing in here changes once it is made. */
struct sfs_cache {
	struct shard *shards;
	struct sfs_cache_slot *slots;
	uint32_t *buckets;
	struct ghost *ghosts;
	uint8_t *arena;
	size_t block_size;
	uint32_t shard_count;  /* a power of two */
	uint32_t shard_slots;  /* slots in each shard */
	uint32_t bucket_count; /* in each shard, a power of two */
	uint32_t ghost_sets;   /* in each shard, a power of two */
	uint32_t ghost_span;   /* ghosts remembered in each shard */
	uint32_t small_target; /* slots of the small queue */
	uint32_t window;       /* arrivals before uses of a new block count */
};

/* The shard comes from the top bits, the bucket from the lowest, the ghost's
 * print from those between. */
static uint64_t hash_key(uint64_t pack, uint32_t offset)
{
	uint64_t h = pack ^ offset * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

static struct shard *shard_of(const struct sfs_cache *cache, uint64_t hash)
{
	return &cache->shards[hash >> 58 & (cache->shard_count - 1)];
}

static uint32_t *bucket_of(const struct sfs_cache *cache,
			   const struct shard *shard, uint64_t hash)
{
	return &shard->buckets[hash & (cache->bucket_count - 1)];
}

static void *block_of(const struct sfs_cache *cache,
		      const struct sfs_cache_slot *slot)
{
	return cache->arena + (size_t)(slot - cache->slots) * cache->block_size;
}

static uint32_t number_of(const struct shard *shard,
			  const struct sfs_cache_slot *slot)
{
	return (uint32_t)(slot - shard->slots);
}

static uint32_t pins_of(const struct sfs_cache_slot *slot)
{
	/* Pairs with sfs_cache_put(): its reads of the block come before
	 * whatever is loaded over it. */
	return atomic_load_explicit(&slot->pins, memory_order_acquire);
}

/* ---- queues ---- */

static void queue_init(struct queue *queue)
{
	*queue = (struct queue){ .head = NONE, .tail = NONE };
}

static void push_locked(struct shard *shard, struct queue *queue,
			struct sfs_cache_slot *slot)
{
	uint32_t number = number_of(shard, slot);

	slot->next = NONE;
	if (queue->tail == NONE)
		queue->head = number;
	else
		shard->slots[queue->tail].next = number;
	queue->tail = number;
	queue->count++;
}

static struct sfs_cache_slot *pop_locked(struct shard *shard,
					 struct queue *queue)
{
	struct sfs_cache_slot *slot;

	if (queue->head == NONE)
		return NULL;
	slot = &shard->slots[queue->head];
	queue->head = slot->next;
	if (queue->head == NONE)
		queue->tail = NONE;
	queue->count--;
	return slot;
}

/* ---- hash table ---- */

static struct sfs_cache_slot *find_locked(const struct sfs_cache *cache,
					  const struct shard *shard,
					  const struct sfs_cache_key *key,
					  uint64_t hash)
{
	struct sfs_cache_slot *slot;
	uint32_t i;

	for (i = *bucket_of(cache, shard, hash); i != NONE; i = slot->chain) {
		slot = &shard->slots[i];
		if (slot->pack == key->pack && slot->offset == key->offset &&
		    slot->kind == key->kind)
			return slot;
	}
	return NULL;
}

static void link_locked(const struct sfs_cache *cache, struct shard *shard,
			struct sfs_cache_slot *slot, uint64_t hash)
{
	uint32_t *bucket = bucket_of(cache, shard, hash);

	slot->chain = *bucket;
	*bucket = number_of(shard, slot);
}

static void unlink_locked(const struct sfs_cache *cache, struct shard *shard,
			  struct sfs_cache_slot *slot, uint64_t hash)
{
	uint32_t *link = bucket_of(cache, shard, hash);

	while (*link != number_of(shard, slot))
		link = &shard->slots[*link].chain;
	*link = slot->chain;
}

/* ---- ghosts ---- */

static struct ghost *ghost_set(const struct sfs_cache *cache,
			       const struct shard *shard, uint64_t hash)
{
	return &shard->ghosts[(hash & (cache->ghost_sets - 1)) * GHOST_WAYS];
}

static uint32_t ghost_print(uint64_t hash)
{
	return (uint32_t)(hash >> 26);
}

/* Remember @hash in place of its older self or of its set's oldest. */
static void ghost_add_locked(const struct sfs_cache *cache, struct shard *shard,
			     uint64_t hash)
{
	struct ghost *set = ghost_set(cache, shard, hash), *place = set;
	uint32_t now = ++shard->ghost_clock;
	unsigned i;

	for (i = 0; i < GHOST_WAYS; i++) {
		if (set[i].print == ghost_print(hash)) {
			place = &set[i];
			break;
		}
		if (now - set[i].stamp > now - place->stamp)
			place = &set[i];
	}
	*place = (struct ghost){ .print = ghost_print(hash), .stamp = now };
}

/* Whether @hash is remembered; it is not any more thereafter. */
static bool ghost_take_locked(const struct sfs_cache *cache,
			      struct shard *shard, uint64_t hash)
{
	struct ghost *set = ghost_set(cache, shard, hash);
	unsigned i;

	for (i = 0; i < GHOST_WAYS; i++) {
		if (set[i].print == ghost_print(hash) &&
		    shard->ghost_clock - set[i].stamp < cache->ghost_span) {
			set[i].stamp = shard->ghost_clock - cache->ghost_span;
			return true;
		}
	}
	return false;
}

/* ---- replacement ---- */

static void enter_small_locked(struct shard *shard, struct sfs_cache_slot *slot)
{
	slot->in_main = false;
	slot->born = shard->arrivals++;
	push_locked(shard, &shard->small, slot);
}

static void enter_main_locked(struct shard *shard, struct sfs_cache_slot *slot)
{
	slot->in_main = true;
	slot->freq = 0;
	push_locked(shard, &shard->main, slot);
}

static void touch_locked(const struct sfs_cache *cache, struct shard *shard,
			 struct sfs_cache_slot *slot)
{
	if (slot->freq < FREQ_MAX &&
	    (slot->in_main || shard->arrivals - slot->born > cache->window))
		slot->freq++;
}

/* The first block of the small queue that is neither in use nor worth
 * keeping, or NULL. */
static struct sfs_cache_slot *evict_small_locked(const struct sfs_cache *cache,
						 struct shard *shard)
{
	struct sfs_cache_slot *slot;
	uint32_t n;

	for (n = shard->small.count; n > 0; n--) {
		slot = pop_locked(shard, &shard->small);
		if (pins_of(slot) > 0) {
			push_locked(shard, &shard->small, slot);
		} else if (slot->freq >= FREQ_PROMOTE) {
			enter_main_locked(shard, slot);
		} else {
			ghost_add_locked(cache, shard,
					 hash_key(slot->pack, slot->offset));
			return slot;
		}
	}
	return NULL;
}

/* The same of the main queue; NULL only when every block of it is in use. */
static struct sfs_cache_slot *evict_main_locked(struct shard *shard)
{
	struct sfs_cache_slot *slot;
	uint32_t in_a_row = 0;

	while (in_a_row < shard->main.count) {
		slot = pop_locked(shard, &shard->main);
		if (pins_of(slot) > 0) {
			in_a_row++;
		} else if (slot->freq > 0) {
			in_a_row = 0;
			slot->freq--;
		} else {
			return slot;
		}
		push_locked(shard, &shard->main, slot);
	}
	return NULL;
}

/* Make a slot EMPTY, or return NULL when all are in use.  The third turn is
 * for what the second one moved from the small to the main queue. */
static struct sfs_cache_slot *evict_locked(const struct sfs_cache *cache,
					   struct shard *shard)
{
	bool small = shard->small.count >= cache->small_target;
	struct sfs_cache_slot *slot = NULL;
	unsigned turn;

	for (turn = 0; turn < 3 && !slot; turn++, small = !small)
		slot = small ? evict_small_locked(cache, shard)
			     : evict_main_locked(shard);
	if (!slot)
		return NULL;
	unlink_locked(cache, shard, slot, hash_key(slot->pack, slot->offset));
	slot->state = EMPTY;
	shard->evictions++;
	return slot;
}

/* ---- getting and putting ---- */

/* Take a slot for @key, LOADING and pinned. */
static int claim_locked(const struct sfs_cache *cache, struct shard *shard,
			const struct sfs_cache_key *key, uint64_t hash,
			struct sfs_cache_slot **ret)
{
	struct sfs_cache_slot *slot;

	shard->misses++;
	slot = pop_locked(shard, &shard->unused);
	if (!slot)
		slot = evict_locked(cache, shard);
	if (!slot)
		return -ENOBUFS;
	slot->pack = key->pack;
	slot->offset = key->offset;
	slot->kind = key->kind;
	slot->freq = 0;
	slot->state = LOADING;
	atomic_store_explicit(&slot->pins, 1, memory_order_relaxed);
	link_locked(cache, shard, slot, hash);
	*ret = slot;
	return 0;
}

/* Drop the pin on a FAILED slot; the last one gives the slot back. */
static void drop_failed_locked(struct shard *shard, struct sfs_cache_slot *slot)
{
	if (atomic_fetch_sub_explicit(&slot->pins, 1, memory_order_relaxed) > 1)
		return;
	slot->state = EMPTY;
	slot->error = 0;
	push_locked(shard, &shard->unused, slot);
}

/* Wait until the pinned @slot is loaded; without success the pin is gone. */
static int wait_locked(struct shard *shard, struct sfs_cache_slot *slot)
{
	int r;

	shard->waits++;
	while (slot->state == LOADING)
		pthread_cond_wait(&shard->loaded, &shard->lock);
	r = slot->error;
	if (r < 0)
		drop_failed_locked(shard, slot);
	return r;
}

/* Pin the slot of @key.  Returns 1 if it is new, LOADING and the caller's to
 * load, 0 if it is READY. */
static int pin(const struct sfs_cache *cache, struct shard *shard,
	       const struct sfs_cache_key *key, uint64_t hash,
	       struct sfs_cache_slot **ret)
{
	struct sfs_cache_slot *slot;
	int r;
	SFS_LOCK(&shard->lock);

	slot = find_locked(cache, shard, key, hash);
	if (!slot) {
		r = claim_locked(cache, shard, key, hash, ret);
		return r < 0 ? r : 1;
	}
	shard->hits++;
	atomic_fetch_add_explicit(&slot->pins, 1, memory_order_relaxed);
	*ret = slot;
	if (slot->state == LOADING)
		return wait_locked(shard, slot);
	touch_locked(cache, shard, slot);
	return 0;
}

/* End the LOADING of @slot with the result @r of the load. */
static void publish(const struct sfs_cache *cache, struct shard *shard,
		    struct sfs_cache_slot *slot, uint64_t hash, int r)
{
	SFS_LOCK(&shard->lock);

	if (pins_of(slot) > 1)
		pthread_cond_broadcast(&shard->loaded);
	if (r < 0) {
		unlink_locked(cache, shard, slot, hash);
		slot->state = FAILED;
		slot->error = r;
		drop_failed_locked(shard, slot);
		return;
	}
	slot->state = READY;
	if (ghost_take_locked(cache, shard, hash))
		enter_main_locked(shard, slot);
	else
		enter_small_locked(shard, slot);
}

int sfs_cache_get(struct sfs_cache *cache, const struct sfs_cache_key *key,
		  sfs_cache_load *load, void *context,
		  struct sfs_cache_slot **ret_slot, const void **ret_block)
{
	uint64_t hash = hash_key(key->pack, key->offset);
	struct shard *shard = shard_of(cache, hash);
	struct sfs_cache_slot *slot;
	int r;

	r = pin(cache, shard, key, hash, &slot);
	if (r < 0)
		return r;
	if (r > 0) {
		r = load(key, block_of(cache, slot), context);
		publish(cache, shard, slot, hash, r);
		if (r < 0)
			return r;
	}
	*ret_slot = slot;
	*ret_block = block_of(cache, slot);
	return 0;
}

void sfs_cache_put(struct sfs_cache *cache, struct sfs_cache_slot *slot)
{
	uint32_t before;

	assert(slot >= cache->slots && slot->state == READY);
	before =
		atomic_fetch_sub_explicit(&slot->pins, 1, memory_order_release);
	assert(before > 0);
}

int sfs_cache_has(struct sfs_cache *cache, const struct sfs_cache_key *key)
{
	uint64_t hash = hash_key(key->pack, key->offset);
	struct shard *shard = shard_of(cache, hash);
	SFS_LOCK(&shard->lock);

	return find_locked(cache, shard, key, hash) != NULL;
}

void sfs_cache_stats(struct sfs_cache *cache, struct sfs_cache_stats *ret)
{
	struct sfs_cache_stats stats = { 0 };
	struct shard *shard;
	uint32_t i, used;

	for (i = 0; i < cache->shard_count; i++) {
		shard = &cache->shards[i];
		SFS_LOCK(&shard->lock);
		used = cache->shard_slots - shard->unused.count;
		stats.hits += shard->hits;
		stats.misses += shard->misses;
		stats.waits += shard->waits;
		stats.evictions += shard->evictions;
		stats.used_bytes += used * (uint64_t)cache->block_size;
		stats.size_bytes +=
			cache->shard_slots * (uint64_t)cache->block_size;
	}
	*ret = stats;
}

/* ---- making and freeing ---- */

static uint32_t power_of_two_from(uint32_t least)
{
	uint32_t n = 1;

	while (n < least)
		n *= 2;
	return n;
}

static int measure(struct sfs_cache *cache, size_t size)
{
	size_t slots = sfs_max(size / cache->block_size, SLOTS_MIN);

	if (slots > INT32_MAX) {
		sfs_err("a cache of %zu bytes is too large", size);
		return -EINVAL;
	}
	cache->shard_count = 1;
	while (cache->shard_count < SHARDS_MAX &&
	       slots / (cache->shard_count * 2) >= SHARD_SLOTS_GOOD)
		cache->shard_count *= 2;
	cache->shard_slots = (uint32_t)(slots / cache->shard_count);
	cache->small_target = (cache->shard_slots - 1) / SMALL_SHARE + 1;
	cache->window = cache->small_target / 2;
	cache->ghost_span = cache->shard_slots - cache->small_target;
	cache->bucket_count = power_of_two_from(cache->shard_slots);
	/* Twice the room needed, so that sets seldom overflow. */
	cache->ghost_sets =
		power_of_two_from(cache->shard_slots * 2 / GHOST_WAYS);
	return 0;
}

static int allocate(struct sfs_cache *cache)
{
	size_t slots = (size_t)cache->shard_count * cache->shard_slots;
	size_t size = slots * cache->block_size;
	void *arena;

	cache->shards = sfs_calloc(cache->shard_count, sizeof(*cache->shards));
	cache->slots = sfs_calloc(slots, sizeof(*cache->slots));
	cache->buckets =
		sfs_calloc((size_t)cache->shard_count * cache->bucket_count,
			   sizeof(*cache->buckets));
	cache->ghosts = sfs_calloc((size_t)cache->shard_count *
					   cache->ghost_sets * GHOST_WAYS,
				   sizeof(*cache->ghosts));
	if (!cache->shards || !cache->slots || !cache->buckets ||
	    !cache->ghosts)
		return -ENOMEM;
	arena = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (arena == MAP_FAILED) {
		sfs_err("cannot reserve a cache of %zu bytes: %m; choose a "
			"smaller size",
			size);
		return -ENOMEM;
	}
	cache->arena = arena;
	return 0;
}

static void init_shard(struct sfs_cache *cache, size_t index)
{
	struct shard *shard = &cache->shards[index];
	uint32_t i;

	shard->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	shard->loaded = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	shard->slots = cache->slots + index * cache->shard_slots;
	shard->buckets = cache->buckets + index * cache->bucket_count;
	shard->ghosts = cache->ghosts + index * cache->ghost_sets * GHOST_WAYS;
	/* The zeros that the ghosts are made of have expired. */
	shard->ghost_clock = cache->ghost_span;
	queue_init(&shard->small);
	queue_init(&shard->main);
	queue_init(&shard->unused);
	for (i = 0; i < cache->bucket_count; i++)
		shard->buckets[i] = NONE;
	for (i = 0; i < cache->shard_slots; i++)
		push_locked(shard, &shard->unused, &shard->slots[i]);
}

int sfs_cache_new(size_t size, size_t block_size, struct sfs_cache **ret)
{
	CLEANUP_CACHE struct sfs_cache *cache = NULL;
	uint32_t i;
	int r;

	assert(block_size > 0 && block_size % 64 == 0);
	cache = sfs_calloc(1, sizeof(*cache));
	if (!cache)
		return -ENOMEM;
	cache->block_size = block_size;
	r = measure(cache, size);
	if (r < 0)
		return r;
	r = allocate(cache);
	if (r < 0)
		return r;
	for (i = 0; i < cache->shard_count; i++)
		init_shard(cache, i);
	*ret = TAKE_PTR(cache);
	return 0;
}

void sfs_cache_free(struct sfs_cache *cache)
{
	if (!cache)
		return;
	if (cache->arena)
		munmap(cache->arena, (size_t)cache->shard_count *
					     cache->shard_slots *
					     cache->block_size);
	free(cache->ghosts);
	free(cache->buckets);
	free(cache->slots);
	free(cache->shards);
	free(cache);
}

/* ---- checking ---- */

static void check_slot_locked(const struct sfs_cache_slot *slot)
{
	uint32_t pins = pins_of(slot);

	assert(slot->freq <= FREQ_MAX);
	assert((slot->error < 0) == (slot->state == FAILED));
	switch ((enum state)slot->state) {
	case EMPTY:
		assert(pins == 0);
		break;
	case LOADING:
	case FAILED:
		assert(pins > 0);
		break;
	case READY:
		break;
	}
}

static void check_queue_locked(const struct shard *shard,
			       const struct queue *queue, enum state state,
			       bool in_main)
{
	const struct sfs_cache_slot *slot;
	uint32_t n, i = queue->head, last = NONE;

	for (n = 0; n < queue->count; n++) {
		assert(i != NONE);
		slot = &shard->slots[i];
		assert(slot->state == state);
		assert(state == EMPTY || slot->in_main == in_main);
		last = i;
		i = slot->next;
	}
	assert(i == NONE && queue->tail == last);
}

/* Returns how many slots the shard's hash table holds. */
static uint32_t check_hash_locked(const struct sfs_cache *cache,
				  const struct shard *shard)
{
	const struct sfs_cache_slot *slot;
	struct sfs_cache_key key;
	uint32_t bucket, i, n = 0;
	uint64_t hash;

	for (bucket = 0; bucket < cache->bucket_count; bucket++) {
		for (i = shard->buckets[bucket]; i != NONE; i = slot->chain) {
			slot = &shard->slots[i];
			key.pack = slot->pack;
			key.offset = slot->offset;
			key.kind = slot->kind;
			hash = hash_key(key.pack, key.offset);
			assert(slot->state == LOADING || slot->state == READY);
			assert(shard_of(cache, hash) == shard);
			assert(bucket_of(cache, shard, hash) ==
			       &shard->buckets[bucket]);
			/* No key twice, and no cycle. */
			assert(find_locked(cache, shard, &key, hash) == slot);
			assert(++n <= cache->shard_slots);
		}
	}
	return n;
}

static void check_shard(const struct sfs_cache *cache, struct shard *shard)
{
	uint32_t count[FAILED + 1] = { 0 };
	uint32_t i;
	SFS_LOCK(&shard->lock);

	for (i = 0; i < cache->shard_slots; i++) {
		check_slot_locked(&shard->slots[i]);
		count[shard->slots[i].state]++;
	}
	check_queue_locked(shard, &shard->unused, EMPTY, false);
	check_queue_locked(shard, &shard->small, READY, false);
	check_queue_locked(shard, &shard->main, READY, true);
	assert(shard->unused.count == count[EMPTY]);
	assert(shard->small.count + shard->main.count == count[READY]);
	assert(check_hash_locked(cache, shard) ==
	       count[LOADING] + count[READY]);
}

void sfs_cache_check(struct sfs_cache *cache)
{
	uint32_t i;

	for (i = 0; i < cache->shard_count; i++)
		check_shard(cache, &cache->shards[i]);
}
