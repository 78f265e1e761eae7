/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "tests/unit/records.h"

struct fixture {
	struct records *repo;
	struct sfs_catalog *catalog;
};

/* web: 1, 2, 3 a minute apart from 10:04:58 + 1 min; db: 0x10; two ids that
 * share digits: deadbeef... */
static int setup(void **state)
{
	static const char *const twins[] = { "snap-deadbeef000000001",
					     "snap-deadbeef100000001" };
	struct fixture *f = calloc(1, sizeof(*f));
	struct sfs_snapshot s;
	unsigned i;

	f->repo = records_new();
	for (i = 1; i <= 3; i++)
		records_add(f->repo, i, "web");
	records_add(f->repo, 0x10, "db");
	for (i = 0; i < 2; i++) {
		s = records_snapshot(100 + i, "twin");
		strcpy(s.id, twins[i]);
		records_put(f->repo, &s);
	}
	assert_int_equal(
		sfs_catalog_open(f->repo->store, &f->repo->config, &f->catalog),
		0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sfs_catalog_close(f->catalog);
	records_free(f->repo);
	free(f);
	return 0;
}

static void assert_selects(struct fixture *f, const char *selector,
			   const char *id)
{
	struct sfs_snapshot *s = NULL;
	int r;

	records_forget_log();
	r = sfs_catalog_select(f->catalog, selector, &s);
	if (r < 0)
		fail_msg("%s: %s", selector, records_log);
	assert_string_equal(s->id, id);
	assert_string_equal(records_log, "");
	sfs_snapshot_free(s);
}

static void assert_refuses(struct fixture *f, const char *selector, int error,
			   const char *said)
{
	struct sfs_snapshot *s = NULL;

	records_forget_log();
	assert_int_equal(sfs_catalog_select(f->catalog, selector, &s), error);
	assert_null(s);
	records_assert_logged(selector);
	records_assert_logged(said);
}

#define WEB1 "snap-00000000000000001"
#define WEB2 "snap-00000000000000002"
#define WEB3 "snap-00000000000000003"

static void ids_and_prefixes(void **state)
{
	assert_selects(*state, WEB2, WEB2);
	assert_selects(*state, "00000000000000002", WEB2);
	assert_selects(*state, "snap-deadbeef1", "snap-deadbeef100000001");
	assert_selects(*state, "deadbeef0", "snap-deadbeef000000001");
}

static void prefixes_that_do_not_do(void **state)
{
	assert_refuses(*state, "deadbeef", -EEXIST,
		       "ambiguous: snap-deadbeef000000001 (twin, ");
	records_assert_logged("snap-deadbeef100000001 (twin, ");
	assert_refuses(*state, "0000", -EEXIST, WEB3 " (web, ");
	assert_refuses(*state, "abcd", -ENOENT, "no snapshot");
	assert_refuses(*state, "snap-0123456789abcdef0", -ENOENT,
		       "no such snapshot");
	assert_refuses(*state, "dea", -EINVAL, "at least 4 digits");
	assert_refuses(*state, "snap-", -EINVAL, "at least 4 digits");
	assert_refuses(*state, "DEADBEEF0", -EINVAL, "not a snapshot");
	assert_refuses(*state, "000000000000000020", -EINVAL, "not a snapshot");
	assert_refuses(*state, "img-00000000000000001", -EINVAL,
		       "not a snapshot");
	assert_refuses(*state, "web", -EINVAL, "VOLUME@latest");
	assert_refuses(*state, "", -EINVAL, "not a snapshot");
}

static void candidates_are_not_endless(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	for (i = 0x20; i < 0x40; i++)
		records_add(f->repo, i, "many");
	assert_refuses(f, "00000000", -EEXIST, " and 28 more; give more");
}

static void volumes_by_count(void **state)
{
	assert_selects(*state, "web@latest", WEB3);
	assert_selects(*state, "web@-0", WEB3);
	assert_selects(*state, "web@-1", WEB2);
	assert_selects(*state, "web@-2", WEB1);
	assert_selects(*state, "db@latest", "snap-00000000000000010");
	assert_refuses(*state, "web@-3", -ENOENT,
		       "has only 3 snapshots; the oldest is 'web@-2'");
	assert_refuses(*state, "web@-", -EINVAL, "is not 'latest'");
	assert_refuses(*state, "web@-1x", -EINVAL, "is not 'latest'");
	assert_refuses(*state, "web@-99999999999999999999", -EINVAL,
		       "is not 'latest'");
	assert_refuses(*state, "nope@latest", -ENOENT,
		       "no snapshot of volume 'nope'");
	assert_refuses(*state, "@latest", -EINVAL, "is empty");
	assert_refuses(*state, "we/b@latest", -EINVAL, "holds a character");
	assert_refuses(*state, "web@", -EINVAL, "is not 'latest'");
	assert_refuses(*state, "web@a@b", -EINVAL, "is not 'latest'");
}

/* Of two in one second each is named by its own time, and the second by any
 * time that means it as a whole. */
static void volumes_by_their_own_time(void **state)
{
	struct fixture *f = *state;
	char selector[128], time[SFS_TIME_SIZE];
	struct sfs_snapshot s = records_snapshot(4, "web");

	s.time_ns = RECORDS_TIME + 2 * 60 * SFS_SECOND + SFS_SECOND / 4;
	s.completed_ns = s.time_ns;
	records_put(f->repo, &s);
	sfs_time_format(RECORDS_TIME + 2 * 60 * SFS_SECOND, time);
	snprintf(selector, sizeof(selector), "web@%s", time);
	assert_selects(f, selector, WEB2);
	snprintf(selector, sizeof(selector), "web@%.16sZ", time);
	assert_selects(f, selector, "snap-00000000000000004");
	sfs_time_format(RECORDS_TIME + 2 * 60 * SFS_SECOND + SFS_SECOND / 4,
			time);
	snprintf(selector, sizeof(selector), "web@%s", time);
	assert_selects(f, selector, "snap-00000000000000004");
}

static void volumes_by_time(void **state)
{
	char selector[128], time[SFS_TIME_SIZE];

	sfs_time_format(RECORDS_TIME + 2 * 60 * SFS_SECOND, time);
	snprintf(selector, sizeof(selector), "web@%s", time);
	assert_selects(*state, selector, WEB2);
	sfs_time_format(RECORDS_TIME + 2 * 60 * SFS_SECOND - SFS_SECOND, time);
	snprintf(selector, sizeof(selector), "web@%s", time);
	assert_selects(*state, selector, WEB1);
	/* A minute is meant as a whole. */
	sfs_time_format(RECORDS_TIME + 2 * 60 * SFS_SECOND, time);
	snprintf(selector, sizeof(selector), "web@%.16sZ", time);
	assert_selects(*state, selector, WEB2);
	snprintf(selector, sizeof(selector), "web@%.10s", time);
	assert_selects(*state, selector, WEB3);
	assert_selects(*state, "web@2099-01-01", WEB3);
	sfs_time_format(RECORDS_TIME + 60 * SFS_SECOND, time);
	snprintf(selector, sizeof(selector), "the first is of %s", time);
	assert_refuses(*state, "web@2020-01-01", -ENOENT, selector);
	records_assert_logged("no snapshot of volume 'web' at or before "
			      "2020-01-01");
	assert_refuses(*state, "web@yesterday", -EINVAL, "is not 'latest'");
}

static void deleted_ones_are_told(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sfs_store_move(f->repo->store, SFS_AREA_RECORDS,
					SFS_AREA_BIN, "snap-deadbeef100000001"),
			 0);
	assert_refuses(f, "snap-deadbeef100000001", -ENOENT, "was deleted");
	assert_refuses(f, "deadbeef1", -ENOENT,
		       "snapshot snap-deadbeef100000001 was deleted");
	assert_selects(f, "deadbeef", "snap-deadbeef000000001");
	assert_selects(f, "twin@latest", "snap-deadbeef000000001");
}

