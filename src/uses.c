/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/uses.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "src/log.h"
#include "src/source.h"

int sfs_uses_init(struct sfs_uses *uses)
{
	*uses = (struct sfs_uses){ 0 };
	return sfs_mounts_read(&uses->mounts);
}

void sfs_uses_done(struct sfs_uses *uses)
{
	for (size_t i = 0; i < uses->count; i++)
		free(uses->uses[i].where);
	free(uses->uses);
	free(uses->devices);
	free(uses->watched);
	sfs_mounts_done(&uses->mounts);
	*uses = (struct sfs_uses){ 0 };
}

int sfs_uses_add(struct sfs_uses *uses, const struct sfs_use *use)
{
	struct sfs_use *added;
	int r;

	r = sfs_grow(&uses->uses, &uses->capacity, uses->count, sizeof(*use));
	if (r < 0)
		return r;
	added = &uses->uses[uses->count];
	*added = *use;
	added->where = sfs_strdup(use->where);
	if (!added->where)
		return -ENOMEM;
	uses->count++;
	return 0;
}

static int add_for_device(struct sfs_uses *uses, enum sfs_use_kind kind,
			  uint64_t device)
{
	char node[PATH_MAX];
	struct sfs_use use = {
		.kind = kind,
		.device = device,
		.writable = true,
		.where = node,
	};

	sfs_sysfs_node(device, node, sizeof(node));
	return sfs_uses_add(uses, &use);
}

/* ---- one device ---- */

static bool seen(const struct sfs_uses *uses, uint64_t device)
{
	for (size_t i = 0; i < uses->device_count; i++)
		if (uses->devices[i] == device)
			return true;
	return false;
}

static int note(uint64_t **array, size_t *capacity, size_t *count,
		uint64_t device)
{
	int r;

	r = sfs_grow(array, capacity, *count, sizeof(device));
	if (r < 0)
		return r;
	(*array)[(*count)++] = device;
	return 0;
}

void sfs_uses_pause(void)
{
	static const struct timespec pause = { .tv_nsec = 20000000 };

	nanosleep(&pause, NULL);
}

static bool is_claimed_now(uint64_t device)
{
	CLEANUP_CLOSE int fd = -1;
	char node[PATH_MAX];

	sfs_sysfs_node(device, node, sizeof(node));
	fd = open(node, O_RDONLY | O_EXCL | O_CLOEXEC);
	return fd < 0 && errno == EBUSY;
}

/* Whether somebody has claimed the device, or part of it. */
static bool is_claimed(uint64_t device)
{
	for (int i = 0; i < SFS_USES_LOOKS; i++) {
		if (!is_claimed_now(device))
			return false;
		sfs_uses_pause();
	}
	return true;
}

