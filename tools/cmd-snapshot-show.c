/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "tools/cmd.h"
#include "tools/output.h"
#include "tools/people.h"

static void print(const struct sfs_snapshot *snapshot)
{
	sfs_output_field("Snapshot", snapshot->id);
	sfs_output_field("Volume", snapshot->volume);
	sfs_output_field("Volume id", snapshot->volume_id);
	sfs_output_field_time("Time", snapshot->time_ns);
	sfs_output_field_time("Completed", snapshot->completed_ns);
	sfs_output_field("Consistency",
			 sfs_consistency_name(snapshot->consistency));
	sfs_output_field_size("Size", snapshot->size);
	sfs_output_field_size("Data chunks", snapshot->data_bytes);
	sfs_output_field_size("Newly stored", snapshot->stored_bytes);
	if (snapshot->bad_bytes > 0)
		sfs_output_field_size("Unreadable", snapshot->bad_bytes);
	sfs_output_field("Parent", *snapshot->parent ? snapshot->parent : "-");
	sfs_output_field("Set", *snapshot->set ? snapshot->set : "-");
	sfs_output_field("Source", *snapshot->source ? snapshot->source : "-");
	sfs_output_field("Description",
			 *snapshot->description ? snapshot->description : "-");
	sfs_output_field_tags(&snapshot->tags);
	sfs_people_print(snapshot->owner, &snapshot->grants);
}

static int run_show(struct sfs_cmd *cmd)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = sfs_catalog_select(repo->catalog, cmd->args.words[0], &snapshot);
	if (r < 0)
		return r;
	if (!cmd->json) {
		print(snapshot);
		return 0;
	}
	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_output_json_snapshot(w, NULL, snapshot);
	return sfs_output_json(w);
}

const struct sfs_verb sfs_verb_snapshot_show = {
	.noun = "snapshot",
	.name = "show",
	.words = "SNAP",
	.summary = "Show all that is known of a snapshot.",
	.min_words = 1,
	.max_words = 1,
	.complete = SFS_COMPLETE_SNAPSHOT,
	.run = run_show,
};
