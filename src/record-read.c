/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/record-read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format/name.h"
#include "format/record.h"
#include "format/time.h"

void sfs_reader_refuse(struct sfs_reader *in, int error, const char *key,
		       const char *what)
{
	if (in->error)
		return;
	in->error = error;
	snprintf(in->why, SFS_RECORD_WHY_SIZE, "'%s' %s", key, what);
}

bool sfs_reader_has(const struct sfs_reader *in, const char *key)
{
	return sfs_json_member(in->root, key) != NULL;
}

const struct sfs_json_node *sfs_reader_get(struct sfs_reader *in,
					   const char *key)
{
	const struct sfs_json_node *node;

	if (in->error)
		return NULL;
	node = sfs_json_member(in->root, key);
	if (!node)
		sfs_reader_refuse(in, -EUCLEAN, key, "is missing");
	return node;
}

const struct sfs_json_node *sfs_reader_array(struct sfs_reader *in,
					     const char *key, size_t *ret_count)
{
	const struct sfs_json_node *list = sfs_reader_get(in, key), *node;
	size_t count = 0;

	if (!sfs_json_is_array(list)) {
		sfs_reader_refuse(in, -EUCLEAN, key, "is not a list");
		return NULL;
	}
	for (node = sfs_json_first(list); node; node = sfs_json_next(node))
		count++;
	*ret_count = count;
	return list;
}

const char *sfs_reader_string(struct sfs_reader *in, const char *key)
{
	const char *s = sfs_json_string(sfs_reader_get(in, key));

	if (s)
		return s;
	sfs_reader_refuse(in, -EUCLEAN, key, "is not a string");
	return "";
}

uint64_t sfs_reader_uint(struct sfs_reader *in, const char *key, uint64_t max)
{
	uint64_t value = 0;

	if (!sfs_json_uint(sfs_reader_get(in, key), &value))
		sfs_reader_refuse(in, -EUCLEAN, key, "is not a whole number");
	else if (value > max)
		sfs_reader_refuse(in, -EUCLEAN, key, "is too large");
	return value;
}

bool sfs_reader_bool(struct sfs_reader *in, const char *key)
{
	bool value = false;

	if (!sfs_json_bool(sfs_reader_get(in, key), &value))
		sfs_reader_refuse(in, -EUCLEAN, key,
				  "is neither true nor false");
	return value;
}

void sfs_reader_id(struct sfs_reader *in, const char *key, const char *prefix,
		   char ret[SFS_ID_SIZE])
{
	const char *id = sfs_reader_string(in, key);

	if (sfs_id_valid(id, prefix))
		memcpy(ret, id, strlen(id) + 1);
	else
		sfs_reader_refuse(in, -EUCLEAN, key,
				  "is not an id of its kind");
}

void sfs_reader_optional_id(struct sfs_reader *in, const char *key,
			    const char *prefix, char ret[SFS_ID_SIZE])
{
	if (sfs_reader_has(in, key))
		sfs_reader_id(in, key, prefix, ret);
}

void sfs_reader_own_id(struct sfs_reader *in, const char *key,
		       const char *prefix, const char *name,
		       char ret[SFS_ID_SIZE])
{
	sfs_reader_id(in, key, prefix, ret);
	if (strcmp(ret, name) != 0)
		sfs_reader_refuse(in, -EUCLEAN, key, "is not the file's name");
}

int64_t sfs_reader_time(struct sfs_reader *in, const char *key)
{
	int64_t time_ns = 0;

	if (!sfs_time_parse(sfs_reader_string(in, key), &time_ns))
		sfs_reader_refuse(in, -EUCLEAN, key, "is not a time");
	return time_ns;
}

void sfs_reader_hex(struct sfs_reader *in, const char *key, uint8_t *ret,
		    size_t size)
{
	if (!sfs_hex_parse(sfs_reader_string(in, key), ret, size))
		sfs_reader_refuse(in, -EUCLEAN, key,
				  "is not hex of the right length");
}

char *sfs_reader_text(struct sfs_reader *in, const char *key, size_t max)
{
	const char *s = sfs_reader_string(in, key), *why;
	char *copy;

	if (!sfs_name_text_ok(s, max, &why))
		sfs_reader_refuse(in, -EUCLEAN, key, why);
	if (in->error)
		return NULL;
	copy = sfs_strdup(s);
	if (!copy)
		sfs_reader_refuse(in, -ENOMEM, key, "found no memory");
	return copy;
}

