/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/tree.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fuse/tree-impl.h"

/* The kinds of places by the bits of their numbers; those with a twin are
 * below scratch/ as well. */
static const struct kind {
	enum sfs_place_kind kind; /* 0: there is none */
	bool twin;
} kinds[SFS_OBJECT_COUNT][SFS_INODE_KINDS + 1] = {
	[SFS_OBJECT_SNAPSHOT] = {
		[SFS_INODE_SNAPSHOT] = { SFS_PLACE_SNAPSHOT, true },
		[SFS_INODE_LINK] = { SFS_PLACE_LINK, false },
	},
	[SFS_OBJECT_VOLUME] = {
		[SFS_INODE_VOLUME] = { SFS_PLACE_VOLUME, false },
		[SFS_INODE_LATEST] = { SFS_PLACE_LATEST, false },
	},
	[SFS_OBJECT_IMAGE] = {
		[SFS_INODE_IMAGE] = { SFS_PLACE_IMAGE, true },
		[SFS_INODE_MANIFEST] = { SFS_PLACE_MANIFEST, false },
		[SFS_INODE_ROOT_DISK] = { SFS_PLACE_ROOT_DISK, true },
	},
	[SFS_OBJECT_DISK] = {
		[SFS_INODE_DISK] = { SFS_PLACE_DISK, true },
	},
};

static bool has_key(const struct sfs_tree *tree, enum sfs_inode_object object,
		    size_t index, const char *key)
{
	switch (object) {
	case SFS_OBJECT_SNAPSHOT:
		return strcmp(tree->snapshots[index].id, key) == 0;
	case SFS_OBJECT_VOLUME:
		return strcmp(tree->volumes[index].name, key) == 0;
	case SFS_OBJECT_IMAGE:
		return strcmp(tree->images[index].id, key) == 0;
	case SFS_OBJECT_NAME:
		return strcmp(tree->images[index].name, key) == 0;
	default:
		return false; /* nobody asks for a disk but by its image */
	}
}

bool sfs_tree_get(const struct sfs_tree *tree, enum sfs_inode_object object,
		  const char *key, size_t *ret_index, uint64_t *ret_base)
{
	enum sfs_inode_object found;
	unsigned attempt;

	for (attempt = 0;; attempt++) {
		*ret_base = sfs_inode_base(object, key, attempt);
		if (!sfs_inode_table_get(&tree->table, *ret_base, &found,
					 ret_index))
			return false;
		if (found == object && has_key(tree, object, *ret_index, key))
			return true;
	}
}

/* ---- building ---- */

static int add_volume(struct sfs_tree *tree, const char *name,
		      size_t *ret_index)
{
	struct sfs_tree_volume *volume;
	uint64_t base;
	int r;

	if (sfs_tree_get(tree, SFS_OBJECT_VOLUME, name, ret_index, &base))
		return 0;
	r = sfs_grow(&tree->volumes, &tree->volume_capacity, tree->volume_count,
		     sizeof(*tree->volumes));
	if (r < 0)
		return r;
	r = sfs_inode_table_add(&tree->table, base, SFS_OBJECT_VOLUME,
				tree->volume_count);
	if (r < 0)
		return r;
	*ret_index = tree->volume_count++;
	volume = &tree->volumes[*ret_index];
	*volume = (struct sfs_tree_volume){ .base = base };
	snprintf(volume->name, sizeof(volume->name), "%s", name);
	return 0;
}

