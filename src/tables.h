/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_TABLES_H
#define SNAPFS_SRC_TABLES_H

/*
 * The tables of the packs that were asked for last, verified.  Who walks a
 * map or shares chunks asks in runs, so a few tables (at most some 450 KiB
 * each) answer nearly all.  Thread-safe.
 */

#include <stdint.h>

#include "format/pack.h"
#include "src/chunk.h"
#include "src/cleanup.h"
#include "src/util.h"

struct sfs_tables;

/* @chunks is borrowed. */
SFS_MUST_CHECK int sfs_tables_new(struct sfs_chunks *chunks,
				  struct sfs_tables **ret);
void sfs_tables_free(struct sfs_tables *tables);
SFS_DEFINE_CLEANUP(struct sfs_tables, sfs_tables_free);
#define CLEANUP_TABLES __attribute__((cleanup(sfs_tables_freep)))

/* Row number @slot of @pack.  -EUCLEAN when it has no such row, and what
 * sfs_chunks_table() returns. */
SFS_MUST_CHECK int sfs_tables_row(struct sfs_tables *tables, uint64_t pack,
				  uint32_t slot, struct sfs_row *ret);

/* The row of the slot that starts at @offset, and how many rows there are. */
SFS_MUST_CHECK int sfs_tables_find(struct sfs_tables *tables, uint64_t pack,
				   uint32_t offset, uint32_t *ret_slot,
				   struct sfs_row *ret_row,
				   uint32_t *ret_count);

#endif
