/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/time.h"
#include "fuse/access.h"
#include "fuse/acl.h"
#include "fuse/fs.h"
#include "fuse/ops.h"
#include "src/json.h"

#define PREFIX "user.snapfs."

/* What a file shows.  @snapshot is that of an image file or a disk, @image that
 * of an image's directory or a disk; either may be missing. */
struct subject {
	struct sfs_snapshot *snapshot;
	struct sfs_image *image;
	const struct sfs_mapping *mapping; /* of a disk; points into @image */
	bool scratch;			   /* it may have been written to */
	bool broken;			   /* image that lacks a snapshot */
};

static void subject_done(struct subject *subject)
{
	sfs_snapshot_free(subject->snapshot);
	sfs_image_free(subject->image);
}
#define CLEANUP_SUBJECT __attribute__((cleanup(subject_done)))

static bool is_image(const struct subject *subject)
{
	return subject->image && !subject->mapping;
}

/* ---- the values ---- */

static int copy(const char *value, char **ret)
{
	*ret = sfs_strdup(value);
	return *ret ? 0 : -ENOMEM;
}

static int copy_time(int64_t time_ns, char **ret)
{
	char text[SFS_TIME_SIZE];

	sfs_time_format(time_ns, text);
	return copy(text, ret);
}

/* Each gives the value of one attribute, "" when the subject has none. */

/* Not of a twin: what has this is not taken as a source of snapshots, because
 * it is in the repository already. */
static int get_id(const struct subject *subject, char **ret)
{
	if (is_image(subject))
		return copy(subject->image->id, ret);
	if (subject->scratch)
		return copy("", ret);
	return copy(subject->mapping ? subject->mapping->snapshot
				     : subject->snapshot->id,
		    ret);
}

static int get_name(const struct subject *subject, char **ret)
{
	return copy(is_image(subject) ? subject->image->name : "", ret);
}

static int get_image(const struct subject *subject, char **ret)
{
	return copy(subject->mapping ? subject->image->name : "", ret);
}

static int get_image_id(const struct subject *subject, char **ret)
{
	return copy(subject->mapping ? subject->image->id : "", ret);
}

static int get_device(const struct subject *subject, char **ret)
{
	return copy(subject->mapping ? subject->mapping->device : "", ret);
}

static int get_size(const struct subject *subject, char **ret)
{
	if (!subject->mapping)
		return copy("", ret);
	*ret = sfs_asprintf("%" PRIu64, subject->mapping->size);
	return *ret ? 0 : -ENOMEM;
}

static int get_volume(const struct subject *subject, char **ret)
{
	return copy(subject->snapshot ? subject->snapshot->volume : "", ret);
}

static int get_volume_id(const struct subject *subject, char **ret)
{
	return copy(subject->snapshot ? subject->snapshot->volume_id : "", ret);
}

static int get_parent(const struct subject *subject, char **ret)
{
	return copy(subject->snapshot ? subject->snapshot->parent : "", ret);
}

static int get_set(const struct subject *subject, char **ret)
{
	if (is_image(subject))
		return copy(subject->image->set, ret);
	return copy(subject->snapshot ? subject->snapshot->set : "", ret);
}

static int get_description(const struct subject *subject, char **ret)
{
	if (is_image(subject))
		return copy(subject->image->description, ret);
	return copy(subject->snapshot ? subject->snapshot->description : "",
		    ret);
}

static int get_consistency(const struct subject *subject, char **ret)
{
	if (!subject->snapshot)
		return copy("", ret);
	return copy(sfs_consistency_name(subject->snapshot->consistency), ret);
}

static int get_time(const struct subject *subject, char **ret)
{
	if (is_image(subject))
		return copy_time(subject->image->time_ns, ret);
	if (!subject->snapshot)
		return copy("", ret);
	return copy_time(subject->snapshot->time_ns, ret);
}

static int get_architecture(const struct subject *subject, char **ret)
{
	return copy(is_image(subject) ? subject->image->architecture : "", ret);
}

static int get_boot_mode(const struct subject *subject, char **ret)
{
	return copy(is_image(subject) ? subject->image->boot_mode : "", ret);
}

static int get_platform(const struct subject *subject, char **ret)
{
	return copy(is_image(subject) ? subject->image->platform : "", ret);
}