static int add_snapshot(const struct sfs_snapshot *from, void *context)
{
	struct sfs_tree *tree = context;
	struct sfs_tree_snapshot *snapshot;
	size_t index, volume;
	uint64_t base;
	int r;

	if (sfs_tree_get(tree, SFS_OBJECT_SNAPSHOT, from->id, &index, &base))
		return 0;
	r = add_volume(tree, from->volume, &volume);
	if (r < 0)
		return r;
	/* Its base may just have been given to the volume. */
	sfs_tree_get(tree, SFS_OBJECT_SNAPSHOT, from->id, &index, &base);
	r = sfs_grow(&tree->snapshots, &tree->snapshot_capacity,
		     tree->snapshot_count, sizeof(*tree->snapshots));
	if (r < 0)
		return r;
	r = sfs_inode_table_add(&tree->table, base, SFS_OBJECT_SNAPSHOT,
				tree->snapshot_count);
	if (r < 0)
		return r;
	snapshot = &tree->snapshots[tree->snapshot_count++];
	*snapshot = (struct sfs_tree_snapshot){
		.base = base,
		.time_ns = from->time_ns,
		.size = from->size,
		.data_bytes = from->data_bytes,
		.volume = (uint32_t)volume,
		.owner = from->owner,
	};
	snprintf(snapshot->id, sizeof(snapshot->id), "%s", from->id);
	tree->volumes[volume].count++;
	tree->volumes[volume].newest_ns = from->time_ns;
	tree->newest_ns = from->time_ns;
	return sfs_grants_copy(&snapshot->grants, &from->grants);
}

/* A stable distribution of the snapshots over their volumes. */
static int sort_by_volume(struct sfs_tree *tree)
{
	struct sfs_tree_volume *volume;
	uint32_t first = 0;
	size_t i;

	tree->by_volume =
		sfs_calloc(tree->snapshot_count, sizeof(*tree->by_volume));
	if (!tree->by_volume)
		return -ENOMEM;
	for (i = 0; i < tree->volume_count; i++) {
		volume = &tree->volumes[i];
		volume->first = first;
		first += volume->count;
		volume->count = 0;
	}
	for (i = 0; i < tree->snapshot_count; i++) {
		volume = &tree->volumes[tree->snapshots[i].volume];
		tree->by_volume[volume->first + volume->count++] = (uint32_t)i;
	}
	return 0;
}

/* Another disk of the last image. */
static int add_disk(struct sfs_tree *tree, const struct sfs_mapping *mapping)
{
	struct sfs_tree_image *image = &tree->images[tree->image_count - 1];
	char file[SFS_DEVICE_FILE_SIZE];
	char key[SFS_ID_SIZE + sizeof(file) + 8];
	struct sfs_tree_disk *disk;
	size_t index;
	int r;

	r = sfs_grow(&tree->disks, &tree->disk_capacity, tree->disk_count,
		     sizeof(*tree->disks));
	if (r < 0)
		return r;
	disk = &tree->disks[tree->disk_count];
	*disk = (struct sfs_tree_disk){
		.size = mapping->size,
		.image = (uint32_t)tree->image_count - 1,
	};
	sfs_name_device_file(mapping->device, file);
	snprintf(disk->file, sizeof(disk->file), "%s.img", file);
	snprintf(key, sizeof(key), "%s/%s", image->id, disk->file);
	sfs_tree_get(tree, SFS_OBJECT_DISK, key, &index, &disk->base);
	r = sfs_inode_table_add(&tree->table, disk->base, SFS_OBJECT_DISK,
				tree->disk_count);
	if (r < 0)
		return r;
	if (mapping->kind == SFS_MAPPING_SNAPSHOT)
		snprintf(disk->snapshot, sizeof(disk->snapshot), "%s",
			 mapping->snapshot);
	tree->disk_count++;
	image->count++;
	return 0;
}

static int add_disks(struct sfs_tree *tree, const struct sfs_image *from)
{
	struct sfs_tree_image *image = &tree->images[tree->image_count - 1];
	const struct sfs_mapping *root = sfs_image_root(from);
	uint32_t root_index = UINT32_MAX;
	size_t i;
	int r;

	for (i = 0; i < from->mapping_count; i++) {
		if (!sfs_mapping_is_volume(&from->mappings[i]))
			continue;
		if (&from->mappings[i] == root)
			root_index = image->count;
		r = add_disk(tree, &from->mappings[i]);
		if (r < 0)
			return r;
	}
	image->root = (uint32_t)sfs_min(root_index, image->count);
	return 0;
}

