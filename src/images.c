/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/images.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/time.h"
#include "src/images-impl.h"
#include "src/log.h"
#include "src/record.h"

/* ---- rules ---- */

int sfs_images_judge(const struct sfs_image *image)
{
	const char *what, *why;
	int r;

	r = sfs_image_check(image, &what, &why);
	if (r < 0)
		sfs_err("image '%s': '%s' %s", image->name, what, why);
	return r;
}

int sfs_images_fit_size(const struct sfs_image *image,
			struct sfs_mapping *mapping, uint64_t size,
			const char *what)
{
	if (mapping->size == 0)
		mapping->size = size;
	if (mapping->size >= size)
		return 0;
	sfs_err("image '%s': %s: a volume of %" PRIu64
		" bytes has no room for the %" PRIu64
		" of '%s'; give no size, or a larger one",
		image->name, mapping->device, mapping->size, size, what);
	return -EINVAL;
}

int sfs_images_fit_named(struct sfs_repo *repo, const struct sfs_image *image,
			 struct sfs_mapping *mapping)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	int r;

	r = sfs_catalog_load(repo->catalog, mapping->snapshot, &snapshot);
	if (r == -ENOENT)
		sfs_err("image '%s': %s: there is no snapshot '%s'",
			image->name, mapping->device, mapping->snapshot);
	if (r < 0)
		return r;
	return sfs_images_fit_size(image, mapping, snapshot->size,
				   snapshot->id);
}

static int compare_name(const struct sfs_image *image, void *context)
{
	const char *name = context;

	if (strcmp(image->name, name) != 0)
		return 0;
	sfs_err("image '%s': the name is taken by %s; choose another one, or "
		"deregister that image first",
		name, image->id);
	return -EEXIST;
}

int sfs_images_name_free(struct sfs_repo *repo, const char *name)
{
	int r;

	r = sfs_catalog_relist(repo->catalog);
	if (r < 0)
		return r;
	return sfs_catalog_list_images(repo->catalog, compare_name,
				       (void *)(uintptr_t)name);
}

/* ---- records ---- */

static int put(struct sfs_repo *repo, const struct sfs_image *image,
	       bool replace)
{
	CLEANUP_FREE char *bytes = NULL;
	size_t size;
	int r;

	r = sfs_record_encode_image(&repo->config, image, &bytes, &size);
	if (r < 0)
		return r;
	return sfs_store_put(repo->store, SFS_AREA_RECORDS, image->id, bytes,
			     size, replace);
}

int sfs_images_publish(struct sfs_repo *repo, struct sfs_image *image)
{
	uint8_t random[9];

	sfs_random(random, sizeof(random));
	sfs_id_format(SFS_ID_IMAGE, random, image->id);
	image->owner = geteuid();
	return put(repo, image, false);
}

int sfs_images_replace(struct sfs_repo *repo, const struct sfs_image *image)
{
	return put(repo, image, true);
}

/* ---- registering ---- */

static int fit_all(struct sfs_repo *repo, struct sfs_image *image)
{
	struct sfs_mapping *mapping;
	size_t i;
	int r;

	for (i = 0; i < image->mapping_count; i++) {
		mapping = &image->mappings[i];
		if (mapping->kind != SFS_MAPPING_SNAPSHOT)
			continue;
		r = sfs_images_fit_named(repo, image, mapping);
		if (r < 0)
			return r;
	}
	return 0;
}

int sfs_image_register(struct sfs_repo *repo, struct sfs_image *image)
{
	CLEANUP_LOCK struct sfs_lock *lock = NULL;
	int r;

	/* So that no snapshot goes, and nobody takes the name, until the
	 * record stands. */
	r = sfs_repo_lock_records(repo, &lock);
	if (r == 0)
		r = fit_all(repo, image);
	if (r == 0)
		r = sfs_images_judge(image);
	if (r == 0)
		r = sfs_images_name_free(repo, image->name);
	if (r < 0)
		return r;
	image->set[0] = '\0';
	image->time_ns = sfs_now_ns() / SFS_SECOND * SFS_SECOND;
	return sfs_images_publish(repo, image);
}

/* ---- editing ---- */

static int load_to_edit(struct sfs_repo *repo, const char *id,
			struct sfs_image **ret)
{
	int r;

	r = sfs_catalog_load_image(repo->catalog, id, ret);
	if (r == -ENOENT)
		sfs_err("'%s': was deregistered meanwhile", id);
	if (r < 0 || !(*ret)->newer)
		return r;
	sfs_err("'%s': was written by a newer snapfs; change it with that one, "
		"or what it alone knows would be lost",
		id);
	return -EOPNOTSUPP;
}

