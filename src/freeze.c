/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/source.h"

/*
 * Holding file systems frozen without ever leaving one frozen.
 *
 * A freeze is the kernel's and outlives who asked for it, so a guard process
 * asks (freeze-guard.h), and thaws when it is told or when this process ends,
 * however that is.  Should the guard be killed, this process thaws.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/freeze-guard.h"
#include "src/log.h"
#include "src/mounted.h"

struct frozen {
	int fd;
	uint64_t fs;
	char *dir;
};

struct sfs_freeze {
	struct frozen *dirs; /* one a file system */
	size_t count;
	pid_t guard;	/* 0: none */
	int tell, hear; /* pipes to and from it */
	bool held;	/* some may be frozen */
};

/* 1 and *ret, or 0 when the guard has no more to say. */
static int hear(struct sfs_freeze *freeze, struct sfs_guard_report *ret)
{
	ssize_t n;

	do
		n = read(freeze->hear, ret, sizeof(*ret));
	while (n < 0 && errno == EINTR);
	return n == sizeof(*ret);
}

static void guard_reap(struct sfs_freeze *freeze)
{
	while (waitpid(freeze->guard, NULL, 0) < 0 && errno == EINTR)
		;
}

static int guard_start(struct sfs_freeze *freeze)
{
	CLEANUP_CLOSE int told = -1;
	CLEANUP_CLOSE int tell = -1;
	CLEANUP_CLOSE int status = -1;
	CLEANUP_FREE int *dirs = NULL;
	int down[2], up[2];

	dirs = sfs_calloc(freeze->count, sizeof(*dirs));
	if (!dirs)
		return -ENOMEM;
	for (size_t i = 0; i < freeze->count; i++)
		dirs[i] = freeze->dirs[i].fd;
	status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	if (status < 0 || pipe2(down, O_CLOEXEC) < 0)
		return -errno;
	told = down[0];
	freeze->tell = down[1];
	if (pipe2(up, O_CLOEXEC) < 0)
		return -errno;
	freeze->hear = up[0];
	tell = up[1];

	freeze->guard = fork();
	if (freeze->guard < 0) {
		freeze->guard = 0;
		return -errno;
	}
	if (freeze->guard == 0)
		sfs_guard_run(&(struct sfs_guard){
			.told = told,
			.tell = tell,
			.status = status,
			.dirs = dirs,
			.count = (uint32_t)freeze->count,
		});
	return 0;
}

static void explain(const struct frozen *dir, int error)
{
	switch (error) {
	case -EOPNOTSUPP:
	case -ENOTTY:
		sfs_err("'%s': its file system cannot be frozen; leave out "
			"this --freeze, and stop what writes to it",
			dir->dir);
		break;
	case -EBUSY:
		sfs_err("'%s': frozen already by somebody else; use fsfreeze "
			"-u '%s' if that was left over",
			dir->dir, dir->dir);
		break;
	case -EPERM:
	case -EACCES:
		sfs_err("'%s': freezing needs root", dir->dir);
		break;
	default:
		sfs_err("'%s': cannot freeze: %s", dir->dir, strerror(-error));
	}
}

static int guard_await_frozen(struct sfs_freeze *freeze)
{
	struct sfs_guard_report report;

	if (!hear(freeze, &report)) {
		sfs_err("freeze: the guard process died");
		/* Nobody knows how far it came. */
		freeze->held = true;
		return -EIO;
	}
	if (report.index == SFS_GUARD_FROZEN) {
		freeze->held = true;
		return 0;
	}
	assert(report.index < freeze->count);
	explain(&freeze->dirs[report.index], report.error);
	return report.error;
}

/* ---- which file systems ---- */

static int reject(const char *dir, const char *why)
{
	sfs_err("'%s': cannot freeze: %s", dir, why);
	return -EINVAL;
}

