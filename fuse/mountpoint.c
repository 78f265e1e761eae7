/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "src/log.h"

#define OWN_TYPE "fuse.snapfs"

/* Two requests of the largest size in flight while one is consumed. */
#define READAHEAD_KB 2048

struct mount_info {
	char device[24]; /* MAJOR:MINOR */
	char type[64];
};

int sfs_mountpoint_enter(const char *namespace)
{
	CLEANUP_FREE char *path = NULL;
	CLEANUP_CLOSE int fd = -1;

	if (strspn(namespace, "0123456789") == strlen(namespace))
		path = sfs_asprintf("/proc/%s/ns/mnt", namespace);
	else
		path = sfs_strdup(namespace);
	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNS) < 0) {
		sfs_err("'%s': cannot enter this mount namespace: %s", path,
			strerror(errno));
		return -errno;
	}
	return 0;
}

/* Undo the kernel's \ooo in place. */
static void unescape(char *s)
{
	char *to = s;
	unsigned code;

	while (*s) {
		if (*s == '\\' && sscanf(s + 1, "%3o", &code) == 1) {
			*to++ = (char)code;
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* Whether this line of /proc/self/mountinfo is about @directory. */
static bool parse_mount(char *line, const char *directory,
			struct mount_info *ret)
{
	char device[24], type[64], point[4096];
	const char *dash;

	if (sscanf(line, "%*s %*s %23s %*s %4095s", device, point) != 2)
		return false;
	unescape(point);
	dash = strstr(line, " - ");
	if (strcmp(point, directory) != 0 || !dash ||
	    sscanf(dash, " - %63s", type) != 1)
		return false;
	strcpy(ret->device, device);
	strcpy(ret->type, type);
	return true;
}

/* What is mounted on @directory, uppermost.  Returns 1, or 0 for nothing. */
static int find_mount(const char *directory, struct mount_info *ret)
{
	CLEANUP_FCLOSE FILE *file = fopen("/proc/self/mountinfo", "re");
	CLEANUP_FREE char *line = NULL;
	size_t capacity = 0;
	int found = 0;

	if (!file)
		return -errno;
	/* A mount comes after the one that it covers. */
	while (getline(&line, &capacity, file) >= 0) {
		if (parse_mount(line, directory, ret))
			found = 1;
	}
	return found;
}

bool sfs_mountpoint_is_under(const char *inner, const char *outer)
{
	size_t length = strlen(outer);

	if (strcmp(outer, "/") == 0)
		return true;
	return strncmp(inner, outer, length) == 0 &&
	       (inner[length] == '/' || inner[length] == '\0');
}

static int check_overlap(const char *repository, const char *directory)
{
	if (sfs_mountpoint_is_under(directory, repository)) {
		sfs_err("'%s': lies in the repository '%s'; "
			"mount it somewhere else",
			directory, repository);
		return -EINVAL;
	}
	if (sfs_mountpoint_is_under(repository, directory)) {
		sfs_err("'%s': the mount would cover the repository '%s'; "
			"mount it somewhere else",
			directory, repository);
		return -EINVAL;
	}
	return 0;
}

static int check_mounted(const char *directory)
{
	struct mount_info info;
	struct stat st;

	if (find_mount(directory, &info) <= 0 ||
	    strcmp(info.type, OWN_TYPE) != 0)
		return 0;
	if (stat(directory, &st) < 0 && errno == ENOTCONN)
		sfs_err("'%s': a snapfs mount whose server is gone; "
			"run 'umount %s' first",
			directory, directory);
	else
		sfs_err("'%s': a snapfs repository is already mounted here",
			directory);
	return -EBUSY;
}

static int check_directory(const char *directory)
{
	struct stat st;

	if (stat(directory, &st) < 0) {
		sfs_err("'%s': %s", directory, strerror(errno));
		return -errno;
	}
	if (!S_ISDIR(st.st_mode)) {
		sfs_err("'%s': not a directory; only one can be mounted on",
			directory);
		return -ENOTDIR;
	}
	return 0;
}

/* Failure is logged as @what. */
static int resolve(const char *path, const char *what, char **ret)
{
	*ret = realpath(path, NULL);
	if (!*ret) {
		sfs_err("'%s': no such %s: %s", path, what, strerror(errno));
		return -errno;
	}
	return 0;
}

int sfs_mountpoint_check(struct sfs_mount_options *options)
{
	CLEANUP_FREE char *repository = NULL;
	CLEANUP_FREE char *directory = NULL;
	int r;

	r = resolve(options->directory, "directory", &directory);
	if (r < 0)
		return r;
	r = check_mounted(directory);
	if (r < 0)
		return r;
	r = check_directory(directory);
	if (r < 0)
		return r;
	r = resolve(options->repository, "repository", &repository);
	if (r < 0)
		return r;
	r = check_overlap(repository, directory);
	if (r < 0)
		return r;
	free(options->directory);
	options->directory = TAKE_PTR(directory);
	return 0;
}

unsigned sfs_mountpoint_raise_readahead(const char *directory)
{
	CLEANUP_FREE char *path = NULL;
	CLEANUP_CLOSE int fd = -1;
	struct mount_info info;

	if (find_mount(directory, &info) <= 0)
		return 0;
	path = sfs_asprintf("/sys/class/bdi/%s/read_ahead_kb", info.device);
	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || dprintf(fd, "%d\n", READAHEAD_KB) < 0) {
		sfs_debug("'%s': cannot be set to %d, reading ahead less: %s",
			  path, READAHEAD_KB, strerror(errno));
		return 0;
	}
	return READAHEAD_KB * 1024u;
}
