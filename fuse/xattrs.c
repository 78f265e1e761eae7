/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "format/time.h"
#include "fuse/fs.h"
#include "fuse/ops.h"
#include "src/json.h"

#define PREFIX "user.snapfs."

static int copy(const char *value, char **ret)
{
	*ret = sfs_strdup(value);
	return *ret ? 0 : -ENOMEM;
}

/* Each gives the value of one attribute, "" when the snapshot has none. */
static int get_id(const struct sfs_snapshot *snapshot, char **ret)
{
	return copy(snapshot->id, ret);
}

static int get_volume(const struct sfs_snapshot *snapshot, char **ret)
{
	return copy(snapshot->volume, ret);
}

static int get_volume_id(const struct sfs_snapshot *snapshot, char **ret)
{
	return copy(snapshot->volume_id, ret);
}

static int get_parent(const struct sfs_snapshot *snapshot, char **ret)
{
	return copy(snapshot->parent, ret);
}

static int get_set(const struct sfs_snapshot *snapshot, char **ret)
{
	return copy(snapshot->set, ret);
}

static int get_description(const struct sfs_snapshot *snapshot, char **ret)
{
	return copy(snapshot->description, ret);
}

static int get_consistency(const struct sfs_snapshot *snapshot, char **ret)
{
	return copy(sfs_consistency_name(snapshot->consistency), ret);
}

static int get_time(const struct sfs_snapshot *snapshot, char **ret)
{
	char text[SFS_TIME_SIZE];

	sfs_time_format(snapshot->time_ns, text);
	return copy(text, ret);
}

/* One JSON object on one line. */
static int get_tags(const struct sfs_snapshot *snapshot, char **ret)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	const struct sfs_tags *tags = &snapshot->tags;
	size_t i, size;
	int r;

	if (tags->count == 0)
		return copy("", ret);
	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	for (i = 0; i < tags->count; i++)
		sfs_jsonw_string(w, tags->tags[i].key, tags->tags[i].value);
	sfs_jsonw_end(w);
	r = sfs_jsonw_finish(w, false, ret, &size);
	if (r < 0)
		return r;
	(*ret)[size - 1] = '\0'; /* the newline */
	return 0;
}

static const struct attribute {
	const char *name;
	int (*get)(const struct sfs_snapshot *snapshot, char **ret);
} attributes[] = {
	{ "id", get_id },
	{ "volume", get_volume },
	{ "volume_id", get_volume_id },
	{ "parent", get_parent },
	{ "set", get_set },
	{ "time", get_time },
	{ "consistency", get_consistency },
	{ "description", get_description },
	{ "tags", get_tags },
};

static const struct attribute *find(const char *name)
{
	size_t i;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return NULL;
	name += strlen(PREFIX);
	for (i = 0; i < SFS_ARRAY_SIZE(attributes); i++) {
		if (strcmp(name, attributes[i].name) == 0)
			return &attributes[i];
	}
	return NULL;
}

/* The snapshot as it is open, for when its record is gone. */
static int load_opened(struct sfs_fs *fs, fuse_ino_t ino,
		       struct sfs_snapshot **ret)
{
	struct sfs_opened *opened = sfs_opened_find(&fs->opened, ino);
	int r;

	if (!opened)
		return -ESTALE;
	r = sfs_snapshot_copy(sfs_view_snapshot(opened->view), ret);
	sfs_opened_put(&fs->opened, opened);
	return r;
}

/* The snapshot of the image file @ino from its record, for its tags may have
 * changed.  -ENODATA when @ino is something else. */
static int load(struct sfs_fs *fs, fuse_ino_t ino, struct sfs_snapshot **ret)
{
	CLEANUP_TREE struct sfs_tree *tree = sfs_fs_tree(fs);
	struct sfs_place place;
	int r;

	if (!sfs_tree_find(tree, ino, &place))
		return load_opened(fs, ino, ret);
	if (place.kind != SFS_PLACE_IMAGE)
		return -ENODATA;
	r = sfs_catalog_load(fs->repo->catalog, place.snapshot->id, ret);
	return r == -ENOENT ? load_opened(fs, ino, ret) : r;
}

/* @bytes, or how many there are when @size is 0. */
static void reply(fuse_req_t req, const char *bytes, size_t count, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, count);
	else if (count > size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, bytes, count);
}

void sfs_op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
		     size_t size)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	const struct attribute *attribute = find(name);
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	CLEANUP_FREE char *value = NULL;
	int r;

	sfs_counters_add(&fs->counters, SFS_COUNT_GETXATTR, 1);
	if (!attribute) {
		fuse_reply_err(req, ENODATA);
		return;
	}
	r = load(fs, ino, &snapshot);
	if (r == 0)
		r = attribute->get(snapshot, &value);
	if (r == 0 && !*value)
		r = -ENODATA;
	if (r < 0)
		fuse_reply_err(req, sfs_fs_errno(r));
	else
		reply(req, value, strlen(value), size);
}

/* The names of what the snapshot has, each with its NUL. */
static int list(const struct sfs_snapshot *snapshot, char *ret,
		size_t *ret_size)
{
	size_t i, size = 0;
	int r;

	for (i = 0; i < SFS_ARRAY_SIZE(attributes); i++) {
		CLEANUP_FREE char *value = NULL;

		r = attributes[i].get(snapshot, &value);
		if (r < 0)
			return r;
		if (!*value)
			continue;
		strcpy(ret + size, PREFIX);
		strcat(ret + size, attributes[i].name);
		size += strlen(ret + size) + 1;
	}
	*ret_size = size;
	return 0;
}

void sfs_op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	char names[SFS_ARRAY_SIZE(attributes) * 32];
	size_t count = 0;
	int r;

	sfs_counters_add(&fs->counters, SFS_COUNT_LISTXATTR, 1);
	r = load(fs, ino, &snapshot);
	if (r == 0)
		r = list(snapshot, names, &count);
	if (r < 0 && r != -ENODATA)
		fuse_reply_err(req, sfs_fs_errno(r));
	else
		reply(req, names, count, size);
}
