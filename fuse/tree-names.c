/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/tree.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "format/time.h"
#include "fuse/tree-impl.h"

#define SUFFIX	  ".img"
#define LATEST	  "latest" SUFFIX
#define ROOT_DISK "root" SUFFIX /* never the name of a device's file */
#define MANIFEST  "image.json"

static const struct fixed {
	enum sfs_place_kind kind;
	enum sfs_place_kind parent;
	const char *name;
} fixed[] = {
	{ SFS_PLACE_README, SFS_PLACE_ROOT, "README" },
	{ SFS_PLACE_SNAPSHOTS, SFS_PLACE_ROOT, "snapshots" },
	{ SFS_PLACE_VOLUMES, SFS_PLACE_ROOT, "volumes" },
	{ SFS_PLACE_IMAGES, SFS_PLACE_ROOT, "images" },
	{ SFS_PLACE_META, SFS_PLACE_ROOT, ".snapfs" },
	/* The last of the root: it may be missing. */
	{ SFS_PLACE_SCRATCH, SFS_PLACE_ROOT, "scratch" },
	{ SFS_PLACE_SCRATCH_SNAPSHOTS, SFS_PLACE_SCRATCH, "snapshots" },
	{ SFS_PLACE_SCRATCH_IMAGES, SFS_PLACE_SCRATCH, "images" },
	{ SFS_PLACE_STATUS, SFS_PLACE_META, "status.json" },
};

static unsigned scratch_bit(const struct sfs_place *parent)
{
	return parent->scratch ? SFS_INODE_SCRATCH : 0;
}

/* ---- the other inodes of what a place belongs to ---- */

static bool place_snapshot(const struct sfs_tree *tree,
			   const struct sfs_tree_snapshot *snapshot,
			   unsigned bits, struct sfs_place *ret)
{
	size_t index = (size_t)(snapshot - tree->snapshots);

	return sfs_tree_place(tree, SFS_OBJECT_SNAPSHOT, index, bits, ret);
}

static bool place_latest(const struct sfs_tree *tree,
			 const struct sfs_tree_volume *volume,
			 struct sfs_place *ret)
{
	size_t index = (size_t)(volume - tree->volumes);

	return sfs_tree_place(tree, SFS_OBJECT_VOLUME, index, SFS_INODE_LATEST,
			      ret);
}

/* @bits of the image that is @parent, or of its twin. */
static bool place_in_image(const struct sfs_tree *tree,
			   const struct sfs_place *parent, unsigned bits,
			   struct sfs_place *ret)
{
	size_t index = (size_t)(parent->image - tree->images);

	return sfs_tree_place(tree, SFS_OBJECT_IMAGE, index,
			      bits | scratch_bit(parent), ret);
}

static bool place_disk(const struct sfs_tree *tree,
		       const struct sfs_place *parent, size_t n,
		       struct sfs_place *ret)
{
	return sfs_tree_place(tree, SFS_OBJECT_DISK, parent->image->first + n,
			      SFS_INODE_DISK | scratch_bit(parent), ret);
}

/* ---- names to places ---- */

static bool lookup_fixed(const struct sfs_tree *tree,
			 enum sfs_place_kind parent, const char *name,
			 struct sfs_place *ret)
{
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(fixed); i++) {
		if (fixed[i].parent == parent &&
		    strcmp(name, fixed[i].name) == 0)
			return sfs_tree_fixed(tree, fixed[i].kind, ret);
	}
	return false;
}

static bool lookup_snapshot(const struct sfs_tree *tree,
			    const struct sfs_place *parent, const char *name,
			    struct sfs_place *ret)
{
	size_t length = strlen(name), index;
	char id[SFS_ID_SIZE];
	uint64_t base;

	if (length <= strlen(SUFFIX) || length - strlen(SUFFIX) >= sizeof(id) ||
	    strcmp(name + length - strlen(SUFFIX), SUFFIX) != 0)
		return false;
	memcpy(id, name, length - strlen(SUFFIX));
	id[length - strlen(SUFFIX)] = '\0';
	if (!sfs_tree_get(tree, SFS_OBJECT_SNAPSHOT, id, &index, &base))
		return false;
	return sfs_tree_place(tree, SFS_OBJECT_SNAPSHOT, index,
			      SFS_INODE_SNAPSHOT | scratch_bit(parent), ret);
}

static bool lookup_volume(const struct sfs_tree *tree, const char *name,
			  struct sfs_place *ret)
{
	uint64_t base;
	size_t index;

	if (!sfs_tree_get(tree, SFS_OBJECT_VOLUME, name, &index, &base))
		return false;
	return sfs_tree_place(tree, SFS_OBJECT_VOLUME, index, SFS_INODE_VOLUME,
			      ret);
}

static bool lookup_image(const struct sfs_tree *tree,
			 const struct sfs_place *parent, const char *name,
			 struct sfs_place *ret)
{
	uint64_t base;
	size_t index;

	if (!sfs_tree_get(tree, SFS_OBJECT_NAME, name, &index, &base))
		return false;
	return sfs_tree_place(tree, SFS_OBJECT_IMAGE, index,
			      SFS_INODE_IMAGE | scratch_bit(parent), ret);
}

