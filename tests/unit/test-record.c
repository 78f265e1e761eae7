/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "tests/unit/records.h"

static struct sfs_snapshot sample(void)
{
	struct sfs_snapshot s = records_snapshot(7, "web");

	strcpy(s.parent, "snap-00000000000000006");
	strcpy(s.set, "set-0123456789abcdef0");
	s.bad_bytes = 16384;
	s.consistency = SFS_CONSISTENCY_FILESYSTEM;
	s.source = sfs_strdup("/dev/vg/web");
	s.description = sfs_strdup("before \"the\" update \xc3\xa9");
	assert_int_equal(sfs_tags_set(&s.tags, "b", "2"), 0);
	assert_int_equal(sfs_tags_set(&s.tags, "a", ""), 0);
	s.root.kind = SFS_KIND_NODE + 1;
	s.root.pack = 0x1122334455667788;
	s.root.offset = 64;
	s.root.stored = 100;
	memset(&s.root.hash, 0xab, sizeof(s.root.hash));
	return s;
}

static char *encode(const struct sfs_config *config,
		    const struct sfs_snapshot *s, size_t *ret_size)
{
	char *file = NULL;

	assert_int_equal(sfs_record_encode_snapshot(config, s, &file, ret_size),
			 0);
	return file;
}

static void snapshots_come_back(void **state)
{
	struct sfs_config config = records_config();
	struct sfs_snapshot s = sample(), *back;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	size_t size;
	char *file = encode(&config, &s, &size);

	(void)state;
	assert_int_equal(size, strlen(file));
	assert_int_equal(sfs_record_decode_snapshot(&config, s.id, file, size,
						    &back, buffer, &why),
			 0);
	assert_string_equal(back->id, s.id);
	assert_string_equal(back->volume_id, s.volume_id);
	assert_string_equal(back->volume, s.volume);
	assert_string_equal(back->parent, s.parent);
	assert_string_equal(back->set, s.set);
	assert_true(back->time_ns == s.time_ns);
	assert_true(back->completed_ns == s.completed_ns);
	assert_true(back->size == s.size);
	assert_true(back->data_bytes == s.data_bytes);
	assert_true(back->bad_bytes == s.bad_bytes);
	assert_true(back->stored_bytes == s.stored_bytes);
	assert_int_equal(back->consistency, s.consistency);
	assert_string_equal(back->source, s.source);
	assert_string_equal(back->description, s.description);
	assert_int_equal(back->tags.count, 2);
	assert_string_equal(back->tags.tags[0].key, "a");
	assert_string_equal(sfs_tags_get(&back->tags, "b"), "2");
	assert_int_equal(back->height, 1);
	assert_true(sfs_entry_equal(&back->root, &s.root));
	sfs_snapshot_free(back);
	free(file);
	sfs_snapshot_done(&s);
}

static void absent_links_are_left_out(void **state)
{
	struct sfs_config config = records_config();
	struct sfs_snapshot s = records_snapshot(1, "v"), *back;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	size_t size;
	char *file = encode(&config, &s, &size);

	(void)state;
	assert_null(strstr(file, "ParentSnapshotId"));
	assert_null(strstr(file, "SetId"));
	assert_int_equal(sfs_record_decode_snapshot(&config, s.id, file, size,
						    &back, buffer, &why),
			 0);
	assert_string_equal(back->parent, "");
	assert_string_equal(back->set, "");
	assert_string_equal(back->source, "");
	sfs_snapshot_free(back);
	free(file);
}

static void sizes_to_the_limit_come_back(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 16384, 16385,
					  UINT64_C(1) << 60 };
	struct sfs_config config = records_config();
	struct sfs_snapshot s = records_snapshot(1, "v"), *back;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	size_t size, i;
	char *file;

	(void)state;
	for (i = 0; i < SFS_ARRAY_SIZE(sizes); i++) {
		s.size = sizes[i];
		s.data_bytes = sfs_map_chunks(s.size, 16384) * 16384;
		s.height = sfs_map_height(sfs_map_chunks(s.size, 16384));
		file = encode(&config, &s, &size);
		assert_int_equal(sfs_record_decode_snapshot(&config, s.id, file,
							    size, &back, buffer,
							    &why),
				 0);
		assert_true(back->size == sizes[i]);
		sfs_snapshot_free(back);
		free(file);
	}
}

