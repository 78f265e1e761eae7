/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "src/log.h"

struct sfs_view {
	struct sfs_repo *repo;
	struct sfs_snapshot *snapshot;
	uint64_t stored; /* bytes of it; beyond, as far as the view's, zeros */
	struct sfs_map map;
	bool pinned;
};

/* What holes and zeros are read from: as long as a chunk can be, so that an
 * empty chunk is one piece.  Untouched, it costs one page of the kernel's. */
static const uint8_t zeros[SFS_CHUNK_SIZE_MAX];

/* A view of view->snapshot. */
static void look_at(struct sfs_view *view)
{
	view->stored = view->snapshot->size;
	view->map = sfs_map_of(view->repo->chunks, view->snapshot,
			       view->repo->config.chunk_size);
}

static int new_view(struct sfs_repo *repo, struct sfs_view **ret)
{
	*ret = sfs_calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	(*ret)->repo = repo;
	return 0;
}

int sfs_view_open(struct sfs_repo *repo, const char *id, struct sfs_view **ret)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;
	int r;

	r = new_view(repo, &view);
	if (r < 0)
		return r;
	/* Pin first, then look: gc looks first, then probes the pins, so that
	 * one of the two sees the other. */
	r = sfs_store_pin(repo->store, id);
	if (r < 0)
		return r;
	r = sfs_catalog_load(repo->catalog, id, &view->snapshot);
	if (r < 0) {
		sfs_store_unpin(repo->store, id);
		return r;
	}
	view->pinned = true;
	look_at(view);
	*ret = TAKE_PTR(view);
	return 0;
}

int sfs_view_open_unpinned(struct sfs_repo *repo,
			   const struct sfs_snapshot *snapshot,
			   struct sfs_view **ret)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;
	int r;

	r = new_view(repo, &view);
	if (r < 0)
		return r;
	r = sfs_snapshot_copy(snapshot, &view->snapshot);
	if (r < 0)
		return r;
	look_at(view);
	*ret = TAKE_PTR(view);
	return 0;
}

/* Nothing stored, which everything lies beyond. */
static int open_empty(struct sfs_repo *repo, struct sfs_view **ret)
{
	const struct sfs_snapshot nothing = { .owner = SFS_OWNER_NONE };

	return sfs_view_open_unpinned(repo, &nothing, ret);
}

int sfs_view_open_volume(struct sfs_repo *repo, const char *id, uint64_t size,
			 struct sfs_view **ret)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;
	int r;

	r = *id ? sfs_view_open(repo, id, &view) : open_empty(repo, &view);
	if (r < 0)
		return r;
	if (size < view->stored) {
		sfs_err("'%s': has %" PRIu64
			" bytes, which a volume of %" PRIu64
			" bytes has no room for",
			id, view->stored, size);
		return -EINVAL;
	}
	view->snapshot->size = size;
	*ret = TAKE_PTR(view);
	return 0;
}

void sfs_view_close(struct sfs_view *view)
{
	if (!view)
		return;
	if (view->pinned)
		sfs_store_unpin(view->repo->store, view->snapshot->id);
	sfs_snapshot_free(view->snapshot);
	free(view);
}

const struct sfs_snapshot *sfs_view_snapshot(const struct sfs_view *view)
{
	return view->snapshot;
}

const struct sfs_map *sfs_view_map(const struct sfs_view *view)
{
	return &view->map;
}

struct sfs_repo *sfs_view_repo(const struct sfs_view *view)
{
	return view->repo;
}

/* ---- reading ---- */

static int damaged(struct sfs_view *view, const struct sfs_entry *entry,
		   uint64_t offset, int error)
{
	const struct sfs_snapshot *snapshot = view->snapshot;

	if (error == -ENOMEM)
		return error;
	if (sfs_chunks_news(view->repo->chunks, entry))
		sfs_err("'%s' of volume '%s': byte %llu: cannot be read: slot "
			"at %u of pack %016llx: %s; 'snapfs check --read-data' "
			"tells what else is hit",
			snapshot->id, snapshot->volume,
			(unsigned long long)offset, entry->offset,
			(unsigned long long)entry->pack,
			sfs_damage_text(error));
	/* A pack that is gone is not a snapshot that is not there. */
	return error == -ENOENT ? -EUCLEAN : error;
}

