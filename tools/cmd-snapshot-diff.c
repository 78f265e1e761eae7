/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>

#include "src/diff.h"
#include "src/view.h"
#include "tools/cmd.h"
#include "tools/output.h"

static const char *const change_names[] = {
	[SFS_CHANGE_ADDED] = "added",
	[SFS_CHANGE_REMOVED] = "removed",
	[SFS_CHANGE_CHANGED] = "changed",
};

struct totals {
	uint64_t bytes[SFS_ARRAY_SIZE(change_names)];
	uint64_t ranges;
};

static void count(struct totals *totals, enum sfs_change change, uint64_t size)
{
	totals->bytes[change] += size;
	totals->ranges++;
}

static int print_range(enum sfs_change change, uint64_t offset, uint64_t size,
		       void *context)
{
	count(context, change, size);
	printf("%-8s %15" PRIu64 " %15" PRIu64 "\n", change_names[change],
	       offset, size);
	return 0;
}

/* Ranges are printed as they come, since there may be more of them than
 * memory: names and numbers need no escaping. */
static int print_range_json(enum sfs_change change, uint64_t offset,
			    uint64_t size, void *context)
{
	struct totals *totals = context;

	printf("%s\n    {\"Change\": \"%s\", \"OffsetInBytes\": %" PRIu64
	       ", \"SizeInBytes\": %" PRIu64 "}",
	       totals->ranges ? "," : "", change_names[change], offset, size);
	count(totals, change, size);
	return 0;
}

static int diff_json(struct sfs_view *from, struct sfs_view *to)
{
	struct totals totals = { .ranges = 0 };
	int r;

	printf("{\n  \"FromSnapshotId\": \"%s\",\n  \"ToSnapshotId\": \"%s\","
	       "\n  \"FromVolumeSizeInBytes\": %" PRIu64
	       ",\n  \"ToVolumeSizeInBytes\": %" PRIu64 ",\n  \"Changes\": [",
	       sfs_view_snapshot(from)->id, sfs_view_snapshot(to)->id,
	       sfs_view_snapshot(from)->size, sfs_view_snapshot(to)->size);
	r = sfs_diff(from, to, print_range_json, &totals);
	if (r < 0)
		return r;
	printf("%s],\n  \"ChangedInBytes\": %" PRIu64
	       ",\n  \"AddedInBytes\": %" PRIu64
	       ",\n  \"RemovedInBytes\": %" PRIu64 "\n}\n",
	       totals.ranges ? "\n  " : "", totals.bytes[SFS_CHANGE_CHANGED],
	       totals.bytes[SFS_CHANGE_ADDED],
	       totals.bytes[SFS_CHANGE_REMOVED]);
	return 0;
}

static int diff_text(struct sfs_view *from, struct sfs_view *to)
{
	char changed[SFS_OUTPUT_SIZE], added[SFS_OUTPUT_SIZE];
	char removed[SFS_OUTPUT_SIZE];
	struct totals totals = { .ranges = 0 };
	int r;

	printf("%-8s %15s %15s\n", "CHANGE", "OFFSET", "SIZE");
	r = sfs_diff(from, to, print_range, &totals);
	if (r < 0)
		return r;
	sfs_output_size(totals.bytes[SFS_CHANGE_CHANGED], changed);
	sfs_output_size(totals.bytes[SFS_CHANGE_ADDED], added);
	sfs_output_size(totals.bytes[SFS_CHANGE_REMOVED], removed);
	printf("%" PRIu64 " %s: %s changed, %s added, %s removed",
	       totals.ranges, totals.ranges == 1 ? "range" : "ranges", changed,
	       added, removed);
	if (sfs_view_snapshot(from)->size != sfs_view_snapshot(to)->size)
		printf("; size %" PRIu64 " -> %" PRIu64,
		       sfs_view_snapshot(from)->size,
		       sfs_view_snapshot(to)->size);
	putchar('\n');
	return 0;
}

static int open_view(struct sfs_repo *repo, const char *selector,
		     struct sfs_view **ret)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	int r;

	r = sfs_catalog_select(repo->catalog, selector, &snapshot);
	if (r < 0)
		return r;
	return sfs_view_open(repo, snapshot->id, ret);
}

static int run(struct sfs_cmd *cmd)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	CLEANUP_VIEW struct sfs_view *from = NULL;
	CLEANUP_VIEW struct sfs_view *to = NULL;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = open_view(repo, cmd->args.words[0], &from);
	if (r < 0)
		return r;
	r = open_view(repo, cmd->args.words[1], &to);
	if (r < 0)
		return r;
	return cmd->json ? diff_json(from, to) : diff_text(from, to);
}

const struct sfs_verb sfs_verb_snapshot_diff = {
	.noun = "snapshot",
	.name = "diff",
	.words = "SNAP SNAP",
	.summary = "Show which bytes differ from the first to the second.",
	.text = "Prints each range with its offset and size in bytes: added "
		"(data where the first has none), removed (zeros, or beyond "
		"the end, where the first has data) or changed.",
	.min_words = 2,
	.max_words = 2,
	.complete = SFS_COMPLETE_SNAPSHOT,
	.more = SFS_COMPLETE_SNAPSHOT,
	.run = run,
};
