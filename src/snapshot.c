/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/snapshot.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "format/name.h"
#include "src/log.h"

static const char *const consistency_names[] = {
	[SFS_CONSISTENCY_FUZZY] = "fuzzy",
	[SFS_CONSISTENCY_CRASH] = "crash",
	[SFS_CONSISTENCY_FILESYSTEM] = "filesystem",
	[SFS_CONSISTENCY_OFFLINE] = "offline",
};

const char *sfs_consistency_name(enum sfs_consistency consistency)
{
	return consistency_names[consistency];
}

int sfs_consistency_parse(const char *name, enum sfs_consistency *ret)
{
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(consistency_names); i++) {
		if (strcmp(name, consistency_names[i]) == 0) {
			*ret = (enum sfs_consistency)i;
			return 0;
		}
	}
	return -EINVAL;
}

void sfs_tags_done(struct sfs_tags *tags)
{
	size_t i;

	for (i = 0; i < tags->count; i++) {
		free(tags->tags[i].key);
		free(tags->tags[i].value);
	}
	free(tags->tags);
	*tags = (struct sfs_tags){ 0 };
}

/* The first tag whose key is not before @key. */
static size_t find_tag(const struct sfs_tags *tags, const char *key,
		       bool *ret_found)
{
	size_t i = 0;
	int order = 1;

	while (i < tags->count) {
		order = strcmp(tags->tags[i].key, key);
		if (order >= 0)
			break;
		i++;
	}
	*ret_found = i < tags->count && order == 0;
	return i;
}

const char *sfs_tags_get(const struct sfs_tags *tags, const char *key)
{
	bool found;
	size_t i = find_tag(tags, key, &found);

	return found ? tags->tags[i].value : NULL;
}

static int check_tag(const char *key, const char *value)
{
	const char *why;

	if (!sfs_name_tag_key_ok(key, &why)) {
		sfs_err("tag '%s': key %s", key, why);
		return -EINVAL;
	}
	if (value && !sfs_name_text_ok(value, SFS_TAG_VALUE_MAX, &why)) {
		sfs_err("tag '%s': value %s", key, why);
		return -EINVAL;
	}
	return 0;
}

static void remove_tag(struct sfs_tags *tags, size_t i)
{
	free(tags->tags[i].key);
	free(tags->tags[i].value);
	tags->count--;
	memmove(&tags->tags[i], &tags->tags[i + 1],
		(tags->count - i) * sizeof(*tags->tags));
}

static int insert_tag(struct sfs_tags *tags, size_t i, const char *key,
		      char **value)
{
	CLEANUP_FREE char *copy = NULL;
	struct sfs_tag *grown;

	if (tags->count >= SFS_TAGS_MAX) {
		sfs_err("tag '%s': more than %d tags; remove one first", key,
			SFS_TAGS_MAX);
		return -E2BIG;
	}
	copy = sfs_strdup(key);
	grown = sfs_realloc(tags->tags, tags->count + 1, sizeof(*grown));
	if (grown)
		tags->tags = grown;
	if (!copy || !grown)
		return -ENOMEM;
	memmove(&grown[i + 1], &grown[i], (tags->count - i) * sizeof(*grown));
	grown[i] = (struct sfs_tag){ TAKE_PTR(copy), TAKE_PTR(*value) };
	tags->count++;
	return 0;
}

int sfs_tags_set(struct sfs_tags *tags, const char *key, const char *value)
{
	CLEANUP_FREE char *copy = NULL;
	bool found;
	size_t i;
	int r;

	r = check_tag(key, value);
	if (r < 0)
		return r;
	i = find_tag(tags, key, &found);
	if (!value) {
		if (found)
			remove_tag(tags, i);
		return 0;
	}
	copy = sfs_strdup(value);
	if (!copy)
		return -ENOMEM;
	if (!found)
		return insert_tag(tags, i, key, &copy);
	free(tags->tags[i].value);
	tags->tags[i].value = TAKE_PTR(copy);
	return 0;
}

static int append_tag(struct sfs_tags *to, const struct sfs_tag *tag)
{
	CLEANUP_FREE char *key = sfs_strdup(tag->key);
	CLEANUP_FREE char *value = sfs_strdup(tag->value);

	if (!key || !value)
		return -ENOMEM;
	to->tags[to->count++] =
		(struct sfs_tag){ TAKE_PTR(key), TAKE_PTR(value) };
	return 0;
}

int sfs_tags_copy(struct sfs_tags *to, const struct sfs_tags *from)
{
	struct sfs_tags copy = { 0 };
	size_t i;
	int r = 0;

	copy.tags = sfs_calloc(from->count, sizeof(*copy.tags));
	if (!copy.tags)
		return -ENOMEM;
	for (i = 0; i < from->count && r == 0; i++)
		r = append_tag(&copy, &from->tags[i]);
	if (r < 0) {
		sfs_tags_done(&copy);
		return r;
	}
	*to = copy;
	return 0;
}

void sfs_snapshot_done(struct sfs_snapshot *snapshot)
{
	free(snapshot->source);
	free(snapshot->description);
	sfs_tags_done(&snapshot->tags);
	sfs_grants_done(&snapshot->grants);
	snapshot->source = NULL;
	snapshot->description = NULL;
}

void sfs_snapshot_free(struct sfs_snapshot *snapshot)
{
	if (!snapshot)
		return;
	sfs_snapshot_done(snapshot);
	free(snapshot);
}

int sfs_snapshot_copy(const struct sfs_snapshot *from,
		      struct sfs_snapshot **ret)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *copy = NULL;
	int r;

	copy = sfs_malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *from;
	copy->tags = (struct sfs_tags){ 0 };
	copy->grants = (struct sfs_grants){ 0 };
	copy->source = sfs_strdup(from->source ? from->source : "");
	copy->description =
		sfs_strdup(from->description ? from->description : "");
	if (!copy->source || !copy->description)
		return -ENOMEM;
	r = sfs_tags_copy(&copy->tags, &from->tags);
	if (r < 0)
		return r;
	r = sfs_grants_copy(&copy->grants, &from->grants);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(copy);
	return 0;
}
