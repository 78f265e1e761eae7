/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Completion scripts, made from the tables of verbs and options.  What is in
 * a repository (snapshots, volumes, images) the scripts ask `snapfs snapshot
 * list` and `image list` for, with the -r of the line that is being completed.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/cmd.h"
#include "tools/completion.h"
#include "tools/message.h"

static const char *const kind_names[] = {
	[SFS_COMPLETE_NONE] = "none",
	[SFS_COMPLETE_FILE] = "file",
	[SFS_COMPLETE_DIR] = "dir",
	[SFS_COMPLETE_SNAPSHOT] = "snapshot",
	[SFS_COMPLETE_VOLUME] = "volume",
	[SFS_COMPLETE_IMAGE] = "image",
	[SFS_COMPLETE_SOURCE] = "source",
	[SFS_COMPLETE_DISK] = "disk",
	[SFS_COMPLETE_MAPPING] = "mapping",
	[SFS_COMPLETE_GRANTEE] = "grantee",
	[SFS_COMPLETE_CHOICE] = "choice",
	[SFS_COMPLETE_VERB] = "verb",
};

const char *sfs_completion_kind(enum sfs_complete complete)
{
	return kind_names[complete];
}

const char *sfs_completion_verb_name(const struct sfs_verb *verb,
				     char name[SFS_COMPLETION_NAME])
{
	snprintf(name, SFS_COMPLETION_NAME, "%s%s%s",
		 verb->noun ? verb->noun : "", verb->noun ? " " : "",
		 verb->name);
	return name;
}

void sfs_completion_quoted(const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*s);
	}
}

/* What behind "snapfs" may stand: verbs that stand alone, and each noun. */
bool sfs_completion_first(const struct sfs_verb *const *verb)
{
	return !(*verb)->noun || verb == sfs_verbs || !verb[-1]->noun ||
	       strcmp(verb[-1]->noun, (*verb)->noun) != 0;
}

static void first_words(void)
{
	const struct sfs_verb *const *verb;

	for (verb = sfs_verbs; *verb; verb++)
		if (sfs_completion_first(verb))
			printf("%s%s", verb == sfs_verbs ? "" : " ",
			       (*verb)->noun ? (*verb)->noun : (*verb)->name);
}

static void second_words(const char *noun)
{
	const struct sfs_verb *const *verb;
	const char *space = "";

	for (verb = sfs_verbs; *verb; verb++)
		if ((*verb)->noun && strcmp((*verb)->noun, noun) == 0) {
			printf("%s%s", space, (*verb)->name);
			space = " ";
		}
}

void sfs_completion_nouns(const char *separator)
{
	const struct sfs_verb *const *verb;
	const char *between = "";

	for (verb = sfs_verbs; *verb; verb++)
		if ((*verb)->noun && sfs_completion_first(verb)) {
			printf("%s%s", between, (*verb)->noun);
			between = separator;
		}
}

static void option_words(const struct sfs_opt *opt)
{
	for (; opt && opt->name; opt++)
		printf(" --%s", opt->name);
}

/* The case arms that say, by verb, what may come. */
static void bash_verbs(void)
{
	const struct sfs_verb *const *verb;
	char name[SFS_COMPLETION_NAME];

	printf("\t'') kind=choice choices='");
	first_words();
	puts("' ;;");
	for (verb = sfs_verbs; *verb; verb++) {
		if ((*verb)->noun && sfs_completion_first(verb)) {
			printf("\t'%s') kind=choice choices='", (*verb)->noun);
			second_words((*verb)->noun);
			puts("' ;;");
		}
		printf("\t'%s') kind=%s more=%s choices='%s",
		       sfs_completion_verb_name(*verb, name),
		       sfs_completion_kind((*verb)->complete),
		       sfs_completion_kind((*verb)->more),
		       (*verb)->choices ? (*verb)->choices : "");
		if ((*verb)->complete == SFS_COMPLETE_VERB)
			first_words();
		printf("' options='");
		option_words((*verb)->options);
		puts("' ;;");
	}
}

static void bash_values(const struct sfs_opt *opt, const char *verb)
{
	for (; opt && opt->name; opt++) {
		if (!opt->argument)
			continue;
		printf("\t%s:--%s", verb, opt->name);
		if (opt->letter)
			printf(" | %s:-%c", verb, opt->letter);
		printf(") value=%s choices='%s' optional=%s ;;\n",
		       sfs_completion_kind(opt->complete),
		       opt->choices ? opt->choices : "",
		       opt->optional ? "yes" : "");
	}
}

