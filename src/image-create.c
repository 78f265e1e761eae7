/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * An image of a machine's disks: a set of snapshots, and the image's record
 * published with them, so that the set's record commits all of it at once.
 * What can be wrong is looked for before the disks are read, and, where it may
 * have changed since, once more under the records lock.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/image-volumes.h"
#include "src/images-impl.h"
#include "src/images.h"
#include "src/log.h"

struct create {
	struct sfs_repo *repo;
	struct sfs_image *image;
	const struct sfs_image_source *sources;
	size_t count;
};

static const struct sfs_image_source *source_of(const struct create *create,
						size_t mapping)
{
	size_t i;

	for (i = 0; i < create->count; i++)
		if (create->sources[i].mapping == mapping)
			return &create->sources[i];
	return NULL;
}

/* ---- before anything is read ---- */

/* A disk whose size is not known yet, such as a stream's, waits. */
static int check_size(const struct create *create,
		      const struct sfs_image_source *source)
{
	const struct sfs_mapping *mapping =
		&create->image->mappings[source->mapping];
	struct sfs_mapping copy = *mapping;
	CLEANUP_CLOSE int fd = -1;
	off_t size;

	if (mapping->size == 0 || source->opened ||
	    strcmp(source->source, "-") == 0)
		return 0;
	/* Opening it in earnest, with its errors, comes later. */
	fd = open(source->source, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	if (size <= 0)
		return 0;
	return sfs_images_fit_size(create->image, &copy, (uint64_t)size,
				   source->source);
}

/* Judge the image with ids and sizes that it does not have yet. */
static int judge_early(const struct create *create)
{
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	struct sfs_mapping *mapping;
	const uint8_t none[9] = { 0 };
	size_t i;
	int r;

	r = sfs_image_copy(create->image, &image);
	if (r < 0)
		return r;
	for (i = 0; i < image->mapping_count; i++) {
		mapping = &image->mappings[i];
		if (!source_of(create, i))
			continue;
		sfs_id_format(SFS_ID_SNAPSHOT, none, mapping->snapshot);
		if (mapping->size == 0)
			mapping->size = 1;
	}
	return sfs_images_judge(image);
}

/* Mappings of snapshots that are there already. */
static int fit_others(struct create *create)
{
	struct sfs_image *image = create->image;
	size_t i;
	int r;

	for (i = 0; i < image->mapping_count; i++) {
		if (image->mappings[i].kind != SFS_MAPPING_SNAPSHOT ||
		    source_of(create, i))
			continue;
		r = sfs_images_fit_named(create->repo, image,
					 &image->mappings[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check(struct create *create)
{
	size_t i;
	int r;

	r = sfs_repo_check_writable(create->repo);
	if (r == 0)
		r = fit_others(create);
	if (r == 0)
		r = judge_early(create);
	if (r == 0)
		r = sfs_images_name_free(create->repo, create->image->name);
	for (i = 0; i < create->count && r == 0; i++)
		r = check_size(create, &create->sources[i]);
	return r;
}

/* ---- with the snapshots ---- */

static int probe_root(struct create *create,
		      struct sfs_snapshot *const *snapshots)
{
	const struct sfs_mapping *root = sfs_image_root(create->image);
	CLEANUP_VIEW struct sfs_view *view = NULL;
	size_t i;
	int r;

	for (i = 0; i < create->count; i++)
		if (strcmp(snapshots[i]->id, root->snapshot) == 0)
			break;
	if (i == create->count)
		return sfs_image_probe(create->repo, create->image);
	r = sfs_view_open_unpinned(create->repo, snapshots[i], &view);
	if (r < 0)
		return r;
	return sfs_images_probe_view(create->image, view);
}

static int on_sealed(struct sfs_snapshot *const *snapshots, void *context)
{
	struct create *create = context;
	struct sfs_image *image = create->image;
	struct sfs_mapping *mapping;
	size_t i;
	int r;

	for (i = 0; i < create->count; i++) {
		mapping = &image->mappings[create->sources[i].mapping];
		memcpy(mapping->snapshot, snapshots[i]->id,
		       sizeof(mapping->snapshot));
		r = sfs_images_fit_size(image, mapping, snapshots[i]->size,
					snapshots[i]->source);
		if (r < 0)
			return r;
	}
	r = probe_root(create, snapshots);
	return r < 0 ? r : sfs_images_judge(image);
}

static int on_publish(struct sfs_snapshot *const *snapshots, void *context)
{
	struct create *create = context;
	struct sfs_image *image = create->image;
	int r;

	r = fit_others(create);
	if (r == 0)
		r = sfs_images_name_free(create->repo, image->name);
	if (r < 0)
		return r;
	memcpy(image->set, snapshots[0]->set, sizeof(image->set));
	image->time_ns = snapshots[0]->time_ns;
	return sfs_images_publish(create->repo, image);
}

/* ---- all of it ---- */

static int ingest(struct create *create,
		  const struct sfs_ingest_options *options)
{
	CLEANUP_FREE struct sfs_ingest_member *members = NULL;
	CLEANUP_FREE struct sfs_snapshot **snapshots = NULL;
	CLEANUP_FREE struct sfs_volume_name *volumes = NULL;
	struct sfs_ingest_options mine = *options;
	size_t i;
	int r;

	members = sfs_calloc(create->count, sizeof(*members));
	snapshots = sfs_calloc(create->count, sizeof(*snapshots));
	if (!members || !snapshots)
		return -ENOMEM;
	r = sfs_image_volumes(create->repo, create->sources, create->count,
			      &volumes);
	if (r < 0)
		return r;
	for (i = 0; i < create->count; i++)
		members[i] = (struct sfs_ingest_member){
			.volume = volumes[i].name,
			.source = create->sources[i].source,
			.opened = create->sources[i].opened,
			.time_ns = create->sources[i].time_ns,
			.description = create->sources[i].description,
			.tags = create->sources[i].tags,
		};
	mine.on_sealed = on_sealed;
	mine.on_publish = on_publish;
	mine.context = create;
	r = sfs_ingest(create->repo, members, create->count, &mine, snapshots);
	for (i = 0; i < create->count; i++)
		sfs_snapshot_free(snapshots[i]);
	return r;
}

int sfs_image_create(struct sfs_repo *repo, struct sfs_image *image,
		     const struct sfs_image_source *sources, size_t count,
		     const struct sfs_ingest_options *options)
{
	struct create create = { repo, image, sources, count };
	int r;

	if (count == 0) {
		sfs_err("image '%s': none of its devices comes from a disk; "
			"'snapfs image register' makes images of snapshots",
			image->name);
		return -EINVAL;
	}
	r = check(&create);
	if (r < 0)
		return r;
	return ingest(&create, options);
}
