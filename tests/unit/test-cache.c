/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/cache.h"

#define BLOCK 4096u

/* What the loaders below are told, and what they tell. */
struct origin {
	struct sfs_cache *cache;
	atomic_uint loads;
	unsigned wait_for; /* threads that must wait before a load ends */
	int error;
};

/* Every word of a block tells its key, so that a wrong or torn one shows. */
static void fill(const struct sfs_cache_key *key, void *block)
{
	uint64_t *words = block;
	size_t i;

	for (i = 0; i < BLOCK / sizeof(*words); i++)
		words[i] = key->pack * 1000003 + key->kind * 7919 +
			   key->offset + i;
}

static bool holds(const void *block, const struct sfs_cache_key *key)
{
	const uint64_t *words = block;
	size_t i;

	for (i = 0; i < BLOCK / sizeof(*words); i++)
		if (words[i] !=
		    key->pack * 1000003 + key->kind * 7919 + key->offset + i)
			return false;
	return true;
}

/* Ends only once enough threads wait for it.  That it can ask at all shows
 * that no lock is held. */
static int load(const struct sfs_cache_key *key, void *ret, void *context)
{
	struct origin *origin = context;
	struct sfs_cache_stats stats;

	atomic_fetch_add(&origin->loads, 1);
	do {
		sched_yield();
		sfs_cache_stats(origin->cache, &stats);
	} while (stats.waits < origin->wait_for);
	if (origin->error)
		return origin->error;
	fill(key, ret);
	return 0;
}

static struct sfs_cache_key key_of(uint64_t n)
{
	return (struct sfs_cache_key){ .pack = n / 1000 + 1,
				       .offset = (uint32_t)(n % 1000) * 8000 };
}

static void open_cache(struct origin *origin, size_t blocks)
{
	*origin = (struct origin){ 0 };
	assert_int_equal(sfs_cache_new(blocks * BLOCK, BLOCK, &origin->cache),
			 0);
	sfs_cache_check(origin->cache);
}

static int get(struct origin *origin, uint64_t n, struct sfs_cache_slot **ret)
{
	struct sfs_cache_key key = key_of(n);
	const void *block;
	int r;

	r = sfs_cache_get(origin->cache, &key, load, origin, ret, &block);
	if (r == 0)
		assert_true(holds(block, &key));
	return r;
}

/* Use block @n @times in a row. */
static void use(struct origin *origin, uint64_t n, unsigned times)
{
	struct sfs_cache_slot *slot;

	for (; times > 0; times--) {
		assert_int_equal(get(origin, n, &slot), 0);
		sfs_cache_put(origin->cache, slot);
	}
}

static void use_all(struct origin *origin, uint64_t first, uint64_t count,
		    unsigned times)
{
	uint64_t n;

	for (n = first; n < first + count; n++)
		use(origin, n, times);
}

static bool has(struct origin *origin, uint64_t n)
{
	struct sfs_cache_key key = key_of(n);

	return sfs_cache_has(origin->cache, &key);
}

static unsigned count_of(struct origin *origin, uint64_t first, uint64_t count)
{
	unsigned there = 0;
	uint64_t n;

	for (n = first; n < first + count; n++)
		there += has(origin, n);
	return there;
}

static void a_hit_does_not_load(void **state)
{
	struct origin origin;
	struct sfs_cache_stats stats;

	(void)state;
	open_cache(&origin, 100);
	assert_false(has(&origin, 7));
	use(&origin, 7, 3);
	assert_true(has(&origin, 7));
	assert_int_equal(origin.loads, 1);
	sfs_cache_stats(origin.cache, &stats);
	assert_int_equal(stats.misses, 1);
	assert_int_equal(stats.hits, 2);
	assert_int_equal(stats.waits, 0);
	assert_int_equal(stats.evictions, 0);
	assert_int_equal(stats.used_bytes, BLOCK);
	sfs_cache_check(origin.cache);
	sfs_cache_free(origin.cache);
}

