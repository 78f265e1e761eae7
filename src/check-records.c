/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Records, judged from the files themselves and never from the catalog, which
 * may not have read them, or when they were whole.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/check-run.h"
#include "src/images.h"
#include "src/log.h"

/* A record, and the set that it counts with. */
struct record {
	char *name;
	char set[SFS_ID_SIZE];
};

/* All that an area holds, by name. */
struct records {
	struct record *items;
	size_t count, capacity;
};

static void records_done(struct records *records)
{
	size_t i;

	for (i = 0; i < records->count; i++)
		free(records->items[i].name);
	free(records->items);
}
#define CLEANUP_RECORDS __attribute__((cleanup(records_done)))

static int note_name(const struct sfs_object *object, void *context)
{
	struct records *records = context;
	struct record *record;
	int r;

	r = sfs_grow(&records->items, &records->capacity, records->count,
		     sizeof(*records->items));
	if (r < 0)
		return r;
	record = &records->items[records->count];
	*record = (struct record){ .name = sfs_strdup(object->name) };
	if (!record->name)
		return -ENOMEM;
	records->count++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int list(struct sfs_check *check, enum sfs_area area,
		struct records *ret)
{
	int r;

	r = sfs_store_list(check->repo->store, area, note_name, ret);
	if (r == 0 && ret->count > 0)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
	return r;
}

static int keep_snapshot(struct sfs_check *check,
			 const struct sfs_snapshot *snapshot)
{
	struct sfs_check_snapshot *kept;
	int r;

	r = sfs_grow(&check->snapshots, &check->snapshot_capacity,
		     check->snapshot_count, sizeof(*check->snapshots));
	if (r < 0)
		return r;
	kept = &check->snapshots[check->snapshot_count++];
	*kept = (struct sfs_check_snapshot){
		.size = snapshot->size,
		.data_bytes = snapshot->data_bytes,
		.height = snapshot->height,
		.root = snapshot->root,
	};
	memcpy(kept->id, snapshot->id, sizeof(kept->id));
	memcpy(kept->volume, snapshot->volume, sizeof(kept->volume));
	check->result.snapshots++;
	return 0;
}

/* ---- one record ---- */

static void report_record(struct sfs_check *check, const char *name, int error,
			  const char *why)
{
	const struct sfs_damage damage = {
		.kind = error == -EOPNOTSUPP ? SFS_DAMAGE_NEWER
					     : SFS_DAMAGE_RECORD,
		.name = name,
		.why = why,
	};

	sfs_check_report(check, &damage);
}

/* What a record of any kind holds. */
struct content {
	struct sfs_snapshot *snapshot;
	struct sfs_image *image;
	char why[SFS_RECORD_WHY_SIZE];
};

static void content_done(struct content *content)
{
	sfs_snapshot_free(content->snapshot);
	sfs_image_free(content->image);
}
#define CLEANUP_CONTENT __attribute__((cleanup(content_done)))

static int decode(struct sfs_check *check, const char *name, const char *file,
		  size_t size, struct content *content, const char **reterr_why)
{
	const struct sfs_config *config = &check->repo->config;
	struct sfs_set set;

	if (sfs_id_valid(name, SFS_ID_SNAPSHOT))
		return sfs_record_decode_snapshot(config, name, file, size,
						  &content->snapshot,
						  content->why, reterr_why);
	if (sfs_id_valid(name, SFS_ID_IMAGE))
		return sfs_record_decode_image(config, name, file, size,
					       &content->image, content->why,
					       reterr_why);
	if (sfs_id_valid(name, SFS_ID_SET))
		return sfs_record_decode_set(config, name, file, size, &set,
					     content->why, reterr_why);
	*reterr_why = "is of a kind that this version does not know: use a "
		      "newer snapfs";
	return -EOPNOTSUPP;
}

/* Returns 0, 1 when it is gone, or an error: with *reterr_why set, which is
 * NULL otherwise, that is the record's. */
static int read_record(struct sfs_check *check, enum sfs_area area,
		       const char *name, struct content *content,
		       const char **reterr_why)
{
	CLEANUP_FREE char *file = NULL;
	size_t size;
	int r;

	*reterr_why = NULL;
	r = sfs_store_get(check->repo->store, area, name, &file, &size);
	if (r == -ENOENT)
		return 1;
	if (sfs_catalog_is_passing(r))
		return r;
	if (r < 0) {
		*reterr_why = r == -EUCLEAN ? "is no file of a record's size"
					    : "cannot be read";
		return r;
	}
	r = decode(check, name, file, size, content, reterr_why);
	if (r == 0 || r == -ENOMEM)
		*reterr_why = NULL;
	return r;
}

/* ---- images ---- */

/* What is wrong with @mapping, whose state is @state. */
static const char *state_text(struct sfs_check *check,
			      const struct sfs_mapping *mapping,
			      enum sfs_mapping_state state)
{
	if (state == SFS_MAPPING_MISSING)
		return "is missing";
	if (sfs_catalog_look(check->repo->catalog, mapping->snapshot) == 0)
		return "is larger than the volume";
	return "has a damaged record";
}

static void report_mapping(struct sfs_check *check,
			   const struct sfs_image *image,
			   const struct sfs_mapping *mapping,
			   enum sfs_mapping_state state)
{
	char why[SFS_IMAGE_NAME_MAX + SFS_DEVICE_NAME_MAX + 128];
	const struct sfs_damage damage = {
		.kind = SFS_DAMAGE_IMAGE,
		.name = image->id,
		.why = why,
	};

	snprintf(why, sizeof(why), "'%s': %s: snapshot %s %s", image->name,
		 mapping->device, mapping->snapshot,
		 state_text(check, mapping, state));
	sfs_check_report(check, &damage);
}

static int check_image(struct sfs_check *check, const struct sfs_image *image)
{
	CLEANUP_FREE enum sfs_mapping_state *states = NULL;
	size_t i;
	int r;

	check->result.images++;
	r = sfs_image_states(check->repo, image, &states);
	if (r < 0)
		return r;
	for (i = 0; i < image->mapping_count; i++)
		if (states[i] != SFS_MAPPING_OK)
			report_mapping(check, image, &image->mappings[i],
				       states[i]);
	return 0;
}

/* ---- sets ---- */

/* Whether the record of the set @id is there, be it since the listing.  What
 * is in it does not matter. */
static int has_set(struct sfs_check *check, const struct records *records,
		   const char *id)
{
	const struct record key = { .name = (char *)(uintptr_t)id };
	CLEANUP_FREE char *file = NULL;
	size_t size;
	int r;

	if (bsearch(&key, records->items, records->count, sizeof(key), by_name))
		return 1;
	r = sfs_store_get(check->repo->store, SFS_AREA_RECORDS, id, &file,
			  &size);
	if (sfs_catalog_is_passing(r))
		return r;
	return r != -ENOENT;
}

/* Whether @record counts, which belongs to the set @id unless that is "". */
static int is_committed(struct sfs_check *check, const struct records *records,
			struct record *record, const char *id)
{
	int r;

	if (!*id)
		return 1;
	memcpy(record->set, id, sizeof(record->set));
	r = has_set(check, records, id);
	if (r == 0)
		sfs_warn("'%s': does not count, since its set's record '%s' is "
			 "missing; unless that is just being made, 'snapfs gc' "
			 "will remove it",
			 record->name, id);
	return r;
}

/* A set's record that is damaged takes nothing away: say from what. */
static void report_set(struct sfs_check *check, const struct records *records,
		       const char *name, int error, const char *why)
{
	char text[SFS_RECORD_WHY_SIZE + SFS_ID_SIZE + 128];
	const char *image = "";
	const struct record *record;
	uint64_t snapshots = 0;
	size_t i;

	for (i = 0; i < records->count; i++) {
		record = &records->items[i];
		if (strcmp(record->set, name) != 0)
			continue;
		if (sfs_id_valid(record->name, SFS_ID_IMAGE))
			image = record->name;
		else
			snapshots++;
	}
	snprintf(text, sizeof(text),
		 "%s; what hangs on this set stays: %" PRIu64 " snapshots%s%s",
		 why, snapshots, *image ? " and image " : "", image);
	report_record(check, name, error, text);
}

/* ---- all of them ---- */

static int keep_content(struct sfs_check *check, const struct records *records,
			struct record *record, const struct content *content)
{
	int r;

	r = is_committed(check, records, record,
			 content->snapshot ? content->snapshot->set
					   : content->image->set);
	if (r <= 0)
		return r;
	return content->snapshot ? keep_snapshot(check, content->snapshot)
				 : check_image(check, content->image);
}

static int load_listed(struct sfs_check *check, const struct records *records,
		       struct record *record)
{
	CLEANUP_CONTENT struct content content = { 0 };
	const char *why;
	int r;

	r = read_record(check, SFS_AREA_RECORDS, record->name, &content, &why);
	if (r > 0)
		return 0; /* deleted since it was listed */
	if (r < 0 && !why)
		return r;
	check->result.records++;
	if (r == 0)
		return keep_content(check, records, record, &content);
	report_record(check, record->name, r, why);
	return 0;
}

/* When all is known that may hang on it. */
static int load_set(struct sfs_check *check, const struct records *records,
		    const char *name)
{
	CLEANUP_CONTENT struct content content = { 0 };
	const char *why;
	int r;

	r = read_record(check, SFS_AREA_RECORDS, name, &content, &why);
	if (r < 0 && !why)
		return r;
	check->result.records += r <= 0;
	if (r < 0)
		report_set(check, records, name, r, why);
	return 0;
}

static int load_all(struct sfs_check *check)
{
	CLEANUP_RECORDS struct records records = { 0 };
	struct record *record;
	size_t i;
	int r;

	r = list(check, SFS_AREA_RECORDS, &records);
	for (i = 0; i < records.count && r == 0; i++) {
		record = &records.items[i];
		if (!sfs_id_valid(record->name, SFS_ID_SET))
			r = load_listed(check, &records, record);
	}
	for (i = 0; i < records.count && r == 0; i++) {
		record = &records.items[i];
		if (sfs_id_valid(record->name, SFS_ID_SET))
			r = load_set(check, &records, record->name);
	}
	return r;
}

/* ---- the bin ---- */

/* What is there stands in nobody's way but gc's, which has to know which
 * chunks a deleted snapshot needs that somebody has open. */
static int check_binned(struct sfs_check *check, const char *name)
{
	CLEANUP_CONTENT struct content content = { 0 };
	char where[SFS_SOURCE_MAX + 8];
	char text[SFS_RECORD_WHY_SIZE + 64];
	const char *why;
	int r;

	if (sfs_id_valid(name, SFS_ID_IMAGE) || sfs_id_valid(name, SFS_ID_SET))
		return 0;
	r = read_record(check, SFS_AREA_BIN, name, &content, &why);
	if (r >= 0 || !why)
		return r < 0 ? r : 0;
	snprintf(where, sizeof(where), "bin/%s", name);
	snprintf(text, sizeof(text), "%s; 'snapfs gc' stops at it", why);
	report_record(check, where, r, text);
	return 0;
}

static int check_bin(struct sfs_check *check)
{
	CLEANUP_RECORDS struct records records = { 0 };
	size_t i;
	int r;

	r = list(check, SFS_AREA_BIN, &records);
	for (i = 0; i < records.count && r == 0; i++)
		r = check_binned(check, records.items[i].name);
	return r;
}

/* ---- those that were asked for ---- */

static int load_asked(struct sfs_check *check, const char *id)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	int r;

	r = sfs_catalog_load(check->repo->catalog, id, &snapshot);
	if (r < 0 && (r == -ENOENT || !sfs_check_is_damage(r)))
		return r;
	check->result.records++;
	if (r == 0)
		return keep_snapshot(check, snapshot);
	report_record(check, id, r, sfs_damage_text(r));
	return 0;
}

int sfs_check_records(struct sfs_check *check)
{
	const struct sfs_check_options *options = check->options;
	size_t i;
	int r = 0;

	if (!options->ids) {
		r = load_all(check);
		return r == 0 ? check_bin(check) : r;
	}
	for (i = 0; i < options->id_count && r == 0; i++)
		r = load_asked(check, options->ids[i]);
	return r;
}
