/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "format/name.h"
#include "src/log.h"
#include "tools/cmd.h"
#include "tools/ingest-args.h"
#include "tools/message.h"
#include "tools/output.h"
#include "tools/show-progress.h"

/* What the options say, and what it is kept in. */
struct request {
	struct sfs_ingest_member *members;
	size_t count;
	struct sfs_ingest_args args;
	struct sfs_snapshot **snapshots;
};

static void request_done(struct request *request)
{
	size_t i;

	for (i = 0; request->snapshots && i < request->count; i++)
		sfs_snapshot_free(request->snapshots[i]);
	free(request->snapshots);
	free(request->members);
	sfs_ingest_args_done(&request->args);
}

/* Split VOLUME=SOURCE in place. */
static int parse_member(const struct sfs_cmd *cmd, char *word,
			struct sfs_ingest_member *ret)
{
	char *equals = strchr(word, '=');
	const char *why;

	if (!equals || !equals[1])
		return sfs_message_usage(cmd->args.context,
					 "'%s': is not VOLUME=SOURCE", word);
	*equals = '\0';
	if (!sfs_name_volume_ok(word, &why))
		return sfs_message_usage(cmd->args.context,
					 "volume name '%s': %s", word, why);
	ret->volume = word;
	ret->source = equals + 1;
	return 0;
}

/* A set has each volume once, and there is one standard input. */
static int check_distinct(const struct sfs_cmd *cmd,
			  const struct request *request)
{
	size_t i, j, streams = 0;

	for (i = 0; i < request->count; i++) {
		streams += strcmp(request->members[i].source, "-") == 0;
		for (j = 0; j < i; j++)
			if (strcmp(request->members[i].volume,
				   request->members[j].volume) == 0)
				return sfs_message_usage(
					cmd->args.context,
					"volume '%s': is named twice",
					request->members[i].volume);
	}
	if (streams > 1)
		return sfs_message_usage(cmd->args.context,
					 "source '-': there is only one "
					 "standard input");
	return 0;
}

static int parse_members(const struct sfs_cmd *cmd, struct request *request)
{
	size_t i, count = cmd->args.word_count;
	int r;

	if (count > SFS_SET_MEMBERS_MAX)
		return sfs_message_usage(cmd->args.context,
					 "%zu volumes: a set has at most %d",
					 count, SFS_SET_MEMBERS_MAX);
	request->members = sfs_calloc(count, sizeof(*request->members));
	request->snapshots = sfs_calloc(count, sizeof(*request->snapshots));
	if (!request->members || !request->snapshots)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		r = parse_member(cmd, cmd->args.words[i], &request->members[i]);
		if (r < 0)
			return r;
	}
	request->count = count;
	return check_distinct(cmd, request);
}

static int parse(const struct sfs_cmd *cmd, struct request *request)
{
	int r;

	r = parse_members(cmd, request);
	if (r < 0)
		return r;
	r = sfs_ingest_args_parse(cmd, &request->args);
	if (r < 0)
		return r;
	request->args.options.parent = sfs_args_get(&cmd->args, "parent");
	return 0;
}

static int print_json(const struct request *request)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	size_t i;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_array(w, "Snapshots");
	for (i = 0; i < request->count; i++)
		sfs_output_json_snapshot(w, NULL, request->snapshots[i]);
	sfs_jsonw_end(w);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

static int create(const struct sfs_cmd *cmd, struct request *request)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	bool part = false;
	size_t i;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	sfs_show_progress_start(&request->args.progress, "snapshot");
	r = sfs_ingest(repo, request->members, request->count,
		       &request->args.options, request->snapshots);
	sfs_show_progress_end();
	if (r == -EINTR)
		sfs_info("interrupted: no snapshot was made; what is stored "
			 "is used by the next attempt, or given back by gc");
	if (r < 0)
		return r;
	for (i = 0; i < request->count; i++) {
		if (!cmd->json)
			puts(request->snapshots[i]->id);
		sfs_ingest_args_tell(request->snapshots[i]);
		part = part || request->snapshots[i]->bad_bytes > 0;
	}
	r = cmd->json ? print_json(request) : 0;
	return r == 0 && part ? SFS_EXIT_PART : r;
}

static int run(struct sfs_cmd *cmd)
{
	struct request request = { .count = 0 };
	int r;

	r = parse(cmd, &request);
	if (r == 0)
		r = create(cmd, &request);
	request_done(&request);
	return r;
}

static const struct sfs_opt options[] = {
	SFS_LABEL_OPTIONS,
	{ .name = "parent",
	  .argument = "SNAP|none",
	  .complete = SFS_COMPLETE_SNAPSHOT,
	  .help = "compare with this snapshot, or with none, instead of the "
		  "volume's latest" },
	SFS_INGEST_OPTIONS,
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_snapshot_create = {
	.noun = "snapshot",
	.name = "create",
	.words = "VOLUME=SOURCE...",
	.summary = "Take a snapshot; of several volumes, a set.",
	.text = "SOURCE is a file, a block device or - for standard input. "
		"Several make a set: one moment, all or nothing. Prints the "
		"ids, one a line, in the order given.\n"
		"A source that is in use is refused unless it is frozen, the "
		"file system can clone it, or --allow-fuzzy is given.",
	.options = options,
	.min_words = 1,
	.max_words = SFS_WORDS_ANY,
	.complete = SFS_COMPLETE_SOURCE,
	.more = SFS_COMPLETE_SOURCE,
	.run = run,
};