static int get_root_device(const struct subject *subject, char **ret)
{
	return copy(is_image(subject) ? subject->image->root : "", ret);
}

static int get_state(const struct subject *subject, char **ret)
{
	if (!is_image(subject))
		return copy("", ret);
	if (subject->broken)
		return copy("broken", ret);
	if (subject->image->disabled)
		return copy("disabled", ret);
	if (sfs_image_deprecated(subject->image, sfs_now_ns()))
		return copy("deprecated", ret);
	return copy("available", ret);
}

/* One JSON object on one line. */
static int get_tags(const struct subject *subject, char **ret)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	const struct sfs_tags *tags = NULL;
	size_t i, size;
	int r;

	if (is_image(subject))
		tags = &subject->image->tags;
	else if (subject->snapshot)
		tags = &subject->snapshot->tags;
	if (!tags || tags->count == 0)
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
	int (*get)(const struct subject *subject, char **ret);
} attributes[] = {
	{ "id", get_id },
	{ "name", get_name },
	{ "image", get_image },
	{ "image_id", get_image_id },
	{ "device", get_device },
	{ "size", get_size },
	{ "volume", get_volume },
	{ "volume_id", get_volume_id },
	{ "parent", get_parent },
	{ "set", get_set },
	{ "time", get_time },
	{ "consistency", get_consistency },
	{ "description", get_description },
	{ "tags", get_tags },
	{ "architecture", get_architecture },
	{ "boot_mode", get_boot_mode },
	{ "platform", get_platform },
	{ "root_device", get_root_device },
	{ "state", get_state },
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

/* ---- what they are of ---- */

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

static int load_snapshot(struct sfs_fs *fs, const struct sfs_place *place,
			 struct subject *ret)
{
	int r;

	r = sfs_catalog_load(fs->repo->catalog, place->snapshot->id,
			     &ret->snapshot);
	return r == -ENOENT ? load_opened(fs, place->ino, &ret->snapshot) : r;
}

static bool lacks_snapshot(const struct sfs_tree *tree,
			   const struct sfs_tree_image *image)
{
	size_t i;

	for (i = 0; i < image->count; i++) {
		if (sfs_tree_disk(tree, image, i)->missing)
			return true;
	}
	return false;
}

static int load_image(struct sfs_fs *fs, const struct sfs_tree *tree,
		      const struct sfs_place *place, struct subject *ret)
{
	int r;

	r = sfs_catalog_load_image(fs->repo->catalog, place->image->id,
				   &ret->image);
	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	ret->broken = lacks_snapshot(tree, place->image);
	return 0;
}

/* The mapping that @file of the image stands for. */
static const struct sfs_mapping *find_mapping(const struct sfs_tree *tree,
					      const struct sfs_place *place,
					      const struct sfs_image *image)
{
	const struct sfs_tree_disk *disk = sfs_tree_disk(tree, place->image, 0);
	size_t i;

	for (i = 0; i < image->mapping_count; i++) {
		if (!sfs_mapping_is_volume(&image->mappings[i]))
			continue;
		if (disk++ == place->disk)
			return &image->mappings[i];
	}
	return NULL;
}

static int load_disk(struct sfs_fs *fs, const struct sfs_tree *tree,
		     const struct sfs_place *place, struct subject *ret)
{
	int r;

	r = load_image(fs, tree, place, ret);
	if (r < 0)
		return r;
	ret->mapping = find_mapping(tree, place, ret->image);
	if (!ret->mapping)
		return -ESTALE;
	if (ret->mapping->kind != SFS_MAPPING_SNAPSHOT || place->disk->missing)
		return 0;
	r = sfs_catalog_load(fs->repo->catalog, place->disk->snapshot,
			     &ret->snapshot);
	return r == -ENOENT ? 0 : r; /* missing since a moment ago */
}

/* What @ino shows, from its record, for tags and more may have changed.
 * -ENODATA when it is something else. */
static int load(struct sfs_fs *fs, fuse_ino_t ino, struct subject *ret)
{
	CLEANUP_TREE struct sfs_tree *tree = sfs_fs_tree(fs);
	struct sfs_place place;

	*ret = (struct subject){ .scratch = sfs_scratch_is_twin(ino) };
	if (!sfs_scratch_find(fs, tree, ino, &place))
		return load_opened(fs, ino, &ret->snapshot);
	ret->scratch = place.scratch;
	switch (place.kind) {
	case SFS_PLACE_SNAPSHOT:
		return load_snapshot(fs, &place, ret);
	case SFS_PLACE_IMAGE:
		return load_image(fs, tree, &place, ret);
	case SFS_PLACE_DISK:
		return load_disk(fs, tree, &place, ret);
	default:
		return -ENODATA;
	}
}

/* The size of @ino's ACL, which is put in @ret; 0 where it has none. */
static size_t load_acl(struct sfs_fs *fs, fuse_ino_t ino,
		       uint8_t ret[SFS_ACL_SIZE_MAX])
{
	CLEANUP_TREE struct sfs_tree *tree = NULL;
	struct sfs_tree_snapshot gone = { .owner = SFS_OWNER_NONE };
	struct sfs_place place;

	if (!fs->options->allow_other)
		return 0;
	tree = sfs_fs_refreshed(fs);
	if (!sfs_scratch_find(fs, tree, ino, &place))
		place = (struct sfs_place){
			.kind = SFS_PLACE_SNAPSHOT,
			.scratch = sfs_scratch_is_twin(ino),
			.snapshot = &gone,
		};
	return sfs_acl_format(fs->options, &place, ret);
}

/* ---- the requests ---- */

/* @bytes, or how many there are when @size is 0. */
static void reply(fuse_req_t req, const void *bytes, size_t count, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, count);
	else if (count > size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, bytes, count);
}

