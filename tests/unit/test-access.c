/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>

#include "format/time.h"
#include "fuse/access.h"
#include "fuse/acl.h"
#include "tests/unit/listed.h"

#define MOUNTER	 500
#define ALICE	 1001
#define BOB	 1002
#define CAROL	 1003
#define STAFF	 2001  /* BOB's second group */
#define GROUP_OF 10000 /* a user's own one is his number and this */
#define FILES	 10000 /* the group of all files */

static struct sfs_mount_options shared(void)
{
	return (struct sfs_mount_options){
		.mounter = MOUNTER,
		.uid = MOUNTER,
		.gid = FILES,
		.allow_other = true,
	};
}

static const uint32_t users[] = { 0, MOUNTER, ALICE, BOB, CAROL };

static struct sfs_caller caller_of(uint32_t uid)
{
	static uint32_t groups[2];

	groups[0] = uid + GROUP_OF;
	groups[1] = STAFF;
	return (struct sfs_caller){
		.uid = uid,
		.gid = uid + GROUP_OF,
		.groups = groups,
		.group_count = uid == BOB ? 2 : 1,
	};
}

static void grant(struct sfs_grants *grants, enum sfs_grantee kind, uint32_t id)
{
	struct sfs_grant one = { .kind = kind, .id = id };

	assert_int_equal(sfs_grants_add(grants, one), 1);
}

static bool sees(const struct sfs_mount_options *options,
		 const struct sfs_tree *tree, uint32_t uid, const char *path)
{
	struct sfs_caller caller = caller_of(uid);
	struct sfs_place place = get(tree, path);

	return sfs_access_sees(options, tree, &caller, &place);
}

static bool lists(const struct sfs_mount_options *options,
		  const struct sfs_tree *tree, uint32_t uid, const char *path,
		  int64_t now_ns)
{
	struct sfs_caller caller = caller_of(uid);
	struct sfs_place place = get(tree, path);

	return sfs_access_lists(options, tree, &caller, &place, now_ns);
}

#define SNAPSHOT "snapshots/snap-00000000000000001.img"

static void test_mounter_alone_sees_all(void **state)
{
	struct sfs_mount_options options = shared();
	struct sfs_place place;

	(void)state;
	list(1, "a", CREATED)->owner = ALICE;

	CLEANUP_TREE struct sfs_tree *tree = build();

	options.allow_other = false;
	assert_true(sees(&options, tree, CAROL, SNAPSHOT));
	assert_true(sees(&options, tree, CAROL, "scratch/" SNAPSHOT));
	place = get(tree, SNAPSHOT);
	assert_int_equal(sfs_acl_mode(&options, &place), 0444);
	place = get(tree, "scratch/" SNAPSHOT);
	assert_int_equal(sfs_acl_mode(&options, &place), 0600);
	place = get(tree, "scratch");
	assert_int_equal(sfs_acl_mode(&options, &place), 0700);
	place = get(tree, "scratch/snapshots");
	assert_int_equal(sfs_acl_mode(&options, &place), 0700);
}

static void test_owner_and_who_sees_all(void **state)
{
	const struct sfs_mount_options options = shared();

	(void)state;
	list(1, "a", CREATED)->owner = ALICE;

	CLEANUP_TREE struct sfs_tree *tree = build();

	assert_true(sees(&options, tree, 0, SNAPSHOT));
	assert_true(sees(&options, tree, MOUNTER, SNAPSHOT));
	assert_true(sees(&options, tree, ALICE, SNAPSHOT));
	assert_false(sees(&options, tree, BOB, SNAPSHOT));
	assert_true(sees(&options, tree, ALICE, "scratch/" SNAPSHOT));
	assert_false(sees(&options, tree, BOB, "scratch/" SNAPSHOT));
	assert_true(sees(&options, tree, BOB, "snapshots"));
	assert_true(sees(&options, tree, BOB, "README"));
}

static void test_given_owner_is_everything_s(void **state)
{
	struct sfs_mount_options options = shared();
	struct sfs_place place;

	(void)state;
	grant(&list(1, "a", CREATED)->grants, SFS_GRANT_USER, CAROL);
	listed[0].owner = ALICE;

	CLEANUP_TREE struct sfs_tree *tree = build();

	options.uid = BOB;
	options.uid_given = true;
	assert_false(sees(&options, tree, ALICE, SNAPSHOT));
	assert_true(sees(&options, tree, BOB, SNAPSHOT));
	assert_true(sees(&options, tree, CAROL, SNAPSHOT));
	place = get(tree, SNAPSHOT);
	assert_int_equal(sfs_access_owner(&options, &place), BOB);
}

