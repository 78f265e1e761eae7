/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Reading the records of repositories, snapshots and sets. */

#include "src/record.h"

#include <errno.h>
#include <string.h>

#include "format/name.h"
#include "src/record-read.h"

static void read_compression(struct sfs_reader *in, struct sfs_config *config)
{
	static const char *const known[] = { "lz4", "lz4hc", "none" };
	const char *s = sfs_reader_string(in, "Compression");
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(known); i++) {
		if (strcmp(s, known[i]) == 0) {
			strcpy(config->compression, known[i]);
			return;
		}
	}
	sfs_reader_refuse(in, -EUCLEAN, "Compression", "is not known");
}

static void read_config(struct sfs_reader *in, struct sfs_config *config)
{
	uint64_t size;

	sfs_reader_common(in, "repository", NULL, config->uuid);
	sfs_reader_features(in, "CompatFeatures");
	config->read_only =
		sfs_reader_features(in, "ReadOnlyCompatFeatures") != NULL;
	size = sfs_reader_uint(in, "ChunkSizeInBytes", SFS_CHUNK_SIZE_MAX);
	if (size < SFS_CHUNK_SIZE_MIN || (size & (size - 1)) != 0)
		sfs_reader_refuse(in, -EUCLEAN, "ChunkSizeInBytes",
				  "is not a power of two from 4096");
	config->chunk_size = (uint32_t)size;
	read_compression(in, config);
	sfs_reader_hex(in, "Secret", config->secret, sizeof(config->secret));
	config->created_ns = sfs_reader_time(in, "CreatedTime");
}

int sfs_record_decode_config(const char *file, size_t size,
			     struct sfs_config *ret, char *why,
			     const char **reterr_why)
{
	CLEANUP_JSON struct sfs_json *json = NULL;
	struct sfs_config config = { 0 };
	struct sfs_reader in;
	int r;

	r = sfs_reader_open(file, size, why, &json, &in, reterr_why);
	if (r < 0)
		return r;
	*reterr_why = why;
	read_config(&in, &config);
	if (in.error)
		return in.error;
	*ret = config;
	return 0;
}

static void read_map(struct sfs_reader *in, uint32_t chunk_size,
		     struct sfs_snapshot *s)
{
	static const char *const known[] = { "Height", "Root" };
	struct sfs_reader inner;
	uint8_t root[SFS_ENTRY_SIZE];
	const char *why;

	inner = sfs_reader_enter(in, "Map", sfs_reader_get(in, "Map"));
	s->height =
		(unsigned)sfs_reader_uint(&inner, "Height", SFS_MAP_HEIGHT_MAX);
	sfs_reader_hex(&inner, "Root", root, sizeof(root));
	sfs_reader_known(&inner, known, SFS_ARRAY_SIZE(known));
	sfs_reader_leave(in, &inner);
	if (in->error)
		return;
	if (s->height != sfs_map_height(sfs_map_chunks(s->size, chunk_size)))
		return sfs_reader_refuse(in, -EUCLEAN, "Height",
					 "does not fit the size");
	if (sfs_entry_decode(root, s->height, chunk_size, &s->root, &why) < 0)
		sfs_reader_refuse(in, -EUCLEAN, "Root", why);
}

static void read_sizes(struct sfs_reader *in, uint32_t chunk_size,
		       struct sfs_snapshot *s)
{
	uint64_t most;

	s->size = sfs_reader_uint(in, "VolumeSizeInBytes", SFS_VOLUME_SIZE_MAX);
	most = sfs_map_chunks(s->size, chunk_size) * chunk_size;
	s->data_bytes = sfs_reader_uint(in, "FullSnapshotSizeInBytes", most);
	s->bad_bytes = sfs_reader_uint(in, "BadInBytes", most - s->data_bytes);
	s->stored_bytes = sfs_reader_uint(in, "StoredInBytes", INT64_MAX);
}

