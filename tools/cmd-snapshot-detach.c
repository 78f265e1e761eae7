/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/attach.h"
#include "tools/cmd.h"

static int run(struct sfs_cmd *cmd)
{
	int r;

	r = sfs_attach_check_user();
	if (r < 0)
		return r;
	return sfs_attach_undo(cmd->args.words[0]);
}

const struct sfs_verb sfs_verb_snapshot_detach = {
	.noun = "snapshot",
	.name = "detach",
	.words = "DIR",
	.summary = "Undo 'snapfs snapshot attach', as root.",
	.text = "What was written below DIR is gone then. Works also when its "
		"mount was killed, or the command that attached it.",
	.min_words = 1,
	.max_words = 1,
	.complete = SFS_COMPLETE_DIR,
	.run = run,
};
