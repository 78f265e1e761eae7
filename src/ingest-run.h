/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_INGEST_RUN_H
#define SNAPFS_SRC_INGEST_RUN_H

/*
 * What the files of sfs_ingest() share.
 *
 *	ingest.c	what was asked for, locks, parents, the cut, the content
 *	ingest-commit.c	packs, then records, the set's last
 */

#include "src/ingest-volume.h"
#include "src/ingest.h"
#include "src/source.h"

/* One member while it is made. */
struct sfs_ingested {
	const struct sfs_ingest_member *wanted;
	struct sfs_lock *lock;
	struct sfs_source *source;
	struct sfs_snapshot *latest; /* of the volume, or NULL */
	struct sfs_snapshot *parent; /* what it is incremental on, or NULL */
	struct sfs_snapshot *snapshot;
};

struct sfs_ingest_run {
	struct sfs_repo *repo;
	const struct sfs_ingest_options *options;
	struct sfs_ingested *members;
	size_t count;
	struct sfs_snapshot **taken; /* borrowed from the members */
	struct sfs_lock *structure;
	struct sfs_freeze *freeze;
	struct sfs_ingest_work work;
	int64_t time_ns;
	char set[SFS_ID_SIZE]; /* "" for a lone snapshot */
};

/* Seal the packs and make them durable; then ask options->on_sealed. */
SFS_MUST_CHECK int sfs_ingest_seal(struct sfs_ingest_run *ingest);
/* Publish the records: FORMAT.md, "Commit protocol". */
SFS_MUST_CHECK int sfs_ingest_commit(struct sfs_ingest_run *ingest);

#endif
