/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "src/log.h"
#include "src/restore-run.h"

void sfs_extents_init(struct sfs_extents *extents, struct sfs_view *view)
{
	*extents = (struct sfs_extents){
		.view = view,
		.map = sfs_view_map(view),
		.chunk_size = sfs_view_repo(view)->config.chunk_size,
	};
}

void sfs_extents_done(struct sfs_extents *extents)
{
	if (extents->have_run)
		sfs_map_run_done(extents->map, &extents->run);
	extents->have_run = false;
}

static unsigned long long here(const struct sfs_extents *extents)
{
	return (unsigned long long)extents->chunk * extents->chunk_size;
}

/* Have the run that the next chunk lies in. */
static int load_run(struct sfs_extents *extents)
{
	const struct sfs_run *run = &extents->run;
	int r;

	if (extents->have_run && extents->chunk < run->first + run->count)
		return 0;
	sfs_extents_done(extents);
	r = sfs_map_run(extents->map, extents->chunk, &extents->run);
	if (r < 0) {
		sfs_err("'%s': the map at offset %llu cannot be read: %s",
			sfs_view_snapshot(extents->view)->id, here(extents),
			sfs_damage_text(r));
		return r;
	}
	extents->have_run = true;
	return 0;
}

static uint8_t kind_at(const struct sfs_run *run, uint64_t chunk)
{
	return run->entries ? run->entries[chunk - run->first].kind : run->kind;
}

static bool kind_empty(uint8_t kind)
{
	return kind == SFS_KIND_HOLE || kind == SFS_KIND_ZERO;
}

/* How many chunks of the run, at most @most, are like the next one. */
static uint64_t stretch(const struct sfs_extents *extents, uint64_t most)
{
	const struct sfs_run *run = &extents->run;
	uint64_t left = run->first + run->count - extents->chunk, n = 1;
	bool empty = kind_empty(kind_at(run, extents->chunk));
	uint8_t kind;

	if (!run->entries)
		return sfs_min(left, most);
	for (; n < left && n < most; n++) {
		kind = kind_at(run, extents->chunk + n);
		if (kind == SFS_KIND_BAD || kind_empty(kind) != empty)
			break;
	}
	return n;
}

/* Go on over empty chunks, whatever runs they lie in. */
static int pass_empty(struct sfs_extents *extents)
{
	uint64_t most = SFS_EXTENT_EMPTY_MAX / extents->chunk_size;
	uint64_t end =
		sfs_min(extents->chunk + most, extents->map->chunk_count);
	int r;

	while (extents->chunk < end) {
		r = load_run(extents);
		if (r < 0)
			return r;
		if (!kind_empty(kind_at(&extents->run, extents->chunk)))
			break;
		extents->chunk += stretch(extents, end - extents->chunk);
	}
	return 0;
}

static int pass_data(struct sfs_extents *extents)
{
	if (kind_at(&extents->run, extents->chunk) == SFS_KIND_BAD) {
		sfs_err("'%s': the %u bytes at offset %llu could not be read "
			"from the source when the snapshot was taken, so it "
			"cannot be restored",
			sfs_view_snapshot(extents->view)->id,
			extents->chunk_size, here(extents));
		return -EIO;
	}
	extents->chunk += stretch(extents, SFS_READ_MAX / extents->chunk_size);
	return 0;
}

/* Go on over what is stored. */
static int pass_stored(struct sfs_extents *extents, bool *ret_empty)
{
	int r;

	r = load_run(extents);
	if (r < 0)
		return r;
	*ret_empty = kind_empty(kind_at(&extents->run, extents->chunk));
	return *ret_empty ? pass_empty(extents) : pass_data(extents);
}

int sfs_extents_next(struct sfs_extents *extents, struct sfs_extent *ret)
{
	uint64_t size = sfs_view_snapshot(extents->view)->size;
	uint64_t count = sfs_map_chunks(size, extents->chunk_size);
	uint64_t offset = here(extents);
	bool empty = true;
	int r;

	if (extents->chunk == count)
		return 0;
	if (extents->chunk < extents->map->chunk_count) {
		r = pass_stored(extents, &empty);
		if (r < 0)
			return r;
	} else { /* a volume may be larger than its snapshot */
		extents->chunk +=
			sfs_min(SFS_EXTENT_EMPTY_MAX / extents->chunk_size,
				count - extents->chunk);
	}
	ret->offset = offset;
	ret->size = sfs_min(here(extents), size) - offset;
	ret->empty = empty;
	return 1;
}
