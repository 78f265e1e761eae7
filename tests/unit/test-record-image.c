/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "tests/unit/records.h"

static struct sfs_mapping sample_mappings[] = {
	{ .device = "/dev/sda1",
	  .kind = SFS_MAPPING_SNAPSHOT,
	  .snapshot = "snap-00000000000000001",
	  .size = 1000000,
	  .delete_on_termination = true },
	{ .device = "/dev/sdf",
	  .kind = SFS_MAPPING_EMPTY,
	  .size = SFS_VOLUME_SIZE_MAX },
	{ .device = "sdb", .kind = SFS_MAPPING_EPHEMERAL, .ephemeral = 23 },
	{ .device = "sdc", .kind = SFS_MAPPING_NONE },
	{ .device = "sdd",
	  .kind = SFS_MAPPING_SNAPSHOT,
	  .snapshot = "snap-00000000000000001",
	  .size = 2000000 },
};

static struct sfs_image sample_image(void)
{
	struct sfs_image image = records_image(7, "web (1)", sample_mappings,
					       SFS_ARRAY_SIZE(sample_mappings));

	strcpy(image.set, "set-0123456789abcdef0");
	strcpy(image.origin, "img-0123456789abcdef0");
	strcpy(image.architecture, "x86_64");
	strcpy(image.boot_mode, "uefi");
	image.owner = 1000;
	image.platform = (char *)"Debian GNU/Linux 12";
	image.description = (char *)"nightly \xc3\xa9";
	image.disabled = true;
	image.is_protected = true;
	image.deprecated_ns = RECORDS_TIME;
	assert_int_equal(sfs_tags_set(&image.tags, "a", "1"), 0);
	assert_int_equal(
		sfs_grants_parse("user:1000 group:4 all", &image.grants), 0);
	return image;
}

/* What sample_image() allocated. */
static void sample_image_done(struct sfs_image *image)
{
	sfs_tags_done(&image->tags);
	sfs_grants_done(&image->grants);
}

static char *encode_image(const struct sfs_config *config,
			  const struct sfs_image *image, size_t *ret_size)
{
	char *file = NULL;

	assert_int_equal(
		sfs_record_encode_image(config, image, &file, ret_size), 0);
	return file;
}

static int decode_image(const struct sfs_config *config, const char *file,
			size_t size, struct sfs_image **ret, char *buffer,
			const char **reterr_why)
{
	return sfs_record_decode_image(config, "img-00000000000000007", file,
				       size, ret, buffer, reterr_why);
}

static void assert_mappings_equal(const struct sfs_image *a,
				  const struct sfs_image *b)
{
	const struct sfs_mapping *x, *y;
	size_t i;

	assert_int_equal(a->mapping_count, b->mapping_count);
	for (i = 0; i < a->mapping_count; i++) {
		x = &a->mappings[i];
		y = &b->mappings[i];
		assert_string_equal(x->device, y->device);
		assert_int_equal(x->kind, y->kind);
		assert_string_equal(x->snapshot, y->snapshot);
		assert_true(x->size == y->size);
		assert_int_equal(x->ephemeral, y->ephemeral);
		assert_int_equal(x->delete_on_termination,
				 y->delete_on_termination);
	}
}

static void images_come_back(void **state)
{
	CLEANUP_IMAGE struct sfs_image *back = NULL;
	struct sfs_config config = records_config();
	struct sfs_image image = sample_image();
	CLEANUP_FREE char *file = NULL;
	CLEANUP_FREE char *again = NULL;
	CLEANUP_FREE char *grants = NULL;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	size_t size;

	(void)state;
	file = encode_image(&config, &image, &size);
	assert_int_equal(size, strlen(file));
	assert_int_equal(decode_image(&config, file, size, &back, buffer, &why),
			 0);
	assert_string_equal(back->id, image.id);
	assert_string_equal(back->name, "web (1)");
	assert_string_equal(back->set, image.set);
	assert_string_equal(back->origin, image.origin);
	assert_true(back->time_ns == image.time_ns);
	assert_int_equal(back->owner, 1000);
	assert_string_equal(back->architecture, "x86_64");
	assert_string_equal(back->boot_mode, "uefi");
	assert_string_equal(back->platform, image.platform);
	assert_string_equal(back->description, image.description);
	assert_true(back->disabled);
	assert_true(back->is_protected);
	assert_true(back->deprecated_ns == RECORDS_TIME);
	assert_string_equal(back->root, "/dev/sda1");
	assert_string_equal(sfs_tags_get(&back->tags, "a"), "1");
	assert_int_equal(sfs_grants_format(&back->grants, &grants), 0);
	assert_string_equal(grants, "user:1000 group:4 all");
	assert_mappings_equal(back, &image);
	assert_false(back->newer);
	again = encode_image(&config, back, &size);
	assert_string_equal(again, file);
	sample_image_done(&image);
}

