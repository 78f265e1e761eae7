/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The records of images, both ways. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format/name.h"
#include "src/image.h"
#include "src/record-read.h"
#include "src/record-write.h"
#include "src/record.h"

#define VIRTUAL_NAME_SIZE 24

static void virtual_name(unsigned number, char ret[VIRTUAL_NAME_SIZE])
{
	snprintf(ret, VIRTUAL_NAME_SIZE, "ephemeral%u", number);
}

/* ---- reading ---- */

static void read_device(struct sfs_reader *in, const char *key,
			char ret[SFS_DEVICE_NAME_MAX + 1])
{
	const char *name = sfs_reader_string(in, key), *why;

	if (sfs_name_device_ok(name, &why))
		strcpy(ret, name);
	else
		sfs_reader_refuse(in, -EUCLEAN, key, why);
}

static void read_ebs(struct sfs_reader *in, struct sfs_mapping *mapping)
{
	static const char *const known[] = { "SnapshotId", "VolumeSizeInBytes",
					     "DeleteOnTermination" };
	struct sfs_reader inner;

	inner = sfs_reader_enter(in, "Ebs", sfs_reader_get(in, "Ebs"));
	mapping->kind = sfs_reader_has(&inner, "SnapshotId")
				? SFS_MAPPING_SNAPSHOT
				: SFS_MAPPING_EMPTY;
	sfs_reader_optional_id(&inner, "SnapshotId", SFS_ID_SNAPSHOT,
			       mapping->snapshot);
	mapping->size = sfs_reader_uint(&inner, "VolumeSizeInBytes",
					SFS_VOLUME_SIZE_MAX);
	mapping->delete_on_termination =
		sfs_reader_bool(&inner, "DeleteOnTermination");
	sfs_reader_known(&inner, known, SFS_ARRAY_SIZE(known));
	sfs_reader_leave(in, &inner);
}

static void read_ephemeral(struct sfs_reader *in, struct sfs_mapping *mapping)
{
	const char *s = sfs_reader_string(in, "VirtualName");
	char name[VIRTUAL_NAME_SIZE];
	unsigned i;

	mapping->kind = SFS_MAPPING_EPHEMERAL;
	for (i = 0; i <= SFS_EPHEMERAL_MAX; i++) {
		virtual_name(i, name);
		if (strcmp(s, name) == 0) {
			mapping->ephemeral = i;
			return;
		}
	}
	sfs_reader_refuse(in, -EUCLEAN, "VirtualName",
			  "is not one of ephemeral0 to ephemeral23");
}

static void read_mapping(struct sfs_reader *in, struct sfs_mapping *mapping)
{
	static const char *const known[] = { "Ebs", "VirtualName", "NoDevice",
					     "DeviceName" };
	size_t i, count = 0;

	read_device(in, "DeviceName", mapping->device);
	for (i = 0; i < SFS_ARRAY_SIZE(known) - 1; i++)
		count += sfs_reader_has(in, known[i]);
	if (count != 1)
		sfs_reader_refuse(
			in, -EUCLEAN, "Ebs",
			"is not alone among Ebs, VirtualName, NoDevice");
	if (sfs_reader_has(in, "Ebs")) {
		read_ebs(in, mapping);
	} else if (sfs_reader_has(in, "VirtualName")) {
		read_ephemeral(in, mapping);
	} else {
		mapping->kind = SFS_MAPPING_NONE;
		sfs_reader_want(in, "NoDevice", "");
	}
	sfs_reader_known(in, known, SFS_ARRAY_SIZE(known));
}

static void read_mappings(struct sfs_reader *in, struct sfs_image *image)
{
	static const char key[] = "BlockDeviceMappings";
	const struct sfs_json_node *list, *node;
	struct sfs_reader inner;
	size_t count;

	list = sfs_reader_array(in, key, &count);
	if (!list)
		return;
	if (count == 0)
		return sfs_reader_refuse(in, -EUCLEAN, key, "is empty");
	if (count > SFS_MAPPINGS_MAX)
		return sfs_reader_refuse(in, -EUCLEAN, key, "has too many");
	image->mappings = sfs_calloc(count, sizeof(*image->mappings));
	if (!image->mappings)
		return sfs_reader_refuse(in, -ENOMEM, key, "found no memory");
	for (node = sfs_json_first(list); node; node = sfs_json_next(node)) {
		inner = sfs_reader_enter(in, key, node);
		read_mapping(&inner, &image->mappings[image->mapping_count++]);
		sfs_reader_leave(in, &inner);
	}
}

