/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The catalog's file.  It is believed only when it is ours in every respect:
 * owner, kind of file, application, version, schema to the byte, repository.
 * Otherwise a new one takes its place.  It is opened and replaced under the
 * catalog lock, so that nobody opens what another one is replacing.
 *
 * A process that has the old file open goes on with it, unlinked: it keeps
 * itself current from the records like any other catalog.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "src/catalog-impl.h"
#include "src/log.h"

#define APPLICATION_ID 0x736e6663 /* "snfc" */
#define SCHEMA_VERSION 2

#define TEXT_OF(macro)	TEXT_OF_(macro)
#define TEXT_OF_(value) #value

/* Pages of log from which a checkpoint is worth its fsyncs: 4 MiB. */
#define WAL_PAGES_MAX 1024
/* And what may be left of it at the end: 128 KiB. */
#define WAL_PAGES_LEFT 32

/* In order of their names, as sqlite_schema is asked for them. */
static const struct {
	const char *name;
	const char *sql;
} schema[] = {
	{ "chunk", "CREATE TABLE chunk ("
		   "hash INTEGER PRIMARY KEY, "
		   "pack_row INTEGER NOT NULL, "
		   "slot INTEGER NOT NULL) STRICT" },
	{ "meta", "CREATE TABLE meta ("
		  "one INTEGER PRIMARY KEY, "
		  "repository TEXT NOT NULL, "
		  "stamp0 INTEGER NOT NULL, "
		  "stamp1 INTEGER NOT NULL, "
		  "stamp2 INTEGER NOT NULL, "
		  "settled INTEGER NOT NULL, "
		  "generation INTEGER NOT NULL, "
		  "total INTEGER NOT NULL, "
		  "sum INTEGER NOT NULL) STRICT" },
	{ "pack", "CREATE TABLE pack ("
		  "pack_row INTEGER PRIMARY KEY, "
		  "id INTEGER NOT NULL) STRICT" },
	{ "pack_id", "CREATE UNIQUE INDEX pack_id ON pack (id)" },
	{ "record", "CREATE TABLE record ("
		    "name TEXT NOT NULL PRIMARY KEY, "
		    "version0 INTEGER NOT NULL, "
		    "version1 INTEGER NOT NULL, "
		    "version2 INTEGER NOT NULL, "
		    "kind INTEGER NOT NULL, "
		    "time INTEGER NOT NULL, "
		    "label TEXT NOT NULL, "
		    "sum INTEGER NOT NULL) STRICT, WITHOUT ROWID" },
	{ "snapshot", "CREATE TABLE snapshot ("
		      "time INTEGER NOT NULL, "
		      "id TEXT NOT NULL, "
		      "volume_id TEXT NOT NULL, "
		      "volume TEXT NOT NULL, "
		      "parent TEXT NOT NULL, "
		      "set_id TEXT NOT NULL, "
		      "completed INTEGER NOT NULL, "
		      "size INTEGER NOT NULL, "
		      "data INTEGER NOT NULL, "
		      "bad INTEGER NOT NULL, "
		      "stored INTEGER NOT NULL, "
		      "consistency INTEGER NOT NULL, "
		      "source TEXT NOT NULL, "
		      "description TEXT NOT NULL, "
		      "tags TEXT NOT NULL, "
		      "owner INTEGER NOT NULL, "
		      "grants TEXT NOT NULL, "
		      "sum INTEGER NOT NULL, "
		      "PRIMARY KEY (time, id)) STRICT, WITHOUT ROWID" },
};

static int make_schema(struct sfs_catalog *catalog)
{
	struct sfs_meta meta = { 0 };
	size_t i;
	int r;

	r = sfs_db_exec(
		catalog->db,
		"PRAGMA application_id = " TEXT_OF(
			APPLICATION_ID) ";"
					"PRAGMA user_version = " TEXT_OF(
						SCHEMA_VERSION));
	for (i = 0; i < SFS_ARRAY_SIZE(schema) && r == 0; i++)
		r = sfs_db_exec(catalog->db, schema[i].sql);
	if (r < 0)
		return r;
	/* Whoever has seen the old file's rows must see that these are
	 * others. */
	sfs_random(&meta.generation, sizeof(meta.generation));
	return sfs_catalog_put_meta(catalog, &meta);
}

/* Prepare @sql and step to its one row. */
static int first_row(struct sfs_catalog *catalog, const char *sql,
		     struct sfs_stmt **ret)
{
	int r;

