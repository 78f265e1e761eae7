/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/ingest-volume.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "src/log.h"
#include "src/workpool.h"

/* Bytes of the source that a worker takes at once. */
#define BATCH_SIZE   (1u << 20)
#define BATCH_CHUNKS (BATCH_SIZE / SFS_CHUNK_SIZE_MIN)

/* What became of one chunk. */
struct outcome {
	struct sfs_entry entry; /* whole, or hash and kind of a new chunk */
	uint32_t at;		/* of a new chunk's stored bytes in out */
	uint32_t stored;
	enum sfs_codec codec;
	bool new;
	bool found; /* stored already, in a pack that nobody vouched for */
};

/* A batch of neighbouring chunks on its way through a worker. */
struct batch {
	uint64_t first;
	unsigned count;
	size_t size; /* bytes of the source; the last chunk may be short */
	uint8_t *in;
	uint8_t *out;
	struct outcome outcomes[BATCH_CHUNKS];
	int result;
};

/* A worker's own memory. */
struct worker {
	struct sfs_codec_state *codec;
	uint8_t *scratch;
	uint64_t pack; /* asked for last, and its size: chunks come in runs */
	uint64_t pack_size;
};

struct run {
	struct sfs_ingest_work *work;
	struct sfs_source *source;
	const struct sfs_map *parent; /* or NULL */
	bool trusted;
	uint32_t chunk_size;
	struct sfs_snapshot *snapshot;
	struct sfs_map_builder *builder;
	uint64_t added; /* chunks in the builder */
	struct worker *workers;
	unsigned worker_count;
	struct batch *batches;
	size_t batch_count;
};

/* ---- in a worker ---- */

static bool is_zero(const uint8_t *bytes, size_t size)
{
	uint64_t words[2];

	memcpy(words, bytes, sizeof(words));
	return (words[0] | words[1]) == 0 &&
	       memcmp(bytes, bytes + sizeof(words), size - sizeof(words)) == 0;
}

/* The chunk's entry in the parent; a hole where there is none. */
static void parent_entry(const struct run *run, struct sfs_run *at,
			 uint64_t chunk, struct sfs_entry *ret)
{
	*ret = (struct sfs_entry){ .kind = SFS_KIND_HOLE };
	if (!run->parent || chunk >= run->parent->chunk_count)
		return;
	if (chunk < at->first || chunk >= at->first + at->count) {
		if (at->count)
			sfs_map_run_done(run->parent, at);
		at->count = 0;
		/* A parent's damaged node only means more to store. */
		if (sfs_map_run(run->parent, chunk, at) < 0) {
			at->count = 0;
			return;
		}
	}
	if (at->entries)
		*ret = at->entries[chunk - at->first];
}

/* Whether the parent's chunk can be there still.  One whose pack was lost is
 * stored anew, from the source that has it. */
static bool present(const struct run *run, struct worker *worker,
		    const struct sfs_entry *entry)
{
	if (worker->pack != entry->pack || worker->pack_size == 0) {
		worker->pack = entry->pack;
		worker->pack_size =
			sfs_share_pack_size(run->work->share, entry->pack);
	}
	return (uint64_t)entry->offset + SFS_SLOT_HEADER_SIZE + entry->stored <=
	       worker->pack_size;
}

static bool stored_already(const struct run *run, struct worker *worker,
			   const struct sfs_entry *before, const uint8_t *bytes,
			   struct outcome *outcome)
{
	struct sfs_hash *hash = &outcome->entry.hash;

	if (before->kind == SFS_KIND_DATA &&
	    memcmp(&before->hash, hash, sizeof(*hash)) == 0 &&
	    present(run, worker, before) &&
	    (run->trusted || sfs_share_same(run->work->share, before, bytes,
					    worker->scratch))) {
		outcome->entry = *before;
		return true;
	}
	outcome->found = sfs_share_find(run->work->share, hash, bytes,
					worker->scratch, &outcome->entry) == 1;
	return outcome->found;
}

