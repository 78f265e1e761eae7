/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/db.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "format/limits.h"
#include "format/time.h"

/* One step that takes longer than this walks a damaged tree in circles. */
#define STEP_MAX_NS (30 * SFS_SECOND)
#define BUSY_MAX_MS 5000

struct sfs_db {
	sqlite3 *sqlite;
	int failed;
	int wal_pages;
	int64_t deadline_ns; /* of the current step; 0: not reckoned yet */
};

struct sfs_stmt {
	struct sfs_db *db;
	sqlite3_stmt *sqlite;
	int bind_error; /* the first, as SQLite has it */
};

static int to_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_IOERR:
		return rc == SQLITE_IOERR_NOMEM ? -ENOMEM : -EIO;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return -EBUSY;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EROFS;
	case SQLITE_CANTOPEN:
		return -EIO;
	case SQLITE_INTERRUPT:
		return -ETIME;
	default:
		/* Our own SQL is right, so what is wrong is the file. */
		return -EUCLEAN;
	}
}

static int note(struct sfs_db *db, int rc)
{
	int r = to_errno(rc);

	if (r < 0 && r != -ENOMEM && db->failed == 0)
		db->failed = r;
	return r;
}

static int on_progress(void *context)
{
	struct sfs_db *db = context;
	int64_t now = sfs_monotonic_ns();

	if (db->deadline_ns == 0)
		db->deadline_ns = now + STEP_MAX_NS;
	return now > db->deadline_ns;
}

static int on_wal(void *context, sqlite3 *sqlite, const char *name, int pages)
{
	struct sfs_db *db = context;

	(void)sqlite;
	(void)name;
	db->wal_pages = pages;
	return SQLITE_OK;
}

static int set_limits(sqlite3 *sqlite)
{
	static const struct {
		int id;
		int value;
	} limits[] = {
		/* A record, with the row around it. */
		{ SQLITE_LIMIT_LENGTH, 4 * (int)SFS_RECORD_SIZE_MAX },
		{ SQLITE_LIMIT_SQL_LENGTH, 16 << 10 },
		{ SQLITE_LIMIT_COLUMN, 64 },
		{ SQLITE_LIMIT_EXPR_DEPTH, 32 },
		{ SQLITE_LIMIT_COMPOUND_SELECT, 4 },
		{ SQLITE_LIMIT_VDBE_OP, 10000 },
		{ SQLITE_LIMIT_FUNCTION_ARG, 8 },
		{ SQLITE_LIMIT_ATTACHED, 0 },
		{ SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64 },
		{ SQLITE_LIMIT_VARIABLE_NUMBER, 64 },
		{ SQLITE_LIMIT_TRIGGER_DEPTH, 1 },
		{ SQLITE_LIMIT_WORKER_THREADS, 0 },
	};
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(limits); i++)
		sqlite3_limit(sqlite, limits[i].id, limits[i].value);
	return SQLITE_OK;
}

static int set_config(sqlite3 *sqlite)
{
	static const struct {
		int id;
		int value;
	} configs[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
		{ SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_FKEY, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0 },
		/* Closing must neither write outside the catalog lock nor
		 * delete, by name, the log of a file that replaced ours. */
		{ SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 },
	};
	size_t i;
	int rc;

	for (i = 0; i < SFS_ARRAY_SIZE(configs); i++) {
		rc = sqlite3_db_config(sqlite, configs[i].id, configs[i].value,
				       NULL);
		if (rc != SQLITE_OK)
			return rc;
	}
	return set_limits(sqlite);
}

static int open_hardened(struct sfs_db *db, const char *path)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
	int rc;

	rc = sqlite3_open_v2(path ? path : ":memory:", &db->sqlite,
			     path ? flags : flags | SQLITE_OPEN_MEMORY, NULL);
	if (rc != SQLITE_OK)
		return rc;
	rc = set_config(db->sqlite);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_busy_timeout(db->sqlite, BUSY_MAX_MS);
	sqlite3_progress_handler(db->sqlite, 20000, on_progress, db);
	sqlite3_wal_autocheckpoint(db->sqlite, 0);
	sqlite3_wal_hook(db->sqlite, on_wal, db);
	return sqlite3_exec(db->sqlite,
			    "PRAGMA mmap_size = 0;"
			    "PRAGMA cell_size_check = ON;"
			    "PRAGMA synchronous = NORMAL;"
			    "PRAGMA temp_store = MEMORY;"
			    "PRAGMA cache_size = -16384",
			    NULL, NULL, NULL);
}

int sfs_db_open(const char *path, struct sfs_db **ret)
{
	CLEANUP_DB struct sfs_db *db = NULL;
	int rc;

	db = sfs_calloc(1, sizeof(*db));
	if (!db)
		return -ENOMEM;
	rc = open_hardened(db, path);
	if (rc != SQLITE_OK)
		return to_errno(rc);
	*ret = TAKE_PTR(db);
	return 0;
}

void sfs_db_close(struct sfs_db *db)
{
	if (!db)
		return;
	sqlite3_close(db->sqlite);
	free(db);
}

static int authorize(void *context, int action, const char *a, const char *b,
		     const char *database, const char *inner)
{
	(void)context;
	(void)a;
	(void)b;
	(void)database;
	if (inner)
		return SQLITE_DENY;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_INSERT:
	case SQLITE_UPDATE:
	case SQLITE_DELETE:
	case SQLITE_TRANSACTION:
	case SQLITE_FUNCTION:
		return SQLITE_OK;
	default:
		return SQLITE_DENY;
	}
}

