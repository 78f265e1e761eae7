/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "src/images.h"
#include "src/log.h"
#include "tools/cmd.h"
#include "tools/image-args.h"
#include "tools/image-output.h"
#include "tools/message.h"

/* Fill in what @mapping is made from. */
static int resolve_mapping(struct sfs_repo *repo, const char *selector,
			   struct sfs_mapping *mapping)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	int r;

	r = sfs_catalog_select(repo->catalog, selector, &snapshot);
	if (r < 0)
		return r;
	strcpy(mapping->snapshot, snapshot->id);
	if (mapping->size == 0)
		mapping->size = snapshot->size;
	if (mapping->size >= snapshot->size)
		return 0;
	sfs_err("device '%s': size=%" PRIu64 " is smaller than snapshot %s of "
		"%" PRIu64 " bytes; give at least that or leave size= out",
		mapping->device, mapping->size, snapshot->id, snapshot->size);
	return -EINVAL;
}

static int resolve(struct sfs_repo *repo, const struct sfs_image_args *args)
{
	struct sfs_image *image = args->image;
	size_t i;
	int r;

	for (i = 0; i < image->mapping_count; i++) {
		if (image->mappings[i].kind != SFS_MAPPING_SNAPSHOT)
			continue;
		r = resolve_mapping(repo, args->disks[i].from,
				    &image->mappings[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int register_image(const struct sfs_cmd *cmd,
			  const struct sfs_image_args *args)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	struct sfs_image *image = args->image;
	const char *what, *why;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = resolve(repo, args);
	if (r < 0)
		return r;
	/* Before the disk is looked at, which takes longer. */
	if (sfs_image_check(image, &what, &why) < 0)
		return sfs_message_usage(cmd->args.context,
					 "image '%s': '%s' %s", image->name,
					 what, why);
	r = sfs_image_probe(repo, image);
	if (r < 0)
		return r;
	r = sfs_image_register(repo, image);
	if (r < 0)
		return r;
	if (cmd->json)
		return sfs_image_output_json(repo, image);
	puts(image->id);
	return 0;
}

static int run(struct sfs_cmd *cmd)
{
	CLEANUP_IMAGE_ARGS struct sfs_image_args args = { .image = NULL };
	int r;

	r = sfs_image_args_parse(cmd, false, &args);
	if (r < 0)
		return r;
	return register_image(cmd, &args);
}

static const struct sfs_opt options[] = {
	SFS_LABEL_OPTIONS,
	SFS_IMAGE_OPTIONS,
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_image_register = {
	.noun = "image",
	.name = "register",
	.words = "NAME DEVICE=SNAP...",
	.summary = "Make an image of snapshots that there are.",
	.text = "Behind SNAP may stand ,size=N, not less than the snapshot's "
		"(the rest reads as zeros), and "
		",delete-on-termination=yes|no. A device can also be "
		"empty,size=N, a volume of zeros; ephemeralN, which is there "
		"while the machine runs; or none. Several images may share a "
		"snapshot. Prints the image's id.\n"
		"Architecture, boot mode and platform are read off the root "
		"disk where no option gives them.",
	.options = options,
	.min_words = 2,
	.max_words = SFS_WORDS_ANY,
	.more = SFS_COMPLETE_MAPPING,
	.run = run,
};
