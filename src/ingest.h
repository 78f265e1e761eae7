/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_INGEST_H
#define SNAPFS_SRC_INGEST_H

/*
 * Taking snapshots: FORMAT.md, "Commit protocol".  One call makes a set of
 * one or many, at one moment, all or nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/progress.h"
#include "src/repo.h"
#include "src/snapshot.h"
#include "src/source.h"
#include "src/util.h"

struct sfs_ingest_member {
	const char *volume; /* name */
	const char *source; /* path, or "-" for stdin */
	/* Instead of @source, already open, and the caller's to close; or NULL.
	 * What is known of it from elsewhere goes before the options. */
	struct sfs_source *opened;
	int64_t time_ns;	     /* the moment that it shows; 0: now */
	const char *description;     /* or NULL */
	const struct sfs_tags *tags; /* or NULL */
};

struct sfs_ingest_options {
	const char *description;     /* or NULL */
	const struct sfs_tags *tags; /* or NULL */
	const char *parent; /* selector, "none", or NULL: the volume's latest */
	char *const *freeze; /* directories */
	size_t freeze_count;
	const char *pre;  /* shell command before the cut, or NULL */
	const char *post; /* after it, whatever happened, or NULL */
	bool allow_fuzzy;
	bool skip_bad;	  /* unreadable chunks become bad instead of failing */
	unsigned threads; /* 0: one a processor */
	struct sfs_progress *progress; /* or NULL */
	int64_t time_ns;	       /* the moment that they show; 0: now */

	/* What is to be committed together with the snapshots, or NULL.
	 * on_sealed is called when all their chunks are durable, before any
	 * record is; on_publish, under the records lock, when their records
	 * stand but do not count yet: what it puts there with their set's id
	 * counts once the set does, which is what happens next.  (A lone
	 * snapshot then makes a set as well.)  Errors, which they log, end
	 * it all; what they put there is then theirs to take back. */
	int (*on_sealed)(struct sfs_snapshot *const *snapshots, void *context);
	int (*on_publish)(struct sfs_snapshot *const *snapshots, void *context);
	void *context;
};

/* Take the snapshots.  On success @ret has @count snapshots in the order of
 * @members, the caller's to free each.  Everything that fails is logged:
 * -EBUSY another creator of a volume or source in use, -ENOSPC with how much
 * more is needed at least, -EINTR, and what sources return.  Nothing is
 * visible then, and finished packs wait for the next attempt or gc. */
SFS_MUST_CHECK int sfs_ingest(struct sfs_repo *repo,
			      const struct sfs_ingest_member *members,
			      size_t count,
			      const struct sfs_ingest_options *options,
			      struct sfs_snapshot **ret);

#endif