/* Pack, offset and kind all tell blocks apart. */
static void keys_are_whole(void **state)
{
	struct origin origin;
	struct sfs_cache_key keys[] = {
		{ 1, 0, 0 },
		{ 1, 1, 0 },
		{ 1, 1, 17 },
		{ 2, 0, 0 },
		{ UINT64_C(1) << 63, 0, 0 },
		{ 0, 1, 0 },
		{ 0, 0, 0 },
		{ 0, UINT32_MAX, 0 },
	};
	struct sfs_cache_slot *slot;
	const void *block;
	size_t i;

	(void)state;
	open_cache(&origin, 100);
	for (i = 0; i < SFS_ARRAY_SIZE(keys); i++) {
		assert_int_equal(sfs_cache_get(origin.cache, &keys[i], load,
					       &origin, &slot, &block),
				 0);
		assert_true(holds(block, &keys[i]));
		sfs_cache_put(origin.cache, slot);
	}
	assert_int_equal(origin.loads, SFS_ARRAY_SIZE(keys));
	sfs_cache_free(origin.cache);
}

static void a_failure_is_not_cached(void **state)
{
	struct origin origin;
	struct sfs_cache_slot *slot;
	struct sfs_cache_stats stats;
	unsigned i;

	(void)state;
	open_cache(&origin, 0);
	origin.error = -EBADMSG;
	/* More often than there are slots: failures leak none. */
	for (i = 0; i < 100; i++)
		assert_int_equal(get(&origin, 7, &slot), -EBADMSG);
	assert_int_equal(origin.loads, 100);
	assert_false(has(&origin, 7));
	sfs_cache_stats(origin.cache, &stats);
	assert_int_equal(stats.used_bytes, 0);
	sfs_cache_check(origin.cache);

	origin.error = 0;
	use(&origin, 7, 1);
	assert_true(has(&origin, 7));
	sfs_cache_free(origin.cache);
}

/* ---- many at once ---- */

#define ASKERS 16

struct asker {
	struct origin *origin;
	pthread_t thread;
	int r;
	bool right;
	struct sfs_cache_slot *slot;
	const void *block;
};

static void *ask(void *argument)
{
	struct asker *asker = argument;
	struct sfs_cache_key key = key_of(42);

	asker->r = sfs_cache_get(asker->origin->cache, &key, load,
				 asker->origin, &asker->slot, &asker->block);
	asker->right = asker->r == 0 && holds(asker->block, &key);
	return NULL;
}

/* All ask for one block; its load ends when all the others wait for it. */
static void ask_at_once(struct origin *origin, struct asker askers[ASKERS])
{
	unsigned i;

	origin->wait_for = ASKERS - 1;
	for (i = 0; i < ASKERS; i++) {
		askers[i].origin = origin;
		assert_int_equal(pthread_create(&askers[i].thread, NULL, ask,
						&askers[i]),
				 0);
	}
	for (i = 0; i < ASKERS; i++)
		pthread_join(askers[i].thread, NULL);
	sfs_cache_check(origin->cache);
}

static void one_load_serves_all_who_wait(void **state)
{
	struct origin origin;
	struct asker askers[ASKERS];
	unsigned i;

	(void)state;
	open_cache(&origin, 100);
	ask_at_once(&origin, askers);
	assert_int_equal(origin.loads, 1);
	for (i = 0; i < ASKERS; i++) {
		assert_int_equal(askers[i].r, 0);
		assert_true(askers[i].right);
		assert_ptr_equal(askers[i].block, askers[0].block);
		sfs_cache_put(origin.cache, askers[i].slot);
	}
	sfs_cache_free(origin.cache);
}

static void an_error_reaches_all_who_wait(void **state)
{
	struct origin origin;
	struct asker askers[ASKERS];
	struct sfs_cache_stats stats;
	unsigned i;

	(void)state;
	open_cache(&origin, 100);
	origin.error = -EUCLEAN;
	ask_at_once(&origin, askers);
	assert_int_equal(origin.loads, 1);
	for (i = 0; i < ASKERS; i++)
		assert_int_equal(askers[i].r, -EUCLEAN);
	sfs_cache_stats(origin.cache, &stats);
	assert_int_equal(stats.used_bytes, 0);
	sfs_cache_free(origin.cache);
}

/* ---- room ---- */