static int add_mounts(struct sfs_uses *uses, uint64_t device)
{
	const struct sfs_mounts *mounts = &uses->mounts;
	int r;

	for (size_t i = 0; i < mounts->count; i++) {
		const struct sfs_mount *mount = &mounts->mounts[i];
		struct sfs_use use = {
			.kind = SFS_USE_MOUNT,
			.device = device,
			.fs = mount->fs,
			.writable = mount->writable,
			.where = mount->dir,
		};

		if (!sfs_mount_is_on(mount, device))
			continue;
		r = sfs_uses_add(uses, &use);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_swap(struct sfs_uses *uses, uint64_t device)
{
	CLEANUP_FCLOSE FILE *file = fopen("/proc/swaps", "re");
	CLEANUP_FREE char *line = NULL;
	size_t size = 0;
	struct stat st;
	int r = 0;

	/* A kernel without swap. */
	if (!file)
		return 0;
	while (r == 0 && getline(&line, &size, file) > 0) {
		line[strcspn(line, " \t\n")] = '\0';
		if (line[0] == '/' && stat(line, &st) == 0 &&
		    S_ISBLK(st.st_mode) && st.st_rdev == device)
			r = add_for_device(uses, SFS_USE_SWAP, device);
	}
	return r;
}

/* ---- loop devices ---- */

struct backing {
	struct sfs_uses *uses;
	uint64_t dev, inode; /* of a file, or */
	uint64_t rdev;	     /* of a device */
};

/* By identity, not by name: names change, and mean something else in other
 * namespaces. */
static bool loop_is_of(uint64_t loop, const struct backing *backing)
{
	CLEANUP_CLOSE int fd = -1;
	struct loop_info64 info = { 0 };
	char path[PATH_MAX];
	struct stat st;

	sfs_sysfs_node(loop, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && ioctl(fd, LOOP_GET_STATUS64, &info) == 0)
		return backing->rdev ? info.lo_rdevice == backing->rdev
				     : info.lo_device == backing->dev &&
					       info.lo_inode == backing->inode;
	/* Without the right to open it there is only the name. */
	if (sfs_sysfs_read(loop, "loop/backing_file", path, sizeof(path)) < 0 ||
	    stat(path, &st) < 0)
		return false;
	return backing->rdev ? st.st_rdev == backing->rdev
			     : st.st_dev == backing->dev &&
				       st.st_ino == backing->inode;
}

static int add_loop(uint64_t loop, void *context)
{
	struct backing *backing = context;
	struct sfs_uses *uses = backing->uses;
	size_t before = uses->count;
	char text[16];
	int r;

	/* A loop device attached read-only cannot change its file. */
	if (!loop_is_of(loop, backing) ||
	    (sfs_sysfs_read(loop, "ro", text, sizeof(text)) == 0 &&
	     !strcmp(text, "1")))
		return 0;
	r = sfs_uses_add_device(uses, loop);
	if (r >= 0 && uses->count == before)
		r = add_for_device(uses, SFS_USE_ATTACHED, loop);
	return r;
}

int sfs_uses_add_file(struct sfs_uses *uses, const struct stat *st)
{
	struct backing backing = {
		.uses = uses,
		.dev = st->st_dev,
		.inode = st->st_ino,
	};

	return sfs_sysfs_loops(add_loop, &backing);
}

/* ---- a device and all that is made of it ---- */

struct level {
	struct sfs_uses *uses;
	bool claimed;
};

static int walk(struct sfs_uses *uses, uint64_t device, bool *ret_claimed);

static int walk_holder(uint64_t device, void *context)
{
	struct level *level = context;
	bool ignored;

	/* Its being there explains the claim, used or not. */
	level->claimed = true;
	return walk(level->uses, device, &ignored);
}

static int walk_partition(uint64_t device, void *context)
{
	struct level *level = context;
	bool part_claimed = false;
	int r;

	r = walk(level->uses, device, &part_claimed);
	level->claimed |= part_claimed;
	return r;
}

/* Who uses the device as a whole, and not a partition of it. */
static int walk_whole(uint64_t device, struct level *level)
{
	struct sfs_uses *uses = level->uses;
	size_t before = uses->count;
	int r;

	r = add_mounts(uses, device);
	if (r == 0)
		r = add_swap(uses, device);
	if (r == 0)
		r = sfs_sysfs_list(device, "holders", "dev", walk_holder,
				   level);
	level->claimed |= uses->count > before;
	return r;
}

static int walk_all(struct sfs_uses *uses, uint64_t device, bool *ret_claimed)
{
	struct backing backing = { .uses = uses, .rdev = device };
	struct level level = { .uses = uses };
	int r;

	r = walk_whole(device, &level);
	/* Nobody can use a partition of what is used as a whole, and their
	 * being claimed says nothing then. */
	if (r == 0 && !level.claimed)
		r = sfs_sysfs_list(device, ".", "partition", walk_partition,
				   &level);
	if (r < 0)
		return r;

	if (!level.claimed && is_claimed(device)) {
		level.claimed = true;
		r = add_for_device(uses, SFS_USE_CLAIM, device);
		if (r < 0)
			return r;
	}
	*ret_claimed = level.claimed;
	return sfs_sysfs_loops(add_loop, &backing);
}

static bool has_swap(const struct sfs_uses *uses, size_t from)
{
	for (size_t i = from; i < uses->count; i++)
		if (uses->uses[i].kind == SFS_USE_SWAP)
			return true;
	return false;
}

static int walk(struct sfs_uses *uses, uint64_t device, bool *ret_claimed)
{
	size_t before = uses->count;
	size_t watched = uses->watched_count;
	int r;

	*ret_claimed = false;
	if (seen(uses, device))
		return 0;
	r = note(&uses->devices, &uses->device_capacity, &uses->device_count,
		 device);
	if (r < 0)
		return r;
	r = walk_all(uses, device, ret_claimed);
	/* Writes to swap go on and do not matter: then the parts beside it
	 * are watched, otherwise the whole, which counts theirs as well. */
	if (r < 0 || has_swap(uses, before))
		return r;
	uses->watched_count = watched;
	return note(&uses->watched, &uses->watched_capacity,
		    &uses->watched_count, device);
}

int sfs_uses_add_device(struct sfs_uses *uses, uint64_t device)
{
	bool found;
	int r;

	r = walk(uses, device, &found);
	return r < 0 ? r : found;
}

uint64_t sfs_uses_written(const struct sfs_uses *uses)
{
	uint64_t written, discarded, sum = 0;
	char text[512];

	for (size_t i = 0; i < uses->watched_count; i++) {
		written = 0;
		discarded = 0;
		if (sfs_sysfs_read(uses->watched[i], "stat", text,
				   sizeof(text)) < 0)
			continue;
		sscanf(text,
		       "%*u %*u %*u %*u %*u %*u %" SCNu64
		       " %*u %*u %*u %*u %*u %*u %" SCNu64,
		       &written, &discarded);
		sum += written + discarded;
	}
	return sum;
}

const struct sfs_use *sfs_uses_writer(const struct sfs_uses *uses,
				      const struct sfs_freeze *freeze)
{
	for (size_t i = 0; i < uses->count; i++) {
		const struct sfs_use *use = &uses->uses[i];

		if (use->kind == SFS_USE_SWAP || !use->writable)
			continue;
		if (use->kind == SFS_USE_MOUNT && freeze &&
		    sfs_freeze_covers(freeze, use->fs))
			continue;
		return use;
	}
	return NULL;
}

void sfs_use_explain(const struct sfs_use *use, const char *name)
{
	const char *where = use->where;

	switch (use->kind) {
	case SFS_USE_MOUNT:
		sfs_err("'%s': mounted read-write at '%s'; use --freeze '%s', "
			"--allow-fuzzy, or unmount it",
			name, where, where);
		break;
	case SFS_USE_SWAP:
		sfs_err("'%s': '%s' is used as swap; use swapoff, or "
			"--allow-fuzzy",
			name, where);
		break;
	case SFS_USE_CLAIM:
		sfs_err("'%s': '%s' is in exclusive use, though not by a mount "
			"seen from here; stop its user, or use --allow-fuzzy",
			name, where);
		break;
	case SFS_USE_ATTACHED:
		sfs_err("'%s': attached read-write to '%s'; use losetup -d "
			"'%s', or --allow-fuzzy",
			name, where, where);
		break;
	case SFS_USE_PROCESS:
		if (use->pid)
			sfs_err("'%s': open for writing by '%s' (process %d); "
				"stop it, or use --allow-fuzzy",
				name, where, use->pid);
		else
			sfs_err("'%s': open for writing by another program; "
				"stop it, or use --allow-fuzzy",
				name);
		break;
	}
}
