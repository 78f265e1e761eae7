/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The blocks of one volume into an image file: workers read, hash and
 * compress; the calling thread appends what they made, in order.
 */

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "src/codec.h"
#include "src/diff.h"
#include "src/export-writer.h"
#include "src/image-file.h"
#include "src/workpool.h"

/* Enough that no worker waits for the one that writes. */
#define DEPTH 16u

struct job {
	struct sfs_export_row row;
	size_t length;
	bool empty; /* zeros, after all */
	int r;
	uint8_t content[SFS_EXPORT_BLOCK_SIZE];
	uint8_t stored[SFS_EXPORT_BLOCK_SIZE];
};

/* Blocks [first, end), which are not the base's. */
struct range {
	uint64_t first, end;
};

struct run {
	struct sfs_export_writer *writer;
	struct sfs_view *view;
	bool has_base;
	uint16_t number;
	struct range *changed; /* in order, apart from each other */
	size_t changed_count;
	size_t changed_capacity;
	size_t passed; /* of changed: those before the next block */

	struct sfs_workpool *pool;
	struct sfs_codec_state **codecs; /* one a worker */
	unsigned codec_count;
	struct job *jobs; /* DEPTH */
	size_t next;
	uint64_t told; /* bytes of the volume that progress has */
	uint64_t rows;
	atomic_bool stop;
};

static void run_done(struct run *run)
{
	unsigned i;

	atomic_store(&run->stop, true);
	sfs_workpool_free(run->pool);
	for (i = 0; run->codecs && i < run->codec_count; i++)
		sfs_codec_free(run->codecs[i]);
	free(run->codecs);
	free(run->jobs);
	free(run->changed);
}
#define CLEANUP_RUN __attribute__((cleanup(run_done)))

/* ---- what the base has as well ---- */

static int add_changed(enum sfs_change change, uint64_t offset, uint64_t size,
		       void *context)
{
	const uint64_t end = offset + size;
	struct run *run = context;
	struct range *last;
	struct range range = {
		.first = offset / SFS_EXPORT_BLOCK_SIZE,
		.end = sfs_map_chunks(end, SFS_EXPORT_BLOCK_SIZE),
	};
	int r;

	(void)change;
	last = run->changed_count ? &run->changed[run->changed_count - 1]
				  : NULL;
	if (last && range.first <= last->end) {
		last->end = sfs_max(last->end, range.end);
		return 0;
	}
	r = sfs_grow(&run->changed, &run->changed_capacity, run->changed_count,
		     sizeof(*run->changed));
	if (r == 0)
		run->changed[run->changed_count++] = range;
	return r;
}

/* Blocks are asked for in order. */
static bool is_of_base(struct run *run, uint64_t block)
{
	if (!run->has_base)
		return false;
	while (run->passed < run->changed_count &&
	       run->changed[run->passed].end <= block)
		run->passed++;
	return run->passed == run->changed_count ||
	       run->changed[run->passed].first > block;
}

/* ---- in a worker ---- */

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

static int read_block(struct run *run, struct job *job)
{
	size_t done;
	int r;

	r = sfs_view_pread(run->view, job->content, job->length,
			   job->row.block * SFS_EXPORT_BLOCK_SIZE, &done);
	if (r < 0)
		return r;
	job->empty = is_zero(job->content, job->length);
	return 0;
}

static void work(void *argument, unsigned worker, void *context)
{
	struct run *run = context;
	struct job *job = argument;
	struct sfs_export_row *row = &job->row;
	enum sfs_codec codec;

	job->r = atomic_load(&run->stop) ? -ECANCELED : read_block(run, job);
	if (job->r < 0 || job->empty)
		return;
	sfs_export_hash(job->content, job->length, &row->hash);
	if (row->kind == SFS_EXPORT_BASE)
		return;
	row->stored = (uint32_t)sfs_codec_compress(
		run->codecs[worker], job->content, job->length, job->stored,
		sizeof(job->stored), &codec);
	row->kind = codec == SFS_CODEC_LZ4 ? SFS_EXPORT_LZ4 : SFS_EXPORT_RAW;
	row->check = sfs_export_check(job->stored, row->stored, row->volume,
				      row->block);
}

