/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/import-volumes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/time.h"
#include "src/log.h"

void sfs_import_origin(const struct sfs_image_file *file,
		       const struct sfs_snapshot *snapshot,
		       char ret[SFS_ORIGIN_SIZE])
{
	char uuid[SFS_UUID_SIZE];

	sfs_uuid_format(file->config.uuid, uuid);
	snprintf(ret, SFS_ORIGIN_SIZE, "import:%s/%s", uuid,
		 snapshot->volume_id);
}

/* ---- bases ---- */

struct search {
	const struct sfs_snapshot *base; /* as the file has it */
	char origin[SFS_ORIGIN_SIZE];	 /* of what was imported from it */
	bool same_repository;
	char id[SFS_ID_SIZE]; /* of what stands for it here, or "" */
};

/* The very snapshot, or one that was imported from it. */
static bool is_base(const struct search *search,
		    const struct sfs_snapshot *snapshot)
{
	const struct sfs_snapshot *base = search->base;

	if (snapshot->size != base->size || snapshot->time_ns != base->time_ns)
		return false;
	return (search->same_repository &&
		strcmp(snapshot->id, base->id) == 0) ||
	       strcmp(snapshot->source, search->origin) == 0;
}

static int try_mapping(struct sfs_repo *repo, struct search *search,
		       const struct sfs_mapping *mapping)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	int r;

	if (mapping->kind != SFS_MAPPING_SNAPSHOT ||
	    strcmp(mapping->snapshot, search->id) == 0)
		return 0;
	r = sfs_catalog_load(repo->catalog, mapping->snapshot, &snapshot);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!is_base(search, snapshot))
		return 0;
	if (*search->id)
		return -EEXIST;
	memcpy(search->id, snapshot->id, sizeof(search->id));
	return 0;
}

static int tell(const struct sfs_image_file *file,
		const struct sfs_image_file_volume *volume,
		const struct sfs_image *image, int r)
{
	const struct sfs_snapshot *base = volume->base;
	char time[SFS_TIME_SIZE];

	if (r == -EEXIST)
		sfs_err("'%s': volume '%s': image '%s' has several snapshots "
			"that could be its base '%s'",
			file->path, volume->snapshot->volume, image->name,
			base->id);
	if (r != -ENOENT)
		return r;
	sfs_time_format(base->time_ns, time);
	sfs_err("'%s': volume '%s': image '%s' does not have its base, '%s' "
		"with %" PRIu64 " bytes of %s; name the image that '%s' "
		"('%s') is here",
		file->path, volume->snapshot->volume, image->name, base->id,
		base->size, time, file->base->name, file->base->id);
	return r;
}

int sfs_import_open_base(struct sfs_repo *repo,
			 const struct sfs_image_file *file,
			 const struct sfs_image_file_volume *volume,
			 const struct sfs_image *image, struct sfs_view **ret)
{
	struct search search = {
		.base = volume->base,
		.same_repository = memcmp(file->config.uuid, repo->config.uuid,
					  sizeof(repo->config.uuid)) == 0,
	};
	size_t i;
	int r = 0;

	sfs_import_origin(file, volume->base, search.origin);
	for (i = 0; r == 0 && i < image->mapping_count; i++)
		r = try_mapping(repo, &search, &image->mappings[i]);
	if (r == 0)
		r = *search.id ? sfs_view_open(repo, search.id, ret) : -ENOENT;
	return r < 0 ? tell(file, volume, image, r) : 0;
}

/* ---- volumes ---- */

struct judging {
	const char *origin;
	unsigned others; /* that are not from there */
	unsigned count;
};

static int judge(const struct sfs_snapshot *snapshot, void *context)
{
	struct judging *judging = context;

	judging->count++;
	judging->others += strcmp(snapshot->source, judging->origin) != 0;
	return 0;
}

/* Look at all that is in the volume @name. */
static int judge_volume(struct sfs_repo *repo, const char *name,
			const char *origin, struct judging *ret)
{
	const struct sfs_catalog_filter filter = { .volume = name };

	*ret = (struct judging){ .origin = origin };
	return sfs_catalog_list(repo->catalog, &filter, judge, ret);
}

/* 1 when it can go on in @base's volume, 0 when not. */
static int can_join(struct sfs_repo *repo, const struct sfs_image_file *file,
		    size_t number, const struct sfs_view *base,
		    const struct sfs_volume_name *names)
{
	const char *volume = sfs_view_snapshot(base)->volume;
	char origin[SFS_ORIGIN_SIZE];
	struct judging judging;
	size_t i;
	int r;

	for (i = 0; i < file->volume_count; i++)
		if (strcmp(names[i].name, volume) == 0)
			return 0;
	sfs_import_origin(file, file->volumes[number].snapshot, origin);
	r = judge_volume(repo, volume, origin, &judging);
	return r < 0 ? r : judging.others == 0;
}

int sfs_import_name_volume(struct sfs_repo *repo,
			   const struct sfs_image_file *file, size_t number,
			   const struct sfs_view *base,
			   struct sfs_volume_name *names, bool *ret_joins)
{
	const char *from = file->volumes[number].snapshot->volume;
	char name[SFS_VOLUME_NAME_MAX + 1];
	int r;

	r = base ? can_join(repo, file, number, base, names) : 0;
	*ret_joins = r > 0;
	if (r > 0) {
		strcpy(name, sfs_view_snapshot(base)->volume);
	} else if (r == 0) {
		strcpy(name, from);
		r = sfs_image_volume_make_free(repo, names, file->volume_count,
					       name);
	}
	if (r < 0)
		return r;
	strcpy(names[number].name, name);
	if (*ret_joins)
		sfs_info("'%s': volume '%s' goes on in volume '%s'", file->path,
			 from, name);
	else
		sfs_info("'%s': volume '%s' becomes the new volume '%s'",
			 file->path, from, name);
	return 0;
}

int sfs_import_check_volume(struct sfs_repo *repo, const char *name, bool joins,
			    const char *origin)
{
	struct judging judging;
	int r;

	r = judge_volume(repo, name, origin, &judging);
	if (r < 0)
		return r;
	if (joins ? judging.others == 0 : judging.count == 0)
		return 0;
	sfs_err("volume '%s': somebody else took a snapshot of it meanwhile; "
		"import again",
		name);
	return -EBUSY;
}
