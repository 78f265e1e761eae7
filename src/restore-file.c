/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "src/log.h"
#include "src/restore-run.h"
#include "src/temp-file.h"

static int fail(const char *dest, const char *what)
{
	int r = -errno;

	sfs_err("'%s': %s: %s", dest, what, strerror(-r));
	return r;
}

static int refuse_full(const struct sfs_view *view,
		       const struct sfs_temp_file *temp)
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

static int set_size(const struct sfs_view *view, const char *dest, int fd)
{
	uint64_t size = sfs_view_snapshot(view)->size;
	int r;

	if (TEMP_FAILURE_RETRY(ftruncate(fd, (off_t)size)) == 0)
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

int sfs_restore_to_file(struct sfs_view *view, const char *dest,
			const struct sfs_restore_options *options,
			struct sfs_restore_result *ret)
{
	CLEANUP_TEMP_FILE struct sfs_temp_file temp = SFS_TEMP_FILE_INIT;
	int r;

	r = sfs_temp_file_open(dest, options->force, &temp);
	/* Its mount would go on with the old file, which nobody can find. */
	if (r == 0 && temp.replace)
		r = sfs_restore_refuse_mounted(dest);
	if (r == 0)
		r = refuse_full(view, &temp);
	if (r == 0)
		r = fill(view, dest, temp.fd, SFS_RESTORE_WRITE, options, ret);
	return r == 0 ? sfs_temp_file_publish(&temp) : r;
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
