/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "format/time.h"
#include "fuse/tree.h"

#define CREATED INT64_C(1700000000000000000)

/* What the catalog lists, in place of one. */
static struct sfs_snapshot *listed;
static size_t listed_count;

int sfs_catalog_list(struct sfs_catalog *catalog,
		     const struct sfs_catalog_filter *filter,
		     int (*each)(const struct sfs_snapshot *snapshot,
				 void *context),
		     void *context)
{
	size_t i;
	int r = 0;

	(void)catalog;
	assert_null(filter);
	for (i = 0; i < listed_count && r == 0; i++)
		r = each(&listed[i], context);
	return r;
}

static void list(unsigned n, const char *volume, int64_t time_ns)
{
	struct sfs_snapshot *snapshot = &listed[listed_count++];

	memset(snapshot, 0, sizeof(*snapshot));
	snprintf(snapshot->id, sizeof(snapshot->id), "snap-%017x", n);
	snprintf(snapshot->volume, sizeof(snapshot->volume), "%s", volume);
	snapshot->time_ns = time_ns;
	snapshot->size = n;
}

static struct sfs_tree *build(void)
{
	struct sfs_tree *tree;

	assert_int_equal(sfs_tree_new(NULL, CREATED, &tree), 0);
	return tree;
}

static int setup(void **state)
{
	(void)state;
	listed = calloc(100000, sizeof(*listed));
	listed_count = 0;
	return listed ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(listed);
	return 0;
}

static struct sfs_place get(const struct sfs_tree *tree, const char *path)
{
	CLEANUP_FREE char *copy = strdup(path);
	struct sfs_place place;
	char *rest = copy, *name;

	assert_true(sfs_tree_find(tree, SFS_PLACE_ROOT, &place));
	while ((name = strsep(&rest, "/")))
		assert_true(sfs_tree_lookup(tree, &place, name, &place));
	return place;
}

static void assert_same_place(const struct sfs_place *a,
			      const struct sfs_place *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->ino, b->ino);
	assert_ptr_equal(a->snapshot, b->snapshot);
	assert_ptr_equal(a->volume, b->volume);
}

/* Lists everything, checking that names and numbers lead back to it. */
static size_t walk(const struct sfs_tree *tree, const struct sfs_place *place)
{
	struct sfs_place child, again;
	char name[SFS_TREE_NAME_SIZE];
	size_t i, count = 0;

	if (!sfs_place_is_directory(place))
		return 1;
	for (i = 0; sfs_tree_child(tree, place, i, &child, name); i++) {
		assert_true(sfs_tree_lookup(tree, place, name, &again));
		assert_same_place(&again, &child);
		assert_true(sfs_tree_find(tree, child.ino, &again));
		assert_same_place(&again, &child);
		count += walk(tree, &child);
	}
	return count + 1;
}

static void test_empty(void **state)
{
	CLEANUP_TREE struct sfs_tree *tree = build();
	struct sfs_place root;

	(void)state;
	assert_true(sfs_tree_find(tree, SFS_PLACE_ROOT, &root));
	assert_int_equal(walk(tree, &root), 6);
	assert_int_equal(sfs_tree_newest_ns(tree), CREATED);
	assert_false(sfs_tree_find(tree, 0, &root));
	assert_false(sfs_tree_find(tree, UINT64_MAX, &root));
}

static void test_names(void **state)
{
	char target[SFS_TREE_NAME_SIZE];
	struct sfs_place place;

	(void)state;
	list(1, "a", CREATED);
	list(2, "b", CREATED + 1);
	list(3, "a", CREATED + 5 * SFS_SECOND);

	CLEANUP_TREE struct sfs_tree *tree = build();

	place = get(tree, "snapshots/snap-00000000000000002.img");
	assert_int_equal(place.kind, SFS_PLACE_IMAGE);
	assert_int_equal(place.snapshot->size, 2);
	place = get(tree, "volumes/a/latest.img");
	sfs_place_target(&place, target);
	assert_string_equal(target,
			    "../../snapshots/snap-00000000000000003.img");
	place = get(tree, "volumes/a/2023-11-14T22-13-20Z.img");
	assert_int_equal(place.snapshot->size, 1);
	place = get(tree, "volumes/b/2023-11-14T22-13-20.000000001Z.img");
	assert_int_equal(place.snapshot->size, 2);
	place = get(tree, "volumes/a");
	assert_int_equal(place.volume->newest_ns, CREATED + 5 * SFS_SECOND);
}

