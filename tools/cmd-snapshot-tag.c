/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "src/tag.h"
#include "tools/cmd.h"
#include "tools/message.h"
#include "tools/output.h"

/* K=V goes to @set; K- to @unset, an array of keys, with the dash cut off. */
static int parse(const struct sfs_cmd *cmd, struct sfs_tags *set, char **unset,
		 size_t *unset_count)
{
	size_t i, length;
	char *word;
	int r;

	for (i = 1; i < cmd->args.word_count; i++) {
		word = cmd->args.words[i];
		length = strlen(word);
		if (strchr(word, '=')) {
			r = sfs_cmd_tag(cmd, word, set);
			if (r < 0)
				return r;
		} else if (length > 1 && word[length - 1] == '-') {
			word[length - 1] = '\0';
			unset[(*unset_count)++] = word;
		} else {
			return sfs_message_usage(
				cmd->args.context,
				"'%s': is neither K=V, to set, nor K-, to "
				"remove",
				word);
		}
	}
	return 0;
}

static int tag(const struct sfs_cmd *cmd, const struct sfs_tags *set,
	       char *const *unset, size_t unset_count)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	CLEANUP_SNAPSHOT struct sfs_snapshot *tagged = NULL;
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = sfs_catalog_select(repo->catalog, cmd->args.words[0], &snapshot);
	if (r < 0)
		return r;
	r = sfs_tag(repo, snapshot->id, set, unset, unset_count, &tagged);
	if (r < 0 || !cmd->json)
		return r;
	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_output_json_snapshot(w, NULL, tagged);
	return sfs_output_json(w);
}

static int run(struct sfs_cmd *cmd)
{
	struct sfs_tags set = { .count = 0 };
	CLEANUP_FREE char **unset = NULL;
	size_t unset_count = 0;
	int r;

	unset = sfs_calloc(cmd->args.word_count, sizeof(*unset));
	if (!unset)
		return -ENOMEM;
	r = parse(cmd, &set, unset, &unset_count);
	if (r == 0)
		r = tag(cmd, &set, unset, unset_count);
	sfs_tags_done(&set);
	return r;
}

const struct sfs_verb sfs_verb_snapshot_tag = {
	.noun = "snapshot",
	.name = "tag",
	.words = "SNAP K=V... K-...",
	.summary = "Set and remove tags.",
	.text = "K=V sets a tag or replaces its value, K- removes it.",
	.min_words = 2,
	.max_words = SFS_WORDS_ANY,
	.complete = SFS_COMPLETE_SNAPSHOT,
	.run = run,
};
