/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/image.h"

#define SNAPSHOT "snap-00000000000000001"

/* A machine with one mapping of each kind. */
static struct sfs_image *sample(void)
{
	struct sfs_image *image = sfs_calloc(1, sizeof(*image));

	assert_non_null(image);
	strcpy(image->id, "img-00000000000000001");
	strcpy(image->name, "web");
	image->owner = SFS_OWNER_NONE;
	strcpy(image->root, "/dev/sda1");
	image->mappings = sfs_calloc(4, sizeof(*image->mappings));
	assert_non_null(image->mappings);
	image->mapping_count = 4;
	image->mappings[0] = (struct sfs_mapping){
		.device = "/dev/sdf",
		.kind = SFS_MAPPING_EMPTY,
		.size = 1,
	};
	image->mappings[1] = (struct sfs_mapping){
		.device = "/dev/sda1",
		.kind = SFS_MAPPING_SNAPSHOT,
		.snapshot = SNAPSHOT,
		.size = SFS_VOLUME_SIZE_MAX,
	};
	image->mappings[2] = (struct sfs_mapping){
		.device = "sdb",
		.kind = SFS_MAPPING_EPHEMERAL,
		.ephemeral = SFS_EPHEMERAL_MAX,
	};
	image->mappings[3] = (struct sfs_mapping){
		.device = "sdc",
		.kind = SFS_MAPPING_NONE,
	};
	return image;
}

static void accept(struct sfs_image *image)
{
	const char *what = "", *why = "";
	int r;

	r = sfs_image_check(image, &what, &why);
	if (r < 0)
		print_message("'%s' %s\n", what, why);
	assert_int_equal(r, 0);
	sfs_image_free(image);
}

static void refuse(struct sfs_image *image, const char *named,
		   const char *reason)
{
	const char *what = NULL, *why = NULL;

	assert_int_equal(sfs_image_check(image, &what, &why), -EINVAL);
	assert_string_equal(what, named);
	if (!strstr(why, reason))
		fail_msg("'%s' is not why: %s", reason, why);
	sfs_image_free(image);
}

static void good_ones_pass(void **state)
{
	struct sfs_image *image = sample();

	(void)state;
	accept(image);
	image = sample();
	strcpy(image->architecture, "riscv64");
	strcpy(image->boot_mode, "uefi-preferred");
	strcpy(image->set, "set-00000000000000001");
	strcpy(image->origin, "img-00000000000000002");
	image->platform = sfs_strdup("Debian GNU/Linux 12 (bookworm)");
	image->description = sfs_strdup("caf\xc3\xa9");
	accept(image);
}

static void texts_and_words_are_judged(void **state)
{
	struct sfs_image *image = sample();

	(void)state;
	strcpy(image->name, "..");
	refuse(image, "..", "shorter");
	image = sample();
	strcpy(image->set, "img-00000000000000001");
	refuse(image, "img-00000000000000001", "set's id");
	image = sample();
	strcpy(image->origin, "ami-00000000000000001");
	refuse(image, "ami-00000000000000001", "image's id");
	image = sample();
	strcpy(image->architecture, "amd64");
	refuse(image, "amd64", "architecture");
	image = sample();
	strcpy(image->boot_mode, "bios");
	refuse(image, "bios", "boot mode");
	image = sample();
	image->platform = sfs_strdup("a\nb");
	refuse(image, "a\nb", "control");
	image = sample();
	image->description = sfs_strdup("\xff");
	refuse(image, "\xff", "UTF-8");
}

static void mappings_are_judged(void **state)
{
	struct sfs_image *image = sample();

	(void)state;
	strcpy(image->mappings[2].device, "/dev/root");
	refuse(image, "/dev/root", "root");
	image = sample();
	image->mappings[0].size = 0;
	refuse(image, "/dev/sdf", "zero");
	image = sample();
	image->mappings[1].size = 0;
	refuse(image, "/dev/sda1", "zero");
	image = sample();
	image->mappings[1].size++;
	refuse(image, "/dev/sda1", "2^60");
	image = sample();
	strcpy(image->mappings[1].snapshot, "snap-1");
	refuse(image, "/dev/sda1", "snapshot's id");
	image = sample();
	image->mappings[2].ephemeral++;
	refuse(image, "sdb", "ephemeral23");
	image = sample();
	image->mapping_count = 0;
	refuse(image, "web", "no device");
}

static void devices_and_their_files_are_unique(void **state)
{
	struct sfs_image *image = sample();

	(void)state;
	strcpy(image->mappings[3].device, "/dev/sda1");
	refuse(image, "/dev/sda1", "twice");
	image = sample();
	strcpy(image->mappings[3].device, "sda1");
	refuse(image, "sda1", "file name of another");
	image = sample();
	strcpy(image->mappings[2].device, "/dev/a/b");
	strcpy(image->mappings[3].device, "a_b");
	refuse(image, "a_b", "file name of another");
	image = sample();
	strcpy(image->mappings[3].device, "SDA1");
	accept(image);
}

