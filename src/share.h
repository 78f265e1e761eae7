/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_SHARE_H
#define SNAPFS_SRC_SHARE_H

/*
 * Finding a stored chunk with the same content.  A hash can be forged, so a
 * candidate is believed only after its pack's own table named it and its
 * bytes were decoded and compared: no writer of one volume can change what
 * another one reads back, and no catalog can.
 */

#include "src/chunk.h"
#include "src/cleanup.h"
#include "src/repo.h"
#include "src/util.h"

struct sfs_share;

/* @repo is borrowed.  May be used from any thread. */
SFS_MUST_CHECK int sfs_share_new(struct sfs_repo *repo, struct sfs_share **ret);
void sfs_share_free(struct sfs_share *share);
SFS_DEFINE_CLEANUP(struct sfs_share, sfs_share_free);
#define CLEANUP_SHARE __attribute__((cleanup(sfs_share_freep)))

/* 1 and *ret when a published pack holds @bytes (chunk_size of them, with
 * @hash).  @scratch has room for a slot and a decoded chunk, 2 * chunk_size +
 * SFS_SLOT_HEADER_SIZE bytes.  Whatever goes wrong counts as 0. */
int sfs_share_find(struct sfs_share *share, const struct sfs_hash *hash,
		   const void *bytes, void *scratch, struct sfs_entry *ret);

/* The size of a pack as it was when the share was made, 0 when there was
 * none: what refers to a lost pack must not be carried on. */
uint64_t sfs_share_pack_size(const struct sfs_share *share, uint64_t pack);

/* 1 when the chunk of @entry decodes to @bytes. */
int sfs_share_same(struct sfs_share *share, const struct sfs_entry *entry,
		   const void *bytes, void *scratch);

#endif
