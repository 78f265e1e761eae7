/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "format/name.h"
#include "src/log.h"
#include "tools/cmd.h"
#include "tools/message.h"
#include "tools/output.h"
#include "tools/table.h"

static const char *const headings[] = { "SNAPSHOT",   "VOLUME",	 "TIME",
					">SIZE",      ">STORED", "CONSISTENCY",
					"DESCRIPTION" };

static int parse_filter(const struct sfs_cmd *cmd,
			struct sfs_catalog_filter *ret)
{
	const char *why;
	int r;

	ret->volume = sfs_args_get(&cmd->args, "volume");
	ret->tag = sfs_args_get(&cmd->args, "tag");
	if (ret->volume && !sfs_name_volume_ok(ret->volume, &why))
		return sfs_message_usage(cmd->args.context,
					 "volume name '%s': %s", ret->volume,
					 why);
	r = sfs_cmd_time(cmd, "since", false, &ret->since_ns);
	if (r < 0)
		return r;
	return sfs_cmd_time(cmd, "until", true, &ret->until_ns);
}

static int add_row(const struct sfs_snapshot *snapshot, void *context)
{
	struct sfs_table *table = context;
	int r;

	r = sfs_table_add(table, snapshot->id);
	if (r == 0)
		r = sfs_table_add(table, snapshot->volume);
	if (r == 0)
		r = sfs_table_add_time(table, snapshot->time_ns);
	if (r == 0)
		r = sfs_table_add_size(table, snapshot->size);
	if (r == 0)
		r = sfs_table_add_size(table, snapshot->stored_bytes);
	if (r == 0)
		r = sfs_table_add(table,
				  sfs_consistency_name(snapshot->consistency));
	if (r == 0)
		r = sfs_table_add(table, snapshot->description);
	return r;
}

static int add_json(const struct sfs_snapshot *snapshot, void *context)
{
	sfs_output_json_snapshot(context, NULL, snapshot);
	return 0;
}

static int list_json(struct sfs_repo *repo,
		     const struct sfs_catalog_filter *filter)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_array(w, "Snapshots");
	r = sfs_catalog_list(repo->catalog, filter, add_json, w);
	if (r < 0)
		return r;
	sfs_jsonw_end(w);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

static int list_table(struct sfs_repo *repo,
		      const struct sfs_catalog_filter *filter)
{
	CLEANUP_TABLE struct sfs_table table = {
		.headings = headings,
		.columns = SFS_ARRAY_SIZE(headings),
	};
	int r;

	r = sfs_catalog_list(repo->catalog, filter, add_row, &table);
	if (r < 0)
		return r;
	if (table.count > 0)
		sfs_table_print(&table);
	else
		sfs_info("no snapshots");
	return 0;
}

static int run(struct sfs_cmd *cmd)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	struct sfs_catalog_filter filter;
	int r;

	r = parse_filter(cmd, &filter);
	if (r < 0)
		return r;
	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = cmd->json ? list_json(repo, &filter) : list_table(repo, &filter);
	if (r < 0)
		return r;
	return sfs_cmd_check_listed(repo);
}

static const struct sfs_opt options[] = {
	{ .name = "volume",
	  .argument = "VOLUME",
	  .complete = SFS_COMPLETE_VOLUME,
	  .help = "only of this volume" },
	{ .name = "tag", .argument = "K[=V]", .help = "only with this tag" },
	{ .name = "since",
	  .argument = "TIME",
	  .help = "only from this time on: 2026-11-22, 2026-11-22T09:00Z" },
	{ .name = "until",
	  .argument = "TIME",
	  .help = "only up to this time; a date is the whole day" },
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_snapshot_list = {
	.noun = "snapshot",
	.name = "list",
	.summary = "List snapshots, the oldest first.",
	.text = "STORED is what taking the snapshot added to the repository. "
		"Times are UTC.",
	.options = options,
	.run = run,
};