static int check_dir(int fd, const char *dir)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &stx) < 0)
		return -errno;
	if (!(stx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) ||
	    (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return 0;
	/* Not what is mounted above it: who wrote /srv/db may think that
	 * something is mounted there, and mean that. */
	return reject(dir, "nothing is mounted there");
}

static int check_clear(const struct sfs_mounts *mounts, const char *keep_clear,
		       uint64_t fs, const char *dir)
{
	CLEANUP_CLOSE int fd = -1;
	uint64_t clear_fs;
	int r;

	if (!keep_clear)
		return 0;
	fd = open(keep_clear, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		sfs_err("'%s': %s", keep_clear, strerror(-r));
		return r;
	}
	r = sfs_mounts_of_fd(mounts, fd, &clear_fs);
	if (r < 0)
		return r;
	if (!sfs_mounts_stacked(mounts, clear_fs, fs))
		return 0;
	sfs_err("'%s': cannot freeze: '%s' is on it, and writing there would "
		"wait for ever; use a repository on another file system",
		dir, keep_clear);
	return -EINVAL;
}

static int add_dir(struct sfs_freeze *freeze, const struct sfs_mounts *mounts,
		   const char *dir, const char *keep_clear)
{
	CLEANUP_CLOSE int fd = -1;
	struct frozen *added = &freeze->dirs[freeze->count];
	uint64_t fs;
	int r;

	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		sfs_err("'%s': cannot freeze: %s", dir, strerror(-r));
		return r;
	}
	r = check_dir(fd, dir);
	if (r < 0)
		return r;
	r = sfs_mounts_of_fd(mounts, fd, &fs);
	if (r < 0)
		return r;
	if (sfs_freeze_covers(freeze, fs))
		return 0; /* named twice; a second freeze would be refused */
	r = check_clear(mounts, keep_clear, fs, dir);
	if (r < 0)
		return r;

	added->dir = sfs_strdup(dir);
	if (!added->dir)
		return -ENOMEM;
	added->fs = fs;
	added->fd = TAKE_FD(fd);
	freeze->count++;
	return 0;
}

static int add_dirs(struct sfs_freeze *freeze, char *const *dirs, size_t count,
		    const char *keep_clear)
{
	CLEANUP_MOUNTS struct sfs_mounts mounts = { 0 };
	int r;

	r = sfs_mounts_read(&mounts);
	if (r < 0)
		return r;
	freeze->dirs = sfs_calloc(count, sizeof(*freeze->dirs));
	if (!freeze->dirs)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		r = add_dir(freeze, &mounts, dirs[i], keep_clear);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the interface ---- */

int sfs_freeze_start(char *const *dirs, size_t count, const char *keep_clear,
		     struct sfs_freeze **ret)
{
	CLEANUP_FREEZE struct sfs_freeze *freeze = NULL;
	int r;

	freeze = sfs_calloc(1, sizeof(*freeze));
	if (!freeze)
		return -ENOMEM;
	freeze->tell = -1;
	freeze->hear = -1;
	r = add_dirs(freeze, dirs, count, keep_clear);
	if (r < 0)
		return r;
	r = guard_start(freeze);
	if (r < 0) {
		sfs_err("freeze: no process to guard it: %s", strerror(-r));
		return r;
	}
	r = guard_await_frozen(freeze);
	if (r < 0)
		return r;

	*ret = TAKE_PTR(freeze);
	return 0;
}

/* Thaw what the guard left frozen, if anything.  What was not frozen gives
 * an error that tells us nothing. */
static void thaw_myself(struct sfs_freeze *freeze)
{
	int unused = 0;

	for (size_t i = freeze->count; i-- > 0;)
		sfs_ignore(ioctl(freeze->dirs[i].fd, FITHAW, &unused));
}

/* Hear how each thaw went; 0 if all was as it should be. */
static int guard_await_thawed(struct sfs_freeze *freeze)
{
	struct sfs_guard_report report;
	size_t heard = 0;
	int r = 0;

	while (hear(freeze, &report)) {
		assert(report.index < freeze->count);
		heard++;
		if (report.error == 0)
			continue;
		sfs_err("'%s': the freeze did not hold: %s",
			freeze->dirs[report.index].dir,
			report.error == -EINVAL ? "somebody else thawed it"
						: strerror(-report.error));
		r = -EIO;
	}
	if (heard == freeze->count)
		return r;
	sfs_err("freeze: the guard process died; thawing without it");
	thaw_myself(freeze);
	return -EIO;
}

static int thaw(struct sfs_freeze *freeze)
{
	if (!freeze->held)
		return 0;
	close(TAKE_FD(freeze->tell));
	return guard_await_thawed(freeze);
}

static void release(struct sfs_freeze *freeze)
{
	/* A guard that failed to freeze waits for nothing and is ending. */
	if (freeze->tell >= 0)
		close(freeze->tell);
	if (freeze->guard)
		guard_reap(freeze);
	if (freeze->hear >= 0)
		close(freeze->hear);
	for (size_t i = 0; i < freeze->count; i++) {
		close(freeze->dirs[i].fd);
		free(freeze->dirs[i].dir);
	}
	free(freeze->dirs);
	free(freeze);
}

int sfs_freeze_thaw(struct sfs_freeze *freeze)
{
	int r;

	r = thaw(freeze);
	release(freeze);
	return r;
}

void sfs_freeze_free(struct sfs_freeze *freeze)
{
	if (!freeze)
		return;
	/* Whoever wants to know whether it held calls thaw himself. */
	sfs_ignore(thaw(freeze));
	release(freeze);
}

bool sfs_freeze_covers(const struct sfs_freeze *freeze, uint64_t dev)
{
	for (size_t i = 0; i < freeze->count; i++)
		if (freeze->dirs[i].fs == dev)
			return true;
	return false;
}
