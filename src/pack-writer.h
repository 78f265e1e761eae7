/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_PACK_WRITER_H
#define SNAPFS_SRC_PACK_WRITER_H

/*
 * Filling packs in memory and publishing them one after the other, behind the
 * back of who fills the next.  A pack's chunks enter the catalog's index as
 * soon as it is published, so that an interrupted create leaves its work to
 * the next one; until then sfs_pack_writer_find() knows them.
 *
 * For one thread.
 */

#include <stddef.h>
#include <stdint.h>

#include "format/pack.h"
#include "src/cleanup.h"
#include "src/repo.h"
#include "src/util.h"

struct sfs_pack_writer;

/* @repo is borrowed. */
SFS_MUST_CHECK int sfs_pack_writer_new(struct sfs_repo *repo,
				       struct sfs_pack_writer **ret);
/* What is not sealed is dropped. */
void sfs_pack_writer_free(struct sfs_pack_writer *writer);
SFS_DEFINE_CLEANUP(struct sfs_pack_writer, sfs_pack_writer_free);
#define CLEANUP_PACK_WRITER __attribute__((cleanup(sfs_pack_writer_freep)))

/* Append a slot with the @slot->stored bytes at @bytes.  May wait for, and
 * then return the error of, an earlier pack. */
SFS_MUST_CHECK int sfs_pack_writer_append(struct sfs_pack_writer *writer,
					  const struct sfs_slot *slot,
					  const void *bytes,
					  const struct sfs_hash *hash,
					  struct sfs_entry *ret);

/* 1 and *ret when a chunk with this hash and these very bytes (chunk_size of
 * them) is in a pack that is not published yet; else 0. */
int sfs_pack_writer_find(struct sfs_pack_writer *writer,
			 const struct sfs_hash *hash, const void *bytes,
			 struct sfs_entry *ret);

/* Publish all that was appended, and wait for it.  The packs' names are
 * durable only after sfs_pack_writer_sync(). */
SFS_MUST_CHECK int sfs_pack_writer_finish(struct sfs_pack_writer *writer);

/* Bytes that slots and their rows take so far. */
uint64_t sfs_pack_writer_bytes(const struct sfs_pack_writer *writer);

/* The directories to make durable before a record may refer to their packs:
 * one pack of each stands for it. */
struct sfs_pack_set {
	uint64_t ids[256];
	size_t count;
	bool has[256];
};
void sfs_pack_set_add(struct sfs_pack_set *set, uint64_t pack);

/* The packs that were published. */
const struct sfs_pack_set *
sfs_pack_writer_packs(const struct sfs_pack_writer *writer);

#endif