static void expect_refused(const struct sfs_config *config, const char *good,
			   const char *from, const char *to, int error,
			   const char *named)
{
	struct sfs_snapshot *back = NULL;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why = NULL;
	size_t size;
	char *file = records_tamper(good, from, to, &size);
	int r;

	r = sfs_record_decode_snapshot(config, "snap-00000000000000007", file,
				       size, &back, buffer, &why);
	if (r != error)
		print_message("%s -> %s\n", from, to ? to : "(gone)");
	assert_int_equal(r, error);
	if (!strstr(why, named))
		fail_msg("'%s' does not name '%s'", why, named);
	free(file);
}

static void missing_members_are_named(void **state)
{
	static const char *const members[] = {
		"Format",
		"Version",
		"IncompatFeatures",
		"Kind",
		"Repository",
		"SnapshotId",
		"VolumeId",
		"VolumeName",
		"StartTime",
		"CompletionTime",
		"State",
		"VolumeSizeInBytes",
		"FullSnapshotSizeInBytes",
		"BadInBytes",
		"StoredInBytes",
		"Consistency",
		"Source",
		"Description",
		"Height",
	};
	struct sfs_config config = records_config();
	struct sfs_snapshot s = sample();
	size_t size, i;
	char *good = encode(&config, &s, &size), from[64];

	(void)state;
	for (i = 0; i < SFS_ARRAY_SIZE(members); i++) {
		snprintf(from, sizeof(from), "\"%s\": ", members[i]);
		expect_refused(&config, good, from, NULL, -EUCLEAN, members[i]);
	}
	/* Those that span lines are renamed instead. */
	expect_refused(&config, good, "\"Tags\"", "\"tags\"", -EUCLEAN,
		       "'Tags' is missing");
	expect_refused(&config, good, "\"Map\"", "\"map\"", -EUCLEAN,
		       "'Map' is missing");
	expect_refused(&config, good, "\"Root\"", "\"root\"", -EUCLEAN,
		       "'Root' is missing");
	free(good);
	sfs_snapshot_done(&s);
}