	r = sfs_db_prepare(catalog->db, sql, ret);
	if (r < 0)
		return r;
	r = sfs_stmt_step(*ret);
	if (r < 0)
		return r;
	return r == 0 ? -EUCLEAN : 0;
}

static int expect_int(struct sfs_catalog *catalog, const char *sql,
		      int64_t value)
{
	CLEANUP_STMT struct sfs_stmt *stmt = NULL;
	int64_t found;
	int r;

	r = first_row(catalog, sql, &stmt);
	if (r < 0)
		return r;
	return sfs_stmt_int(stmt, 0, &found) && found == value ? 0 : -EUCLEAN;
}

static int expect_wal(struct sfs_catalog *catalog)
{
	CLEANUP_STMT struct sfs_stmt *stmt = NULL;
	const char *mode;
	size_t size;
	int r;

	r = first_row(catalog, "PRAGMA journal_mode", &stmt);
	if (r < 0)
		return r;
	return sfs_stmt_text(stmt, 0, &mode, &size) && strcmp(mode, "wal") == 0
		       ? 0
		       : -EUCLEAN;
}

static int check_schema(struct sfs_catalog *catalog)
{
	CLEANUP_STMT struct sfs_stmt *stmt = NULL;
	const char *name, *sql;
	size_t size, i;
	int r;

	r = sfs_db_prepare(catalog->db,
			   "SELECT name, sql FROM sqlite_schema ORDER BY name",
			   &stmt);
	if (r < 0)
		return r;
	for (i = 0; (r = sfs_stmt_step(stmt)) > 0; i++) {
		if (i == SFS_ARRAY_SIZE(schema) ||
		    !sfs_stmt_text(stmt, 0, &name, &size) ||
		    strcmp(name, schema[i].name) != 0 ||
		    !sfs_stmt_text(stmt, 1, &sql, &size) ||
		    strcmp(sql, schema[i].sql) != 0)
			return -EUCLEAN;
	}
	if (r < 0)
		return r;
	return i == SFS_ARRAY_SIZE(schema) ? 0 : -EUCLEAN;
}

static int check_identity(struct sfs_catalog *catalog)
{
	struct sfs_meta ignored;
	int r;

	r = expect_int(catalog, "PRAGMA application_id", APPLICATION_ID);
	if (r < 0)
		return r;
	r = expect_int(catalog, "PRAGMA user_version", SCHEMA_VERSION);
	if (r < 0)
		return r;
	r = check_schema(catalog);
	if (r < 0)
		return r;
	r = expect_wal(catalog);
	if (r < 0)
		return r;
	sfs_db_confine(catalog->db);
	return sfs_catalog_get_meta(catalog, &ignored);
}

/* Never opened here: closing it would drop SQLite's locks on it. */
static int check_file(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1)
		return -EUCLEAN;
	return 0;
}

static int open_file(struct sfs_catalog *catalog)
{
	int r;

	r = check_file(catalog->path);
	if (r < 0)
		return r;
	r = sfs_db_open(catalog->path, &catalog->db);
	if (r < 0)
		return r;
	r = check_identity(catalog);
	if (r < 0)
		sfs_catalog_detach(catalog);
	return r;
}

static int open_memory(struct sfs_catalog *catalog)
{
	int r;

	catalog->path = NULL;
	r = sfs_db_open(NULL, &catalog->db);
	if (r < 0)
		return r;
	r = make_schema(catalog);
	if (r < 0)
		return r;
	sfs_db_confine(catalog->db);
	return 0;
}

/* Remove @path and what SQLite keeps beside it, the file first: a log without
 * its file means nothing, a file without its log may be inconsistent. */
static int remove_all(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm",
						"-journal" };
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(suffixes); i++) {
		CLEANUP_FREE char *name =
			sfs_asprintf("%s%s", path, suffixes[i]);
		if (!name)
			return -ENOMEM;
		/* An empty directory goes as well; a full one stays, and the
		 * catalog then lives in memory. */
		if (unlink(name) < 0 && errno != ENOENT && rmdir(name) < 0)
			return -errno;
	}
	return 0;
}

/* Make an empty catalog in the file @temp. */
static int build(struct sfs_catalog *catalog, const char *temp)
{
	int fd, r;

	/* Made here for its mode; SQLite has not opened it yet. */
	fd = open(temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  0600);
	if (fd < 0)
		return -errno;
	close(fd);
	r = sfs_db_open(temp, &catalog->db);
	if (r < 0)
		return r;
	r = make_schema(catalog);
	if (r == 0)
		r = sfs_db_exec(catalog->db, "PRAGMA journal_mode = WAL");
	sfs_catalog_detach(catalog);
	return r;
}

