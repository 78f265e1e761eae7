/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "src/delete.h"
#include "src/log.h"
#include "tools/cmd.h"
#include "tools/output.h"
#include "tools/show-progress.h"

static int print_json(const struct sfs_gc_result *result, bool dry_run)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_bool(w, "DryRun", dry_run);
	sfs_jsonw_uint(w, "FreedInBytes", result->freed_bytes);
	sfs_jsonw_uint(w, "KeptInBytes", result->kept_bytes);
	sfs_jsonw_uint(w, "DeadInBytes", result->dead_bytes);
	sfs_jsonw_uint(w, "PacksRemoved", result->packs_removed);
	sfs_jsonw_uint(w, "RecordsRemoved", result->records_removed);
	sfs_jsonw_uint(w, "PinnedSnapshots", result->pinned);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

static void print(const struct sfs_gc_result *result, bool dry_run)
{
	char freed[SFS_OUTPUT_EXACT], kept[SFS_OUTPUT_EXACT];
	char dead[SFS_OUTPUT_EXACT];

	sfs_output_exact(result->freed_bytes, freed);
	sfs_output_exact(result->kept_bytes, kept);
	sfs_output_exact(result->dead_bytes, dead);
	printf("%s %s: %llu packs, %llu records\n",
	       dry_run ? "would free" : "freed", freed,
	       (unsigned long long)result->packs_removed,
	       (unsigned long long)result->records_removed);
	printf("kept %s, of which nobody needs %s\n", kept, dead);
	if (result->pinned > 0)
		printf("%llu deleted snapshots are still open somewhere\n",
		       (unsigned long long)result->pinned);
}

static int run(struct sfs_cmd *cmd)
{
	bool dry_run = sfs_args_has(&cmd->args, "dry-run");
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	struct sfs_gc_result result = { 0 };
	struct sfs_progress progress;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	sfs_show_progress_start(&progress, "gc");
	r = sfs_gc(repo, dry_run, &progress, &result);
	sfs_show_progress_end();
	if (r < 0)
		return r;
	if (cmd->json)
		return print_json(&result, dry_run);
	print(&result, dry_run);
	return 0;
}

static const struct sfs_opt options[] = {
	{ .name = "dry-run",
	  .letter = 'n',
	  .help = "remove nothing; say how many bytes would be freed" },
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_gc = {
	.name = "gc",
	.summary = "Give back the space of what was deleted.",
	.text = "Refused while a snapshot is being taken. Snapshots that were "
		"deleted but are open somewhere are kept until they are "
		"closed.",
	.options = options,
	.run = run,
};
