/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "src/restore.h"
#include "tests/unit/scratch-repo.h"

#define SIZE                                                                   \
	(3 * CHUNK + 100) /* of the snapshot: its last chunk is partial        \
			   */

/* What a volume of @size made from the snapshot must read as. */
static uint8_t *expected(uint64_t size)
{
	uint8_t *bytes = calloc(1, size);

	assert_non_null(bytes);
	noise(bytes, SIZE, 1);
	return bytes;
}

static struct sfs_view *open_larger(uint64_t size)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	struct sfs_view *view;

	put_noise("disk", 0, SIZE, 1);
	snapshot = take("disk", "disk");
	assert_int_equal(sfs_view_open_volume(repo, snapshot->id, size, &view),
			 0);
	return view;
}

static void a_larger_volume_ends_in_zeros(void **state)
{
	const uint64_t size = 40 * CHUNK + 7;
	CLEANUP_VIEW struct sfs_view *view = open_larger(size);
	CLEANUP_FREE uint8_t *want = expected(size);
	CLEANUP_FREE uint8_t *got = malloc(size + 1);
	uint64_t offset;
	size_t n;

	(void)state;
	assert_int_equal(sfs_view_snapshot(view)->size, size);
	for (offset = 0; offset <= size; offset += 61) {
		assert_int_equal(
			sfs_view_pread(view, got, size + 1, offset, &n), 0);
		assert_int_equal(n, size - offset);
		assert_memory_equal(got, want + offset, n);
	}
}

static void its_data_ends_where_the_snapshot_ends(void **state)
{
	const uint64_t size = 40 * CHUNK;
	CLEANUP_VIEW struct sfs_view *view = open_larger(size);
	uint64_t found;

	(void)state;
	assert_int_equal(sfs_view_next_hole(view, 0, &found), 0);
	assert_int_equal(found, SIZE);
	assert_int_equal(sfs_view_next_hole(view, 20 * CHUNK, &found), 0);
	assert_int_equal(found, 20 * CHUNK);
	assert_int_equal(sfs_view_next_data(view, SIZE, &found), -ENXIO);
	assert_int_equal(sfs_view_next_data(view, 4 * CHUNK, &found), -ENXIO);
	assert_int_equal(sfs_view_next_hole(view, size, &found), -ENXIO);
}

static void a_smaller_volume_is_refused(void **state)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	struct sfs_view *view;

	(void)state;
	put_noise("disk", 0, SIZE, 1);
	snapshot = take("disk", "disk");
	assert_int_equal(
		sfs_view_open_volume(repo, snapshot->id, SIZE - 1, &view),
		-EINVAL);
	assert_non_null(strstr(scratch_log, snapshot->id));
	assert_int_equal(sfs_store_pinned(repo->store, snapshot->id), 0);
}

static void a_volume_of_zeros_needs_no_snapshot(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;
	uint8_t got[64], zeros[64] = { 0 };
	uint64_t found;
	size_t n;

	(void)state;
	assert_int_equal(
		sfs_view_open_volume(repo, "", SFS_VOLUME_SIZE_MAX, &view), 0);
	memset(got, 1, sizeof(got));
	assert_int_equal(sfs_view_pread(view, got, sizeof(got),
					SFS_VOLUME_SIZE_MAX - sizeof(got), &n),
			 0);
	assert_int_equal(n, sizeof(got));
	assert_memory_equal(got, zeros, sizeof(got));
	assert_int_equal(sfs_view_next_data(view, 0, &found), -ENXIO);
	assert_int_equal(sfs_view_next_hole(view, 0, &found), 0);
	assert_int_equal(found, 0);
}

/* What does not count yet can be looked at by its creator. */
static void a_snapshot_without_a_record_can_be_read(void **state)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	CLEANUP_VIEW struct sfs_view *view = NULL;
	CLEANUP_FREE uint8_t *want = expected(SIZE);
	uint8_t got[SIZE];
	size_t n;

	(void)state;
	put_noise("disk", 0, SIZE, 1);
	snapshot = take("disk", "disk");
	shell("rm repo/records/%s.json", snapshot->id);
	assert_int_equal(sfs_view_open_unpinned(repo, snapshot, &view), 0);
	assert_int_equal(sfs_view_pread(view, got, SIZE, 0, &n), 0);
	assert_int_equal(n, SIZE);
	assert_memory_equal(got, want, SIZE);
	assert_int_equal(sfs_store_pinned(repo->store, snapshot->id), 0);
}

static void a_larger_volume_restores_to_its_size(void **state)
{
	const uint64_t size = 1000 * CHUNK + 7;
	const struct sfs_restore_options options = { .verify = true };
	CLEANUP_VIEW struct sfs_view *view = open_larger(size);
	CLEANUP_FREE uint8_t *want = expected(size);
	CLEANUP_FREE uint8_t *got = malloc(size);
	struct sfs_restore_result result;
	int fd;

	(void)state;
	assert_int_equal(sfs_restore(view, "out", &options, &result), 0);
	fd = open("out", O_RDONLY | O_CLOEXEC);
	assert_int_equal(lseek(fd, 0, SEEK_END), size);
	assert_int_equal(pread(fd, got, size, 0), size);
	close(fd);
	assert_memory_equal(got, want, size);
}

/* Where there was something else before, zeros must be written. */
static void a_larger_volume_restores_over_others(void **state)
{
	const uint64_t size = 1000 * CHUNK + 7;
	const struct sfs_restore_options options = { .force = true,
						     .delta = true,
						     .verify = true };
	CLEANUP_VIEW struct sfs_view *view = open_larger(size);
	CLEANUP_FREE uint8_t *want = expected(size);
	CLEANUP_FREE uint8_t *got = malloc(size);
	struct sfs_restore_result result;
	int fd;

	(void)state;
	put_noise("out", 0, size, 5);
	assert_int_equal(sfs_restore(view, "out", &options, &result), 0);
	fd = open("out", O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, got, size, 0), size);
	close(fd);
	assert_memory_equal(got, want, size);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, repo_setup, repo_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_larger_volume_ends_in_zeros),
		TEST(its_data_ends_where_the_snapshot_ends),
		TEST(a_smaller_volume_is_refused),
		TEST(a_volume_of_zeros_needs_no_snapshot),
		TEST(a_snapshot_without_a_record_can_be_read),
		TEST(a_larger_volume_restores_to_its_size),
		TEST(a_larger_volume_restores_over_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
