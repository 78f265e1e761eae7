/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "format/name.h"
#include "src/log.h"
#include "tools/cmd.h"
#include "tools/message.h"
#include "tools/output.h"
#include "tools/table.h"

/* A volume, as its snapshots tell. */
struct volume {
	struct sfs_snapshot *latest; /* owned */
	uint64_t snapshots;
	uint64_t images;   /* that use one of its snapshots */
	size_t last_image; /* counted there, by its number from 1 */
	uint64_t stored_bytes;
	int64_t first_ns;
};

struct volumes {
	struct volume *list;
	size_t count;
	size_t capacity;
};

struct images {
	struct sfs_image **list;
	size_t count;
	size_t capacity;
};

static void images_done(struct images *images)
{
	size_t i;

	for (i = 0; i < images->count; i++)
		sfs_image_free(images->list[i]);
	free(images->list);
}
#define CLEANUP_IMAGES __attribute__((cleanup(images_done)))

static const char *const headings[] = { "VOLUME",	  ">SNAPSHOTS",
					">IMAGES",	  ">SIZE",
					">STORED",	  "LATEST",
					"LATEST SNAPSHOT" };

static void volumes_done(struct volumes *volumes)
{
	size_t i;

	for (i = 0; i < volumes->count; i++)
		sfs_snapshot_free(volumes->list[i].latest);
	free(volumes->list);
}

static struct volume *find_name(struct volumes *volumes, const char *name)
{
	size_t i;

	for (i = 0; i < volumes->count; i++)
		if (strcmp(volumes->list[i].latest->volume, name) == 0)
			return &volumes->list[i];
	return NULL;
}

static int find(struct volumes *volumes, const struct sfs_snapshot *snapshot,
		struct volume **ret)
{
	int r;

	*ret = find_name(volumes, snapshot->volume);
	if (*ret)
		return 0;
	r = sfs_grow(&volumes->list, &volumes->capacity, volumes->count,
		     sizeof(*volumes->list));
	if (r < 0)
		return r;
	*ret = &volumes->list[volumes->count];
	**ret = (struct volume){ .first_ns = snapshot->time_ns };
	r = sfs_snapshot_copy(snapshot, &(*ret)->latest);
	if (r < 0)
		return r;
	volumes->count++;
	return 0;
}

/* Snapshots come in order of time, so each is its volume's latest so far. */
static int gather(const struct sfs_snapshot *snapshot, void *context)
{
	struct sfs_snapshot *latest;
	struct volume *volume;
	int r;

	r = find(context, snapshot, &volume);
	if (r < 0)
		return r;
	r = sfs_snapshot_copy(snapshot, &latest);
	if (r < 0)
		return r;
	sfs_snapshot_free(volume->latest);
	volume->latest = latest;
	volume->snapshots++;
	volume->stored_bytes += snapshot->stored_bytes;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct volume *left = a, *right = b;

	return strcmp(left->latest->volume, right->latest->volume);
}

static void put_json(struct sfs_jsonw *w, const struct volume *volume)
{
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "VolumeId", volume->latest->volume_id);
	sfs_jsonw_string(w, "VolumeName", volume->latest->volume);
	sfs_jsonw_uint(w, "VolumeSizeInBytes", volume->latest->size);
	sfs_jsonw_uint(w, "SnapshotCount", volume->snapshots);
	sfs_jsonw_uint(w, "ImageCount", volume->images);
	sfs_jsonw_uint(w, "StoredInBytes", volume->stored_bytes);
	sfs_output_json_time(w, "FirstStartTime", volume->first_ns);
	sfs_output_json_time(w, "LatestStartTime", volume->latest->time_ns);
	sfs_jsonw_string(w, "LatestSnapshotId", volume->latest->id);
	sfs_jsonw_string(w, "LatestSource", volume->latest->source);
	sfs_jsonw_end(w);
}

static int list_json(const struct volumes *volumes)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	size_t i;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_array(w, "Volumes");
	for (i = 0; i < volumes->count; i++)
		put_json(w, &volumes->list[i]);
	sfs_jsonw_end(w);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

static int add_row(struct sfs_table *table, const struct volume *volume)
{
	int r;

	r = sfs_table_add(table, volume->latest->volume);
	if (r == 0)
		r = sfs_table_add_count(table, volume->snapshots);
	if (r == 0)
		r = sfs_table_add_count(table, volume->images);
	if (r == 0)
		r = sfs_table_add_size(table, volume->latest->size);
	if (r == 0)
		r = sfs_table_add_size(table, volume->stored_bytes);
	if (r == 0)
		r = sfs_table_add_time(table, volume->latest->time_ns);
	if (r == 0)
		r = sfs_table_add(table, volume->latest->id);
	return r;
}