static void all_pinned_is_enobufs(void **state)
{
	struct origin origin;
	struct sfs_cache_slot *slots[1000], *extra;
	struct sfs_cache_stats stats;
	unsigned n, i;
	int r;

	(void)state;
	open_cache(&origin, 0);
	for (n = 0;; n++) {
		assert_true(n < SFS_ARRAY_SIZE(slots));
		r = get(&origin, n, &slots[n]);
		if (r < 0)
			break;
	}
	assert_int_equal(r, -ENOBUFS);
	assert_true(n >= 4);
	assert_false(has(&origin, n));
	sfs_cache_check(origin.cache);
	/* What is there can still be had. */
	use(&origin, 0, 1);

	sfs_cache_put(origin.cache, slots[n / 2]);
	assert_int_equal(get(&origin, n, &extra), 0);
	assert_false(has(&origin, n / 2));
	slots[n / 2] = extra;
	for (i = 0; i < n; i++)
		sfs_cache_put(origin.cache, slots[i]);
	sfs_cache_stats(origin.cache, &stats);
	assert_int_equal(stats.evictions, 1);
	sfs_cache_check(origin.cache);
	sfs_cache_free(origin.cache);
}

/* One free slot is found wherever it is: promoted or not, used or not. */
static void the_last_unpinned_slot_is_found(void **state)
{
	struct origin origin;
	struct sfs_cache_slot *slots[64], *extra;
	unsigned i, leave;

	(void)state;
	open_cache(&origin, 64);
	/* The first half goes on to the main queue, with uses to its name. */
	use_all(&origin, 0, 32, 1);
	use_all(&origin, 1000, 32, 1);
	use_all(&origin, 0, 32, 4);
	use_all(&origin, 2000, 32, 1);
	use_all(&origin, 0, 32, 4);
	for (leave = 0; leave < 64; leave++) {
		for (i = 0; i < 64; i++)
			assert_int_equal(get(&origin, i, &slots[i]), 0);
		sfs_cache_put(origin.cache, slots[leave]);
		assert_int_equal(get(&origin, 3000, &extra), 0);
		assert_false(has(&origin, leave));
		sfs_cache_check(origin.cache);
		sfs_cache_put(origin.cache, extra);
		for (i = 0; i < 64; i++)
			if (i != leave)
				sfs_cache_put(origin.cache, slots[i]);
	}
	sfs_cache_free(origin.cache);
}

static void a_pinned_block_stays(void **state)
{
	struct origin origin;
	struct sfs_cache_key key = key_of(5);
	struct sfs_cache_slot *slot;
	const void *block;

	(void)state;
	open_cache(&origin, 16);
	assert_int_equal(
		sfs_cache_get(origin.cache, &key, load, &origin, &slot, &block),
		0);
	use_all(&origin, 100, 1000, 3);
	assert_true(holds(block, &key));
	assert_true(has(&origin, 5));
	sfs_cache_check(origin.cache);
	sfs_cache_put(origin.cache, slot);
	use_all(&origin, 2000, 1000, 1);
	assert_false(has(&origin, 5));
	sfs_cache_free(origin.cache);
}

/* Whatever its size and shards, it fills up to it and no further. */
static void the_size_is_kept(void **state)
{
	static const size_t sizes[] = { 0,   1,	  7,   8,    9,	   63,	 64,
					127, 128, 129, 1000, 4095, 4096, 5000 };
	struct sfs_cache_stats stats;
	struct origin origin;
	size_t i;

	(void)state;
	for (i = 0; i < SFS_ARRAY_SIZE(sizes); i++) {
		open_cache(&origin, sizes[i]);
		sfs_cache_stats(origin.cache, &stats);
		assert_int_equal(stats.used_bytes, 0);
		assert_true(stats.size_bytes <=
			    sfs_max(sizes[i], 8) * (uint64_t)BLOCK);
		/* Less than a block a shard is lost. */
		assert_true(stats.size_bytes + 64 * BLOCK >
			    sizes[i] * (uint64_t)BLOCK);
		use_all(&origin, 0, 4 * sizes[i] + 100, 1);
		sfs_cache_check(origin.cache);
		sfs_cache_stats(origin.cache, &stats);
		assert_int_equal(stats.used_bytes, stats.size_bytes);
		assert_int_equal(stats.misses, 4 * sizes[i] + 100);
		assert_int_equal(stats.evictions,
				 stats.misses - stats.used_bytes / BLOCK);
		sfs_cache_free(origin.cache);
	}
}