static int unreadable(struct sfs_view *view, uint64_t offset)
{
	sfs_err("'%s' of volume '%s': byte %llu: its source could not be read "
		"when the snapshot was taken (--skip-bad)",
		view->snapshot->id, view->snapshot->volume,
		(unsigned long long)offset);
	return -EIO;
}

/* Neighbouring zeros are one piece as far as the zeros reach. */
static bool zeros_fit(const struct sfs_read *read, uint64_t size)
{
	const struct iovec *last;

	if (read->iov_count == 0)
		return false;
	last = &read->iov[read->iov_count - 1];
	return last->iov_base == (const void *)zeros &&
	       last->iov_len + size <= sizeof(zeros);
}

static void add_zeros(struct sfs_read *read, uint64_t size)
{
	if (!zeros_fit(read, size))
		read->iov[read->iov_count++] =
			(struct iovec){ (void *)(uintptr_t)zeros, 0 };
	read->iov[read->iov_count - 1].iov_len += size;
	read->size += size;
}

/* Add @size bytes of the chunk of @entry from @skip on. */
static int add_chunk(struct sfs_view *view, const struct sfs_entry *entry,
		     uint64_t offset, uint64_t skip, uint64_t size,
		     struct sfs_read *read)
{
	struct sfs_chunk *chunk = &read->chunks[read->chunk_count];
	struct iovec *piece;
	int r;

	if (entry->kind == SFS_KIND_HOLE || entry->kind == SFS_KIND_ZERO) {
		add_zeros(read, size);
		return 0;
	}
	if (entry->kind == SFS_KIND_BAD)
		return unreadable(view, offset);
	r = sfs_chunk_get(view->repo->chunks, entry, chunk);
	if (r < 0)
		return damaged(view, entry, offset, r);
	read->chunk_count++;
	piece = &read->iov[read->iov_count++];
	piece->iov_base = (void *)(uintptr_t)(chunk->bytes + skip);
	piece->iov_len = size;
	read->size += size;
	return 0;
}

/* Add what @run holds of [offset, end). */
static int add_run(struct sfs_view *view, const struct sfs_run *run,
		   uint64_t offset, uint64_t end, struct sfs_read *read)
{
	const uint64_t chunk_size = view->repo->config.chunk_size;
	uint64_t chunk, skip, size;
	int r;

	end = sfs_min(end, (run->first + run->count) * chunk_size);
	if (!run->entries) {
		add_zeros(read, end - offset);
		return 0;
	}
	while (offset < end) {
		chunk = offset / chunk_size;
		skip = offset % chunk_size;
		size = sfs_min(chunk_size - skip, end - offset);
		r = add_chunk(view, &run->entries[chunk - run->first], offset,
			      skip, size, read);
		if (r < 0)
			return r;
		offset += size;
	}
	return 0;
}

/* Add [offset, end), which is stored. */
static int add_stored(struct sfs_view *view, uint64_t offset, uint64_t end,
		      struct sfs_read *read)
{
	const uint64_t chunk_size = view->repo->config.chunk_size;
	struct sfs_run run;
	int r;

	while (offset < end) {
		r = sfs_map_run(&view->map, offset / chunk_size, &run);
		if (r < 0)
			return damaged(view, &run.lone, offset, r);
		r = add_run(view, &run, offset, end, read);
		sfs_map_run_done(&view->map, &run);
		if (r < 0)
			return r;
		offset = sfs_min((run.first + run.count) * chunk_size, end);
	}
	return 0;
}

int sfs_view_read(struct sfs_view *view, uint64_t offset, size_t size,
		  struct sfs_read *read)
{
	uint64_t end, stored;
	int r;

