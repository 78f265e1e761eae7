/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/check.h"

#include <errno.h>
#include <stdlib.h>

#include "src/check-run.h"

/*
 * In four steps: the records; the maps, whose every entry must be a row of
 * its pack's table; the packs' own structure; the data, where asked for.
 * Each finds damaged places; a second walk over the maps then tells which
 * bytes of which snapshots they cost.
 *
 * What is kept grows with the number of snapshots and packs and with a few
 * bits a slot, not with the bytes stored; tables come and go.
 */

bool sfs_check_is_damage(int r)
{
	return r == -EUCLEAN || r == -EBADMSG || r == -EOPNOTSUPP ||
	       r == -ENOENT || r == -EIO;
}

void sfs_check_report(struct sfs_check *check, const struct sfs_damage *damage)
{
	check->result.damages++;
	check->result.newer += damage->kind == SFS_DAMAGE_NEWER;
	check->report(damage, check->context);
}

int sfs_check_step(struct sfs_check *check, uint64_t bytes)
{
	struct sfs_progress *progress = check->options->progress;
	int r;

	check->result.bytes_read += bytes;
	if (progress) {
		progress->read_bytes += bytes;
		progress->done_bytes += bytes;
	}
	r = sfs_progress_step(progress);
	return r > 0 ? -EINTR : r;
}

/* ---- packs ---- */

/* Those that the maps did not lead to. */
static int check_packs(struct sfs_check *check)
{
	size_t i;
	int r;

	for (i = 0; i < check->pack_count; i++) {
		if (check->packs[i].state != SFS_PACK_UNSEEN)
			continue;
		r = sfs_check_load_pack(check, &check->packs[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- all of it ---- */

static void check_done(struct sfs_check **check)
{
	if (!*check)
		return;
	sfs_check_packs_done(*check);
	sfs_places_done(&(*check)->places);
	free((*check)->snapshots);
	free((*check)->slot_bytes);
	free((*check)->decoded);
	free(*check);
}

#define CLEANUP_CHECK __attribute__((cleanup(check_done)))

static int check_new(struct sfs_repo *repo, struct sfs_check **ret)
{
	uint32_t most =
		(uint32_t)sfs_max(repo->config.chunk_size, SFS_NODE_SIZE);

	*ret = sfs_calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	(*ret)->repo = repo;
	(*ret)->slot_bytes = sfs_malloc(SFS_SLOT_HEADER_SIZE + most);
	(*ret)->decoded = sfs_malloc(most);
	return (*ret)->slot_bytes && (*ret)->decoded ? 0 : -ENOMEM;
}

static int check_steps(struct sfs_check *check)
{
	int r;

	/* Snapshots before packs: what a listed one needs is listed too. */
	r = sfs_check_records(check);
	if (r < 0)
		return r;
	r = sfs_check_list_packs(check);
	if (r < 0)
		return r;
	r = sfs_check_maps(check);
	if (r < 0)
		return r;
	if (!check->options->ids) {
		r = check_packs(check);
		if (r < 0)
			return r;
	}
	if (check->options->read_data) {
		r = sfs_check_data(check);
		if (r < 0)
			return r;
	}
	return check->result.damages > 0 ? sfs_check_ranges(check) : 0;
}

int sfs_check(struct sfs_repo *repo, const struct sfs_check_options *options,
	      void (*report)(const struct sfs_damage *damage, void *context),
	      void *context, struct sfs_check_result *ret)
{
	CLEANUP_CHECK struct sfs_check *check = NULL;
	CLEANUP_LOCK struct sfs_lock *lock = NULL;
	int r;

	r = check_new(repo, &check);
	if (r < 0)
		return r;
	check->options = options;
	check->report = report;
	check->context = context;
	/* As creators do, against gc, which would take away what is still to
	 * be read.  Where nobody can write there is no gc either. */
	if (sfs_store_writable(repo->store)) {
		r = sfs_store_lock(repo->store, SFS_LOCK_STRUCTURE, NULL, false,
				   true, &lock);
		if (r < 0)
			return r;
	}
	r = check_steps(check);
	if (r < 0)
		return r;
	*ret = check->result;
	return 0;
}
