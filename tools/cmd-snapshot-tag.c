/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "src/tag.h"
#include "tools/cmd.h"
#include "tools/output.h"
#include "tools/tag-args.h"

static int tag(const struct sfs_cmd *cmd, const struct sfs_tag_args *args)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	CLEANUP_SNAPSHOT struct sfs_snapshot *tagged = NULL;
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = sfs_catalog_select(repo->catalog, cmd->args.words[0], &snapshot);
	if (r < 0)
		return r;
	r = sfs_tag(repo, snapshot->id, &args->set, args->unset,
		    args->unset_count, &tagged);
	if (r < 0 || !cmd->json)
		return r;
	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_output_json_snapshot(w, NULL, tagged);
	return sfs_output_json(w);
}

static int run(struct sfs_cmd *cmd)
{
	CLEANUP_TAG_ARGS struct sfs_tag_args args = { .unset_count = 0 };
	int r;

	r = sfs_tag_args_parse(cmd, &args);
	if (r < 0)
		return r;
	return tag(cmd, &args);
}

const struct sfs_verb sfs_verb_snapshot_tag = {
	.noun = "snapshot",
	.name = "tag",
	.words = "SNAP K=V... K-...",
	.summary = "Set and remove tags.",
	.text = "K=V sets a tag or replaces its value, K- removes it.",
	.min_words = 2,
	.max_words = SFS_WORDS_ANY,
	.complete = SFS_COMPLETE_SNAPSHOT,
	.run = run,
};