static void test_grants(void **state)
{
	const struct sfs_mount_options options = shared();

	(void)state;
	grant(&list(1, "a", CREATED)->grants, SFS_GRANT_GROUP, STAFF);
	listed[0].owner = ALICE;

	CLEANUP_TREE struct sfs_tree *first = build();

	assert_true(sees(&options, first, BOB, SNAPSHOT));
	assert_false(sees(&options, first, CAROL, SNAPSHOT));
	assert_false(sees(&options, first, BOB, "scratch/" SNAPSHOT));
	grant(&listed[0].grants, SFS_GRANT_GROUP, CAROL + GROUP_OF);

	CLEANUP_TREE struct sfs_tree *second = build();

	assert_true(sees(&options, second, CAROL, SNAPSHOT));
}

static void test_image_gives_its_disks_alone(void **state)
{
	const struct sfs_mount_options options = shared();
	struct sfs_image *image;

	(void)state;
	list(1, "a", CREATED)->owner = ALICE;
	image = list_image(7, "web");
	image->owner = ALICE;
	map_snapshot(image, "sda1", 1);
	grant(&image->grants, SFS_GRANT_USER, BOB);

	CLEANUP_TREE struct sfs_tree *tree = build();

	assert_true(sees(&options, tree, BOB, "images/web"));
	assert_true(sees(&options, tree, BOB, "images/web/sda1.img"));
	assert_true(sees(&options, tree, BOB, "images/web/root.img"));
	assert_true(sees(&options, tree, BOB, "images/web/image.json"));
	assert_false(sees(&options, tree, BOB, SNAPSHOT));
	assert_false(sees(&options, tree, BOB, "volumes/a"));
	assert_false(sees(&options, tree, BOB, "scratch/images/web"));
	assert_true(sees(&options, tree, ALICE, "scratch/images/web"));
	assert_false(sees(&options, tree, CAROL, "images/web"));
	assert_false(sees(&options, tree, CAROL, "images/web/sda1.img"));
}

static void test_volume_and_latest(void **state)
{
	const struct sfs_mount_options options = shared();
	struct sfs_caller bob = caller_of(BOB);
	struct sfs_place place;
	unsigned n;

	(void)state;
	for (n = 1; n <= 4; n++)
		list(n, "a", CREATED + n)->owner = ALICE;
	list(5, "b", CREATED + 5)->owner = ALICE;
	grant(&listed[0].grants, SFS_GRANT_USER, BOB);
	grant(&listed[2].grants, SFS_GRANT_ALL, 0);

	CLEANUP_TREE struct sfs_tree *tree = build();

	assert_true(sees(&options, tree, BOB, "volumes/a"));
	assert_false(sees(&options, tree, BOB, "volumes/b"));
	assert_false(sees(&options, tree, BOB, "volumes/b/latest.img"));
	place = get(tree, "volumes/a/latest.img");
	assert_int_equal(place.snapshot->size, 4);
	assert_true(sfs_access_sees(&options, tree, &bob, &place));
	assert_int_equal(place.snapshot->size, 3);
	place = get(tree, "volumes/a/latest.img");
	bob = caller_of(ALICE);
	assert_true(sfs_access_sees(&options, tree, &bob, &place));
	assert_int_equal(place.snapshot->size, 4);
}

static void test_deprecated_is_found_by_name_alone(void **state)
{
	struct sfs_mount_options options = shared();
	struct sfs_image *image = list_image(7, "web");

	(void)state;
	image->owner = ALICE;
	image->deprecated_ns = CREATED + 10;
	grant(&image->grants, SFS_GRANT_ALL, 0);

	CLEANUP_TREE struct sfs_tree *tree = build();

	assert_true(lists(&options, tree, BOB, "images/web", CREATED + 9));
	assert_false(lists(&options, tree, BOB, "images/web", CREATED + 10));
	assert_true(sees(&options, tree, BOB, "images/web"));
	assert_true(lists(&options, tree, BOB, "images/web/image.json",
			  CREATED + 10));
	assert_true(lists(&options, tree, ALICE, "images/web", CREATED + 10));
	assert_true(lists(&options, tree, 0, "images/web", CREATED + 10));
	options.allow_other = false;
	assert_true(lists(&options, tree, BOB, "images/web", CREATED + 10));
}

static void test_disabled_is_its_owner_s(void **state)
{
	const struct sfs_mount_options options = shared();
	struct sfs_image *image = list_image(7, "web");

	(void)state;
	image->owner = ALICE;
	image->disabled = true;
	grant(&image->grants, SFS_GRANT_ALL, 0);

	CLEANUP_TREE struct sfs_tree *tree = build();

	assert_false(sees(&options, tree, BOB, "images/web"));
	assert_true(sees(&options, tree, ALICE, "images/web"));
}

