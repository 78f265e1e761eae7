/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/io.h"
#include "src/log.h"
#include "src/restore-run.h"
#include "src/workpool.h"

/* Each holds a megabyte of pinned chunks. */
#define DEPTH 16u

struct job {
	struct sfs_extent extent;
	struct sfs_read read; /* held while r is 0 and the extent not empty */
	int r;
};

struct stream {
	struct sfs_view *view;
	struct sfs_progress *progress;
	struct sfs_restore_result *result;
	struct sfs_workpool *pool;
	struct job *jobs; /* DEPTH */
	size_t next;
	atomic_bool stop;
};

static void stream_done(struct stream *stream)
{
	sfs_workpool_free(stream->pool);
	free(stream->jobs);
}

#define CLEANUP_STREAM __attribute__((cleanup(stream_done)))

static void work(void *argument, unsigned worker, void *context)
{
	struct stream *stream = context;
	struct job *job = argument;

	(void)worker;
	if (atomic_load(&stream->stop))
		job->r = -ECANCELED;
	else if (!job->extent.empty)
		job->r = sfs_view_read(stream->view, job->extent.offset,
				       job->extent.size, &job->read);
}

static int put(struct stream *stream, const struct iovec *iov, int count,
	       uint64_t size)
{
	int r;

	r = sfs_io_writev(STDOUT_FILENO, iov, count);
	if (r == -EPIPE)
		sfs_err("stdout: whoever was reading it has gone");
	else if (r < 0)
		sfs_err("stdout: cannot write: %s", strerror(-r));
	if (r < 0)
		return r;
	stream->result->written_bytes += size;
	if (stream->progress) {
		stream->progress->done_bytes += size;
		stream->progress->stored_bytes += size;
	}
	return sfs_progress_step(stream->progress);
}

static int put_zeros(struct stream *stream, uint64_t size)
{
	static const uint8_t zeros[256 << 10];
	struct iovec iov = { .iov_base = (void *)zeros };
	int r;

	for (; size > 0; size -= iov.iov_len) {
		iov.iov_len = sfs_min(size, sizeof(zeros));
		r = put(stream, &iov, 1, iov.iov_len);
		if (r != 0)
			return r;
	}
	return 0;
}

/* Write what a job read, if the stream still goes on, and let go of it. */
static int finish(struct stream *stream, struct job *job)
{
	int r = job->r;

	if (atomic_load(&stream->stop))
		r = r < 0 ? r : -ECANCELED;
	else if (r == 0 && job->extent.empty)
		r = put_zeros(stream, job->extent.size);
	else if (r == 0)
		r = put(stream, job->read.iov, (int)job->read.iov_count,
			job->extent.size);
	if (job->r == 0 && !job->extent.empty)
		sfs_view_read_done(stream->view, &job->read);
	return r;
}

static int submit(struct stream *stream, const struct sfs_extent *extent)
{
	struct job *job;
	int r;

	if (sfs_workpool_full(stream->pool)) {
		r = finish(stream, sfs_workpool_collect(stream->pool));
		if (r != 0)
			return r;
	}
	job = &stream->jobs[stream->next++ % DEPTH];
	job->extent = *extent;
	job->r = 0;
	sfs_workpool_submit(stream->pool, job);
	return 0;
}

static int stream_all(struct stream *stream)
{
	CLEANUP_EXTENTS struct sfs_extents extents = { 0 };
	struct sfs_extent extent;
	struct job *job;
	int r;

	sfs_extents_init(&extents, stream->view);
	while ((r = sfs_extents_next(&extents, &extent)) > 0) {
		r = submit(stream, &extent);
		if (r != 0)
			break;
	}
	while (r == 0 && (job = sfs_workpool_collect(stream->pool)))
		r = finish(stream, job);
	atomic_store(&stream->stop, true);
	while ((job = sfs_workpool_collect(stream->pool)))
		sfs_ignore(finish(stream, job)); /* only lets go */
	return r;
}

/* A pipe that breaks is an error like others, whatever the program does with
 * SIGPIPE: this thread, which alone writes, holds it back and eats it. */
static int without_sigpipe(struct stream *stream)
{
	const struct timespec now = { 0 };
	sigset_t pipes, before, pending;
	bool was_pending;
	int r;

	sigemptyset(&pipes);
	sigaddset(&pipes, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipes, &before);
	sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE);
	r = stream_all(stream);
	if (r == -EPIPE && !was_pending)
		sigtimedwait(&pipes, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

int sfs_restore_to_stdout(struct sfs_view *view,
			  const struct sfs_restore_options *options,
			  struct sfs_restore_result *ret)
{
	CLEANUP_STREAM struct stream stream = {
		.view = view,
		.progress = options->progress,
		.result = ret,
	};
	int r;

	if (options->delta || options->verify) {
		sfs_err("stdout cannot be read back, so --delta and --verify "
			"need a file or a device");
		return -EINVAL;
	}
	if (isatty(STDOUT_FILENO)) {
		sfs_err("stdout is a terminal; send it to a file or a pipe");
		return -EINVAL;
	}
	stream.jobs = sfs_calloc(DEPTH, sizeof(*stream.jobs));
	if (!stream.jobs)
		return -ENOMEM;
	r = sfs_workpool_new(options->threads, DEPTH, work, &stream,
			     &stream.pool);
	if (r < 0)
		return r;
	return without_sigpipe(&stream);
}
