/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The snapfs command: global options, and from nouns and verbs to the one
 * function that does it. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/log.h"
#include "tools/cmd.h"
#include "tools/message.h"
#include "tools/output.h"
#include "tools/show-progress.h"

/* A standard descriptor that is closed would be given to the next file that
 * is opened, and a message would be written into the repository.  What stands
 * in for it fails as a closed one does. */
static int guard_descriptors(void)
{
	static const int modes[] = { O_WRONLY, O_RDONLY, O_RDONLY };
	int fd;

	for (fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", modes[fd]) != fd)
			return -EBADF;
	return 0;
}

/* Append the names of the verbs of @noun; without one, of verbs that stand
 * alone and of nouns. */
static void list_names(const char *noun, char *text, size_t size)
{
	const struct sfs_verb *const *verb;
	const char *name, *last = "";
	size_t used = 0;

	*text = '\0';
	for (verb = sfs_verbs; *verb && used < size; verb++) {
		if (noun && (!(*verb)->noun || strcmp((*verb)->noun, noun)))
			continue;
		name = noun || !(*verb)->noun ? (*verb)->name : (*verb)->noun;
		if (strcmp(name, last) == 0)
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%s",
					 used ? ", " : "", name);
		last = name;
	}
}

static int unknown_verb(const char *context, const char *noun, const char *name)
{
	char names[256];

	list_names(noun, names, sizeof(names));
	return sfs_message_usage(context, "unknown verb '%s'; there are %s",
				 name, names);
}

/* Take the next word, if there is one. */
static int next_word(struct sfs_args *args, char **argv, int *index,
		     const char **ret)
{
	int r;

	*ret = NULL;
	r = sfs_args_parse(args, argv, index, true);
	if (r < 0)
		return r;
	/* What is wrong behind this is told so already. */
	sfs_message_set_json(sfs_args_has(args, "json"));
	if (args->word_count > 0) {
		*ret = args->words[0];
		args->word_count = 0;
	}
	return 0;
}

static int no_verb(const struct sfs_cmd *cmd, const char *noun)
{
	char names[256];

	if (sfs_args_has(&cmd->args, "version"))
		return sfs_verb_version.run((struct sfs_cmd *)cmd);
	if (sfs_args_has(&cmd->args, "help")) {
		if (noun)
			sfs_help_noun(stdout, noun);
		else
			sfs_help_all(stdout);
		return 0;
	}
	if (noun) {
		list_names(noun, names, sizeof(names));
		return sfs_message_usage(cmd->args.context,
					 "which verb? there are %s", names);
	}
	fputs("usage: snapfs [-r REPO] [--json] [-q | -v] NOUN VERB "
	      "[ARGUMENT...]\n       snapfs help\n",
	      stderr);
	return -EINVAL;
}

static int find_verb(struct sfs_cmd *cmd, char **argv, int *index,
		     char *context, size_t context_size)
{
	const char *noun = NULL, *word;
	int r;

	r = next_word(&cmd->args, argv, index, &word);
	if (r < 0)
		return r;
	if (word && sfs_verb_is_noun(word)) {
		noun = word;
		snprintf(context, context_size, "snapfs %s", noun);
		r = next_word(&cmd->args, argv, index, &word);
		if (r < 0)
			return r;
	}
	if (!word)
		return no_verb(cmd, noun);
	cmd->verb = sfs_verb_find(noun, word);
	if (!cmd->verb)
		return unknown_verb(context, noun, word);
	snprintf(context, context_size, "snapfs%s%s %s", noun ? " " : "",
		 noun ? noun : "", word);
	cmd->args.tables[1] = cmd->verb->options;
	return 0;
}

static int check_words(const struct sfs_cmd *cmd)
{
	const struct sfs_verb *verb = cmd->verb;
	const struct sfs_args *args = &cmd->args;

	if (args->word_count < verb->min_words)
		return sfs_message_usage(args->context, "%s: expected %s",
					 args->word_count ? "too few words"
							  : "nothing given",
					 verb->words);
	if (args->word_count > verb->max_words)
		return sfs_message_usage(args->context, "unexpected '%s'",
					 args->words[verb->max_words]);
	return 0;
}

static int take_globals(struct sfs_cmd *cmd)
{
	bool quiet = sfs_args_has(&cmd->args, "quiet");

	cmd->json = sfs_args_has(&cmd->args, "json");
	cmd->verbose = sfs_args_has(&cmd->args, "verbose");
	sfs_message_set_json(cmd->json);
	if (quiet && cmd->verbose)
		return sfs_message_usage(cmd->args.context,
					 "-q and -v exclude each other");
	sfs_log_set_level(quiet		 ? SFS_LOG_WARN
			  : cmd->verbose ? SFS_LOG_DEBUG
					 : SFS_LOG_INFO);
	sfs_show_progress_set(quiet, cmd->json);
	return 0;
}

static int parse_and_run(struct sfs_cmd *cmd, char **argv)
{
	char context[64] = "snapfs";
	int index = 1;
	int r;

	cmd->args.context = context;
	cmd->args.tables[0] = sfs_global_options;
	r = find_verb(cmd, argv, &index, context, sizeof(context));
	if (r < 0 || !cmd->verb)
		return r;
	r = sfs_args_parse(&cmd->args, argv, &index, false);
	if (r < 0)
		return r;
	if (sfs_args_has(&cmd->args, "help")) {
		sfs_help_verb(stdout, cmd->verb);
		return 0;
	}
	r = take_globals(cmd);
	if (r < 0)
		return r;
	r = check_words(cmd);
	if (r < 0)
		return r;
	return cmd->verb->run(cmd);
}

static int run(char **argv)
{
	struct sfs_cmd cmd = { .verb = NULL };
	int r;

	r = parse_and_run(&cmd, argv);
	sfs_args_done(&cmd.args);
	return r;
}

int main(int argc, char **argv)
{
	int closed;
	int r;

	if (argc < 1)
		return 2;
	r = guard_descriptors();
	if (r < 0)
		return 1;
	/* What who started us ignores is not ours to inherit: we wait for
	 * children.  A file that is too large is an error, not the end. */
	signal(SIGCHLD, SIG_DFL);
	signal(SIGXFSZ, SIG_IGN);
	sfs_message_init();
	sfs_show_progress_init();
	r = run(argv);
	closed = sfs_output_close();
	return sfs_exit_status(r == 0 ? closed : r);
}