static void test_wrong_names_are_not_there(void **state)
{
	static const char *const names[] = {
		"",
		".img",
		"latest",
		"Z.img",
		"TZ",
		"2023-11-14T22-13-20Z",
		"2023-11-14T22-13-20Z.im",
		"2023-11-14T22-13-20Z.imgx",
		"2023-11-14T22:13:20Z.img",
		"2023-11-14T22-13-20.000Z.img",
		"2023-11-14T22-13-21Z.img",
		"2023-11-14T22-13-20Z-00000000000000001.img",
	};
	struct sfs_place volume, place;
	size_t i;

	(void)state;
	list(1, "a", CREATED);

	CLEANUP_TREE struct sfs_tree *tree = build();

	volume = get(tree, "volumes/a");
	for (i = 0; i < SFS_ARRAY_SIZE(names); i++)
		assert_false(sfs_tree_lookup(tree, &volume, names[i], &place));
	volume = get(tree, "README");
	assert_false(sfs_tree_lookup(tree, &volume, "README", &place));
}

static void test_same_time_twice(void **state)
{
	(void)state;
	list(1, "a", CREATED);
	list(2, "a", CREATED);
	list(3, "a", CREATED);

	CLEANUP_TREE struct sfs_tree *tree = build();
	struct sfs_place root = get(tree, "volumes");

	assert_int_equal(walk(tree, &root), 6);
	root = get(tree,
		   "volumes/a/2023-11-14T22-13-20Z-00000000000000003.img");
	assert_int_equal(root.snapshot->size, 3);
}

static void test_numbers_are_stable(void **state)
{
	struct sfs_place before, after;

	(void)state;
	list(1, "a", CREATED);
	list(2, "b", CREATED + 1);

	CLEANUP_TREE struct sfs_tree *first = build();

	listed[0] = listed[1];
	listed_count = 1;
	list(3, "a", CREATED + 2);

	CLEANUP_TREE struct sfs_tree *second = build();

	before = get(first, "snapshots/snap-00000000000000002.img");
	after = get(second, "snapshots/snap-00000000000000002.img");
	assert_int_equal(before.ino, after.ino);
	before = get(first, "volumes/b/latest.img");
	after = get(second, "volumes/b/latest.img");
	assert_int_equal(before.ino, after.ino);
	before = get(first, "snapshots/snap-00000000000000001.img");
	assert_false(sfs_tree_find(second, before.ino, &after));
	/* The first is whole while somebody holds it. */
	before = get(first, "volumes");
	assert_int_equal(walk(first, &before), 7);
}

static void test_many(void **state)
{
	struct sfs_place root;
	char volume[16];
	unsigned i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		snprintf(volume, sizeof(volume), "v%u", i % 1000);
		list(i, volume, CREATED + i / 7);
	}

	CLEANUP_TREE struct sfs_tree *tree = build();

	assert_int_equal(sfs_tree_snapshots(tree), 100000);
	assert_int_equal(sfs_tree_volumes(tree), 1000);
	assert_true(sfs_tree_find(tree, SFS_PLACE_ROOT, &root));
	assert_int_equal(walk(tree, &root), 6 + 100000 * 2 + 1000 * 2);
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_empty),
		TEST(test_names),
		TEST(test_wrong_names_are_not_there),
		TEST(test_same_time_twice),
		TEST(test_numbers_are_stable),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
