/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/record-write.h"

#include <errno.h>
#include <string.h>

#include "format/record.h"
#include "format/time.h"
#include "src/log.h"

void sfs_record_put_time(struct sfs_jsonw *w, const char *key, int64_t time_ns)
{
	char text[SFS_TIME_SIZE];

	sfs_time_format(time_ns, text);
	sfs_jsonw_string(w, key, text);
}

void sfs_record_put_empty_list(struct sfs_jsonw *w, const char *key)
{
	sfs_jsonw_array(w, key);
	sfs_jsonw_end(w);
}

int sfs_record_begin(const struct sfs_config *config, const char *kind,
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
	sfs_record_put_empty_list(w, "IncompatFeatures");
	sfs_jsonw_string(w, "Kind", kind);
	sfs_jsonw_string(w, "Repository", uuid);
	*ret = w;
	return 0;
}

int sfs_record_finish(struct sfs_jsonw *w, char **ret, size_t *ret_size)
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

int sfs_record_judge(int r, const char *name, const char *why)
{
	if (r == 0 || r == -ENOMEM)
		return r;
	sfs_err("'%s': record not written: %s", name, why);
	return -EINVAL;
}

void sfs_record_put_tags(struct sfs_jsonw *w, const struct sfs_tags *tags)
{
	size_t i;

	sfs_jsonw_object(w, "Tags");
	for (i = 0; i < tags->count; i++)
		sfs_jsonw_string(w, tags->tags[i].key, tags->tags[i].value);
	sfs_jsonw_end(w);
}

void sfs_record_put_owner(struct sfs_jsonw *w, uint32_t owner)
{
	if (owner != SFS_OWNER_NONE)
		sfs_jsonw_uint(w, "OwnerId", owner);
}

static void put_grant(struct sfs_jsonw *w, struct sfs_grant grant)
{
	sfs_jsonw_object(w, NULL);
	switch (grant.kind) {
	case SFS_GRANT_USER:
		sfs_jsonw_uint(w, "UserId", grant.id);
		break;
	case SFS_GRANT_GROUP:
		sfs_jsonw_uint(w, "GroupId", grant.id);
		break;
	case SFS_GRANT_ALL:
		sfs_jsonw_string(w, "Group", "all");
		break;
	}
	sfs_jsonw_end(w);
}

void sfs_record_put_grants(struct sfs_jsonw *w, const char *key,
			   const struct sfs_grants *grants)
{
	size_t i;

	sfs_jsonw_array(w, key);
	for (i = 0; i < grants->count; i++)
		put_grant(w, grants->grants[i]);
	sfs_jsonw_end(w);
}
