/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A model test: seeded random operations on a real repository and on plain
 * arrays, compared byte for byte.
 *
 *	model [--seed N] [--operations N] [--mount PROGRAM]
 *
 * With --mount the repository is also mounted by PROGRAM all the while, and
 * snapshots are compared through the kernel too.  A failure prints the seed
 * and the operation's number; the same seed does the same again.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/check.h"
#include "src/delete.h"
#include "src/diff.h"
#include "src/ingest.h"
#include "src/repo.h"
#include "src/restore.h"
#include "src/view.h"

#define VOLUMES	      3
#define SNAPSHOTS_MAX 48
#define SIZE_MAX_     (1500u << 10)

struct volume {
	char name[16];
	char path[64];
	uint8_t *bytes; /* SIZE_MAX_, zero beyond size */
	size_t size;
};

struct kept {
	char id[SFS_ID_SIZE];
	uint8_t *bytes;
	size_t size;
};

static uint64_t arg_seed = 1;
static unsigned arg_operations = 1000;
static const char *arg_mount;

static uint64_t state; /* of the generator */
static unsigned operation;
static struct sfs_repo *repo;
static uint32_t chunk_size;
static struct volume volumes[VOLUMES];
static struct kept kept[SNAPSHOTS_MAX];
static unsigned kept_count;

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "model: seed %" PRIu64 ", operation %u: ", arg_seed,
		operation);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

#define must(call)                                                             \
	do {                                                                   \
		long must_ = (long)(call);                                     \
		if (must_ < 0)                                                 \
			die("%s: %ld (%s)", #call, must_,                      \
			    strerror(must_ == -1 ? errno : (int)-must_));      \
	} while (0)

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", 2014. */
static uint64_t next_random(void)
{
	uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t below(uint64_t n)
{
	return n ? next_random() % n : 0;
}

/* ---- operations on volumes ---- */

static void fill(uint8_t *bytes, size_t size)
{
	unsigned kind = (unsigned)below(4);
	uint64_t seed = below(6); /* few, so that contents meet again */
	size_t i;

	for (i = 0; i < size; i++) {
		switch (kind) {
		case 0: /* cannot be compressed */
			bytes[i] = (uint8_t)next_random();
			break;
		case 1: /* the same in other places and volumes */
			bytes[i] = (uint8_t)(seed * 31 + i % 4096 / 16);
			break;
		case 2:
			bytes[i] = 0;
			break;
		default:
			bytes[i] = (uint8_t)(1 + seed);
		}
	}
}

static void op_write(struct volume *volume)
{
	size_t offset, size;
	int fd;

	if (volume->size == 0)
		return;
	offset = below(volume->size);
	size = 1 + below(below(3) ? 3 * chunk_size : 40 * chunk_size);
	if (below(2)) { /* aligned, so that sharing happens */
		offset -= offset % chunk_size;
		size += chunk_size - size % chunk_size;
	}
	size = size > volume->size - offset ? volume->size - offset : size;
	fill(volume->bytes + offset, size);
	must(fd = open(volume->path, O_WRONLY | O_CLOEXEC));
	must(pwrite(fd, volume->bytes + offset, size, (off_t)offset) -
	     (ssize_t)size);
	close(fd);
}

static void op_resize(struct volume *volume)
{
	size_t size = below(4) ? below(SIZE_MAX_)
			       : below(SIZE_MAX_ / chunk_size) * chunk_size;

	if (!below(20))
		size = below(2);
	if (size < volume->size)
		memset(volume->bytes + size, 0, volume->size - size);
	volume->size = size;
	must(truncate(volume->path, (off_t)size));
}

static void op_punch(struct volume *volume)
{
	size_t offset, size;
	int fd;

	if (volume->size == 0)
		return;
	offset = below(volume->size);
	size = 1 + below(volume->size - offset);
	memset(volume->bytes + offset, 0, size);
	must(fd = open(volume->path, O_WRONLY | O_CLOEXEC));
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       (off_t)offset, (off_t)size));
	close(fd);
}

