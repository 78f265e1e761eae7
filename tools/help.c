/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The help, made from the tables of verbs and options. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/log.h"
#include "tools/cmd.h"
#include "tools/message.h"

#define LINE_WIDTH  79
#define TEXT_INDENT 2
#define HELP_COLUMN 28 /* where what an option does begins */
#define VERB_COLUMN 20

/* Write @text from @column on, wrapped, with @indent before further lines; a
 * newline in it starts a new paragraph. */
static void wrap(FILE *file, const char *text, int column, int indent)
{
	bool start = true;
	int length;

	for (; *text; text += length) {
		text += strspn(text, " ");
		if (*text == '\n') {
			fprintf(file, "\n\n%*s", indent, "");
			column = indent;
			start = true;
			length = 1;
			continue;
		}
		length = (int)strcspn(text, " \n");
		if (!start && column + 1 + length > LINE_WIDTH) {
			fprintf(file, "\n%*s", indent, "");
			column = indent;
			start = true;
		}
		fprintf(file, "%s%.*s", start ? "" : " ", length, text);
		column += length + !start;
		start = false;
	}
	fputc('\n', file);
}

/* @left, and @text in @column: beside it, or below where it is too long. */
static void entry(FILE *file, const char *left, const char *text, int column)
{
	int length = fprintf(file, "  %s", left);

	if (length + 2 > column) {
		fputc('\n', file);
		length = 0;
	}
	fprintf(file, "%*s", column - length, "");
	wrap(file, text, column, column);
}

static void put_options(FILE *file, const struct sfs_opt *opt)
{
	char left[80], letter[8];

	for (; opt && opt->name; opt++) {
		snprintf(letter, sizeof(letter), opt->letter ? "-%c, " : "    ",
			 opt->letter);
		snprintf(left, sizeof(left), "%s--%s%s%s%s", letter, opt->name,
			 !opt->argument	 ? ""
			 : opt->optional ? "[="
					 : " ",
			 opt->argument ? opt->argument : "",
			 opt->optional ? "]" : "");
		entry(file, left, opt->help, HELP_COLUMN);
	}
}

static const char *full_name(const struct sfs_verb *verb, char name[64])
{
	snprintf(name, 64, "%s%s%s", verb->noun ? verb->noun : "",
		 verb->noun ? " " : "", verb->name);
	return name;
}

void sfs_help_verb(FILE *file, const struct sfs_verb *verb)
{
	char name[64];

	fprintf(file, "usage: snapfs %s%s%s%s\n\n%*s", full_name(verb, name),
		verb->options ? " [OPTION...]" : "", verb->words ? " " : "",
		verb->words ? verb->words : "", TEXT_INDENT, "");
	wrap(file, verb->summary, TEXT_INDENT, TEXT_INDENT);
	if (verb->text) {
		fprintf(file, "\n%*s", TEXT_INDENT, "");
		wrap(file, verb->text, TEXT_INDENT, TEXT_INDENT);
	}
	if (verb->options) {
		fputs("\nOptions:\n", file);
		put_options(file, verb->options);
	}
	fputs("\nGlobal options:\n", file);
	put_options(file, sfs_global_options);
}

void sfs_help_noun(FILE *file, const char *noun)
{
	const struct sfs_verb *const *verb;
	char name[64];

	fprintf(file, "usage: snapfs %s VERB [ARGUMENT...]\n\n", noun);
	for (verb = sfs_verbs; *verb; verb++)
		if ((*verb)->noun && strcmp((*verb)->noun, noun) == 0)
			entry(file, full_name(*verb, name), (*verb)->summary,
			      VERB_COLUMN);
}

void sfs_help_all(FILE *file)
{
	const struct sfs_verb *const *verb;
	char name[64];

	fputs("usage: snapfs [-r REPO] [--json] [-q | -v] NOUN VERB "
	      "[ARGUMENT...]\n\n"
	      "Incremental snapshots of disks, and all of them at once as "
	      "plain files.\n\nVerbs:\n",
	      file);
	for (verb = sfs_verbs; *verb; verb++)
		entry(file, full_name(*verb, name), (*verb)->summary,
		      VERB_COLUMN);
	fputs("\nGlobal options:\n", file);
	put_options(file, sfs_global_options);
	fputs("\nSNAP is an id, a unique prefix of it (4 digits or more), "
	      "VOLUME@latest,\nVOLUME@-N or VOLUME@TIME.  An image's NAME can "
	      "be its id or a prefix of that\nas well.  See 'snapfs help "
	      "VERB' and snapfs(1).\n",
	      file);
}

static int run_help(struct sfs_cmd *cmd)
{
	char **words = cmd->args.words;
	size_t count = cmd->args.word_count;
	const struct sfs_verb *verb;

	if (count == 0) {
		sfs_help_all(stdout);
		return 0;
	}
	if (count == 1 && sfs_verb_is_noun(words[0])) {
		sfs_help_noun(stdout, words[0]);
		return 0;
	}
	verb = sfs_verb_find(count == 2 ? words[0] : NULL, words[count - 1]);
	if (!verb)
		return sfs_message_usage("snapfs", "no help on '%s%s%s'",
					 words[0], count == 2 ? " " : "",
					 count == 2 ? words[1] : "");
	sfs_help_verb(stdout, verb);
	return 0;
}

const struct sfs_verb sfs_verb_help = {
	.name = "help",
	.words = "[VERB]",
	.summary = "Show what there is, or what a verb does.",
	.max_words = 2,
	.complete = SFS_COMPLETE_VERB,
	.run = run_help,
};
