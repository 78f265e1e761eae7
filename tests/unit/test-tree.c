/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "format/time.h"
#include "fuse/inode-table.h"
#include "fuse/tree.h"
#include "tests/unit/listed.h"

/* Those that are always there: the root, README, snapshots, volumes, images,
 * .snapfs and status.json, scratch and the two directories in it. */
#define FIXED 10

static void assert_same_place(const struct sfs_place *a,
			      const struct sfs_place *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->ino, b->ino);
	assert_ptr_equal(a->snapshot, b->snapshot);
	assert_ptr_equal(a->volume, b->volume);
	assert_ptr_equal(a->image, b->image);
	assert_ptr_equal(a->disk, b->disk);
	assert_int_equal(a->scratch, b->scratch);
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
	assert_int_equal(walk(tree, &root), FIXED);
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
	assert_int_equal(place.kind, SFS_PLACE_SNAPSHOT);
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
	assert_int_equal(walk(tree, &root), FIXED + 100000 * 3 + 1000 * 2);
}

/* snapshot 1, zeros, one that is not there, and what has no file */
static struct sfs_image *list_machine(unsigned n, const char *name)
{
	struct sfs_image *image = list_image(n, name);

	map_snapshot(image, "/dev/sda1", 1);
	map(image, "/dev/sdb", SFS_MAPPING_EPHEMERAL);
	map(image, "xvdc", SFS_MAPPING_EMPTY);
	map_snapshot(image, "/dev/disk/d", 9);
	map(image, "/dev/sde", SFS_MAPPING_NONE);
	return image;
}

static void test_image(void **state)
{
	char target[SFS_TREE_NAME_SIZE];
	struct sfs_place place, root;

	(void)state;
	list(1, "a", CREATED);
	list_machine(7, "web 2026 (golden)");

	CLEANUP_TREE struct sfs_tree *tree = build();

	assert_int_equal(sfs_tree_images(tree), 1);
	place = get(tree, "images/web 2026 (golden)");
	assert_int_equal(place.kind, SFS_PLACE_IMAGE);
	assert_int_equal(place.image->count, 3);
	assert_int_equal(walk(tree, &place), 1 + 3 + 2);
	place = get(tree, "images/web 2026 (golden)/root.img");
	sfs_place_target(&place, target);
	assert_string_equal(target, "sda1.img");
	place = get(tree, "images/web 2026 (golden)/image.json");
	assert_int_equal(place.kind, SFS_PLACE_MANIFEST);
	root = get(tree, "images/web 2026 (golden)/xvdc.img");
	assert_int_equal(root.kind, SFS_PLACE_DISK);
	assert_string_equal(root.disk->snapshot, "");
	assert_false(root.disk->missing);
	assert_int_equal(root.disk->size, 4096);
	assert_true(sfs_tree_find(tree, SFS_PLACE_ROOT, &root));
	assert_int_equal(walk(tree, &root),
			 FIXED + 3 + 2 + (1 + 3 + 2) + (1 + 3 + 1));
}

static void test_disk_is_as_its_snapshot(void **state)
{
	struct sfs_place place;

	(void)state;
	list(1, "a", CREATED)->data_bytes = 1234;
	list_machine(7, "web");

	CLEANUP_TREE struct sfs_tree *tree = build();

	place = get(tree, "images/web/sda1.img");
	assert_string_equal(place.disk->snapshot, listed[0].id);
	assert_int_equal(place.disk->data_bytes, 1234);
	assert_int_equal(place.disk->size, 4096);
	assert_false(place.disk->missing);
}

static void test_missing_snapshot_keeps_its_entry(void **state)
{
	struct sfs_place place;

	(void)state;
	list(1, "a", CREATED);
	list_machine(7, "web");

	CLEANUP_TREE struct sfs_tree *tree = build();

	place = get(tree, "images/web/disk_d.img");
	assert_true(place.disk->missing);
	assert_string_equal(place.disk->snapshot, "snap-00000000000000009");
	assert_int_equal(place.disk->data_bytes, 0);
}

static void test_renamed_image_keeps_its_numbers(void **state)
{
	static const char *const names[] = { "", "/sda1.img", "/root.img",
					     "/image.json" };
	struct sfs_place before, after;
	char path[64];
	size_t i;

	(void)state;
	list(1, "a", CREATED);
	list_machine(7, "web");

	CLEANUP_TREE struct sfs_tree *first = build();

	strcpy(listed_images[0].name, "www");

	CLEANUP_TREE struct sfs_tree *second = build();

	for (i = 0; i < SFS_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "images/web%s", names[i]);
		before = get(first, path);
		snprintf(path, sizeof(path), "images/www%s", names[i]);
		after = get(second, path);
		assert_int_equal(before.ino, after.ino);
	}
	after = get(second, "images");
	assert_false(sfs_tree_lookup(second, &after, "web", &after));
}

static void test_first_of_one_name_wins(void **state)
{
	struct sfs_place place;

	(void)state;
	list(1, "a", CREATED);
	list_machine(7, "web");
	list_machine(8, "web");
	list_machine(9, "www");

	CLEANUP_TREE struct sfs_tree *tree = build();

	assert_int_equal(sfs_tree_images(tree), 2);
	place = get(tree, "images/web");
	assert_string_equal(place.image->id, listed_images[0].id);
	place = get(tree, "images");
	assert_int_equal(walk(tree, &place), 1 + 2 * 6);
}