static void get_acl(fuse_req_t req, struct sfs_fs *fs, fuse_ino_t ino,
		    size_t size)
{
	uint8_t acl[SFS_ACL_SIZE_MAX];
	size_t count = load_acl(fs, ino, acl);

	if (count == 0)
		fuse_reply_err(req, ENODATA);
	else
		reply(req, acl, count, size);
}

void sfs_op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
		     size_t size)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	const struct attribute *attribute = find(name);
	CLEANUP_SUBJECT struct subject subject = { 0 };
	CLEANUP_FREE char *value = NULL;
	int r;

	sfs_counters_add(&fs->counters, SFS_COUNT_GETXATTR, 1);
	if (strcmp(name, SFS_ACL_XATTR) == 0) {
		get_acl(req, fs, ino, size);
		return;
	}
	if (!attribute) {
		fuse_reply_err(req, ENODATA);
		return;
	}
	r = load(fs, ino, &subject);
	if (r == 0)
		r = attribute->get(&subject, &value);
	if (r == 0 && !*value)
		r = -ENODATA;
	if (r < 0)
		fuse_reply_err(req, sfs_fs_errno(r));
	else
		reply(req, value, strlen(value), size);
}

/* The longest name is well below 32 bytes. */
struct names {
	char bytes[SFS_ARRAY_SIZE(attributes) * 32 + sizeof(SFS_ACL_XATTR)];
	size_t size;
};

static void add_name(struct names *names, const char *prefix, const char *name)
{
	int length = snprintf(names->bytes + names->size,
			      sizeof(names->bytes) - names->size, "%s%s",
			      prefix, name);

	names->size += (size_t)length + 1;
	assert(names->size <= sizeof(names->bytes));
}

/* The names of what the subject has, each with its NUL. */
static int list(const struct subject *subject, struct names *names)
{
	size_t i;
	int r;

	for (i = 0; i < SFS_ARRAY_SIZE(attributes); i++) {
		CLEANUP_FREE char *value = NULL;

		r = attributes[i].get(subject, &value);
		if (r < 0)
			return r;
		if (*value)
			add_name(names, PREFIX, attributes[i].name);
	}
	return 0;
}

void sfs_op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	CLEANUP_SUBJECT struct subject subject = { 0 };
	struct names names = { .size = 0 };
	uint8_t acl[SFS_ACL_SIZE_MAX];
	int r;

	sfs_counters_add(&fs->counters, SFS_COUNT_LISTXATTR, 1);
	if (load_acl(fs, ino, acl) > 0)
		add_name(&names, "", SFS_ACL_XATTR);
	r = load(fs, ino, &subject);
	if (r == 0)
		r = list(&subject, &names);
	if (r < 0 && r != -ENODATA)
		fuse_reply_err(req, sfs_fs_errno(r));
	else
		reply(req, names.bytes, names.size, size);
}