static void bash_option_values(void)
{
	const struct sfs_verb *const *verb;
	char name[SFS_COMPLETION_NAME], quoted[SFS_COMPLETION_NAME + 2];

	bash_values(sfs_global_options, "*");
	for (verb = sfs_verbs; *verb; verb++) {
		snprintf(quoted, sizeof(quoted), "'%s'",
			 sfs_completion_verb_name(*verb, name));
		bash_values((*verb)->options, quoted);
	}
}

static const char bash_start[] =
	"# bash completion for snapfs, made by 'snapfs completion bash'\n"
	"\n"
	"_snapfs_list()\n"
	"{\n"
	"\tlocal id volume rest\n"
	"\n"
	"\tif [[ $1 == image ]]; then\n"
	"\t\tsnapfs \"${repository[@]}\" -q image list --all 2>/dev/null |\n"
	"\t\tsed -n 's/^\\(.*[^ ]\\)  *img-[0-9a-f]\\{17\\} .*/\\1/p'\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tsnapfs \"${repository[@]}\" -q snapshot list 2>/dev/null |\n"
	"\twhile read -r id volume rest; do\n"
	"\t\tcase $1:$id in\n"
	"\t\tsnapshot:snap-*) echo \"$id $volume@latest\" ;;\n"
	"\t\tvolume:snap-*) echo \"$volume\" ;;\n"
	"\t\tesac\n"
	"\tdone | sort -u\n"
	"}\n"
	"\n"
	"# Split $line at spaces as the shell does: into words, the last of "
	"them\n"
	"# what is being completed, with the quote that it stands in.\n"
	"_snapfs_split()\n"
	"{\n"
	"\tlocal c i word='' some=''\n"
	"\n"
	"\tfor ((i = 0; i < ${#line}; i++)); do\n"
	"\t\tc=${line:i:1}\n"
	"\t\tif [[ $c == \\\\ && $quote != \\' ]]; then\n"
	"\t\t\ti=$((i + 1)) some=yes\n"
	"\t\t\tword+=${line:i:1}\n"
	"\t\telif [[ $c == \"$quote\" ]]; then\n"
	"\t\t\tquote=''\n"
	"\t\telif [[ -z $quote && $c == [\\\"\\'] ]]; then\n"
	"\t\t\tquote=$c some=yes\n"
	"\t\telif [[ -z $quote && $c == [[:space:]] ]]; then\n"
	"\t\t\t[[ -z $some ]] || words+=(\"$word\")\n"
	"\t\t\tword='' some=''\n"
	"\t\telse\n"
	"\t\t\tword+=$c some=yes\n"
	"\t\tfi\n"
	"\tdone\n"
	"\twords+=(\"$word\")\n"
	"}\n"
	"\n"
	"# Make the images that begin with $cur COMPREPLY, quoted like it.\n"
	"_snapfs_images()\n"
	"{\n"
	"\tlocal name\n"
	"\n"
	"\twhile IFS= read -r name; do\n"
	"\t\t[[ $name == \"$cur\"* ]] || continue\n"
	"\t\tname=${name#\"$word\"}\n"
	"\t\tcase $quote in\n"
	"\t\t'') printf -v name %q \"$name\" ;;\n"
	"\t\t\\') name=${name//\\'/\\'\\\\\\'\\'} ;;\n"
	"\t\tesac\n"
	"\t\tCOMPREPLY+=(\"$name\")\n"
	"\tdone < <(_snapfs_list image)\n"
	"}\n"
	"\n"
	"_snapfs()\n"
	"{\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} verb='' kind='' choices=''\n"
	"\tlocal options='' value='' optional='' head='' cur full prev word i\n"
	"\tlocal breaks='' more='' quote='' count=0\n"
	"\tlocal -a words=() repository=()\n"
	"\n"
	"\t_snapfs_split\n"
	"\tfull=${words[${#words[@]} - 1]} cur=$full\n"
	"\tprev=${words[${#words[@]} - 2]}\n"
	"\tfor ((i = 1; i < ${#words[@]} - 1; i++)); do\n"
	"\t\tword=${words[i]}\n"
	"\t\tcase $word in\n"
	"\t\t-r | --repository)\n"
	"\t\t\ti=$((i + 1))\n"
	"\t\t\trepository=(-r \"${words[i]/#\\~/$HOME}\") ;;\n"
	"\t\t--repository=*) repository=(-r \"${word#*=}\") ;;\n"
	"\t\t-*) ;;\n"
	"\t\t*) case $verb in\n"
	"\t\t\t'') verb=$word ;;\n";