/* ---- what the kernel makes of it ---- */

static const struct posix_acl_xattr_entry *entries(const uint8_t *acl)
{
	return (const struct posix_acl_xattr_entry *)(acl + 4);
}

static bool is_in(const struct sfs_caller *caller, uint32_t gid)
{
	size_t i;

	for (i = 0; i < caller->group_count; i++) {
		if (caller->groups[i] == gid)
			return true;
	}
	return false;
}

/* acl(5), "Access check algorithm": what @caller may do, as three bits. */
static unsigned rights_by_acl(const uint8_t *acl, size_t size, uint32_t owner,
			      const struct sfs_caller *caller)
{
	const struct posix_acl_xattr_entry *e = entries(acl);
	size_t count = (size - 4) / sizeof(*e), i;
	unsigned mask = 7, other = 0, found = 0;
	bool in_group = false;

	for (i = 0; i < count; i++) {
		if (le16toh(e[i].e_tag) == ACL_MASK)
			mask = le16toh(e[i].e_perm);
	}
	for (i = 0; i < count; i++) {
		unsigned perm = le16toh(e[i].e_perm);
		uint32_t id = le32toh(e[i].e_id);

		switch (le16toh(e[i].e_tag)) {
		case ACL_USER_OBJ:
			if (caller->uid == owner)
				return perm;
			break;
		case ACL_USER:
			if (caller->uid == id)
				return perm & mask;
			break;
		case ACL_GROUP_OBJ:
			id = FILES;
			__attribute__((fallthrough));
		case ACL_GROUP:
			if (is_in(caller, id)) {
				in_group = true;
				found |= perm & mask;
			}
			break;
		case ACL_OTHER:
			other = perm;
			break;
		}
	}
	return in_group ? found : other;
}

static unsigned rights_by_mode(mode_t mode, uint32_t owner,
			       const struct sfs_caller *caller)
{
	if (caller->uid == owner)
		return mode >> 6 & 7;
	return is_in(caller, FILES) ? mode >> 3 & 7 : mode & 7;
}

static unsigned kernel_rights(const struct sfs_mount_options *options,
			      const struct sfs_place *place, uint32_t uid)
{
	struct sfs_caller caller = caller_of(uid);
	_Alignas(4) uint8_t acl[SFS_ACL_SIZE_MAX];
	size_t size = sfs_acl_format(options, place, acl);
	uint32_t owner = sfs_access_owner(options, place);

	if (uid == 0)
		return 7;
	if (size == 0)
		return rights_by_mode(sfs_acl_mode(options, place), owner,
				      &caller);
	return rights_by_acl(acl, size, owner, &caller);
}

/* The two ways of enforcing it say the same of everybody. */
static void assert_they_agree(const struct sfs_mount_options *options,
			      const struct sfs_tree *tree, const char *path)
{
	struct sfs_place place = get(tree, path);
	unsigned want = sfs_place_is_directory(&place) ? 5 : 4;
	size_t i;

	want |= place.scratch ? 2 : 0;
	for (i = 0; i < SFS_ARRAY_SIZE(users); i++)
		assert_int_equal(
			kernel_rights(options, &place, users[i]) & want,
			sees(options, tree, users[i], path) ? want : 0);
}

static void assert_all_agree(const struct sfs_mount_options *options)
{
	static const char *const paths[] = {
		SNAPSHOT,
		("scratch/" SNAPSHOT),
		"images/web",
		"images/web/sda1.img",
		"images/web/image.json",
		"scratch/images/web",
		"scratch/images/web/sda1.img",
	};
	CLEANUP_TREE struct sfs_tree *tree = build();
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(paths); i++)
		assert_they_agree(options, tree, paths[i]);
}

static void test_names_and_acls_agree(void **state)
{
	static const struct sfs_grant grants[] = {
		{ SFS_GRANT_USER, BOB },    { SFS_GRANT_USER, MOUNTER },
		{ SFS_GRANT_GROUP, STAFF }, { SFS_GRANT_GROUP, FILES },
		{ SFS_GRANT_ALL, 0 },
	};
	static const uint32_t owners[] = { SFS_OWNER_NONE, MOUNTER, 0, ALICE };
	struct sfs_mount_options options = shared();
	unsigned set, owner;
	size_t i;

	(void)state;
	list(1, "a", CREATED);
	map_snapshot(list_image(7, "web"), "sda1", 1);
	for (set = 0; set < 1u << SFS_ARRAY_SIZE(grants); set++) {
		sfs_grants_done(&listed[0].grants);
		sfs_grants_done(&listed_images[0].grants);
		for (i = 0; i < SFS_ARRAY_SIZE(grants); i++) {
			if (!(set >> i & 1))
				continue;
			grant(&listed[0].grants, grants[i].kind, grants[i].id);
			grant(&listed_images[0].grants, grants[i].kind,
			      grants[i].id);
		}
		for (owner = 0; owner < SFS_ARRAY_SIZE(owners); owner++) {
			listed[0].owner = owners[owner];
			listed_images[0].owner = owners[owner];
			options.uid = MOUNTER;
			options.uid_given = false;
			assert_all_agree(&options);
			options.uid = CAROL;
			options.uid_given = true;
			assert_all_agree(&options);
		}
	}
}

