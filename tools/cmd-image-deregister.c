/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/cmd.h"
#include "tools/deregister.h"

static int tell(const struct sfs_cmd *cmd, const struct sfs_deregister *plan)
{
	if (cmd->json)
		return sfs_deregister_json(plan);
	sfs_deregister_print(plan);
	return 0;
}

static int run(struct sfs_cmd *cmd)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	CLEANUP_DEREGISTER struct sfs_deregister plan = {
		.delete_snapshots =
			sfs_args_has(&cmd->args, "delete-snapshots"),
		.dry_run = sfs_args_has(&cmd->args, "dry-run"),
	};
	int r, told;

	r = sfs_cmd_open(cmd, &repo);
	if (r == 0)
		r = sfs_deregister_plan(repo, cmd->args.words,
					cmd->args.word_count, &plan);
	if (r == 0 && !plan.dry_run)
		r = sfs_deregister_do(repo, &plan);
	if (r < 0 && plan.gone == 0)
		return r;
	told = tell(cmd, &plan);
	if (r < 0 || told < 0)
		return r < 0 ? r : told;
	return plan.failed ? SFS_EXIT_PART : 0;
}

static const struct sfs_opt options[] = {
	{ .name = "delete-snapshots",
	  .help = "delete its snapshots as well, but those that another image "
		  "uses" },
	{ .name = "dry-run",
	  .letter = 'n',
	  .help = "change nothing; say what would go, what would be orphaned "
		  "and how many bytes deleting that frees" },
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_image_deregister = {
	.noun = "image",
	.name = "deregister",
	.words = "NAME...",
	.summary = "Give up images; their snapshots stay.",
	.text = "Says of each snapshot whether another image uses it or it is "
		"orphaned now, and how many bytes deleting the orphans would "
		"free. A protected image is refused.",
	.options = options,
	.min_words = 1,
	.max_words = SFS_WORDS_ANY,
	.complete = SFS_COMPLETE_IMAGE,
	.more = SFS_COMPLETE_IMAGE,
	.run = run,
};
