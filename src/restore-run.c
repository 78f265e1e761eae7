/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/restore-run.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "src/devices.h"
#include "src/io.h"
#include "src/log.h"
#include "src/workpool.h"

/* Enough that no worker waits for the one that collects. */
#define DEPTH 64u

/* Where a job failed, since only the first failure is logged: by the thread
 * that collects the jobs in order. */
enum stage {
	STAGE_SNAPSHOT, /* logged already, by who reads */
	STAGE_READ,
	STAGE_WRITE,
	STAGE_COMPARE,
};

struct job {
	struct sfs_extent extent;
	uint64_t written;
	uint64_t fail_offset;
	enum stage stage;
	int r;
};

/* What a worker works in: small enough to stay near its processor. */
struct buffers {
	uint8_t bytes[SFS_READ_MAX]
		__attribute__((aligned(SFS_DEVICE_ALIGN))); /* of an extent */
	uint8_t slots[SFS_RESTORE_SLOTS]; /* as they lie in a pack */
};

struct run {
	struct sfs_view *view;
	const struct sfs_restore_target *target;
	enum sfs_restore_pass pass;
	const struct sfs_map *map;
	const struct sfs_config *config;
	struct sfs_progress *progress;
	struct sfs_restore_result *result;

	struct sfs_workpool *pool;
	struct buffers *buffers; /* one a thread */
	struct job jobs[DEPTH];
	size_t next; /* the job's number, modulo DEPTH */
	atomic_bool stop;
};

static void run_done(struct run *run)
{
	sfs_workpool_free(run->pool);
	free(run->buffers);
}

#define CLEANUP_RUN __attribute__((cleanup(run_done)))

static int fail(struct job *job, enum stage stage, uint64_t offset, int r)
{
	job->stage = stage;
	job->fail_offset = offset;
	return r;
}

/* ---- what workers do ---- */

/* Write the part of an extent of data that @bytes has the place for, @entries
 * being those of its chunks. */
static int write_chunks(struct run *run, struct job *job, uint64_t offset,
			size_t size, const struct sfs_entry *entries,
			struct buffers *buffers, uint8_t *bytes)
{
	int r;

	r = sfs_restore_load(run->view, entries, offset, size, buffers->slots,
			     bytes);
	if (r < 0)
		return fail(job, STAGE_SNAPSHOT, offset, r);
	r = sfs_io_pwrite(run->target->fd, bytes, size, offset);
	if (r < 0)
		return fail(job, STAGE_WRITE, offset, r);
	job->written += size;
	return 0;
}

static int write_empty(struct run *run, struct job *job, uint64_t offset,
		       uint64_t size)
{
	const struct sfs_restore_target *target = run->target;
	int r;

	if (target->device_size > 0) {
		r = sfs_device_zero(target->fd, offset, size);
	} else {
		r = TEMP_FAILURE_RETRY(fallocate(
			target->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)offset, (off_t)size));
		if (r < 0 && errno == EOPNOTSUPP)
			r = sfs_device_write_zeros(target->fd, offset, size);
		else if (r < 0)
			r = -errno;
	}
	if (r < 0)
		return fail(job, STAGE_WRITE, offset, r);
	job->written += size;
	return 0;
}

/* What the target holds.  A device's blocks are read whole; the buffer has
 * room for that. */
static int read_back(const struct run *run, struct job *job, uint64_t offset,
		     size_t size, uint8_t *buffer)
{
	const struct sfs_restore_target *target = run->target;
	size_t whole = size;
	int fd = target->fd, r;

	if (target->device_size > 0) {
		fd = target->read_fd;
		whole = (size + SFS_DEVICE_ALIGN - 1) &
			~(size_t)(SFS_DEVICE_ALIGN - 1);
		whole = sfs_min(whole, target->device_size - offset);
	}
	r = sfs_io_pread(fd, buffer, whole, offset);
	return r < 0 ? fail(job, STAGE_READ, offset, r) : 0;
}

/* Whether the @size bytes at @bytes, with room for a whole chunk, are what
 * @entry says. */
static bool holds(const struct run *run, const struct sfs_entry *entry,
		  uint8_t *bytes, size_t size)
{
	struct sfs_hash hash;

	if (size < run->config->chunk_size)
		memset(bytes + size, 0, run->config->chunk_size - size);
	sfs_chunk_hash(run->config, bytes, run->config->chunk_size, &hash);
	return memcmp(&hash, &entry->hash, sizeof(hash)) == 0;
}

