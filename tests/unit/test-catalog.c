/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "format/pack.h"
#include "src/db.h"
#include "tests/unit/records.h"

/* Taking libc's place: files whose names end so cannot be opened. */
static const char *unreadable;

int openat(int dir, const char *path, int flags, ...)
{
	size_t n = strlen(path), m = unreadable ? strlen(unreadable) : 0;
	mode_t mode;
	va_list args;

	va_start(args, flags);
	mode = va_arg(args, mode_t); /* rubbish where there is none */
	va_end(args);
	if (m > 0 && n >= m && strcmp(path + n - m, unreadable) == 0) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_openat, dir, path, flags,
			    flags & O_CREAT ? mode : 0);
}

static int setup(void **state)
{
	unreadable = NULL;
	*state = records_new();
	return 0;
}

static int teardown(void **state)
{
	records_free(*state);
	return 0;
}

static struct sfs_catalog *open_catalog(struct records *repo)
{
	struct sfs_catalog *catalog = NULL;

	assert_int_equal(sfs_catalog_open(repo->store, &repo->config, &catalog),
			 0);
	return catalog;
}

/* The numbers of the listed snapshots, such as "1 2 5". */
static int note_number(const struct sfs_snapshot *s, void *context)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(text + used, 4096 - used, "%s%lx", used ? " " : "",
		 strtoul(s->id + 5, NULL, 16));
	return 0;
}

static void assert_filtered(struct sfs_catalog *catalog,
			    const struct sfs_catalog_filter *filter,
			    const char *expected)
{
	char text[4096] = "";

	assert_int_equal(sfs_catalog_list(catalog, filter, note_number, text),
			 0);
	assert_string_equal(text, expected);
}

static void assert_listed(struct sfs_catalog *catalog, const char *expected)
{
	assert_filtered(catalog, NULL, expected);
}

/* Until what was done to the records shows in their stamp for good. */
static void settle(struct records *repo)
{
	struct sfs_stamp stamp;

	do {
		sched_yield();
		assert_int_equal(
			sfs_store_stamp(repo->store, SFS_AREA_RECORDS, &stamp),
			0);
	} while (!stamp.settled);
}

static char *file_of(struct records *repo, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", repo->dir, name);
	return path;
}

static void put_set(struct records *repo, const char *id, size_t members)
{
	struct sfs_set set = { .time_ns = RECORDS_TIME, .members = members };
	size_t size;
	char *file;

	strcpy(set.id, id);
	assert_int_equal(
		sfs_record_encode_set(&repo->config, &set, &file, &size), 0);
	records_write(repo, id, file, size, true);
	free(file);
}

/* ---- listing ---- */

static void lists_in_order_of_time(void **state)
{
	struct records *repo = *state;
	struct sfs_snapshot s = records_snapshot(9, "web");
	struct sfs_catalog *catalog;

	s.time_ns = RECORDS_TIME;
	records_put(repo, &s);
	records_add(repo, 3, "db");
	records_add(repo, 1, "web");
	records_add(repo, 2, "web");
	catalog = open_catalog(repo);
	assert_listed(catalog, "9 1 2 3");
	sfs_catalog_close(catalog);
}

static void lists_what_the_filter_asks_for(void **state)
{
	struct records *repo = *state;
	struct sfs_snapshot s = records_snapshot(4, "web");
	struct sfs_catalog_filter f = { 0 };
	struct sfs_catalog *catalog;

	assert_int_equal(sfs_tags_set(&s.tags, "env", "prod"), 0);
	assert_int_equal(sfs_tags_set(&s.tags, "empty", ""), 0);
	records_put(repo, &s);
	sfs_tags_done(&s.tags);
	records_add(repo, 1, "web");
	records_add(repo, 2, "db");
	records_add(repo, 3, "db");
	catalog = open_catalog(repo);
	f.volume = "db";
	assert_filtered(catalog, &f, "2 3");
	f.since_ns = RECORDS_TIME + 3 * 60 * SFS_SECOND;
	assert_filtered(catalog, &f, "3");
	f = (struct sfs_catalog_filter){ .until_ns = RECORDS_TIME +
						     2 * 60 * SFS_SECOND };
	assert_filtered(catalog, &f, "1 2");
	f = (struct sfs_catalog_filter){ .tag = "env" };
	assert_filtered(catalog, &f, "4");
	f.tag = "env=prod";
	assert_filtered(catalog, &f, "4");
	f.tag = "env=pro";
	assert_filtered(catalog, &f, "");
	f.tag = "en";
	assert_filtered(catalog, &f, "");
	f.tag = "empty=";
	assert_filtered(catalog, &f, "4");
	sfs_catalog_close(catalog);
}