static bool lookup_in_image(const struct sfs_tree *tree,
			    const struct sfs_place *parent, const char *name,
			    struct sfs_place *ret)
{
	uint32_t i;

	if (strcmp(name, MANIFEST) == 0)
		return place_in_image(tree, parent, SFS_INODE_MANIFEST, ret);
	if (strcmp(name, ROOT_DISK) == 0)
		return place_in_image(tree, parent, SFS_INODE_ROOT_DISK, ret);
	for (i = 0; i < parent->image->count; i++) {
		if (strcmp(sfs_tree_disk(tree, parent->image, i)->file, name) ==
		    0)
			return place_disk(tree, parent, i, ret);
	}
	return false;
}

/* The time that a link's name begins with. */
static bool parse_link_time(const char *name, int64_t *ret_ns)
{
	const char *end = strchr(name, 'Z');
	char text[SFS_TIME_SIZE];
	char *p;

	if (!end || (size_t)(end - name) + 2 > sizeof(text))
		return false;
	memcpy(text, name, (size_t)(end - name) + 1);
	text[end - name + 1] = '\0';
	p = strchr(text, 'T');
	for (; p && *p; p++) {
		if (*p == '-')
			*p = ':';
	}
	return sfs_time_parse(text, ret_ns);
}

/* The first of @volume's snapshots that is not older than @time_ns. */
static size_t first_not_before(const struct sfs_tree *tree,
			       const struct sfs_tree_volume *volume,
			       int64_t time_ns)
{
	size_t low = 0, high = volume->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (sfs_tree_nth(tree, volume, middle)->time_ns < time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Two snapshots of a volume at the same nanosecond: the first by id has the
 * plain name, the others have their digits behind it. */
static void format_link_name(const struct sfs_tree *tree,
			     const struct sfs_tree_volume *volume, size_t n,
			     char ret[SFS_TREE_NAME_SIZE])
{
	const struct sfs_tree_snapshot *snapshot =
		sfs_tree_nth(tree, volume, n);
	char time[SFS_TIME_SIZE];

	sfs_time_format_name(snapshot->time_ns, time);
	if (n > 0 &&
	    sfs_tree_nth(tree, volume, n - 1)->time_ns == snapshot->time_ns)
		snprintf(ret, SFS_TREE_NAME_SIZE, "%s-%s" SUFFIX, time,
			 snapshot->id + strlen(SFS_ID_SNAPSHOT));
	else
		snprintf(ret, SFS_TREE_NAME_SIZE, "%s" SUFFIX, time);
}

static bool lookup_link(const struct sfs_tree *tree,
			const struct sfs_tree_volume *volume, const char *name,
			struct sfs_place *ret)
{
	const struct sfs_tree_snapshot *snapshot;
	char candidate[SFS_TREE_NAME_SIZE];
	int64_t time_ns;
	size_t n;

	if (strcmp(name, LATEST) == 0)
		return place_latest(tree, volume, ret);
	if (!parse_link_time(name, &time_ns))
		return false;
	n = first_not_before(tree, volume, time_ns);
	for (; n < volume->count; n++) {
		snapshot = sfs_tree_nth(tree, volume, n);
		if (snapshot->time_ns != time_ns)
			return false;
		format_link_name(tree, volume, n, candidate);
		if (strcmp(name, candidate) == 0)
			return place_snapshot(tree, snapshot, SFS_INODE_LINK,
					      ret);
	}
	return false;
}

bool sfs_tree_lookup(const struct sfs_tree *tree,
		     const struct sfs_place *parent, const char *name,
		     struct sfs_place *ret)
{
	switch (parent->kind) {
	case SFS_PLACE_SNAPSHOTS:
	case SFS_PLACE_SCRATCH_SNAPSHOTS:
		return lookup_snapshot(tree, parent, name, ret);
	case SFS_PLACE_VOLUMES:
		return lookup_volume(tree, name, ret);
	case SFS_PLACE_VOLUME:
		return lookup_link(tree, parent->volume, name, ret);
	case SFS_PLACE_IMAGES:
	case SFS_PLACE_SCRATCH_IMAGES:
		return lookup_image(tree, parent, name, ret);
	case SFS_PLACE_IMAGE:
		return lookup_in_image(tree, parent, name, ret);
	default:
		return lookup_fixed(tree, parent->kind, name, ret);
	}
}

/* ---- listing ---- */

static bool child_fixed(const struct sfs_tree *tree, enum sfs_place_kind parent,
			size_t index, struct sfs_place *ret, char *ret_name)
{
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(fixed); i++) {
		if (fixed[i].parent != parent || index-- > 0)
			continue;
		snprintf(ret_name, SFS_TREE_NAME_SIZE, "%s", fixed[i].name);
		return sfs_tree_fixed(tree, fixed[i].kind, ret);
	}
	return false;
}

static bool child_snapshot(const struct sfs_tree *tree,
			   const struct sfs_place *parent, size_t index,
			   struct sfs_place *ret, char *ret_name)
{
	if (index >= tree->snapshot_count)
		return false;
	snprintf(ret_name, SFS_TREE_NAME_SIZE, "%s" SUFFIX,
		 tree->snapshots[index].id);
	return sfs_tree_place(tree, SFS_OBJECT_SNAPSHOT, index,
			      SFS_INODE_SNAPSHOT | scratch_bit(parent), ret);
}

static bool child_volume(const struct sfs_tree *tree, size_t index,
			 struct sfs_place *ret, char *ret_name)
{
	if (index >= tree->volume_count)
		return false;
	snprintf(ret_name, SFS_TREE_NAME_SIZE, "%s", tree->volumes[index].name);
	return sfs_tree_place(tree, SFS_OBJECT_VOLUME, index, SFS_INODE_VOLUME,
			      ret);
}

static bool child_link(const struct sfs_tree *tree,
		       const struct sfs_tree_volume *volume, size_t index,
		       struct sfs_place *ret, char *ret_name)
{
	if (index > volume->count)
		return false;
	if (index == volume->count) {
		snprintf(ret_name, SFS_TREE_NAME_SIZE, LATEST);
		return place_latest(tree, volume, ret);
	}
	format_link_name(tree, volume, index, ret_name);
	return place_snapshot(tree, sfs_tree_nth(tree, volume, index),
			      SFS_INODE_LINK, ret);
}

static bool child_image(const struct sfs_tree *tree,
			const struct sfs_place *parent, size_t index,
			struct sfs_place *ret, char *ret_name)
{
	if (index >= tree->image_count)
		return false;
	snprintf(ret_name, SFS_TREE_NAME_SIZE, "%s", tree->images[index].name);
	return sfs_tree_place(tree, SFS_OBJECT_IMAGE, index,
			      SFS_INODE_IMAGE | scratch_bit(parent), ret);
}

/* The disks, the root's link, and what describes them. */
static bool child_of_image(const struct sfs_tree *tree,
			   const struct sfs_place *parent, size_t index,
			   struct sfs_place *ret, char *ret_name)
{
	const struct sfs_tree_image *image = parent->image;

	if (index < image->count) {
		snprintf(ret_name, SFS_TREE_NAME_SIZE, "%s",
			 sfs_tree_disk(tree, image, index)->file);
		return place_disk(tree, parent, index, ret);
	}
	if (index == image->count && image->root < image->count) {
		snprintf(ret_name, SFS_TREE_NAME_SIZE, ROOT_DISK);
		return place_in_image(tree, parent, SFS_INODE_ROOT_DISK, ret);
	}
	if (index != image->count + (size_t)(image->root < image->count))
		return false;
	snprintf(ret_name, SFS_TREE_NAME_SIZE, MANIFEST);
	return place_in_image(tree, parent, SFS_INODE_MANIFEST, ret);
}

bool sfs_tree_child(const struct sfs_tree *tree, const struct sfs_place *parent,
		    size_t index, struct sfs_place *ret,
		    char ret_name[SFS_TREE_NAME_SIZE])
{
	switch (parent->kind) {
	case SFS_PLACE_SNAPSHOTS:
	case SFS_PLACE_SCRATCH_SNAPSHOTS:
		return child_snapshot(tree, parent, index, ret, ret_name);
	case SFS_PLACE_VOLUMES:
		return child_volume(tree, index, ret, ret_name);
	case SFS_PLACE_VOLUME:
		return child_link(tree, parent->volume, index, ret, ret_name);
	case SFS_PLACE_IMAGES:
	case SFS_PLACE_SCRATCH_IMAGES:
		return child_image(tree, parent, index, ret, ret_name);
	case SFS_PLACE_IMAGE:
		return child_of_image(tree, parent, index, ret, ret_name);
	default:
		return child_fixed(tree, parent->kind, index, ret, ret_name);
	}
}

/* ---- kinds ---- */

bool sfs_place_is_directory(const struct sfs_place *place)
{
	switch (place->kind) {
	case SFS_PLACE_ROOT:
	case SFS_PLACE_SNAPSHOTS:
	case SFS_PLACE_VOLUMES:
	case SFS_PLACE_IMAGES:
	case SFS_PLACE_SCRATCH:
	case SFS_PLACE_SCRATCH_SNAPSHOTS:
	case SFS_PLACE_SCRATCH_IMAGES:
	case SFS_PLACE_META:
	case SFS_PLACE_VOLUME:
	case SFS_PLACE_IMAGE:
		return true;
	default:
		return false;
	}
}

bool sfs_place_is_link(const struct sfs_place *place)
{
	return place->kind == SFS_PLACE_LINK ||
	       place->kind == SFS_PLACE_LATEST ||
	       place->kind == SFS_PLACE_ROOT_DISK;
}

void sfs_place_target(const struct sfs_place *place,
		      char ret[SFS_TREE_NAME_SIZE])
{
	assert(sfs_place_is_link(place));
	if (place->kind == SFS_PLACE_ROOT_DISK)
		snprintf(ret, SFS_TREE_NAME_SIZE, "%s", place->disk->file);
	else
		snprintf(ret, SFS_TREE_NAME_SIZE, "../../snapshots/%s" SUFFIX,
			 place->snapshot->id);
}
