/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Decoding is a walk over the members in which the first thing wrong sticks:
 * each getter judges one member and does nothing once another has failed.
 * Members that are not asked for are not looked at, so that later versions
 * may add some.
 */

#include "src/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format/name.h"
#include "format/record.h"
#include "format/time.h"
#include "src/json.h"
#include "src/log.h"

struct reader {
	const struct sfs_json_node *root;
	char *why; /* SFS_RECORD_WHY_SIZE bytes */
	int error; /* the first, negative */
};

static void refuse(struct reader *in, int error, const char *key,
		   const char *what)
{
	if (in->error)
		return;
	in->error = error;
	snprintf(in->why, SFS_RECORD_WHY_SIZE, "'%s' %s", key, what);
}

/* NULL once something is wrong. */
static const struct sfs_json_node *get(struct reader *in, const char *key)
{
	const struct sfs_json_node *node;

	if (in->error)
		return NULL;
	node = sfs_json_member(in->root, key);
	if (!node)
		refuse(in, -EUCLEAN, key, "is missing");
	return node;
}

/* Never NULL; "" once something is wrong. */
static const char *get_string(struct reader *in, const char *key)
{
	const char *s = sfs_json_string(get(in, key));

	if (s)
		return s;
	refuse(in, -EUCLEAN, key, "is not a string");
	return "";
}

static uint64_t get_uint(struct reader *in, const char *key, uint64_t max)
{
	uint64_t value = 0;

	if (!sfs_json_uint(get(in, key), &value))
		refuse(in, -EUCLEAN, key, "is not a whole number");
	else if (value > max)
		refuse(in, -EUCLEAN, key, "is too large");
	return value;
}

static void get_id(struct reader *in, const char *key, const char *prefix,
		   char ret[SFS_ID_SIZE])
{
	const char *id = get_string(in, key);

	if (sfs_id_valid(id, prefix))
		memcpy(ret, id, strlen(id) + 1);
	else
		refuse(in, -EUCLEAN, key, "is not an id of its kind");
}

static void get_optional_id(struct reader *in, const char *key,
			    const char *prefix, char ret[SFS_ID_SIZE])
{
	if (sfs_json_member(in->root, key))
		get_id(in, key, prefix, ret);
}

static int64_t get_time(struct reader *in, const char *key)
{
	int64_t time_ns = 0;

	if (!sfs_time_parse(get_string(in, key), &time_ns))
		refuse(in, -EUCLEAN, key, "is not a time");
	return time_ns;
}

static void get_hex(struct reader *in, const char *key, uint8_t *ret,
		    size_t size)
{
	if (!sfs_hex_parse(get_string(in, key), ret, size))
		refuse(in, -EUCLEAN, key, "is not hex of the right length");
}

static char *get_text(struct reader *in, const char *key, size_t max)
{
	const char *s = get_string(in, key), *why;
	char *copy;

	if (!sfs_name_text_ok(s, max, &why))
		refuse(in, -EUCLEAN, key, why);
	if (in->error)
		return NULL;
	copy = sfs_strdup(s);
	if (!copy)
		refuse(in, -ENOMEM, key, "found no memory");
	return copy;
}

static void want_string(struct reader *in, const char *key, const char *value)
{
	char what[64];

	if (strcmp(get_string(in, key), value) == 0)
		return;
	snprintf(what, sizeof(what), "is not '%s'", value);
	refuse(in, -EUCLEAN, key, what);
}

/* No version of snapfs knows a feature yet, so any in the list counts.
 * Returns the first of them, or NULL. */
static const struct sfs_json_node *get_features(struct reader *in,
						const char *key)
{
	const struct sfs_json_node *list = get(in, key), *node;

	if (!sfs_json_is_array(list)) {
		refuse(in, -EUCLEAN, key, "is not a list");
		return NULL;
	}
	for (node = sfs_json_first(list); node; node = sfs_json_next(node))
		if (!sfs_json_string(node))
			refuse(in, -EUCLEAN, key, "holds what is no string");
	return in->error ? NULL : sfs_json_first(list);
}

static void want_no_features(struct reader *in, const char *key)
{
	const struct sfs_json_node *node = get_features(in, key);
	const char *name, *ignored;
	char what[96];

	if (!node)
		return;
	name = sfs_json_string(node);
	if (!sfs_name_text_ok(name, 64, &ignored))
		name = "(unprintable)";
	snprintf(what, sizeof(what), "asks for '%s': use a newer snapfs", name);
	refuse(in, -EOPNOTSUPP, key, what);
}

static void want_uuid(struct reader *in, const uint8_t *uuid, uint8_t *ret)
{
	const char *s = get_string(in, "Repository");

	if (!sfs_uuid_parse(s, ret))
		refuse(in, -EUCLEAN, "Repository", "is not a UUID");
	else if (uuid && memcmp(ret, uuid, SFS_UUID_LEN) != 0)
		refuse(in, -EUCLEAN, "Repository", "is another repository");
}