/* ---- comparing ---- */

static void same(const uint8_t *got, const uint8_t *want, size_t size,
		 const char *id, size_t offset, const char *how)
{
	size_t i;

	if (memcmp(got, want, size) == 0)
		return;
	for (i = 0; got[i] == want[i]; i++)
		;
	die("%s of %s: byte %zu is %u, should be %u", how, id, offset + i,
	    got[i], want[i]);
}

static void compare_holes(struct sfs_view *view, const struct kept *k)
{
	uint64_t at = 0, data, hole;
	size_t i;
	int r;

	while (at < k->size) {
		r = sfs_view_next_data(view, at, &data);
		if (r == -ENXIO)
			data = k->size;
		else
			must(r);
		for (i = at; i < data; i++)
			if (k->bytes[i])
				die("%s: byte %zu is in a hole", k->id, i);
		if (data >= k->size)
			break;
		must(sfs_view_next_hole(view, data, &hole));
		if (hole <= data)
			die("%s: empty data at %" PRIu64, k->id, data);
		at = hole;
	}
}

static void op_compare(const struct kept *k)
{
	static uint8_t buffer[SIZE_MAX_];
	size_t offset = 0, size = k->size, got;
	struct sfs_view *view;

	must(sfs_view_open(repo, k->id, &view));
	if (sfs_view_snapshot(view)->size != k->size)
		die("%s: size %" PRIu64 ", should be %zu", k->id,
		    sfs_view_snapshot(view)->size, k->size);
	if (below(2)) {
		offset = below(k->size);
		size = below(k->size - offset);
	}
	must(sfs_view_pread(view, buffer, size, offset, &got));
	if (got != size)
		die("%s: short read", k->id);
	same(buffer, k->bytes + offset, size, k->id, offset, "view");
	compare_holes(view, k);
	sfs_view_close(view);
}

static void op_compare_mounted(const struct kept *k)
{
	static uint8_t buffer[SIZE_MAX_];
	char path[64];
	ssize_t n;
	int fd;

	if (!arg_mount)
		return;
	snprintf(path, sizeof(path), "mnt/snapshots/%s.img", k->id);
	must(fd = open(path, O_RDONLY | O_CLOEXEC));
	n = pread(fd, buffer, sizeof(buffer), 0);
	if (n != (ssize_t)k->size)
		die("%s: the mount gives %zd bytes, not %zu", k->id, n,
		    k->size);
	same(buffer, k->bytes, k->size, k->id, 0, "mount");
	close(fd);
}

static void op_list_mounted(void)
{
	struct dirent *entry;
	unsigned count = 0;
	DIR *dir;

	if (!arg_mount)
		return;
	dir = opendir("mnt/snapshots");
	if (!dir)
		die("mnt/snapshots: %s", strerror(errno));
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	if (count != kept_count)
		die("the mount lists %u snapshots, not %u", count, kept_count);
}

/* ---- operations on the repository ---- */

static void keep(const struct volume *volume, struct sfs_snapshot *snapshot)
{
	struct kept *k = &kept[kept_count++];

	memcpy(k->id, snapshot->id, sizeof(k->id));
	k->size = volume->size;
	k->bytes = malloc(volume->size + 1);
	memcpy(k->bytes, volume->bytes, volume->size);
	sfs_snapshot_free(snapshot);
}

static int interrupt_soon(struct sfs_progress *progress)
{
	unsigned *left = progress->context;

	return (*left)-- == 0 ? -EINTR : 0;
}