static void unknown_things_about_images_are_left_out(void **state)
{
	static const char *const optional[] = {
		"OwnerId",	"SetId",	   "SourceImageId",
		"Architecture", "BootMode",	   "PlatformDetails",
		"UserId",	"DeprecationTime",
	};
	CLEANUP_IMAGE struct sfs_image *back = NULL;
	struct sfs_config config = records_config();
	struct sfs_mapping mapping = records_mapping("xvda", 1);
	struct sfs_image image = records_image(7, "web", &mapping, 1);
	CLEANUP_FREE char *file = NULL;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	size_t size, i;

	(void)state;
	file = encode_image(&config, &image, &size);
	for (i = 0; i < SFS_ARRAY_SIZE(optional); i++)
		if (strstr(file, optional[i]))
			fail_msg("'%s' is written", optional[i]);
	assert_int_equal(decode_image(&config, file, size, &back, buffer, &why),
			 0);
	assert_int_equal(back->owner, SFS_OWNER_NONE);
	assert_string_equal(back->set, "");
	assert_string_equal(back->origin, "");
	assert_string_equal(back->architecture, "");
	assert_string_equal(back->boot_mode, "");
	assert_string_equal(back->platform, "");
	assert_string_equal(back->description, "");
	assert_false(back->disabled);
	assert_false(back->is_protected);
	assert_true(back->deprecated_ns == 0);
	assert_int_equal(back->grants.count, 0);
	assert_false(back->mappings[0].delete_on_termination);
}

static void expect_image_refused(const struct sfs_config *config,
				 const char *good, const char *from,
				 const char *to, int error, const char *named)
{
	struct sfs_image *back = NULL;
	char buffer[SFS_RECORD_WHY_SIZE];
	CLEANUP_FREE char *file = NULL;
	const char *why = "(none)";
	size_t size;
	int r;

	file = records_tamper(good, from, to, &size);
	r = decode_image(config, file, size, &back, buffer, &why);
	if (r != error || !strstr(why, named))
		fail_msg("%s -> %s: %d '%s' does not name '%s'", from,
			 to ? to : "(gone)", r, why, named);
	assert_null(back);
}

static void missing_members_of_images_are_named(void **state)
{
	static const char *const members[] = {
		"Format",
		"Version",
		"IncompatFeatures",
		"Kind",
		"Repository",
		"ImageId",
		"Name",
		"State",
		"CreationDate",
		"Description",
		"Tags",
		"RootDeviceName",
		"DeregistrationProtection",
		"LaunchPermissions",
		"BlockDeviceMappings",
		"DeviceName",
		"VolumeSizeInBytes",
		"DeleteOnTermination",
	};
	struct sfs_config config = records_config();
	struct sfs_image image = sample_image();
	CLEANUP_FREE char *good = NULL;
	char from[64], to[64], named[64];
	size_t size, i;

	(void)state;
	good = encode_image(&config, &image, &size);
	for (i = 0; i < SFS_ARRAY_SIZE(members); i++) {
		snprintf(from, sizeof(from), "\"%s\": ", members[i]);
		snprintf(to, sizeof(to), "\"X%s\": ", members[i]);
		snprintf(named, sizeof(named), "'%s' is missing", members[i]);
		expect_image_refused(&config, good, from, to, -EUCLEAN, named);
	}
	sample_image_done(&image);
}

