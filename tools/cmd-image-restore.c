/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "src/image-restore.h"
#include "src/log.h"
#include "src/machine.h"
#include "tools/cmd.h"
#include "tools/message.h"
#include "tools/output.h"
#include "tools/show-progress.h"

static void json_volume(struct sfs_jsonw *w, const struct sfs_mapping *mapping,
			bool skipped)
{
	char file[SFS_MACHINE_DISK_SIZE];

	sfs_machine_disk(mapping, file);
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "DeviceName", mapping->device);
	if (mapping->kind == SFS_MAPPING_SNAPSHOT)
		sfs_jsonw_string(w, "SnapshotId", mapping->snapshot);
	sfs_jsonw_uint(w, "VolumeSizeInBytes", mapping->size);
	if (!skipped)
		sfs_jsonw_string(w, "File", file);
	sfs_jsonw_bool(w, "Restored", !skipped);
	sfs_jsonw_end(w);
}

static int print_json(const struct sfs_image *image, const char *dir,
		      const struct sfs_image_restored *restored)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	size_t i;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "ImageId", image->id);
	sfs_jsonw_string(w, "Name", image->name);
	sfs_jsonw_string(w, "Destination", dir);
	sfs_jsonw_array(w, "Volumes");
	for (i = 0; i < image->mapping_count; i++)
		if (sfs_mapping_is_volume(&image->mappings[i]))
			json_volume(w, &image->mappings[i],
				    restored->skipped[i]);
	sfs_jsonw_end(w);
	sfs_jsonw_uint(w, "WrittenInBytes", restored->written_bytes);
	sfs_jsonw_bool(w, "Verified", true);
	sfs_jsonw_bool(w, "Startable", restored->startable);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

static void tell(const struct sfs_image *image, const char *dir,
		 const struct sfs_image_restored *restored)
{
	char written[SFS_OUTPUT_SIZE];
	const char *slash = dir[strlen(dir) - 1] == '/' ? "" : "/";

	sfs_output_size(restored->written_bytes, written);
	sfs_info("'%s': restored '%s', %s written, verified", dir, image->name,
		 written);
	if (restored->startable)
		sfs_info("'%s%sstart' starts it with qemu; for libvirt: virsh "
			 "define '%s%sdomain.xml'",
			 dir, slash, dir, slash);
}

static int restore(const struct sfs_cmd *cmd,
		   struct sfs_image_restore_options *options)
{
	CLEANUP_IMAGE_RESTORED struct sfs_image_restored restored = {
		.skipped = NULL
	};
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	const char *dir = cmd->args.words[1];
	struct sfs_progress progress;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = sfs_catalog_select_image(repo->catalog, cmd->args.words[0], &image);
	if (r < 0)
		return r;
	sfs_show_progress_start(&progress, "restore");
	options->progress = &progress;
	r = sfs_image_restore(repo, image, dir, options, &restored);
	sfs_show_progress_end();
	if (r < 0)
		return r;
	if (cmd->json)
		r = print_json(image, dir, &restored);
	else
		tell(image, dir, &restored);
	if (r < 0)
		return r;
	return restored.skipped_count > 0 ? SFS_EXIT_PART : 0;
}

static int run(struct sfs_cmd *cmd)
{
	struct sfs_image_restore_options options = {
		.force = sfs_args_has(&cmd->args, "force"),
		.skip_missing = sfs_args_has(&cmd->args, "skip-missing"),
		.architecture = sfs_args_get(&cmd->args, "arch"),
	};

	if (!cmd->args.words[1][0])
		return sfs_message_usage(cmd->args.context, "DIR '': is empty");
	if (options.architecture &&
	    !sfs_image_architecture_ok(options.architecture))
		return sfs_message_usage(cmd->args.context,
					 "--arch '%s': there are x86_64, "
					 "i386, arm64 and riscv64",
					 options.architecture);
	return restore(cmd, &options);
}

static const struct sfs_opt options[] = {
	{ .name = "force", .help = "replace files that DIR has already" },
	{ .name = "skip-missing",
	  .help = "leave out volumes whose snapshot is missing or damaged; the "
		  "root cannot be" },
	{ .name = "arch",
	  .argument = "ARCH",
	  .complete = SFS_COMPLETE_CHOICE,
	  .choices = "x86_64 arm64 i386 riscv64",
	  .help = "of the machine that start and domain.xml describe; else "
		  "the image's" },
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_image_restore = {
	.noun = "image",
	.name = "restore",
	.words = "NAME DIR",
	.summary =
		"Write an image's disks and what starts them to a directory.",
	.text = "DIR is made if it is not there. It gets one raw file for each "
		"volume, named after its device, verified and sparse; "
		"image.json; domain.xml for libvirt; and start, a script that "
		"runs qemu on these very files. Nothing there is replaced "
		"without --force.",
	.options = options,
	.min_words = 2,
	.max_words = 2,
	.complete = SFS_COMPLETE_IMAGE,
	.more = SFS_COMPLETE_DIR,
	.run = run,
};
