/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/tree.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "format/time.h"
#include "fuse/inode-table.h"

#define SUFFIX ".img"
#define LATEST "latest" SUFFIX

struct sfs_tree {
	atomic_uint refs;
	int64_t newest_ns;
	struct sfs_tree_snapshot *snapshots; /* in order of (time, id) */
	size_t snapshot_count;
	size_t snapshot_capacity;
	struct sfs_tree_volume *volumes; /* in order of first appearance */
	size_t volume_count;
	size_t volume_capacity;
	uint32_t *by_volume; /* snapshots, volume after volume, by time */
	struct sfs_inode_table snapshot_table;
	struct sfs_inode_table volume_table;
};

static const struct fixed {
	enum sfs_place_kind kind;
	enum sfs_place_kind parent;
	const char *name;
} fixed[] = {
	{ SFS_PLACE_README, SFS_PLACE_ROOT, "README" },
	{ SFS_PLACE_SNAPSHOTS, SFS_PLACE_ROOT, "snapshots" },
	{ SFS_PLACE_VOLUMES, SFS_PLACE_ROOT, "volumes" },
	{ SFS_PLACE_META, SFS_PLACE_ROOT, ".snapfs" },
	{ SFS_PLACE_STATUS, SFS_PLACE_META, "status.json" },
};

/* The snapshot @id, or else the base that is free for it. */
static bool find_snapshot(const struct sfs_tree *tree, const char *id,
			  size_t *ret_index, uint64_t *ret_base)
{
	unsigned attempt;

	for (attempt = 0;; attempt++) {
		*ret_base = sfs_inode_base(id, attempt);
		if (!sfs_inode_table_get(&tree->snapshot_table, *ret_base,
					 ret_index))
			return false;
		if (strcmp(tree->snapshots[*ret_index].id, id) == 0)
			return true;
	}
}

