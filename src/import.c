/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/import.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "format/name.h"
#include "format/time.h"
#include "src/image-file.h"
#include "src/images-impl.h"
#include "src/import-volumes.h"
#include "src/ingest.h"
#include "src/log.h"
#include "src/source-image.h"

/* A volume of the file while it is imported. */
struct volume {
	char origin[SFS_ORIGIN_SIZE]; /* that says where it comes from */
	struct sfs_view *base; /* what stands for its base here, or NULL */
	bool joins;	       /* a volume that is there */
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

/* ---- what the file may not say ---- */

/* How far two clocks may differ. */
#define CLOCKS_DIFFER (300 * SFS_SECOND)

/* What claims to be of the future would be the latest for as long. */
static int judge_times(const struct sfs_image_file *file)
{
	char time[SFS_TIME_SIZE], now_text[SFS_TIME_SIZE];
	const int64_t now = sfs_now_ns();
	const struct sfs_snapshot *snapshot;
	size_t i;

	for (i = 0; i < file->volume_count; i++) {
		snapshot = file->volumes[i].snapshot;
		if (snapshot->time_ns <= now + CLOCKS_DIFFER)
			continue;
		sfs_time_format(snapshot->time_ns, time);
		sfs_time_format(now / SFS_SECOND * SFS_SECOND, now_text);
		sfs_err("'%s': its snapshot of volume '%s' says that it is of "
			"%s, but it is %s; one of the clocks is wrong, or the "
			"file is",
			file->path, snapshot->volume, time, now_text);
		return -ERANGE;
	}
	return 0;
}

static bool needs_base(const struct sfs_image_file *file)
{
	size_t i;

	for (i = 0; i < file->volume_count; i++)
		if (file->volumes[i].base_rows > 0)
			return true;
	return false;
}

/* Only the user can say what to trust for a base: its hashes, which are the
 * file's word, are a check against mistakes. */
static int judge_base(const struct import *import)
{
	const struct sfs_image_file *file = import->file;
	const struct sfs_image *base = import->options->base;
	const bool needed = needs_base(file);

	if (needed && !base) {
		sfs_err("'%s': holds only what differs from image '%s' ('%s'); "
			"say with '--base' which image that is here, and "
			"import it first if none is",
			file->path, file->base->name, file->base->id);
		return -ENOENT;
	}
	if (!needed && base)
		sfs_info("'%s': holds all of its volumes; '--base %s' is not "
			 "used",
			 file->path, base->name);
	return 0;
}

/* ---- taking them in ---- */

static int plan_volume(struct import *import, size_t number, bool based)
{
	const struct sfs_image_file *file = import->file;
	const struct sfs_image_file_volume *from = &file->volumes[number];
	struct volume *volume = &import->volumes[number];
	int r = 0;

	sfs_import_origin(file, from->snapshot, volume->origin);
	if (based && from->base)
		r = sfs_import_open_base(import->repo, file, from,
					 import->options->base, &volume->base);
	if (r == 0)
		r = sfs_import_name_volume(import->repo, file, number,
					   volume->base, import->names,
					   &volume->joins);
	return r < 0 ? r
		     : sfs_source_open_image(file, number, volume->origin,
					     volume->base, &volume->source);
}

static int plan(struct import *import)
{
	const bool based = needs_base(import->file);
	size_t i, count = import->file->volume_count;
	int r = 0;

	import->volumes = sfs_calloc(count, sizeof(*import->volumes));
	import->names = sfs_calloc(count, sizeof(*import->names));
	if (!import->volumes || !import->names)
		return -ENOMEM;
	import->volume_count = count;
	for (i = 0; i < count && r == 0; i++)
		r = plan_volume(import, i, based);
	return r;
}

static int check_volumes(const struct import *import)
{
	const struct volume *volume;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < import->volume_count; i++) {
		volume = &import->volumes[i];
		r = sfs_import_check_volume(import->repo, import->names[i].name,
					    volume->joins, volume->origin);
	}
	return r;
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
	if (r == 0)
		r = check_volumes(import);
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
		r = judge_times(import.file);
	if (r == 0)
		r = judge_base(&import);
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
