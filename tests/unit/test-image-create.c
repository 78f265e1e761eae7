/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "src/delete.h"
#include "tests/unit/scratch-repo.h"

/* All that was said. */
static char said[8192];

static void note(enum sfs_level level, const char *text)
{
	size_t used = strlen(said);

	(void)level;
	snprintf(said + used, sizeof(said) - used, "%s\n", text);
}

static int setup(void **state)
{
	if (repo_setup(state) < 0)
		return -1;
	sfs_log_set_sink(note);
	sfs_log_set_level(SFS_LOG_INFO);
	said[0] = '\0';
	put_noise("disk", 0, 10 * CHUNK, 1);
	put_noise("data", 0, 5 * CHUNK, 2);
	return 0;
}

static void assert_said(const char *text)
{
	if (!strstr(said, text))
		fail_msg("'%s' was not said: %s", text, said);
}

/* "/dev/sda1" and "/dev/sdf", to be read from disks. */
static struct sfs_image *new_machine(const char *name)
{
	struct sfs_image *image = new_image(name);

	add_mapping(image, "/dev/sda1", SFS_MAPPING_SNAPSHOT);
	add_mapping(image, "/dev/sdf", SFS_MAPPING_SNAPSHOT);
	return image;
}

static const struct sfs_image_source disks[] = {
	{ .mapping = 0, .source = "disk" },
	{ .mapping = 1, .source = "data" },
};

static int create_after(struct sfs_image *image,
			const struct sfs_image_source *sources, size_t count,
			const char *pre)
{
	const struct sfs_ingest_options options = { .threads = 1, .pre = pre };

	return sfs_image_create(repo, image, sources, count, &options);
}

static int create(struct sfs_image *image)
{
	return create_after(image, disks, 2, NULL);
}

/* Such as "1 img 1 set 2 snap". */
static void assert_records(const char *expected)
{
	assert_string_equal(shell("ls repo/records | cut -d- -f1 | sort | "
				  "uniq -c | xargs"),
			    expected);
}

/* ---- creating ---- */

static void all_is_of_one_moment(void **state)
{
	struct sfs_image *image = new_machine("web"), *found;
	struct sfs_snapshot *snapshots[2];
	unsigned i;

	(void)state;
	image->mappings[1].size = 1 << 20;
	add_mapping(image, "/dev/sdg", SFS_MAPPING_EMPTY)->size = 4096;
	assert_int_equal(create(image), 0);
	reopen();
	assert_int_equal(sfs_catalog_select_image(repo->catalog, "web", &found),
			 0);
	assert_string_equal(found->id, image->id);
	assert_int_equal(found->owner, geteuid());
	assert_int_equal(found->mappings[0].size, 10 * CHUNK);
	assert_int_equal(found->mappings[1].size, 1 << 20);
	for (i = 0; i < 2; i++) {
		assert_int_equal(sfs_catalog_load(repo->catalog,
						  found->mappings[i].snapshot,
						  &snapshots[i]),
				 0);
		assert_string_equal(snapshots[i]->set, found->set);
		assert_true(snapshots[i]->time_ns == found->time_ns);
		sfs_snapshot_free(snapshots[i]);
	}
	assert_records("1 img 1 set 2 snap");
	sfs_image_free(image);
	sfs_image_free(found);
}

/* A lone disk is a set as well, which commits it and the image at once. */
static void one_disk_is_enough(void **state)
{
	struct sfs_image *image = new_image("web");

	(void)state;
	add_mapping(image, "/dev/sda1", SFS_MAPPING_SNAPSHOT);
	assert_int_equal(create_after(image, disks, 1, NULL), 0);
	assert_records("1 img 1 set 1 snap");
	assert_true(sfs_id_valid(image->set, SFS_ID_SET));
	sfs_image_free(image);
}

static void a_disk_may_join_what_is_there(void **state)
{
	struct sfs_snapshot *old = take("old", "data");
	struct sfs_image *image = new_machine("web");

	(void)state;
	strcpy(image->mappings[1].snapshot, old->id);
	assert_int_equal(create_after(image, disks, 1, NULL), 0);
	assert_int_equal(image->mappings[1].size, old->size);
	assert_records("1 img 1 set 2 snap");
	sfs_image_free(image);
	sfs_snapshot_free(old);
}

/* ---- volumes ---- */

static void assert_volume(const struct sfs_image *image, size_t mapping,
			  const char *volume)
{
	struct sfs_snapshot *snapshot;

	assert_int_equal(sfs_catalog_load(repo->catalog,
					  image->mappings[mapping].snapshot,
					  &snapshot),
			 0);
	assert_string_equal(snapshot->volume, volume);
	sfs_snapshot_free(snapshot);
}

