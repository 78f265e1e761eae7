/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Images.  Their rows hold ids and names; all else is read from the records,
 * which are few, after the mutex was let go.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/name.h"
#include "src/catalog-impl.h"
#include "src/log.h"

/* ---- rows ---- */

/* What is looked for: all images, or those with a name or with ids that start
 * so. */
struct search {
	const char *name;
	const char *prefix;
	char (*ids)[SFS_ID_SIZE];
	size_t count, capacity;
};

static void search_done(struct search *search)
{
	free(search->ids);
}
#define CLEANUP_SEARCH __attribute__((cleanup(search_done)))

static int note_row(struct search *search, const struct sfs_record_row *row)
{
	int r;

	if (row->kind != SFS_RECORD_IMAGE)
		return 0;
	if (search->name && strcmp(row->label, search->name) != 0)
		return 0;
	if (search->prefix &&
	    strncmp(row->name, search->prefix, strlen(search->prefix)) != 0)
		return 0;
	r = sfs_grow(&search->ids, &search->capacity, search->count,
		     sizeof(*search->ids));
	if (r < 0)
		return r;
	snprintf(search->ids[search->count++], SFS_ID_SIZE, "%s", row->name);
	return 0;
}

static int search_rows(struct sfs_catalog *catalog, struct search *search)
{
	CLEANUP_RESET struct sfs_stmt *stmt = NULL;
	struct sfs_record_row row;
	int r;

	r = sfs_catalog_query(catalog, SFS_QUERY_IMAGES, &stmt);
	if (r < 0)
		return r;
	while ((r = sfs_stmt_step(stmt)) > 0) {
		r = sfs_catalog_read_record(catalog, stmt, &row);
		if (r == 0)
			r = note_row(search, &row);
		if (r < 0)
			return r;
	}
	return r;
}

static int search_locked(struct sfs_catalog *catalog, void *context)
{
	CLEANUP_TXN struct sfs_db *txn = NULL;
	struct search *search = context;
	int r;

	search->count = 0; /* it may be the second time */
	r = sfs_catalog_sync_locked(catalog);
	if (r < 0)
		return r;
	r = sfs_db_begin(catalog->db, false, &txn);
	if (r < 0)
		return r;
	r = sfs_catalog_verify_locked(catalog);
	if (r < 0)
		return r;
	return search_rows(catalog, search);
}

/* ---- records ---- */

struct images {
	struct sfs_image **items; /* by name, then id */
	size_t count;
};

static void images_done(struct images *images)
{
	size_t i;

	for (i = 0; i < images->count; i++)
		sfs_image_free(images->items[i]);
	free(images->items);
}
#define CLEANUP_IMAGES __attribute__((cleanup(images_done)))

static int compare_images(const void *a, const void *b)
{
	const struct sfs_image *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);

	return order ? order : strcmp((*x)->id, (*y)->id);
}

/* What a record says of its name counts, not what its row said. */
static bool is_wanted(const struct search *search,
		      const struct sfs_image *image)
{
	return !search->name || strcmp(image->name, search->name) == 0;
}

static int load_image(struct sfs_catalog *catalog, const struct search *search,
		      const char *id, struct images *images)
{
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	bool all = !search->name && !search->prefix;
	int r;

	r = sfs_catalog_load_image(catalog, id, &image);
	if (r == -ENOENT)
		return 0; /* not committed, or gone since */
	/* A record that was damaged since its row was made hides no other. */
	if (r < 0)
		return all && !sfs_catalog_is_passing(r) ? 0 : r;
	if (is_wanted(search, image))
		images->items[images->count++] = TAKE_PTR(image);
	return 0;
}

static int load_images(struct sfs_catalog *catalog, struct search *search,
		       struct images *images)
{
	size_t i;
	int r;

	r = sfs_catalog_run(catalog, search_locked, search);
	if (r < 0)
		return r;
	images->items = sfs_calloc(search->count, sizeof(struct sfs_image *));
	if (!images->items)
		return -ENOMEM;
	for (i = 0; i < search->count; i++) {
		r = load_image(catalog, search, search->ids[i], images);
		if (r < 0)
			return r;
	}
	qsort(images->items, images->count, sizeof(*images->items),
	      compare_images);
	return 0;
}