void sfs_db_confine(struct sfs_db *db)
{
	sqlite3_set_authorizer(db->sqlite, authorize, NULL);
}

int sfs_db_failed(const struct sfs_db *db)
{
	return db->failed;
}

int sfs_db_distrust(struct sfs_db *db)
{
	return note(db, SQLITE_CORRUPT);
}

const char *sfs_db_error(const struct sfs_db *db)
{
	return sqlite3_errmsg(db->sqlite);
}

bool sfs_db_json_is_lax(void)
{
	return sqlite3_libversion_number() >= 3042000; /* knows JSON5 */
}

int sfs_db_exec(struct sfs_db *db, const char *sql)
{
	db->deadline_ns = 0;
	return note(db, sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL));
}

int sfs_db_wal_pages(const struct sfs_db *db)
{
	return db->wal_pages;
}

void sfs_db_checkpoint(struct sfs_db *db)
{
	/* Readers are not waited for; what they hold up goes next time. */
	sqlite3_busy_timeout(db->sqlite, 0);
	if (sqlite3_wal_checkpoint_v2(db->sqlite, NULL,
				      SQLITE_CHECKPOINT_TRUNCATE, NULL,
				      NULL) == SQLITE_OK)
		db->wal_pages = 0;
	sqlite3_busy_timeout(db->sqlite, BUSY_MAX_MS);
}

int sfs_db_begin(struct sfs_db *db, bool write, struct sfs_db **ret_txn)
{
	int r;

	r = sfs_db_exec(db, write ? "BEGIN IMMEDIATE" : "BEGIN");
	if (r < 0)
		return r;
	*ret_txn = db;
	return 0;
}

int sfs_db_commit(struct sfs_db **txn)
{
	int r;

	r = sfs_db_exec(*txn, "COMMIT");
	if (r < 0)
		return r;
	*txn = NULL;
	return 0;
}

void sfs_db_rollbackp(struct sfs_db **txn)
{
	/* Some errors have rolled back already; then there is nothing to do
	 * and nothing to say. */
	if (*txn && !sqlite3_get_autocommit((*txn)->sqlite))
		sqlite3_exec((*txn)->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

int sfs_db_prepare(struct sfs_db *db, const char *sql, struct sfs_stmt **ret)
{
	CLEANUP_STMT struct sfs_stmt *stmt = NULL;
	int r;

	stmt = sfs_calloc(1, sizeof(*stmt));
	if (!stmt)
		return -ENOMEM;
	stmt->db = db;
	r = note(db, sqlite3_prepare_v3(db->sqlite, sql, -1,
					SQLITE_PREPARE_PERSISTENT,
					&stmt->sqlite, NULL));
	if (r < 0)
		return r;
	*ret = TAKE_PTR(stmt);
	return 0;
}

void sfs_stmt_free(struct sfs_stmt *stmt)
{
	if (!stmt)
		return;
	sqlite3_finalize(stmt->sqlite);
	free(stmt);
}

void sfs_stmt_reset(struct sfs_stmt *stmt)
{
	sqlite3_reset(stmt->sqlite);
	sqlite3_clear_bindings(stmt->sqlite);
	stmt->bind_error = SQLITE_OK;
}

static void keep_error(struct sfs_stmt *stmt, int rc)
{
	if (stmt->bind_error == SQLITE_OK)
		stmt->bind_error = rc;
}

void sfs_stmt_bind_int(struct sfs_stmt *stmt, int index, int64_t value)
{
	keep_error(stmt, sqlite3_bind_int64(stmt->sqlite, index, value));
}

void sfs_stmt_bind_text(struct sfs_stmt *stmt, int index, const char *text,
			size_t size)
{
	keep_error(stmt, sqlite3_bind_text64(stmt->sqlite, index, text, size,
					     SQLITE_STATIC, SQLITE_UTF8));
}

int sfs_stmt_step(struct sfs_stmt *stmt)
{
	int rc;

	if (stmt->bind_error != SQLITE_OK)
		return note(stmt->db, stmt->bind_error);
	stmt->db->deadline_ns = 0;
	rc = sqlite3_step(stmt->sqlite);
	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : note(stmt->db, rc);
}

int sfs_stmt_run(struct sfs_stmt *stmt)
{
	int r;

	r = sfs_stmt_step(stmt);
	sfs_stmt_reset(stmt);
	return r;
}

bool sfs_stmt_int(struct sfs_stmt *stmt, int column, int64_t *ret)
{
	if (sqlite3_column_type(stmt->sqlite, column) != SQLITE_INTEGER)
		return false;
	*ret = sqlite3_column_int64(stmt->sqlite, column);
	return true;
}

bool sfs_stmt_text(struct sfs_stmt *stmt, int column, const char **ret,
		   size_t *ret_size)
{
	const char *text;
	size_t size;

	if (sqlite3_column_type(stmt->sqlite, column) != SQLITE_TEXT)
		return false;
	text = (const char *)sqlite3_column_text(stmt->sqlite, column);
	size = (size_t)sqlite3_column_bytes(stmt->sqlite, column);
	if (!text || memchr(text, 0, size))
		return false;
	*ret = text;
	*ret_size = size;
	return true;
}