static void sources_are_known_again(void **state)
{
	struct sfs_snapshot *root = take("web-root", "disk");
	struct sfs_snapshot *other = take("data", "disk"), *loaded;
	struct sfs_image *image = new_machine("web"), *next;

	(void)state;
	sfs_snapshot_free(take("web-root", "disk"));
	assert_int_equal(create(image), 0);
	assert_volume(image, 0, "web-root");
	assert_volume(image, 1, "data-2"); /* another volume is "data" */
	assert_said("'disk': is volume 'web-root', as before");
	assert_said("'data': becomes the new volume 'data-2'");
	next = new_machine("web2");
	assert_int_equal(create(next), 0);
	assert_volume(next, 0, "web-root");
	assert_volume(next, 1, "data-2");
	assert_int_equal(sfs_catalog_load(repo->catalog,
					  next->mappings[1].snapshot, &loaded),
			 0);
	assert_string_equal(loaded->parent, image->mappings[1].snapshot);
	assert_int_equal(loaded->stored_bytes, 0);
	sfs_snapshot_free(loaded);
	sfs_snapshot_free(root);
	sfs_snapshot_free(other);
	sfs_image_free(image);
	sfs_image_free(next);
}

static void odd_names_are_made_fit(void **state)
{
	const struct sfs_image_source sources[] = {
		{ .mapping = 0, .source = ".-my disk!.img" },
		{ .mapping = 1, .source = "sub/data" },
		{ .mapping = 2, .source = "data" },
		{ .mapping = 3, .source = "disk", .volume = "data-2" },
		{ .mapping = 4, .source = "..." },
	};
	struct sfs_image *image = new_machine("web");

	(void)state;
	add_mapping(image, "/dev/sdg", SFS_MAPPING_SNAPSHOT);
	add_mapping(image, "/dev/sdh", SFS_MAPPING_SNAPSHOT);
	add_mapping(image, "/dev/sdi", SFS_MAPPING_SNAPSHOT);
	shell("mkdir sub; cp data sub/data; cp data './.-my disk!.img'; "
	      "cp data ...");
	assert_int_equal(create_after(image, sources, 5, NULL), 0);
	assert_volume(image, 0, "my-disk-.img");
	assert_volume(image, 1, "data");
	assert_volume(image, 2, "data-3");
	assert_volume(image, 3, "data-2");
	assert_volume(image, 4, "disk");
	sfs_image_free(image);
}

/* ---- what is refused before anything is read ---- */

/* Nobody gets to see that the disk is not there. */
static void assert_refused(struct sfs_image *image, int error, const char *why)
{
	const struct sfs_image_source source = { .source = "missing" };

	assert_int_equal(create_after(image, &source, 1, NULL), error);
	assert_said(image->name);
	assert_said(why);
	sfs_image_free(image);
}

static struct sfs_image *new_root(const char *name)
{
	struct sfs_image *image = new_image(name);

	add_mapping(image, "/dev/sda1", SFS_MAPPING_SNAPSHOT);
	return image;
}

static void rules_come_first(void **state)
{
	struct sfs_snapshot *a = take("a", "disk");
	struct sfs_image *image = register_image("web", a);

	(void)state;
	assert_refused(new_root("web"), -EEXIST, "is taken by");
	assert_refused(new_root("a"), -EINVAL, "is shorter than 3 bytes");
	sfs_image_free(image);
	image = new_root("root");
	strcpy(image->root, "/dev/sdb");
	assert_refused(image, -EINVAL, "is not mapped");
	image = new_root("twice");
	add_mapping(image, "/dev/sda1", SFS_MAPPING_NONE);
	assert_refused(image, -EINVAL, "is mapped twice");
	image = new_root("other");
	strcpy(add_mapping(image, "/dev/sdb", SFS_MAPPING_SNAPSHOT)->snapshot,
	       "snap-0123456789abcdef0");
	assert_refused(image, -ENOENT, "there is no snapshot");
	image = new_root("none");
	assert_int_equal(create_after(image, NULL, 0, NULL), -EINVAL);
	assert_said("snapfs image register");
	sfs_image_free(image);
	image = new_machine("volume");
	assert_int_equal(
		create_after(image,
			     &(struct sfs_image_source){ .source = "disk",
							 .volume = "a b" },
			     1, NULL),
		-ENOENT); /* of its second mapping's snapshot */
	sfs_image_free(image);
	assert_records("1 img 1 snap");
	sfs_snapshot_free(a);
}

static void a_volume_has_room_for_its_disk(void **state)
{
	struct sfs_image *image = new_machine("web");

	(void)state;
	image->mappings[1].size = 5 * CHUNK - 1;
	assert_int_equal(create(image), -EINVAL);
	assert_said("/dev/sdf: a volume of 20479 bytes has no room for the "
		    "20480 of 'data'");
	assert_string_equal(shell("find repo/packs -name '*.pack' | wc -l"),
			    "0");
	sfs_image_free(image);
}

/* ---- what goes wrong later ---- */

static void a_failing_disk_leaves_nothing(void **state)
{
	struct sfs_image *image = new_machine("web");
	const struct sfs_image_source sources[] = {
		disks[0], { .mapping = 1, .source = "missing" }
	};

	(void)state;
	assert_int_equal(create_after(image, sources, 2, NULL), -ENOENT);
	assert_said("missing");
	assert_records("");
	assert_int_equal(create(image), 0);
	sfs_image_free(image);
}

