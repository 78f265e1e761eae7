/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/image-json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/name.h"
#include "src/record-write.h"

static const char *const state_names[] = {
	[SFS_MAPPING_OK] = "completed",
	[SFS_MAPPING_MISSING] = "missing",
	[SFS_MAPPING_DAMAGED] = "damaged",
};

/* @s, or null where nothing is known. */
static void put_known(struct sfs_jsonw *w, const char *key, const char *s)
{
	if (s && *s)
		sfs_jsonw_string(w, key, s);
	else
		sfs_jsonw_null(w, key);
}

static void put_time(struct sfs_jsonw *w, const char *key, int64_t time_ns)
{
	if (time_ns != 0)
		sfs_record_put_time(w, key, time_ns);
	else
		sfs_jsonw_null(w, key);
}

void sfs_tags_json(struct sfs_jsonw *w, const char *key,
		   const struct sfs_tags *tags)
{
	size_t i;

	sfs_jsonw_array(w, key);
	for (i = 0; i < tags->count; i++) {
		sfs_jsonw_object(w, NULL);
		sfs_jsonw_string(w, "Key", tags->tags[i].key);
		sfs_jsonw_string(w, "Value", tags->tags[i].value);
		sfs_jsonw_end(w);
	}
	sfs_jsonw_end(w);
}

/* ---- mappings ---- */

static void put_volume(struct sfs_jsonw *w, const struct sfs_mapping *mapping)
{
	char file[SFS_DEVICE_FILE_SIZE + 4];

	sfs_jsonw_object(w, "Ebs");
	if (mapping->kind == SFS_MAPPING_SNAPSHOT)
		sfs_jsonw_string(w, "SnapshotId", mapping->snapshot);
	sfs_jsonw_uint(w, "VolumeSizeInBytes", mapping->size);
	sfs_jsonw_bool(w, "DeleteOnTermination",
		       mapping->delete_on_termination);
	sfs_jsonw_end(w);
	sfs_name_device_file(mapping->device, file);
	strcat(file, ".img");
	sfs_jsonw_string(w, "FileName", file);
}

static void put_mapping(struct sfs_jsonw *w, const struct sfs_mapping *mapping,
			const enum sfs_mapping_state *state)
{
	char virtual[32];

	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "DeviceName", mapping->device);
	if (sfs_mapping_is_volume(mapping)) {
		put_volume(w, mapping);
	} else if (mapping->kind == SFS_MAPPING_EPHEMERAL) {
		snprintf(virtual, sizeof(virtual), "ephemeral%u",
			 mapping->ephemeral);
		sfs_jsonw_string(w, "VirtualName", virtual);
	} else {
		sfs_jsonw_string(w, "NoDevice", "");
	}
	if (state && mapping->kind == SFS_MAPPING_SNAPSHOT)
		sfs_jsonw_string(w, "SnapshotState", state_names[*state]);
	sfs_jsonw_end(w);
}

/* ---- images ---- */

static void put_attributes(struct sfs_jsonw *w, const struct sfs_image *image)
{
	sfs_jsonw_string(w, "Description",
			 image->description ? image->description : "");
	put_known(w, "Architecture", image->architecture);
	put_known(w, "BootMode", image->boot_mode);
	put_known(w, "PlatformDetails", image->platform);
	sfs_jsonw_string(w, "RootDeviceName", image->root);
	put_time(w, "DeprecationTime", image->deprecated_ns);
	sfs_jsonw_bool(w, "Deprecated",
		       sfs_image_deprecated(image, sfs_now_ns()));
	sfs_jsonw_string(w, "DeregistrationProtection",
			 image->is_protected ? "enabled" : "disabled");
	sfs_record_put_grants(w, "LaunchPermissions", &image->grants);
}

void sfs_image_json(struct sfs_jsonw *w, const char *key,
		    const struct sfs_image *image,
		    const enum sfs_mapping_state *states)
{
	size_t i;

	sfs_jsonw_object(w, key);
	sfs_jsonw_string(w, "ImageId", image->id);
	sfs_jsonw_string(w, "Name", image->name);
	sfs_jsonw_string(w, "State",
			 image->disabled ? "disabled" : "available");
	sfs_record_put_time(w, "CreationDate", image->time_ns);
	if (image->owner == SFS_OWNER_NONE)
		sfs_jsonw_null(w, "OwnerId");
	else
		sfs_record_put_owner(w, image->owner);
	put_known(w, "SetId", image->set);
	put_known(w, "SourceImageId", image->origin);
	put_attributes(w, image);
	sfs_jsonw_array(w, "BlockDeviceMappings");
	for (i = 0; i < image->mapping_count; i++)
		put_mapping(w, &image->mappings[i], states ? &states[i] : NULL);
	sfs_jsonw_end(w);
	sfs_tags_json(w, "Tags", &image->tags);
	sfs_jsonw_end(w);
}

int sfs_image_document(struct sfs_repo *repo, const struct sfs_image *image,
		       char **ret, size_t *ret_size)
{
	CLEANUP_FREE enum sfs_mapping_state *states = NULL;
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	r = sfs_image_states(repo, image, &states);
	if (r < 0)
		return r;
	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_image_json(w, NULL, image, states);
	return sfs_jsonw_finish(w, true, ret, ret_size);
}