static void wrong_members_are_named(void **state)
{
	static const struct {
		const char *from, *to;
		int error;
		const char *named;
	} cases[] = {
		{ "\"snapfs\"", "\"other\"", -EUCLEAN, "Format" },
		{ "\"Version\": 1", "\"Version\": 2", -EOPNOTSUPP, "Version" },
		{ "\"Version\": 1", "\"Version\": 0", -EUCLEAN, "Version" },
		{ "\"Version\": 1", "\"Version\": 1.0", -EUCLEAN, "Version" },
		{ "\"IncompatFeatures\": []",
		  "\"IncompatFeatures\": [\"quantum\"]", -EOPNOTSUPP,
		  "'quantum'" },
		{ "\"IncompatFeatures\": []",
		  "\"IncompatFeatures\": [\"a\\nb\"]", -EOPNOTSUPP,
		  "unprintable" },
		{ "\"IncompatFeatures\": []", "\"IncompatFeatures\": {}",
		  -EUCLEAN, "IncompatFeatures" },
		{ "\"IncompatFeatures\": []", "\"IncompatFeatures\": [1]",
		  -EUCLEAN, "IncompatFeatures" },
		{ "\"snapshot\"", "\"set\"", -EUCLEAN, "Kind" },
		{ "5a5a5a5a-5a5a", "5a5a5a5a-5a5b", -EUCLEAN, "Repository" },
		{ "5a5a5a5a-5a5a", "5A5a5a5a-5a5a", -EUCLEAN, "Repository" },
		{ "\"SnapshotId\": \"snap-00000000000000007\"",
		  "\"SnapshotId\": \"snap-00000000000000008\"", -EUCLEAN,
		  "SnapshotId" },
		{ "\"SnapshotId\": \"snap-", "\"SnapshotId\": \"snip-",
		  -EUCLEAN, "SnapshotId" },
		{ "\"vol-", "\"vol", -EUCLEAN, "VolumeId" },
		{ "\"web\"", "\"../web\"", -EUCLEAN, "VolumeName" },
		{ "\"web\"", "7", -EUCLEAN, "VolumeName" },
		{ "snap-00000000000000006", "", -EUCLEAN, "ParentSnapshotId" },
		{ "\"set-0123456789abcdef0\"", "null", -EUCLEAN, "SetId" },
		{ "\"StartTime\": \"2", "\"StartTime\": \"1", -EUCLEAN,
		  "StartTime" },
		{ "\"CompletionTime\": \"", "\"CompletionTime\": \" ", -EUCLEAN,
		  "CompletionTime" },
		{ "\"completed\"", "\"pending\"", -EUCLEAN, "State" },
		{ "\"VolumeSizeInBytes\": 1000000",
		  "\"VolumeSizeInBytes\": 1152921504606846977", -EUCLEAN,
		  "VolumeSizeInBytes" },
		{ "\"VolumeSizeInBytes\": 1000000", "\"VolumeSizeInBytes\": -1",
		  -EUCLEAN, "VolumeSizeInBytes" },
		{ "\"VolumeSizeInBytes\": 1000000",
		  "\"VolumeSizeInBytes\": \"1000000\"", -EUCLEAN,
		  "VolumeSizeInBytes" },
		{ "\"FullSnapshotSizeInBytes\": 16384",
		  "\"FullSnapshotSizeInBytes\": 1015809", -EUCLEAN,
		  "FullSnapshotSizeInBytes" },
		{ "\"BadInBytes\": 16384", "\"BadInBytes\": 999425", -EUCLEAN,
		  "BadInBytes" },
		{ "\"StoredInBytes\": 4096", "\"StoredInBytes\": true",
		  -EUCLEAN, "StoredInBytes" },
		{ "\"filesystem\"", "\"perfect\"", -EUCLEAN, "Consistency" },
		{ "/dev/vg/web", "/dev\\u0007", -EUCLEAN, "Source" },
		{ "before ", "before \\u202e", -EUCLEAN, "Description" },
		{ "\"a\": \"\"", "\"\": \"\"", -EUCLEAN, "Tags" },
		{ "\"a\": \"\"", "\"a=\": \"\"", -EUCLEAN, "Tags" },
		{ "\"a\": \"\"", "\"a\": 1", -EUCLEAN, "Tags" },
		{ "\"Height\": 1", "\"Height\": 2", -EUCLEAN, "Height" },
		{ "\"Height\": 1", "\"Height\": 8", -EUCLEAN, "Height" },
		{ "\"Root\": \"88", "\"Root\": \"8", -EUCLEAN, "Root" },
		{ "\"Root\": \"88", "\"Root\": \"8G", -EUCLEAN, "Root" },
		{ "40000000"
		  "64000011",
		  "40000000"
		  "64000012",
		  -EUCLEAN, "Root" },
		{ "40000000"
		  "64000011",
		  "40000040"
		  "64000011",
		  -EUCLEAN, "Root" },
	};
	struct sfs_config config = records_config();
	struct sfs_snapshot s = sample();
	size_t size, i;
	char *good = encode(&config, &s, &size);

	(void)state;
	for (i = 0; i < SFS_ARRAY_SIZE(cases); i++)
		expect_refused(&config, good, cases[i].from, cases[i].to,
			       cases[i].error, cases[i].named);
	free(good);
	sfs_snapshot_done(&s);
}

static void unknown_members_are_ignored(void **state)
{
	struct sfs_config config = records_config();
	struct sfs_snapshot s = sample(), *back;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	size_t size;
	char *good = encode(&config, &s, &size);
	char *file =
		records_tamper(good, "\"Format\"",
			       "\"Later\": [{\"x\": 1.5}], \"Format\"", &size);

	(void)state;
	assert_int_equal(sfs_record_decode_snapshot(&config, s.id, file, size,
						    &back, buffer, &why),
			 0);
	sfs_snapshot_free(back);
	free(file);
	free(good);
	sfs_snapshot_done(&s);
}

static struct sfs_snapshot *decode(const struct sfs_config *config,
				   const char *id, const char *file,
				   size_t size)
{
	struct sfs_snapshot *back = NULL;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why = NULL;
	int r;

	r = sfs_record_decode_snapshot(config, id, file, size, &back, buffer,
				       &why);
	if (r < 0)
		print_message("%s\n", why);
	assert_int_equal(r, 0);
	return back;
}

