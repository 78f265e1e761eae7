/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_DELETE_H
#define SNAPFS_SRC_DELETE_H

/* Deleting, and giving space back. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/image.h"
#include "src/progress.h"
#include "src/repo.h"
#include "src/util.h"

/* Move the records of @ids to the bin, one by one; gone at once for whoever
 * looks, whole for whoever has them open.  Stops at the first failure,
 * logged.  -EPERM, logged with the images' names: images use some of them,
 * and nothing was deleted. */
SFS_MUST_CHECK int sfs_delete(struct sfs_repo *repo, char *const *ids,
			      size_t count);

struct sfs_delete_options {
	/* Deregister the images that use them first.  -EPERM, logged: one of
	 * those is protected; then nothing at all is changed. */
	bool cascade;
	bool dry_run; /* judge and tell, and change nothing */
	/* Told of each image that went, or would go; or NULL. */
	void (*deregistered)(const struct sfs_image *image, void *context);
	/* Told of each snapshot that went, or would go; or NULL. */
	void (*deleted)(const char *id, void *context);
	void *context;
};

SFS_MUST_CHECK int sfs_delete_with(struct sfs_repo *repo, char *const *ids,
				   size_t count,
				   const struct sfs_delete_options *options);

/* The bytes that gc would free if @ids were deleted now (and nobody had them
 * open), beyond what it would free anyway.  Exact. */
SFS_MUST_CHECK int sfs_delete_would_free(struct sfs_repo *repo,
					 char *const *ids, size_t count,
					 uint64_t *ret_bytes);

struct sfs_gc_result {
	uint64_t freed_bytes;
	uint64_t kept_bytes; /* in packs that are still needed */
	uint64_t dead_bytes; /* of those, in slots that nobody needs */
	uint64_t packs_removed;
	uint64_t records_removed; /* from the bin, and of broken sets */
	uint64_t pinned;	  /* deleted snapshots that somebody has open */
};

/* Mark and sweep: FORMAT.md, "Garbage collection".  -EBUSY, logged, while a
 * creator runs.  With @dry_run nothing is changed.  An undecodable record or
 * node means that nothing is swept: -EUCLEAN, logged. */
SFS_MUST_CHECK int sfs_gc(struct sfs_repo *repo, bool dry_run,
			  struct sfs_progress *progress,
			  struct sfs_gc_result *ret);

struct sfs_stats {
	uint64_t snapshots;
	uint64_t images;
	uint64_t volumes;
	uint64_t volume_bytes; /* sum of the sizes of all snapshots */
	uint64_t data_bytes;   /* sum of what holds data in them */
	uint64_t unique_bytes; /* decoded bytes of the chunks in packs */
	uint64_t packs;
	uint64_t pack_bytes;
	uint64_t chunk_bytes; /* of those, stored chunks */
	uint64_t node_bytes;  /* of those, map nodes */
	uint64_t chunks;
	uint64_t nodes;
	uint64_t record_bytes;
	uint64_t catalog_bytes;
	uint64_t deleted_snapshots; /* in the bin */
	uint64_t freeable_bytes; /* by gc, now; UINT64_MAX: damage hides it */
};

SFS_MUST_CHECK int sfs_stats(struct sfs_repo *repo, struct sfs_stats *ret);

#endif
