/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "src/log.h"
#include "src/restore.h"
#include "tools/cmd.h"
#include "tools/message.h"
#include "tools/output.h"
#include "tools/show-progress.h"

static int print_json(const struct sfs_snapshot *snapshot, const char *dest,
		      const struct sfs_restore_options *options,
		      const struct sfs_restore_result *result)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "SnapshotId", snapshot->id);
	sfs_jsonw_string(w, "Destination", dest);
	sfs_jsonw_uint(w, "VolumeSizeInBytes", snapshot->size);
	sfs_jsonw_uint(w, "WrittenInBytes", result->written_bytes);
	sfs_jsonw_uint(w, "SameInBytes", result->same_bytes);
	sfs_jsonw_bool(w, "Verified", options->verify);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

static void tell(const struct sfs_snapshot *snapshot, const char *dest,
		 const struct sfs_restore_options *options,
		 const struct sfs_restore_result *result)
{
	char written[SFS_OUTPUT_SIZE], same[SFS_OUTPUT_SIZE];

	sfs_output_size(result->written_bytes, written);
	sfs_output_size(result->same_bytes, same);
	sfs_info("'%s': restored %s, %s written%s%s%s%s", dest, snapshot->id,
		 written, options->delta ? ", " : "",
		 options->delta ? same : "",
		 options->delta ? " found equal" : "",
		 options->verify ? ", verified" : "");
}

static int check(const struct sfs_cmd *cmd, const char *dest,
		 const struct sfs_restore_options *options)
{
	bool stream = strcmp(dest, "-") == 0;

	if (options->delta && !options->force)
		return sfs_message_usage(cmd->args.context,
					 "--delta writes into what exists: "
					 "give --force as well");
	if (stream && (options->delta || options->verify))
		return sfs_message_usage(cmd->args.context,
					 "DEST '-' cannot be read back for "
					 "--delta or --verify");
	if (stream && isatty(STDOUT_FILENO))
		return sfs_message_usage(cmd->args.context,
					 "DEST '-': is a terminal");
	return 0;
}

static int restore(const struct sfs_cmd *cmd, const char *dest,
		   struct sfs_restore_options *options)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	CLEANUP_VIEW struct sfs_view *view = NULL;
	struct sfs_restore_result result = { 0 };
	struct sfs_progress progress;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = sfs_catalog_select(repo->catalog, cmd->args.words[0], &snapshot);
	if (r < 0)
		return r;
	r = sfs_view_open(repo, snapshot->id, &view);
	if (r < 0)
		return r;
	sfs_show_progress_start(&progress, "restore");
	options->progress = &progress;
	r = sfs_restore(view, dest, options, &result);
	sfs_show_progress_end();
	if (r < 0)
		return r;
	/* The document would end up in the disk. */
	if (cmd->json && strcmp(dest, "-") != 0)
		return print_json(snapshot, dest, options, &result);
	tell(snapshot, dest, options, &result);
	return 0;
}

static int run(struct sfs_cmd *cmd)
{
	const char *dest = cmd->args.words[1];
	struct sfs_restore_options options = {
		.force = sfs_args_has(&cmd->args, "force"),
		.delta = sfs_args_has(&cmd->args, "delta"),
		.verify = sfs_args_has(&cmd->args, "verify"),
	};
	int r;

	r = check(cmd, dest, &options);
	if (r < 0)
		return r;
	return restore(cmd, dest, &options);
}

static const struct sfs_opt options[] = {
	{ .name = "force", .help = "overwrite DEST if it exists" },
	{ .name = "delta",
	  .help = "write in place, and only what differs; needs --force" },
	{ .name = "verify",
	  .help = "read DEST back afterwards and compare every byte" },
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_snapshot_restore = {
	.noun = "snapshot",
	.name = "restore",
	.words = "SNAP DEST",
	.summary = "Write a snapshot to a file, a block device or stdout.",
	.text = "A file is written under a temporary name, sparse where the "
		"snapshot is, and appears whole. A block device must be large "
		"enough and not in use. DEST - is standard output.",
	.options = options,
	.min_words = 2,
	.max_words = 2,
	.complete = SFS_COMPLETE_SNAPSHOT,
	.more = SFS_COMPLETE_FILE,
	.run = run,
};
