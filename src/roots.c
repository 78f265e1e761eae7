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

static int decode(struct reading *reading, const char *name, const char *file,
		  size_t size, struct sfs_root *root)
{
	const struct sfs_config *config = &reading->repo->config;
	const char *reason = "has an unknown kind of name";
	struct sfs_set set;
	char why[128];
	int r;

	if (sfs_id_valid(name, SFS_ID_SNAPSHOT))
		r = sfs_record_decode_snapshot(config, name, file, size,
					       &root->snapshot, why, &reason);
	else if (sfs_id_valid(name, SFS_ID_IMAGE))
		r = sfs_record_decode_image(config, name, file, size,
					    &root->image, why, &reason);
	else if (sfs_id_valid(name, SFS_ID_SET))
		r = sfs_record_decode_set(config, name, file, size, &set, why,
					  &reason);
	else
		r = -EUCLEAN;
	if (r < 0 && r != -ENOMEM)
		sfs_err("record '%s': %s; nothing can be given back while it "
			"stands in '%s': put it back from a copy, or move it "
			"away to give what it describes up",
			name, reason, sfs_store_path(reading->repo->store));
	if (r < 0)
		return r;
	memcpy(root->id, name, strlen(name) + 1);
	return 0;
}

static int read_one(const struct sfs_object *object, void *context)
{
	struct reading *reading = context;
	struct sfs_roots *roots = reading->roots;
	CLEANUP_FREE char *file = NULL;
	struct sfs_root *root;
	size_t size;
	int r;

	r = sfs_store_get(reading->repo->store, reading->area, object->name,
			  &file, &size);
	if (r == -ENOENT)
		return 0; /* deleted since it was listed */
	if (r < 0)
		return r;
	r = sfs_grow(&roots->roots, &roots->capacity, roots->count,
		     sizeof(*roots->roots));
	if (r < 0)
		return r;
	root = &roots->roots[roots->count];
	*root = (struct sfs_root){ .record_bytes = size,
				   .binned = reading->area == SFS_AREA_BIN };
	r = decode(reading, object->name, file, size, root);
	if (r < 0)
		return r;
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
	return !root->snapshot && !root->image;
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
			roots->roots[i].dead = !committing;
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
	return judge_bin(repo, ret);
}