static void wrong_members_of_images_are_named(void **state)
{
	static const struct {
		const char *from, *to;
		int error;
		const char *named;
	} cases[] = {
		{ "\"Version\": 1", "\"Version\": 2", -EOPNOTSUPP, "Version" },
		{ "\"IncompatFeatures\": []", "\"IncompatFeatures\": [\"x\"]",
		  -EOPNOTSUPP, "'x'" },
		{ "\"image\"", "\"snapshot\"", -EUCLEAN, "Kind" },
		{ "5a5a5a5a-5a5a", "5a5a5a5a-5a5b", -EUCLEAN, "Repository" },
		{ "\"img-00000000000000007\"", "\"img-00000000000000008\"",
		  -EUCLEAN, "file's name" },
		{ "\"img-00000000000000007\"", "\"ami-00000000000000007\"",
		  -EUCLEAN, "ImageId" },
		{ "\"web (1)\"", "\"a/b\"", -EUCLEAN, "Name" },
		{ "\"web (1)\"", "\"img-00000000000000009\"", -EUCLEAN,
		  "Name" },
		{ "\"web (1)\"", "[\"web\"]", -EUCLEAN, "Name" },
		{ "\"State\": \"disabled\"", "\"State\": \"pending\"", -EUCLEAN,
		  "State" },
		{ "\"CreationDate\": \"2", "\"CreationDate\": \"1", -EUCLEAN,
		  "CreationDate" },
		{ "\"OwnerId\": 1000", "\"OwnerId\": 4294967295", -EUCLEAN,
		  "OwnerId" },
		{ "\"set-", "\"sat-", -EUCLEAN, "SetId" },
		{ "\"SetId\": \"set-0123456789abcdef0\"", "\"SetId\": \"\"",
		  -EUCLEAN, "SetId" },
		{ "\"img-0123456789abcdef0\"", "\"ami-0123456789abcdef0\"",
		  -EUCLEAN, "SourceImageId" },
		{ "nightly", "\\u202enightly", -EUCLEAN, "Description" },
		{ "\"a\": \"1\"", "\"a=\": \"1\"", -EUCLEAN, "Tags" },
		{ "\"x86_64\"", "\"vax\"", -EUCLEAN, "Architecture" },
		{ "\"x86_64\"", "\"\"", -EUCLEAN, "Architecture" },
		{ "\"uefi\"", "\"bios\"", -EUCLEAN, "BootMode" },
		{ "Debian", "De\\u0007bian", -EUCLEAN, "PlatformDetails" },
		{ "\"Debian GNU/Linux 12\"", "\"\"", -EUCLEAN,
		  "PlatformDetails" },
		{ "\"RootDeviceName\": \"/dev/sda1\"",
		  "\"RootDeviceName\": \"/dev/sdz\"", -EUCLEAN, "not mapped" },
		{ "\"RootDeviceName\": \"/dev/sda1\"",
		  "\"RootDeviceName\": \"/dev/sdf\"", -EUCLEAN,
		  "not from a snapshot" },
		{ "\"RootDeviceName\": \"/dev/sda1\"",
		  "\"RootDeviceName\": \"sdb\"", -EUCLEAN,
		  "not from a snapshot" },
		{ "\"RootDeviceName\": \"/dev/sda1\"",
		  "\"RootDeviceName\": \"sd\\u0007\"", -EUCLEAN,
		  "'RootDeviceName' holds" },
		{ "\"DeprecationTime\": \"2", "\"DeprecationTime\": \"x",
		  -EUCLEAN, "DeprecationTime" },
		{ "\"DeprecationTime\": \"2026-11-22T10:04:58Z\"",
		  "\"DeprecationTime\": \"1970-01-01T00:00:00Z\"", -EUCLEAN,
		  "DeprecationTime" },
		{ "\"DeregistrationProtection\": \"enabled\"",
		  "\"DeregistrationProtection\": true", -EUCLEAN,
		  "DeregistrationProtection" },
		{ "\"LaunchPermissions\": [", "\"LaunchPermissions\": [{},",
		  -EUCLEAN, "not alone" },
		{ "\"GroupId\": 4", "\"UserId\": 1000", -EUCLEAN, "twice" },
		{ "\"BlockDeviceMappings\": [",
		  "\"BlockDeviceMappings\": [],\"x\": [", -EUCLEAN, "empty" },
		{ "\"BlockDeviceMappings\": [",
		  "\"BlockDeviceMappings\": {},\"x\": [", -EUCLEAN,
		  "not a list" },
		{ "\"BlockDeviceMappings\": [", "\"BlockDeviceMappings\": [[],",
		  -EUCLEAN, "not an object" },
		{ "\"DeviceName\": \"sdb\"", "\"DeviceName\": \"/dev/../b\"",
		  -EUCLEAN, "DeviceName" },
		{ "\"DeviceName\": \"sdb\"", "\"DeviceName\": \"root\"",
		  -EUCLEAN, "DeviceName" },
		{ "\"DeviceName\": \"sdb\"", "\"DeviceName\": \"sdc\"",
		  -EUCLEAN, "'sdc' is mapped twice" },
		{ "\"DeviceName\": \"sdb\"", "\"DeviceName\": \"sda1\"",
		  -EUCLEAN, "'sda1' has the file name" },
		{ "\"VirtualName\"", "\"NoDevice\": \"\", \"VirtualName\"",
		  -EUCLEAN, "not alone" },
		{ "\"VirtualName\"", "\"VertualName\"", -EUCLEAN, "not alone" },
		{ "\"ephemeral23\"", "\"ephemeral24\"", -EUCLEAN,
		  "VirtualName" },
		{ "\"ephemeral23\"", "\"ephemeral023\"", -EUCLEAN,
		  "VirtualName" },
		{ "\"ephemeral23\"", "\"ephemeral\"", -EUCLEAN, "VirtualName" },
		{ "\"NoDevice\": \"\"", "\"NoDevice\": \"sdc\"", -EUCLEAN,
		  "NoDevice" },
		{ "\"NoDevice\": \"\"", "\"NoDevice\": null", -EUCLEAN,
		  "NoDevice" },
		{ "\"Ebs\": {", "\"Ebs\": 1, \"x\": {", -EUCLEAN, "Ebs" },
		{ "\"snap-00000000000000001\"", "\"vol-00000000000000001\"",
		  -EUCLEAN, "SnapshotId" },
		{ "\"VolumeSizeInBytes\": 1000000", "\"VolumeSizeInBytes\": 0",
		  -EUCLEAN, "'/dev/sda1' has a size of zero" },
		{ "\"VolumeSizeInBytes\": 1152921504606846976",
		  "\"VolumeSizeInBytes\": 1152921504606846977", -EUCLEAN,
		  "VolumeSizeInBytes" },
		{ "\"DeleteOnTermination\": true", "\"DeleteOnTermination\": 1",
		  -EUCLEAN, "DeleteOnTermination" },
	};
	struct sfs_config config = records_config();
	struct sfs_image image = sample_image();
	CLEANUP_FREE char *good = NULL;
	size_t size, i;

	(void)state;
	good = encode_image(&config, &image, &size);
	for (i = 0; i < SFS_ARRAY_SIZE(cases); i++)
		expect_image_refused(&config, good, cases[i].from, cases[i].to,
				     cases[i].error, cases[i].named);
	sample_image_done(&image);
}