static int compare_sample(const struct sfs_snapshot *s, void *context)
{
	const struct sfs_snapshot *want = context;

	assert_string_equal(s->id, want->id);
	assert_string_equal(s->volume_id, want->volume_id);
	assert_string_equal(s->volume, want->volume);
	assert_string_equal(s->parent, want->parent);
	assert_string_equal(s->source, want->source);
	assert_string_equal(s->description, want->description);
	assert_true(s->time_ns == want->time_ns);
	assert_true(s->completed_ns == want->completed_ns);
	assert_true(s->size == want->size);
	assert_true(s->data_bytes == want->data_bytes);
	assert_true(s->bad_bytes == want->bad_bytes);
	assert_true(s->stored_bytes == want->stored_bytes);
	assert_int_equal(s->consistency, want->consistency);
	assert_int_equal(s->tags.count, want->tags.count);
	assert_string_equal(sfs_tags_get(&s->tags, "k"), "v=w");
	assert_int_equal(s->owner, want->owner);
	assert_int_equal(s->grants.count, 2);
	assert_true(sfs_grants_has(&s->grants, want->grants.grants[0]));
	assert_true(sfs_grants_has(&s->grants, want->grants.grants[1]));
	return 42;
}

static void rows_hold_what_the_record_says(void **state)
{
	struct records *repo = *state;
	struct sfs_snapshot s = records_snapshot(1, "web");
	struct sfs_catalog *catalog;
	char source[SFS_SOURCE_MAX + 1];

	memset(source, 'x', sizeof(source) - 1);
	source[sizeof(source) - 1] = '\0';
	s.source = source;
	s.description = (char *)(uintptr_t) "text 'with' \xc3\xa9";
	strcpy(s.parent, "snap-0123456789abcdef0");
	s.bad_bytes = 16384;
	s.owner = 4294967294;
	assert_int_equal(sfs_tags_set(&s.tags, "k", "v=w"), 0);
	assert_int_equal(sfs_tags_set(&s.tags, "l", ""), 0);
	assert_int_equal(sfs_grants_parse("user:1000 all", &s.grants), 0);
	records_put(repo, &s);
	catalog = open_catalog(repo);
	assert_int_equal(sfs_catalog_list(catalog, NULL, compare_sample, &s),
			 42);
	sfs_catalog_close(catalog);
	sfs_tags_done(&s.tags);
	sfs_grants_done(&s.grants);
}

static void refresh_tells_of_changes(void **state)
{
	struct records *repo = *state;
	struct sfs_snapshot s = records_snapshot(1, "web");
	struct sfs_catalog *catalog;

	catalog = open_catalog(repo);
	assert_int_equal(sfs_catalog_refresh(catalog), 0);
	records_put(repo, &s);
	assert_int_equal(sfs_catalog_refresh(catalog), 1);
	assert_int_equal(sfs_catalog_refresh(catalog), 0);
	assert_listed(catalog, "1");
	records_add(repo, 2, "web");
	assert_listed(catalog, "1 2"); /* unasked as well */
	assert_int_equal(sfs_catalog_refresh(catalog), 1);
	settle(repo);
	assert_int_equal(sfs_catalog_refresh(catalog), 0);
	assert_int_equal(sfs_catalog_refresh(catalog), 0);
	assert_int_equal(sfs_store_move(repo->store, SFS_AREA_RECORDS,
					SFS_AREA_BIN, s.id),
			 0);
	assert_int_equal(sfs_catalog_refresh(catalog), 1);
	assert_listed(catalog, "2");
	sfs_catalog_close(catalog);
}

static void replaced_records_are_read_again(void **state)
{
	struct records *repo = *state;
	struct sfs_snapshot s = records_snapshot(1, "web");
	struct sfs_catalog_filter f = { .tag = "new" };
	struct sfs_catalog *catalog;
	size_t size;
	char *file;

	records_put(repo, &s);
	settle(repo);
	catalog = open_catalog(repo);
	assert_filtered(catalog, &f, "");
	assert_int_equal(sfs_tags_set(&s.tags, "new", "1"), 0);
	assert_int_equal(
		sfs_record_encode_snapshot(&repo->config, &s, &file, &size), 0);
	records_write(repo, s.id, file, size, false);
	free(file);
	assert_int_equal(sfs_catalog_refresh(catalog), 1);
	assert_filtered(catalog, &f, "1");
	assert_listed(catalog, "1");
	sfs_catalog_close(catalog);
	sfs_tags_done(&s.tags);
}

static void two_processes_see_each_other(void **state)
{
	struct records *repo = *state;
	struct records other = *repo;
	struct sfs_catalog *a, *b;

	assert_int_equal(sfs_store_open(repo->dir, &other.store), 0);
	a = open_catalog(repo);
	b = open_catalog(&other);
	records_add(repo, 1, "web");
	settle(repo);
	assert_int_equal(sfs_catalog_refresh(a), 1);
	assert_int_equal(sfs_catalog_refresh(b), 1);
	assert_int_equal(sfs_catalog_refresh(b), 0);
	assert_listed(b, "1");
	sfs_catalog_close(a);
	sfs_catalog_close(b);
	sfs_store_close(other.store);
}

static void members_wait_for_their_set(void **state)
{
	struct records *repo = *state;
	struct sfs_snapshot s = records_snapshot(1, "web"), *loaded;
	struct sfs_catalog *catalog;

	strcpy(s.set, "set-0123456789abcdef0");
	records_put(repo, &s);
	records_add(repo, 2, "db");
	catalog = open_catalog(repo);
	assert_listed(catalog, "2");
	assert_int_equal(sfs_catalog_load(catalog, s.id, &loaded), -ENOENT);
	put_set(repo, s.set, 1);
	assert_int_equal(sfs_catalog_refresh(catalog), 1);
	assert_listed(catalog, "1 2");
	assert_int_equal(sfs_catalog_load(catalog, s.id, &loaded), 0);
	sfs_snapshot_free(loaded);
	sfs_catalog_close(catalog);
}

