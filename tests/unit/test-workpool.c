/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "src/workpool.h"

#define DEPTH 16
#define JOBS  20000

struct job {
	unsigned number;
	unsigned answer;
	unsigned worker;
	atomic_uint *gate; /* the job ends when this is its number or more */
};

struct shared {
	atomic_uint started;
	atomic_uint finished;
	unsigned scratch[64]; /* by worker: no two may have the same */
};

static void work(void *argument, unsigned worker, void *context)
{
	struct shared *shared = context;
	struct job *job = argument;

	atomic_fetch_add(&shared->started, 1);
	while (job->gate && atomic_load(job->gate) < job->number)
		sched_yield();
	shared->scratch[worker] = job->number;
	job->worker = worker;
	job->answer = shared->scratch[worker] * 3 + 1;
	atomic_fetch_add(&shared->finished, 1);
}

static void submit(struct sfs_workpool *pool, struct job *job, unsigned number)
{
	job->number = number;
	job->answer = 0;
	sfs_workpool_submit(pool, job);
}

static void run_jobs(unsigned threads, size_t depth)
{
	struct job jobs[DEPTH] = { 0 }, *job;
	struct shared shared = { 0 };
	CLEANUP_WORKPOOL struct sfs_workpool *pool = NULL;
	unsigned sent, got = 0;

	assert_int_equal(sfs_workpool_new(threads, depth, work, &shared, &pool),
			 0);
	assert_int_equal(sfs_workpool_threads(pool), threads);
	for (sent = 0; sent < JOBS || got < sent;) {
		if (sent < JOBS && !sfs_workpool_full(pool)) {
			submit(pool, &jobs[sent % depth], sent);
			sent++;
			continue;
		}
		job = sfs_workpool_collect(pool);
		assert_non_null(job);
		assert_int_equal(job->number, got);
		assert_int_equal(job->answer, got * 3 + 1);
		assert_true(job->worker < threads);
		got++;
	}
	assert_int_equal(got, JOBS);
	assert_null(sfs_workpool_collect(pool));
}

static void results_come_in_order(void **state)
{
	(void)state;
	run_jobs(1, DEPTH);
	run_jobs(2, DEPTH);
	run_jobs(8, DEPTH);
}

static void depth_may_be_less_than_threads(void **state)
{
	(void)state;
	run_jobs(4, 1);
	run_jobs(4, 3);
}

/* The last of eight jobs ends first, and still comes last. */
static void a_slow_job_holds_later_ones_back(void **state)
{
	struct job jobs[DEPTH] = { 0 };
	struct shared shared = { 0 };
	atomic_uint gate = 0;
	CLEANUP_WORKPOOL struct sfs_workpool *pool = NULL;
	unsigned i;

	(void)state;
	assert_int_equal(sfs_workpool_new(2, DEPTH, work, &shared, &pool), 0);
	jobs[0].gate = &gate;
	submit(pool, &jobs[0], 1);
	for (i = 1; i < 8; i++)
		submit(pool, &jobs[i], i + 1);
	while (atomic_load(&shared.finished) < 7)
		sched_yield();
	atomic_store(&gate, 1);
	for (i = 0; i < 8; i++)
		assert_ptr_equal(sfs_workpool_collect(pool), &jobs[i]);
}

static void jobs_run_at_once(void **state)
{
	struct job jobs[4] = { 0 };
	struct shared shared = { 0 };
	atomic_uint gate = 0;
	CLEANUP_WORKPOOL struct sfs_workpool *pool = NULL;
	unsigned i;

	(void)state;
	assert_int_equal(sfs_workpool_new(4, 4, work, &shared, &pool), 0);
	for (i = 0; i < 4; i++) {
		jobs[i].gate = &gate;
		submit(pool, &jobs[i], 1);
	}
	while (atomic_load(&shared.started) < 4)
		sched_yield();
	atomic_store(&gate, 1);
	for (i = 0; i < 4; i++)
		assert_ptr_equal(sfs_workpool_collect(pool), &jobs[i]);
}

static void full_says_when_to_collect(void **state)
{
	struct job jobs[3] = { 0 };
	struct shared shared = { 0 };
	CLEANUP_WORKPOOL struct sfs_workpool *pool = NULL;
	unsigned i;

	(void)state;
	assert_int_equal(sfs_workpool_new(1, 3, work, &shared, &pool), 0);
	for (i = 0; i < 3; i++) {
		assert_false(sfs_workpool_full(pool));
		submit(pool, &jobs[i], i);
	}
	/* Done, but not collected: still outstanding. */
	while (atomic_load(&shared.finished) < 3)
		sched_yield();
	assert_true(sfs_workpool_full(pool));
	assert_ptr_equal(sfs_workpool_collect(pool), &jobs[0]);
	assert_false(sfs_workpool_full(pool));
}

static void free_finishes_what_was_submitted(void **state)
{
	struct job jobs[DEPTH] = { 0 };
	struct shared shared = { 0 };
	struct sfs_workpool *pool = NULL;
	unsigned i;

	(void)state;
	assert_int_equal(sfs_workpool_new(2, DEPTH, work, &shared, &pool), 0);
	for (i = 0; i < DEPTH; i++)
		submit(pool, &jobs[i], i);
	sfs_workpool_free(pool);
	for (i = 0; i < DEPTH; i++)
		assert_int_equal(jobs[i].answer, i * 3 + 1);
	sfs_workpool_free(NULL);
}

static void no_count_means_the_processors_allowed(void **state)
{
	struct shared shared = { 0 };
	CLEANUP_WORKPOOL struct sfs_workpool *pool = NULL;
	cpu_set_t before, one;
	unsigned cpu = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	while (!CPU_ISSET(cpu, &before))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(sfs_workpool_new(0, 1, work, &shared, &pool), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(sfs_workpool_threads(pool), 1);
}

static void see_mask(void *job, unsigned worker, void *context)
{
	(void)worker;
	(void)context;
	pthread_sigmask(SIG_SETMASK, NULL, job);
}

static void signals_are_left_to_the_caller(void **state)
{
	CLEANUP_WORKPOOL struct sfs_workpool *pool = NULL;
	sigset_t mask, before, after;

	(void)state;
	sigemptyset(&mask);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(sfs_workpool_new(1, 1, see_mask, NULL, &pool), 0);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	sfs_workpool_submit(pool, &mask);
	assert_ptr_equal(sfs_workpool_collect(pool), &mask);
	assert_int_equal(sigismember(&mask, SIGINT), 1);
	assert_int_equal(sigismember(&mask, SIGTERM), 1);
	assert_int_equal(sigismember(&before, SIGINT),
			 sigismember(&after, SIGINT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_come_in_order),
		cmocka_unit_test(depth_may_be_less_than_threads),
		cmocka_unit_test(a_slow_job_holds_later_ones_back),
		cmocka_unit_test(jobs_run_at_once),
		cmocka_unit_test(full_says_when_to_collect),
		cmocka_unit_test(free_finishes_what_was_submitted),
		cmocka_unit_test(no_count_means_the_processors_allowed),
		cmocka_unit_test(signals_are_left_to_the_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
