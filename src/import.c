/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/name.h"
#include "format/time.h"
#include "src/image-file.h"
#include "src/image-volumes.h"
#include "src/images-impl.h"
#include "src/ingest.h"
#include "src/log.h"
#include "src/source-image.h"

/* A volume of the file while it is imported. */
struct volume {
	char *source_name;     /* that says where it comes from */
	struct sfs_view *base; /* what stands for its base here, or NULL */
	struct sfs_source *source;
};

struct import {
	struct sfs_repo *repo;
	const struct sfs_import_options *options;
	struct sfs_image_file *file;
	struct sfs_image *image;       /* that it becomes */
	struct volume *volumes;	       /* as the file has them */
	struct sfs_volume_name *names; /* of what they become; "" not known */
	size_t volume_count;
};

static void import_done(struct import *import)
{
	size_t i;

	for (i = 0; import->volumes && i < import->volume_count; i++) {
		sfs_source_close(import->volumes[i].source);
		sfs_view_close(import->volumes[i].base);
		free(import->volumes[i].source_name);
	}
	free(import->volumes);
	free(import->names);
	sfs_image_free(import->image);
	sfs_image_file_close(import->file);
}
#define CLEANUP_IMPORT __attribute__((cleanup(import_done)))

/* ---- the image ---- */

static int make_image(struct import *import)
{
	const struct sfs_image *from = import->file->image;
	struct sfs_image *image;
	int r;

	r = sfs_image_copy(from, &import->image);
	if (r < 0)
		return r;
	image = import->image;
	memcpy(image->origin, from->id, sizeof(image->origin));
	image->set[0] = '\0';
	sfs_grants_done(&image->grants);
	image->grants = (struct sfs_grants){ 0 };
	image->disabled = image->is_protected = image->newer = false;
	image->time_ns = sfs_now_ns() / SFS_SECOND * SFS_SECOND;
	if (from->newer)
		sfs_warn("'%s': was written by a newer snapfs; what that one "
			 "alone knows of the image is left out",
			 import->file->path);
	return 0;
}

static int name_image(struct import *import)
{
	const char *name = import->options->name, *why;

	if (!name)
		return 0;
	if (!sfs_name_image_ok(name, &why)) {
		sfs_err("image name '%s': %s", name, why);
		return -EINVAL;
	}
	strcpy(import->image->name, name);
	return 0;
}

/* ---- which volumes they become ---- */

/* The same for each image of one volume, so that the volume is found again.
 * Where the image has several snapshots of it, they become several volumes. */
static int name_source(struct import *import, size_t number)
{
	const struct sfs_image_file_volume *volumes = import->file->volumes;
	const char *id = volumes[number].snapshot->volume_id;
	struct volume *volume = &import->volumes[number];
	size_t i, twins = 0;

	for (i = 0; i < number; i++)
		twins += strcmp(volumes[i].snapshot->volume_id, id) == 0;
	volume->source_name = twins ? sfs_asprintf("import:%s#%zu", id, twins)
				    : sfs_asprintf("import:%s", id);
	return volume->source_name ? 0 : -ENOMEM;
}

static int name_volume(struct import *import, size_t number)
{
	struct sfs_repo *repo = import->repo;
	char name[SFS_VOLUME_NAME_MAX + 1];
	int r;

	r = sfs_catalog_volume_of_source(
		repo->catalog, import->volumes[number].source_name, name);
	if (r == -ENOENT) {
		strcpy(name, import->file->volumes[number].snapshot->volume);
		r = sfs_image_volume_make_free(repo, import->names,
					       import->volume_count, name);
	}
	if (r == 0)
		strcpy(import->names[number].name, name);
	return r;
}

/* ---- what they are based on ---- */

struct base_search {
	const struct sfs_snapshot *base; /* where it comes from */
	bool same_repository;
	char id[SFS_ID_SIZE]; /* of what stands for it here, or "" */
};

/* Whether @source names volume @id, or one of its twins. */
static bool is_import_of(const char *source, const char *id)
{
	static const char prefix[] = "import:";
	size_t length = strlen(id);

	if (strncmp(source, prefix, sizeof(prefix) - 1) != 0)
		return false;
	source += sizeof(prefix) - 1;
	return strncmp(source, id, length) == 0 &&
	       (source[length] == '\0' || source[length] == '#');
}

/* The very snapshot, or one that was imported from it: the moment of a volume
 * tells which.  Should it be another one after all, the blocks' hashes say. */
static int compare_base(const struct sfs_snapshot *snapshot, void *context)
{
	struct base_search *search = context;
	const struct sfs_snapshot *base = search->base;

	if (search->same_repository && strcmp(snapshot->id, base->id) == 0) {
		memcpy(search->id, snapshot->id, sizeof(search->id));
		return 1;
	}
	if (snapshot->size == base->size &&
	    is_import_of(snapshot->source, base->volume_id))
		memcpy(search->id, snapshot->id, sizeof(search->id));
	return 0;
}