static void uncommitted_ones_do_not_count(void **state)
{
	struct fixture *f = *state;
	struct sfs_snapshot s = records_snapshot(9, "web");

	strcpy(s.set, "set-0123456789abcdef0");
	records_put(f->repo, &s);
	assert_selects(f, "web@latest", WEB3);
	assert_refuses(f, s.id, -ENOENT, "no such snapshot");
}

static void damaged_ones_are_told(void **state)
{
	struct fixture *f = *state;

	records_write(f->repo, WEB3, "x", 1, true);
	assert_refuses(f, WEB3, -EUCLEAN, "not a record");
	assert_selects(f, WEB2, WEB2);
}

static void the_latest_is_found_quietly(void **state)
{
	struct fixture *f = *state;
	struct sfs_snapshot *s = NULL;

	assert_int_equal(sfs_catalog_latest(f->catalog, "web", &s), 0);
	assert_string_equal(s->id, WEB3);
	sfs_snapshot_free(s);
	records_forget_log();
	assert_int_equal(sfs_catalog_latest(f->catalog, "nope", &s), -ENOENT);
	assert_string_equal(records_log, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ids_and_prefixes),
		TEST(prefixes_that_do_not_do),
		TEST(candidates_are_not_endless),
		TEST(volumes_by_count),
		TEST(volumes_by_time),
		TEST(volumes_by_their_own_time),
		TEST(deleted_ones_are_told),
		TEST(uncommitted_ones_do_not_count),
		TEST(damaged_ones_are_told),
		TEST(the_latest_is_found_quietly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