static void unknown_members_of_images_are_noticed(void **state)
{
	static const char *const places[] = { "\"Format\"", "\"UserId\"",
					      "\"Group\"", "\"DeviceName\"",
					      "\"VolumeSizeInBytes\"" };
	struct sfs_config config = records_config();
	struct sfs_image image = sample_image(), *back;
	CLEANUP_FREE char *good = NULL;
	char buffer[SFS_RECORD_WHY_SIZE], more[64], *file;
	const char *why;
	size_t size, i;

	(void)state;
	good = encode_image(&config, &image, &size);
	for (i = 0; i < SFS_ARRAY_SIZE(places); i++) {
		snprintf(more, sizeof(more), "\"Later\": null, %s", places[i]);
		file = records_tamper(good, places[i], more, &size);
		assert_int_equal(
			decode_image(&config, file, size, &back, buffer, &why),
			0);
		assert_true(back->newer);
		assert_mappings_equal(back, &image);
		sfs_image_free(back);
		free(file);
	}
	sample_image_done(&image);
}

static void images_have_limits(void **state)
{
	struct sfs_mapping mappings[SFS_MAPPINGS_MAX];
	struct sfs_config config = records_config();
	struct sfs_image image, *back;
	CLEANUP_FREE char *good = NULL;
	char buffer[SFS_RECORD_WHY_SIZE], device[32];
	struct sfs_grant grant = { .kind = SFS_GRANT_GROUP };
	const char *why;
	size_t size;
	unsigned i;

	(void)state;
	for (i = 0; i < SFS_MAPPINGS_MAX; i++) {
		snprintf(device, sizeof(device), "/dev/sd%u", i);
		mappings[i] = records_mapping(device, i);
	}
	image = records_image(7, "web", mappings, SFS_MAPPINGS_MAX);
	for (grant.id = 0; grant.id < SFS_GRANTS_MAX; grant.id++)
		assert_int_equal(sfs_grants_add(&image.grants, grant), 1);
	good = encode_image(&config, &image, &size);
	assert_int_equal(decode_image(&config, good, size, &back, buffer, &why),
			 0);
	assert_mappings_equal(back, &image);
	assert_int_equal(back->grants.count, SFS_GRANTS_MAX);
	sfs_image_free(back);
	expect_image_refused(&config, good, "\"BlockDeviceMappings\": [",
			     "\"BlockDeviceMappings\": [{\"DeviceName\":\"x\","
			     "\"NoDevice\":\"\"},",
			     -EUCLEAN, "'BlockDeviceMappings' has too many");
	expect_image_refused(&config, good, "\"LaunchPermissions\": [",
			     "\"LaunchPermissions\": [{\"Group\":\"all\"},",
			     -EUCLEAN, "'LaunchPermissions' has too many");
	sfs_grants_done(&image.grants);
}