/* ---- in order ---- */

static int tell(struct run *run, uint64_t offset)
{
	struct sfs_progress *progress = run->writer->progress;

	if (progress)
		progress->done_bytes += offset - run->told;
	run->told = offset;
	return sfs_progress_step(progress);
}

static int take(struct run *run, struct job *job)
{
	struct sfs_export_result *result = &run->writer->result;
	int r;

	if (job->r < 0)
		return job->r;
	if (!job->empty) {
		r = sfs_export_writer_block(run->writer, &job->row,
					    job->stored);
		if (r < 0)
			return r;
		run->rows++;
		result->data_bytes += job->length;
		if (job->row.kind == SFS_EXPORT_BASE)
			result->base_bytes += job->length;
	}
	if (run->writer->progress)
		run->writer->progress->read_bytes += job->length;
	return tell(run, job->row.block * SFS_EXPORT_BLOCK_SIZE + job->length);
}

static int submit(struct run *run, uint64_t block)
{
	struct job *job;
	int r;

	if (sfs_workpool_full(run->pool)) {
		r = take(run, sfs_workpool_collect(run->pool));
		if (r != 0)
			return r;
	}
	job = &run->jobs[run->next++ % DEPTH];
	job->row = (struct sfs_export_row){
		.block = block,
		.volume = run->number,
		.kind = is_of_base(run, block) ? SFS_EXPORT_BASE : 0,
	};
	job->length =
		sfs_image_file_block_size(sfs_view_snapshot(run->view), block);
	sfs_workpool_submit(run->pool, job);
	return 0;
}

static int pump(struct run *run)
{
	uint64_t size = sfs_view_snapshot(run->view)->size, offset = 0, block;
	struct job *job;
	int r;

	for (;;) {
		r = sfs_view_next_data(run->view, offset, &offset);
		if (r == -ENXIO)
			break;
		if (r < 0)
			return r;
		block = offset / SFS_EXPORT_BLOCK_SIZE;
		r = submit(run, block);
		if (r != 0)
			return r;
		offset = (block + 1) * SFS_EXPORT_BLOCK_SIZE;
	}
	while ((job = sfs_workpool_collect(run->pool))) {
		r = take(run, job);
		if (r != 0)
			return r;
	}
	return tell(run, size);
}

static int start(struct run *run)
{
	unsigned i;
	int r;

	run->jobs = sfs_calloc(DEPTH, sizeof(*run->jobs));
	if (!run->jobs)
		return -ENOMEM;
	r = sfs_workpool_new(run->writer->threads, DEPTH, work, run,
			     &run->pool);
	if (r < 0)
		return r;
	run->codec_count = sfs_workpool_threads(run->pool);
	run->codecs = sfs_calloc(run->codec_count, sizeof(*run->codecs));
	if (!run->codecs)
		return -ENOMEM;
	for (i = 0; i < run->codec_count; i++) {
		r = sfs_codec_new("lz4", &run->codecs[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int sfs_export_volume(struct sfs_export_writer *writer, uint16_t number,
		      struct sfs_view *view, struct sfs_view *base,
		      uint64_t *ret_rows)
{
	CLEANUP_RUN struct run run = {
		.writer = writer,
		.view = view,
		.has_base = base,
		.number = number,
	};
	int r;

	if (base) {
		r = sfs_diff(base, view, add_changed, &run);
		if (r < 0)
			return r;
	}
	r = start(&run);
	if (r < 0)
		return r;
	r = pump(&run);
	if (r != 0)
		return r;
	*ret_rows = run.rows;
	return 0;
}
