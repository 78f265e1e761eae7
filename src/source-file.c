/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/source-cut.h"

/*
 * Files as sources.
 *
 * Whether somebody has a file open for writing the kernel tells by refusing
 * a read lease on it.  That is asked at the cut and at the end, and that
 * nobody wrote and left in between shows in the time stamps.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <time.h>

#include "src/log.h"

#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xfe534d42
#endif
#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xff534d42
#endif

enum lease {
	LEASE_FREE,    /* nobody has it open for writing */
	LEASE_REFUSED, /* somebody has */
	LEASE_UNKNOWN, /* the file system, or its permissions, do not tell */
};

/* Network file systems refuse a lease where the server gave them none, which
 * says nothing about writers. */
static bool refusal_means_writer(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return true;
	return fs.f_type != NFS_SUPER_MAGIC &&
	       (uint32_t)fs.f_type != SMB2_SUPER_MAGIC &&
	       (uint32_t)fs.f_type != CIFS_SUPER_MAGIC;
}

static enum lease ask_lease(int fd)
{
	/* A writer who opens it this very moment makes the kernel send a
	 * signal; the usual SIGIO would kill us, SIGURG is ignored. */
	if (fcntl(fd, F_SETSIG, SIGURG) < 0)
		return LEASE_UNKNOWN;
	if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
		return errno == EAGAIN && refusal_means_writer(fd)
			       ? LEASE_REFUSED
			       : LEASE_UNKNOWN;
	/* Given back at once: a writer would have to wait for it. */
	sfs_ignore(fcntl(fd, F_SETLEASE, F_UNLCK));
	return LEASE_FREE;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec
				      : a->tv_nsec < b->tv_nsec;
}

/* Take the stamps that a later write will change.  Those come from a clock of
 * some milliseconds, so when the last change was within the current tick, one
 * more would not show: wait for the next tick. */
