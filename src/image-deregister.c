/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/images.h"
#include "src/log.h"

struct release {
	struct sfs_repo *repo;
	struct sfs_image *image;
	struct sfs_released *items;
	char **ids; /* borrowed from them */
	size_t count;
	bool dry_run;
};

static void release_done(struct release *release)
{
	sfs_image_free(release->image);
	free(release->items);
	free(release->ids);
}
#define CLEANUP_RELEASE __attribute__((cleanup(release_done)))

static struct sfs_released *find(const struct release *release, const char *id)
{
	size_t i;

	for (i = 0; i < release->count; i++)
		if (strcmp(release->items[i].snapshot, id) == 0)
			return &release->items[i];
	return NULL;
}

/* Each snapshot of the mappings once. */
static int gather(struct release *release)
{
	const struct sfs_image *image = release->image;
	const struct sfs_mapping *mapping;
	struct sfs_released *item;
	size_t i;

	release->items =
		sfs_calloc(image->mapping_count, sizeof(*release->items));
	release->ids = sfs_calloc(image->mapping_count, sizeof(char *));
	if (!release->items || !release->ids)
		return -ENOMEM;
	for (i = 0; i < image->mapping_count; i++) {
		mapping = &image->mappings[i];
		if (mapping->kind != SFS_MAPPING_SNAPSHOT ||
		    find(release, mapping->snapshot))
			continue;
		item = &release->items[release->count];
		memcpy(item->snapshot, mapping->snapshot,
		       sizeof(item->snapshot));
		item->fate = SFS_RELEASE_ORPHAN;
		release->ids[release->count++] = item->snapshot;
	}
	return 0;
}

static int note_use(const struct sfs_image *image, void *context)
{
	struct release *release = context;
	size_t i;

	if (strcmp(image->id, release->image->id) == 0)
		return 0;
	for (i = 0; i < release->count; i++)
		if (sfs_image_uses(image, release->items[i].snapshot))
			release->items[i].fate = SFS_RELEASE_USED;
	return 0;
}

static void note_unknown(const char *id, const char *why, void *context)
{
	struct release *release = context;
	struct sfs_released *item;
	size_t i;

	if (strcmp(id, release->image->id) == 0)
		return;
	for (i = 0; i < release->count; i++) {
		item = &release->items[i];
		if (item->fate == SFS_RELEASE_ORPHAN)
			item->fate = SFS_RELEASE_UNKNOWN;
	}
	if (release->dry_run)
		return;
	sfs_warn("'%s/records/%s.json': record %s; nobody knows which "
		 "snapshots that image uses, so all stay; see 'snapfs check'",
		 sfs_store_path(release->repo->store), id, why);
}

static int foretell_one(struct release *release, bool delete_snapshots,
			struct sfs_released *item)
{
	int r;

	r = sfs_catalog_look(release->repo->catalog, item->snapshot);
	if (r == -ENOENT) {
		item->fate = SFS_RELEASE_MISSING;
		return 0;
	}
	if (r < 0 && r != -EUCLEAN)
		return r;
	if (!delete_snapshots || item->fate != SFS_RELEASE_ORPHAN)
		return 0;
	item->fate = SFS_RELEASE_DELETED;
	if (r == 0)
		return 0;
	/* In the bin a damaged record would be in the way of gc as well, and
	 * farther from those who may mend it. */
	sfs_err("'%s': its record is damaged, so it stays; see 'snapfs check'",
		item->snapshot);
	item->fate = SFS_RELEASE_FAILED;
	return 0;
}

/* Say what becomes of each, before anything is done. */
static int foretell(struct release *release, bool delete_snapshots)
{
	size_t i;
	int r;

	r = sfs_images_using(release->repo, release->ids, release->count,
			     note_use, note_unknown, release);
	for (i = 0; i < release->count && r == 0; i++)
		r = foretell_one(release, delete_snapshots, &release->items[i]);
	return r;
}

static int load(struct release *release, const char *id)
{
	const struct sfs_image *image;
	int r;

	r = sfs_catalog_load_image(release->repo->catalog, id, &release->image);
	if (r == -ENOENT)
		sfs_err("'%s': was deregistered meanwhile", id);
	if (r < 0)
		return r;
	image = release->image;
	if (!image->is_protected)
		return 0;
	sfs_err("image '%s': is protected from deregistration; 'snapfs image "
		"unprotect' ends that",
		image->name);
	return -EPERM;
}

/* Move the record @id to the bin.  Returns 0, 1 when it went but may come
 * back, or what kept it from going; both logged. */
static int move(struct sfs_store *store, const char *id)
{
	CLEANUP_FREE char *file = NULL;
	size_t size;
	int r;

	r = sfs_store_move(store, SFS_AREA_RECORDS, SFS_AREA_BIN, id);
	if (r == 0)
		return 0;
	return sfs_store_get(store, SFS_AREA_RECORDS, id, &file, &size) ==
			       -ENOENT
		       ? 1
		       : r;
}

/* Delete those that are to go, until it is not certain that one did. */
static void delete_snapshots_of(struct release *release)
{
	struct sfs_released *item;
	bool stopped = false;
	size_t i;
	int r;

	for (i = 0; i < release->count; i++) {
		item = &release->items[i];
		if (item->fate != SFS_RELEASE_DELETED)
			continue;
		r = stopped ? -EIO : move(release->repo->store, item->snapshot);
		if (r < 0)
			item->fate = SFS_RELEASE_FAILED;
		if (r <= 0)
			continue;
		item->fate = SFS_RELEASE_UNCERTAIN;
		stopped = true;
	}
	if (stopped)
		sfs_err("image '%s': is gone; of its snapshots no more are "
			"deleted",
			release->image->name);
}

static int carry_out(struct release *release)
{
	const struct sfs_image *image = release->image;
	int r;

	/* First, so that no image is ever without what it names. */
	r = move(release->repo->store, image->id);
	if (r < 0)
		return r;
	if (r == 0)
		delete_snapshots_of(release);
	/* The catalog follows, now or when next asked. */
	sfs_ignore(sfs_catalog_refresh(release->repo->catalog) < 0);
	if (r == 0)
		return 0;
	sfs_err("image '%s' (%s): is gone, its snapshots stay", image->name,
		image->id);
	return -EIO;
}

int sfs_image_deregister(struct sfs_repo *repo, const char *id,
			 bool delete_snapshots, bool dry_run,
			 struct sfs_released **ret, size_t *ret_count)
{
	CLEANUP_RELEASE struct release release = { .repo = repo,
						   .dry_run = dry_run };
	CLEANUP_LOCK struct sfs_lock *records = NULL;
	int r = 0;

	if (!dry_run)
		r = sfs_repo_lock_records(repo, &records);
	if (r == 0)
		r = load(&release, id);
	if (r == 0)
		r = gather(&release);
	if (r == 0)
		r = foretell(&release, delete_snapshots);
	if (r == 0 && !dry_run)
		r = carry_out(&release);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(release.items);
	*ret_count = release.count;
	return 0;
}
