/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_INGEST_VOLUME_H
#define SNAPFS_SRC_INGEST_VOLUME_H

/*
 * One volume's content into packs and a map.
 *
 *	source -> batches -> workers -> in order -> pack writer, map builder
 *
 * A worker reads a batch, finds what is zero, unchanged or stored already,
 * and compresses the rest; the calling thread takes the batches back in order
 * and appends.  Memory is a fixed number of batches, whatever the volume.
 */

#include <stdbool.h>

#include "src/codec.h"
#include "src/map.h"
#include "src/pack-writer.h"
#include "src/progress.h"
#include "src/repo.h"
#include "src/share.h"
#include "src/snapshot.h"
#include "src/source.h"
#include "src/util.h"

/* What the members of one set share. */
struct sfs_ingest_work {
	struct sfs_repo *repo;
	struct sfs_pack_writer *chunks;
	struct sfs_pack_writer *nodes;
	struct sfs_share *share;
	struct sfs_codec_state *node_codec;
	struct sfs_pack_set found; /* packs of chunks that were found stored */
	unsigned threads;
	bool skip_bad;
	struct sfs_progress *progress;
};

/* Read @source to its end.  @parent may be NULL; @trusted says that it is a
 * snapshot of the same volume, so that an equal hash means unchanged.  Fills
 * in size, data, bad and stored bytes and the map of @snapshot. */
SFS_MUST_CHECK int sfs_ingest_volume(struct sfs_ingest_work *work,
				     struct sfs_source *source,
				     const struct sfs_snapshot *parent,
				     bool trusted,
				     struct sfs_snapshot *snapshot);

#endif