int sfs_catalog_list_images(struct sfs_catalog *catalog,
			    int (*each)(const struct sfs_image *image,
					void *context),
			    void *context)
{
	CLEANUP_SEARCH struct search search = { 0 };
	CLEANUP_IMAGES struct images images = { 0 };
	size_t i;
	int r;

	r = load_images(catalog, &search, &images);
	for (i = 0; i < images.count && r == 0; i++)
		r = each(images.items[i], context);
	return r;
}

/* ---- what users type ---- */

static void describe_image(const void *items, size_t i,
			   char ret[SFS_CANDIDATE_SIZE])
{
	struct sfs_image *const *images = items;

	snprintf(ret, SFS_CANDIDATE_SIZE, "%s (%s)", images[i]->id,
		 images[i]->name);
}

/* One of those that @search finds; 0 when there is none, 1 when there is. */
static int pick(struct sfs_catalog *catalog, const char *selector,
		struct search *search, struct sfs_image **ret)
{
	CLEANUP_IMAGES struct images images = { 0 };
	int r;

	r = load_images(catalog, search, &images);
	if (r < 0)
		return r;
	if (images.count > 1)
		return sfs_catalog_ambiguous(selector, images.count,
					     describe_image, images.items);
	if (images.count == 0)
		return 0;
	*ret = TAKE_PTR(images.items[0]);
	return 1;
}

struct bin_search {
	struct sfs_catalog *catalog;
	const char *name;
	char *found;
};

static int compare_binned(const struct sfs_object *object, void *context)
{
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	CLEANUP_FREE char *file = NULL;
	char buffer[SFS_RECORD_WHY_SIZE];
	struct bin_search *search = context;
	const char *why;
	size_t size;
	int r;

	if (!sfs_id_valid(object->name, SFS_ID_IMAGE))
		return 0;
	r = sfs_store_get(search->catalog->store, SFS_AREA_BIN, object->name,
			  &file, &size);
	if (r == 0)
		r = sfs_record_decode_image(search->catalog->config,
					    object->name, file, size, &image,
					    buffer, &why);
	if (r < 0) /* it only serves a message */
		return sfs_catalog_is_passing(r) ? r : 0;
	if (strcmp(image->name, search->name) != 0)
		return 0;
	memcpy(search->found, image->id, sizeof(image->id));
	return 1;
}

/* Nothing fits: say why as well as can be told. */
static int log_none(struct sfs_catalog *catalog, const char *selector,
		    const char *prefix)
{
	char found[SFS_ID_SIZE];
	struct bin_search search = { catalog, selector, found };
	int r;

	r = *prefix ? sfs_catalog_find_binned(catalog, prefix, found)
		    : sfs_store_list(catalog->store, SFS_AREA_BIN,
				     compare_binned, &search);
	if (r < 0)
		return r;
	if (r > 0)
		sfs_err("'%s': image %s was deregistered", selector, found);
	else
		sfs_err("'%s': no such image; 'snapfs image list' shows all",
			selector);
	return -ENOENT;
}

int sfs_catalog_select_image(struct sfs_catalog *catalog, const char *selector,
			     struct sfs_image **ret)
{
	static const char kind[] = SFS_ID_IMAGE;
	CLEANUP_SEARCH struct search by_name = { .name = selector };
	CLEANUP_SEARCH struct search by_id = { 0 };
	char prefix[SFS_ID_SIZE] = "";
	const char *why;
	bool is_name;
	int r = 0;

	is_name = sfs_name_image_ok(selector, &why);
	if (is_name)
		r = pick(catalog, selector, &by_name, ret);
	if (r != 0)
		return r < 0 ? r : 0;
	if (strncmp(selector, kind, sizeof(kind) - 1) == 0 &&
	    sfs_catalog_parse_prefix(kind, selector + sizeof(kind) - 1,
				     prefix)) {
		by_id.prefix = prefix;
		r = pick(catalog, selector, &by_id, ret);
	} else if (!is_name) {
		sfs_err("'%s': not an image: as a name it %s; an id, or its "
			"start, is '%s' and at least %d digits",
			selector, why, kind, SFS_PREFIX_MIN);
		return -EINVAL;
	}
	if (r != 0)
		return r < 0 ? r : 0;
	return log_none(catalog, selector, prefix);
}
