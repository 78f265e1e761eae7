/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Faults at every system call of every command: README.md beside this.
 */

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault/digest.h"
#include "tests/fault/misbehave.h"
#include "tests/fault/workers.h"

/* Scratch files to remove at exit, and whose. */
static char *arg_top;
static pid_t arg_owner;

struct options {
	struct job job;
	const char *mode; /* "kill", "errors", "controls", "calls"; or NULL */
	bool long_form, keep, list;
};

void die(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "fault: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(2);
}

void *must_alloc(void *p)
{
	if (!p)
		die("out of memory");
	return p;
}

void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

/* Steele, Lea, Flood, "Fast splittable pseudorandom number generators". */
uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* ---- all of it ---- */

static bool wants(const struct options *options, const char *mode)
{
	return !options->mode || strcmp(options->mode, mode) == 0;
}

static unsigned kills(const struct options *options)
{
	unsigned problems, faults = 0;
	struct job job = options->job;

	problems = run_workers(&job, "kills", kill_command, &faults);
	if (options->long_form) {
		job.selection.without_catalog = true;
		problems += run_workers(&job, "kills without a catalog",
					kill_command, &faults);
		job.selection.without_catalog = false;
		job.selection.twice = true;
		problems += run_workers(&job, "kills, two in a row",
					kill_command, &faults);
		job.selection.twice = false;
		job.selection.every_call = true;
		problems += run_workers(&job, "kills at any call, one in five",
					kill_command, &faults);
	}
	printf("%u kills, %u lost\n", faults, problems);
	return problems;
}

static unsigned controls(const struct job *job)
{
	struct shared shared = { 0 };
	struct world world;
	char path[PATH_SIZE];
	unsigned missed;

	world_make(&world, job, 0, &shared);
	missed = run_controls(&world);
	world_done(&world);
	snprintf(path, sizeof(path), "%s/w0", job->top);
	remove_tree(path);
	return missed;
}

static unsigned run(const struct options *options)
{
	const struct selection *selection = &options->job.selection;
	unsigned problems = 0, faults = 0;

	prepare(options->job.snapfs, options->job.top);
	if (options->mode && strcmp(options->mode, "calls") == 0)
		return run_workers(&options->job, "calls", show_calls, &faults);
	if (wants(options, "controls") && !selection->command)
		problems += controls(&options->job);
	if (wants(options, "kill") && !selection->fail)
		problems += kills(options);
	if (wants(options, "errors") && !selection->kill)
		problems += run_workers(&options->job, "errors", fail_command,
					&faults);
	return problems;
}

static char *make_top(void)
{
	const char *dir = getenv("TMPDIR");
	char *top;

	/* What is killed is judged by names and bytes, so memory will do. */
	if (!dir || !*dir)
		dir = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	top = must_alloc(sfs_asprintf("%s/snapfs-fault.XXXXXX", dir));
	if (!mkdtemp(top))
		die("%s: %s", top, strerror(errno));
	return top;
}

static void remove_top(void)
{
	if (arg_owner == getpid())
		remove_tree(arg_top);
}

static void parse_fail(struct selection *selection, const char *text)
{
	char *end;

	selection->fail = (unsigned)strtoul(text, &end, 10);
	selection->how = *end == ':' ? end + 1 : NULL;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: fault --snapfs PROGRAM [--long] [--jobs N] [--seed N]\n"
		"             [--mode kill|errors|controls|calls] [--command "
		"NAME]\n"
		"             [--kill N [--every-call] [--twice]\n"
		"              [--without-catalog]] [--fail N[:HOW]]\n"
		"             [--keep] [--verbose] [--list]\n");
	exit(2);
}

static void take_option(struct options *options, int letter, const char *value)
{
	struct selection *selection = &options->job.selection;

	switch (letter) {
	case 's':
		options->job.snapfs = value;
		break;
	case 'l':
		options->long_form = selection->full = true;
		break;
	case 'j':
		selection->jobs = (unsigned)strtoul(value, NULL, 10);
		break;
	case 'r':
		selection->seed = strtoull(value, NULL, 10);
		break;
	case 'm':
		options->mode = value;
		break;
	case 'c':
		selection->command = value;
		break;
	case 'k':
		selection->kill = (unsigned)strtoul(value, NULL, 10);
		break;
	case 'f':
		parse_fail(selection, value);
		break;
	case 'e':
		selection->every_call = true;
		break;
	case 't':
		selection->twice = true;
		break;
	case 'w':
		selection->without_catalog = true;
		break;
	case 'K':
		options->keep = true;
		break;
	case 'v':
		options->job.verbose = true;
		break;
	case 'L':
		options->list = true;
		break;
	default:
		usage();
	}
}

static void parse(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{ "snapfs", required_argument, NULL, 's' },
		{ "long", no_argument, NULL, 'l' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "seed", required_argument, NULL, 'r' },
		{ "mode", required_argument, NULL, 'm' },
		{ "command", required_argument, NULL, 'c' },
		{ "kill", required_argument, NULL, 'k' },
		{ "fail", required_argument, NULL, 'f' },
		{ "every-call", no_argument, NULL, 'e' },
		{ "twice", no_argument, NULL, 't' },
		{ "without-catalog", no_argument, NULL, 'w' },
		{ "keep", no_argument, NULL, 'K' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "list", no_argument, NULL, 'L' },
		{ NULL, 0, NULL, 0 },
	};
	struct selection *selection;
	int letter;

	*options = (struct options){
		.job.selection = { .seed = 1, .jobs = 2, .stride = 5 },
	};
	while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1)
		take_option(options, letter, optarg);
	selection = &options->job.selection;
	if (optind < argc || selection->jobs < 1 ||
	    selection->jobs > WORKERS_MAX ||
	    (!options->job.snapfs && !options->list))
		usage();
	if (selection->kill || selection->fail ||
	    (options->mode && strcmp(options->mode, "calls") == 0))
		selection->jobs = 1;
}

static void show_commands(void)
{
	size_t i;

	for (i = 0; i < command_count; i++)
		printf("%-16s snapfs %s\n", commands[i].name,
		       commands[i].words);
}

int main(int argc, char **argv)
{
	struct options options;
	unsigned problems;

	if (argc == 4 && strcmp(argv[1], "--misbehave") == 0)
		return misbehave(argv[2], argv[3]);
	parse(argc, argv, &options);
	if (options.list) {
		show_commands();
		return 0;
	}
	options.job.snapfs = realpath(options.job.snapfs, NULL);
	if (!options.job.snapfs)
		usage();
	workers_init();
	umask(022);
	arg_top = make_top();
	arg_owner = options.keep ? 0 : getpid();
	atexit(remove_top);
	options.job.top = arg_top;
	printf("seed %llu\n", (unsigned long long)options.job.selection.seed);
	problems = run(&options);
	if (options.keep)
		printf("kept: %s\n", arg_top);
	return problems ? 1 : 0;
}
