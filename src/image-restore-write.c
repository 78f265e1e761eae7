/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "src/image-restore-run.h"
#include "src/io.h"
#include "src/log.h"
#include "src/machine.h"
#include "src/restore-run.h"
#include "src/temp-file.h"

/* Beside the disks. */
static const char *const other_files[] = { SFS_RESTORE_MANIFEST,
					   SFS_RESTORE_DOMAIN,
					   SFS_RESTORE_SCRIPT,
					   SFS_RESTORE_VARS };

static int fail(const struct sfs_image_restore_job *job, const char *what)
{
	int r = -errno;

	sfs_err("'%s': %s: %s", job->dir, what, strerror(-r));
	return r;
}

/* ---- where to ---- */

int sfs_image_restore_set_dir(struct sfs_image_restore_job *job,
			      const char *dir)
{
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	job->dir = sfs_asprintf("%.*s", (int)n, dir);
	if (!job->dir)
		return -ENOMEM;
	if (!sfs_store_contains(job->repo->store, job->dir))
		return 0;
	sfs_err("'%s': lies inside the repository '%s'; restore to a place "
		"outside it",
		job->dir, sfs_store_path(job->repo->store));
	return -EINVAL;
}

int sfs_image_restore_open_dir(struct sfs_image_restore_job *job)
{
	if (mkdir(job->dir, 0700) == 0)
		job->made = true;
	else if (errno != EEXIST)
		return fail(job, "cannot be made");
	job->fd = open(job->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (job->fd < 0)
		return fail(job, "cannot be opened as a directory");
	job->real = realpath(job->dir, NULL);
	return job->real ? 0 : fail(job, "cannot be found");
}

static int check_target(const struct sfs_image_restore_job *job,
			const char *name)
{
	CLEANUP_FREE char *path = NULL;
	struct stat st;

	if (fstatat(job->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return 0;
		return fail(job, "cannot be looked into");
	}
	if (!job->options->force) {
		sfs_err("'%s/%s': exists already; --force replaces it, or "
			"restore to another directory",
			job->dir, name);
		return -EEXIST;
	}
	if (!S_ISREG(st.st_mode)) {
		sfs_err("'%s/%s': is not a regular file; move it away first",
			job->dir, name);
		return -EEXIST;
	}
	path = sfs_asprintf("%s/%s", job->real, name);
	return path ? sfs_restore_refuse_mounted(path) : -ENOMEM;
}

static int check_targets(const struct sfs_image_restore_job *job)
{
	char disk[SFS_MACHINE_DISK_SIZE];
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < job->image->mapping_count; i++) {
		if (!job->views[i])
			continue;
		sfs_machine_disk(&job->image->mappings[i], disk);
		r = check_target(job, disk);
	}
	for (i = 0; r == 0 && i < SFS_ARRAY_SIZE(other_files); i++)
		r = check_target(job, other_files[i]);
	return r;
}

static int check_space(const struct sfs_image_restore_job *job)
{
	const struct sfs_snapshot *snapshot;
	uint64_t need = 0, has;
	struct statvfs st;
	size_t i;

	for (i = 0; i < job->image->mapping_count; i++) {
		if (!job->views[i])
			continue;
		snapshot = sfs_view_snapshot(job->views[i]);
		need += sfs_min(snapshot->data_bytes, snapshot->size);
	}
	if (fstatvfs(job->fd, &st) < 0)
		return fail(job, "its file system cannot be asked");
	has = (uint64_t)st.f_bavail * st.f_frsize;
	if (st.f_blocks == 0 || has >= need)
		return 0;
	sfs_err("'%s': needs %llu bytes, but its file system has %llu free; "
		"free space there or restore to another",
		job->dir, (unsigned long long)need, (unsigned long long)has);
	return -ENOSPC;
}

int sfs_image_restore_check(const struct sfs_image_restore_job *job)
{
	int r;

	r = check_targets(job);
	return r < 0 ? r : check_space(job);
}

/* ---- writing ---- */

/* The progress over all disks, from that over one. */
struct total {
	struct sfs_progress one;
	struct sfs_progress *all;
	uint64_t done_bytes, read_bytes, stored_bytes; /* of those before */
};

static int step(struct sfs_progress *one)
{
	const struct total *total = one->context;

	total->all->done_bytes = total->done_bytes + one->done_bytes;
	total->all->read_bytes = total->read_bytes + one->read_bytes;
	total->all->stored_bytes = total->stored_bytes + one->stored_bytes;
	return sfs_progress_step(total->all);
}

static void total_start(struct total *total,
			const struct sfs_image_restore_job *job)
{
	size_t i;

	*total = (struct total){ .all = job->options->progress };
	if (!total->all)
		return;
	total->all->total_bytes = 0;
	for (i = 0; i < job->image->mapping_count; i++)
		if (job->views[i])
			total->all->total_bytes +=
				2 * job->image->mappings[i].size;
}

/* A disk of @size bytes is done, its empty end included. */
static void total_next(struct total *total, uint64_t size)
{
	total->done_bytes += 2 * size;
	total->read_bytes += total->one.read_bytes;
	total->stored_bytes += total->one.stored_bytes;
}

static int restore_disk(struct sfs_image_restore_job *job, size_t i,
			struct total *total)
{
	const struct sfs_mapping *mapping = &job->image->mappings[i];
	const struct sfs_restore_options options = {
		.force = job->options->force,
		.verify = true,
		.threads = job->options->threads,
		.progress = total->all ? &total->one : NULL,
	};
	struct sfs_restore_result result = { 0 };
	CLEANUP_FREE char *path = NULL;
	char disk[SFS_MACHINE_DISK_SIZE];
	int r;

	sfs_machine_disk(mapping, disk);
	path = sfs_asprintf("%s/%s", job->dir, disk);
	if (!path)
		return -ENOMEM;
	total->one = (struct sfs_progress){ .step = step, .context = total };
	r = sfs_restore(job->views[i], path, &options, &result);
	if (r < 0)
		return r;
	total_next(total, mapping->size);
	job->done.written_bytes += result.written_bytes;
	return 0;
}

static int restore_disks(struct sfs_image_restore_job *job)
{
	struct total total;
	size_t i;
	int r;

	total_start(&total, job);
	for (i = 0; i < job->image->mapping_count; i++) {
		if (!job->views[i])
			continue;
		r = restore_disk(job, i, &total);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Until all disks are whole nothing there must start them, nor must the
 * variables of another machine remain. */
static int remove_old(const struct sfs_image_restore_job *job)
{
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(other_files); i++)
		if (unlinkat(job->fd, other_files[i], 0) < 0 && errno != ENOENT)
			return fail(job, "cannot remove what was there");
	return 0;
}

/* Who may read it may run it. */
static int make_executable(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 ||
	    fchmod(fd, (st.st_mode & 0777) | (st.st_mode & 0444) >> 2) < 0)
		return -errno;
	return 0;
}

static int put(const struct sfs_image_restore_job *job, const char *name,
	       const char *text)
{
	CLEANUP_TEMP_FILE struct sfs_temp_file file = SFS_TEMP_FILE_INIT;
	CLEANUP_FREE char *path = sfs_asprintf("%s/%s", job->dir, name);
	int r;

	if (!path)
		return -ENOMEM;
	r = sfs_temp_file_open(path, false, &file);
	if (r < 0)
		return r;
	r = sfs_io_pwrite(file.fd, text, strlen(text), 0);
	if (r == 0 && strcmp(name, SFS_RESTORE_SCRIPT) == 0)
		r = make_executable(file.fd);
	if (r < 0) {
		sfs_err("'%s': cannot be written: %s", path, strerror(-r));
		return r;
	}
	return sfs_temp_file_publish(&file);
}

static int sync_parent(const struct sfs_image_restore_job *job)
{
	CLEANUP_CLOSE int fd = -1;

	fd = openat(job->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Who may not read it can still write to it, and loses little. */
	if (fd >= 0 && fsync(fd) < 0)
		return fail(job, "its name did not reach the disk");
	return 0;
}

/* Last comes what says how to start it. */
static int put_texts(const struct sfs_image_restore_job *job)
{
	int r;

	r = put(job, SFS_RESTORE_MANIFEST, job->manifest);
	if (r < 0 || !job->script)
		return r;
	r = put(job, SFS_RESTORE_DOMAIN, job->domain);
	return r < 0 ? r : put(job, SFS_RESTORE_SCRIPT, job->script);
}

int sfs_image_restore_write(struct sfs_image_restore_job *job)
{
	int r;

	if (job->options->force) {
		r = remove_old(job);
		if (r < 0)
			return r;
	}
	r = restore_disks(job);
	if (r < 0)
		return r;
	r = put_texts(job);
	if (r < 0)
		return r;
	return job->made ? sync_parent(job) : 0;
}