void sfs_reader_want(struct sfs_reader *in, const char *key, const char *value)
{
	char what[64];

	if (strcmp(sfs_reader_string(in, key), value) == 0)
		return;
	snprintf(what, sizeof(what), "is not '%s'", value);
	sfs_reader_refuse(in, -EUCLEAN, key, what);
}

bool sfs_reader_either(struct sfs_reader *in, const char *key, const char *yes,
		       const char *no)
{
	const char *s = sfs_reader_string(in, key);
	char what[64];

	if (strcmp(s, yes) == 0)
		return true;
	if (strcmp(s, no) == 0)
		return false;
	snprintf(what, sizeof(what), "is neither '%s' nor '%s'", yes, no);
	sfs_reader_refuse(in, -EUCLEAN, key, what);
	return false;
}

const struct sfs_json_node *sfs_reader_features(struct sfs_reader *in,
						const char *key)
{
	const struct sfs_json_node *list, *node;
	size_t count;

	list = sfs_reader_array(in, key, &count);
	for (node = sfs_json_first(list); node; node = sfs_json_next(node))
		if (!sfs_json_string(node))
			sfs_reader_refuse(in, -EUCLEAN, key,
					  "holds what is no string");
	return in->error ? NULL : sfs_json_first(list);
}

static void want_no_features(struct sfs_reader *in, const char *key)
{
	const struct sfs_json_node *node = sfs_reader_features(in, key);
	const char *name, *ignored;
	char what[96];

	if (!node)
		return;
	name = sfs_json_string(node);
	if (!sfs_name_text_ok(name, 64, &ignored))
		name = "(unprintable)";
	snprintf(what, sizeof(what), "asks for '%s': use a newer snapfs", name);
	sfs_reader_refuse(in, -EOPNOTSUPP, key, what);
}

static void want_uuid(struct sfs_reader *in, const uint8_t *uuid, uint8_t *ret)
{
	const char *s = sfs_reader_string(in, "Repository");

	if (!sfs_uuid_parse(s, ret))
		sfs_reader_refuse(in, -EUCLEAN, "Repository", "is not a UUID");
	else if (uuid && memcmp(ret, uuid, SFS_UUID_LEN) != 0)
		sfs_reader_refuse(in, -EUCLEAN, "Repository",
				  "is another repository");
}

void sfs_reader_common(struct sfs_reader *in, const char *kind,
		       const uint8_t *uuid, uint8_t *ret_uuid)
{
	uint64_t version;
	char what[64];

	sfs_reader_want(in, "Format", "snapfs");
	version = sfs_reader_uint(in, "Version", INT64_MAX);
	if (version > SFS_FORMAT_VERSION) {
		snprintf(what, sizeof(what), "is %llu: use a newer snapfs",
			 (unsigned long long)version);
		sfs_reader_refuse(in, -EOPNOTSUPP, "Version", what);
	} else if (version != SFS_FORMAT_VERSION) {
		sfs_reader_refuse(in, -EUCLEAN, "Version", "is not a version");
	}
	want_no_features(in, "IncompatFeatures");
	sfs_reader_want(in, "Kind", kind);
	want_uuid(in, uuid, ret_uuid);
}

int sfs_reader_open(const char *file, size_t size, char *why,
		    struct sfs_json **ret_json, struct sfs_reader *ret,
		    const char **reterr_why)
{
	int r;

	r = sfs_record_verify(file, size, reterr_why);
	if (r < 0)
		return r;
	r = sfs_json_parse(file, size, ret_json, reterr_why);
	if (r < 0)
		return r;
	*ret = (struct sfs_reader){ .root = sfs_json_root(*ret_json),
				    .why = why };
	return 0;
}

void sfs_reader_known(struct sfs_reader *in, const char *const *known,
		      size_t count)
{
	const struct sfs_json_node *node;
	size_t i;

	for (node = sfs_json_first(in->root); node;
	     node = sfs_json_next(node)) {
		for (i = 0; i < count; i++)
			if (strcmp(sfs_json_key(node), known[i]) == 0)
				break;
		if (i == count)
			in->newer = true;
	}
}

