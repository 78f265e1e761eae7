/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/roots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/log.h"

/* What the listing of an area needs to know. */
struct reading {
	struct sfs_repo *repo;
	struct sfs_roots *roots;
	enum sfs_area area;
};

void sfs_roots_done(struct sfs_roots *roots)
{
	size_t i;

	for (i = 0; i < roots->count; i++) {
		sfs_snapshot_free(roots->roots[i].snapshot);
		sfs_image_free(roots->roots[i].image);
	}
	free(roots->roots);
}

/* Say why the record @name cannot be judged, and what to do. */
static void log_unjudged(const struct reading *reading, const char *name,
			 int error, const char *why)
{
	const char *what;

	if (error == -EOPNOTSUPP)
		what = "nothing is given back without that";
	else if (reading->area == SFS_AREA_BIN)
		what = "somebody may still read that deleted snapshot, so "
		       "nothing is given back while this file is there: put "
		       "it back from a copy, or remove it once nobody has the "
		       "snapshot open";
	else
		what = "nothing is given back while this file is there: put "
		       "it back from a copy, or move it away to give what it "
		       "describes up";
	sfs_err("'%s/%s/%s.json': record %s; %s",
		sfs_store_path(reading->repo->store),
		reading->area == SFS_AREA_BIN ? "bin" : "records", name, why,
		what);
}

static int decode(const struct reading *reading, const char *name,
		  const char *file, size_t size, struct sfs_root *root)
{
	const struct sfs_config *config = &reading->repo->config;
	const char *why = "is of a kind that this version does not know: use "
			  "a newer snapfs";
	char buffer[SFS_RECORD_WHY_SIZE];
	int r;

	if (sfs_id_valid(name, SFS_ID_SNAPSHOT))
		r = sfs_record_decode_snapshot(config, name, file, size,
					       &root->snapshot, buffer, &why);
	else if (sfs_id_valid(name, SFS_ID_IMAGE))
		r = sfs_record_decode_image(config, name, file, size,
					    &root->image, buffer, &why);
	else
		r = -EOPNOTSUPP;
	if (r < 0 && r != -ENOMEM)
		log_unjudged(reading, name, r, why);
	return r;
}

/* A set's record counts because it is there, so whatever is wrong with it
 * keeps nobody from anything. */
static int read_set(const struct reading *reading, const char *name,
		    struct sfs_root *root)
{
	struct sfs_store *store = reading->repo->store;
	CLEANUP_FREE char *file = NULL;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why = "cannot be read";
	struct sfs_set set;
	size_t size;
	int r;

	r = sfs_store_get(store, reading->area, name, &file, &size);
	if (r == 0)
		r = sfs_record_decode_set(&reading->repo->config, name, file,
					  size, &set, buffer, &why);
	if (r == 0 || r == -ENOENT || sfs_catalog_is_passing(r))
		return r;
	sfs_warn("'%s/records/%s.json': record %s; what hangs on this set "
		 "stays%s",
		 sfs_store_path(store), name, why,
		 r == -EOPNOTSUPP ? "" : "; put the file back from a copy");
	root->unclear = true;
	return 0;
}

static int read_root(const struct reading *reading, const char *name,
		     struct sfs_root *root)
{
	CLEANUP_FREE char *file = NULL;
	size_t size;
	int r;

	/* Images and sets in the bin keep nothing. */
	if (root->binned && (sfs_id_valid(name, SFS_ID_IMAGE) ||
			     sfs_id_valid(name, SFS_ID_SET)))
		return 0;
	if (sfs_id_valid(name, SFS_ID_SET))
		return read_set(reading, name, root);
	r = sfs_store_get(reading->repo->store, reading->area, name, &file,
			  &size);
	return r < 0 ? r : decode(reading, name, file, size, root);
}

static int read_one(const struct sfs_object *object, void *context)
{
	struct reading *reading = context;
	struct sfs_roots *roots = reading->roots;
	struct sfs_root *root;
	int r;

	r = sfs_grow(&roots->roots, &roots->capacity, roots->count,
		     sizeof(*roots->roots));
	if (r < 0)
		return r;
	root = &roots->roots[roots->count];
	*root = (struct sfs_root){ .record_bytes = object->size,
				   .binned = reading->area == SFS_AREA_BIN };
	r = read_root(reading, object->name, root);
	if (r < 0) /* or deleted since it was listed */
		return r == -ENOENT ? 0 : r;
	memcpy(root->id, object->name, strlen(object->name) + 1);
	roots->count++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct sfs_root *x = a, *y = b;
	int r = strcmp(x->id, y->id);

	return r ? r : (int)x->binned - (int)y->binned;
}

