/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/delete.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/images.h"
#include "src/log.h"
#include "src/mark.h"
#include "src/roots.h"

/* ---- images in the way ---- */

struct users {
	struct sfs_repo *repo;
	struct sfs_image **images;
	size_t count, capacity;
};

static void users_done(struct users *users)
{
	size_t i;

	for (i = 0; i < users->count; i++)
		sfs_image_free(users->images[i]);
	free(users->images);
}
#define CLEANUP_USERS __attribute__((cleanup(users_done)))

static int note_user(const struct sfs_image *image, void *context)
{
	struct users *users = context;
	int r;

	r = sfs_grow(&users->images, &users->capacity, users->count,
		     sizeof(struct sfs_image *));
	if (r < 0)
		return r;
	r = sfs_image_copy(image, &users->images[users->count]);
	if (r < 0)
		return r;
	users->count++;
	return 0;
}

/* A creator that died, or whose disk was full, may leave an image that does
 * not count; creators that live hold the records lock over that moment. */
static const char *finish_of(const struct users *users,
			     const struct sfs_image *image)
{
	CLEANUP_IMAGE struct sfs_image *ignored = NULL;

	return sfs_catalog_load_image(users->repo->catalog, image->id,
				      &ignored) == -ENOENT
		       ? ", unfinished, which 'snapfs gc' removes"
		       : "";
}

/* Append to *@list that @image uses the snapshot @id, and where. */
static int list_use(const struct users *users, const struct sfs_image *image,
		    const char *id, char **list)
{
	const struct sfs_mapping *mapping;
	char *longer;
	size_t i;

	for (i = 0; i < image->mapping_count; i++) {
		mapping = &image->mappings[i];
		if (mapping->kind != SFS_MAPPING_SNAPSHOT ||
		    strcmp(mapping->snapshot, id) != 0)
			continue;
		longer = sfs_asprintf("%s%simage '%s' (%s%s) as %s",
				      *list ? *list : "", *list ? ", " : "",
				      image->name, image->id,
				      finish_of(users, image), mapping->device);
		if (!longer)
			return -ENOMEM;
		free(*list);
		*list = longer;
	}
	return 0;
}

static int refuse_one(const struct users *users, const char *id)
{
	CLEANUP_FREE char *list = NULL;
	size_t i;
	int r;

	for (i = 0; i < users->count; i++) {
		r = list_use(users, users->images[i], id, &list);
		if (r < 0)
			return r;
	}
	if (list)
		sfs_err("'%s': is used by %s; deregister it first, or give "
			"--cascade",
			id, list);
	return 0;
}

static int refuse(const struct users *users, char *const *ids, size_t count)
{
	size_t i;
	int r;

	for (i = 0; i < count; i++) {
		r = refuse_one(users, ids[i]);
		if (r < 0)
			return r;
	}
	return -EPERM;
}

static int check_protected(const struct users *users)
{
	size_t i;
	int r = 0;

	for (i = 0; i < users->count; i++) {
		if (!users->images[i]->is_protected)
			continue;
		sfs_err("image '%s' (%s): is protected from deregistration; "
			"'snapfs image unprotect' ends that",
			users->images[i]->name, users->images[i]->id);
		r = -EPERM;
	}
	return r;
}

/* ---- deleting ---- */

static int move(struct sfs_repo *repo, const char *id,
		const struct sfs_delete_options *options)
{
	return options->dry_run ? 0
				: sfs_store_move(repo->store, SFS_AREA_RECORDS,
						 SFS_AREA_BIN, id);
}

static int deregister(struct sfs_repo *repo, const struct users *users,
		      const struct sfs_delete_options *options)
{
	size_t i;
	int r;

	r = check_protected(users);
	for (i = 0; i < users->count && r == 0; i++) {
		r = move(repo, users->images[i]->id, options);
		if (r == 0 && options->deregistered)
			options->deregistered(users->images[i],
					      options->context);
	}
	return r;
}

int sfs_delete_with(struct sfs_repo *repo, char *const *ids, size_t count,
		    const struct sfs_delete_options *options)
{
	CLEANUP_USERS struct users users = { .repo = repo };
	CLEANUP_LOCK struct sfs_lock *records = NULL;
	size_t i;
	int r = 0;

	if (!options->dry_run)
		r = sfs_repo_lock_records(repo, &records);
	if (r == 0)
		r = sfs_images_using(repo, ids, count, note_user, NULL, &users);
	if (r == 0 && users.count > 0)
		r = options->cascade ? deregister(repo, &users, options)
				     : refuse(&users, ids, count);
	for (i = 0; i < count && r == 0; i++) {
		r = move(repo, ids[i], options);
		if (r == 0 && options->deleted)
			options->deleted(ids[i], options->context);
	}
	if (r < 0)
		return r;
	/* The catalog follows, now or when next asked. */
	sfs_ignore(sfs_catalog_refresh(repo->catalog) < 0);
	return 0;
}

int sfs_delete(struct sfs_repo *repo, char *const *ids, size_t count)
{
	const struct sfs_delete_options options = { 0 };

	return sfs_delete_with(repo, ids, count, &options);
}

/* ---- foretelling ---- */

static bool listed(char *const *ids, size_t count, const char *id)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(ids[i], id) == 0)
			return true;
	return false;
}

/* Mark the living snapshots that are, or are not, among @ids. */
static int mark_those(struct sfs_mark *mark, const struct sfs_roots *roots,
		      char *const *ids, size_t count, bool among)
{
	const struct sfs_root *root;
	size_t i;
	int r;

	for (i = 0; i < roots->count; i++) {
		root = &roots->roots[i];
		if (!root->snapshot || root->dead ||
		    listed(ids, count, root->id) != among)
			continue;
		r = sfs_mark_snapshot(mark, root->snapshot);
		if (r < 0)
			return r;
	}
	return 0;
}

static uint64_t dead_bytes(const struct sfs_mark *mark)
{
	const struct sfs_marked_pack *packs;
	uint64_t bytes = 0;
	size_t count, i;

	packs = sfs_mark_packs(mark, &count);
	for (i = 0; i < count; i++)
		if (sfs_marked_dead(&packs[i]))
			bytes += packs[i].size;
	return bytes;
}

int sfs_delete_would_free(struct sfs_repo *repo, char *const *ids, size_t count,
			  uint64_t *ret_bytes)
{
	CLEANUP_ROOTS struct sfs_roots roots = { 0 };
	CLEANUP_MARK struct sfs_mark *mark = NULL;
	uint64_t without;
	int r;

	r = sfs_roots_read(repo, true, &roots);
	if (r == 0)
		r = sfs_mark_new(repo, &mark);
	if (r == 0)
		r = mark_those(mark, &roots, ids, count, false);
	if (r == 0)
		r = sfs_mark_judge(mark);
	if (r < 0)
		return r;
	without = dead_bytes(mark);
	r = mark_those(mark, &roots, ids, count, true);
	if (r < 0)
		return r;
	*ret_bytes = without - dead_bytes(mark);
	return 0;
}