static void one_root_is_from_a_snapshot(void **state)
{
	struct sfs_image *image = sample();

	(void)state;
	*image->root = '\0';
	refuse(image, "web", "no root");
	image = sample();
	strcpy(image->root, "sda1"); /* the file's name is not the device's */
	refuse(image, "sda1", "not mapped");
	image = sample();
	strcpy(image->root, "/dev/sdf");
	refuse(image, "/dev/sdf", "not from a snapshot");
	image = sample();
	strcpy(image->root, "sdb");
	refuse(image, "sdb", "not from a snapshot");
	image = sample();
	strcpy(image->root, "sdc");
	refuse(image, "sdc", "not from a snapshot");
}

static struct sfs_image *sample_of(size_t count)
{
	struct sfs_image *image = sample();
	struct sfs_mapping first = image->mappings[1];
	size_t i;

	image->mappings = sfs_realloc(image->mappings, count, sizeof(first));
	assert_non_null(image->mappings);
	image->mapping_count = count;
	for (i = 0; i < count; i++) {
		image->mappings[i] = first;
		if (i > 0)
			snprintf(image->mappings[i].device,
				 sizeof(first.device), "sd%zu", i);
	}
	return image;
}

static void there_are_128_mappings_at_most(void **state)
{
	(void)state;
	accept(sample_of(1));
	accept(sample_of(SFS_MAPPINGS_MAX));
	refuse(sample_of(SFS_MAPPINGS_MAX + 1), "web", "more than 128");
}

static void mappings_are_found(void **state)
{
	struct sfs_image *image = sample();

	(void)state;
	assert_ptr_equal(sfs_image_root(image), &image->mappings[1]);
	assert_ptr_equal(sfs_image_mapping(image, "sdc"), &image->mappings[3]);
	assert_null(sfs_image_mapping(image, "/dev/sdc"));
	assert_true(sfs_image_uses(image, SNAPSHOT));
	assert_false(sfs_image_uses(image, "snap-00000000000000002"));
	/* Others than volumes of snapshots have no id, whatever stands there.
	 */
	strcpy(image->mappings[0].snapshot, "snap-00000000000000002");
	assert_false(sfs_image_uses(image, "snap-00000000000000002"));
	assert_true(sfs_mapping_is_volume(&image->mappings[0]));
	assert_true(sfs_mapping_is_volume(&image->mappings[1]));
	assert_false(sfs_mapping_is_volume(&image->mappings[2]));
	assert_false(sfs_mapping_is_volume(&image->mappings[3]));
	sfs_image_free(image);
}

static void deprecation_starts_at_its_time(void **state)
{
	struct sfs_image image = { .deprecated_ns = 0 };

	(void)state;
	assert_false(sfs_image_deprecated(&image, INT64_MAX));
	image.deprecated_ns = 100;
	assert_false(sfs_image_deprecated(&image, 99));
	assert_true(sfs_image_deprecated(&image, 100));
}

static void copies_are_their_own(void **state)
{
	struct sfs_image *image = sample(), *copy;

	(void)state;
	image->platform = sfs_strdup("Debian");
	image->disabled = true;
	image->deprecated_ns = 7;
	assert_int_equal(sfs_tags_set(&image->tags, "k", "v"), 0);
	assert_int_equal(sfs_grants_parse("user:1", &image->grants), 0);
	assert_int_equal(sfs_image_copy(image, &copy), 0);
	sfs_image_free(image);
	assert_string_equal(copy->id, "img-00000000000000001");
	assert_string_equal(copy->name, "web");
	assert_string_equal(copy->platform, "Debian");
	assert_string_equal(copy->description, "");
	assert_true(copy->disabled);
	assert_true(copy->deprecated_ns == 7);
	assert_string_equal(sfs_tags_get(&copy->tags, "k"), "v");
	assert_int_equal(copy->grants.count, 1);
	assert_int_equal(copy->mapping_count, 4);
	assert_string_equal(copy->mappings[2].device, "sdb");
	accept(copy);
}

static void an_empty_one_can_be_copied_and_freed(void **state)
{
	struct sfs_image image = { .owner = 0 }, *copy;

	(void)state;
	assert_int_equal(sfs_image_copy(&image, &copy), 0);
	assert_int_equal(copy->mapping_count, 0);
	sfs_image_free(copy);
	sfs_image_free(NULL);
	sfs_image_done(&image);
	sfs_image_done(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_pass),
		cmocka_unit_test(texts_and_words_are_judged),
		cmocka_unit_test(mappings_are_judged),
		cmocka_unit_test(devices_and_their_files_are_unique),
		cmocka_unit_test(one_root_is_from_a_snapshot),
		cmocka_unit_test(there_are_128_mappings_at_most),
		cmocka_unit_test(mappings_are_found),
		cmocka_unit_test(deprecation_starts_at_its_time),
		cmocka_unit_test(copies_are_their_own),
		cmocka_unit_test(an_empty_one_can_be_copied_and_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
