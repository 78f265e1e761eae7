/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A model test: seeded random operations on a real repository and on plain
 * arrays, compared byte for byte.
 *
 *	model [--seed N] [--operations N] [--mount PROGRAM]
 *
 * With --mount the repository is also mounted by PROGRAM all the while, and
 * snapshots and images are compared through the kernel too, and written to
 * below scratch/.  A failure prints the seed and the operation's number; the
 * same seed does the same again.
 */

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/log.h"
#include "src/mutex.h"
#include "tests/model/model.h"

const char *arg_mount;
struct sfs_repo *repo;
uint32_t chunk_size;
struct volume volumes[VOLUMES];
struct kept kept[SNAPSHOTS_MAX];
unsigned kept_count;
unsigned binned_count;
struct model_image images[IMAGES_MAX];
unsigned image_count;

static uint64_t arg_seed = 1;
static unsigned arg_operations = 1000;

static uint64_t state; /* of the generator */
static unsigned operation;

/* The last thing that was said; most refusals are wanted. */
static pthread_mutex_t said_lock = PTHREAD_MUTEX_INITIALIZER;
static char said[512];

void die(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "model: seed %" PRIu64 ", operation %u: ", arg_seed,
		operation);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; said last: %s\n", said);
	exit(1);
}

/* ---- chance ---- */

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", 2014. */
static uint64_t next_random(void)
{
	uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t below(uint64_t n)
{
	return n ? next_random() % n : 0;
}

bool rarely(uint64_t n)
{
	return below(n) == 0;
}

/* ---- refusals ---- */

static void note(enum sfs_level level, const char *text)
{
	if (level > SFS_LOG_WARN)
		return;
	SFS_LOCK(&said_lock);
	snprintf(said, sizeof(said), "%s", text);
}

static unsigned wrong_of(int r)
{
	switch (r) {
	case -EINVAL:
		return WRONG_EINVAL;
	case -ENOENT:
		return WRONG_ENOENT;
	case -EEXIST:
		return WRONG_EEXIST;
	case -EPERM:
		return WRONG_EPERM;
	default:
		return 0;
	}
}

bool was_done(const char *what, int r, unsigned wrong)
{
	if (wrong ? !(wrong_of(r) & wrong) : r < 0)
		die("%s: %d (%s), wrong are %#x", what, r, strerror(-r), wrong);
	if (wrong && !*said)
		die("%s: refused without a word", what);
	said[0] = '\0';
	return !wrong;
}

/* ---- the run ---- */

static void step_disk(unsigned kind)
{
	struct volume *volume = &volumes[below(VOLUMES)];

	if (kind < 24)
		op_write(volume);
	else if (kind < 28)
		op_resize(volume);
	else if (kind < 31)
		op_punch(volume);
	else if (kind < 48)
		op_snapshot((unsigned)(volume - volumes), 1);
	else
		op_snapshot(0, VOLUMES);
}

static void step_kept(unsigned kind)
{
	const struct kept *k = &kept[below(kept_count)];

	if (kept_count == 0)
		return;
	if (kind < 62)
		op_compare(k);
	else if (kind < 70)
		op_compare_mounted(k);
	else if (kind < 78)
		op_restore(k);
	else if (kind < 84)
		op_diff(k, &kept[below(kept_count)]);
	else
		op_delete();
}

static void step_repository(unsigned kind)
{
	if (kind < 95)
		op_gc();
	else if (kind < 97)
		op_reopen();
	else if (kind < 98)
		op_check();
	else
		op_list_mounted();
}

static void step_image(unsigned kind)
{
	struct model_image *image = &images[below(image_count)];

	if (kind < 106)
		op_register();
	else if (kind < 109)
		op_image_create();
	else if (image_count == 0)
		return;
	else if (kind < 115)
		op_edit(image);
	else if (kind < 118)
		op_deregister(image);
	else if (kind < 122)
		op_compare_image(image);
	else
		op_compare_image_mounted(image);
}

static void step(void)
{
	unsigned kind = (unsigned)below(130);

	if (kind < 50)
		step_disk(kind);
	else if (kind < 92)
		step_kept(kind);
	else if (kind < 100)
		step_repository(kind);
	else if (kind < 124)
		step_image(kind);
	else
		op_twin();
}

static void set_up(const char *dir)
{
	unsigned i;
	int fd;

	must(chdir(dir));
	chunk_size = 4096u << below(3);
	must(sfs_repo_init("repo", chunk_size, below(2) ? "lz4" : "none"));
	must(sfs_repo_open("repo", 0, &repo));
	for (i = 0; i < VOLUMES; i++) {
		snprintf(volumes[i].name, sizeof(volumes[i].name), "v%u", i);
		snprintf(volumes[i].path, sizeof(volumes[i].path), "v%u.raw",
			 i);
		volumes[i].bytes = calloc(1, DISK_MAX);
		must(fd = open(volumes[i].path, O_WRONLY | O_CREAT | O_CLOEXEC,
			       0600));
		close(fd);
		op_resize(&volumes[i]);
	}
	mount_it();
}

/* All that is there, once more. */
static void compare_all(void)
{
	unsigned i;

	for (i = 0; i < kept_count; i++)
		op_compare_mounted(&kept[i]);
	for (i = 0; i < image_count; i++)
		op_compare_image_mounted(&images[i]);
	compare_twins();
	close_twins();
	unmount_it();
	op_check();
	for (i = 0; i < kept_count; i++)
		op_compare(&kept[i]);
	for (i = 0; i < image_count; i++)
		op_compare_image(&images[i]);
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "operations", required_argument, NULL, 'n' },
		{ "mount", required_argument, NULL, 'm' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			arg_seed = strtoull(optarg, NULL, 0);
		else if (c == 'n')
			arg_operations = (unsigned)strtoul(optarg, NULL, 0);
		else if (c == 'm')
			arg_mount = realpath(optarg, NULL);
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/snapfs-model-XXXXXX", command[64];
	unsigned i;

	parse(argc, argv);
	state = arg_seed;
	sfs_log_set_sink(note);
	if (!mkdtemp(dir))
		die("mkdtemp: %s", strerror(errno));
	set_up(dir);
	for (operation = 0; operation < arg_operations; operation++)
		step();
	compare_all();
	printf("model: seed %" PRIu64 ": %u operations, %u snapshots and %u "
	       "images at the end, chunk size %u: all equal\n",
	       arg_seed, arg_operations, kept_count, image_count, chunk_size);
	sfs_repo_close(repo);
	for (i = 0; i < kept_count; i++)
		free(kept[i].bytes);
	for (i = 0; i < VOLUMES; i++)
		free(volumes[i].bytes);
	must(chdir("/"));
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) != 0;
}