static int take_stamp(int fd, struct stat *ret)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	struct timespec now;

	/* No longer than any tick: a server's clock may be ahead of ours. */
	for (int tries = 0; tries < 20; tries++) {
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
		if (fstat(fd, ret) < 0)
			return -errno;
		if (is_before(&ret->st_ctim, &now))
			break;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static bool stamp_changed(const struct sfs_source *source, int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 || st.st_size != source->st.st_size ||
	       !same_time(&st.st_mtim, &source->st.st_mtim) ||
	       !same_time(&st.st_ctim, &source->st.st_ctim);
}

/* ---- clones ---- */

static int open_unnamed(const char *path)
{
	CLEANUP_FREE char *dir = sfs_strdup(path);
	char *slash;
	int fd;

	if (!dir)
		return -ENOMEM;
	slash = strrchr(dir, '/');
	slash[slash == dir] = '\0';
	fd = open(dir, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

/* btrfs shares no bytes between files with and without copy-on-write, and
 * disks of virtual machines are often without. */
static void copy_nocow(int from, int to)
{
	int flags, mine;

	if (ioctl(from, FS_IOC_GETFLAGS, &flags) < 0 ||
	    !(flags & FS_NOCOW_FL) || ioctl(to, FS_IOC_GETFLAGS, &mine) < 0)
		return;
	mine |= FS_NOCOW_FL;
	/* If it cannot be had, FICLONE says so. */
	sfs_ignore(ioctl(to, FS_IOC_SETFLAGS, &mine));
}

/* Replace @source->fd by a clone.  Returns 1, or 0 when none can be had. */
static int clone_file(struct sfs_source *source)
{
	CLEANUP_CLOSE int fd = -1;
	struct stat st;
	int r;

	fd = open_unnamed(source->name);
	if (fd < 0)
		return fd == -ENOMEM ? fd : 0;
	copy_nocow(source->fd, fd);
	r = ioctl(fd, FICLONE, source->fd);
	if (r < 0 && errno == EINTR)
		return -EINTR;
	if (r < 0 || fstat(fd, &st) < 0) {
		sfs_debug("'%s': not cloned: %s", source->name,
			  strerror(errno));
		return 0;
	}
	/* It is one moment in any case; whether nobody was at it then is seen
	 * as for any other file, only at once. */
	if (source->consistency == SFS_CONSISTENCY_OFFLINE) {
		r = sfs_cut_changed_file(source);
		if (r > 0)
			source->consistency = SFS_CONSISTENCY_CRASH;
	}
	close(source->fd);
	source->fd = TAKE_FD(fd);
	source->size = (uint64_t)st.st_size;
	source->is_clone = true;
	return 1;
}

/* ---- the cut ---- */

static int find_uses(struct sfs_source *source)
{
	const struct sfs_use unknown = {
		.kind = SFS_USE_PROCESS,
		.writable = true,
		.where = (char[]){ "" },
	};
	enum lease lease;
	int r;

	r = sfs_uses_add_file(&source->uses, &source->st);
	if (r < 0)
		return r;
	lease = ask_lease(source->fd);
	if (lease == LEASE_FREE)
		return 0;
	r = sfs_uses_add_processes(&source->uses, &source->st);
	if (r < 0)
		return r;
	if (lease == LEASE_UNKNOWN || source->uses.count)
		return 0;
	/* Somebody who is gone, or we cannot see: of another user, or in the
	 * kernel, as an NFS server. */
	if (ask_lease(source->fd) == LEASE_FREE)
		return 0;
	return sfs_uses_add(&source->uses, &unknown);
}

/* Whether the file's own file system is frozen: then it cannot change, and no
 * clone of it can be made. */
static int is_frozen(const struct sfs_source *source,
		     const struct sfs_freeze *freeze)
{
	uint64_t fs;
	int r;

	if (!freeze)
		return 0;
	r = sfs_mounts_of_fd(&source->uses.mounts, source->fd, &fs);
	return r < 0 ? r : sfs_freeze_covers(freeze, fs);
}

static int choose(struct sfs_source *source,
		  const struct sfs_source_options *options)
{
	const struct sfs_use *writer;
	int r;

	writer = sfs_uses_writer(&source->uses, options->freeze);
	source->consistency = writer		   ? SFS_CONSISTENCY_CRASH
			      : source->uses.count ? SFS_CONSISTENCY_FILESYSTEM
						   : SFS_CONSISTENCY_OFFLINE;
	r = is_frozen(source, options->freeze);
	if (r != 0)
		return r < 0 ? r : 0;
	/* Frozen but unused by what is frozen, too: the freeze ends sooner if
	 * it need not wait for this one to be read. */
	if ((writer || options->freeze) && !options->no_clone) {
		r = clone_file(source);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	if (!writer)
		return 0;
	source->consistency = SFS_CONSISTENCY_FUZZY;
	if (options->allow_fuzzy)
		return 0;
	sfs_use_explain(writer, source->name);
	return -EBUSY;
}

int sfs_cut_file(struct sfs_source *source,
		 const struct sfs_source_options *options)
{
	int r;

	source->fd = open(source->name, O_RDONLY | O_CLOEXEC);
	if (source->fd < 0) {
		r = -errno;
		sfs_err("'%s': %s", source->name, strerror(-r));
		return r;
	}
	r = take_stamp(source->fd, &source->st);
	if (r < 0)
		return r;
	source->size = (uint64_t)source->st.st_size;
	r = find_uses(source);
	if (r < 0)
		return r;
	r = choose(source, options);
	if (r < 0)
		return r;
	sfs_ignore(posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	return 0;
}

int sfs_cut_changed_file(struct sfs_source *source)
{
	if (stamp_changed(source, source->fd))
		return 1;
	/* A writer who only has it open would be a use at the cut. */
	return source->consistency == SFS_CONSISTENCY_OFFLINE &&
	       ask_lease(source->fd) == LEASE_REFUSED;
}