static void a_name_that_was_lost_leaves_nothing(void **state)
{
	struct sfs_snapshot *a = take("a", "disk");
	struct sfs_image *first = register_image("web", a);
	struct sfs_image *image = new_machine("web");
	char pre[128];

	(void)state;
	shell("mv repo/records/%s.json away", first->id);
	snprintf(pre, sizeof(pre), "mv away repo/records/%s.json", first->id);
	assert_int_equal(create_after(image, disks, 2, pre), -EEXIST);
	assert_said(first->id);
	assert_records("1 img 1 snap");
	sfs_image_free(first);
	sfs_image_free(image);
	sfs_snapshot_free(a);
}

static void a_snapshot_that_went_leaves_nothing(void **state)
{
	struct sfs_snapshot *old = take("old", "data");
	struct sfs_image *image = new_machine("web");
	char pre[128];

	(void)state;
	snprintf(pre, sizeof(pre), "mv repo/records/%s.json away", old->id);
	strcpy(image->mappings[1].snapshot, old->id);
	assert_int_equal(create_after(image, disks, 1, pre), -ENOENT);
	assert_said("there is no snapshot");
	assert_records("");
	sfs_image_free(image);
	sfs_snapshot_free(old);
}

/* As a creator leaves it that died before it published the set's record. */
static void an_image_without_its_set_does_not_count(void **state)
{
	struct sfs_snapshot *old = take("old", "data");
	struct sfs_image *image = new_machine("web"), *found = NULL;
	char *ids[] = { old->id };

	(void)state;
	strcpy(image->mappings[1].snapshot, old->id);
	assert_int_equal(create_after(image, disks, 1, NULL), 0);
	assert_int_equal(
		sfs_store_remove(repo->store, SFS_AREA_RECORDS, image->set), 0);
	assert_int_equal(sfs_catalog_select_image(repo->catalog, "web", &found),
			 -ENOENT);
	assert_int_equal(
		sfs_catalog_load_image(repo->catalog, image->id, &found),
		-ENOENT);
	/* Until gc knows that nobody is at it. */
	assert_int_equal(sfs_delete(repo, ids, 1), -EPERM);
	assert_said("unfinished, which 'snapfs gc' removes");
	/* The name is free. */
	sfs_image_free(image);
	image = new_image("web");
	add_mapping(image, "/dev/sda1", SFS_MAPPING_SNAPSHOT);
	assert_int_equal(create_after(image, disks, 1, NULL), 0);
	assert_int_equal(
		sfs_gc(repo, false, NULL, &(struct sfs_gc_result){ 0 }), 0);
	assert_records("1 img 1 set 2 snap");
	assert_int_equal(sfs_delete(repo, ids, 1), 0);
	sfs_image_free(image);
	sfs_snapshot_free(old);
}

/* ---- what the root tells ---- */

static void what_is_unknown_is_said(void **state)
{
	struct sfs_image *image = new_machine("web");

	(void)state;
	image->architecture[0] = image->boot_mode[0] = '\0';
	image->platform[0] = '\0';
	assert_int_equal(create(image), 0);
	assert_string_equal(image->architecture, "");
	assert_said("image 'web': architecture: unknown");
	assert_said("--arch");
	assert_said("--boot-mode");
	assert_said("--platform");
	sfs_image_free(image);
}

/* A BIOS boots what stands in the first sector. */
static void make_bootable(const char *path)
{
	resize(path, 8 << 20);
	shell("echo 'start=2048, type=83, bootable' | sfdisk -q %s", path);
	put_noise(path, 0, 400, 5);
}

static void what_is_found_is_taken(void **state)
{
	struct sfs_image *image = new_machine("web"), *other;

	(void)state;
	shell("rm disk");
	make_bootable("disk");
	image->boot_mode[0] = '\0';
	strcpy(image->architecture, "arm64"); /* as given, whatever it is */
	assert_int_equal(create(image), 0);
	assert_string_equal(image->boot_mode, "legacy-bios");
	assert_string_equal(image->architecture, "arm64");
	assert_said("image 'web': boot mode: legacy-bios");

	other = new_image("other");
	strcpy(add_mapping(other, "/dev/sda1", SFS_MAPPING_SNAPSHOT)->snapshot,
	       image->mappings[0].snapshot);
	other->boot_mode[0] = '\0';
	assert_int_equal(sfs_image_probe(repo, other), 0);
	assert_string_equal(other->boot_mode, "legacy-bios");
	assert_int_equal(sfs_image_register(repo, other), 0);
	sfs_image_free(image);
	sfs_image_free(other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, repo_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_is_of_one_moment),
		TEST(one_disk_is_enough),
		TEST(a_disk_may_join_what_is_there),
		TEST(sources_are_known_again),
		TEST(odd_names_are_made_fit),
		TEST(rules_come_first),
		TEST(a_volume_has_room_for_its_disk),
		TEST(a_failing_disk_leaves_nothing),
		TEST(a_name_that_was_lost_leaves_nothing),
		TEST(a_snapshot_that_went_leaves_nothing),
		TEST(an_image_without_its_set_does_not_count),
		TEST(what_is_unknown_is_said),
		TEST(what_is_found_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