static bool find_volume(const struct sfs_tree *tree, const char *name,
			size_t *ret_index, uint64_t *ret_base)
{
	unsigned attempt;

	for (attempt = 0;; attempt++) {
		*ret_base = sfs_inode_base(name, attempt);
		if (!sfs_inode_table_get(&tree->volume_table, *ret_base,
					 ret_index))
			return false;
		if (strcmp(tree->volumes[*ret_index].name, name) == 0)
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

	if (find_volume(tree, name, ret_index, &base))
		return 0;
	r = sfs_grow(&tree->volumes, &tree->volume_capacity, tree->volume_count,
		     sizeof(*tree->volumes));
	if (r < 0)
		return r;
	r = sfs_inode_table_add(&tree->volume_table, base, tree->volume_count);
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

	if (find_snapshot(tree, from->id, &index, &base))
		return 0;
	r = add_volume(tree, from->volume, &volume);
	if (r < 0)
		return r;
	r = sfs_grow(&tree->snapshots, &tree->snapshot_capacity,
		     tree->snapshot_count, sizeof(*tree->snapshots));
	if (r < 0)
		return r;
	r = sfs_inode_table_add(&tree->snapshot_table, base,
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
	};
	snprintf(snapshot->id, sizeof(snapshot->id), "%s", from->id);
	tree->volumes[volume].count++;
	tree->volumes[volume].newest_ns = from->time_ns;
	tree->newest_ns = from->time_ns;
	return 0;
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

int sfs_tree_new(struct sfs_catalog *catalog, int64_t created_ns,
		 struct sfs_tree **ret)
{
	CLEANUP_TREE struct sfs_tree *tree = NULL;
	int r;

	tree = sfs_calloc(1, sizeof(*tree));
	if (!tree)
		return -ENOMEM;
	atomic_init(&tree->refs, 1);
	tree->newest_ns = created_ns;
	r = sfs_catalog_list(catalog, NULL, add_snapshot, tree);
	if (r < 0)
		return r;
	r = sort_by_volume(tree);
	if (r < 0)
		return r;

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
	if (!tree || atomic_fetch_sub(&tree->refs, 1) != 1)
		return;
	free(tree->snapshots);
	free(tree->volumes);
	free(tree->by_volume);
	sfs_inode_table_done(&tree->snapshot_table);
	sfs_inode_table_done(&tree->volume_table);
	free(tree);
}

size_t sfs_tree_snapshots(const struct sfs_tree *tree)
{
	return tree->snapshot_count;
}

size_t sfs_tree_volumes(const struct sfs_tree *tree)
{
	return tree->volume_count;
}

int64_t sfs_tree_newest_ns(const struct sfs_tree *tree)
{
	return tree->newest_ns;
}

/* ---- places ---- */

static const struct sfs_tree_snapshot *
nth_of_volume(const struct sfs_tree *tree, const struct sfs_tree_volume *volume,
	      size_t n)
{
	return &tree->snapshots[tree->by_volume[volume->first + n]];
}

static void place_fixed(enum sfs_place_kind kind, struct sfs_place *ret)
{
	*ret = (struct sfs_place){ .kind = kind, .ino = kind };
}

static void place_snapshot(const struct sfs_tree_snapshot *snapshot,
			   unsigned bits, struct sfs_place *ret)
{
	*ret = (struct sfs_place){
		.kind = bits == SFS_INODE_IMAGE ? SFS_PLACE_IMAGE
						: SFS_PLACE_LINK,
		.ino = snapshot->base | bits,
		.snapshot = snapshot,
	};
}

static void place_volume(const struct sfs_tree *tree,
			 const struct sfs_tree_volume *volume, unsigned bits,
			 struct sfs_place *ret)
{
	*ret = (struct sfs_place){
		.kind = SFS_PLACE_VOLUME,
		.ino = volume->base | bits,
		.volume = volume,
	};
	if (bits == SFS_INODE_LATEST) {
		ret->kind = SFS_PLACE_LATEST;
		ret->snapshot = nth_of_volume(tree, volume, volume->count - 1);
	}
}

bool sfs_tree_find(const struct sfs_tree *tree, uint64_t ino,
		   struct sfs_place *ret)
{
	unsigned bits = ino & SFS_INODE_BITS;
	uint64_t base = ino & ~(uint64_t)SFS_INODE_BITS;
	size_t index;

	if (ino >= SFS_PLACE_ROOT && ino <= SFS_PLACE_STATUS) {
		place_fixed((enum sfs_place_kind)ino, ret);
		return true;
	}
	if (bits == SFS_INODE_IMAGE || bits == SFS_INODE_LINK) {
		if (!sfs_inode_table_get(&tree->snapshot_table, base, &index))
			return false;
		place_snapshot(&tree->snapshots[index], bits, ret);
		return true;
	}
	if (!sfs_inode_table_get(&tree->volume_table, base, &index))
		return false;
	place_volume(tree, &tree->volumes[index], bits, ret);
	return true;
}

static bool lookup_fixed(enum sfs_place_kind parent, const char *name,
			 struct sfs_place *ret)
{
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(fixed); i++) {
		if (fixed[i].parent == parent &&
		    strcmp(name, fixed[i].name) == 0) {
			place_fixed(fixed[i].kind, ret);
			return true;
		}
	}
	return false;
}

static bool lookup_image(const struct sfs_tree *tree, const char *name,
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
	if (!find_snapshot(tree, id, &index, &base))
		return false;
	place_snapshot(&tree->snapshots[index], SFS_INODE_IMAGE, ret);
	return true;
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
		if (nth_of_volume(tree, volume, middle)->time_ns < time_ns)
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
		nth_of_volume(tree, volume, n);
	char time[SFS_TIME_SIZE];

	sfs_time_format_name(snapshot->time_ns, time);
	if (n > 0 &&
	    nth_of_volume(tree, volume, n - 1)->time_ns == snapshot->time_ns)
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

	if (strcmp(name, LATEST) == 0) {
		place_volume(tree, volume, SFS_INODE_LATEST, ret);
		return true;
	}
	if (!parse_link_time(name, &time_ns))
		return false;
	n = first_not_before(tree, volume, time_ns);
	for (; n < volume->count; n++) {
		snapshot = nth_of_volume(tree, volume, n);
		if (snapshot->time_ns != time_ns)
			return false;
		format_link_name(tree, volume, n, candidate);
		if (strcmp(name, candidate) == 0) {
			place_snapshot(snapshot, SFS_INODE_LINK, ret);
			return true;
		}
	}
	return false;
}

bool sfs_tree_lookup(const struct sfs_tree *tree,
		     const struct sfs_place *parent, const char *name,
		     struct sfs_place *ret)
{
	uint64_t base;
	size_t index;

	switch (parent->kind) {
	case SFS_PLACE_SNAPSHOTS:
		return lookup_image(tree, name, ret);
	case SFS_PLACE_VOLUMES:
		if (!find_volume(tree, name, &index, &base))
			return false;
		place_volume(tree, &tree->volumes[index], SFS_INODE_VOLUME,
			     ret);
		return true;
	case SFS_PLACE_VOLUME:
		return lookup_link(tree, parent->volume, name, ret);
	default:
		return lookup_fixed(parent->kind, name, ret);
	}
}

static bool child_fixed(enum sfs_place_kind parent, size_t index,
			struct sfs_place *ret, char *ret_name)
{
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(fixed); i++) {
		if (fixed[i].parent != parent || index-- > 0)
			continue;
		place_fixed(fixed[i].kind, ret);
		snprintf(ret_name, SFS_TREE_NAME_SIZE, "%s", fixed[i].name);
		return true;
	}
	return false;
}