static void read_volume(struct sfs_reader *in, struct sfs_snapshot *s)
{
	const char *name, *why;

	sfs_reader_id(in, "VolumeId", SFS_ID_VOLUME, s->volume_id);
	name = sfs_reader_string(in, "VolumeName");
	if (sfs_name_volume_ok(name, &why))
		strcpy(s->volume, name);
	else
		sfs_reader_refuse(in, -EUCLEAN, "VolumeName", why);
}

static void read_snapshot(struct sfs_reader *in, uint32_t chunk_size,
			  struct sfs_snapshot *s)
{
	static const char *const known[] = {
		SFS_READER_COMMON,
		"SnapshotId",
		"VolumeId",
		"VolumeName",
		"ParentSnapshotId",
		"SetId",
		"StartTime",
		"CompletionTime",
		"State",
		"OwnerId",
		"VolumeSizeInBytes",
		"FullSnapshotSizeInBytes",
		"BadInBytes",
		"StoredInBytes",
		"Consistency",
		"Source",
		"Description",
		"Tags",
		"CreateVolumePermissions",
		"Map",
	};

	read_volume(in, s);
	sfs_reader_optional_id(in, "ParentSnapshotId", SFS_ID_SNAPSHOT,
			       s->parent);
	sfs_reader_optional_id(in, "SetId", SFS_ID_SET, s->set);
	s->time_ns = sfs_reader_time(in, "StartTime");
	s->completed_ns = sfs_reader_time(in, "CompletionTime");
	sfs_reader_want(in, "State", "completed");
	s->owner = sfs_reader_owner(in);
	read_sizes(in, chunk_size, s);
	if (sfs_consistency_parse(sfs_reader_string(in, "Consistency"),
				  &s->consistency) < 0)
		sfs_reader_refuse(in, -EUCLEAN, "Consistency", "is not known");
	s->source = sfs_reader_text(in, "Source", SFS_SOURCE_MAX);
	s->description =
		sfs_reader_text(in, "Description", SFS_DESCRIPTION_MAX);
	sfs_reader_tags(in, &s->tags);
	if (sfs_reader_has(in, "CreateVolumePermissions"))
		sfs_reader_grants(in, "CreateVolumePermissions", &s->grants);
	read_map(in, chunk_size, s);
	sfs_reader_known(in, known, SFS_ARRAY_SIZE(known));
	s->newer = in->newer;
}

int sfs_record_decode_snapshot(const struct sfs_config *config,
			       const char *name, const char *file, size_t size,
			       struct sfs_snapshot **ret, char *why,
			       const char **reterr_why)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	CLEANUP_JSON struct sfs_json *json = NULL;
	uint8_t uuid[SFS_UUID_LEN];
	struct sfs_reader in;
	int r;

	r = sfs_reader_open(file, size, why, &json, &in, reterr_why);
	if (r < 0)
		return r;
	*reterr_why = why;
	snapshot = sfs_calloc(1, sizeof(*snapshot));
	if (!snapshot) {
		*reterr_why = "out of memory";
		return -ENOMEM;
	}
	sfs_reader_common(&in, "snapshot", config->uuid, uuid);
	sfs_reader_own_id(&in, "SnapshotId", SFS_ID_SNAPSHOT, name,
			  snapshot->id);
	read_snapshot(&in, config->chunk_size, snapshot);
	if (in.error)
		return in.error;
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
	struct sfs_reader in;
	int r;

	r = sfs_reader_open(file, size, why, &json, &in, reterr_why);
	if (r < 0)
		return r;
	*reterr_why = why;
	sfs_reader_common(&in, "set", config->uuid, uuid);
	sfs_reader_own_id(&in, "SetId", SFS_ID_SET, name, set.id);
	set.time_ns = sfs_reader_time(&in, "StartTime");
	set.members = sfs_reader_uint(&in, "Members", SFS_SET_MEMBERS_MAX);
	if (set.members == 0)
		sfs_reader_refuse(&in, -EUCLEAN, "Members", "is zero");
	if (in.error)
		return in.error;
	*ret = set;
	return 0;
}