static void do_chunk(const struct run *run, struct worker *worker,
		     const struct sfs_entry *before, struct batch *batch,
		     unsigned i)
{
	struct outcome *outcome = &batch->outcomes[i];
	const uint8_t *bytes = batch->in + (size_t)i * run->chunk_size;
	size_t at = (size_t)i * run->chunk_size;

	outcome->new = outcome->found = false;
	if (outcome->entry.kind == SFS_KIND_BAD)
		return;
	outcome->entry = (struct sfs_entry){ .kind = SFS_KIND_ZERO };
	if (is_zero(bytes, run->chunk_size))
		return;
	outcome->entry.kind = SFS_KIND_DATA;
	sfs_chunk_hash(&run->work->repo->config, bytes, run->chunk_size,
		       &outcome->entry.hash);
	if (stored_already(run, worker, before, bytes, outcome))
		return;
	outcome->new = true;
	outcome->at = (uint32_t)at;
	outcome->stored = (uint32_t)sfs_codec_compress(
		worker->codec, bytes, run->chunk_size, batch->out + at,
		run->chunk_size, &outcome->codec);
}

/* Read chunk by chunk, so that only what cannot be read is lost. */
static int read_around(const struct run *run, struct batch *batch)
{
	unsigned i, bad = 0;
	uint64_t offset;
	size_t at;
	int r;

	for (i = 0; i < batch->count; i++) {
		at = (size_t)i * run->chunk_size;
		offset = batch->first * run->chunk_size + at;
		r = sfs_source_read(run->source, batch->in + at,
				    sfs_min(run->chunk_size, batch->size - at),
				    offset);
		if (r < 0 && r != -EIO)
			return r;
		if (r == -EIO) {
			batch->outcomes[i].entry.kind = SFS_KIND_BAD;
			bad++;
		}
	}
	sfs_warn("'%s': %u of %u chunks from byte %" PRIu64 " on cannot be "
		 "read and are marked as missing",
		 sfs_source_name(run->source), bad, batch->count,
		 batch->first * run->chunk_size);
	return 0;
}

static int read_batch(const struct run *run, struct batch *batch)
{
	int r;

	r = sfs_source_read(run->source, batch->in, batch->size,
			    batch->first * run->chunk_size);
	if (r == -EIO && run->work->skip_bad)
		r = read_around(run, batch);
	else if (r == -EIO)
		sfs_err("'%s': nothing was made of it; --skip-bad takes the "
			"rest and marks what is missing",
			sfs_source_name(run->source));
	return r;
}

static void do_batch(void *job, unsigned index, void *context)
{
	struct sfs_run at = { .count = 0 };
	struct run *run = context;
	struct batch *batch = job;
	struct sfs_entry before;
	size_t full;
	unsigned i;

	for (i = 0; i < batch->count; i++)
		batch->outcomes[i].entry.kind = SFS_KIND_HOLE;
	batch->result = 0;
	if (!sfs_source_is_stream(run->source))
		batch->result = read_batch(run, batch);
	if (batch->result < 0)
		return;
	full = (size_t)batch->count * run->chunk_size;
	memset(batch->in + batch->size, 0, full - batch->size);
	for (i = 0; i < batch->count; i++) {
		parent_entry(run, &at, batch->first + i, &before);
		do_chunk(run, &run->workers[index], &before, batch, i);
	}
	if (at.count)
		sfs_map_run_done(run->parent, &at);
}

/* ---- in order ---- */

static int append(struct run *run, const struct batch *batch,
		  const struct outcome *outcome, struct sfs_entry *entry)
{
	const struct sfs_slot slot = {
		.stored = outcome->stored,
		.length = run->chunk_size,
		.codec = (uint8_t)outcome->codec,
		.kind = SFS_KIND_DATA,
	};

	/* A twin in this very pack is known only here. */
	if (sfs_pack_writer_find(run->work->chunks, &outcome->entry.hash,
				 batch->in + outcome->at, entry))
		return 0;
	return sfs_pack_writer_append(run->work->chunks, &slot,
				      batch->out + outcome->at,
				      &outcome->entry.hash, entry);
}

static int take_chunk(struct run *run, const struct batch *batch,
		      const struct outcome *outcome)
{
	struct sfs_entry entry = outcome->entry;
	int r;

	if (outcome->new) {
		r = append(run, batch, outcome, &entry);
		if (r < 0)
			return r;
	}
	if (outcome->found)
		sfs_pack_set_add(&run->work->found, entry.pack);
	if (entry.kind == SFS_KIND_DATA)
		run->snapshot->data_bytes += run->chunk_size;
	else if (entry.kind == SFS_KIND_BAD)
		run->snapshot->bad_bytes += run->chunk_size;
	run->added++;
	return sfs_map_builder_add(run->builder, &entry);
}