static int open_base(struct import *import, size_t number)
{
	const struct sfs_image_file *file = import->file;
	const struct sfs_image_file_volume *volume = &file->volumes[number];
	const struct sfs_config *here = &import->repo->config;
	struct base_search search = {
		.base = volume->base,
		.same_repository = memcmp(file->config.uuid, here->uuid,
					  sizeof(here->uuid)) == 0,
	};
	struct sfs_catalog_filter filter = { 0 };
	int r;

	if (volume->base_rows == 0)
		return 0;
	filter.since_ns = filter.until_ns = volume->base->time_ns;
	r = sfs_catalog_list(import->repo->catalog, &filter, compare_base,
			     &search);
	if (r < 0)
		return r;
	r = *search.id ? sfs_view_open(import->repo, search.id,
				       &import->volumes[number].base)
		       : -ENOENT;
	if (r == -ENOENT)
		sfs_err("'%s': holds of volume '%s' only what changed since "
			"'%s', which is not here; import the image that it "
			"was exported with as --base first, or one without",
			file->path, volume->snapshot->volume, volume->base->id);
	return r;
}

/* ---- taking them in ---- */

static int plan(struct import *import)
{
	size_t i, count = import->file->volume_count;
	int r;

	import->volumes = sfs_calloc(count, sizeof(*import->volumes));
	import->names = sfs_calloc(count, sizeof(*import->names));
	if (!import->volumes || !import->names)
		return -ENOMEM;
	import->volume_count = count;
	for (i = 0; i < count; i++) {
		struct volume *volume = &import->volumes[i];

		r = name_source(import, i);
		if (r == 0)
			r = name_volume(import, i);
		if (r == 0)
			r = open_base(import, i);
		if (r == 0)
			r = sfs_source_open_image(
				import->file, i, volume->source_name,
				volume->base, &volume->source);
		if (r < 0)
			return r;
	}
	return 0;
}

static int publish(struct sfs_snapshot *const *snapshots, void *context)
{
	struct import *import = context;
	const struct sfs_image_file_volume *volumes = import->file->volumes;
	struct sfs_image *image = import->image;
	struct sfs_mapping *mapping;
	size_t i, j;
	int r;

	for (i = 0; i < image->mapping_count; i++) {
		mapping = &image->mappings[i];
		for (j = 0; j < import->volume_count; j++)
			if (strcmp(import->file->image->mappings[i].snapshot,
				   volumes[j].snapshot->id) == 0)
				memcpy(mapping->snapshot, snapshots[j]->id,
				       sizeof(mapping->snapshot));
	}
	memcpy(image->set, snapshots[0]->set, sizeof(image->set));
	r = sfs_images_judge(image);
	if (r == 0)
		r = sfs_images_name_free(import->repo, image->name);
	return r < 0 ? r : sfs_images_publish(import->repo, image);
}

static int ingest(struct import *import)
{
	const struct sfs_ingest_options options = {
		.threads = import->options->threads,
		.progress = import->options->progress,
		.on_publish = publish,
		.context = import,
	};
	CLEANUP_FREE struct sfs_ingest_member *members = NULL;
	CLEANUP_FREE struct sfs_snapshot **snapshots = NULL;
	const struct sfs_snapshot *from;
	size_t i, count = import->volume_count;
	int r;

	members = sfs_calloc(count, sizeof(*members));
	snapshots = sfs_calloc(count, sizeof(*snapshots));
	if (!members || !snapshots)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		from = import->file->volumes[i].snapshot;
		members[i] = (struct sfs_ingest_member){
			.volume = import->names[i].name,
			.opened = import->volumes[i].source,
			.time_ns = from->time_ns,
			.description = from->description,
			.tags = &from->tags,
		};
	}
	r = sfs_ingest(import->repo, members, count, &options, snapshots);
	for (i = 0; r == 0 && i < count; i++)
		sfs_snapshot_free(snapshots[i]);
	return r;
}

int sfs_image_import(struct sfs_repo *repo, const char *path,
		     const struct sfs_import_options *options,
		     struct sfs_image **ret)
{
	CLEANUP_IMPORT struct import import = {
		.repo = repo,
		.options = options,
	};
	int r;

	r = sfs_repo_check_writable(repo);
	if (r == 0)
		r = sfs_image_file_open(path, &import.file);
	if (r == 0)
		r = make_image(&import);
	if (r == 0)
		r = name_image(&import);
	/* Long before it counts: nobody wants to hear it after gigabytes. */
	if (r == 0)
		r = sfs_images_name_free(repo, import.image->name);
	if (r == 0)
		r = plan(&import);
	if (r == 0)
		r = ingest(&import);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(import.image);
	return 0;
}