static void unknown_members_are_noticed(void **state)
{
	static const char *const places[] = { "\"Format\"", "\"Height\"",
					      "\"UserId\"" };
	struct sfs_config config = records_config();
	struct sfs_snapshot s = sample(), *back;
	size_t size, i;
	char *good, *file, more[64];

	(void)state;
	assert_int_equal(sfs_grants_parse("user:1", &s.grants), 0);
	good = encode(&config, &s, &size);
	back = decode(&config, s.id, good, size);
	assert_false(back->newer);
	sfs_snapshot_free(back);
	for (i = 0; i < SFS_ARRAY_SIZE(places); i++) {
		snprintf(more, sizeof(more), "\"Later\": {}, %s", places[i]);
		file = records_tamper(good, places[i], more, &size);
		back = decode(&config, s.id, file, size);
		assert_true(back->newer);
		sfs_snapshot_free(back);
		free(file);
	}
	free(good);
	sfs_snapshot_done(&s);
}

static void owners_and_permissions_come_back(void **state)
{
	static const char grants[] = "user:0 user:1000 group:4294967294 all";
	struct sfs_config config = records_config();
	struct sfs_snapshot s = sample(), *back, *copy;
	size_t size;
	char *file, *text;

	(void)state;
	s.owner = UINT32_MAX - 1;
	assert_int_equal(sfs_grants_parse(grants, &s.grants), 0);
	file = encode(&config, &s, &size);
	back = decode(&config, s.id, file, size);
	assert_int_equal(sfs_snapshot_copy(back, &copy), 0);
	sfs_snapshot_free(back);
	assert_int_equal(copy->owner, UINT32_MAX - 1);
	assert_int_equal(sfs_grants_format(&copy->grants, &text), 0);
	assert_string_equal(text, grants);
	free(text);
	sfs_snapshot_free(copy);
	free(file);
	sfs_snapshot_done(&s);
	assert_int_equal(s.grants.count, 0);
}

static void nobody_owns_what_names_no_owner(void **state)
{
	struct sfs_config config = records_config();
	struct sfs_snapshot s = records_snapshot(1, "v"), *back;
	size_t size;
	char *file = encode(&config, &s, &size);

	(void)state;
	assert_null(strstr(file, "OwnerId"));
	assert_null(strstr(file, "CreateVolumePermissions"));
	back = decode(&config, s.id, file, size);
	assert_int_equal(back->owner, SFS_OWNER_NONE);
	assert_int_equal(back->grants.count, 0);
	sfs_snapshot_free(back);
	free(file);
}

static void wrong_permissions_are_named(void **state)
{
	static const struct {
		const char *from, *to, *named;
	} cases[] = {
		{ "\"OwnerId\": 7", "\"OwnerId\": 4294967295", "OwnerId" },
		{ "\"OwnerId\": 7", "\"OwnerId\": -1", "OwnerId" },
		{ "\"OwnerId\": 7", "\"OwnerId\": \"root\"", "OwnerId" },
		{ "\"OwnerId\": 7", "\"OwnerId\": null", "OwnerId" },
		{ "\"UserId\": 1000", "\"UserId\": 4294967295", "UserId" },
		{ "\"UserId\": 1000", "\"UserId\": 1, \"GroupId\": 1",
		  "not alone" },
		{ "\"UserId\": 1000", "", "not alone" },
		{ "\"UserId\": 1000", "\"Later\": 1000", "not alone" },
		{ "\"UserId\": 1000", "\"UserId\": 1001", "twice" },
		{ "\"GroupId\": 4", "\"GroupId\": true", "GroupId" },
		{ "\"all\"", "\"wheel\"", "'Group' is not 'all'" },
		{ "\"CreateVolumePermissions\": [",
		  "\"CreateVolumePermissions\": [1,", "not an object" },
		{ "\"CreateVolumePermissions\": [",
		  "\"CreateVolumePermissions\": 1, \"x\": [", "not a list" },
	};
	struct sfs_config config = records_config();
	struct sfs_snapshot s = sample();
	size_t size, i;
	char *good;

	(void)state;
	s.owner = 7;
	assert_int_equal(
		sfs_grants_parse("user:1000 user:1001 group:4 all", &s.grants),
		0);
	good = encode(&config, &s, &size);
	for (i = 0; i < SFS_ARRAY_SIZE(cases); i++)
		expect_refused(&config, good, cases[i].from, cases[i].to,
			       -EUCLEAN, cases[i].named);
	free(good);
	sfs_snapshot_done(&s);
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct sfs_config config = records_config();
	struct sfs_snapshot s = sample(), *back = NULL;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	size_t size, i;
	char *file = encode(&config, &s, &size);
	int r;

	(void)state;
	for (i = 0; i < 8 * size; i++) {
		file[i / 8] ^= (char)(1 << i % 8);
		r = sfs_record_decode_snapshot(&config, s.id, file, size, &back,
					       buffer, &why);
		assert_true(r == -EBADMSG || r == -EUCLEAN);
		file[i / 8] ^= (char)(1 << i % 8);
	}
	for (i = 0; i < size; i++)
		assert_true(sfs_record_decode_snapshot(&config, s.id, file, i,
						       &back, buffer,
						       &why) < 0);
	free(file);
	sfs_snapshot_done(&s);
}

