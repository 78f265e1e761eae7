/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Writing records.  Each is decoded again before it leaves: what could not be
 * read back must not become the only trace of a backup. */

#include <errno.h>
#include <string.h>

#include "format/record.h"
#include "format/time.h"
#include "src/json.h"
#include "src/log.h"
#include "src/record.h"

static void put_time(struct sfs_jsonw *w, const char *key, int64_t time_ns)
{
	char text[SFS_TIME_SIZE];

	sfs_time_format(time_ns, text);
	sfs_jsonw_string(w, key, text);
}

static void put_empty_list(struct sfs_jsonw *w, const char *key)
{
	sfs_jsonw_array(w, key);
	sfs_jsonw_end(w);
}

/* Open the document and write what every record has. */
static int begin(const struct sfs_config *config, const char *kind,
		 struct sfs_jsonw **ret)
{
	struct sfs_jsonw *w;
	char uuid[SFS_UUID_SIZE];
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_uuid_format(config->uuid, uuid);
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "Format", "snapfs");
	sfs_jsonw_uint(w, "Version", SFS_FORMAT_VERSION);
	put_empty_list(w, "IncompatFeatures");
	sfs_jsonw_string(w, "Kind", kind);
	sfs_jsonw_string(w, "Repository", uuid);
	*ret = w;
	return 0;
}

/* Close the document, put the prefix in place of its brace, and seal it. */
static int seal(struct sfs_jsonw *w, char **ret, size_t *ret_size)
{
	static const char prefix[] = SFS_RECORD_PREFIX;
	CLEANUP_FREE char *body = NULL;
	size_t size;
	char *file;
	int r;

	sfs_jsonw_end(w);
	r = sfs_jsonw_finish(w, true, &body, &size);
	if (r < 0)
		return r;
	file = sfs_malloc(sizeof(prefix) + size);
	if (!file)
		return -ENOMEM;
	memcpy(file, prefix, sizeof(prefix) - 1);
	memcpy(file + sizeof(prefix) - 1, body + 1, size); /* with the NUL */
	*ret_size = sizeof(prefix) - 1 + size - 1;
	sfs_record_seal(file, *ret_size);
	*ret = file;
	return 0;
}

/* @r is what decoding one's own work gave. */
static int judge(int r, const char *name, const char *why)
{
	if (r == 0 || r == -ENOMEM)
		return r;
	sfs_err("'%s': record not written: %s", name, why);
	return -EINVAL;
}

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

	r = begin(config, "repository", &w);
	if (r < 0)
		return r;
	put_empty_list(w, "CompatFeatures");
	put_empty_list(w, "ReadOnlyCompatFeatures");
	sfs_jsonw_uint(w, "ChunkSizeInBytes", config->chunk_size);
	sfs_jsonw_string(w, "Compression", config->compression);
	sfs_hex_format(config->secret, sizeof(config->secret), secret);
	sfs_jsonw_string(w, "Secret", secret);
	put_time(w, "CreatedTime", config->created_ns);
	r = seal(w, &file, ret_size);
	if (r < 0)
		return r;
	r = sfs_record_decode_config(file, *ret_size, &back, buffer, &why);
	r = judge(r, "snapfs.json", why);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(file);
	return 0;
}

static void put_tags(struct sfs_jsonw *w, const struct sfs_tags *tags)
{
	size_t i;

	sfs_jsonw_object(w, "Tags");
	for (i = 0; i < tags->count; i++)
		sfs_jsonw_string(w, tags->tags[i].key, tags->tags[i].value);
	sfs_jsonw_end(w);
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
	put_time(w, "StartTime", s->time_ns);
	put_time(w, "CompletionTime", s->completed_ns);
	sfs_jsonw_string(w, "State", "completed");
	sfs_jsonw_uint(w, "VolumeSizeInBytes", s->size);
	sfs_jsonw_uint(w, "FullSnapshotSizeInBytes", s->data_bytes);
	sfs_jsonw_uint(w, "BadInBytes", s->bad_bytes);
	sfs_jsonw_uint(w, "StoredInBytes", s->stored_bytes);
	sfs_jsonw_string(w, "Consistency",
			 sfs_consistency_name(s->consistency));
	sfs_jsonw_string(w, "Source", s->source ? s->source : "");
	sfs_jsonw_string(w, "Description",
			 s->description ? s->description : "");
	put_tags(w, &s->tags);
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

	r = begin(config, "snapshot", &w);
	if (r < 0)
		return r;
	put_snapshot(w, snapshot);
	r = seal(w, &file, ret_size);
	if (r < 0)
		return r;
	r = sfs_record_decode_snapshot(config, snapshot->id, file, *ret_size,
				       &back, buffer, &why);
	r = judge(r, snapshot->id, why);
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

	r = begin(config, "set", &w);
	if (r < 0)
		return r;
	sfs_jsonw_string(w, "SetId", set->id);
	put_time(w, "StartTime", set->time_ns);
	sfs_jsonw_uint(w, "Members", set->members);
	r = seal(w, &file, ret_size);
	if (r < 0)
		return r;
	r = sfs_record_decode_set(config, set->id, file, *ret_size, &back,
				  buffer, &why);
	r = judge(r, set->id, why);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(file);
	return 0;
}
