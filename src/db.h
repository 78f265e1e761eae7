/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_DB_H
#define SNAPFS_SRC_DB_H

/*
 * SQLite, hardened: the only file that includes sqlite3.h is db.c.  A handle
 * is used by one thread at a time.  Files are in WAL mode; who writes holds
 * the catalog lock from before the transaction until after its commit, and
 * checkpoints under it too, since SQLite 3.7.0 to 3.51.2 may corrupt a
 * database when two connections do that at once.
 *
 * Nothing here logs: a database that fails is not the user's loss.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/cleanup.h"
#include "src/util.h"

struct sfs_db;
struct sfs_stmt;

/* Open the existing file @path, or a private database in memory when it is
 * NULL.  No component of @path may be a symbolic link. */
SFS_MUST_CHECK int sfs_db_open(const char *path, struct sfs_db **ret);
/* All statements must have been freed. */
void sfs_db_close(struct sfs_db *db);
SFS_DEFINE_CLEANUP(struct sfs_db, sfs_db_close);
#define CLEANUP_DB __attribute__((cleanup(sfs_db_closep)))

/* From now on only SELECT, INSERT, UPDATE, DELETE and transactions, and
 * nothing through a view or a trigger. */
void sfs_db_confine(struct sfs_db *db);

/* The first error since open, 0 when there was none: -EUCLEAN damaged or not
 * what it should be, -ENOSPC, -EIO, -EBUSY, -EROFS, -ETIME (a single step took
 * implausibly long).  -ENOMEM is the process's, and does not count. */
int sfs_db_failed(const struct sfs_db *db);
/* Note that what the database said was wrong; returns -EUCLEAN. */
SFS_MUST_CHECK int sfs_db_distrust(struct sfs_db *db);
/* SQLite's words for its last error. */
const char *sfs_db_error(const struct sfs_db *db);

/* Whether SQLite's JSON functions accept more than RFC 8259. */
bool sfs_db_json_is_lax(void);

/* Run one or more statements without results. */
SFS_MUST_CHECK int sfs_db_exec(struct sfs_db *db, const char *sql);

/* Pages in the write-ahead log after the last commit. */
int sfs_db_wal_pages(const struct sfs_db *db);
/* Move the log into the file and truncate it, as far as readers allow. */
void sfs_db_checkpoint(struct sfs_db *db);

/* A transaction ends with sfs_db_commit(), or by rolling back when @ret_txn
 * goes out of scope.  @write takes the write lock at once. */
SFS_MUST_CHECK int sfs_db_begin(struct sfs_db *db, bool write,
				struct sfs_db **ret_txn);
SFS_MUST_CHECK int sfs_db_commit(struct sfs_db **txn);
void sfs_db_rollbackp(struct sfs_db **txn);
#define CLEANUP_TXN __attribute__((cleanup(sfs_db_rollbackp)))

SFS_MUST_CHECK int sfs_db_prepare(struct sfs_db *db, const char *sql,
				  struct sfs_stmt **ret);
void sfs_stmt_free(struct sfs_stmt *stmt);
SFS_DEFINE_CLEANUP(struct sfs_stmt, sfs_stmt_free);
#define CLEANUP_STMT __attribute__((cleanup(sfs_stmt_freep)))

/* End the use of a statement that is kept, and of its read transaction. */
void sfs_stmt_reset(struct sfs_stmt *stmt);
static inline void sfs_stmt_resetp(struct sfs_stmt **stmt)
{
	if (*stmt)
		sfs_stmt_reset(*stmt);
}
#define CLEANUP_RESET __attribute__((cleanup(sfs_stmt_resetp)))

/* Bind parameter @index (from 1).  Errors wait for the next step.  Texts are
 * borrowed until the statement is reset. */
void sfs_stmt_bind_int(struct sfs_stmt *stmt, int index, int64_t value);
void sfs_stmt_bind_text(struct sfs_stmt *stmt, int index, const char *text,
			size_t size);

/* 1 a row, 0 done, negative failed. */
SFS_MUST_CHECK int sfs_stmt_step(struct sfs_stmt *stmt);
/* Run to its end a statement without rows, and reset it. */
SFS_MUST_CHECK int sfs_stmt_run(struct sfs_stmt *stmt);

/* Columns count from 0.  False when the value is not of that type; a text is
 * valid until the next step, and false when it holds a NUL. */
bool sfs_stmt_int(struct sfs_stmt *stmt, int column, int64_t *ret);
bool sfs_stmt_text(struct sfs_stmt *stmt, int column, const char **ret,
		   size_t *ret_size);

#endif
