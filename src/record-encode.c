/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Writing the records of repositories, snapshots and sets. */

#include "src/record-write.h"
#include "src/record.h"

int sfs_record_encode_config(const struct sfs_config *config, char **ret,
			     size_t *ret_size)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	CLEANUP_FREE char *file = NULL;
	char secret[2 * sizeof(config->secret) + 1];
	char buffer[SFS_RECORD_WHY_SIZE];
	struct sfs_config back;
	const char *why;
	int r;

	r = sfs_record_begin(config, "repository", &w);
	if (r < 0)
		return r;
	sfs_record_put_empty_list(w, "CompatFeatures");
	sfs_record_put_empty_list(w, "ReadOnlyCompatFeatures");
	sfs_jsonw_uint(w, "ChunkSizeInBytes", config->chunk_size);
	sfs_jsonw_string(w, "Compression", config->compression);
	sfs_hex_format(config->secret, sizeof(config->secret), secret);
	sfs_jsonw_string(w, "Secret", secret);
	sfs_record_put_time(w, "CreatedTime", config->created_ns);
	r = sfs_record_finish(w, &file, ret_size);
	if (r < 0)
		return r;
	r = sfs_record_decode_config(file, *ret_size, &back, buffer, &why);
	r = sfs_record_judge(r, "snapfs.json", why);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(file);
	return 0;
}

static void put_map(struct sfs_jsonw *w, const struct sfs_snapshot *s)
{
	char hex[2 * SFS_ENTRY_SIZE + 1];
	uint8_t root[SFS_ENTRY_SIZE];

	sfs_entry_encode(&s->root, root);
	sfs_hex_format(root, sizeof(root), hex);
	sfs_jsonw_object(w, "Map");
	sfs_jsonw_uint(w, "Height", s->height);
	sfs_jsonw_string(w, "Root", hex);
	sfs_jsonw_end(w);
}

static void put_snapshot(struct sfs_jsonw *w, const struct sfs_snapshot *s)
{
	sfs_jsonw_string(w, "SnapshotId", s->id);
	sfs_jsonw_string(w, "VolumeId", s->volume_id);
	sfs_jsonw_string(w, "VolumeName", s->volume);
	if (*s->parent)
		sfs_jsonw_string(w, "ParentSnapshotId", s->parent);
	if (*s->set)
		sfs_jsonw_string(w, "SetId", s->set);
	sfs_record_put_time(w, "StartTime", s->time_ns);
	sfs_record_put_time(w, "CompletionTime", s->completed_ns);
	sfs_jsonw_string(w, "State", "completed");
	sfs_record_put_owner(w, s->owner);
	sfs_jsonw_uint(w, "VolumeSizeInBytes", s->size);
	sfs_jsonw_uint(w, "FullSnapshotSizeInBytes", s->data_bytes);
	sfs_jsonw_uint(w, "BadInBytes", s->bad_bytes);
	sfs_jsonw_uint(w, "StoredInBytes", s->stored_bytes);
	sfs_jsonw_string(w, "Consistency",
			 sfs_consistency_name(s->consistency));
	sfs_jsonw_string(w, "Source", s->source ? s->source : "");
	sfs_jsonw_string(w, "Description",
			 s->description ? s->description : "");
	sfs_record_put_tags(w, &s->tags);
	if (s->grants.count > 0)
		sfs_record_put_grants(w, "CreateVolumePermissions", &s->grants);
	put_map(w, s);
}

int sfs_record_encode_snapshot(const struct sfs_config *config,
			       const struct sfs_snapshot *snapshot, char **ret,
			       size_t *ret_size)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *back = NULL;
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	CLEANUP_FREE char *file = NULL;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	int r;

	r = sfs_record_begin(config, "snapshot", &w);
	if (r < 0)
		return r;
	put_snapshot(w, snapshot);
	r = sfs_record_finish(w, &file, ret_size);
	if (r < 0)
		return r;
	r = sfs_record_decode_snapshot(config, snapshot->id, file, *ret_size,
				       &back, buffer, &why);
	r = sfs_record_judge(r, snapshot->id, why);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(file);
	return 0;
}

int sfs_record_encode_set(const struct sfs_config *config,
			  const struct sfs_set *set, char **ret,
			  size_t *ret_size)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	CLEANUP_FREE char *file = NULL;
	char buffer[SFS_RECORD_WHY_SIZE];
	struct sfs_set back;
	const char *why;
	int r;

	r = sfs_record_begin(config, "set", &w);
	if (r < 0)
		return r;
	sfs_jsonw_string(w, "SetId", set->id);
	sfs_record_put_time(w, "StartTime", set->time_ns);
	sfs_jsonw_uint(w, "Members", set->members);
	r = sfs_record_finish(w, &file, ret_size);
	if (r < 0)
		return r;
	r = sfs_record_decode_set(config, set->id, file, *ret_size, &back,
				  buffer, &why);
	r = sfs_record_judge(r, set->id, why);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(file);
	return 0;
}