static int add_image_numbers(struct sfs_tree *tree, const char *id,
			     uint64_t name_base, uint64_t *ret_base)
{
	size_t index;
	int r;

	r = sfs_inode_table_add(&tree->table, name_base, SFS_OBJECT_NAME,
				tree->image_count);
	if (r < 0)
		return r;
	sfs_tree_get(tree, SFS_OBJECT_IMAGE, id, &index, ret_base);
	return sfs_inode_table_add(&tree->table, *ret_base, SFS_OBJECT_IMAGE,
				   tree->image_count);
}

static int add_image(const struct sfs_image *from, void *context)
{
	struct sfs_tree *tree = context;
	struct sfs_tree_image *image;
	uint64_t base;
	size_t index;
	int r;

	/* Of two with one name, which only a repository that was put together
	 * by hand can have, the first is shown. */
	if (sfs_tree_get(tree, SFS_OBJECT_NAME, from->name, &index, &base))
		return 0;
	r = sfs_grow(&tree->images, &tree->image_capacity, tree->image_count,
		     sizeof(*tree->images));
	if (r < 0)
		return r;
	image = &tree->images[tree->image_count];
	*image = (struct sfs_tree_image){
		.time_ns = from->time_ns,
		.deprecated_ns = from->deprecated_ns,
		.owner = from->owner,
		.first = (uint32_t)tree->disk_count,
	};
	snprintf(image->id, sizeof(image->id), "%s", from->id);
	snprintf(image->name, sizeof(image->name), "%s", from->name);
	r = add_image_numbers(tree, from->id, base, &image->base);
	if (r < 0)
		return r;
	tree->image_count++;
	r = add_disks(tree, from);
	if (r < 0 || from->disabled)
		return r;
	return sfs_grants_copy(&image->grants, &from->grants);
}

/* What the disks take from the snapshots that they were made from. */
static void join_disks(struct sfs_tree *tree)
{
	struct sfs_tree_disk *disk;
	uint64_t base;
	size_t i, index;

	for (i = 0; i < tree->disk_count; i++) {
		disk = &tree->disks[i];
		if (!*disk->snapshot)
			continue;
		if (sfs_tree_get(tree, SFS_OBJECT_SNAPSHOT, disk->snapshot,
				 &index, &base))
			disk->data_bytes = tree->snapshots[index].data_bytes;
		else
			disk->missing = true;
	}
}

int sfs_tree_new(struct sfs_catalog *catalog, int64_t created_ns, bool scratch,
		 struct sfs_tree **ret)
{
	CLEANUP_TREE struct sfs_tree *tree = NULL;
	int r;

	tree = sfs_calloc(1, sizeof(*tree));
	if (!tree)
		return -ENOMEM;
	atomic_init(&tree->refs, 1);
	tree->scratch = scratch;
	tree->newest_ns = created_ns;
	/* In this order: the snapshots of an image that was made meanwhile
	 * would otherwise seem to be missing. */
	r = sfs_catalog_list_images(catalog, add_image, tree);
	if (r < 0)
		return r;
	r = sfs_catalog_list(catalog, NULL, add_snapshot, tree);
	if (r < 0)
		return r;
	r = sort_by_volume(tree);
	if (r < 0)
		return r;
	join_disks(tree);

	*ret = TAKE_PTR(tree);
	return 0;
}

struct sfs_tree *sfs_tree_ref(struct sfs_tree *tree)
{
	atomic_fetch_add_explicit(&tree->refs, 1, memory_order_relaxed);
	return tree;
}

void sfs_tree_unref(struct sfs_tree *tree)
{
	size_t i;

	if (!tree || atomic_fetch_sub(&tree->refs, 1) != 1)
		return;
	for (i = 0; i < tree->snapshot_count; i++)
		sfs_grants_done(&tree->snapshots[i].grants);
	for (i = 0; i < tree->image_count; i++)
		sfs_grants_done(&tree->images[i].grants);
	free(tree->snapshots);
	free(tree->volumes);
	free(tree->by_volume);
	free(tree->images);
	free(tree->disks);
	sfs_inode_table_done(&tree->table);
	free(tree);
}

/* ---- what is in it ---- */

size_t sfs_tree_snapshots(const struct sfs_tree *tree)
{
	return tree->snapshot_count;
}

