/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/prefetch.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>

#include "src/mutex.h"

/* Reads in a row before the next is believed to follow. */
#define STREAK 2

/* How far to look ahead: as far as the reads are long, within these, and not
 * beyond a share of the cache: what is not read yet passes through a tenth of
 * it, and must not push itself out. */
#define WINDOW_MIN   (128u << 10)
#define WINDOW_MAX   (1u << 20)
#define WINDOW_SHARE 32

#define JOBS	   16
#define JOB_CHUNKS (WINDOW_MAX / SFS_CHUNK_SIZE_MIN)

/* Chunks to decode, last one first. */
struct job {
	unsigned count;
	struct sfs_entry entries[JOB_CHUNKS];
};

struct sfs_prefetch {
	struct sfs_chunks *chunks;
	uint64_t window_max;
	pthread_t *threads;
	unsigned thread_count;

	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job jobs[JOBS]; /* under lock: a ring */
	unsigned first, count; /* under lock */
	bool ending;	       /* under lock */
};

/* ---- workers ---- */

static void do_job(struct sfs_prefetch *prefetch, const struct job *job)
{
	struct sfs_cache *cache = sfs_chunks_cache(prefetch->chunks);
	struct sfs_chunk chunk;
	unsigned i;

	for (i = job->count; i-- > 0;) {
		const struct sfs_entry *entry = &job->entries[i];
		const struct sfs_cache_key key = { entry->pack, entry->offset,
						   entry->kind };

		if (sfs_cache_has(cache, &key))
			return; /* here the reader comes */
		/* Damage is the reader's to tell, when he gets there. */
		if (sfs_chunk_get(prefetch->chunks, entry, &chunk) < 0)
			return;
		sfs_chunk_put(prefetch->chunks, &chunk);
	}
}

static bool take_job(struct sfs_prefetch *prefetch, struct job *ret)
{
	SFS_LOCK(&prefetch->lock);
	while (prefetch->count == 0 && !prefetch->ending)
		pthread_cond_wait(&prefetch->work, &prefetch->lock);
	if (prefetch->ending)
		return false;
	*ret = prefetch->jobs[prefetch->first];
	prefetch->first = (prefetch->first + 1) % JOBS;
	prefetch->count--;
	return true;
}

static void *run(void *context)
{
	struct sfs_prefetch *prefetch = context;
	struct job job;

	while (take_job(prefetch, &job))
		do_job(prefetch, &job);
	return NULL;
}

/* Signals are for the threads that wait for them. */
static int start_thread(struct sfs_prefetch *prefetch)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&prefetch->threads[prefetch->thread_count], NULL,
			   run, prefetch);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		return -r;
	prefetch->thread_count++;
	return 0;
}

int sfs_prefetch_new(struct sfs_chunks *chunks, unsigned threads,
		     struct sfs_prefetch **ret)
{
	CLEANUP_PREFETCH struct sfs_prefetch *prefetch = NULL;
	struct sfs_cache_stats stats;
	unsigned i;
	int r;

	prefetch = sfs_calloc(1, sizeof(*prefetch));
	if (!prefetch)
		return -ENOMEM;
	prefetch->chunks = chunks;
	sfs_cache_stats(sfs_chunks_cache(chunks), &stats);
	prefetch->window_max =
		sfs_min(stats.size_bytes / WINDOW_SHARE, WINDOW_MAX);
	pthread_mutex_init(&prefetch->lock, NULL);
	pthread_cond_init(&prefetch->work, NULL);
	prefetch->threads = sfs_calloc(threads, sizeof(*prefetch->threads));
	if (!prefetch->threads)
		return -ENOMEM;
	for (i = 0; i < threads; i++) {
		r = start_thread(prefetch);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(prefetch);
	return 0;
}

static void tell_to_end(struct sfs_prefetch *prefetch)
{
	SFS_LOCK(&prefetch->lock);
	prefetch->ending = true;
	pthread_cond_broadcast(&prefetch->work);
}

void sfs_prefetch_free(struct sfs_prefetch *prefetch)
{
	unsigned i;

	if (!prefetch)
		return;
	tell_to_end(prefetch);
	for (i = 0; i < prefetch->thread_count; i++)
		pthread_join(prefetch->threads[i], NULL);
	pthread_cond_destroy(&prefetch->work);
	pthread_mutex_destroy(&prefetch->lock);
	free(prefetch->threads);
	free(prefetch);
}

/* ---- readers ---- */

void sfs_stream_init(struct sfs_stream *stream)
{
	*stream = (struct sfs_stream){ 0 };
	pthread_mutex_init(&stream->lock, NULL);
}

void sfs_stream_done(struct sfs_stream *stream)
{
	pthread_mutex_destroy(&stream->lock);
}

/* True when there is a range worth handing out. */
static bool look_ahead(struct sfs_stream *stream, uint64_t window_max,
		       uint64_t offset, size_t size, uint64_t *ret_start,
		       uint64_t *ret_end)
{
	uint64_t window = sfs_min(sfs_max(size, WINDOW_MIN), window_max);
	bool on;

	SFS_LOCK(&stream->lock);
	on = offset == stream->next;
	stream->streak = on ? stream->streak + 1 : 0;
	stream->next = offset + size;
	if (!on)
		stream->ahead = 0;
	if (stream->streak < STREAK)
		return false;
	*ret_start = sfs_max(stream->next, stream->ahead);
	*ret_end = stream->next + window;
	if (*ret_start + window / 2 > *ret_end)
		return false;
	stream->ahead = *ret_end;
	return true;
}

/* The chunks of [start, end) that hold data. */
static void gather(struct sfs_view *view, uint64_t start, uint64_t end,
		   struct job *job)
{
	const struct sfs_map *map = sfs_view_map(view);
	const uint64_t chunk_size = sfs_view_repo(view)->config.chunk_size;
	uint64_t chunk = start / chunk_size;
	uint64_t last =
		sfs_min((end + chunk_size - 1) / chunk_size, map->chunk_count);
	struct sfs_run run;

	job->count = 0;
	while (chunk < last) {
		if (sfs_map_run(map, chunk, &run) < 0)
			return;
		for (; chunk < sfs_min(run.first + run.count, last) &&
		       job->count < JOB_CHUNKS;
		     chunk++) {
			if (run.entries &&
			    run.entries[chunk - run.first].kind ==
				    SFS_KIND_DATA)
				job->entries[job->count++] =
					run.entries[chunk - run.first];
		}
		chunk = run.first + run.count;
		sfs_map_run_done(map, &run);
	}
}

void sfs_prefetch_note(struct sfs_prefetch *prefetch, struct sfs_stream *stream,
		       struct sfs_view *view, uint64_t offset, size_t size)
{
	uint64_t start, end;
	struct job job;

	if (!look_ahead(stream, prefetch->window_max, offset, size, &start,
			&end))
		return;
	gather(view, start, end, &job);
	if (job.count == 0)
		return;
	SFS_LOCK(&prefetch->lock);
	if (prefetch->count == JOBS)
		return;
	prefetch->jobs[(prefetch->first + prefetch->count) % JOBS] = job;
	prefetch->count++;
	pthread_cond_signal(&prefetch->work);
}