/* What every record has.  @uuid may be NULL when any will do. */
static void read_common(struct reader *in, const char *kind,
			const uint8_t *uuid, uint8_t *ret_uuid)
{
	uint64_t version;
	char what[64];

	want_string(in, "Format", "snapfs");
	version = get_uint(in, "Version", INT64_MAX);
	if (version > SFS_FORMAT_VERSION) {
		snprintf(what, sizeof(what), "is %llu: use a newer snapfs",
			 (unsigned long long)version);
		refuse(in, -EOPNOTSUPP, "Version", what);
	} else if (version != SFS_FORMAT_VERSION) {
		refuse(in, -EUCLEAN, "Version", "is not a version");
	}
	want_no_features(in, "IncompatFeatures");
	want_string(in, "Kind", kind);
	want_uuid(in, uuid, ret_uuid);
}

/* Verify and parse @file; the reader's texts live as long as @ret_json. */
static int open_reader(const char *file, size_t size, char *why,
		       struct sfs_json **ret_json, struct reader *ret,
		       const char **reterr_why)
{
	int r;

	r = sfs_record_verify(file, size, reterr_why);
	if (r < 0)
		return r;
	r = sfs_json_parse(file, size, ret_json, reterr_why);
	if (r < 0)
		return r;
	*ret = (struct reader){ .root = sfs_json_root(*ret_json), .why = why };
	return 0;
}

static void read_compression(struct reader *in, struct sfs_config *config)
{
	static const char *const known[] = { "lz4", "lz4hc", "none" };
	const char *s = get_string(in, "Compression");
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(known); i++) {
		if (strcmp(s, known[i]) == 0) {
			strcpy(config->compression, known[i]);
			return;
		}
	}
	refuse(in, -EUCLEAN, "Compression", "is not known");
}

static void read_config(struct reader *in, struct sfs_config *config)
{
	uint64_t size;

	read_common(in, "repository", NULL, config->uuid);
	get_features(in, "CompatFeatures");
	config->read_only = get_features(in, "ReadOnlyCompatFeatures") != NULL;
	size = get_uint(in, "ChunkSizeInBytes", SFS_CHUNK_SIZE_MAX);
	if (size < SFS_CHUNK_SIZE_MIN || (size & (size - 1)) != 0)
		refuse(in, -EUCLEAN, "ChunkSizeInBytes",
		       "is not a power of two from 4096");
	config->chunk_size = (uint32_t)size;
	read_compression(in, config);
	get_hex(in, "Secret", config->secret, sizeof(config->secret));
	config->created_ns = get_time(in, "CreatedTime");
}

int sfs_record_decode_config(const char *file, size_t size,
			     struct sfs_config *ret, char *why,
			     const char **reterr_why)
{
	CLEANUP_JSON struct sfs_json *json = NULL;
	struct sfs_config config = { 0 };
	struct reader in;
	int r;

	r = open_reader(file, size, why, &json, &in, reterr_why);
	if (r < 0)
		return r;
	*reterr_why = why;
	read_config(&in, &config);
	if (in.error)
		return in.error;
	*ret = config;
	return 0;
}

static void read_tags(struct reader *in, struct sfs_tags *tags)
{
	const struct sfs_json_node *list = get(in, "Tags"), *node;
	const char *key, *value, *why;
	size_t count = 0;
	int r;

	if (!sfs_json_is_object(list))
		refuse(in, -EUCLEAN, "Tags", "is not an object");
	if (in->error)
		return;
	for (node = sfs_json_first(list); node; node = sfs_json_next(node)) {
		key = sfs_json_key(node);
		value = sfs_json_string(node);
		/* Judged here, since sfs_tags_set() would log it as a user's
		 * mistake. */
		if (++count > SFS_TAGS_MAX)
			return refuse(in, -EUCLEAN, "Tags", "has too many");
		if (!sfs_name_tag_key_ok(key, &why))
			return refuse(in, -EUCLEAN, "Tags", "has a bad key");
		if (!value || !sfs_name_text_ok(value, SFS_TAG_VALUE_MAX, &why))
			return refuse(in, -EUCLEAN, "Tags", "has a bad value");
		r = sfs_tags_set(tags, key, value);
		if (r < 0)
			return refuse(in, r, "Tags", "found no memory");
	}
}

static void read_map(struct reader *in, uint32_t chunk_size,
		     struct sfs_snapshot *s)
{
	const struct sfs_json_node *map = get(in, "Map");
	struct reader inner = *in;
	uint8_t root[SFS_ENTRY_SIZE];
	const char *why;

	if (!sfs_json_is_object(map))
		return refuse(in, -EUCLEAN, "Map", "is not an object");
	inner.root = map;
	s->height = (unsigned)get_uint(&inner, "Height", SFS_MAP_HEIGHT_MAX);
	get_hex(&inner, "Root", root, sizeof(root));
	in->error = inner.error;
	if (in->error)
		return;
	if (s->height != sfs_map_height(sfs_map_chunks(s->size, chunk_size)))
		return refuse(in, -EUCLEAN, "Height", "does not fit the size");
	if (sfs_entry_decode(root, s->height, chunk_size, &s->root, &why) < 0)
		refuse(in, -EUCLEAN, "Root", why);
}

