/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/name.h"

void sfs_image_done(struct sfs_image *image)
{
	sfs_grants_done(&image->grants);
	sfs_tags_done(&image->tags);
	free(image->platform);
	free(image->description);
	free(image->mappings);
	image->platform = NULL;
	image->description = NULL;
	image->mappings = NULL;
	image->mapping_count = 0;
}

void sfs_image_free(struct sfs_image *image)
{
	if (!image)
		return;
	sfs_image_done(image);
	free(image);
}

static int copy_mappings(const struct sfs_image *from, struct sfs_image *to)
{
	to->mappings = sfs_calloc(from->mapping_count, sizeof(*to->mappings));
	if (!to->mappings)
		return -ENOMEM;
	if (from->mapping_count > 0)
		memcpy(to->mappings, from->mappings,
		       from->mapping_count * sizeof(*to->mappings));
	to->mapping_count = from->mapping_count;
	return 0;
}

int sfs_image_copy(const struct sfs_image *from, struct sfs_image **ret)
{
	CLEANUP_IMAGE struct sfs_image *copy = NULL;
	int r;

	copy = sfs_malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *from;
	copy->grants = (struct sfs_grants){ 0 };
	copy->tags = (struct sfs_tags){ 0 };
	copy->mappings = NULL;
	copy->mapping_count = 0;
	copy->platform = sfs_strdup(from->platform ? from->platform : "");
	copy->description =
		sfs_strdup(from->description ? from->description : "");
	if (!copy->platform || !copy->description)
		return -ENOMEM;
	r = sfs_grants_copy(&copy->grants, &from->grants);
	if (r < 0)
		return r;
	r = sfs_tags_copy(&copy->tags, &from->tags);
	if (r < 0)
		return r;
	r = copy_mappings(from, copy);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(copy);
	return 0;
}

const struct sfs_mapping *sfs_image_mapping(const struct sfs_image *image,
					    const char *device)
{
	size_t i;

	for (i = 0; i < image->mapping_count; i++)
		if (strcmp(image->mappings[i].device, device) == 0)
			return &image->mappings[i];
	return NULL;
}

const struct sfs_mapping *sfs_image_root(const struct sfs_image *image)
{
	return sfs_image_mapping(image, image->root);
}

bool sfs_image_uses(const struct sfs_image *image, const char *id)
{
	const struct sfs_mapping *mapping;
	size_t i;

	for (i = 0; i < image->mapping_count; i++) {
		mapping = &image->mappings[i];
		if (mapping->kind == SFS_MAPPING_SNAPSHOT &&
		    strcmp(mapping->snapshot, id) == 0)
			return true;
	}
	return false;
}

bool sfs_image_deprecated(const struct sfs_image *image, int64_t now_ns)
{
	return image->deprecated_ns != 0 && now_ns >= image->deprecated_ns;
}

static bool is_one_of(const char *s, const char *const *words, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	return false;
}

bool sfs_image_architecture_ok(const char *s)
{
	static const char *const known[] = { "i386", "x86_64", "arm64",
					     "riscv64" };

	return is_one_of(s, known, SFS_ARRAY_SIZE(known));
}

bool sfs_image_boot_mode_ok(const char *s)
{
	static const char *const known[] = { "legacy-bios", "uefi",
					     "uefi-preferred" };

	return is_one_of(s, known, SFS_ARRAY_SIZE(known));
}

/* What sfs_image_check() finds first. */
struct fault {
	const char *what, *why;
};

static int fail(struct fault *fault, const char *what, const char *why)
{
	fault->what = what;
	fault->why = why;
	return -EINVAL;
}

static int check_texts(const struct sfs_image *image, struct fault *fault)
{
	const char *platform = image->platform ? image->platform : "";
	const char *description = image->description ? image->description : "";

	if (!sfs_name_image_ok(image->name, &fault->why))
		return fail(fault, image->name, fault->why);
	if (*image->set && !sfs_id_valid(image->set, SFS_ID_SET))
		return fail(fault, image->set, "is not a set's id");
	if (*image->origin && !sfs_id_valid(image->origin, SFS_ID_IMAGE))
		return fail(fault, image->origin, "is not an image's id");
	if (*image->architecture &&
	    !sfs_image_architecture_ok(image->architecture))
		return fail(fault, image->architecture,
			    "is not an architecture: i386, x86_64, arm64, "
			    "riscv64");
	if (*image->boot_mode && !sfs_image_boot_mode_ok(image->boot_mode))
		return fail(fault, image->boot_mode,
			    "is not a boot mode: legacy-bios, uefi, "
			    "uefi-preferred");
	if (!sfs_name_text_ok(platform, SFS_DESCRIPTION_MAX, &fault->why))
		return fail(fault, platform, fault->why);
	if (!sfs_name_text_ok(description, SFS_DESCRIPTION_MAX, &fault->why))
		return fail(fault, description, fault->why);
	return 0;
}

