/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_UNIT_LISTED_H
#define SNAPFS_TESTS_UNIT_LISTED_H

/* A catalog's list in place of a catalog, for tests of the tree. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuse/tree.h"

#define CREATED	   INT64_C(1700000000000000000)
#define IMAGES_MAX 1000

static struct sfs_snapshot *listed;
static size_t listed_count;
static struct sfs_image *listed_images;
static size_t listed_image_count;

int sfs_catalog_list(struct sfs_catalog *catalog,
		     const struct sfs_catalog_filter *filter,
		     int (*each)(const struct sfs_snapshot *snapshot,
				 void *context),
		     void *context)
{
	size_t i;
	int r = 0;

	(void)catalog;
	assert_null(filter);
	for (i = 0; i < listed_count && r == 0; i++)
		r = each(&listed[i], context);
	return r;
}

int sfs_catalog_list_images(struct sfs_catalog *catalog,
			    int (*each)(const struct sfs_image *image,
					void *context),
			    void *context)
{
	size_t i;
	int r = 0;

	(void)catalog;
	for (i = 0; i < listed_image_count && r == 0; i++)
		r = each(&listed_images[i], context);
	return r;
}

static struct sfs_snapshot *list(unsigned n, const char *volume,
				 int64_t time_ns)
{
	struct sfs_snapshot *snapshot = &listed[listed_count++];

	memset(snapshot, 0, sizeof(*snapshot));
	snprintf(snapshot->id, sizeof(snapshot->id), "snap-%017x", n);
	snprintf(snapshot->volume, sizeof(snapshot->volume), "%s", volume);
	snapshot->time_ns = time_ns;
	snapshot->size = n;
	snapshot->data_bytes = n;
	snapshot->owner = SFS_OWNER_NONE;
	return snapshot;
}

static struct sfs_image *list_image(unsigned n, const char *name)
{
	struct sfs_image *image = &listed_images[listed_image_count++];

	memset(image, 0, sizeof(*image));
	snprintf(image->id, sizeof(image->id), "img-%017x", n);
	snprintf(image->name, sizeof(image->name), "%s", name);
	image->time_ns = CREATED;
	image->owner = SFS_OWNER_NONE;
	return image;
}

/* The first one is the root. */
static struct sfs_mapping *map(struct sfs_image *image, const char *device,
			       enum sfs_mapping_kind kind)
{
	struct sfs_mapping *mapping;

	image->mappings =
		realloc(image->mappings,
			(image->mapping_count + 1) * sizeof(*image->mappings));
	assert_non_null(image->mappings);
	mapping = &image->mappings[image->mapping_count++];
	*mapping = (struct sfs_mapping){ .kind = kind, .size = 4096 };
	snprintf(mapping->device, sizeof(mapping->device), "%s", device);
	if (image->mapping_count == 1)
		snprintf(image->root, sizeof(image->root), "%s", device);
	return mapping;
}

static void map_snapshot(struct sfs_image *image, const char *device,
			 unsigned n)
{
	struct sfs_mapping *mapping = map(image, device, SFS_MAPPING_SNAPSHOT);

	snprintf(mapping->snapshot, sizeof(mapping->snapshot), "snap-%017x", n);
}

static int setup(void **state)
{
	(void)state;
	listed = calloc(100000, sizeof(*listed));
	listed_count = 0;
	listed_images = calloc(IMAGES_MAX, sizeof(*listed_images));
	listed_image_count = 0;
	return listed && listed_images ? 0 : -1;
}

static int teardown(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < listed_count; i++)
		sfs_grants_done(&listed[i].grants);
	for (i = 0; i < listed_image_count; i++) {
		sfs_grants_done(&listed_images[i].grants);
		free(listed_images[i].mappings);
	}
	free(listed);
	free(listed_images);
	return 0;
}

static struct sfs_tree *build(void)
{
	struct sfs_tree *tree;

	assert_int_equal(sfs_tree_new(NULL, CREATED, true, &tree), 0);
	return tree;
}

static struct sfs_place get(const struct sfs_tree *tree, const char *path)
{
	CLEANUP_FREE char *copy = strdup(path);
	struct sfs_place place;
	char *rest = copy, *name;

	assert_true(sfs_tree_find(tree, SFS_PLACE_ROOT, &place));
	while ((name = strsep(&rest, "/")))
		assert_true(sfs_tree_lookup(tree, &place, name, &place));
	return place;
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

#endif