static bool child_link(const struct sfs_tree *tree,
		       const struct sfs_tree_volume *volume, size_t index,
		       struct sfs_place *ret, char *ret_name)
{
	if (index > volume->count)
		return false;
	if (index == volume->count) {
		place_volume(tree, volume, SFS_INODE_LATEST, ret);
		snprintf(ret_name, SFS_TREE_NAME_SIZE, LATEST);
		return true;
	}
	place_snapshot(nth_of_volume(tree, volume, index), SFS_INODE_LINK, ret);
	format_link_name(tree, volume, index, ret_name);
	return true;
}

bool sfs_tree_child(const struct sfs_tree *tree, const struct sfs_place *parent,
		    size_t index, struct sfs_place *ret,
		    char ret_name[SFS_TREE_NAME_SIZE])
{
	switch (parent->kind) {
	case SFS_PLACE_SNAPSHOTS:
		if (index >= tree->snapshot_count)
			return false;
		place_snapshot(&tree->snapshots[index], SFS_INODE_IMAGE, ret);
		snprintf(ret_name, SFS_TREE_NAME_SIZE, "%s" SUFFIX,
			 ret->snapshot->id);
		return true;
	case SFS_PLACE_VOLUMES:
		if (index >= tree->volume_count)
			return false;
		place_volume(tree, &tree->volumes[index], SFS_INODE_VOLUME,
			     ret);
		snprintf(ret_name, SFS_TREE_NAME_SIZE, "%s", ret->volume->name);
		return true;
	case SFS_PLACE_VOLUME:
		return child_link(tree, parent->volume, index, ret, ret_name);
	default:
		return child_fixed(parent->kind, index, ret, ret_name);
	}
}

bool sfs_place_is_directory(const struct sfs_place *place)
{
	switch (place->kind) {
	case SFS_PLACE_ROOT:
	case SFS_PLACE_SNAPSHOTS:
	case SFS_PLACE_VOLUMES:
	case SFS_PLACE_META:
	case SFS_PLACE_VOLUME:
		return true;
	default:
		return false;
	}
}

bool sfs_place_is_link(const struct sfs_place *place)
{
	return place->kind == SFS_PLACE_LINK || place->kind == SFS_PLACE_LATEST;
}

void sfs_place_target(const struct sfs_place *place,
		      char ret[SFS_TREE_NAME_SIZE])
{
	assert(sfs_place_is_link(place));
	snprintf(ret, SFS_TREE_NAME_SIZE, "../../snapshots/%s" SUFFIX,
		 place->snapshot->id);
}