static int note_damage(const char *name, const char *why, void *context)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(text + used, 4096 - used, "%s: %s\n", name, why);
	return 0;
}

static void damage_hides_nothing_else(void **state)
{
	struct records *repo = *state;
	struct sfs_snapshot s = records_snapshot(2, "web"), *loaded;
	struct sfs_catalog *catalog;
	char text[4096] = "";

	strcpy(s.set, "set-0123456789abcdef0");
	records_put(repo, &s);
	records_write(repo, s.set, "{}", 2, true);
	records_write(repo, "snap-00000000000000003", "x", 1, true);
	records_write(repo, "README", "x", 1, true);
	records_add(repo, 1, "web");
	catalog = open_catalog(repo);
	assert_listed(catalog, "1 2");
	assert_int_equal(sfs_catalog_damaged(catalog, note_damage, text), 3);
	assert_string_equal(text,
			    "README: of a kind that this version does not "
			    "know\n"
			    "set-0123456789abcdef0: not a record\n"
			    "snap-00000000000000003: not a record\n");
	records_assert_logged("snap-00000000000000003.json': record not a "
			      "record");
	assert_int_equal(sfs_catalog_load(catalog, s.id, &loaded), 0);
	sfs_snapshot_free(loaded);
	assert_int_equal(
		sfs_catalog_load(catalog, "snap-00000000000000003", &loaded),
		-EUCLEAN);
	records_forget_log();
	records_add(repo, 4, "web");
	assert_listed(catalog, "1 2 4");
	assert_string_equal(records_log, ""); /* it was said once */
	sfs_catalog_close(catalog);
}

static void repaired_records_come_back(void **state)
{
	struct records *repo = *state;
	struct sfs_snapshot s = records_snapshot(1, "web");
	struct sfs_catalog *catalog;
	size_t size;
	char *file;

	records_write(repo, s.id, "x", 1, true);
	catalog = open_catalog(repo);
	assert_listed(catalog, "");
	assert_int_equal(
		sfs_record_encode_snapshot(&repo->config, &s, &file, &size), 0);
	records_write(repo, s.id, file, size, false);
	free(file);
	assert_listed(catalog, "1");
	assert_int_equal(sfs_catalog_damaged(catalog, NULL, NULL), 0);
	sfs_catalog_close(catalog);
}

/* Nothing is remembered of a record that could not be read but that. */
static void unreadable_records_are_tried_again(void **state)
{
	struct records *repo = *state;
	struct sfs_catalog *catalog;
	char text[4096] = "";

	records_add(repo, 1, "web");
	records_add(repo, 2, "web");
	settle(repo);
	unreadable = "2.json";
	catalog = open_catalog(repo);
	assert_listed(catalog, "1");
	assert_int_equal(sfs_catalog_damaged(catalog, note_damage, text), 1);
	assert_string_equal(text, "snap-00000000000000002: cannot be read\n");
	assert_int_equal(sfs_catalog_refresh(catalog), 0);
	assert_int_equal(sfs_catalog_refresh(catalog), 0);
	unreadable = NULL;
	assert_int_equal(sfs_catalog_refresh(catalog), 1);
	assert_listed(catalog, "1 2");
	assert_int_equal(sfs_catalog_damaged(catalog, NULL, NULL), 0);
	assert_int_equal(sfs_catalog_refresh(catalog), 0);
	/* Once read it stays. */
	unreadable = "2.json";
	assert_int_equal(sfs_catalog_relist(catalog), 0);
	assert_listed(catalog, "1 2");
	sfs_catalog_close(catalog);
}

static void unreadable_records_are_tried_by_the_next(void **state)
{
	struct records *repo = *state;
	struct sfs_catalog *catalog;

	records_add(repo, 1, "web");
	settle(repo);
	unreadable = "1.json";
	catalog = open_catalog(repo);
	assert_listed(catalog, "");
	sfs_catalog_close(catalog);
	unreadable = NULL;
	catalog = open_catalog(repo);
	assert_listed(catalog, "1");
	assert_int_equal(sfs_catalog_damaged(catalog, NULL, NULL), 0);
	sfs_catalog_close(catalog);
	/* Gone while it could not be read. */
	records_add(repo, 2, "web");
	unreadable = "2.json";
	catalog = open_catalog(repo);
	assert_listed(catalog, "1");
	assert_int_equal(unlink(file_of(repo, "records/"
					      "snap-00000000000000002.json")),
			 0);
	assert_int_equal(sfs_catalog_damaged(catalog, NULL, NULL), 0);
	sfs_catalog_close(catalog);
}

/* ---- hostile and damaged files ---- */

static void exec_on(const char *path, const char *sql)
{
	struct sfs_db *db;

	assert_int_equal(sfs_db_open(path, &db), 0);
	if (sfs_db_exec(db, sql) < 0)
		fail_msg("%s: %s", sql, sfs_db_error(db));
	sfs_db_checkpoint(db);
	sfs_db_close(db);
}

static void write_bytes(const char *path, const void *bytes, size_t size)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

