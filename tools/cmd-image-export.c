/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "src/export.h"
#include "src/log.h"
#include "tools/cmd.h"
#include "tools/message.h"
#include "tools/output.h"
#include "tools/show-progress.h"

static int print_json(const struct sfs_image *image,
		      const struct sfs_image *base, const char *dest,
		      const struct sfs_export_result *result)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "ImageId", image->id);
	sfs_jsonw_string(w, "Name", image->name);
	if (base)
		sfs_jsonw_string(w, "BaseImageId", base->id);
	else
		sfs_jsonw_null(w, "BaseImageId");
	sfs_jsonw_string(w, "Destination", dest);
	sfs_jsonw_uint(w, "FileSizeInBytes", result->file_bytes);
	sfs_jsonw_uint(w, "DataInBytes", result->data_bytes);
	sfs_jsonw_uint(w, "BaseInBytes", result->base_bytes);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

static void tell(const struct sfs_image *image, const char *dest,
		 const struct sfs_export_result *result)
{
	char file[SFS_OUTPUT_SIZE], data[SFS_OUTPUT_SIZE];
	char base[SFS_OUTPUT_SIZE];

	sfs_output_size(result->file_bytes, file);
	sfs_output_size(result->data_bytes, data);
	sfs_output_size(result->base_bytes, base);
	sfs_info("'%s': image '%s' in %s, for %s of data%s%s%s", dest,
		 image->name, file, data,
		 result->base_bytes > 0 ? ", of which " : "",
		 result->base_bytes > 0 ? base : "",
		 result->base_bytes > 0 ? " are the base's" : "");
}

static int export(const struct sfs_cmd *cmd, struct sfs_repo *repo,
		  struct sfs_export_options *options)
{
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	struct sfs_export_result result;
	const char *dest = cmd->args.words[1];
	struct sfs_progress progress;
	int r;

	r = sfs_catalog_select_image(repo->catalog, cmd->args.words[0], &image);
	if (r < 0)
		return r;
	sfs_show_progress_start(&progress, "export");
	options->progress = &progress;
	r = sfs_image_export(repo, image, dest, options, &result);
	sfs_show_progress_end();
	if (r < 0)
		return r;
	if (cmd->json)
		return print_json(image, options->base, dest, &result);
	tell(image, dest, &result);
	return 0;
}

static int run(struct sfs_cmd *cmd)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	CLEANUP_IMAGE struct sfs_image *base = NULL;
	const char *name = sfs_args_get(&cmd->args, "base");
	struct sfs_export_options options = {
		.force = sfs_args_has(&cmd->args, "force"),
	};
	int r;

	if (strcmp(cmd->args.words[1], "-") == 0)
		return sfs_message_usage(cmd->args.context,
					 "FILE '-': an image file is not "
					 "written from its start to its end; "
					 "name a file");
	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	if (name) {
		r = sfs_catalog_select_image(repo->catalog, name, &base);
		if (r < 0)
			return r;
	}
	options.base = base;
	return export(cmd, repo, &options);
}

static const struct sfs_opt options[] = {
	{ .name = "base",
	  .argument = "IMAGE",
	  .complete = SFS_COMPLETE_IMAGE,
	  .help = "leave out what this image has as well; whoever imports the "
		  "file must have imported that one" },
	{ .name = "force", .help = "replace FILE if it exists" },
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_image_export = {
	.noun = "image",
	.name = "export",
	.words = "NAME FILE",
	.summary = "Write an image with all its disks to one file.",
	.text = "The file holds the mapping, the attributes, and the disks, "
		"compressed and with checks of every byte; 'snapfs image "
		"import' takes it into another repository. Owners and launch "
		"permissions are not in it. It appears whole or not at all.",
	.options = options,
	.min_words = 2,
	.max_words = 2,
	.complete = SFS_COMPLETE_IMAGE,
	.more = SFS_COMPLETE_FILE,
	.run = run,
};