int sfs_image_edit(struct sfs_repo *repo, const char *id,
		   int (*edit)(struct sfs_image *image, void *context),
		   void *context, struct sfs_image **ret)
{
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	CLEANUP_LOCK struct sfs_lock *lock = NULL;
	char name[sizeof(image->name)];
	int r;

	r = sfs_repo_lock_records(repo, &lock);
	if (r == 0)
		r = load_to_edit(repo, id, &image);
	if (r < 0)
		return r;
	memcpy(name, image->name, sizeof(name));
	r = edit(image, context);
	if (r == 0)
		r = sfs_images_judge(image);
	if (r == 0 && strcmp(image->name, name) != 0)
		r = sfs_images_name_free(repo, image->name);
	if (r == 0)
		r = sfs_images_replace(repo, image);
	if (r < 0)
		return r;
	if (ret)
		*ret = TAKE_PTR(image);
	return 0;
}

/* ---- who uses what ---- */

struct using
{
	struct sfs_repo *repo;
	char *const *ids;
	size_t count;
	int (*each)(const struct sfs_image *image, void *context);
	void (*unknown)(const char *id, const char *why, void *context);
	void *context;
};

static void log_unknown(const struct using *using, const char *name, int error,
			const char *why)
{
	sfs_err("'%s/records/%s.json': record %s; nobody knows which snapshots "
		"that image uses%s",
		sfs_store_path(using->repo->store), name, why,
		error == -EOPNOTSUPP ? ""
				     : ": put the file back from a copy, or "
				       "move it away to give the image up");
}

/* Returns 1 when nobody knows what is in the record, and that was told. */
static int decode(const struct using *using, const char *name,
		  struct sfs_image **ret)
{
	CLEANUP_FREE char *file = NULL;
	struct sfs_repo *repo = using->repo;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why = "cannot be read";
	size_t size;
	int r;

	r = sfs_store_get(repo->store, SFS_AREA_RECORDS, name, &file, &size);
	if (r == 0)
		r = sfs_record_decode_image(&repo->config, name, file, size,
					    ret, buffer, &why);
	if (r == 0 || r == -ENOENT || sfs_catalog_is_passing(r))
		return r;
	if (using->unknown) {
		using->unknown(name, why, using->context);
		return 1;
	}
	log_unknown(using, name, r, why);
	return r;
}

static int compare_uses(const struct sfs_object *object, void *context)
{
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	struct using *using = context;
	size_t i;
	int r;

	if (!sfs_id_valid(object->name, SFS_ID_IMAGE))
		return 0;
	r = decode(using, object->name, &image);
	if (r != 0)
		return r == -ENOENT || r > 0 ? 0 : r; /* gone meanwhile */
	for (i = 0; i < using->count; i++)
		if (sfs_image_uses(image, using->ids[i]))
			return using->each(image, using->context);
	return 0;
}

int sfs_images_using(struct sfs_repo *repo, char *const *ids, size_t count,
		     int (*each)(const struct sfs_image *image, void *context),
		     void (*unknown)(const char *id, const char *why,
				     void *context),
		     void *context)
{
	struct using using = { repo, ids, count, each, unknown, context };

	return sfs_store_list(repo->store, SFS_AREA_RECORDS, compare_uses,
			      &using);
}

/* ---- how they are ---- */

/* Whether a volume is too small for its snapshot, whose record is good. */
static int compare_size(struct sfs_repo *repo,
			const struct sfs_mapping *mapping,
			enum sfs_mapping_state *ret)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	int r;

	r = sfs_catalog_load(repo->catalog, mapping->snapshot, &snapshot);
	if (r == 0 && snapshot->size > mapping->size)
		*ret = SFS_MAPPING_DAMAGED;
	return r;
}

static int state_of(struct sfs_repo *repo, const struct sfs_mapping *mapping,
		    enum sfs_mapping_state *ret)
{
	int r;

	*ret = SFS_MAPPING_OK;
	if (mapping->kind != SFS_MAPPING_SNAPSHOT)
		return 0;
	r = sfs_catalog_look(repo->catalog, mapping->snapshot);
	if (r == 0)
		r = compare_size(repo, mapping, ret);
	if (r == -ENOENT)
		*ret = SFS_MAPPING_MISSING;
	else if (r < 0 && !sfs_catalog_is_passing(r))
		*ret = SFS_MAPPING_DAMAGED;
	else
		return r;
	return 0;
}

int sfs_image_states(struct sfs_repo *repo, const struct sfs_image *image,
		     enum sfs_mapping_state **ret)
{
	CLEANUP_FREE enum sfs_mapping_state *states = NULL;
	size_t i;
	int r;

	states = sfs_calloc(image->mapping_count, sizeof(*states));
	if (!states)
		return -ENOMEM;
	for (i = 0; i < image->mapping_count; i++) {
		r = state_of(repo, &image->mappings[i], &states[i]);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(states);
	return 0;
}