static char *read_bytes(const char *path, size_t *ret_size)
{
	struct stat st;
	FILE *in = fopen(path, "r");
	char *bytes;

	assert_non_null(in);
	assert_int_equal(fstat(fileno(in), &st), 0);
	bytes = sfs_malloc((size_t)st.st_size);
	*ret_size = fread(bytes, 1, (size_t)st.st_size, in);
	fclose(in);
	return bytes;
}

static void remove_catalog(struct records *repo)
{
	static const char *const names[] = { "catalog.db", "catalog.db-wal",
					     "catalog.db-shm" };
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(names); i++)
		unlink(file_of(repo, names[i]));
}

/* Three snapshots and a good, settled catalog of them. */
static void prepare(struct records *repo)
{
	struct sfs_catalog *catalog;
	unsigned i;

	for (i = 1; i <= 3; i++)
		records_add(repo, i, "web");
	settle(repo);
	catalog = open_catalog(repo);
	assert_listed(catalog, "1 2 3");
	sfs_catalog_close(catalog);
	/* So that a test can work on the one file. */
	exec_on(file_of(repo, "catalog.db"), "SELECT 1");
	records_forget_log();
}

/* Whatever was done to the file: everything is listed, and the file is good
 * afterwards. */
static void assert_recovers(struct records *repo)
{
	struct sfs_catalog *catalog;
	struct stat st;

	catalog = open_catalog(repo);
	assert_listed(catalog, "1 2 3");
	assert_int_equal(sfs_catalog_damaged(catalog, NULL, NULL), 0);
	sfs_catalog_close(catalog);
	assert_int_equal(lstat(file_of(repo, "catalog.db"), &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(access(file_of(repo, "catalog.db.new"), F_OK), -1);
	records_forget_log();
	catalog = open_catalog(repo);
	assert_listed(catalog, "1 2 3");
	sfs_catalog_close(catalog);
	assert_string_equal(records_log, "");
}

static void a_good_file_is_kept(void **state)
{
	struct records *repo = *state;
	struct stat before, after;

	prepare(repo);
	assert_int_equal(stat(file_of(repo, "catalog.db"), &before), 0);
	assert_recovers(repo);
	assert_int_equal(stat(file_of(repo, "catalog.db"), &after), 0);
	assert_true(before.st_ino == after.st_ino);
}

static void a_missing_file_is_made(void **state)
{
	struct records *repo = *state;

	prepare(repo);
	remove_catalog(repo);
	assert_recovers(repo);
	/* The log of a file that is gone must not get into the new one. */
	prepare(repo);
	unlink(file_of(repo, "catalog.db"));
	write_bytes(file_of(repo, "catalog.db-wal"), "junk", 4);
	assert_recovers(repo);
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void hostile_content_is_replaced(void **state)
{
	static const char *const attacks[] = {
		/* identity */
		"PRAGMA application_id = 1",
		"PRAGMA user_version = 1",
		"PRAGMA journal_mode = DELETE",
		/* schema */
		"DROP TABLE snapshot;"
		"CREATE VIEW snapshot AS SELECT * FROM record",
		"DROP TABLE snapshot; CREATE VIEW snapshot AS"
		" WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1"
		" FROM n) SELECT x AS time, '' AS id FROM n",
		"CREATE TRIGGER evil AFTER INSERT ON record"
		" BEGIN DELETE FROM snapshot; END",
		"CREATE TABLE extra (blob)",
		"CREATE INDEX extra ON snapshot (volume)",
		"DROP TABLE chunk",
		"DROP TABLE record; CREATE TABLE record (name TEXT, sum)",
		"DROP TABLE meta; CREATE TABLE meta (one INTEGER)",
		"ALTER TABLE snapshot ADD COLUMN more TEXT",
		"ALTER TABLE pack RENAME COLUMN id TO id2",
		/* rows */
		"DELETE FROM meta",
		"UPDATE meta SET repository = 'x'",
		"UPDATE meta SET total = total + 1",
		"UPDATE meta SET stamp0 = 0, settled = 0",
		"DELETE FROM snapshot WHERE id LIKE '%2'",
		"DELETE FROM record WHERE name LIKE '%2'",
		"DELETE FROM record; DELETE FROM snapshot",
		"UPDATE snapshot SET volume = 'other' WHERE id LIKE '%2'",
		"UPDATE snapshot SET time = time + 1",
		"UPDATE snapshot SET time = -time",
		"UPDATE snapshot SET sum = 0",
		"UPDATE snapshot SET size = size + 1 WHERE id LIKE '%3'",
		"UPDATE snapshot SET tags = 'no equals sign'",
		"UPDATE snapshot SET volume = CAST(zeroblob(1000000) AS TEXT)",
		"UPDATE snapshot SET id = id || 'looooooooooooooooooooooong'",
		"UPDATE snapshot SET set_id = 'set-0123456789abcdef0'",
		"UPDATE snapshot SET description = CAST(x'6100ff' AS TEXT)",
		"UPDATE record SET version1 = version1 + 1",
		"UPDATE snapshot SET owner = owner + 1",
		"UPDATE snapshot SET grants = 'all'",
		"UPDATE snapshot SET grants = 'nobody'",
		"UPDATE record SET label = hex(zeroblob(1000000))",
		"UPDATE record SET kind = 3, label = 'x'",
		"UPDATE record SET kind = 4, label = 'web'",
		"INSERT INTO record SELECT 'snap-00000000000000009', version0,"
		" version1, version2, kind, time, label, sum FROM record"
		" LIMIT 1",
		"INSERT INTO snapshot SELECT time + 1,"
		" 'snap-00000000000000009', volume_id, volume, parent,"
		" set_id, completed, size, data, bad, stored, consistency,"
		" source, description, tags, owner, grants, sum"
		" FROM snapshot LIMIT 1",
	};
	struct records *repo = *state;
	ino_t before;
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(attacks); i++) {
		remove_catalog(repo);
		prepare(repo);
		exec_on(file_of(repo, "catalog.db"), attacks[i]);
		before = inode_of(file_of(repo, "catalog.db"));
		print_message("%.70s\n", attacks[i]);
		assert_recovers(repo);
		assert_true(inode_of(file_of(repo, "catalog.db")) != before);
	}
}

static void hostile_files_are_replaced(void **state)
{
	struct records *repo = *state;
	char zeros[8192] = { 0 }, target[128], *good;
	size_t size;

	prepare(repo);
	good = read_bytes(file_of(repo, "catalog.db"), &size);

	write_bytes(file_of(repo, "catalog.db"), "not a database", 14);
	assert_recovers(repo);
	write_bytes(file_of(repo, "catalog.db"), "", 0);
	assert_recovers(repo);
	write_bytes(file_of(repo, "catalog.db"), zeros, sizeof(zeros));
	assert_recovers(repo);
	remove_catalog(repo);
	write_bytes(file_of(repo, "catalog.db"), good, size / 2);
	assert_recovers(repo);
	remove_catalog(repo);
	assert_int_equal(mkdir(file_of(repo, "catalog.db"), 0700), 0);
	assert_recovers(repo);
	remove_catalog(repo);
	assert_int_equal(mkfifo(file_of(repo, "catalog.db"), 0600), 0);
	assert_recovers(repo);
	/* What a link points to is left alone, however good it looks. */
	remove_catalog(repo);
	strcpy(target, file_of(repo, "elsewhere"));
	write_bytes(target, good, size);
	assert_int_equal(symlink(target, file_of(repo, "catalog.db")), 0);
	assert_recovers(repo);
	remove_catalog(repo);
	assert_int_equal(link(target, file_of(repo, "catalog.db")), 0);
	assert_recovers(repo);
	free(good);
	good = read_bytes(target, &size);
	assert_true(size > 4096);
	free(good);
}

static void another_repositorys_catalog_is_replaced(void **state)
{
	struct records *repo = *state;
	struct records *other = records_new();
	size_t size;
	char *bytes;

	prepare(repo);
	/* The same UUID even, but another secret. */
	records_add(other, 4, "web");
	settle(other);
	sfs_catalog_close(open_catalog(other));
	exec_on(file_of(other, "catalog.db"), "SELECT 1");
	bytes = read_bytes(file_of(other, "catalog.db"), &size);
	remove_catalog(repo);
	write_bytes(file_of(repo, "catalog.db"), bytes, size);
	free(bytes);
	assert_recovers(repo);
	records_free(other);
}

static void an_older_catalog_catches_up(void **state)
{
	struct records *repo = *state;
	struct sfs_catalog *catalog;
	size_t size;
	char *bytes;

	catalog = open_catalog(repo);
	sfs_catalog_close(catalog);
	prepare(repo);
	bytes = read_bytes(file_of(repo, "catalog.db"), &size);
	records_add(repo, 4, "web");
	assert_int_equal(sfs_store_remove(repo->store, SFS_AREA_RECORDS,
					  "snap-00000000000000001"),
			 0);
	settle(repo);
	catalog = open_catalog(repo);
	assert_listed(catalog, "2 3 4");
	sfs_catalog_close(catalog);
	remove_catalog(repo);
	write_bytes(file_of(repo, "catalog.db"), bytes, size);
	assert_int_equal(chmod(file_of(repo, "catalog.db"), 0600), 0);
	free(bytes);
	catalog = open_catalog(repo);
	assert_listed(catalog, "2 3 4");
	sfs_catalog_close(catalog);
	assert_string_equal(records_log, "");
}

/* A byte here and there, a zeroed page, in the file or in its log. */
static void random_damage_is_got_over(void **state)
{
	struct records *repo = *state;
	unsigned seed = 20261122, round, i;
	struct sfs_catalog *catalog;
	char expected[4096] = "", *good, *bad;
	size_t size, at;

	for (i = 1; i <= 200; i++)
		records_add(repo, i, i % 3 ? "web" : "db");
	settle(repo);
	catalog = open_catalog(repo);
	assert_int_equal(sfs_catalog_list(catalog, NULL, note_number, expected),
			 0);
	sfs_catalog_close(catalog);
	exec_on(file_of(repo, "catalog.db"), "SELECT 1");
	good = read_bytes(file_of(repo, "catalog.db"), &size);
	bad = sfs_malloc(size);
	for (round = 0; round < 200; round++) {
		memcpy(bad, good, size);
		for (i = 0; i < 1 + round % 3; i++) {
			at = (size_t)rand_r(&seed) % size;
			bad[at] ^= (char)(1 << rand_r(&seed) % 8);
		}
		if (round % 10 == 9)
			memset(bad + at / 4096 * 4096, 0, 4096);
		remove_catalog(repo);
		write_bytes(file_of(repo, "catalog.db"), bad, size);
		assert_int_equal(chmod(file_of(repo, "catalog.db"), 0600), 0);
		catalog = open_catalog(repo);
		assert_listed(catalog, expected);
		sfs_catalog_close(catalog);
	}
	free(good);
	free(bad);
}

static void losing_the_file_while_open_is_no_loss(void **state)
{
	struct records *repo = *state;
	struct sfs_catalog *catalog;

	prepare(repo);
	catalog = open_catalog(repo);
	remove_catalog(repo);
	records_add(repo, 4, "web");
	assert_int_equal(sfs_catalog_refresh(catalog), 1);
	assert_listed(catalog, "1 2 3 4");
	sfs_catalog_close(catalog);
	catalog = open_catalog(repo);
	assert_listed(catalog, "1 2 3 4");
	sfs_catalog_close(catalog);
}

static void damage_while_open_is_got_over(void **state)
{
	struct records *repo = *state;
	struct sfs_catalog *catalog;

	prepare(repo);
	catalog = open_catalog(repo);
	exec_on(file_of(repo, "catalog.db"),
		"DELETE FROM snapshot; UPDATE meta SET generation = 7");
	assert_listed(catalog, "1 2 3");
	sfs_catalog_close(catalog);
}

static void a_file_that_cannot_be_is_done_without(void **state)
{
	struct records *repo = *state;
	struct sfs_catalog *catalog;

	prepare(repo);
	remove_catalog(repo);
	assert_int_equal(mkdir(file_of(repo, "catalog.db"), 0700), 0);
	write_bytes(file_of(repo, "catalog.db/mine"), "x", 1);
	catalog = open_catalog(repo);
	assert_listed(catalog, "1 2 3");
	records_assert_logged("keeping the catalog in memory");
	records_add(repo, 4, "web");
	assert_int_equal(sfs_catalog_refresh(catalog), 1);
	assert_listed(catalog, "1 2 3 4");
	sfs_catalog_close(catalog);
	assert_int_equal(access(file_of(repo, "catalog.db/mine"), F_OK), 0);
}

/* A later version's feature may give the file a meaning. */
static void a_read_only_repository_gets_no_file(void **state)
{
	struct records *repo = *state;
	struct sfs_catalog *catalog;

	repo->config.read_only = true;
	records_add(repo, 1, "web");
	catalog = open_catalog(repo);
	assert_listed(catalog, "1");
	sfs_catalog_close(catalog);
	assert_int_equal(access(file_of(repo, "catalog.db"), F_OK), -1);
}

/* As good as a full disk: no file may grow. */
static void a_full_disk_is_done_without(void **state)
{
	struct records *repo = *state;
	struct rlimit old, none = { 0 };
	struct sfs_catalog *catalog;
	unsigned i;

	prepare(repo);
	catalog = open_catalog(repo);
	for (i = 4; i <= 9; i++)
		records_add(repo, i, "web");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_IGN);
	none.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	i = (unsigned)sfs_catalog_refresh(catalog);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(i, 1);
	records_assert_logged("keeping the catalog in memory");
	assert_listed(catalog, "1 2 3 4 5 6 7 8 9");
	sfs_catalog_close(catalog);
	catalog = open_catalog(repo);
	assert_listed(catalog, "1 2 3 4 5 6 7 8 9");
	sfs_catalog_close(catalog);
}

static void rebuilding_gives_the_same(void **state)
{
	struct records *repo = *state;
	struct sfs_catalog *catalog;

	prepare(repo);
	catalog = open_catalog(repo);
	assert_int_equal(sfs_catalog_rebuild(catalog), 0);
	assert_listed(catalog, "1 2 3");
	records_add(repo, 4, "web");
	assert_listed(catalog, "1 2 3 4");
	sfs_catalog_close(catalog);
}

/* ---- the index ---- */

static struct sfs_hash hash_of(uint64_t n)
{
	struct sfs_hash hash = { { 0 } };

	n *= UINT64_C(0x9e3779b97f4a7c15);
	memcpy(hash.b, &n, sizeof(n));
	return hash;
}

/* Rows for chunks @first to @first + 9; the fourth is a node. */
static void fill_rows(struct sfs_row rows[10], uint64_t first)
{
	unsigned i;

	for (i = 0; i < 10; i++)
		rows[i] = (struct sfs_row){ .kind = i == 3 ? SFS_KIND_NODE + 1
							   : SFS_KIND_DATA,
					    .hash = hash_of(first + i) };
}

static void assert_found(struct sfs_catalog *catalog, uint64_t n, uint64_t pack,
			 uint32_t slot)
{
	struct sfs_hash hash = hash_of(n);
	struct sfs_candidate found = { 0 };

	assert_int_equal(sfs_catalog_find_chunk(catalog, &hash, &found), 1);
	assert_true(found.pack == pack);
	assert_int_equal(found.slot, slot);
}

static void assert_not_found(struct sfs_catalog *catalog, uint64_t n)
{
	struct sfs_hash hash = hash_of(n);
	struct sfs_candidate found;

	assert_int_equal(sfs_catalog_find_chunk(catalog, &hash, &found), 0);
}

static void chunks_are_found_until_dropped(void **state)
{
	struct records *repo = *state;
	struct sfs_catalog *catalog = open_catalog(repo);
	const uint64_t high = UINT64_C(0xfedcba9876543210);
	struct sfs_row rows[10];

	assert_not_found(catalog, 1);
	fill_rows(rows, 0);
	sfs_catalog_add_pack(catalog, high, rows, 10);
	assert_found(catalog, 0, high, 0);
	assert_found(catalog, 9, high, 9);
	assert_not_found(catalog, 3); /* a node */
	assert_not_found(catalog, 10);
	fill_rows(rows, 5); /* the first one wins */
	sfs_catalog_add_pack(catalog, 2, rows, 10);
	sfs_catalog_add_pack(catalog, 2, rows, 10);
	assert_found(catalog, 9, high, 9);
	assert_found(catalog, 14, 2, 9);
	sfs_catalog_close(catalog);
	catalog = open_catalog(repo);
	assert_found(catalog, 0, high, 0);
	sfs_catalog_drop_packs(catalog, &high, 1);
	assert_not_found(catalog, 0);
	assert_not_found(catalog, 9);
	assert_found(catalog, 14, 2, 9);
	/* A dropped chunk can be found elsewhere again. */
	fill_rows(rows, 0);
	sfs_catalog_add_pack(catalog, 7, rows, 10);
	assert_found(catalog, 9, 7, 9);
	sfs_catalog_close(catalog);
}

static void put_pack(struct records *repo, uint64_t id)
{
	struct iovec iov = { (void *)(uintptr_t) "a pack", 6 };

	assert_int_equal(sfs_store_put_pack(repo->store, id, &iov, 1), 0);
}

/* Pack n has chunks 100 * n on; pack 66 does not decode. */
static int read_table(uint64_t pack, struct sfs_row **ret_rows,
		      uint32_t *ret_count, void *context)
{
	unsigned *calls = context;

	(*calls)++;
	if (pack == 66)
		return -EUCLEAN;
	*ret_rows = sfs_malloc(10 * sizeof(**ret_rows));
	fill_rows(*ret_rows, 100 * pack);
	*ret_count = 10;
	return 0;
}

static void the_index_follows_the_packs(void **state)
{
	struct records *repo = *state;
	struct sfs_catalog *catalog = open_catalog(repo);
	unsigned calls = 0;

	put_pack(repo, 1);
	put_pack(repo, 66);
	put_pack(repo, UINT64_MAX);
	assert_int_equal(sfs_catalog_sync_index(catalog, read_table, &calls),
			 0);
	assert_int_equal(calls, 3);
	assert_found(catalog, 105, 1, 5);
	assert_found(catalog, 100 * UINT64_MAX, UINT64_MAX, 0);
	put_pack(repo, 2);
	assert_int_equal(sfs_store_remove_pack(repo->store, 1), 0);
	calls = 0;
	assert_int_equal(sfs_catalog_sync_index(catalog, read_table, &calls),
			 0);
	assert_int_equal(calls, 2); /* the new one, and the bad one again */
	assert_not_found(catalog, 105);
	assert_found(catalog, 205, 2, 5);
	/* A rebuilt one is filled again. */
	assert_int_equal(sfs_catalog_rebuild(catalog), 0);
	assert_not_found(catalog, 205);
	assert_int_equal(sfs_catalog_sync_index(catalog, read_table, &calls),
			 0);
	assert_found(catalog, 205, 2, 5);
	sfs_catalog_close(catalog);
}

static void hostile_index_rows_are_not_followed(void **state)
{
	struct records *repo = *state;
	struct sfs_catalog *catalog = open_catalog(repo);
	struct sfs_row rows[10];

	fill_rows(rows, 0);
	sfs_catalog_add_pack(catalog, 1, rows, 10);
	exec_on(file_of(repo, "catalog.db"), "UPDATE chunk SET slot = -1");
	assert_not_found(catalog, 0);
	sfs_catalog_close(catalog);
}

static void finding_does_not_stop_writing(void **state)
{
	struct records *repo = *state;
	struct records other = *repo;
	struct sfs_catalog *a, *b;
	struct sfs_row rows[10];
	unsigned i;

	assert_int_equal(sfs_store_open(repo->dir, &other.store), 0);
	a = open_catalog(repo);
	b = open_catalog(&other);
	for (i = 1; i <= 20; i++) {
		fill_rows(rows, 100 * i);
		sfs_catalog_add_pack(i % 2 ? a : b, i, rows, 10);
		/* Opens a read transaction that the next write must end. */
		assert_found(i % 2 ? a : b, 100 * i, i, 0);
	}
	records_add(repo, 1, "web");
	assert_listed(a, "1");
	assert_listed(b, "1");
	assert_found(b, 1900, 19, 0);
	assert_string_equal(records_log, "");
	sfs_catalog_close(a);
	sfs_catalog_close(b);
	sfs_store_close(other.store);
}

/* ---- threads, and how long it takes ---- */

struct race {
	struct sfs_catalog *catalog;
	atomic_bool stop;
	atomic_uint seen;
};

static int count_one(const struct sfs_snapshot *s, void *context)
{
	unsigned *count = context;

	(void)s;
	(*count)++;
	return 0;
}

static void *refresh_often(void *context)
{
	struct race *race = context;
	struct sfs_hash hash = hash_of(1);
	struct sfs_candidate ignored;
	unsigned count, last = 0;

	while (!race->stop) {
		if (sfs_catalog_refresh(race->catalog) < 0)
			return (void *)1;
		count = 0;
		if (sfs_catalog_list(race->catalog, NULL, count_one, &count))
			return (void *)1;
		if (count < last) /* nothing is ever deleted here */
			return (void *)1;
		last = count;
		sfs_catalog_find_chunk(race->catalog, &hash, &ignored);
		race->seen = count;
	}
	return NULL;
}

static void threads_refresh_at_once(void **state)
{
	struct records *repo = *state;
	struct race race = { .catalog = open_catalog(repo) };
	pthread_t threads[4];
	struct sfs_row rows[10];
	void *failed;
	unsigned i;

	for (i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, refresh_often, &race),
			0);
	for (i = 1; i <= 30; i++) {
		struct sfs_snapshot s = records_snapshot(i, "web");
		size_t size;
		char *file;

		assert_int_equal(sfs_record_encode_snapshot(&repo->config, &s,
							    &file, &size),
				 0);
		records_write(repo, s.id, file, size, false);
		free(file);
		fill_rows(rows, 100 * i);
		sfs_catalog_add_pack(race.catalog, i, rows, 10);
	}
	while (race.seen != 30)
		sched_yield();
	race.stop = true;
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	sfs_catalog_close(race.catalog);
}