size_t sfs_tree_volumes(const struct sfs_tree *tree)
{
	return tree->volume_count;
}

size_t sfs_tree_images(const struct sfs_tree *tree)
{
	return tree->image_count;
}

int64_t sfs_tree_newest_ns(const struct sfs_tree *tree)
{
	return tree->newest_ns;
}

const struct sfs_tree_snapshot *
sfs_tree_nth(const struct sfs_tree *tree, const struct sfs_tree_volume *volume,
	     size_t n)
{
	assert(n < volume->count);
	return &tree->snapshots[tree->by_volume[volume->first + n]];
}

const struct sfs_tree_disk *sfs_tree_disk(const struct sfs_tree *tree,
					  const struct sfs_tree_image *image,
					  size_t n)
{
	assert(n < image->count);
	return &tree->disks[image->first + n];
}

/* ---- places ---- */

bool sfs_tree_fixed(const struct sfs_tree *tree, enum sfs_place_kind kind,
		    struct sfs_place *ret)
{
	bool scratch = kind == SFS_PLACE_SCRATCH ||
		       kind == SFS_PLACE_SCRATCH_SNAPSHOTS ||
		       kind == SFS_PLACE_SCRATCH_IMAGES;

	if (scratch && !tree->scratch)
		return false;
	*ret = (struct sfs_place){
		.kind = kind,
		.scratch = scratch,
		.ino = kind,
	};
	return true;
}

static void fill_in_image(const struct sfs_tree *tree,
			  const struct sfs_tree_image *image,
			  struct sfs_place *ret)
{
	ret->image = image;
	if (ret->kind == SFS_PLACE_ROOT_DISK)
		ret->disk = sfs_tree_disk(tree, image, image->root);
}

static uint64_t fill_in_object(const struct sfs_tree *tree,
			       enum sfs_inode_object object, size_t index,
			       struct sfs_place *ret)
{
	switch (object) {
	case SFS_OBJECT_SNAPSHOT:
		ret->snapshot = &tree->snapshots[index];
		return ret->snapshot->base;
	case SFS_OBJECT_VOLUME:
		ret->volume = &tree->volumes[index];
		if (ret->kind == SFS_PLACE_LATEST)
			ret->snapshot = sfs_tree_nth(tree, ret->volume,
						     ret->volume->count - 1);
		return ret->volume->base;
	case SFS_OBJECT_IMAGE:
		fill_in_image(tree, &tree->images[index], ret);
		return ret->image->base;
	default:
		assert(object == SFS_OBJECT_DISK);
		ret->disk = &tree->disks[index];
		ret->image = &tree->images[ret->disk->image];
		return ret->disk->base;
	}
}

bool sfs_tree_place(const struct sfs_tree *tree, enum sfs_inode_object object,
		    size_t index, unsigned bits, struct sfs_place *ret)
{
	const struct kind *kind = &kinds[object][bits & SFS_INODE_KINDS];
	bool scratch = bits & SFS_INODE_SCRATCH;
	const struct sfs_tree_image *image;

	if (!kind->kind || (scratch && !(kind->twin && tree->scratch)))
		return false;
	if (kind->kind == SFS_PLACE_ROOT_DISK) {
		image = &tree->images[index];
		if (image->root >= image->count)
			return false;
	}
	*ret = (struct sfs_place){ .kind = kind->kind, .scratch = scratch };
	ret->ino = fill_in_object(tree, object, index, ret) | bits;
	return true;
}

bool sfs_tree_find(const struct sfs_tree *tree, uint64_t ino,
		   struct sfs_place *ret)
{
	uint64_t base = ino & ~(uint64_t)SFS_INODE_BITS;
	enum sfs_inode_object object;
	size_t index;

	if (ino >= SFS_PLACE_ROOT && ino <= SFS_PLACE_STATUS)
		return sfs_tree_fixed(tree, (enum sfs_place_kind)ino, ret);
	if (!sfs_inode_table_get(&tree->table, base, &object, &index))
		return false;
	return sfs_tree_place(tree, object, index, ino & SFS_INODE_BITS, ret);
}
