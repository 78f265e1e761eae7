/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The commands, and the repository that they are let loose on. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/repo.h"
#include "tests/fault/digest.h"
#include "tests/fault/fault.h"

#define WORDS_MAX 32

const struct command commands[] = {
	{ "init", "init repo --chunk-size 4K", NULL,
	  COMMAND_ATOMIC | COMMAND_NEW },
	{ "create-first",
	  "-r repo snapshot create new=@/new.raw -d first --tag k=v", NULL,
	  COMMAND_ATOMIC },
	{ "create", "-r repo snapshot create vol-a=@/a4.raw", NULL,
	  COMMAND_ATOMIC },
	{ "create-set",
	  "-r repo snapshot create vol-a=@/a4.raw vol-b=@/b2.raw "
	  "new=@/new.raw",
	  NULL, COMMAND_ATOMIC },
	{ "image-create",
	  "-r repo image create web-2 /dev/sda=@/a4.raw,volume=vol-a "
	  "/dev/sdb=@/b2.raw,volume=vol-b /dev/sdc=empty,size=1M",
	  NULL, COMMAND_ATOMIC },
	{ "image-register",
	  "-r repo image register again /dev/sda=%vol-a@-2 "
	  "/dev/sdb=empty,size=1M --arch x86_64",
	  NULL, COMMAND_ATOMIC },
	{ "image-deregister",
	  "-r repo image deregister web-1 --delete-snapshots", NULL,
	  COMMAND_ONCE | COMMAND_FULL_DISK },
	{ "image-tag", "-r repo image tag web-1 k=changed more=1", NULL,
	  COMMAND_ATOMIC | COMMAND_REPEATS },
	{ "image-share", "-r repo image share web-1 user:1234 all", NULL,
	  COMMAND_ATOMIC | COMMAND_REPEATS },
	{ "image-protect", "-r repo image protect web-1", NULL,
	  COMMAND_ATOMIC | COMMAND_REPEATS },
	{ "image-rename", "-r repo image rename web-1 web-9", NULL,
	  COMMAND_ATOMIC },
	{ "delete", "-r repo snapshot delete %vol-a@-2", NULL,
	  COMMAND_ATOMIC | COMMAND_FULL_DISK },
	{ "delete-two", "-r repo snapshot delete %vol-a@-2 %vol-a@-3", NULL,
	  COMMAND_ONCE | COMMAND_FULL_DISK },
	{ "delete-cascade", "-r repo snapshot delete %vol-b@latest --cascade",
	  NULL, COMMAND_FULL_DISK },
	{ "tag", "-r repo snapshot tag %vol-a@-1 k=changed more=1", NULL,
	  COMMAND_ATOMIC | COMMAND_REPEATS },
	{ "share", "-r repo snapshot share %vol-a@-1 user:1234", NULL,
	  COMMAND_ATOMIC | COMMAND_REPEATS },
	{ "gc", "-r repo gc", NULL,
	  COMMAND_ATOMIC | COMMAND_REPEATS | COMMAND_FULL_DISK |
		  COMMAND_COLLECTS },
	{ "rebuild", "-r repo rebuild", NULL,
	  COMMAND_ATOMIC | COMMAND_REPEATS | COMMAND_CATALOG },
	{ "restore", "-r repo snapshot restore %vol-a@-1 out/new.raw --verify",
	  NULL, COMMAND_ATOMIC },
	{ "restore-force",
	  "-r repo snapshot restore %vol-a@-1 out/old.raw --force", NULL,
	  COMMAND_ATOMIC | COMMAND_REPEATS },
	{ "restore-delta",
	  "-r repo snapshot restore %vol-a@-1 out/old.raw --force --delta",
	  NULL, COMMAND_REPEATS | COMMAND_IN_PLACE },
	{ "image-restore", "-r repo image restore web-1 out/machine",
	  "-r repo image restore web-1 out/machine --force", 0 },
	{ "image-export", "-r repo image export web-1 out/web.img", NULL,
	  COMMAND_ATOMIC },
	{ "image-import", "-r repo image import @/web.img --name imported",
	  NULL, COMMAND_ATOMIC },
};

const size_t command_count = SFS_ARRAY_SIZE(commands);

/* ---- words ---- */

static char *select_id(const char *dir, const char *selector)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	char path[PATH_SIZE];
	int r;

	snprintf(path, sizeof(path), "%s/repo", dir);
	r = sfs_repo_open(path, 0, &repo);
	if (r == 0)
		r = sfs_catalog_select(repo->catalog, selector, &snapshot);
	if (r < 0)
		die("%s: %s", selector, last_message());
	return must_alloc(strdup(snapshot->id));
}