struct sfs_reader sfs_reader_enter(struct sfs_reader *in, const char *key,
				   const struct sfs_json_node *node)
{
	struct sfs_reader inner = *in;

	inner.root = node;
	if (!sfs_json_is_object(node))
		sfs_reader_refuse(&inner, -EUCLEAN, key, "is not an object");
	return inner;
}

void sfs_reader_leave(struct sfs_reader *in, const struct sfs_reader *inner)
{
	in->error = inner->error;
	in->newer = inner->newer;
}

void sfs_reader_tags(struct sfs_reader *in, struct sfs_tags *tags)
{
	const struct sfs_json_node *list = sfs_reader_get(in, "Tags"), *node;
	const char *key, *value, *why;
	size_t count = 0;
	int r;

	if (!sfs_json_is_object(list))
		sfs_reader_refuse(in, -EUCLEAN, "Tags", "is not an object");
	if (in->error)
		return;
	for (node = sfs_json_first(list); node; node = sfs_json_next(node)) {
		key = sfs_json_key(node);
		value = sfs_json_string(node);
		/* Judged here, since sfs_tags_set() would log it as a user's
		 * mistake. */
		if (++count > SFS_TAGS_MAX)
			return sfs_reader_refuse(in, -EUCLEAN, "Tags",
						 "has too many");
		if (!sfs_name_tag_key_ok(key, &why))
			return sfs_reader_refuse(in, -EUCLEAN, "Tags",
						 "has a bad key");
		if (!value || !sfs_name_text_ok(value, SFS_TAG_VALUE_MAX, &why))
			return sfs_reader_refuse(in, -EUCLEAN, "Tags",
						 "has a bad value");
		r = sfs_tags_set(tags, key, value);
		if (r < 0)
			return sfs_reader_refuse(in, r, "Tags",
						 "found no memory");
	}
}

uint32_t sfs_reader_owner(struct sfs_reader *in)
{
	if (!sfs_reader_has(in, "OwnerId"))
		return SFS_OWNER_NONE;
	return (uint32_t)sfs_reader_uint(in, "OwnerId", UINT32_MAX - 1);
}

static struct sfs_grant read_grant(struct sfs_reader *in)
{
	static const char *const known[] = { "UserId", "GroupId", "Group" };
	struct sfs_grant grant = { .kind = SFS_GRANT_ALL };
	size_t i, count = 0;

	for (i = 0; i < SFS_ARRAY_SIZE(known); i++)
		count += sfs_reader_has(in, known[i]);
	if (count != 1)
		sfs_reader_refuse(in, -EUCLEAN, "UserId",
				  "is not alone among UserId, GroupId, Group");
	if (sfs_reader_has(in, "UserId")) {
		grant.kind = SFS_GRANT_USER;
		grant.id =
			(uint32_t)sfs_reader_uint(in, "UserId", UINT32_MAX - 1);
	} else if (sfs_reader_has(in, "GroupId")) {
		grant.kind = SFS_GRANT_GROUP;
		grant.id = (uint32_t)sfs_reader_uint(in, "GroupId",
						     UINT32_MAX - 1);
	} else {
		sfs_reader_want(in, "Group", "all");
	}
	sfs_reader_known(in, known, SFS_ARRAY_SIZE(known));
	return grant;
}

void sfs_reader_grants(struct sfs_reader *in, const char *key,
		       struct sfs_grants *grants)
{
	const struct sfs_json_node *list, *node;
	struct sfs_reader inner;
	struct sfs_grant grant;
	size_t count;
	int r;

	list = sfs_reader_array(in, key, &count);
	/* Judged here, since sfs_grants_add() would log it as a user's
	 * mistake. */
	if (list && count > SFS_GRANTS_MAX)
		sfs_reader_refuse(in, -EUCLEAN, key, "has too many");
	for (node = sfs_json_first(list); node && !in->error;
	     node = sfs_json_next(node)) {
		inner = sfs_reader_enter(in, key, node);
		grant = read_grant(&inner);
		sfs_reader_leave(in, &inner);
		if (in->error)
			return;
		r = sfs_grants_add(grants, grant);
		if (r == 0)
			sfs_reader_refuse(in, -EUCLEAN, key,
					  "has one of them twice");
		else if (r < 0)
			sfs_reader_refuse(in, r, key, "found no memory");
	}
}