static int replace_file(struct sfs_catalog *catalog)
{
	CLEANUP_FREE char *temp = sfs_asprintf("%s.new", catalog->path);
	int r;

	if (!temp)
		return -ENOMEM;
	r = remove_all(temp);
	if (r == 0)
		r = build(catalog, temp);
	if (r == 0)
		r = remove_all(catalog->path);
	if (r == 0 && rename(temp, catalog->path) < 0)
		r = -errno;
	if (r < 0)
		sfs_ignore(remove_all(temp)); /* the next one tries again */
	return r;
}

static int open_or_replace(struct sfs_catalog *catalog, bool replace)
{
	CLEANUP_LOCK struct sfs_lock *lock = NULL;
	int r;

	r = sfs_catalog_write_lock(catalog, &lock);
	if (r < 0)
		return r;
	if (!replace) {
		r = open_file(catalog);
		if (r == 0 || r == -ENOMEM)
			return r;
		if (r != -ENOENT)
			sfs_info("'%s': damaged, or not this repository's; "
				 "making it anew",
				 catalog->path);
	}
	r = replace_file(catalog);
	return r < 0 ? r : open_file(catalog);
}

static void log_fallback(struct sfs_catalog *catalog, int error)
{
	sfs_info("'%s': cannot be used (%s); keeping the catalog in memory",
		 catalog->path, strerror(-error));
}

static int attach(struct sfs_catalog *catalog, bool replace)
{
	int r;

	sfs_catalog_detach(catalog);
	if (catalog->path) {
		r = open_or_replace(catalog, replace);
		if (r == 0 || r == -ENOMEM)
			return r;
		log_fallback(catalog, r);
		sfs_catalog_detach(catalog);
	}
	return open_memory(catalog);
}

int sfs_catalog_attach(struct sfs_catalog *catalog, bool replace)
{
	if (sfs_store_writable(catalog->store) &&
	    sfs_store_trusted(catalog->store) && !catalog->config->read_only)
		catalog->path = sfs_store_catalog_path(catalog->store);
	return attach(catalog, replace);
}

int sfs_catalog_reattach(struct sfs_catalog *catalog, int error)
{
	bool damaged = error == -EUCLEAN || error == -ETIME;

	if (catalog->path && damaged && !catalog->replaced) {
		sfs_info("'%s': damaged; making it anew", catalog->path);
		catalog->replaced = true;
		return attach(catalog, true);
	}
	if (catalog->path)
		log_fallback(catalog, error);
	catalog->path = NULL;
	return attach(catalog, false);
}

void sfs_catalog_detach(struct sfs_catalog *catalog)
{
	size_t i;

	sfs_db_rollbackp(&catalog->finding);
	catalog->finding = NULL;
	for (i = 0; i < SFS_QUERY_COUNT; i++) {
		sfs_stmt_free(catalog->queries[i]);
		catalog->queries[i] = NULL;
	}
	sfs_db_close(catalog->db);
	catalog->db = NULL;
	catalog->stamp = (struct sfs_stamp){ 0 };
	catalog->verified = false;
	catalog->chunks = SFS_CHUNKS_UNKNOWN;
}

int sfs_catalog_write_lock(struct sfs_catalog *catalog, struct sfs_lock **ret)
{
	*ret = NULL;
	if (!catalog->path)
		return 0;
	return sfs_store_lock(catalog->store, SFS_LOCK_CATALOG, NULL, true,
			      true, ret);
}

/* Leave no large log behind, unless somebody else is writing: then it is his
 * to tidy up. */
void sfs_catalog_settle(struct sfs_catalog *catalog)
{
	CLEANUP_LOCK struct sfs_lock *lock = NULL;

	if (!catalog->path || !catalog->db ||
	    sfs_db_wal_pages(catalog->db) <= WAL_PAGES_LEFT)
		return;
	if (sfs_store_lock(catalog->store, SFS_LOCK_CATALOG, NULL, true, false,
			   &lock) == 0)
		sfs_db_checkpoint(catalog->db);
}

void sfs_catalog_tidy(struct sfs_catalog *catalog)
{
	if (catalog->path && sfs_db_wal_pages(catalog->db) > WAL_PAGES_MAX)
		sfs_db_checkpoint(catalog->db);
}
