/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "format/name.h"
#include "src/ingest.h"
#include "src/log.h"
#include "tools/cmd.h"
#include "tools/message.h"
#include "tools/output.h"
#include "tools/show-progress.h"

/* What the options say, and what it is kept in. */
struct request {
	struct sfs_ingest_member *members;
	size_t count;
	struct sfs_tags tags;
	char **freeze;
	struct sfs_ingest_options options;
	struct sfs_progress progress;
	struct sfs_snapshot **snapshots;
};

static void request_done(struct request *request)
{
	size_t i;

	for (i = 0; request->snapshots && i < request->count; i++)
		sfs_snapshot_free(request->snapshots[i]);
	free(request->snapshots);
	free(request->members);
	free(request->freeze);
	sfs_tags_done(&request->tags);
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

static int parse_tags(const struct sfs_cmd *cmd, struct sfs_tags *tags)
{
	CLEANUP_FREE char **list = NULL;
	size_t i, count;
	int r;

	r = sfs_args_list(&cmd->args, "tag", &list, &count);
	for (i = 0; r == 0 && i < count; i++)
		r = sfs_cmd_tag(cmd, list[i], tags);
	return r;
}

static int check_description(const struct sfs_cmd *cmd, const char *text)
{
	const char *why;

	if (!text || sfs_name_text_ok(text, SFS_DESCRIPTION_MAX, &why))
		return 0;
	return sfs_message_usage(cmd->args.context,
				 "description '%.60s%s': %s (%zu bytes, at "
				 "most %d)",
				 text, strlen(text) > 60 ? "..." : "", why,
				 strlen(text), SFS_DESCRIPTION_MAX);
}

static int parse(const struct sfs_cmd *cmd, struct request *request)
{
	const struct sfs_args *args = &cmd->args;
	struct sfs_ingest_options *options = &request->options;
	int r;

	r = parse_members(cmd, request);
	if (r < 0)
		return r;
	r = parse_tags(cmd, &request->tags);
	if (r < 0)
		return r;
	options->description = sfs_args_get(args, "description");
	r = check_description(cmd, options->description);
	if (r < 0)
		return r;
	r = sfs_args_list(args, "freeze", &request->freeze,
			  &options->freeze_count);
	if (r < 0)
		return r;
	options->tags = &request->tags;
	options->freeze = request->freeze;
	options->parent = sfs_args_get(args, "parent");
	options->pre = sfs_args_get(args, "pre");
	options->post = sfs_args_get(args, "post");
	options->allow_fuzzy = sfs_args_has(args, "allow-fuzzy");
	options->skip_bad = sfs_args_has(args, "skip-bad");
	options->progress = &request->progress;
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

static void tell(const struct sfs_snapshot *snapshot)
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

static int create(const struct sfs_cmd *cmd, struct request *request)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	bool part = false;
	size_t i;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	sfs_show_progress_start(&request->progress, "snapshot");
	r = sfs_ingest(repo, request->members, request->count,
		       &request->options, request->snapshots);
	sfs_show_progress_end();
	if (r == -EINTR)
		sfs_info("interrupted: no snapshot was made; what is stored "
			 "is used by the next attempt, or given back by gc");
	if (r < 0)
		return r;
	for (i = 0; i < request->count; i++) {
		if (!cmd->json)
			puts(request->snapshots[i]->id);
		tell(request->snapshots[i]);
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
	{ .name = "description",
	  .letter = 'd',
	  .argument = "TEXT",
	  .help = "at most 255 bytes" },
	{ .name = "tag",
	  .argument = "K=V",
	  .repeat = true,
	  .help = "a tag; may be given again" },
	{ .name = "parent",
	  .argument = "SNAP|none",
	  .complete = SFS_COMPLETE_SNAPSHOT,
	  .help = "compare with this snapshot, or with none, instead of the "
		  "volume's latest" },
	{ .name = "freeze",
	  .argument = "DIR",
	  .repeat = true,
	  .complete = SFS_COMPLETE_DIR,
	  .help = "freeze the file system mounted at DIR for the cut; may be "
		  "given again" },
	{ .name = "pre",
	  .argument = "CMD",
	  .help = "run this shell command before the cut; its failure ends "
		  "the attempt" },
	{ .name = "post",
	  .argument = "CMD",
	  .help = "run this shell command after the cut, also when something "
		  "failed after --pre" },
	{ .name = "allow-fuzzy",
	  .help = "take a source that changes while it is read, and record "
		  "that it is fuzzy" },
	{ .name = "skip-bad",
	  .help = "record what the source cannot give as bad instead of "
		  "failing; the exit status is then 3" },
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
