/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The verbs that change one thing of an image. */

#include <errno.h>
#include <string.h>

#include "format/name.h"
#include "format/time.h"
#include "src/images.h"
#include "src/log.h"
#include "src/tag.h"
#include "tools/cmd.h"
#include "tools/image-output.h"
#include "tools/message.h"
#include "tools/tag-args.h"

/* ---- tag ---- */

static int change_tags(struct sfs_image *image, void *context)
{
	const struct sfs_tag_args *args = context;

	return sfs_tags_change(&image->tags, &args->set, args->unset,
			       args->unset_count);
}

static int run_tag(struct sfs_cmd *cmd)
{
	CLEANUP_TAG_ARGS struct sfs_tag_args args = { .unset_count = 0 };
	int r;

	r = sfs_tag_args_parse(cmd, &args);
	if (r < 0)
		return r;
	return sfs_image_output_edit(cmd, change_tags, &args);
}

/* ---- rename ---- */

static int change_name(struct sfs_image *image, void *context)
{
	strcpy(image->name, context);
	return 0;
}

static int run_rename(struct sfs_cmd *cmd)
{
	char *name = cmd->args.words[1];
	const char *why;

	if (!sfs_name_image_ok(name, &why))
		return sfs_message_usage(cmd->args.context,
					 "image name '%s': %s", name, why);
	return sfs_image_output_edit(cmd, change_name, name);
}

/* ---- deprecate ---- */

static int change_deprecation(struct sfs_image *image, void *context)
{
	image->deprecated_ns = *(const int64_t *)context;
	return 0;
}

static int run_deprecate(struct sfs_cmd *cmd)
{
	bool cancel = sfs_args_has(&cmd->args, "cancel");
	const char *at = sfs_args_get(&cmd->args, "at");
	char text[SFS_TIME_SIZE];
	int64_t time_ns;
	int r;

	if (cancel && at)
		return sfs_message_usage(cmd->args.context,
					 "--at and --cancel exclude each "
					 "other");
	r = sfs_cmd_time(cmd, "at", false, &time_ns);
	if (r < 0)
		return r;
	if (!cancel && !at)
		time_ns = sfs_now_ns();
	r = sfs_image_output_edit(cmd, change_deprecation, &time_ns);
	if (r < 0)
		return r;
	sfs_time_format(time_ns, text);
	sfs_info("image '%s': %s%s", cmd->args.words[0],
		 cancel ? "has no date of deprecation now"
			: "is deprecated from ",
		 cancel ? "" : text);
	return 0;
}

/* ---- disable, enable, protect, unprotect ---- */

struct flag {
	bool value;
	bool was;
};

static int change_disabled(struct sfs_image *image, void *context)
{
	struct flag *flag = context;

	flag->was = image->disabled;
	image->disabled = flag->value;
	return 0;
}

static int change_protected(struct sfs_image *image, void *context)
{
	struct flag *flag = context;

	flag->was = image->is_protected;
	image->is_protected = flag->value;
	return 0;
}

static int change_flag(const struct sfs_cmd *cmd,
		       int (*edit)(struct sfs_image *image, void *context),
		       bool value, const char *state)
{
	struct flag flag = { .value = value };
	int r;

	r = sfs_image_output_edit(cmd, edit, &flag);
	if (r == 0)
		sfs_info("image '%s': is %s%s", cmd->args.words[0], state,
			 flag.was == value ? " already" : "");
	return r;
}

static int run_disable(struct sfs_cmd *cmd)
{
	return change_flag(cmd, change_disabled, true, "disabled");
}

static int run_enable(struct sfs_cmd *cmd)
{
	return change_flag(cmd, change_disabled, false, "enabled");
}

static int run_protect(struct sfs_cmd *cmd)
{
	return change_flag(cmd, change_protected, true, "protected");
}

static int run_unprotect(struct sfs_cmd *cmd)
{
	return change_flag(cmd, change_protected, false, "not protected");
}

const struct sfs_verb sfs_verb_image_tag = {
	.noun = "image",
	.name = "tag",
	.words = "NAME K=V... K-...",
	.summary = "Set and remove tags.",
	.text = "K=V sets a tag or replaces its value, K- removes it. The "
		"tags of the image's snapshots stay as they are.",
	.min_words = 2,
	.max_words = SFS_WORDS_ANY,
	.complete = SFS_COMPLETE_IMAGE,
	.run = run_tag,
};

const struct sfs_verb sfs_verb_image_rename = {
	.noun = "image",
	.name = "rename",
	.words = "NAME NEW",
	.summary = "Give an image another name.",
	.min_words = 2,
	.max_words = 2,
	.complete = SFS_COMPLETE_IMAGE,
	.run = run_rename,
};

static const struct sfs_opt deprecate_options[] = {
	{ .name = "at",
	  .argument = "TIME",
	  .help = "from this time on instead of now: 2026-11-22, "
		  "2026-11-22T09:00Z" },
	{ .name = "cancel", .help = "deprecate it no longer" },
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_image_deprecate = {
	.noun = "image",
	.name = "deprecate",
	.words = "NAME",
	.summary = "Hide an image from the lists of all but its owner.",
	.text = "Who knows its name can use it as before.",
	.options = deprecate_options,
	.min_words = 1,
	.max_words = 1,
	.complete = SFS_COMPLETE_IMAGE,
	.run = run_deprecate,
};

const struct sfs_verb sfs_verb_image_disable = {
	.noun = "image",
	.name = "disable",
	.words = "NAME",
	.summary = "Let an image be neither launched nor seen by others.",
	.text = "Nobody can launch it, those with whom it is shared no longer "
		"see it, and lists of others leave it out, until it is "
		"enabled.",
	.min_words = 1,
	.max_words = 1,
	.complete = SFS_COMPLETE_IMAGE,
	.run = run_disable,
};

const struct sfs_verb sfs_verb_image_enable = {
	.noun = "image",
	.name = "enable",
	.words = "NAME",
	.summary = "Undo disable: shared as it was before.",
	.min_words = 1,
	.max_words = 1,
	.complete = SFS_COMPLETE_IMAGE,
	.run = run_enable,
};

const struct sfs_verb sfs_verb_image_protect = {
	.noun = "image",
	.name = "protect",
	.words = "NAME",
	.summary = "Protect an image from being deregistered.",
	.min_words = 1,
	.max_words = 1,
	.complete = SFS_COMPLETE_IMAGE,
	.run = run_protect,
};

const struct sfs_verb sfs_verb_image_unprotect = {
	.noun = "image",
	.name = "unprotect",
	.words = "NAME",
	.summary = "Undo protect.",
	.min_words = 1,
	.max_words = 1,
	.complete = SFS_COMPLETE_IMAGE,
	.run = run_unprotect,
};