/* Holes up to @chunk. */
static int skip_to(struct run *run, uint64_t chunk)
{
	uint64_t count = chunk - run->added;

	run->added = chunk;
	return sfs_map_builder_add_run(run->builder, SFS_KIND_HOLE, count);
}

static int take_batch(struct run *run, struct batch *batch)
{
	struct sfs_progress *progress = run->work->progress;
	unsigned i;
	int r;

	if (batch->result < 0)
		return batch->result;
	r = skip_to(run, batch->first);
	for (i = 0; i < batch->count && r == 0; i++)
		r = take_chunk(run, batch, &batch->outcomes[i]);
	if (r < 0)
		return r;
	if (progress) {
		progress->done_bytes += batch->size;
		progress->read_bytes += batch->size;
		progress->stored_bytes =
			sfs_pack_writer_bytes(run->work->chunks);
	}
	return sfs_progress_step(progress);
}

/* ---- cutting the source into batches ---- */

struct cutter {
	uint64_t chunk; /* the next to go out */
	uint64_t end;	/* of the data that it lies in, in chunks */
	bool ended;	/* nothing more */
};

/* Find the data at or behind cutter->chunk. */
static int find_data(struct run *run, struct cutter *cutter)
{
	uint64_t size = run->snapshot->size, start, end;
	int r;

	r = sfs_source_data(run->source,
			    sfs_min(cutter->chunk * run->chunk_size, size),
			    &start, &end);
	if (r < 0)
		return r;
	cutter->chunk = sfs_max(cutter->chunk, start / run->chunk_size);
	cutter->end = sfs_map_chunks(end, run->chunk_size);
	cutter->ended = start >= size;
	return 0;
}

/* Fill in what @batch is to read; its count is 0 at the end. */
static int cut_file(struct run *run, struct cutter *cutter, struct batch *batch)
{
	const unsigned most = BATCH_SIZE / run->chunk_size;
	uint64_t offset;
	int r;

	batch->count = 0;
	if (cutter->chunk >= cutter->end) {
		r = find_data(run, cutter);
		if (r < 0 || cutter->ended)
			return r;
	}
	batch->first = cutter->chunk;
	/* Aligned, so that a batch meets few leaves of the parent. */
	batch->count = (unsigned)sfs_min(most - cutter->chunk % most,
					 cutter->end - cutter->chunk);
	offset = batch->first * run->chunk_size;
	batch->size = sfs_min((uint64_t)batch->count * run->chunk_size,
			      run->snapshot->size - offset);
	cutter->chunk += batch->count;
	return 0;
}

static int cut_stream(struct run *run, struct cutter *cutter,
		      struct batch *batch)
{
	size_t got;
	int r;

	batch->count = 0;
	if (cutter->ended)
		return 0;
	r = sfs_source_stream(run->source, batch->in, BATCH_SIZE, &got);
	if (r < 0)
		return r;
	cutter->ended = got < BATCH_SIZE;
	run->snapshot->size += got;
	if (run->snapshot->size > SFS_VOLUME_SIZE_MAX)
		return -EFBIG;
	batch->first = cutter->chunk;
	batch->count = (unsigned)sfs_map_chunks(got, run->chunk_size);
	batch->size = got;
	cutter->chunk += batch->count;
	return 0;
}

static int pump(struct run *run, struct sfs_workpool *pool)
{
	bool stream = sfs_source_is_stream(run->source);
	struct cutter cutter = { 0 };
	struct batch *batch;
	size_t n;
	int r;

	for (n = 0;; n++) {
		if (sfs_workpool_full(pool)) {
			r = take_batch(run, sfs_workpool_collect(pool));
			if (r < 0)
				return r;
		}
		batch = &run->batches[n % run->batch_count];
		r = stream ? cut_stream(run, &cutter, batch)
			   : cut_file(run, &cutter, batch);
		if (r < 0)
			return r;
		if (batch->count == 0)
			break;
		sfs_workpool_submit(pool, batch);
	}
	while ((batch = sfs_workpool_collect(pool))) {
		r = take_batch(run, batch);
		if (r < 0)
			return r;
	}
	return skip_to(run,
		       sfs_map_chunks(run->snapshot->size, run->chunk_size));
}

/* ---- memory ---- */

