/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "src/import.h"
#include "src/log.h"
#include "tools/cmd.h"
#include "tools/image-output.h"
#include "tools/show-progress.h"

static int run(struct sfs_cmd *cmd)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	CLEANUP_IMAGE struct sfs_image *base = NULL;
	const char *base_name = sfs_args_get(&cmd->args, "base");
	struct sfs_import_options options = {
		.name = sfs_args_get(&cmd->args, "name"),
	};
	struct sfs_progress progress;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	if (base_name) {
		r = sfs_catalog_select_image(repo->catalog, base_name, &base);
		if (r < 0)
			return r;
	}
	options.base = base;
	sfs_show_progress_start(&progress, "import");
	options.progress = &progress;
	r = sfs_image_import(repo, cmd->args.words[0], &options, &image);
	sfs_show_progress_end();
	if (r == -EINTR)
		sfs_info("interrupted: nothing was imported; what is stored is "
			 "used by the next attempt, or given back by gc");
	if (r < 0)
		return r;
	if (cmd->json)
		return sfs_image_output_json(repo, image);
	puts(image->id);
	return 0;
}

static const struct sfs_opt options[] = {
	{ .name = "base",
	  .argument = "IMAGE",
	  .complete = SFS_COMPLETE_IMAGE,
	  .help = "the image that is here what the file was exported with as "
		  "--base" },
	{ .name = "name",
	  .argument = "NAME",
	  .help = "call it so, instead of what it was called" },
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_image_import = {
	.noun = "image",
	.name = "import",
	.words = "FILE",
	.summary = "Take in an image from the file that 'image export' made.",
	.text = "All or nothing. Image, snapshots and volumes are new ones and "
		"yours: shared with nobody, neither disabled nor protected; "
		"SourceImageId says which image it was. Times, descriptions "
		"and tags are kept. Prints the image's id.\n"
		"Disks become new volumes, so that no file can add to one that "
		"is there; which, is told.\n"
		"A file that was exported with --base holds only what differs "
		"from that image: say with --base which image that is here. "
		"The rest is read from it, and disks go on in its volumes "
		"where nothing but imports of theirs is in these.",
	.options = options,
	.min_words = 1,
	.max_words = 1,
	.complete = SFS_COMPLETE_FILE,
	.run = run,
};