static void op_snapshot(unsigned first, unsigned count)
{
	struct sfs_ingest_member members[VOLUMES];
	struct sfs_snapshot *snapshots[VOLUMES];
	struct sfs_ingest_options options = { .threads = 2 };
	unsigned left = (unsigned)below(3), i;
	struct sfs_progress progress = { .what = "test",
					 .step = interrupt_soon,
					 .context = &left };
	bool interrupt = below(8) == 0;
	int r;

	if (kept_count + count > SNAPSHOTS_MAX)
		return;
	for (i = 0; i < count; i++) {
		members[i].volume = volumes[first + i].name;
		members[i].source = volumes[first + i].path;
	}
	if (interrupt)
		options.progress = &progress;
	if (below(10) == 0)
		options.parent = "none";
	r = sfs_ingest(repo, members, count, &options, snapshots);
	if (interrupt && r == -EINTR)
		return;
	must(r);
	for (i = 0; i < count; i++)
		keep(&volumes[first + i], snapshots[i]);
}

static void op_delete(unsigned i)
{
	char *ids[] = { kept[i].id };
	uint64_t bytes;

	must(sfs_delete_would_free(repo, ids, 1, &bytes));
	must(sfs_delete(repo, ids, 1));
	free(kept[i].bytes);
	kept[i] = kept[--kept_count];
}

/* What gc foretells is what it does. */
static void op_gc(void)
{
	struct sfs_gc_result dry, real;

	must(sfs_gc(repo, true, NULL, &dry));
	must(sfs_gc(repo, false, NULL, &real));
	if (real.packs_removed != dry.packs_removed)
		die("gc removed %" PRIu64 " packs, foretold %" PRIu64,
		    real.packs_removed, dry.packs_removed);
}

