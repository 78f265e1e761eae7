/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "src/devices.h"
#include "src/log.h"
#include "src/restore-run.h"
#include "src/source.h"

int sfs_restore_refuse_mounted(const char *dest)
{
	CLEANUP_FREE char *dir = NULL;
	bool writable;
	int r;

	r = sfs_source_mounted(dest, &dir, &writable);
	if (r <= 0)
		return r;
	sfs_err("'%s': is mounted at '%s'; unmount it first", dest, dir);
	return -EBUSY;
}

/* O_EXCL refuses a device that a mount, a RAID, LVM, swap or anybody else
 * holds, in whatever namespace. */
static int open_exclusive(const char *dest, int *ret_fd)
{
	int fd, r;

	fd = open(dest, O_RDWR | O_EXCL | O_CLOEXEC);
	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	r = -errno;
	if (r == -EBUSY)
		sfs_err("'%s': is in use (mounted elsewhere, swap, or part of "
			"a RAID, LVM or device-mapper device); free it first",
			dest);
	else
		sfs_err("'%s': cannot open for writing: %s", dest,
			strerror(-r));
	return r;
}

static int refuse_own(const struct sfs_view *view, const char *dest)
{
	const struct sfs_store *store = sfs_view_repo(view)->store;
	struct stat st;

	if (stat(dest, &st) < 0 ||
	    !sfs_store_same_filesystem(store, st.st_rdev))
		return 0; /* what is wrong with it, opening will tell */
	sfs_err("'%s': holds the repository '%s' itself; choose another device",
		dest, sfs_store_path(store));
	return -EBUSY;
}

static int check_size(const struct sfs_view *view, const char *dest, int fd,
		      uint64_t *ret_size)
{
	const struct sfs_snapshot *snapshot = sfs_view_snapshot(view);
	uint64_t size;
	int r;

	r = sfs_device_size(fd, &size);
	if (r < 0) {
		sfs_err("'%s': its size cannot be had: %s", dest, strerror(-r));
		return r;
	}
	if (size < snapshot->size) {
		sfs_err("'%s': has %llu bytes, but '%s' needs %llu; use a "
			"larger device",
			dest, (unsigned long long)size, snapshot->id,
			(unsigned long long)snapshot->size);
		return -ENOSPC;
	}
	*ret_size = size;
	return 0;
}

/* The device behind @fd once more, whatever its name has come to mean. */
static int open_direct(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
}

static int write_and_verify(struct sfs_view *view,
			    const struct sfs_restore_target *target,
			    const struct sfs_restore_options *options,
			    struct sfs_restore_result *ret)
{
	int r;

	r = sfs_restore_run(view, target,
			    options->delta ? SFS_RESTORE_DELTA
					   : SFS_RESTORE_WRITE,
			    options, ret);
	if (r != 0)
		return r;
	r = sfs_device_flush(target->fd);
	if (r < 0) {
		sfs_err("'%s': what was written did not reach the device: %s",
			target->name, strerror(-r));
		return r;
	}
	if (!options->verify)
		return 0;
	return sfs_restore_run(view, target, SFS_RESTORE_VERIFY, options, ret);
}

int sfs_restore_to_device(struct sfs_view *view, const char *dest,
			  const struct sfs_restore_options *options,
			  struct sfs_restore_result *ret)
{
	struct sfs_restore_target target = { .name = dest };
	CLEANUP_CLOSE int fd = -1, direct = -1;
	int r;

	r = refuse_own(view, dest);
	if (r < 0)
		return r;
	r = sfs_restore_refuse_mounted(dest);
	if (r < 0)
		return r;
	r = open_exclusive(dest, &fd);
	if (r < 0)
		return r;
	r = check_size(view, dest, fd, &target.device_size);
	if (r < 0)
		return r;
	direct = open_direct(fd);
	target.fd = fd;
	target.read_fd = direct >= 0 ? direct : fd;
	r = write_and_verify(view, &target, options, ret);
	if (r != 0 && ret->written_bytes > 0)
		sfs_warn("'%s': is now only partly '%s'; restore it again",
			 dest, sfs_view_snapshot(view)->id);
	return r;
}