static void test_group_of_the_file_is_no_grantee(void **state)
{
	struct sfs_mount_options options = shared();
	struct sfs_place place;

	(void)state;
	grant(&list(1, "a", CREATED)->grants, SFS_GRANT_USER, BOB);

	CLEANUP_TREE struct sfs_tree *tree = build();

	options.gid = CAROL + GROUP_OF;
	place = get(tree, SNAPSHOT);
	assert_int_equal(sfs_acl_mode(&options, &place), 0440);
	assert_int_equal(kernel_rights(&options, &place, CAROL), 0);
	assert_int_equal(kernel_rights(&options, &place, BOB), 4);
}

static void test_umask_takes_away(void **state)
{
	struct sfs_mount_options options = shared();
	struct sfs_place place;

	(void)state;
	grant(&list(1, "a", CREATED)->grants, SFS_GRANT_USER, BOB);

	CLEANUP_TREE struct sfs_tree *tree = build();

	options.umask = 077;
	place = get(tree, SNAPSHOT);
	assert_int_equal(sfs_acl_mode(&options, &place), 0400);
	assert_int_equal(kernel_rights(&options, &place, BOB), 0);
	assert_int_equal(kernel_rights(&options, &place, MOUNTER), 4);
}

/* As bytes, since it is the kernel's format and not ours. */
static void test_format(void **state)
{
	static const uint8_t want[] = {
		2,  0, 0, 0,			 /* version */
		1,  0, 4, 0, 255, 255, 255, 255, /* owner */
		2,  0, 4, 0, 234, 3,   0,   0,	 /* user 1002 */
		4,  0, 0, 0, 255, 255, 255, 255, /* group */
		8,  0, 4, 0, 209, 7,   0,   0,	 /* group 2001 */
		16, 0, 4, 0, 255, 255, 255, 255, /* mask */
		32, 0, 0, 0, 255, 255, 255, 255, /* other */
	};
	const struct sfs_mount_options options = shared();
	uint8_t acl[SFS_ACL_SIZE_MAX];
	struct sfs_place place;

	(void)state;
	grant(&list(1, "a", CREATED)->grants, SFS_GRANT_USER, BOB);
	grant(&listed[0].grants, SFS_GRANT_GROUP, STAFF);

	CLEANUP_TREE struct sfs_tree *tree = build();

	place = get(tree, SNAPSHOT);
	assert_int_equal(sfs_acl_format(&options, &place, acl), sizeof(want));
	assert_memory_equal(acl, want, sizeof(want));
	place = get(tree, "snapshots");
	assert_int_equal(sfs_acl_format(&options, &place, acl), 0);
}

static void test_as_many_grants_as_can_be(void **state)
{
	struct sfs_mount_options options = shared();
	uint8_t acl[SFS_ACL_SIZE_MAX];
	struct sfs_place place;
	uint32_t i;

	(void)state;
	list(1, "a", CREATED)->owner = ALICE;
	for (i = 0; i < SFS_GRANTS_MAX; i++)
		grant(&listed[0].grants, SFS_GRANT_USER, 100000 + i);

	CLEANUP_TREE struct sfs_tree *tree = build();

	options.uid = BOB;
	place = get(tree, SNAPSHOT);
	assert_int_equal(sfs_acl_format(&options, &place, acl), sizeof(acl));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_mounter_alone_sees_all),
		TEST(test_owner_and_who_sees_all),
		TEST(test_given_owner_is_everything_s),
		TEST(test_grants),
		TEST(test_image_gives_its_disks_alone),
		TEST(test_volume_and_latest),
		TEST(test_deprecated_is_found_by_name_alone),
		TEST(test_disabled_is_its_owner_s),
		TEST(test_names_and_acls_agree),
		TEST(test_group_of_the_file_is_no_grantee),
		TEST(test_umask_takes_away),
		TEST(test_format),
		TEST(test_as_many_grants_as_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