static double ms_since(int64_t start)
{
	return (double)(sfs_monotonic_ns() - start) / 1e6;
}

static void ten_thousand_are_quick(void **state)
{
	struct records *repo = *state;
	struct sfs_catalog *catalog;
	struct sfs_row *rows;
	unsigned i, count = 0;
	int64_t start;

	for (i = 1; i <= 10000; i++)
		records_add(repo, i, i % 2 ? "web" : "db");
	settle(repo);
	start = sfs_monotonic_ns();
	catalog = open_catalog(repo);
	print_message("10000 records: first open %.1f ms\n", ms_since(start));
	sfs_catalog_close(catalog);
	start = sfs_monotonic_ns();
	catalog = open_catalog(repo);
	print_message("open when current %.2f ms\n", ms_since(start));
	start = sfs_monotonic_ns();
	assert_int_equal(sfs_catalog_list(catalog, NULL, count_one, &count), 0);
	print_message("first list %.1f ms\n", ms_since(start));
	assert_int_equal(count, 10000);
	start = sfs_monotonic_ns();
	assert_int_equal(sfs_catalog_list(catalog, NULL, count_one, &count), 0);
	print_message("second list %.1f ms\n", ms_since(start));
	start = sfs_monotonic_ns();
	for (i = 0; i < 1000; i++)
		assert_int_equal(sfs_catalog_refresh(catalog), 0);
	print_message("refresh %.3f us\n", ms_since(start));
	rows = sfs_calloc(100000, sizeof(*rows));
	for (i = 0; i < 100000; i++)
		rows[i] = (struct sfs_row){ .kind = SFS_KIND_DATA,
					    .hash = hash_of(i) };
	start = sfs_monotonic_ns();
	sfs_catalog_add_pack(catalog, 1, rows, 100000);
	print_message("add 100000 chunks %.1f ms\n", ms_since(start));
	start = sfs_monotonic_ns();
	for (i = 0; i < 100000; i++)
		assert_found(catalog, i, 1, i);
	print_message("find %.3f us\n", ms_since(start) / 100);
	free(rows);
	sfs_catalog_close(catalog);
	start = sfs_monotonic_ns();
	catalog = open_catalog(repo);
	print_message("open behind a large log %.2f ms\n", ms_since(start));
	sfs_catalog_close(catalog);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lists_in_order_of_time),
		TEST(lists_what_the_filter_asks_for),
		TEST(rows_hold_what_the_record_says),
		TEST(refresh_tells_of_changes),
		TEST(replaced_records_are_read_again),
		TEST(two_processes_see_each_other),
		TEST(members_wait_for_their_set),
		TEST(damage_hides_nothing_else),
		TEST(repaired_records_come_back),
		TEST(unreadable_records_are_tried_again),
		TEST(unreadable_records_are_tried_by_the_next),
		TEST(a_good_file_is_kept),
		TEST(a_missing_file_is_made),
		TEST(hostile_content_is_replaced),
		TEST(hostile_files_are_replaced),
		TEST(another_repositorys_catalog_is_replaced),
		TEST(an_older_catalog_catches_up),
		TEST(random_damage_is_got_over),
		TEST(losing_the_file_while_open_is_no_loss),
		TEST(damage_while_open_is_got_over),
		TEST(a_file_that_cannot_be_is_done_without),
		TEST(a_read_only_repository_gets_no_file),
		TEST(a_full_disk_is_done_without),
		TEST(rebuilding_gives_the_same),
		TEST(chunks_are_found_until_dropped),
		TEST(the_index_follows_the_packs),
		TEST(hostile_index_rows_are_not_followed),
		TEST(finding_does_not_stop_writing),
		TEST(threads_refresh_at_once),
		TEST(ten_thousand_are_quick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
