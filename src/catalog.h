/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_CATALOG_H
#define SNAPFS_SRC_CATALOG_H

/*
 * The catalog: an index over records and packs that can be lost at any time.
 * It lives in REPO/catalog.db where the store can be written and trusted, and
 * in memory otherwise.  What it says of snapshots is for listing and finding;
 * whoever opens a snapshot reads the record itself.  Each row carries a check
 * keyed with the repository's secret, so a row that was damaged or came from
 * elsewhere is noticed, and the catalog rebuilt.
 *
 * Only committed snapshots are listed: a member of a set counts once the
 * set's record exists.  A record that cannot be decoded is logged once, kept
 * as damaged, and hides nothing else; one that cannot be read is damaged until
 * it can be, and tried at each refresh.
 *
 * Thread-safe; one mutex around the connection, never held across I/O on
 * packs.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/image.h"
#include "src/record.h"
#include "src/snapshot.h"
#include "src/store.h"

struct sfs_catalog;

/* Open, and bring up to date as sfs_catalog_refresh() does.  @store and
 * @config are borrowed for the catalog's life.  A missing, stale, damaged,
 * hostile or newer file is replaced by a rebuilt one. */
SFS_MUST_CHECK int sfs_catalog_open(struct sfs_store *store,
				    const struct sfs_config *config,
				    struct sfs_catalog **ret);
void sfs_catalog_close(struct sfs_catalog *catalog);
SFS_DEFINE_CLEANUP(struct sfs_catalog, sfs_catalog_close);
#define CLEANUP_CATALOG __attribute__((cleanup(sfs_catalog_closep)))

/* Compare with the store and read what changed.  One stat when nothing did.
 * Returns 1 when something changed since the last call, 0 when not. */
SFS_MUST_CHECK int sfs_catalog_refresh(struct sfs_catalog *catalog);

/* List the records and compare, whatever the stamp says: for who doubts all. */
SFS_MUST_CHECK int sfs_catalog_relist(struct sfs_catalog *catalog);

/* Throw the catalog away and make it anew from records and packs. */
SFS_MUST_CHECK int sfs_catalog_rebuild(struct sfs_catalog *catalog);

struct sfs_catalog_filter {
	const char *volume; /* name, or NULL */
	const char *tag;    /* K or K=V, or NULL */
	int64_t since_ns;   /* 0: from the first */
	int64_t until_ns;   /* inclusive; 0: to the last */
};

/* Call @each for the committed snapshots in order of (time, id).  @snapshot
 * is borrowed for the call; its map root and height are not filled in.
 * @filter may be NULL.  Stops at @each's first non-zero result and returns
 * it.  @each must not call the catalog. */
SFS_MUST_CHECK int sfs_catalog_list(
	struct sfs_catalog *catalog, const struct sfs_catalog_filter *filter,
	int (*each)(const struct sfs_snapshot *snapshot, void *context),
	void *context);

/* Load the record of the committed snapshot @id.  -ENOENT when there is
 * none; damage is logged with the record's name. */
SFS_MUST_CHECK int sfs_catalog_load(struct sfs_catalog *catalog, const char *id,
				    struct sfs_snapshot **ret);

/* Resolve a selector as INTERFACE.md has it: an id, a unique prefix of it (4
 * digits or more, "snap-" optional), VOLUME@latest, VOLUME@-N, VOLUME@TIME.
 * Logs what is wrong: -EINVAL not a selector, -ENOENT nothing fits (saying
 * so when it was deleted), -EEXIST ambiguous (listing the candidates). */
SFS_MUST_CHECK int sfs_catalog_select(struct sfs_catalog *catalog,
				      const char *selector,
				      struct sfs_snapshot **ret);

/* The newest committed snapshot of @volume; -ENOENT, not logged, if none. */
SFS_MUST_CHECK int sfs_catalog_latest(struct sfs_catalog *catalog,
				      const char *volume,
				      struct sfs_snapshot **ret);

/* Whether the committed snapshot @id can be loaded: 0, -ENOENT there is none,
 * -EUCLEAN its record is damaged or cannot be read, of which nothing is said;
 * others say nothing about the record. */
SFS_MUST_CHECK int sfs_catalog_look(struct sfs_catalog *catalog,
				    const char *id);

/* The volume of the newest committed snapshot whose source was exactly
 * @source; -ENOENT, not logged, when there is none. */
SFS_MUST_CHECK int
sfs_catalog_volume_of_source(struct sfs_catalog *catalog, const char *source,
			     char ret[SFS_VOLUME_NAME_MAX + 1]);

/* Whether an error on reading a record says nothing about the record. */
bool sfs_catalog_is_passing(int error);

/* ---- images ---- */

/* Call @each for the committed images in order of (name, id); as
 * sfs_catalog_list().  An image is committed when its record stands, and that
 * of its set if it names one. */
SFS_MUST_CHECK int sfs_catalog_list_images(
	struct sfs_catalog *catalog,
	int (*each)(const struct sfs_image *image, void *context),
	void *context);

/* Load the record of the committed image @id.  -ENOENT, not logged, when
 * there is none; damage is logged with the record's name. */
SFS_MUST_CHECK int sfs_catalog_load_image(struct sfs_catalog *catalog,
					  const char *id,
					  struct sfs_image **ret);

/* Resolve what users type for an image: its name, its id, or a unique prefix
 * of it ("img-" and 4 digits or more).  Logs what is wrong: -EINVAL, -ENOENT
 * (saying so when it was deregistered), -EEXIST ambiguous, listing them. */
SFS_MUST_CHECK int sfs_catalog_select_image(struct sfs_catalog *catalog,
					    const char *selector,
					    struct sfs_image **ret);

/* Call @each, unless it is NULL, for the records that could not be decoded, in
 * order of their names; stops at its first non-zero result and returns it.
 * Otherwise returns how many there are. */
SFS_MUST_CHECK int sfs_catalog_damaged(struct sfs_catalog *catalog,
				       int (*each)(const char *name,
						   const char *why,
						   void *context),
				       void *context);

/* ---- the index of chunks, for sharing ---- */

/* Where a chunk with the looked-up hash may be; the pack's own table, and the
 * bytes, decide whether it is. */
struct sfs_candidate {
	uint64_t pack;
	uint32_t slot; /* number in the pack's table */
};

/* Bring the index in line with the packs that exist: index new ones from
 * their tables, drop rows of gone ones.  For creators, under the structure
 * lock.  @read_table gives a pack's rows (caller frees *ret_rows); a pack
 * whose table does not decode is left out. */
struct sfs_row;
typedef int sfs_catalog_read_table(uint64_t pack, struct sfs_row **ret_rows,
				   uint32_t *ret_count, void *context);
SFS_MUST_CHECK int sfs_catalog_sync_index(struct sfs_catalog *catalog,
					  sfs_catalog_read_table *read_table,
					  void *context);

/* 1 and *ret when the index knows a chunk with this hash, 0 when not.  An
 * error of the database counts as not. */
int sfs_catalog_find_chunk(struct sfs_catalog *catalog,
			   const struct sfs_hash *hash,
			   struct sfs_candidate *ret);

/* Add a sealed pack's data rows, one transaction.  Failure is not the
 * creator's: it is logged at debug level and costs only sharing. */
void sfs_catalog_add_pack(struct sfs_catalog *catalog, uint64_t pack,
			  const struct sfs_row *rows, uint32_t count);

/* Drop the rows of packs that gc is about to remove. */
void sfs_catalog_drop_packs(struct sfs_catalog *catalog, const uint64_t *packs,
			    size_t count);

#endif
