/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/uses.h"

/* Who has a disk open for writing: a walk over /proc, as fuser(1) does it. */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

struct target {
	struct sfs_uses *uses;
	const struct stat *file; /* or NULL */
};

static bool device_matches(const struct sfs_uses *uses, uint64_t device)
{
	for (size_t i = 0; i < uses->device_count; i++)
		/* Whoever writes to the disk may write to its partition. */
		if (uses->devices[i] == device ||
		    sfs_sysfs_disk(uses->devices[i]) == device)
			return true;
	return false;
}

static bool matches(const struct target *target, int dir, const char *name)
{
	struct statx stx;

	/* DONT_SYNC: a file on a dead server must not hold us up. */
	if (statx(dir, name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &stx) <
	    0)
		return false;
	if (S_ISBLK(stx.stx_mode))
		return device_matches(
			target->uses,
			makedev(stx.stx_rdev_major, stx.stx_rdev_minor));
	return target->file && S_ISREG(stx.stx_mode) &&
	       stx.stx_ino == target->file->st_ino &&
	       makedev(stx.stx_dev_major, stx.stx_dev_minor) ==
		       target->file->st_dev;
}

static bool is_for_writing(int pid, const char *name)
{
	CLEANUP_FCLOSE FILE *file = NULL;
	char path[PATH_MAX], line[256];
	unsigned flags = O_RDONLY;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "flags: %o", &flags) == 1)
			break;
	return (flags & O_ACCMODE) != O_RDONLY;
}

static int add_process(struct sfs_uses *uses, int pid)
{
	CLEANUP_FCLOSE FILE *file = NULL;
	char path[64], name[64] = "?";
	struct sfs_use use = {
		.kind = SFS_USE_PROCESS,
		.writable = true,
		.pid = pid,
		.where = name,
	};

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (file && fgets(name, sizeof(name), file))
		name[strcspn(name, "\n")] = '\0';
	return sfs_uses_add(uses, &use);
}

static bool has_open(const struct target *target, int pid)
{
	struct dirent *entry;
	bool found = false;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	/* It ended, or is somebody else's: what we may not see we cannot
	 * name. */
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)) != NULL)
		found = entry->d_name[0] != '.' &&
			matches(target, dirfd(dir), entry->d_name) &&
			is_for_writing(pid, entry->d_name);
	closedir(dir);
	return found;
}

static int scan_process(const struct target *target, int pid)
{
	for (int i = 0; i < SFS_USES_LOOKS; i++) {
		if (i > 0)
			sfs_uses_pause();
		if (!has_open(target, pid))
			return 0;
	}
	return add_process(target->uses, pid);
}

int sfs_uses_add_processes(struct sfs_uses *uses, const struct stat *st)
{
	struct target target = { .uses = uses, .file = st };
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	int r = 0;

	if (!dir)
		return 0;
	while (r == 0 && (entry = readdir(dir)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]))
			r = scan_process(&target, atoi(entry->d_name));
	closedir(dir);
	return r;
}