/* Compare each chunk; write those that differ, neighbours at once. */
static int compare_chunks(struct run *run, struct job *job,
			  const struct sfs_entry *entries,
			  struct buffers *buffers)
{
	size_t size = job->extent.size, chunk = run->config->chunk_size;
	size_t at, n, start, differing = 0;
	int r;

	for (at = 0; at < size; at += n) {
		n = sfs_min(chunk, size - at);
		if (!holds(run, &entries[at / chunk], buffers->bytes + at, n)) {
			differing += n;
			if (run->pass == SFS_RESTORE_VERIFY)
				return fail(job, STAGE_COMPARE,
					    job->extent.offset + at, -EBADMSG);
			if (at + n < size)
				continue;
			at += n, n = 0;
		}
		if (differing == 0)
			continue;
		start = at - differing;
		r = write_chunks(run, job, job->extent.offset + start,
				 differing, &entries[start / chunk], buffers,
				 buffers->bytes + start);
		if (r < 0)
			return r;
		differing = 0;
	}
	return 0;
}

static int do_data(struct run *run, struct job *job, struct buffers *buffers)
{
	const struct sfs_extent *extent = &job->extent;
	struct sfs_run entries;
	int r;

	/* An extent of data lies in one leaf. */
	r = sfs_map_run(run->map, extent->offset / run->config->chunk_size,
			&entries);
	if (r < 0) /* logged where the extents came from */
		return fail(job, STAGE_SNAPSHOT, extent->offset, r);
	if (run->pass == SFS_RESTORE_WRITE) {
		r = write_chunks(run, job, extent->offset, extent->size,
				 entries.entries, buffers, buffers->bytes);
	} else {
		r = read_back(run, job, extent->offset, extent->size,
			      buffers->bytes);
		if (r == 0)
			r = compare_chunks(run, job, entries.entries, buffers);
	}
	sfs_map_run_done(run->map, &entries);
	return r;
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* The first data of the target in [*offset, end): false when there is none. */
static bool find_data(const struct run *run, uint64_t *offset, uint64_t end)
{
	off_t found;

	if (run->target->device_size > 0)
		return *offset < end;
	found = lseek(run->target->fd, (off_t)*offset, SEEK_DATA);
	if (found < 0)
		return errno != ENXIO && *offset < end;
	*offset = (uint64_t)found;
	return *offset < end;
}

/* Make those of the @size bytes at @buffer that are not zero so in the
 * target, neighbouring blocks at once. */
static int compare_blocks(struct run *run, struct job *job, uint64_t offset,
			  size_t size, const uint8_t *buffer)
{
	size_t at, n, soiled = 0;
	int r;

	if (all_zero(buffer, size))
		return 0;
	for (at = 0; at < size; at += n) {
		n = sfs_min(SFS_DEVICE_ALIGN, size - at);
		if (!all_zero(buffer + at, n)) {
			soiled += n;
			if (run->pass == SFS_RESTORE_VERIFY)
				return fail(job, STAGE_COMPARE, offset + at,
					    -EBADMSG);
			if (at + n < size)
				continue;
			at += n, n = 0;
		}
		if (soiled == 0)
			continue;
		r = write_empty(run, job, offset + at - soiled, soiled);
		if (r < 0)
			return r;
		soiled = 0;
	}
	return 0;
}

static int compare_empty(struct run *run, struct job *job, uint8_t *buffer)
{
	uint64_t offset = job->extent.offset;
	uint64_t end = offset + job->extent.size;
	size_t n;
	int r;

	for (; find_data(run, &offset, end); offset += n) {
		if (atomic_load(&run->stop))
			return -ECANCELED;
		/* Data may start anywhere; a device wants alignment. */
		n = sfs_min(SFS_READ_MAX - offset % SFS_DEVICE_ALIGN,
			    end - offset);
		r = read_back(run, job, offset, n, buffer);
		if (r < 0)
			return r;
		r = compare_blocks(run, job, offset, n, buffer);
		if (r < 0)
			return r;
	}
	return 0;
}

static void work(void *argument, unsigned worker, void *context)
{
	struct job *job = argument;
	struct run *run = context;
	const struct sfs_extent *extent = &job->extent;
	struct buffers *buffers = &run->buffers[worker];

	if (atomic_load(&run->stop))
		job->r = -ECANCELED;
	else if (!extent->empty)
		job->r = do_data(run, job, buffers);
	else if (run->pass == SFS_RESTORE_WRITE)
		job->r = write_empty(run, job, extent->offset, extent->size);
	else
		job->r = compare_empty(run, job, buffers->bytes);
}

/* ---- what the caller's thread does ---- */

static void log_failure(const struct run *run, const struct job *job)
{
	unsigned long long offset = job->fail_offset;
	const char *name = run->target->name;

	if (job->stage == STAGE_COMPARE)
		sfs_err("'%s': differs from '%s' at offset %llu: what was "
			"written there does not read back",
			name, sfs_view_snapshot(run->view)->id, offset);
	else if (job->stage == STAGE_READ)
		sfs_err("'%s': cannot read at offset %llu: %s", name, offset,
			strerror(-job->r));
	else if (job->stage == STAGE_WRITE && job->r == -ENOSPC)
		sfs_err("'%s': its file system became full at offset %llu; "
			"free space there or restore to another",
			name, offset);
	else if (job->stage == STAGE_WRITE)
		sfs_err("'%s': cannot write at offset %llu: %s", name, offset,
			strerror(-job->r));
}

static int advance(struct run *run, uint64_t size)
{
	if (run->progress)
		run->progress->done_bytes += size;
	return sfs_progress_step(run->progress);
}

/* Account for a finished job.  Nothing more is said or stepped once the run
 * is to stop. */
static int finish(struct run *run, const struct job *job)
{
	if (atomic_load(&run->stop))
		return -ECANCELED;
	if (job->r < 0) {
		log_failure(run, job);
		return job->r;
	}
	run->result->written_bytes += job->written;
	if (run->pass == SFS_RESTORE_DELTA)
		run->result->same_bytes += job->extent.size - job->written;
	if (run->progress) {
		run->progress->stored_bytes += job->written;
		if (!job->extent.empty)
			run->progress->read_bytes += job->extent.size;
	}
	return advance(run, job->extent.size);
}

static int submit(struct run *run, const struct sfs_extent *extent)
{
	struct job *job;
	int r;

	/* A new file is one hole already. */
	if (extent->empty && run->pass == SFS_RESTORE_WRITE &&
	    run->target->device_size == 0)
		return advance(run, extent->size);
	if (sfs_workpool_full(run->pool)) {
		r = finish(run, sfs_workpool_collect(run->pool));
		if (r != 0)
			return r;
	}
	job = &run->jobs[run->next++ % DEPTH];
	*job = (struct job){ .extent = *extent };
	sfs_workpool_submit(run->pool, job);
	return 0;
}

static int run_all(struct run *run)
{
	CLEANUP_EXTENTS struct sfs_extents extents = { 0 };
	struct sfs_extent extent;
	struct job *job;
	int r;

	sfs_extents_init(&extents, run->view);
	while ((r = sfs_extents_next(&extents, &extent)) > 0) {
		r = submit(run, &extent);
		if (r != 0)
			break;
	}
	while (r == 0 && (job = sfs_workpool_collect(run->pool)))
		r = finish(run, job);
	atomic_store(&run->stop, true);
	while (sfs_workpool_collect(run->pool))
		;
	return r;
}

static int run_start(struct run *run, unsigned threads)
{
	int r;

	r = sfs_workpool_new(threads, DEPTH, work, run, &run->pool);
	if (r < 0)
		return r;
	run->buffers = aligned_alloc(SFS_DEVICE_ALIGN,
				     sfs_workpool_threads(run->pool) *
					     sizeof(*run->buffers));
	return run->buffers ? 0 : -ENOMEM;
}

int sfs_restore_run(struct sfs_view *view,
		    const struct sfs_restore_target *target,
		    enum sfs_restore_pass pass,
		    const struct sfs_restore_options *options,
		    struct sfs_restore_result *result)
{
	CLEANUP_RUN struct run run = {
		.view = view,
		.target = target,
		.pass = pass,
		.map = sfs_view_map(view),
		.config = &sfs_view_repo(view)->config,
		.progress = options->progress,
		.result = result,
	};
	int r;

	r = run_start(&run, options->threads);
	if (r < 0)
		return r;
	return run_all(&run);
}