static char *expand(const char *top, const char *dir, const char *word)
{
	const char *at = strstr(word, "@/"), *percent = strchr(word, '%');
	char *id, *ret;

	if (percent) {
		id = select_id(dir, percent + 1);
		ret = sfs_asprintf("%.*s%s", (int)(percent - word), word, id);
		free(id);
		return must_alloc(ret);
	}
	if (at)
		return must_alloc(sfs_asprintf("%.*s%s/src%s", (int)(at - word),
					       word, top, at + 1));
	return must_alloc(strdup(word));
}

static char **make_argv(const char *snapfs, const char *top, const char *dir,
			const char *words)
{
	char **argv = must_alloc(calloc(WORDS_MAX, sizeof(*argv)));
	char *copy = must_alloc(strdup(words)), *save, *word;
	size_t n = 0;

	argv[n++] = must_alloc(strdup(snapfs));
	for (word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		argv[n++] = expand(top, dir, word);
	free(copy);
	return argv;
}

static void free_argv(char **argv)
{
	size_t i;

	for (i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}

/* ---- the prepared repository ---- */

/* Chunks of 4 KiB, each of which compresses to half, and half a KiB.  Every
 * seventh is a hole, unless the seed is 0. */
static void make_source(const char *top, const char *name, unsigned chunks,
			unsigned seed, unsigned changed_every)
{
	char *path = must_alloc(sfs_asprintf("%s/src/%s", top, name));
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	uint64_t state, bytes[512] = { 0 };
	unsigned i, j;

	if (fd < 0 || ftruncate(fd, (off_t)chunks * 4096 + 512) < 0)
		die("%s: %s", path, strerror(errno));
	for (i = 0; i < chunks; i++) {
		state = name[0] * 1000u + i;
		if (changed_every && i % changed_every == 0)
			state += seed * 1000000u;
		for (j = 0; j < 256; j++)
			bytes[j] = next_random(&state);
		if (seed && i % 7 == 3)
			continue;
		if (pwrite(fd, bytes, 4096, (off_t)i * 4096) != 4096)
			die("%s: %s", path, strerror(errno));
	}
	close(fd);
	free(path);
}

static void must_run(const char *snapfs, const char *top, const char *dir,
		     const char *words)
{
	char **argv = make_argv(snapfs, top, dir, words), *said;
	int status = run_plainly(dir, argv, &said);

	if (status != 0)
		die("'%s' exited %d: %s", words, status, said);
	free(said);
	free_argv(argv);
}

/* What a creator leaves that dies as it gives its @n-th record a name. */
static void leave_unfinished(const char *snapfs, const char *top,
			     const char *dir, const char *words, unsigned n)
{
	const struct plan plan = { .action = ACTION_KILL,
				   .n = n,
				   .where = " repo/records/" };
	char **argv = make_argv(snapfs, top, dir, words);
	struct outcome outcome;

	trace(dir, argv, &plan, &outcome);
	if (!outcome.fired)
		die("'%s' was not killed", words);
	outcome_done(&outcome);
	free_argv(argv);
}

static void must_mkdir(const char *top, const char *name)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	if (mkdir(path, 0700) < 0)
		die("%s: %s", path, strerror(errno));
}

static void make_sources(const char *top)
{
	must_mkdir(top, "src");
	make_source(top, "a1.raw", 40, 1, 0);
	make_source(top, "a2.raw", 40, 2, 5);
	make_source(top, "a3.raw", 44, 3, 6);
	make_source(top, "a4.raw", 44, 4, 4);
	make_source(top, "b1.raw", 24, 1, 0);
	make_source(top, "b2.raw", 24, 2, 3);
	make_source(top, "new.raw", 30, 1, 0);
	make_source(top, "d.raw", 20, 1, 0);
	make_source(top, "x.raw", 12, 1, 0);
	make_source(top, "y.raw", 12, 1, 0);
}

/* What is there before: among it what interrupted creators and a deletion have
 * left to gc. */
static const char *const preparations[] = {
	"init repo --chunk-size 4K",
	"-r repo snapshot create vol-a=@/a1.raw --tag k=v",
	"-r repo snapshot create vol-d=@/d.raw",
	"-r repo snapshot create vol-a=@/a2.raw",
	"-r repo snapshot create vol-a=@/a1.raw vol-b=@/b1.raw",
	"-r repo snapshot create vol-a=@/a3.raw",
	("-r repo image register web-1 /dev/sda=%vol-a@latest "
	 "/dev/sdb=%vol-b@latest --tag k=v --arch x86_64"),
	"-r repo image register other /dev/sda=%vol-a@latest --arch x86_64",
	"-r repo snapshot delete %vol-d@latest",
	"-r repo image export web-1 ../src/web.img",
};

/* Of every snapshot: what it reads as is what the file held that it was taken
 * from.  From here on digests are compared with each other. */
static void check_sources(const struct state *state, const char *top,
			  const char *volume, unsigned back, const char *name)
{
	char *path = must_alloc(sfs_asprintf("%s/src/%s", top, name));
	char want[64], *id, key[64];
	char *dir = must_alloc(sfs_asprintf("%s/base", top));
	uint64_t size, digest = digest_file(path, &size);
	const char *value;

	snprintf(want, sizeof(want), "%s@-%u", volume, back);
	id = select_id(dir, back ? want : "vol-a@latest");
	snprintf(key, sizeof(key), "snapshot %s", id);
	snprintf(want, sizeof(want), "%s %llu %016llx", volume,
		 (unsigned long long)size, (unsigned long long)digest);
	value = state_value(state, key, strlen(key));
	if (!value || strncmp(value, want, strlen(want)) != 0)
		die("%s does not read as %s", key, name);
	free(id);
	free(dir);
	free(path);
}

void prepare(const char *snapfs, const char *top)
{
	char *dir = must_alloc(sfs_asprintf("%s/base", top));
	const char *what;
	struct state state;
	size_t i;

	make_sources(top);
	must_mkdir(top, "base");
	must_mkdir(dir, "out");
	make_source(top, "../base/out/old.raw", 42, 0, 0);
	for (i = 0; i < SFS_ARRAY_SIZE(preparations); i++)
		must_run(snapfs, top, dir, preparations[i]);
	leave_unfinished(snapfs, top, dir, "-r repo snapshot create x=@/x.raw",
			 1);
	leave_unfinished(snapfs, top, dir,
			 "-r repo snapshot create x=@/x.raw y=@/y.raw", 3);
	what = state_read(dir, NULL, &state);
	if (what)
		die("the prepared repository: %s", what);
	check_sources(&state, top, "vol-a", 0, "a3.raw");
	check_sources(&state, top, "vol-a", 1, "a1.raw");
	check_sources(&state, top, "vol-a", 2, "a2.raw");
	check_sources(&state, top, "vol-a", 3, "a1.raw");
	state_done(&state);
	free(dir);
}

/* ---- a fresh copy, and what should happen to it ---- */

static void remove_catalog(const char *dir)
{
	static const char *const names[] = { "", "-wal", "-shm" };
	char path[PATH_SIZE];
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/repo/catalog.db%s", dir,
			 names[i]);
		if (unlink(path) < 0 && errno != ENOENT)
			die("%s: %s", path, strerror(errno));
	}
}

