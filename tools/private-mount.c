/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/private-mount.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/cleanup.h"
#include "src/log.h"

#define OVERLAY "overlay"

#define EXIT_NOT_RUN 127

/* ---- the directory ---- */

static int fail(const char *path, const char *what)
{
	int r = -errno;

	sfs_err("'%s': %s: %s", path, what, strerror(-r));
	return r;
}

int sfs_private_make(const char *template, char **ret)
{
	CLEANUP_FREE char *dir = sfs_strdup(template);
	CLEANUP_CLOSE int fd = -1;

	if (!dir)
		return -ENOMEM;
	if (!mkdtemp(dir))
		return fail(dir, "cannot be made");
	*ret = TAKE_PTR(dir);
	fd = open(*ret, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || mkdirat(fd, SFS_PRIVATE_MOUNT, 0700) < 0)
		return fail(*ret, "cannot be used");
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	if (remove(path) < 0)
		sfs_warn("'%s': cannot be removed: %s", path, strerror(errno));
	return 0;
}

/* Nothing is mounted in it any more; should it be, this stays outside. */
static void remove_dir(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* ---- the mount ---- */

void sfs_private_become_mount(const char *dir, const char *repository, bool own)
{
	const char *options = own ? "foreground,scratch_dir=" OVERLAY : "rw";
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	/* Names within @dir, since options cannot hold every path. */
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	    dup2(null, STDOUT_FILENO) >= 0 && chdir(dir) == 0 &&
	    (!own || mkdir(OVERLAY, 0700) == 0))
		execl("/proc/self/exe", "snapfs", "mount", "-o", options,
		      repository, SFS_PRIVATE_MOUNT, (char *)NULL);
	sfs_err("'%s': cannot start its mount: %s", repository,
		strerror(errno));
	_exit(EXIT_NOT_RUN);
}

int sfs_private_start(const char *dir, const char *repository)
{
	pid_t child = fork(), ended;
	int status = 0;

	if (child < 0)
		return fail("fork", "failed");
	if (child == 0)
		sfs_private_become_mount(dir, repository, false);
	do
		ended = waitpid(child, &status, 0);
	while (ended < 0 && errno == EINTR);
	if (ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	sfs_err("'%s': its mount in '%s' failed", repository, dir);
	return -EIO;
}

bool sfs_private_is_mounted(const char *dir)
{
	CLEANUP_FREE char *path = sfs_asprintf("%s/" SFS_PRIVATE_MOUNT, dir);
	struct stat st, above;

	if (!path || stat(path, &st) < 0)
		return errno == ENOTCONN || errno == ECONNABORTED;
	return stat(dir, &above) == 0 && st.st_dev != above.st_dev;
}

/* What a mount that died leaves. */
static void unmount(const char *path)
{
	pid_t child;

	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return;
	child = fork();
	if (child == 0) {
		execlp("fusermount3", "fusermount3", "-u", "-z", "-q", "--",
		       path, (char *)NULL);
		_exit(EXIT_NOT_RUN);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

void sfs_private_end(const char *dir)
{
	CLEANUP_FREE char *path = sfs_asprintf("%s/" SFS_PRIVATE_MOUNT, dir);

	if (path && sfs_private_is_mounted(dir))
		unmount(path);
	if (sfs_private_is_mounted(dir))
		sfs_err("'%s/" SFS_PRIVATE_MOUNT "': cannot be unmounted; do "
			"so, and remove '%s'",
			dir, dir);
	else
		remove_dir(dir);
}
