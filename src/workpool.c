/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/workpool.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "src/log.h"
#include "src/mutex.h"

/*
 * Jobs lie in a ring in the order in which they were submitted.  Three
 * counters walk it, collected <= taken <= submitted <= collected + depth:
 *
 *	[0, collected)		handed back; their places are free
 *	[collected, taken)	with a worker, or done
 *	[taken, submitted)	waiting for a worker
 */
struct place {
	void *job;
	bool done;
};

struct worker {
	struct sfs_workpool *pool;
	unsigned index;
	pthread_t thread;
};

struct sfs_workpool {
	/* Fixed once the workers run. */
	sfs_work *work;
	void *context;
	size_t depth;
	unsigned threads;
	struct worker *workers;

	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t submission;
	pthread_cond_t completion; /* of the oldest job */
	struct place *ring;
	uint64_t submitted; /* changed by the submitting thread alone */
	uint64_t taken;
	uint64_t collected; /* changed by the submitting thread alone */
	unsigned idle;	    /* workers that wait for a submission */
	bool waiting;	    /* the submitting thread waits for a completion */
	bool stop;
};

static struct place *place_of(const struct sfs_workpool *pool, uint64_t number)
{
	return &pool->ring[number % pool->depth];
}

/* The next job for a worker, or NULL once there will be none. */
static struct place *take_locked(struct sfs_workpool *pool)
{
	while (pool->taken == pool->submitted && !pool->stop) {
		pool->idle++;
		pthread_cond_wait(&pool->submission, &pool->lock);
		pool->idle--;
	}
	if (pool->taken == pool->submitted)
		return NULL;
	return place_of(pool, pool->taken++);
}

static void done_locked(struct sfs_workpool *pool, struct place *place)
{
	place->done = true;
	if (pool->waiting && place == place_of(pool, pool->collected))
		pthread_cond_signal(&pool->completion);
}

/* Report @done, where a job was done, and take the next one. */
static struct place *next_job(struct sfs_workpool *pool, struct place *done)
{
	SFS_LOCK(&pool->lock);

	if (done)
		done_locked(pool, done);
	return take_locked(pool);
}

static void *run(void *argument)
{
	struct worker *worker = argument;
	struct sfs_workpool *pool = worker->pool;
	struct place *place = NULL;

	while ((place = next_job(pool, place)))
		pool->work(place->job, worker->index, pool->context);
	return NULL;
}

/* The processors this process may use, not all that the machine has. */
static unsigned processors(void)
{
	cpu_set_t set;
	long n;

	/* Fails only where there are more than fit the set. */
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	else
		n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (unsigned)n : 1;
}

/* Signals are for the thread that submits: workers start with all blocked. */
static int start_workers(struct sfs_workpool *pool, unsigned threads)
{
	struct worker *worker;
	sigset_t all, before;
	int r = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (pool->threads < threads && r == 0) {
		worker = &pool->workers[pool->threads];
		worker->pool = pool;
		worker->index = pool->threads;
		r = pthread_create(&worker->thread, NULL, run, worker);
		if (r == 0)
			pool->threads++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		sfs_err("cannot start thread %u of %u: %s", pool->threads + 1,
			threads, strerror(r));
	return -r;
}

int sfs_workpool_new(unsigned threads, size_t depth, sfs_work *work,
		     void *context, struct sfs_workpool **ret)
{
	CLEANUP_WORKPOOL struct sfs_workpool *pool = NULL;
	int r;

	assert(depth > 0);
	if (threads == 0)
		threads = processors();
	pool = sfs_calloc(1, sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	pool->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	pool->submission = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	pool->completion = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	pool->work = work;
	pool->context = context;
	pool->depth = depth;
	pool->ring = sfs_calloc(depth, sizeof(*pool->ring));
	pool->workers = sfs_calloc(threads, sizeof(*pool->workers));
	if (!pool->ring || !pool->workers)
		return -ENOMEM;
	r = start_workers(pool, threads);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(pool);
	return 0;
}

static void stop_workers(struct sfs_workpool *pool)
{
	SFS_LOCK(&pool->lock);

	pool->stop = true;
	pthread_cond_broadcast(&pool->submission);
}

void sfs_workpool_free(struct sfs_workpool *pool)
{
	unsigned i;

	if (!pool)
		return;
	stop_workers(pool);
	for (i = 0; i < pool->threads; i++)
		pthread_join(pool->workers[i].thread, NULL);
	pthread_cond_destroy(&pool->completion);
	pthread_cond_destroy(&pool->submission);
	pthread_mutex_destroy(&pool->lock);
	free(pool->workers);
	free(pool->ring);
	free(pool);
}

unsigned sfs_workpool_threads(const struct sfs_workpool *pool)
{
	return pool->threads;
}

bool sfs_workpool_full(const struct sfs_workpool *pool)
{
	return pool->submitted - pool->collected == pool->depth;
}

void sfs_workpool_submit(struct sfs_workpool *pool, void *job)
{
	struct place *place;
	SFS_LOCK(&pool->lock);

	assert(!sfs_workpool_full(pool));
	place = place_of(pool, pool->submitted++);
	place->job = job;
	place->done = false;
	if (pool->idle > 0)
		pthread_cond_signal(&pool->submission);
}

void *sfs_workpool_collect(struct sfs_workpool *pool)
{
	struct place *place;
	SFS_LOCK(&pool->lock);

	if (pool->collected == pool->submitted)
		return NULL;
	place = place_of(pool, pool->collected);
	pool->waiting = true;
	while (!place->done)
		pthread_cond_wait(&pool->completion, &pool->lock);
	pool->waiting = false;
	pool->collected++;
	return place->job;
}
