/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_CATALOG_IMPL_H
#define SNAPFS_SRC_CATALOG_IMPL_H

/*
 * What the files of the catalog share.
 *
 *	catalog.c	what others call; getting over a broken database
 *	catalog-file.c	opening, judging and replacing the file; the schema
 *	catalog-rows.c	rows to structs and back, with their checks
 *	catalog-sync.c	keeping up with the records
 *	catalog-index.c	where chunks are
 *	catalog-list.c	reading them in order
 *	catalog-images.c  finding images
 *	catalog-select.c  what users type for a snapshot or an image
 *
 * Functions that end in _locked are called with the mutex held, and may fail
 * with sfs_db_failed() set: then the database is replaced and they are called
 * once more, so they can be repeated.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/catalog.h"
#include "src/db.h"

/* Statements that are kept; see catalog-rows.c. */
enum sfs_query {
	SFS_QUERY_META_GET,
	SFS_QUERY_META_PUT,
	SFS_QUERY_RECORDS,
	SFS_QUERY_IMAGES,
	SFS_QUERY_RECORD_PUT,
	SFS_QUERY_RECORD_DELETE,
	SFS_QUERY_SNAPSHOTS,
	SFS_QUERY_SNAPSHOT_PUT,
	SFS_QUERY_SNAPSHOT_DELETE,
	SFS_QUERY_PACKS,
	SFS_QUERY_PACK_PUT,
	SFS_QUERY_PACK_DELETE,
	SFS_QUERY_CHUNK_PUT,
	SFS_QUERY_CHUNK_FIND,
	SFS_QUERY_CHUNK_ANY,
	SFS_QUERY_CHUNK_SWEEP,
	SFS_QUERY_COUNT,
};

/* The one row of meta. */
struct sfs_meta {
	struct sfs_stamp stamp; /* of the records */
	uint64_t generation;	/* another whenever a row is */
	uint64_t total;		/* sum of the checks of all rows */
};

/* A row of record: one file there, of whatever kind. */
enum sfs_record_kind {
	SFS_RECORD_SNAPSHOT = 1,
	SFS_RECORD_SET = 2,
	SFS_RECORD_DAMAGED = 3,
	SFS_RECORD_IMAGE = 4,
};

struct sfs_record_row {
	const char *name;
	uint64_t version[3];
	enum sfs_record_kind kind;
	int64_t time_ns;   /* of a snapshot, to find its row */
	const char *label; /* an image's name; why it is damaged; or "" */
	uint64_t check;
};

struct sfs_catalog {
	/* Immutable after open. */
	struct sfs_store *store;
	const struct sfs_config *config;
	pthread_mutex_t mutex;

	/* All below under the mutex. */
	const char *path; /* of the file; NULL when in memory */
	struct sfs_db *db;
	struct sfs_stmt *queries[SFS_QUERY_COUNT]; /* prepared at need */
	bool replaced; /* the file, once already: the next time is memory */

	struct sfs_stamp stamp;	      /* the rows are current as of this */
	uint64_t generation;	      /* of the rows, as last looked at */
	bool relist;		      /* the next time, whatever the stamp */
	uint64_t seen_generation;     /* at the last refresh */
	uint64_t verified_generation; /* all rows were read and add up */
	bool verified;

	/* A read transaction kept open over many look-ups, since starting
	 * one takes two system calls. */
	struct sfs_db *finding;
	unsigned finds;
	enum {
		SFS_CHUNKS_UNKNOWN,
		SFS_CHUNKS_NONE, /* so that no look-up is needed */
		SFS_CHUNKS_SOME,
	} chunks;
};

/* ---- catalog.c ---- */

typedef int sfs_catalog_op(struct sfs_catalog *catalog, void *context);

/* Run @op with the mutex held; when the database fails, replace it by a new
 * file, then by memory, and run @op again. */
SFS_MUST_CHECK int sfs_catalog_run(struct sfs_catalog *catalog,
				   sfs_catalog_op *op, void *context);

/* End the read transaction of look-ups. */
void sfs_catalog_end_finding(struct sfs_catalog *catalog);

/* ---- catalog-file.c ---- */

/* Open the file, replacing it when it cannot be believed, or in any case with
 * @replace; memory where there can be no file. */
SFS_MUST_CHECK int sfs_catalog_attach(struct sfs_catalog *catalog,
				      bool replace);
