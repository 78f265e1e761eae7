/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "src/log.h"
#include "src/restore-run.h"

#define SUFFIX_DIGITS 6
/* Of the name, as much as leaves room for ".", ".snapfs-" and the suffix. */
#define NAME_KEPT 230

/* A file that is not yet what its name will promise: gone unless it came to
 * be renamed. */
struct temp {
	const char *dest;
	const char *base; /* within dest */
	int dir;
	int fd;
	char name[NAME_KEPT + 32]; /* "" when there is nothing to remove */
};

static void temp_done(struct temp *temp)
{
	if (temp->name[0])
		unlinkat(temp->dir, temp->name, 0);
	sfs_closep(&temp->fd);
	sfs_closep(&temp->dir);
}

#define CLEANUP_TEMP __attribute__((cleanup(temp_done)))

static int fail(const char *dest, const char *what)
{
	int r = -errno;

	sfs_err("'%s': %s: %s", dest, what, strerror(-r));
	return r;
}

static int open_dir(struct temp *temp)
{
	CLEANUP_FREE char *dir = NULL;
	const char *slash = strrchr(temp->dest, '/');

	dir = sfs_strdup(temp->dest);
	if (!dir)
		return -ENOMEM;
	temp->base = slash ? slash + 1 : temp->dest;
	dir[temp->base - temp->dest] = '\0';
	temp->dir =
		open(dir[0] ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (temp->dir < 0)
		return fail(temp->dest, "cannot open its directory");
	return 0;
}

static int refuse_full(const struct sfs_view *view, const struct temp *temp)
{
	const struct sfs_snapshot *snapshot = sfs_view_snapshot(view);
	uint64_t need = sfs_min(snapshot->data_bytes, snapshot->size), has;
	struct statvfs st;

	if (fstatvfs(temp->dir, &st) < 0)
		return fail(temp->dest, "its file system cannot be asked");
	if (st.f_blocks == 0)
		return 0; /* one that has no limit, or does not say */
	has = (uint64_t)st.f_bavail * st.f_frsize;
	if (has >= need)
		return 0;
	sfs_err("'%s': needs %llu bytes, but its file system has %llu free; "
		"free space there or restore to another",
		temp->dest, (unsigned long long)need, (unsigned long long)has);
	return -ENOSPC;
}

static void temp_name(struct temp *temp)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	char suffix[SUFFIX_DIGITS + 1] = "";
	uint8_t random[SUFFIX_DIGITS];
	int i;

	sfs_random(random, sizeof(random));
	for (i = 0; i < SUFFIX_DIGITS; i++)
		suffix[i] = digits[random[i] % 32];
	snprintf(temp->name, sizeof(temp->name), ".%.*s.snapfs-%s", NAME_KEPT,
		 temp->base, suffix);
}

