/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/ingest-args.h"

#include <stdlib.h>

#include "src/log.h"
#include "tools/output.h"

int sfs_ingest_args_parse(const struct sfs_cmd *cmd,
			  struct sfs_ingest_args *ret)
{
	const struct sfs_args *args = &cmd->args;
	struct sfs_ingest_options *options = &ret->options;
	int r;

	r = sfs_cmd_labels(cmd, &options->description, &ret->tags);
	if (r < 0)
		return r;
	r = sfs_args_list(args, "freeze", &ret->freeze, &options->freeze_count);
	if (r < 0)
		return r;
	options->tags = &ret->tags;
	options->freeze = ret->freeze;
	options->pre = sfs_args_get(args, "pre");
	options->post = sfs_args_get(args, "post");
	options->allow_fuzzy = sfs_args_has(args, "allow-fuzzy");
	options->skip_bad = sfs_args_has(args, "skip-bad");
	options->progress = &ret->progress;
	return 0;
}

void sfs_ingest_args_done(struct sfs_ingest_args *args)
{
	free(args->freeze);
	sfs_tags_done(&args->tags);
}

void sfs_ingest_args_tell(const struct sfs_snapshot *snapshot)
{
	char size[SFS_OUTPUT_SIZE], stored[SFS_OUTPUT_SIZE];
	char bad[SFS_OUTPUT_EXACT];

	sfs_output_size(snapshot->size, size);
	sfs_output_size(snapshot->stored_bytes, stored);
	sfs_info("volume '%s': %s, %s newly stored, consistency %s",
		 snapshot->volume, size, stored,
		 sfs_consistency_name(snapshot->consistency));
	if (snapshot->bad_bytes == 0)
		return;
	sfs_output_exact(snapshot->bad_bytes, bad);
	sfs_warn("volume '%s': %s could not be read from '%s' and are marked "
		 "bad",
		 snapshot->volume, bad, snapshot->source);
}