static void run_done(struct run *run)
{
	size_t i;

	sfs_map_builder_free(run->builder);
	for (i = 0; run->workers && i < run->worker_count; i++) {
		sfs_codec_free(run->workers[i].codec);
		free(run->workers[i].scratch);
	}
	free(run->workers);
	for (i = 0; run->batches && i < run->batch_count; i++) {
		free(run->batches[i].in);
		free(run->batches[i].out);
	}
	free(run->batches);
}
#define CLEANUP_RUN __attribute__((cleanup(run_done)))

static int make_workers(struct run *run)
{
	const char *compression = run->work->repo->config.compression;
	size_t scratch = 2 * (size_t)run->chunk_size + SFS_SLOT_HEADER_SIZE;
	unsigned i;
	int r;

	run->workers = sfs_calloc(run->worker_count, sizeof(*run->workers));
	if (!run->workers)
		return -ENOMEM;
	for (i = 0; i < run->worker_count; i++) {
		run->workers[i].scratch = sfs_malloc(scratch);
		if (!run->workers[i].scratch)
			return -ENOMEM;
		r = sfs_codec_new(compression, &run->workers[i].codec);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_batches(struct run *run)
{
	size_t i;

	run->batches = sfs_calloc(run->batch_count, sizeof(*run->batches));
	if (!run->batches)
		return -ENOMEM;
	for (i = 0; i < run->batch_count; i++) {
		run->batches[i].in =
			aligned_alloc(SFS_SOURCE_ALIGN, BATCH_SIZE);
		run->batches[i].out = sfs_malloc(BATCH_SIZE);
		if (!run->batches[i].in || !run->batches[i].out)
			return -ENOMEM;
	}
	return 0;
}

/* Compress a node and append it. */
static int put_node(const struct sfs_entry entries[SFS_NODE_ENTRIES],
		    unsigned height, struct sfs_entry *ret, void *context)
{
	uint8_t bytes[SFS_NODE_SIZE], out[SFS_NODE_SIZE];
	struct run *run = context;
	enum sfs_codec codec;
	struct sfs_slot slot;
	struct sfs_hash hash;

	sfs_node_encode(entries, bytes);
	sfs_chunk_hash(&run->work->repo->config, bytes, sizeof(bytes), &hash);
	slot.stored = (uint32_t)sfs_codec_compress(run->work->node_codec, bytes,
						   sizeof(bytes), out,
						   sizeof(out), &codec);
	slot.length = SFS_NODE_SIZE;
	slot.codec = (uint8_t)codec;
	slot.kind = (uint8_t)(SFS_KIND_NODE + height);
	return sfs_pack_writer_append(run->work->nodes, &slot, out, &hash, ret);
}

static uint64_t written(const struct sfs_ingest_work *work)
{
	return sfs_pack_writer_bytes(work->chunks) +
	       sfs_pack_writer_bytes(work->nodes);
}

int sfs_ingest_volume(struct sfs_ingest_work *work, struct sfs_source *source,
		      const struct sfs_snapshot *parent, bool trusted,
		      struct sfs_snapshot *snapshot)
{
	struct sfs_map map; /* outlives the workers, who read it */
	CLEANUP_RUN struct run run = {
		.work = work,
		.source = source,
		.trusted = trusted,
		.chunk_size = work->repo->config.chunk_size,
		.snapshot = snapshot,
	};
	CLEANUP_WORKPOOL struct sfs_workpool *pool = NULL;
	uint64_t before = written(work);
	int r;

	if (parent) {
		map = sfs_map_of(work->repo->chunks, parent, run.chunk_size);
		run.parent = &map;
	}
	if (!sfs_source_is_stream(source))
		snapshot->size = sfs_source_size(source);
	r = sfs_map_builder_new(run.parent, put_node, &run, &run.builder);
	if (r < 0)
		return r;
	run.worker_count = work->threads;
	run.batch_count = 2 * (size_t)work->threads + 2;
	r = make_workers(&run);
	if (r == 0)
		r = make_batches(&run);
	if (r == 0)
		r = sfs_workpool_new(work->threads, run.batch_count, do_batch,
				     &run, &pool);
	if (r < 0)
		return r;
	r = pump(&run, pool);
	if (r < 0)
		return r;
	r = sfs_map_builder_finish(run.builder, &snapshot->root,
				   &snapshot->height);
	if (r < 0)
		return r;
	snapshot->stored_bytes = written(work) - before;
	return 0;
}