static const char bash_middle[] = "\t\t\tesac ;;\n"
				  "\t\tesac\n"
				  "\tdone\n"
				  "\tif [[ $cur == --*=* ]]; then\n"
				  "\t\thead=${cur%%=*}=\n"
				  "\t\tprev=${cur%%=*} cur=${cur#*=}\n"
				  "\tfi\n"
				  "\tcase $verb in\n";

static const char bash_end[] =
	"\tesac\n"
	"\t((count == 0)) || kind=$more\n"
	"\tif [[ -n $value && ( -n $head || -z $optional ) ]]; then\n"
	"\t\tkind=$value options=''\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\tkind=choice choices=\"$options $globals\"\n"
	"\tfi\n"
	"\tcase $kind:$cur in\n"
	"\tsource:*=* | disk:*=*)\n"
	"\t\thead=${cur%%=*}= cur=${cur#*=} kind=file ;;\n"
	"\tmapping:*=*)\n"
	"\t\thead=${cur%%=*}= cur=${cur#*=} kind=choice\n"
	"\t\tchoices=\"$(_snapfs_list snapshot) empty,size= none\" ;;\n"
	"\tgrantee:user:*) head=user: cur=${cur#*:} kind=user ;;\n"
	"\tgrantee:group:*) head=group: cur=${cur#*:} kind=group ;;\n"
	"\tesac\n"
	"\t# readline splits words at these and wants what comes behind.\n"
	"\tword=\n"
	"\t[[ $COMP_WORDBREAKS != *=* ]] || breaks+='='\n"
	"\t[[ $COMP_WORDBREAKS != *@* ]] || breaks+='@'\n"
	"\t[[ $COMP_WORDBREAKS != *:* ]] || breaks+=':'\n"
	"\tif [[ -z $quote && -n $breaks && $full == *[\"$breaks\"]* ]]; then\n"
	"\t\tword=${full%\"${full##*[\"$breaks\"]}\"}\n"
	"\tfi\n"
	"\tcase $kind in\n"
	"\tfile) compopt -o filenames\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -P \"$head\" -f -- \"$cur\") ;;\n"
	"\tdir) compopt -o filenames\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -P \"$head\" -d -- \"$cur\") ;;\n"
	"\tsource) compopt -o nospace; choices=$(_snapfs_list volume)\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -S = -W \"$choices\" -- "
	"\"$cur\") ;;\n"
	"\tuser | group)\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -P \"$head\" -A \"$kind\" -- "
	"\"$cur\") ;;\n"
	"\tgrantee) compopt -o nospace; choices='user: group: all' ;;&\n"
	"\tsnapshot | volume) choices=$(_snapfs_list \"$kind\") ;;&\n"
	"\tsnapshot | volume | grantee | choice | verb)\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -P \"$head\" -W \"$choices\" "
	"-- \"$cur\") ;;\n"
	"\timage) _snapfs_images\n"
	"\t\treturn ;;\n"
	"\tesac\n"
	"\tCOMPREPLY=(\"${COMPREPLY[@]#\"$word\"}\")\n"
	"}\n"
	"complete -F _snapfs snapfs";

static void bash(void)
{
	fputs(bash_start, stdout);
	fputs("\t\t\t", stdout);
	sfs_completion_nouns(" | ");
	puts(") verb+=\" $word\" ;;");
	puts("\t\t\t*) count=$((count + 1)) ;;");
	fputs(bash_middle, stdout);
	bash_verbs();
	puts("\tesac");
	printf("\tlocal globals='");
	option_words(sfs_global_options);
	puts("'");
	puts("\tcase $verb:$prev in");
	bash_option_values();
	puts(bash_end);
}

static int run(struct sfs_cmd *cmd)
{
	const char *shell = cmd->args.words[0];

	if (strcmp(shell, "bash") == 0)
		bash();
	else if (strcmp(shell, "zsh") == 0)
		sfs_completion_zsh();
	else if (strcmp(shell, "fish") == 0)
		sfs_completion_fish();
	else
		return sfs_message_usage(cmd->args.context,
					 "shell '%s': there are bash, zsh and "
					 "fish",
					 shell);
	return 0;
}

const struct sfs_verb sfs_verb_completion = {
	.name = "completion",
	.words = "bash|zsh|fish",
	.summary = "Print the completion script of a shell.",
	.text = "For bash: source <(snapfs completion bash). An installed "
		"snapfs brings the scripts with it.",
	.min_words = 1,
	.max_words = 1,
	.complete = SFS_COMPLETE_CHOICE,
	.choices = "bash zsh fish",
	.run = run,
};