static void op_reopen(void)
{
	static const char junk[] = "not a database";
	int fd;

	sfs_repo_close(repo);
	switch (below(4)) {
	case 0:
		unlink("repo/catalog.db");
		unlink("repo/catalog.db-wal");
		unlink("repo/catalog.db-shm");
		break;
	case 1:
		must(fd = open("repo/catalog.db",
			       O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		must(pwrite(fd, junk, sizeof(junk), (off_t)below(20000)));
		close(fd);
		break;
	default:
		break;
	}
	must(sfs_repo_open("repo", 0, &repo));
}

static void op_restore(const struct kept *k)
{
	static uint8_t buffer[SIZE_MAX_];
	struct sfs_restore_options options = { .force = true, .threads = 2 };
	struct sfs_restore_result result;
	struct sfs_view *view;
	ssize_t n;
	int fd;

	options.delta = below(2);
	options.verify = below(2);
	must(sfs_view_open(repo, k->id, &view));
	must(sfs_restore(view, "restored", &options, &result));
	sfs_view_close(view);
	must(fd = open("restored", O_RDONLY | O_CLOEXEC));
	n = pread(fd, buffer, sizeof(buffer), 0);
	if (n != (ssize_t)k->size)
		die("%s: restored %zd bytes, not %zu", k->id, n, k->size);
	same(buffer, k->bytes, k->size, k->id, 0,
	     options.delta ? "restore --delta" : "restore");
	close(fd);
}

struct ranges {
	const struct kept *from, *to;
	uint64_t at; /* everything before has been judged */
};

static uint8_t byte_of(const struct kept *k, uint64_t i)
{
	return i < k->size ? k->bytes[i] : 0;
}

static void must_equal(const struct ranges *ranges, uint64_t end)
{
	uint64_t i;

	for (i = ranges->at; i < end; i++)
		if (byte_of(ranges->from, i) != byte_of(ranges->to, i))
			die("diff of %s and %s misses byte %" PRIu64,
			    ranges->from->id, ranges->to->id, i);
}

static int take_range(enum sfs_change change, uint64_t offset, uint64_t size,
		      void *context)
{
	struct ranges *ranges = context;
	uint64_t chunk, i;

	(void)change;
	must_equal(ranges, offset);
	for (chunk = offset; chunk < offset + size; chunk += chunk_size) {
		for (i = chunk; i < chunk + chunk_size; i++)
			if (byte_of(ranges->from, i) != byte_of(ranges->to, i))
				break;
		if (i == chunk + chunk_size)
			die("diff of %s and %s: nothing differs at %" PRIu64,
			    ranges->from->id, ranges->to->id, chunk);
	}
	ranges->at = offset + size;
	return 0;
}

static void op_diff(const struct kept *from, const struct kept *to)
{
	struct ranges ranges = { from, to, 0 };
	struct sfs_view *a, *b;

	must(sfs_view_open(repo, from->id, &a));
	must(sfs_view_open(repo, to->id, &b));
	must(sfs_diff(a, b, take_range, &ranges));
	must_equal(&ranges, from->size > to->size ? from->size : to->size);
	sfs_view_close(a);
	sfs_view_close(b);
}

static void print_damage(const struct sfs_damage *damage, void *context)
{
	(void)context;
	fprintf(stderr, "damage %d: %s %s: %s\n", damage->kind,
		damage->name ? damage->name : "-",
		damage->volume ? damage->volume : "-",
		damage->why ? damage->why : "-");
}

static void op_check(void)
{
	struct sfs_check_options options = { .read_data = true, .threads = 2 };
	struct sfs_check_result result;

	must(sfs_check(repo, &options, print_damage, NULL, &result));
	if (result.damages || result.snapshots != kept_count)
		die("check: %" PRIu64 " damages, %" PRIu64 " snapshots of %u",
		    result.damages, result.snapshots, kept_count);
}

/* ---- the run ---- */

static void op_on_kept(unsigned kind)
{
	unsigned i;

	if (kept_count == 0)
		return;
	i = (unsigned)below(kept_count);
	if (kind < 62)
		op_compare(&kept[i]);
	else if (kind < 70)
		op_compare_mounted(&kept[i]);
	else if (kind < 78)
		op_restore(&kept[i]);
	else if (kind < 84)
		op_diff(&kept[i], &kept[below(kept_count)]);
	else
		op_delete(i);
}

static void step(void)
{
	struct volume *volume = &volumes[below(VOLUMES)];
	unsigned kind = (unsigned)below(100);

	if (kind < 24)
		op_write(volume);
	else if (kind < 28)
		op_resize(volume);
	else if (kind < 31)
		op_punch(volume);
	else if (kind < 48)
		op_snapshot((unsigned)(volume - volumes), 1);
	else if (kind < 50)
		op_snapshot(0, VOLUMES);
	else if (kind < 92)
		op_on_kept(kind);
	else if (kind < 95)
		op_gc();
	else if (kind < 97)
		op_reopen();
	else if (kind < 98)
		op_check();
	else
		op_list_mounted();
}

static void mount_it(void)
{
	pid_t pid;
	int status;

	must(mkdir("mnt", 0700));
	must(pid = fork());
	if (pid == 0) {
		execl(arg_mount, arg_mount, "repo", "mnt", (char *)NULL);
		_exit(127);
	}
	must(waitpid(pid, &status, 0));
	if (status != 0)
		die("%s: status %d", arg_mount, status);
}

static void unmount_it(void)
{
	if (umount2("mnt", 0) < 0)
		umount2("mnt", MNT_DETACH);
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
		volumes[i].bytes = calloc(1, SIZE_MAX_);
		must(fd = open(volumes[i].path, O_WRONLY | O_CREAT | O_CLOEXEC,
			       0600));
		close(fd);
		op_resize(&volumes[i]);
	}
	if (arg_mount) {
		mount_it();
		atexit(unmount_it);
	}
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
	if (!mkdtemp(dir))
		die("mkdtemp: %s", strerror(errno));
	set_up(dir);
	for (operation = 0; operation < arg_operations; operation++)
		step();
	op_check();
	for (i = 0; i < kept_count; i++) {
		op_compare(&kept[i]);
		op_compare_mounted(&kept[i]);
		free(kept[i].bytes);
	}
	printf("model: seed %" PRIu64 ": %u operations, %u snapshots at the "
	       "end, chunk size %u: all equal\n",
	       arg_seed, arg_operations, kept_count, chunk_size);
	sfs_repo_close(repo);
	for (i = 0; i < VOLUMES; i++)
		free(volumes[i].bytes);
	if (arg_mount)
		unmount_it();
	must(chdir("/"));
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) != 0;
}