	read->iov_count = read->chunk_count = 0;
	read->size = 0;
	if (offset >= view->snapshot->size)
		return 0;
	end = offset + sfs_min(sfs_min(size, SFS_READ_MAX),
			       view->snapshot->size - offset);
	stored = sfs_min(end, view->stored);
	r = add_stored(view, offset, stored, read);
	if (r < 0) {
		sfs_view_read_done(view, read);
		return r;
	}
	offset = sfs_max(offset, stored);
	if (offset < end)
		add_zeros(read, end - offset);
	return 0;
}

void sfs_view_read_done(struct sfs_view *view, struct sfs_read *read)
{
	unsigned i;

	for (i = 0; i < read->chunk_count; i++)
		sfs_chunk_put(view->repo->chunks, &read->chunks[i]);
	read->chunk_count = read->iov_count = 0;
}

int sfs_view_pread(struct sfs_view *view, void *buffer, size_t size,
		   uint64_t offset, size_t *ret_size)
{
	uint8_t *p = buffer;
	struct sfs_read read;
	size_t done = 0;
	unsigned i;
	int r;

	while (done < size) {
		r = sfs_view_read(view, offset + done, size - done, &read);
		if (r < 0)
			return r;
		if (read.size == 0)
			break;
		for (i = 0; i < read.iov_count; i++) {
			memcpy(p + done, read.iov[i].iov_base,
			       read.iov[i].iov_len);
			done += read.iov[i].iov_len;
		}
		sfs_view_read_done(view, &read);
	}
	*ret_size = done;
	return 0;
}

/* ---- data and holes ---- */

static bool entry_empty(const struct sfs_entry *entry)
{
	return entry->kind == SFS_KIND_HOLE || entry->kind == SFS_KIND_ZERO;
}

/* The first chunk of @run that is, or is not, empty; its end when none. */
static uint64_t find_in_run(const struct sfs_run *run, bool empty)
{
	uint64_t i;

	if (!run->entries)
		return empty ? run->first : run->first + run->count;
	for (i = 0; i < run->count; i++)
		if (entry_empty(&run->entries[i]) == empty)
			break;
	return run->first + i;
}

/* The most runs that one question looks at: some 128 GiB of a dense volume.
 * A map that shares its nodes can be as large as it likes. */
#define RUNS_MAX 65536

/* 1 and *ret; 0 when there is none up to the end.  Who gives up looking calls
 * the place data, which is always true enough. */
static int next(struct sfs_view *view, uint64_t offset, bool empty,
		uint64_t *ret)
{
	const uint64_t chunk_size = view->repo->config.chunk_size;
	uint64_t chunk = offset / chunk_size, found;
	struct sfs_run run;
	unsigned runs;
	int r;

	for (runs = 0; chunk < view->map.chunk_count; runs++) {
		if (runs == RUNS_MAX) {
			*ret = chunk * chunk_size;
			return !empty;
		}
		r = sfs_map_run(&view->map, chunk, &run);
		if (r < 0)
			return damaged(view, &run.lone, chunk * chunk_size, r);
		found = find_in_run(&run, empty);
		chunk = run.first + run.count;
		sfs_map_run_done(&view->map, &run);
		if (found < chunk) {
			*ret = sfs_max(found * chunk_size, offset);
			return 1;
		}
	}
	return 0;
}

int sfs_view_next_data(struct sfs_view *view, uint64_t offset, uint64_t *ret)
{
	int r;

	/* The last chunk may reach into what lies behind. */
	if (offset >= view->stored)
		return -ENXIO;
	r = next(view, offset, false, ret);
	if (r < 0)
		return r;
	return r == 0 ? -ENXIO : 0;
}

int sfs_view_next_hole(struct sfs_view *view, uint64_t offset, uint64_t *ret)
{
	int r;

	if (offset >= view->snapshot->size)
		return -ENXIO;
	r = next(view, offset, true, ret);
	if (r < 0)
		return r;
	if (r == 0) /* behind what is stored, or the end */
		*ret = sfs_min(sfs_max(offset, view->stored),
			       view->snapshot->size);
	return 0;
}
