/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/tag-args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/message.h"

static int parse_word(const struct sfs_cmd *cmd, char *word,
		      struct sfs_tag_args *args)
{
	size_t length = strlen(word);

	if (strchr(word, '='))
		return sfs_cmd_tag(cmd, word, &args->set);
	if (length > 1 && word[length - 1] == '-') {
		word[length - 1] = '\0';
		args->unset[args->unset_count++] = word;
		return 0;
	}
	return sfs_message_usage(cmd->args.context,
				 "'%s': is neither K=V, to set, nor K-, to "
				 "remove",
				 word);
}

int sfs_tag_args_parse(const struct sfs_cmd *cmd, struct sfs_tag_args *ret)
{
	size_t i;
	int r;

	ret->unset = sfs_calloc(cmd->args.word_count, sizeof(*ret->unset));
	if (!ret->unset)
		return -ENOMEM;
	for (i = 1; i < cmd->args.word_count; i++) {
		r = parse_word(cmd, cmd->args.words[i], ret);
		if (r < 0)
			return r;
	}
	return 0;
}

void sfs_tag_args_done(struct sfs_tag_args *args)
{
	sfs_tags_done(&args->set);
	free(args->unset);
}