static int create_temp(struct temp *temp, mode_t mode)
{
	do {
		temp_name(temp);
		temp->fd = openat(temp->dir, temp->name,
				  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	} while (temp->fd < 0 && errno == EEXIST);
	if (temp->fd >= 0)
		return 0;
	temp->name[0] = '\0';
	return fail(temp->dest, "cannot create a file beside it");
}

static int set_size(const struct sfs_view *view, const char *dest, int fd)
{
	uint64_t size = sfs_view_snapshot(view)->size;
	int r;

	if (ftruncate(fd, (off_t)size) == 0)
		return 0;
	r = -errno;
	if (r == -EFBIG)
		sfs_err("'%s': %llu bytes are more than its file system (or "
			"the limit on file sizes) allows a file",
			dest, (unsigned long long)size);
	else
		sfs_err("'%s': cannot set its size to %llu: %s", dest,
			(unsigned long long)size, strerror(-r));
	return r;
}

/* Write, make durable, and prove it. */
static int fill(struct sfs_view *view, const char *dest, int fd,
		enum sfs_restore_pass pass,
		const struct sfs_restore_options *options,
		struct sfs_restore_result *ret)
{
	const struct sfs_restore_target target = { .name = dest, .fd = fd };
	int r;

	r = set_size(view, dest, fd);
	if (r < 0)
		return r;
	r = sfs_restore_run(view, &target, pass, options, ret);
	if (r != 0)
		return r;
	if (fsync(fd) < 0)
		return fail(dest, "what was written did not reach the disk");
	if (!options->verify)
		return 0;
	/* What is clean leaves the cache, so that the disk is asked. */
	sfs_ignore(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	return sfs_restore_run(view, &target, SFS_RESTORE_VERIFY, options, ret);
}

static int keep_attributes(const struct temp *temp, const struct stat *old)
{
	/* Before the mode, whose set-id bits this clears. */
	if (fchown(temp->fd, old->st_uid, old->st_gid) < 0)
		sfs_warn("'%s': its owner cannot be kept: %s", temp->dest,
			 strerror(errno));
	if (fchmod(temp->fd, old->st_mode & 07777) < 0)
		return fail(temp->dest, "its mode cannot be kept");
	return 0;
}

/* link(2) is what there is where a rename cannot refuse to replace. */
static int link_new(struct temp *temp)
{
	if (linkat(temp->dir, temp->name, temp->dir, temp->base, 0) < 0)
		return -errno;
	unlinkat(temp->dir, temp->name, 0);
	return 0;
}

static int publish(struct temp *temp, bool replace)
{
	int r;

	r = renameat2(temp->dir, temp->name, temp->dir, temp->base,
		      replace ? 0 : RENAME_NOREPLACE);
	if (r < 0)
		r = -errno;
	if (r == -EINVAL && !replace)
		r = link_new(temp);
	if (r == -EEXIST) {
		sfs_err("'%s': came to exist meanwhile; --force replaces it",
			temp->dest);
		return r;
	}
	if (r < 0) {
		errno = -r;
		return fail(temp->dest, "cannot be given its name");
	}
	temp->name[0] = '\0';
	if (fsync(temp->dir) < 0)
		return fail(temp->dest, "its name did not reach the disk");
	return 0;
}

int sfs_restore_to_file(struct sfs_view *view, const char *dest,
			const struct sfs_restore_options *options,
			struct sfs_restore_result *ret)
{
	CLEANUP_TEMP struct temp temp = { .dest = dest, .dir = -1, .fd = -1 };
	struct stat old;
	bool replace;
	int r;

	r = open_dir(&temp);
	if (r < 0)
		return r;
	replace = options->force &&
		  fstatat(temp.dir, temp.base, &old, AT_SYMLINK_NOFOLLOW) == 0;
	/* Its mount would go on with the old file, which nobody can find. */
	if (replace) {
		r = sfs_restore_refuse_mounted(dest);
		if (r < 0)
			return r;
	}
	r = refuse_full(view, &temp);
	if (r < 0)
		return r;
	/* A file that keeps its mode is not open to more people before. */
	r = create_temp(&temp, replace ? 0600 : 0666);
	if (r < 0)
		return r;
	r = fill(view, dest, temp.fd, SFS_RESTORE_WRITE, options, ret);
	if (r != 0)
		return r;
	if (replace) {
		r = keep_attributes(&temp, &old);
		if (r < 0)
			return r;
	}
	return publish(&temp, replace);
}

int sfs_restore_in_place(struct sfs_view *view, const char *dest,
			 const struct sfs_restore_options *options,
			 struct sfs_restore_result *ret)
{
	CLEANUP_CLOSE int fd = -1;
	struct stat st;
	int r;

	r = sfs_restore_refuse_mounted(dest);
	if (r < 0)
		return r;
	fd = open(dest, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail(dest, "cannot open for writing");
	if (fstat(fd, &st) < 0)
		return fail(dest, "cannot be examined");
	r = fill(view, dest, fd, SFS_RESTORE_DELTA, options, ret);
	if (r != 0 && (ret->written_bytes > 0 ||
		       (uint64_t)st.st_size != sfs_view_snapshot(view)->size))
		sfs_warn("'%s': is now only partly '%s'; restore it again",
			 dest, sfs_view_snapshot(view)->id);
	return r;
}