/* After @error of the database: a new file or, where that did not help,
 * memory. */
SFS_MUST_CHECK int sfs_catalog_reattach(struct sfs_catalog *catalog, int error);
void sfs_catalog_detach(struct sfs_catalog *catalog);

/* The lock around writes; *ret is NULL for a catalog in memory. */
SFS_MUST_CHECK int sfs_catalog_write_lock(struct sfs_catalog *catalog,
					  struct sfs_lock **ret);
/* Checkpoint when the log has grown.  Under the write lock. */
void sfs_catalog_tidy(struct sfs_catalog *catalog);
/* Checkpoint before closing. */
void sfs_catalog_settle(struct sfs_catalog *catalog);

/* ---- catalog-rows.c ---- */

/* The kept statement; resetting it is the caller's. */
SFS_MUST_CHECK int sfs_catalog_query(struct sfs_catalog *catalog,
				     enum sfs_query query,
				     struct sfs_stmt **ret);

SFS_MUST_CHECK int sfs_catalog_get_meta(struct sfs_catalog *catalog,
					struct sfs_meta *ret);
SFS_MUST_CHECK int sfs_catalog_put_meta(struct sfs_catalog *catalog,
					const struct sfs_meta *meta);

/* Decode and verify the current row of SFS_QUERY_RECORDS; texts are valid
 * until the next step. */
SFS_MUST_CHECK int sfs_catalog_read_record(struct sfs_catalog *catalog,
					   struct sfs_stmt *stmt,
					   struct sfs_record_row *ret);
/* Insert; fills in @row->check. */
SFS_MUST_CHECK int sfs_catalog_put_record(struct sfs_catalog *catalog,
					  struct sfs_record_row *row);

/* Decode and verify the current row of SFS_QUERY_SNAPSHOTS.  @ret's texts and
 * tags are its own: sfs_snapshot_done(). */
SFS_MUST_CHECK int sfs_catalog_read_snapshot(struct sfs_catalog *catalog,
					     struct sfs_stmt *stmt,
					     struct sfs_snapshot *ret,
					     bool *ret_committed,
					     uint64_t *ret_check);
SFS_MUST_CHECK int sfs_catalog_put_snapshot(struct sfs_catalog *catalog,
					    const struct sfs_snapshot *snapshot,
					    uint64_t *ret_check);

/* ---- catalog-sync.c ---- */

/* Bring the rows in line with the records; sets catalog->generation. */
SFS_MUST_CHECK int sfs_catalog_sync_locked(struct sfs_catalog *catalog);

/* ---- catalog-list.c ---- */

/* Read and verify all rows, unless that was done for these. */
SFS_MUST_CHECK int sfs_catalog_verify_locked(struct sfs_catalog *catalog);

/* Where a walk over the snapshots is, so that it goes on there after the
 * database was replaced under it.  Zero to start. */
struct sfs_walk {
	int (*each)(const struct sfs_snapshot *snapshot, void *context);
	void *context;
	int64_t last_time_ns;
	char last_id[SFS_ID_SIZE];
};

/* Bring up to date, verify, and call walk->each for the committed snapshots
 * in order. */
SFS_MUST_CHECK int sfs_catalog_walk_locked(struct sfs_catalog *catalog,
					   struct sfs_walk *walk);

/* ---- catalog-select.c ---- */

/* The fewest digits of an id that mean it. */
#define SFS_PREFIX_MIN 4

/* Whether @digits may be those that an id of @kind starts with; the start of
 * the id then. */
bool sfs_catalog_parse_prefix(const char *kind, const char *digits,
			      char ret[SFS_ID_SIZE]);

/* 1 and the id of a record in the bin that starts with @prefix, or 0. */
SFS_MUST_CHECK int sfs_catalog_find_binned(struct sfs_catalog *catalog,
					   const char *prefix,
					   char ret[SFS_ID_SIZE]);

/* Log which of @count things @selector may mean, in the words of @describe for
 * each, and return -EEXIST. */
#define SFS_CANDIDATE_SIZE 192
SFS_MUST_CHECK int
sfs_catalog_ambiguous(const char *selector, size_t count,
		      void (*describe)(const void *items, size_t i,
				       char ret[SFS_CANDIDATE_SIZE]),
		      const void *items);

#endif