static void read_sizes(struct reader *in, uint32_t chunk_size,
		       struct sfs_snapshot *s)
{
	uint64_t most;

	s->size = get_uint(in, "VolumeSizeInBytes", SFS_VOLUME_SIZE_MAX);
	most = sfs_map_chunks(s->size, chunk_size) * chunk_size;
	s->data_bytes = get_uint(in, "FullSnapshotSizeInBytes", most);
	s->bad_bytes = get_uint(in, "BadInBytes", most - s->data_bytes);
	s->stored_bytes = get_uint(in, "StoredInBytes", INT64_MAX);
}

static void read_volume(struct reader *in, struct sfs_snapshot *s)
{
	const char *name, *why;

	get_id(in, "VolumeId", SFS_ID_VOLUME, s->volume_id);
	name = get_string(in, "VolumeName");
	if (sfs_name_volume_ok(name, &why))
		strcpy(s->volume, name);
	else
		refuse(in, -EUCLEAN, "VolumeName", why);
}

static void read_snapshot(struct reader *in, uint32_t chunk_size,
			  struct sfs_snapshot *s)
{
	read_volume(in, s);
	get_optional_id(in, "ParentSnapshotId", SFS_ID_SNAPSHOT, s->parent);
	get_optional_id(in, "SetId", SFS_ID_SET, s->set);
	s->time_ns = get_time(in, "StartTime");
	s->completed_ns = get_time(in, "CompletionTime");
	want_string(in, "State", "completed");
	read_sizes(in, chunk_size, s);
	if (sfs_consistency_parse(get_string(in, "Consistency"),
				  &s->consistency) < 0)
		refuse(in, -EUCLEAN, "Consistency", "is not known");
	s->source = get_text(in, "Source", SFS_SOURCE_MAX);
	s->description = get_text(in, "Description", SFS_DESCRIPTION_MAX);
	read_tags(in, &s->tags);
	read_map(in, chunk_size, s);
}

/* Legal, and ignored, but not to be lost by writing the record anew. */
static bool has_unknown(const struct sfs_json_node *root)
{
	static const char *const known[] = {
		"check",
		"Format",
		"Version",
		"IncompatFeatures",
		"Kind",
		"Repository",
		"SnapshotId",
		"VolumeId",
		"VolumeName",
		"ParentSnapshotId",
		"SetId",
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
		"Tags",
		"Map",
	};
	const struct sfs_json_node *node;
	size_t i;

	for (node = sfs_json_first(root); node; node = sfs_json_next(node)) {
		for (i = 0; i < SFS_ARRAY_SIZE(known); i++)
			if (strcmp(sfs_json_key(node), known[i]) == 0)
				break;
		if (i == SFS_ARRAY_SIZE(known))
			return true;
	}
	return false;
}

int sfs_record_decode_snapshot(const struct sfs_config *config,
			       const char *name, const char *file, size_t size,
			       struct sfs_snapshot **ret, char *why,
			       const char **reterr_why)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	CLEANUP_JSON struct sfs_json *json = NULL;
	uint8_t uuid[SFS_UUID_LEN];
	struct reader in;
	int r;

	r = open_reader(file, size, why, &json, &in, reterr_why);
	if (r < 0)
		return r;
	*reterr_why = why;
	snapshot = sfs_calloc(1, sizeof(*snapshot));
	if (!snapshot) {
		*reterr_why = "out of memory";
		return -ENOMEM;
	}
	read_common(&in, "snapshot", config->uuid, uuid);
	get_id(&in, "SnapshotId", SFS_ID_SNAPSHOT, snapshot->id);
	if (strcmp(snapshot->id, name) != 0)
		refuse(&in, -EUCLEAN, "SnapshotId", "is not the file's name");
	read_snapshot(&in, config->chunk_size, snapshot);
	if (in.error)
		return in.error;
	snapshot->newer = has_unknown(in.root);
	*ret = TAKE_PTR(snapshot);
	return 0;
}

int sfs_record_decode_set(const struct sfs_config *config, const char *name,
			  const char *file, size_t size, struct sfs_set *ret,
			  char *why, const char **reterr_why)
{
	CLEANUP_JSON struct sfs_json *json = NULL;
	uint8_t uuid[SFS_UUID_LEN];
	struct sfs_set set = { 0 };
	struct reader in;
	int r;

	r = open_reader(file, size, why, &json, &in, reterr_why);
	if (r < 0)
		return r;
	*reterr_why = why;
	read_common(&in, "set", config->uuid, uuid);
	get_id(&in, "SetId", SFS_ID_SET, set.id);
	if (strcmp(set.id, name) != 0)
		refuse(&in, -EUCLEAN, "SetId", "is not the file's name");
	set.time_ns = get_time(&in, "StartTime");
	set.members = get_uint(&in, "Members", SFS_SET_MEMBERS_MAX);
	if (set.members == 0)
		refuse(&in, -EUCLEAN, "Members", "is zero");
	if (in.error)
		return in.error;
	*ret = set;
	return 0;
}
