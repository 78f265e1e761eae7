/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/limits.h"
#include "tools/cmd.h"
#include "tools/output.h"

static int run(struct sfs_cmd *cmd)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	if (!sfs_args_has(&cmd->args, "json")) {
		printf("snapfs %s, repository format %d\n", SFS_VERSION,
		       SFS_FORMAT_VERSION);
		return 0;
	}
	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "Version", SFS_VERSION);
	sfs_jsonw_uint(w, "FormatVersion", SFS_FORMAT_VERSION);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

const struct sfs_verb sfs_verb_version = {
	.name = "version",
	.summary = "Show the version.",
	.run = run,
};