static void read_name(struct sfs_reader *in, struct sfs_image *image)
{
	const char *name = sfs_reader_string(in, "Name"), *why;

	if (sfs_name_image_ok(name, &why))
		strcpy(image->name, name);
	else
		sfs_reader_refuse(in, -EUCLEAN, "Name", why);
}

/* An optional word out of those that @ok knows. */
static void read_word(struct sfs_reader *in, const char *key,
		      bool (*ok)(const char *s), char ret[SFS_WORD_MAX + 1])
{
	const char *word;

	if (!sfs_reader_has(in, key))
		return;
	word = sfs_reader_string(in, key);
	if (ok(word))
		strcpy(ret, word);
	else
		sfs_reader_refuse(in, -EUCLEAN, key, "is not known");
}

static void read_platform(struct sfs_reader *in, struct sfs_image *image)
{
	static const char key[] = "PlatformDetails";

	if (!sfs_reader_has(in, key)) {
		image->platform = sfs_strdup("");
		if (!image->platform)
			sfs_reader_refuse(in, -ENOMEM, key, "found no memory");
		return;
	}
	image->platform = sfs_reader_text(in, key, SFS_DESCRIPTION_MAX);
	if (image->platform && !*image->platform)
		sfs_reader_refuse(in, -EUCLEAN, key, "is empty");
}

static void read_attributes(struct sfs_reader *in, struct sfs_image *image)
{
	read_word(in, "Architecture", sfs_image_architecture_ok,
		  image->architecture);
	read_word(in, "BootMode", sfs_image_boot_mode_ok, image->boot_mode);
	read_platform(in, image);
	if (sfs_reader_has(in, "DeprecationTime")) {
		image->deprecated_ns = sfs_reader_time(in, "DeprecationTime");
		if (image->deprecated_ns == 0)
			sfs_reader_refuse(in, -EUCLEAN, "DeprecationTime",
					  "is the first moment of 1970");
	}
	image->is_protected = sfs_reader_either(in, "DeregistrationProtection",
						"enabled", "disabled");
	sfs_reader_grants(in, "LaunchPermissions", &image->grants);
}

static void read_image(struct sfs_reader *in, struct sfs_image *image)
{
	static const char *const known[] = {
		SFS_READER_COMMON,
		"ImageId",
		"Name",
		"State",
		"CreationDate",
		"OwnerId",
		"SetId",
		"SourceImageId",
		"Description",
		"Tags",
		"Architecture",
		"BootMode",
		"PlatformDetails",
		"RootDeviceName",
		"DeprecationTime",
		"DeregistrationProtection",
		"LaunchPermissions",
		"BlockDeviceMappings",
	};

	read_name(in, image);
	image->disabled =
		sfs_reader_either(in, "State", "disabled", "available");
	image->time_ns = sfs_reader_time(in, "CreationDate");
	image->owner = sfs_reader_owner(in);
	sfs_reader_optional_id(in, "SetId", SFS_ID_SET, image->set);
	sfs_reader_optional_id(in, "SourceImageId", SFS_ID_IMAGE,
			       image->origin);
	image->description =
		sfs_reader_text(in, "Description", SFS_DESCRIPTION_MAX);
	sfs_reader_tags(in, &image->tags);
	read_attributes(in, image);
	read_device(in, "RootDeviceName", image->root);
	read_mappings(in, image);
	sfs_reader_known(in, known, SFS_ARRAY_SIZE(known));
	image->newer = in->newer;
}

/* What the members are to each other.  Each alone was judged before, so that
 * whatever is named here is fit to print. */
static void judge_image(struct sfs_reader *in, const struct sfs_image *image)
{
	const char *what, *why;

	if (!in->error && sfs_image_check(image, &what, &why) < 0)
		sfs_reader_refuse(in, -EUCLEAN, what, why);
}