void world_reset(struct world *world, const struct command *command)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	char path[PATH_SIZE];

	remove_tree(world->dir);
	if (command->flags & COMMAND_NEW) {
		must_mkdir(world->dir, "");
		must_mkdir(world->dir, "out");
		return;
	}
	copy_tree(world->base, world->dir);
	/* In the copy every file is another one: let the catalog see that. */
	snprintf(path, sizeof(path), "%s/repo", world->dir);
	if (sfs_repo_open(path, 0, &repo) < 0)
		die("the copy cannot be opened: %s", last_message());
	if (world->without_catalog)
		remove_catalog(world->dir);
}

static void must(const char *what)
{
	if (what)
		die("without any fault: %s", what);
}

static void read_both(struct world *world, struct state *state,
		      struct files *files)
{
	must(state_read(world->dir, &world->base_names, state));
	must(state_check(world->dir));
	must(state_collect(world->dir));
	must(state_leftover(world->dir));
	files_read(world->dir, files);
}

void reference_make(struct world *world, const struct command *command,
		    bool every_call, struct reference *ret)
{
	const struct plan plan = { .every_call = every_call };
	const char *again = command->again;

	*ret = (struct reference){ 0 };
	world_reset(world, command);
	ret->argv = make_argv(world->snapfs, world->top, world->dir,
			      command->words);
	ret->again = make_argv(world->snapfs, world->top, world->dir,
			       again ? again : command->words);
	ret->temporary = count_names(world->dir, "repo/tmp");
	read_both(world, &ret->before, &ret->before_files);
	world_reset(world, command);
	trace(world->dir, ret->argv, &plan, &ret->counted);
	if (ret->counted.status != 0 || ret->counted.signal != 0)
		die("'%s' exited %d: %s", command->words, ret->counted.status,
		    ret->counted.said);
	read_both(world, &ret->after, &ret->after_files);
}

void reference_done(struct reference *reference)
{
	state_done(&reference->before);
	state_done(&reference->after);
	files_done(&reference->before_files);
	files_done(&reference->after_files);
	outcome_done(&reference->counted);
	free_argv(reference->argv);
	free_argv(reference->again);
}
