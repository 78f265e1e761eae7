/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "src/log.h"
#include "tools/cmd.h"
#include "tools/output.h"

static int count_one(const struct sfs_snapshot *snapshot, void *context)
{
	uint64_t *count = context;

	(void)snapshot;
	(*count)++;
	return 0;
}

static int count_damaged(const char *name, const char *why, void *context)
{
	uint64_t *count = context;

	(void)name;
	(void)why;
	(*count)++;
	return 0;
}

static int print_json(uint64_t snapshots, uint64_t damaged)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_uint(w, "Snapshots", snapshots);
	sfs_jsonw_uint(w, "DamagedRecords", damaged);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

static int run(struct sfs_cmd *cmd)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	uint64_t snapshots = 0, damaged = 0;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = sfs_catalog_rebuild(repo->catalog);
	if (r < 0)
		return r;
	r = sfs_catalog_list(repo->catalog, NULL, count_one, &snapshots);
	if (r < 0)
		return r;
	r = sfs_catalog_damaged(repo->catalog, count_damaged, &damaged);
	if (r < 0)
		return r;
	r = cmd->json ? print_json(snapshots, damaged) : 0;
	if (r < 0)
		return r;
	sfs_info("'%s': catalog rebuilt: %llu snapshots, %llu damaged records",
		 sfs_store_path(repo->store), (unsigned long long)snapshots,
		 (unsigned long long)damaged);
	return damaged > 0 ? SFS_EXIT_DAMAGE : 0;
}

const struct sfs_verb sfs_verb_rebuild = {
	.name = "rebuild",
	.summary = "Make the catalog anew from records and packs.",
	.text = "Never needed for safety: the catalog is an index, and is "
		"rebuilt by itself where it is missing, stale or damaged.",
	.run = run,
};