int sfs_record_decode_image(const struct sfs_config *config, const char *name,
			    const char *file, size_t size,
			    struct sfs_image **ret, char *why,
			    const char **reterr_why)
{
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	CLEANUP_JSON struct sfs_json *json = NULL;
	uint8_t uuid[SFS_UUID_LEN];
	struct sfs_reader in;
	int r;

	r = sfs_reader_open(file, size, why, &json, &in, reterr_why);
	if (r < 0)
		return r;
	*reterr_why = why;
	image = sfs_calloc(1, sizeof(*image));
	if (!image) {
		*reterr_why = "out of memory";
		return -ENOMEM;
	}
	sfs_reader_common(&in, "image", config->uuid, uuid);
	sfs_reader_own_id(&in, "ImageId", SFS_ID_IMAGE, name, image->id);
	read_image(&in, image);
	judge_image(&in, image);
	if (in.error)
		return in.error;
	*ret = TAKE_PTR(image);
	return 0;
}

/* ---- writing ---- */

static void put_optional(struct sfs_jsonw *w, const char *key, const char *s)
{
	if (s && *s)
		sfs_jsonw_string(w, key, s);
}

static void put_mapping(struct sfs_jsonw *w, const struct sfs_mapping *mapping)
{
	char name[VIRTUAL_NAME_SIZE];

	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "DeviceName", mapping->device);
	if (sfs_mapping_is_volume(mapping)) {
		sfs_jsonw_object(w, "Ebs");
		if (mapping->kind == SFS_MAPPING_SNAPSHOT)
			sfs_jsonw_string(w, "SnapshotId", mapping->snapshot);
		sfs_jsonw_uint(w, "VolumeSizeInBytes", mapping->size);
		sfs_jsonw_bool(w, "DeleteOnTermination",
			       mapping->delete_on_termination);
		sfs_jsonw_end(w);
	} else if (mapping->kind == SFS_MAPPING_EPHEMERAL) {
		virtual_name(mapping->ephemeral, name);
		sfs_jsonw_string(w, "VirtualName", name);
	} else {
		sfs_jsonw_string(w, "NoDevice", "");
	}
	sfs_jsonw_end(w);
}

static void put_attributes(struct sfs_jsonw *w, const struct sfs_image *image)
{
	put_optional(w, "Architecture", image->architecture);
	put_optional(w, "BootMode", image->boot_mode);
	put_optional(w, "PlatformDetails", image->platform);
	sfs_jsonw_string(w, "RootDeviceName", image->root);
	if (image->deprecated_ns != 0)
		sfs_record_put_time(w, "DeprecationTime", image->deprecated_ns);
	sfs_jsonw_string(w, "DeregistrationProtection",
			 image->is_protected ? "enabled" : "disabled");
	sfs_record_put_grants(w, "LaunchPermissions", &image->grants);
}

static void put_image(struct sfs_jsonw *w, const struct sfs_image *image)
{
	size_t i;

	sfs_jsonw_string(w, "ImageId", image->id);
	sfs_jsonw_string(w, "Name", image->name);
	sfs_jsonw_string(w, "State",
			 image->disabled ? "disabled" : "available");
	sfs_record_put_time(w, "CreationDate", image->time_ns);
	sfs_record_put_owner(w, image->owner);
	put_optional(w, "SetId", image->set);
	put_optional(w, "SourceImageId", image->origin);
	sfs_jsonw_string(w, "Description",
			 image->description ? image->description : "");
	sfs_record_put_tags(w, &image->tags);
	put_attributes(w, image);
	sfs_jsonw_array(w, "BlockDeviceMappings");
	for (i = 0; i < image->mapping_count; i++)
		put_mapping(w, &image->mappings[i]);
	sfs_jsonw_end(w);
}

int sfs_record_encode_image(const struct sfs_config *config,
			    const struct sfs_image *image, char **ret,
			    size_t *ret_size)
{
	CLEANUP_IMAGE struct sfs_image *back = NULL;
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	CLEANUP_FREE char *file = NULL;
	char buffer[SFS_RECORD_WHY_SIZE];
	const char *why;
	int r;

	r = sfs_record_begin(config, "image", &w);
	if (r < 0)
		return r;
	put_image(w, image);
	r = sfs_record_finish(w, &file, ret_size);
	if (r < 0)
		return r;
	r = sfs_record_decode_image(config, image->id, file, *ret_size, &back,
				    buffer, &why);
	r = sfs_record_judge(r, image->id, why);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(file);
	return 0;
}