static void wrong_images_are_not_written(void **state)
{
	struct sfs_config config = records_config();
	struct sfs_mapping mapping = records_mapping("xvda", 1);
	struct sfs_image image = records_image(7, "web", &mapping, 1);
	size_t size;
	char *file = NULL;

	(void)state;
	sfs_log_set_sink(records_sink);
	records_forget_log();
	strcpy(image.root, "xvdb");
	assert_int_equal(sfs_record_encode_image(&config, &image, &file, &size),
			 -EINVAL);
	records_assert_logged("'img-00000000000000007': record not written: "
			      "'xvdb' is the root device, but is not mapped");
	assert_null(file);
}

static void every_flipped_bit_of_an_image_is_noticed(void **state)
{
	struct sfs_config config = records_config();
	struct sfs_image image = sample_image(), *back = NULL;
	CLEANUP_FREE char *file = NULL;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	size_t size, i;
	int r;

	(void)state;
	file = encode_image(&config, &image, &size);
	for (i = 0; i < 8 * size; i++) {
		file[i / 8] ^= (char)(1 << i % 8);
		r = decode_image(&config, file, size, &back, buffer, &why);
		assert_true(r == -EBADMSG || r == -EUCLEAN);
		file[i / 8] ^= (char)(1 << i % 8);
	}
	sample_image_done(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_come_back),
		cmocka_unit_test(unknown_things_about_images_are_left_out),
		cmocka_unit_test(missing_members_of_images_are_named),
		cmocka_unit_test(wrong_members_of_images_are_named),
		cmocka_unit_test(unknown_members_of_images_are_noticed),
		cmocka_unit_test(images_have_limits),
		cmocka_unit_test(wrong_images_are_not_written),
		cmocka_unit_test(every_flipped_bit_of_an_image_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