static int list_table(const struct volumes *volumes)
{
	CLEANUP_TABLE struct sfs_table table = {
		.headings = headings,
		.columns = SFS_ARRAY_SIZE(headings),
	};
	size_t i;
	int r;

	for (i = 0; i < volumes->count; i++) {
		r = add_row(&table, &volumes->list[i]);
		if (r < 0)
			return r;
	}
	if (volumes->count > 0)
		sfs_table_print(&table);
	else
		sfs_info("no volumes");
	return 0;
}

static int keep_image(const struct sfs_image *image, void *context)
{
	struct images *images = context;
	int r;

	r = sfs_grow(&images->list, &images->capacity, images->count,
		     sizeof(struct sfs_image *));
	if (r < 0)
		return r;
	r = sfs_image_copy(image, &images->list[images->count]);
	if (r < 0)
		return r;
	images->count++;
	return 0;
}

/* Count the image with @number for each volume that a snapshot of it is of. */
static void count_image(struct sfs_repo *repo, const struct sfs_image *image,
			size_t number, struct volumes *volumes)
{
	const struct sfs_mapping *mapping;
	struct volume *volume;
	size_t i;

	for (i = 0; i < image->mapping_count; i++) {
		CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;

		mapping = &image->mappings[i];
		/* A missing one is the image's affair, and shown there. */
		if (mapping->kind != SFS_MAPPING_SNAPSHOT ||
		    sfs_catalog_load(repo->catalog, mapping->snapshot,
				     &snapshot) < 0)
			continue;
		volume = find_name(volumes, snapshot->volume);
		if (!volume || volume->last_image == number)
			continue;
		volume->last_image = number;
		volume->images++;
	}
}

/* The catalog is not to be asked from within its own walk. */
static int count_images(struct sfs_repo *repo, struct volumes *volumes)
{
	CLEANUP_IMAGES struct images images = { .count = 0 };
	size_t i;
	int r;

	r = sfs_catalog_list_images(repo->catalog, keep_image, &images);
	for (i = 0; r == 0 && i < images.count; i++)
		count_image(repo, images.list[i], i + 1, volumes);
	return r;
}

static int load(const struct sfs_cmd *cmd,
		const struct sfs_catalog_filter *filter,
		struct volumes *volumes)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = sfs_catalog_list(repo->catalog, filter, gather, volumes);
	if (r < 0)
		return r;
	r = count_images(repo, volumes);
	if (r < 0)
		return r;
	if (volumes->count > 0)
		qsort(volumes->list, volumes->count, sizeof(*volumes->list),
		      by_name);
	return 0;
}

static int run_list(struct sfs_cmd *cmd)
{
	struct volumes volumes = { .count = 0 };
	int r;

	r = load(cmd, NULL, &volumes);
	if (r == 0)
		r = cmd->json ? list_json(&volumes) : list_table(&volumes);
	volumes_done(&volumes);
	return r;
}

static void print(const struct volume *volume)
{
	sfs_output_field("Volume", volume->latest->volume);
	sfs_output_field("Volume id", volume->latest->volume_id);
	sfs_output_field_size("Size", volume->latest->size);
	sfs_output_field_count("Snapshots", volume->snapshots);
	sfs_output_field_count("Images", volume->images);
	sfs_output_field_size("Stored", volume->stored_bytes);
	sfs_output_field_time("First", volume->first_ns);
	sfs_output_field_time("Latest", volume->latest->time_ns);
	sfs_output_field("Latest id", volume->latest->id);
	sfs_output_field("Source", *volume->latest->source
					   ? volume->latest->source
					   : "-");
}

static int show(const struct sfs_cmd *cmd, const struct volumes *volumes)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	if (volumes->count == 0) {
		sfs_err("volume '%s': has no snapshots here; see 'snapfs "
			"volume list'",
			cmd->args.words[0]);
		return -ENOENT;
	}
	if (!cmd->json) {
		print(&volumes->list[0]);
		return 0;
	}
	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	put_json(w, &volumes->list[0]);
	return sfs_output_json(w);
}

static int run_show(struct sfs_cmd *cmd)
{
	struct sfs_catalog_filter filter = { .volume = cmd->args.words[0] };
	struct volumes volumes = { .count = 0 };
	const char *why;
	int r;

	if (!sfs_name_volume_ok(filter.volume, &why))
		return sfs_message_usage(cmd->args.context,
					 "volume name '%s': %s", filter.volume,
					 why);
	r = load(cmd, &filter, &volumes);
	if (r == 0)
		r = show(cmd, &volumes);
	volumes_done(&volumes);
	return r;
}

const struct sfs_verb sfs_verb_volume_list = {
	.noun = "volume",
	.name = "list",
	.summary = "List the volumes that have snapshots.",
	.run = run_list,
};

const struct sfs_verb sfs_verb_volume_show = {
	.noun = "volume",
	.name = "show",
	.words = "VOLUME",
	.summary = "Show all that is known of a volume.",
	.min_words = 1,
	.max_words = 1,
	.complete = SFS_COMPLETE_VOLUME,
	.run = run_show,
};