static void test_wrong_names_in_images_are_not_there(void **state)
{
	static const char *const names[] = { "",	   "sda1",
					     "sdb.img",	   "sde.img",
					     "disk/d.img", "root",
					     "image.jso" };
	struct sfs_place image, place;
	size_t i;

	(void)state;
	list(1, "a", CREATED);
	list_machine(7, "web");

	CLEANUP_TREE struct sfs_tree *tree = build();

	image = get(tree, "images/web");
	for (i = 0; i < SFS_ARRAY_SIZE(names); i++)
		assert_false(sfs_tree_lookup(tree, &image, names[i], &place));
	image = get(tree, "images");
	assert_false(
		sfs_tree_lookup(tree, &image, listed_images[0].id, &place));
}

static void test_scratch_mirrors(void **state)
{
	struct sfs_place place, twin;

	(void)state;
	list(1, "a", CREATED);
	list_machine(7, "web");

	CLEANUP_TREE struct sfs_tree *tree = build();

	place = get(tree, "snapshots/snap-00000000000000001.img");
	twin = get(tree, "scratch/snapshots/snap-00000000000000001.img");
	assert_int_equal(twin.kind, place.kind);
	assert_ptr_equal(twin.snapshot, place.snapshot);
	assert_int_not_equal(twin.ino, place.ino);
	assert_true(twin.scratch);
	assert_false(place.scratch);
	place = get(tree, "images/web/sda1.img");
	twin = get(tree, "scratch/images/web/sda1.img");
	assert_int_equal(twin.kind, place.kind);
	assert_ptr_equal(twin.disk, place.disk);
	assert_int_not_equal(twin.ino, place.ino);
	twin = get(tree, "scratch/images/web/root.img");
	assert_true(sfs_place_is_link(&twin));
	twin = get(tree, "scratch/images/web");
	assert_false(sfs_tree_lookup(tree, &twin, "image.json", &place));
}

static void test_noscratch(void **state)
{
	CLEANUP_TREE struct sfs_tree *tree = NULL;
	struct sfs_place place, root;

	(void)state;
	list(1, "a", CREATED);
	list_machine(7, "web");
	assert_int_equal(sfs_tree_new(NULL, CREATED, false, &tree), 0);
	assert_true(sfs_tree_find(tree, SFS_PLACE_ROOT, &root));
	assert_false(sfs_tree_lookup(tree, &root, "scratch", &place));
	assert_int_equal(walk(tree, &root), FIXED - 3 + 2 + 2 + (1 + 3 + 2));
	place = get(tree, "images/web/sda1.img");
	assert_false(
		sfs_tree_find(tree, place.ino | SFS_INODE_SCRATCH, &place));
	assert_false(sfs_tree_find(tree, SFS_PLACE_SCRATCH, &place));
}

static void test_disabled_image_carries_no_grants(void **state)
{
	const struct sfs_grant all = { .kind = SFS_GRANT_ALL };
	struct sfs_place place;

	(void)state;
	assert_int_equal(sfs_grants_add(&list_image(1, "aaa")->grants, all), 1);
	assert_int_equal(sfs_grants_add(&list_image(2, "bbb")->grants, all), 1);
	listed_images[1].disabled = true;

	CLEANUP_TREE struct sfs_tree *tree = build();

	place = get(tree, "images/aaa");
	assert_int_equal(place.image->grants.count, 1);
	place = get(tree, "images/bbb");
	assert_int_equal(place.image->grants.count, 0);
}

/* Two names with the same 59 bits. */
static void test_clash_of_bases(void **state)
{
	static const char one[] = "vol01232", two[] = "I3ejJErI";
	struct sfs_place place, other;

	(void)state;
	assert_int_equal(sfs_inode_base(SFS_OBJECT_VOLUME, one, 0),
			 sfs_inode_base(SFS_OBJECT_VOLUME, two, 0));
	list(1, one, CREATED);
	list(2, two, CREATED + 1);
	list(3, one, CREATED + 2);

	CLEANUP_TREE struct sfs_tree *tree = build();

	assert_int_equal(sfs_tree_volumes(tree), 2);
	place = get(tree, "volumes/vol01232");
	other = get(tree, "volumes/I3ejJErI");
	assert_int_not_equal(place.ino, other.ino);
	assert_int_equal(place.volume->count, 2);
	place = get(tree, "volumes");
	assert_int_equal(walk(tree, &place), 1 + (2 + 2) + (2 + 1));
}

/* One name for all kinds of things. */
static void test_kinds_do_not_clash(void **state)
{
	struct sfs_place place;

	(void)state;
	list(1, "snap-00000000000000001", CREATED);
	map_snapshot(list_image(1, "snap-00000000000000001"), "/dev/a", 1);

	CLEANUP_TREE struct sfs_tree *tree = build();

	assert_true(sfs_tree_find(tree, SFS_PLACE_ROOT, &place));
	assert_int_equal(walk(tree, &place),
			 FIXED + 2 + (2 + 1) + (1 + 3) + (1 + 2));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_empty),
		TEST(test_names),
		TEST(test_wrong_names_are_not_there),
		TEST(test_same_time_twice),
		TEST(test_numbers_are_stable),
		TEST(test_many),
		TEST(test_image),
		TEST(test_disk_is_as_its_snapshot),
		TEST(test_missing_snapshot_keeps_its_entry),
		TEST(test_renamed_image_keeps_its_numbers),
		TEST(test_first_of_one_name_wins),
		TEST(test_wrong_names_in_images_are_not_there),
		TEST(test_scratch_mirrors),
		TEST(test_noscratch),
		TEST(test_disabled_image_carries_no_grants),
		TEST(test_clash_of_bases),
		TEST(test_kinds_do_not_clash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