static int check_mapping(const struct sfs_mapping *mapping, struct fault *fault)
{
	if (!sfs_name_device_ok(mapping->device, &fault->why))
		return fail(fault, mapping->device, fault->why);
	if (mapping->kind == SFS_MAPPING_SNAPSHOT &&
	    !sfs_id_valid(mapping->snapshot, SFS_ID_SNAPSHOT))
		return fail(fault, mapping->device,
			    "names what is not a snapshot's id");
	if (mapping->kind == SFS_MAPPING_EPHEMERAL &&
	    mapping->ephemeral > SFS_EPHEMERAL_MAX)
		return fail(fault, mapping->device,
			    "is beyond ephemeral23, the last one");
	if (!sfs_mapping_is_volume(mapping))
		return 0;
	if (mapping->size == 0)
		return fail(fault, mapping->device, "has a size of zero");
	if (mapping->size > SFS_VOLUME_SIZE_MAX)
		return fail(fault, mapping->device,
			    "is larger than 2^60 bytes");
	return 0;
}

static bool same_ephemeral(const struct sfs_mapping *a,
			   const struct sfs_mapping *b)
{
	return a->kind == SFS_MAPPING_EPHEMERAL && b->kind == a->kind &&
	       a->ephemeral == b->ephemeral;
}

/* Mapping @number against those before it.  Their file names are judged of all
 * kinds alike: a device that has no file today may get one. */
static int check_unique(const struct sfs_image *image, size_t number,
			struct fault *fault)
{
	const char *device = image->mappings[number].device;
	char file[SFS_DEVICE_FILE_SIZE], other[SFS_DEVICE_FILE_SIZE];
	size_t i;

	sfs_name_device_file(device, file);
	for (i = 0; i < number; i++) {
		if (strcmp(image->mappings[i].device, device) == 0)
			return fail(fault, device, "is mapped twice");
		sfs_name_device_file(image->mappings[i].device, other);
		if (strcmp(other, file) == 0)
			return fail(fault, device,
				    "has the file name of another device");
		if (same_ephemeral(&image->mappings[i],
				   &image->mappings[number]))
			return fail(fault, device,
				    "is an ephemeral device that is mapped "
				    "already");
	}
	return 0;
}

static int check_mappings(const struct sfs_image *image, struct fault *fault)
{
	size_t i;
	int r;

	if (image->mapping_count == 0)
		return fail(fault, image->name, "maps no device");
	if (image->mapping_count > SFS_MAPPINGS_MAX)
		return fail(fault, image->name, "maps more than 128 devices");
	for (i = 0; i < image->mapping_count; i++) {
		r = check_mapping(&image->mappings[i], fault);
		if (r < 0)
			return r;
		r = check_unique(image, i, fault);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_root(const struct sfs_image *image, struct fault *fault)
{
	const struct sfs_mapping *root = sfs_image_root(image);

	if (!*image->root)
		return fail(fault, image->name, "has no root device");
	if (!root)
		return fail(fault, image->root,
			    "is the root device, but is not mapped");
	if (root->kind != SFS_MAPPING_SNAPSHOT)
		return fail(fault, image->root,
			    "is the root device, but not from a snapshot");
	return 0;
}

int sfs_image_check(const struct sfs_image *image, const char **reterr_what,
		    const char **reterr_why)
{
	struct fault fault;
	int r;

	r = check_texts(image, &fault);
	if (r == 0)
		r = check_mappings(image, &fault);
	if (r == 0)
		r = check_root(image, &fault);
	if (r < 0) {
		*reterr_what = fault.what;
		*reterr_why = fault.why;
	}
	return r;
}
