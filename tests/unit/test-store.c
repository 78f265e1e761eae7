/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/store.h"
#include "tests/unit/scratch-disk.h"

/* Taking libc's place: the @fail_fsync-th fsync from now fails; how many there
 * were since. */
static unsigned fail_fsync, later_fsyncs;

int fsync(int fd)
{
	if (fail_fsync == 0)
		later_fsyncs++;
	else if (--fail_fsync == 0) {
		later_fsyncs = 0;
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static struct sfs_store *fresh_store(void)
{
	struct sfs_store *store;

	assert_int_equal(sfs_store_create("repo"), 0);
	assert_int_equal(sfs_store_open_new("repo", &store), 0);
	return store;
}

static void create_refuses_what_is_not_empty(void **state)
{
	(void)state;
	assert_int_equal(mkdir("dir", 0700), 0);
	assert_int_equal(mkdir("dir/precious", 0700), 0);
	assert_int_equal(sfs_store_create("dir"), -ENOTEMPTY);
	assert_int_equal(access("dir/packs", F_OK), -1);
}

static void create_goes_on_where_another_died(void **state)
{
	(void)state;
	assert_int_equal(mkdir("dir", 0700), 0);
	assert_int_equal(mkdir("dir/packs", 0700), 0);
	assert_int_equal(mkdir("dir/tmp", 0700), 0);
	assert_int_equal(sfs_store_create("dir"), 0);
}

static void create_refuses_a_repository(void **state)
{
	struct sfs_store *store = fresh_store();

	(void)state;
	assert_int_equal(sfs_store_put(store, SFS_AREA_TOP, "snapfs.json", "x",
				       1, false),
			 0);
	sfs_store_close(store);
	assert_int_equal(sfs_store_create("repo"), -EEXIST);
}

/* As when snapfs.json was lost: a new secret would make waste of the rest. */
static void create_refuses_what_is_left_of_one(void **state)
{
	struct sfs_store *store = fresh_store();
	struct iovec iov = { (void *)(uintptr_t) "pack", 4 };

	(void)state;
	assert_int_equal(sfs_store_put_pack(store, 7, &iov, 1), 0);
	assert_int_equal(sfs_store_create("repo"), -ENOTEMPTY);
	assert_int_equal(sfs_store_remove_pack(store, 7), 0);
	assert_int_equal(sfs_store_create("repo"), 0);
	assert_int_equal(sfs_store_put(store, SFS_AREA_BIN, "a", "x", 1, false),
			 0);
	assert_int_equal(sfs_store_create("repo"), -ENOTEMPTY);
	sfs_store_close(store);
}

static void pack_directories_are_no_links(void **state)
{
	struct sfs_store *store = fresh_store();
	struct iovec iov = { (void *)(uintptr_t) "pack", 4 };
	char buffer[4];

	(void)state;
	assert_int_equal(sfs_store_put_pack(store, 7, &iov, 1), 0);
	assert_int_equal(rename("repo/packs/00", "elsewhere"), 0);
	assert_int_equal(symlink("../../elsewhere", "repo/packs/00"), 0);
	assert_int_equal(sfs_store_read_pack(store, 8, buffer, 4, 0), -ENOTDIR);
	assert_int_equal(sfs_store_put_pack(store, 9, &iov, 1), -ENOTDIR);
	assert_int_equal(sfs_store_remove_pack(store, 7), -ENOTDIR);
	assert_int_equal(access("elsewhere/0000000000000007.pack", F_OK), 0);
	sfs_store_close(store);
}

static void open_wants_a_repository(void **state)
{
	struct sfs_store *store;

	(void)state;
	assert_int_equal(sfs_store_open("nowhere", &store), -ENOENT);
	assert_int_equal(sfs_store_create("repo"), 0);
	assert_int_equal(sfs_store_open("repo", &store), -ENOENT);
}

static void put_gives_back_what_was_put(void **state)
{
	struct sfs_store *store = fresh_store();
	size_t size;
	char *bytes;

	(void)state;
	assert_int_equal(
		sfs_store_put(store, SFS_AREA_RECORDS, "a", "hello", 5, false),
		0);
	assert_int_equal(
		sfs_store_put(store, SFS_AREA_RECORDS, "a", "other", 5, false),
		-EEXIST);
	assert_int_equal(
		sfs_store_get(store, SFS_AREA_RECORDS, "a", &bytes, &size), 0);
	assert_int_equal(size, 5);
	assert_string_equal(bytes, "hello");
	free(bytes);
	assert_int_equal(
		sfs_store_put(store, SFS_AREA_RECORDS, "a", "newer", 5, true),
		0);
	assert_int_equal(
		sfs_store_get(store, SFS_AREA_RECORDS, "a", &bytes, &size), 0);
	assert_string_equal(bytes, "newer");
	free(bytes);
	sfs_store_close(store);
}

static void names_do_not_leave_their_area(void **state)
{
	struct sfs_store *store = fresh_store();
	size_t size;
	char *bytes;

	(void)state;
	assert_int_equal(
		sfs_store_put(store, SFS_AREA_RECORDS, "../x", "y", 1, false),
		-EINVAL);
	assert_int_equal(
		sfs_store_get(store, SFS_AREA_RECORDS, "../x", &bytes, &size),
		-EINVAL);
	sfs_store_close(store);
}

static void links_and_fifos_are_not_followed(void **state)
{
	struct sfs_store *store = fresh_store();
	size_t size;
	char *bytes;

	(void)state;
	assert_int_equal(symlink("/etc/passwd", "repo/records/link.json"), 0);
	assert_int_equal(mkfifo("repo/records/fifo.json", 0600), 0);
	assert_int_equal(
		sfs_store_get(store, SFS_AREA_RECORDS, "link", &bytes, &size),
		-ELOOP);
	assert_int_equal(
		sfs_store_get(store, SFS_AREA_RECORDS, "fifo", &bytes, &size),
		-EUCLEAN);
	sfs_store_close(store);
}

static void a_failed_put_leaves_nothing(void **state)
{
	struct sfs_store *store = fresh_store();
	uint64_t freed = 0;

	(void)state;
	assert_int_equal(
		sfs_store_put(store, SFS_AREA_RECORDS, "a", "x", 1, false), 0);
	assert_int_equal(
		sfs_store_put(store, SFS_AREA_RECORDS, "a", "y", 1, false),
		-EEXIST);
	assert_int_equal(sfs_store_clean(store, &freed), 0);
	assert_int_equal(freed, 0);
	sfs_store_close(store);
}

static int count_objects(const struct sfs_object *object, void *context)
{
	unsigned *count = context;

	assert_int_equal(strlen(object->name), 1);
	(*count)++;
	return 0;
}

static void move_takes_it_to_the_bin(void **state)
{
	struct sfs_store *store = fresh_store();
	unsigned records = 0, bin = 0;

	(void)state;
	assert_int_equal(
		sfs_store_put(store, SFS_AREA_RECORDS, "a", "x", 1, false), 0);
	assert_int_equal(
		sfs_store_move(store, SFS_AREA_RECORDS, SFS_AREA_BIN, "a"), 0);
	assert_int_equal(sfs_store_list(store, SFS_AREA_RECORDS, count_objects,
					&records),
			 0);
	assert_int_equal(
		sfs_store_list(store, SFS_AREA_BIN, count_objects, &bin), 0);
	assert_int_equal(records, 0);
	assert_int_equal(bin, 1);
	assert_int_equal(sfs_store_remove(store, SFS_AREA_BIN, "a"), 0);
	sfs_store_close(store);
}

/* A second fsync would only say that nothing is left to be written. */
static void a_move_that_is_not_durable_is_uncertain(void **state)
{
	struct sfs_store *store = fresh_store();
	unsigned bin = 0, i;

	(void)state;
	for (i = 1; i <= 2; i++) {
		assert_int_equal(sfs_store_put(store, SFS_AREA_RECORDS,
					       i == 1 ? "a" : "b", "x", 1,
					       false),
				 0);
		fail_fsync = i;
		assert_int_equal(sfs_store_move(store, SFS_AREA_RECORDS,
						SFS_AREA_BIN,
						i == 1 ? "a" : "b"),
				 -EIO);
		assert_int_equal(fail_fsync, 0);
		assert_int_equal(later_fsyncs, 0);
		assert_non_null(strstr(scratch_log, "outcome uncertain"));
		scratch_log[0] = '\0';
	}
	assert_int_equal(
		sfs_store_list(store, SFS_AREA_BIN, count_objects, &bin), 0);
	assert_int_equal(bin, 2);
	assert_int_equal(
		sfs_store_move(store, SFS_AREA_RECORDS, SFS_AREA_BIN, "a"),
		-ENOENT);
	assert_null(strstr(scratch_log, "uncertain"));
	sfs_store_close(store);
}

static void a_stamp_tells_every_change(void **state)
{
	struct sfs_store *store = fresh_store();
	struct sfs_stamp before, after;

	(void)state;
	/* A fresh directory's stamp proves nothing until time has passed. */
	do
		assert_int_equal(
			sfs_store_stamp(store, SFS_AREA_RECORDS, &before), 0);
	while (!before.settled);
	assert_int_equal(sfs_store_stamp(store, SFS_AREA_RECORDS, &after), 0);
	assert_true(sfs_stamp_equal(&before, &after));
	assert_int_equal(
		sfs_store_put(store, SFS_AREA_RECORDS, "a", "x", 1, false), 0);
	assert_int_equal(sfs_store_stamp(store, SFS_AREA_RECORDS, &after), 0);
	assert_false(sfs_stamp_equal(&before, &after));
	assert_false(after.settled);
	sfs_store_close(store);
}

static void packs_are_read_in_part(void **state)
{
	struct iovec iov[2] = { { (void *)(uintptr_t) "head", 4 },
				{ (void *)(uintptr_t) "tail", 4 } };
	struct sfs_store *store = fresh_store();
	const uint64_t id = 0xab00000000000001;
	uint64_t size;
	char buffer[5] = "";

	(void)state;
	assert_int_equal(sfs_store_put_pack(store, id, iov, 2), 0);
	assert_int_equal(sfs_store_sync_packs(store, &id, 1), 0);
	assert_int_equal(access("repo/packs/ab/ab00000000000001.pack", R_OK),
			 0);
	assert_int_equal(sfs_store_pack_size(store, id, &size), 0);
	assert_int_equal(size, 8);
	assert_int_equal(sfs_store_read_pack(store, id, buffer, 4, 2), 0);
	assert_string_equal(buffer, "adta");
	assert_int_equal(sfs_store_read_pack(store, id, buffer, 4, 6),
			 -EUCLEAN);
	assert_int_equal(sfs_store_read_pack(store, id + 1, buffer, 4, 0),
			 -ENOENT);
	assert_int_equal(sfs_store_remove_pack(store, id), 0);
	assert_int_equal(sfs_store_read_pack(store, id, buffer, 4, 0), -ENOENT);
	sfs_store_close(store);
}

static void more_packs_than_kept_open(void **state)
{
	struct iovec iov = { NULL, sizeof(uint64_t) };
	struct sfs_store *store = fresh_store();
	uint64_t id, got;

	(void)state;
	for (id = 1; id <= 600; id++) {
		iov.iov_base = &id;
		assert_int_equal(sfs_store_put_pack(store, id << 50, &iov, 1),
				 0);
	}
	for (id = 1; id <= 600; id++) {
		assert_int_equal(sfs_store_read_pack(store, id << 50, &got,
						     sizeof(got), 0),
				 0);
		assert_int_equal(got, id);
	}
	sfs_store_close(store);
}

static void locks_exclude_as_they_say(void **state)
{
	struct sfs_store *store = fresh_store();
	struct sfs_lock *a, *b, *c;

	(void)state;
	assert_int_equal(
		sfs_store_lock(store, SFS_LOCK_VOLUME, "web", true, false, &a),
		0);
	assert_int_equal(
		sfs_store_lock(store, SFS_LOCK_VOLUME, "web", true, false, &b),
		-EBUSY);
	assert_int_equal(
		sfs_store_lock(store, SFS_LOCK_VOLUME, "db", true, false, &b),
		0);
	assert_int_equal(sfs_store_lock(store, SFS_LOCK_STRUCTURE, NULL, false,
					false, &c),
			 0);
	sfs_lock_release(a);
	assert_int_equal(sfs_store_lock(store, SFS_LOCK_STRUCTURE, NULL, true,
					false, &a),
			 -EBUSY);
	sfs_lock_release(c);
	assert_int_equal(sfs_store_lock(store, SFS_LOCK_STRUCTURE, NULL, true,
					false, &a),
			 0);
	sfs_lock_release(a);
	sfs_lock_release(b);
	sfs_store_close(store);
}

static void pins_count(void **state)
{
	static const char id[] = "snap-0123456789abcdef0";
	struct sfs_store *store = fresh_store();

	(void)state;
	assert_int_equal(sfs_store_pinned(store, id), 0);
	assert_int_equal(sfs_store_pin(store, id), 0);
	assert_int_equal(sfs_store_pin(store, id), 0);
	assert_int_equal(sfs_store_pinned(store, id), 1);
	sfs_store_unpin(store, id);
	assert_int_equal(sfs_store_pinned(store, id), 1);
	sfs_store_unpin(store, id);
	assert_int_equal(sfs_store_pinned(store, id), 0);
	sfs_store_close(store);
}

static void knows_what_lies_inside(void **state)
{
	struct sfs_store *store = fresh_store();

	(void)state;
	assert_true(sfs_store_contains(store, "repo"));
	assert_true(sfs_store_contains(store, "repo/packs"));
	assert_true(sfs_store_contains(store, "repo/new"));
	assert_true(sfs_store_contains(store, "./repo/../repo/tmp/x"));
	assert_false(sfs_store_contains(store, "repo2"));
	assert_false(sfs_store_contains(store, "new"));
	assert_false(sfs_store_contains(store, "/"));
	sfs_store_close(store);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(create_refuses_what_is_not_empty),
		TEST(create_goes_on_where_another_died),
		TEST(create_refuses_a_repository),
		TEST(create_refuses_what_is_left_of_one),
		TEST(pack_directories_are_no_links),
		TEST(open_wants_a_repository),
		TEST(put_gives_back_what_was_put),
		TEST(names_do_not_leave_their_area),
		TEST(links_and_fifos_are_not_followed),
		TEST(a_failed_put_leaves_nothing),
		TEST(move_takes_it_to_the_bin),
		TEST(a_move_that_is_not_durable_is_uncertain),
		TEST(a_stamp_tells_every_change),
		TEST(packs_are_read_in_part),
		TEST(more_packs_than_kept_open),
		TEST(locks_exclude_as_they_say),
		TEST(pins_count),
		TEST(knows_what_lies_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