static struct sfs_root *find(const struct sfs_roots *roots, const char *id)
{
	size_t low = 0, high = roots->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(roots->roots[middle].id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < roots->count && strcmp(roots->roots[low].id, id) == 0
		       ? &roots->roots[low]
		       : NULL;
}

struct sfs_root *sfs_roots_find(const struct sfs_roots *roots, const char *id)
{
	struct sfs_root *root = find(roots, id);

	return root && root->snapshot && !root->binned && !root->dead ? root
								      : NULL;
}

static bool is_set(const struct sfs_root *root)
{
	return !root->binned && sfs_id_valid(root->id, SFS_ID_SET);
}

/* The set that @root counts with; "" for none. */
static const char *set_of(const struct sfs_root *root)
{
	if (root->snapshot)
		return root->snapshot->set;
	return root->image ? root->image->set : "";
}

/* Sets are sorted behind no member in particular: call all dead, then let
 * each living member or image speak for its own. */
static void judge_sets(struct sfs_roots *roots, bool committing)
{
	struct sfs_root *root, *set;
	size_t i;

	for (i = 0; i < roots->count; i++)
		if (is_set(&roots->roots[i]))
			roots->roots[i].dead =
				!committing && !roots->roots[i].unclear;
	for (i = 0; i < roots->count; i++) {
		root = &roots->roots[i];
		if (!*set_of(root) || root->binned)
			continue;
		set = find(roots, set_of(root));
		if (set && is_set(set))
			set->dead = false;
		else
			root->dead = !committing;
	}
}

static int judge_bin(struct sfs_repo *repo, struct sfs_roots *roots)
{
	struct sfs_root *root;
	size_t i;
	int r;

	for (i = 0; i < roots->count; i++) {
		root = &roots->roots[i];
		if (!root->binned)
			continue;
		r = root->snapshot ? sfs_store_pinned(repo->store, root->id)
				   : 0;
		if (r < 0)
			return r;
		root->pinned = r == 1;
		root->dead = !root->pinned;
	}
	return 0;
}

static int judge_mapping(const struct sfs_roots *roots,
			 const struct sfs_image *image,
			 const struct sfs_mapping *mapping)
{
	if (mapping->kind != SFS_MAPPING_SNAPSHOT ||
	    sfs_roots_find(roots, mapping->snapshot))
		return 0;
	sfs_err("image '%s' (%s): the record of its snapshot '%s' is missing; "
		"nothing can be given back, or what it needs would go: put the "
		"record back from a copy, or deregister the image",
		image->name, image->id, mapping->snapshot);
	return -EUCLEAN;
}

/* An image's snapshot cannot be deleted: where its record is not there it was
 * lost, and what it names must wait for it. */
static int judge_images(const struct sfs_roots *roots)
{
	const struct sfs_root *root;
	size_t i, j;
	int r = 0;

	for (i = 0; i < roots->count; i++) {
		root = &roots->roots[i];
		if (!root->image || root->binned || root->dead)
			continue;
		for (j = 0; j < root->image->mapping_count && r == 0; j++)
			r = judge_mapping(roots, root->image,
					  &root->image->mappings[j]);
	}
	return r;
}

int sfs_roots_read(struct sfs_repo *repo, bool committing,
		   struct sfs_roots *ret)
{
	struct reading reading = { repo, ret, SFS_AREA_RECORDS };
	int r;

	r = sfs_store_list(repo->store, SFS_AREA_RECORDS, read_one, &reading);
	if (r < 0)
		return r;
	reading.area = SFS_AREA_BIN;
	r = sfs_store_list(repo->store, SFS_AREA_BIN, read_one, &reading);
	if (r < 0)
		return r;
	if (ret->count)
		qsort(ret->roots, ret->count, sizeof(*ret->roots), compare);
	judge_sets(ret, committing);
	/* Only now the pins: a reader pins, then looks; we looked, now probe.
	 */
	r = judge_bin(repo, ret);
	if (r < 0)
		return r;
	/* What is being published meanwhile may not all have been listed. */
	return committing ? 0 : judge_images(ret);
}