static size_t resident_bytes(void)
{
	CLEANUP_FCLOSE FILE *file = fopen("/proc/self/statm", "re");
	size_t pages;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*u %zu", &pages), 1);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void memory_is_touched_lazily(void **state)
{
	CLEANUP_CACHE struct sfs_cache *cache = NULL;
	struct origin origin = { 0 };
	size_t before = resident_bytes();

	(void)state;
	assert_int_equal(sfs_cache_new((size_t)1 << 30, BLOCK, &cache), 0);
	origin.cache = cache;
	use_all(&origin, 0, 10, 2);
	assert_int_equal(origin.loads, 10);
	/* What is kept about each block, and a few blocks. */
	assert_true(resident_bytes() - before < (size_t)64 << 20);
}

/* ---- what stays ---- */

#define SLOTS 4096
#define HOT   (SLOTS / 2)
#define SCAN  (10 * SLOTS)
#define FAR   1000000

/* Used from time to time, as other blocks come and go. */
static void warm(struct origin *origin)
{
	use_all(origin, 0, HOT, 1);
	use_all(origin, FAR, SLOTS, 1);
	use_all(origin, 0, HOT, 1);
	use_all(origin, 2 * FAR, SLOTS, 1);
	use_all(origin, 0, HOT, 3);
}

static void the_hot_set_survives_a_scan(void **state)
{
	struct origin origin;

	(void)state;
	open_cache(&origin, SLOTS);
	warm(&origin);
	use_all(&origin, 3 * FAR, SCAN, 1);
	assert_true(count_of(&origin, 0, HOT) >= HOT * 99 / 100);
	sfs_cache_check(origin.cache);
	sfs_cache_free(origin.cache);
}

/* A scan in pieces smaller than a block uses each several times. */
static void the_hot_set_survives_a_scan_in_small_pieces(void **state)
{
	struct origin origin;

	(void)state;
	open_cache(&origin, SLOTS);
	warm(&origin);
	use_all(&origin, 3 * FAR, SCAN, 8);
	assert_true(count_of(&origin, 0, HOT) >= HOT * 99 / 100);
	sfs_cache_free(origin.cache);
}

/* Prefetched some blocks ahead, then read in pieces. */
static void the_hot_set_survives_a_prefetched_scan(void **state)
{
	struct origin origin;
	uint64_t n;

	(void)state;
	open_cache(&origin, SLOTS);
	warm(&origin);
	for (n = 3 * FAR; n < 3 * FAR + SCAN; n++) {
		use(&origin, n + 64, 1);
		use(&origin, n, 4);
	}
	assert_true(count_of(&origin, 0, HOT) >= HOT * 99 / 100);
	sfs_cache_free(origin.cache);
}

/* What comes back soon after it was let go is kept. */
static void what_returns_is_kept(void **state)
{
	struct origin origin;

	(void)state;
	open_cache(&origin, SLOTS);
	use_all(&origin, FAR, SLOTS * 2, 1);
	use_all(&origin, 0, SLOTS / 4, 1);
	use_all(&origin, 2 * FAR, SLOTS * 5 / 4, 1);
	assert_int_equal(count_of(&origin, 0, SLOTS / 4), 0);
	use_all(&origin, 0, SLOTS / 4, 1);
	use_all(&origin, 3 * FAR, SCAN, 1);
	assert_true(count_of(&origin, 0, SLOTS / 4) >= SLOTS / 4 * 9 / 10);
	sfs_cache_free(origin.cache);
}

/* What was hot makes room in the end. */
static void the_hot_set_can_change(void **state)
{
	struct origin origin;
	unsigned i;

	(void)state;
	open_cache(&origin, SLOTS);
	warm(&origin);
	for (i = 0; i < 12; i++)
		use_all(&origin, 4 * FAR, SLOTS * 8 / 10, 1);
	assert_true(count_of(&origin, 4 * FAR, SLOTS * 8 / 10) >=
		    SLOTS * 7 / 10);
	sfs_cache_free(origin.cache);
}

/* ---- the queues, one by one ---- */

/* A cache of one shard of 64 slots, whose small queue should have 7.  Blocks 1
 * to 60 are in the main queue; 62, 63, 100 and 101 in the small one, of which
 * 62 was used enough to go on; 61 and then 0 have left. */
static void open_queues(struct origin *origin)
{
	open_cache(origin, 64);
	use_all(origin, 0, 64, 1);
	/* The last three are too new for their uses to count. */
	use_all(origin, 0, 64, 3);
	use(origin, 100, 1);
	assert_false(has(origin, 61));
	use(origin, 101, 1);
	assert_false(has(origin, 0));
	use(origin, 62, 3);
	sfs_cache_check(origin->cache);
}

static void used_blocks_go_on_to_the_main_queue(void **state)
{
	struct origin origin;

	(void)state;
	open_queues(&origin);
	use_all(&origin, 1000, 1000, 1);
	/* All but those the small queue's share was refilled from. */
	assert_true(count_of(&origin, 1, 60) >= 56);
	assert_true(has(&origin, 62));
	assert_false(has(&origin, 63));
	sfs_cache_free(origin.cache);
}

static void a_short_small_queue_takes_from_the_main_one(void **state)
{
	struct origin origin;

	(void)state;
	open_queues(&origin);
	use(&origin, 102, 1);
	assert_false(has(&origin, 1));
	assert_int_equal(count_of(&origin, 62, 2), 2);
	assert_int_equal(count_of(&origin, 100, 2), 2);
	sfs_cache_check(origin.cache);
	sfs_cache_free(origin.cache);
}

static void each_use_buys_a_round_in_the_main_queue(void **state)
{
	struct origin origin;

	(void)state;
	open_queues(&origin);
	use(&origin, 1, 1);
	use(&origin, 102, 1);
	assert_true(has(&origin, 1));
	assert_false(has(&origin, 2));
	sfs_cache_free(origin.cache);
}

/* Only a block that would rather go on to the main queue is to be had. */
static void promotion_does_not_hide_the_last_unpinned_slot(void **state)
{
	struct origin origin;
	struct sfs_cache_slot *slots[64], *extra;
	unsigned i, n = 0;

	(void)state;
	open_queues(&origin);
	for (i = 0; i < 102; i++)
		if (i != 62 && has(&origin, i))
			assert_int_equal(get(&origin, i, &slots[n++]), 0);
	assert_int_equal(n, 63);
	assert_int_equal(get(&origin, 102, &extra), 0);
	assert_false(has(&origin, 62));
	sfs_cache_put(origin.cache, extra);
	while (n > 0)
		sfs_cache_put(origin.cache, slots[--n]);
	sfs_cache_check(origin.cache);
	sfs_cache_free(origin.cache);
}

/* ---- stress ---- */

#define STRESS_THREADS 8
#define STRESS_ROUNDS  20000
#define STRESS_HELD    6

struct stress {
	struct sfs_cache *cache;
	uint64_t keys;
	atomic_uint wrong;
	atomic_uint refused;
	atomic_uint failed;
	atomic_uint turn; /* numbers the threads, then ends the checker */
};

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Fails for every 16th key, and now and then for others. */
static int load_or_fail(const struct sfs_cache_key *key, void *ret,
			void *context)
{
	unsigned *count = context;

	memset(ret, 0xee, BLOCK);
	if (key->offset / 8000 % 16 == 0 || ++*count % 20 == 0)
		return -EIO;
	fill(key, ret);
	return 0;
}

static void *stress_thread(void *argument)
{
	struct stress *stress = argument;
	uint64_t seed = 0x1234567 * (1 + atomic_fetch_add(&stress->turn, 1));
	struct sfs_cache_slot *slots[STRESS_HELD] = { NULL };
	struct sfs_cache_key keys[STRESS_HELD];
	const void *blocks[STRESS_HELD];
	unsigned i, round, loads = 0;
	int r;

	for (round = 0; round < STRESS_ROUNDS; round++) {
		i = next_random(&seed) % STRESS_HELD;
		if (slots[i]) {
			if (!holds(blocks[i], &keys[i]))
				atomic_fetch_add(&stress->wrong, 1);
			sfs_cache_put(stress->cache, TAKE_PTR(slots[i]));
		}
		keys[i] = key_of(next_random(&seed) % stress->keys);
		r = sfs_cache_get(stress->cache, &keys[i], load_or_fail, &loads,
				  &slots[i], &blocks[i]);
		if (r == -ENOBUFS)
			atomic_fetch_add(&stress->refused, 1);
		else if (r == -EIO)
			atomic_fetch_add(&stress->failed, 1);
		else if (r != 0)
			atomic_fetch_add(&stress->wrong, 1);
	}
	for (i = 0; i < STRESS_HELD; i++)
		if (slots[i])
			sfs_cache_put(stress->cache, slots[i]);
	return NULL;
}

static void *check_thread(void *argument)
{
	struct stress *stress = argument;

	while (atomic_load(&stress->turn) < UINT32_MAX / 2) {
		sfs_cache_check(stress->cache);
		sched_yield();
	}
	return NULL;
}

static void run_stress(size_t blocks, uint64_t keys, struct stress *stress)
{
	pthread_t threads[STRESS_THREADS], checker;
	unsigned i;

	*stress = (struct stress){ .keys = keys };
	assert_int_equal(sfs_cache_new(blocks * BLOCK, BLOCK, &stress->cache),
			 0);
	pthread_create(&checker, NULL, check_thread, stress);
	for (i = 0; i < STRESS_THREADS; i++)
		pthread_create(&threads[i], NULL, stress_thread, stress);
	for (i = 0; i < STRESS_THREADS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&stress->turn, UINT32_MAX / 2);
	pthread_join(checker, NULL);
	sfs_cache_check(stress->cache);
	assert_int_equal(stress->wrong, 0);
	assert_true(stress->failed > 0);
}

/* No pin is left: every slot can be had at once. */
static void assert_nothing_pinned(struct sfs_cache *cache)
{
	struct origin origin = { .cache = cache };
	struct sfs_cache_slot *slots[128];
	struct sfs_cache_stats stats;
	unsigned i, count;

	sfs_cache_stats(cache, &stats);
	count = (unsigned)(stats.size_bytes / BLOCK);
	assert_true(count < SFS_ARRAY_SIZE(slots));
	for (i = 0; i < count; i++)
		assert_int_equal(get(&origin, 5000 + i, &slots[i]), 0);
	assert_int_equal(get(&origin, 9000, &slots[count]), -ENOBUFS);
	for (i = 0; i < count; i++)
		sfs_cache_put(cache, slots[i]);
}

static void stress_without_room(void **state)
{
	struct stress stress;

	(void)state;
	run_stress(8, 64, &stress);
	assert_true(stress.refused > 0);
	assert_nothing_pinned(stress.cache);
	sfs_cache_free(stress.cache);
}

static void stress_one_shard(void **state)
{
	struct stress stress;

	(void)state;
	run_stress(100, 400, &stress);
	assert_int_equal(stress.refused, 0);
	assert_nothing_pinned(stress.cache);
	sfs_cache_free(stress.cache);
}

static void stress_many_shards(void **state)
{
	struct stress stress;

	(void)state;
	run_stress(SLOTS, SLOTS * 2, &stress);
	assert_int_equal(stress.refused, 0);
	sfs_cache_free(stress.cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hit_does_not_load),
		cmocka_unit_test(keys_are_whole),
		cmocka_unit_test(a_failure_is_not_cached),
		cmocka_unit_test(one_load_serves_all_who_wait),
		cmocka_unit_test(an_error_reaches_all_who_wait),
		cmocka_unit_test(all_pinned_is_enobufs),
		cmocka_unit_test(the_last_unpinned_slot_is_found),
		cmocka_unit_test(a_pinned_block_stays),
		cmocka_unit_test(the_size_is_kept),
		cmocka_unit_test(memory_is_touched_lazily),
		cmocka_unit_test(the_hot_set_survives_a_scan),
		cmocka_unit_test(the_hot_set_survives_a_scan_in_small_pieces),
		cmocka_unit_test(the_hot_set_survives_a_prefetched_scan),
		cmocka_unit_test(what_returns_is_kept),
		cmocka_unit_test(the_hot_set_can_change),
		cmocka_unit_test(used_blocks_go_on_to_the_main_queue),
		cmocka_unit_test(a_short_small_queue_takes_from_the_main_one),
		cmocka_unit_test(each_use_buys_a_round_in_the_main_queue),
		cmocka_unit_test(
			promotion_does_not_hide_the_last_unpinned_slot),
		cmocka_unit_test(stress_without_room),
		cmocka_unit_test(stress_one_shard),
		cmocka_unit_test(stress_many_shards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
