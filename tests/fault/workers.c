/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fault/workers.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/log.h"
#include "tests/fault/digest.h"

#define PROBLEMS_SHOWN 20

static char said_last[512];
static volatile sig_atomic_t asked_to_stop;

static void keep_message(enum sfs_level level, const char *text)
{
	if (level <= SFS_LOG_WARN)
		copy_text(said_last, sizeof(said_last), text);
}

const char *last_message(void)
{
	return said_last;
}

/* ---- cases ---- */

void set_now(struct world *world, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(world->now, sizeof(world->now), format, args);
	va_end(args);
	copy_text(world->shared->now[world->worker], sizeof(world->now),
		  world->now);
	said_last[0] = '\0';
}

void problem(struct world *world, const char *format, ...)
{
	unsigned before;
	va_list args;
	char text[2048];

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (world->caught) {
		if (world->verbose)
			printf("  %s: %s\n", world->now, text);
		++*world->caught;
		return;
	}
	before = atomic_fetch_add(&world->shared->problems, 1);
	if (before < PROBLEMS_SHOWN || world->verbose)
		fprintf(stderr, "LOST: %s: %s\n", world->now, text);
}

/* ---- workers ---- */

void world_make(struct world *world, const struct job *job, unsigned worker,
		struct shared *shared)
{
	char *path = must_alloc(sfs_asprintf("%s/w%u", job->top, worker));
	const struct selection *selection = &job->selection;

	*world = (struct world){
		.snapfs = job->snapfs,
		.top = job->top,
		.base = sfs_asprintf("%s/base", job->top),
		.dir = sfs_asprintf("%s/case", path),
		.verbose = job->verbose || selection->kill || selection->fail,
		.shared = shared,
		.worker = worker,
	};
	must_alloc(world->base);
	must_alloc(world->dir);
	if (mkdir(path, 0700) < 0)
		die("%s: %s", path, strerror(errno));
	copy_tree(world->base, world->dir);
	if (state_read(world->dir, NULL, &world->base_names))
		die("the prepared repository cannot be read");
	free(path);
}

void world_done(struct world *world)
{
	state_done(&world->base_names);
	free(world->base);
	free(world->dir);
}

static void run_share(struct world *world, const struct selection *selection,
		      command_fn *each)
{
	size_t i;

	for (i = 0; i < command_count; i++)
		if (!selection->command ||
		    strcmp(selection->command, commands[i].name) == 0)
			each(world, &commands[i], selection);
}

static pid_t start_worker(const struct job *job, unsigned worker,
			  struct shared *shared, command_fn *each)
{
	struct world world;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	world_make(&world, job, worker, shared);
	run_share(&world, &job->selection, each);
	world_done(&world);
	exit(0);
}

static void show_progress(const struct shared *shared, const char *what)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s: %u of %u cases, %u problems ", what,
			atomic_load(&shared->cases),
			atomic_load(&shared->total),
			atomic_load(&shared->problems));
}

static void on_stop(int signal)
{
	(void)signal;
	asked_to_stop = 1;
}

static void stop_all(const pid_t *pids, unsigned jobs)
{
	unsigned i;

	for (i = 0; i < jobs; i++)
		kill(pids[i], SIGTERM);
	asked_to_stop = 0;
}

static void reap(struct shared *shared, const pid_t *pids, unsigned jobs,
		 const char *what)
{
	unsigned i, left = jobs;
	int status;
	pid_t pid;

	while (left > 0) {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid == 0) {
			if (asked_to_stop)
				stop_all(pids, jobs);
			show_progress(shared, what);
			usleep(200000);
			continue;
		}
		left--;
		for (i = 0; i < jobs; i++)
			if (pids[i] == pid && status != 0)
				fprintf(stderr,
					"LOST: %s: the harness died (%#x): "
					"the engine crashed or hung in it\n",
					shared->now[i], status);
		if (status != 0)
			atomic_fetch_add(&shared->problems, 1);
	}
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

void workers_init(void)
{
	const struct sigaction stop = { .sa_handler = on_stop };

	sfs_log_set_sink(keep_message);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
}

unsigned run_workers(const struct job *job, const char *what, command_fn *each,
		     unsigned *faults)
{
	const unsigned jobs = job->selection.jobs;
	struct shared *shared =
		mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char path[PATH_SIZE];
	pid_t pids[WORKERS_MAX];
	unsigned i, problems;

	if (shared == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	for (i = 0; i < jobs; i++)
		pids[i] = start_worker(job, i, shared, each);
	reap(shared, pids, jobs, what);
	problems = atomic_load(&shared->problems);
	printf("%s: %u cases, %u faults, %u lost\n", what,
	       atomic_load(&shared->cases), atomic_load(&shared->fired),
	       problems);
	fflush(stdout);
	*faults += atomic_load(&shared->fired);
	for (i = 0; i < jobs; i++) {
		snprintf(path, sizeof(path), "%s/w%u", job->top, i);
		remove_tree(path);
	}
	munmap(shared, sizeof(*shared));
	return problems;
}