static void what_could_not_be_read_is_not_written(void **state)
{
	struct sfs_config config = records_config();
	struct sfs_snapshot s = records_snapshot(1, "v");
	size_t size;
	char *file = NULL;

	(void)state;
	sfs_log_set_sink(records_sink);
	records_forget_log();
	s.height = 3;
	assert_int_equal(sfs_record_encode_snapshot(&config, &s, &file, &size),
			 -EINVAL);
	records_assert_logged("'snap-00000000000000001': record not written: "
			      "'Height' does not fit the size");
	assert_null(file);
}

static void sets_come_back(void **state)
{
	struct sfs_config config = records_config();
	struct sfs_set set = { "set-0123456789abcdef0", RECORDS_TIME, 3 };
	struct sfs_set back;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	size_t size;
	char *file, *bad;

	(void)state;
	assert_int_equal(sfs_record_encode_set(&config, &set, &file, &size), 0);
	assert_int_equal(sfs_record_decode_set(&config, set.id, file, size,
					       &back, buffer, &why),
			 0);
	assert_string_equal(back.id, set.id);
	assert_true(back.time_ns == set.time_ns);
	assert_int_equal(back.members, 3);
	assert_int_equal(sfs_record_decode_set(&config, "set-0123456789abcdef1",
					       file, size, &back, buffer, &why),
			 -EUCLEAN);
	bad = records_tamper(file, "\"Members\": 3", "\"Members\": 0", &size);
	assert_int_equal(sfs_record_decode_set(&config, set.id, bad, size,
					       &back, buffer, &why),
			 -EUCLEAN);
	assert_non_null(strstr(why, "Members"));
	free(bad);
	free(file);
}

static void configs_come_back(void **state)
{
	struct sfs_config config = records_config(), back;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	size_t size;
	char *file;

	(void)state;
	assert_int_equal(sfs_record_encode_config(&config, &file, &size), 0);
	assert_int_equal(
		sfs_record_decode_config(file, size, &back, buffer, &why), 0);
	assert_memory_equal(back.uuid, config.uuid, sizeof(config.uuid));
	assert_memory_equal(back.secret, config.secret, sizeof(config.secret));
	assert_int_equal(back.chunk_size, config.chunk_size);
	assert_string_equal(back.compression, "lz4");
	assert_true(back.created_ns == config.created_ns);
	assert_false(back.read_only);
	free(file);
}

static void wrong_configs_are_refused(void **state)
{
	static const struct {
		const char *from, *to;
		int error;
		const char *named;
	} cases[] = {
		{ "\"CompatFeatures\": []", "\"CompatFeatures\": 1", -EUCLEAN,
		  "CompatFeatures" },
		{ "\"IncompatFeatures\": []",
		  "\"IncompatFeatures\": [\"images\"]", -EOPNOTSUPP,
		  "'images'" },
		{ "\"ReadOnlyCompatFeatures\": []",
		  "\"ReadOnlyCompatFeatures\": [null]", -EUCLEAN,
		  "ReadOnlyCompatFeatures" },
		{ "16384", "16383", -EUCLEAN, "ChunkSizeInBytes" },
		{ "16384", "2048", -EUCLEAN, "ChunkSizeInBytes" },
		{ "16384", "2097152", -EUCLEAN, "ChunkSizeInBytes" },
		{ "\"lz4\"", "\"zstd\"", -EUCLEAN, "Compression" },
		{ "\"Secret\": \"", "\"Secret\": \"0", -EUCLEAN, "Secret" },
		{ "\"CreatedTime\": \"", "\"CreatedTime\": \"x", -EUCLEAN,
		  "CreatedTime" },
		{ "\"repository\"", "\"snapshot\"", -EUCLEAN, "Kind" },
	};
	struct sfs_config config = records_config(), back;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	char *good, *file;
	size_t size, i;

	(void)state;
	assert_int_equal(sfs_record_encode_config(&config, &good, &size), 0);
	for (i = 0; i < SFS_ARRAY_SIZE(cases); i++) {
		file = records_tamper(good, cases[i].from, cases[i].to, &size);
		assert_int_equal(sfs_record_decode_config(file, size, &back,
							  buffer, &why),
				 cases[i].error);
		if (!strstr(why, cases[i].named))
			fail_msg("'%s' does not name '%s'", why,
				 cases[i].named);
		free(file);
	}
	free(good);
}

static void unknown_features_may_make_it_read_only(void **state)
{
	struct sfs_config config = records_config(), back;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	char *good, *file;
	size_t size;

	(void)state;
	assert_int_equal(sfs_record_encode_config(&config, &good, &size), 0);
	file = records_tamper(good, "\"ReadOnlyCompatFeatures\": []",
			      "\"ReadOnlyCompatFeatures\": [\"x\"]", &size);
	assert_int_equal(
		sfs_record_decode_config(file, size, &back, buffer, &why), 0);
	assert_true(back.read_only);
	free(file);
	file = records_tamper(good, "\"CompatFeatures\": []",
			      "\"CompatFeatures\": [\"x\"]", &size);
	assert_int_equal(
		sfs_record_decode_config(file, size, &back, buffer, &why), 0);
	assert_false(back.read_only);
	free(file);
	free(good);
}

/* ---- tags ---- */

static void tags_stay_in_order(void **state)
{
	struct sfs_tags tags = { 0 }, copy = { 0 };

	(void)state;
	assert_int_equal(sfs_tags_set(&tags, "m", "1"), 0);
	assert_int_equal(sfs_tags_set(&tags, "a", "2"), 0);
	assert_int_equal(sfs_tags_set(&tags, "z", "3"), 0);
	assert_int_equal(sfs_tags_set(&tags, "m", "4"), 0);
	assert_int_equal(tags.count, 3);
	assert_string_equal(tags.tags[0].key, "a");
	assert_string_equal(tags.tags[1].value, "4");
	assert_string_equal(tags.tags[2].key, "z");
	assert_int_equal(sfs_tags_copy(&copy, &tags), 0);
	assert_int_equal(sfs_tags_set(&tags, "a", NULL), 0);
	assert_int_equal(sfs_tags_set(&tags, "nothing", NULL), 0);
	assert_int_equal(tags.count, 2);
	assert_null(sfs_tags_get(&tags, "a"));
	assert_string_equal(sfs_tags_get(&copy, "a"), "2");
	sfs_tags_done(&tags);
	sfs_tags_done(&copy);
}

static void tags_have_limits(void **state)
{
	struct sfs_tags tags = { 0 };
	char key[16];
	int i;

	(void)state;
	sfs_log_set_sink(records_sink);
	assert_int_equal(sfs_tags_set(&tags, "", "1"), -EINVAL);
	assert_int_equal(sfs_tags_set(&tags, "a=b", "1"), -EINVAL);
	assert_int_equal(sfs_tags_set(&tags, "a", "\n"), -EINVAL);
	for (i = 0; i < SFS_TAGS_MAX; i++) {
		snprintf(key, sizeof(key), "%02d", i);
		assert_int_equal(sfs_tags_set(&tags, key, "v"), 0);
	}
	assert_int_equal(sfs_tags_set(&tags, "more", "v"), -E2BIG);
	assert_int_equal(sfs_tags_set(&tags, "00", "other"), 0);
	assert_int_equal(tags.count, SFS_TAGS_MAX);
	sfs_tags_done(&tags);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshots_come_back),
		cmocka_unit_test(absent_links_are_left_out),
		cmocka_unit_test(sizes_to_the_limit_come_back),
		cmocka_unit_test(missing_members_are_named),
		cmocka_unit_test(wrong_members_are_named),
		cmocka_unit_test(unknown_members_are_ignored),
		cmocka_unit_test(unknown_members_are_noticed),
		cmocka_unit_test(owners_and_permissions_come_back),
		cmocka_unit_test(nobody_owns_what_names_no_owner),
		cmocka_unit_test(wrong_permissions_are_named),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(what_could_not_be_read_is_not_written),
		cmocka_unit_test(sets_come_back),
		cmocka_unit_test(configs_come_back),
		cmocka_unit_test(wrong_configs_are_refused),
		cmocka_unit_test(unknown_features_may_make_it_read_only),
		cmocka_unit_test(tags_stay_in_order),
		cmocka_unit_test(tags_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
