/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "tools/completion.h"

static const char start[] =
	"#compdef snapfs\n"
	"# zsh completion for snapfs, made by 'snapfs completion zsh'\n"
	"\n"
	"_snapfs_list()\n"
	"{\n"
	"\tlocal id volume rest\n"
	"\n"
	"\tif [[ $1 == image ]]; then\n"
	"\t\tsnapfs $repository -q image list --all 2>/dev/null |\n"
	"\t\tsed -n 's/^\\(.*[^ ]\\)  *img-[0-9a-f]\\{17\\} .*/\\1/p'\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tsnapfs $repository -q snapshot list 2>/dev/null |\n"
	"\twhile read -r id volume rest; do\n"
	"\t\tcase $1:$id in\n"
	"\t\t(snapshot:snap-*) print -l -- $id $volume@latest ;;\n"
	"\t\t(volume:snap-*) print -- $volume ;;\n"
	"\t\tesac\n"
	"\tdone | sort -u\n"
	"}\n"
	"\n"
	"_snapfs()\n"
	"{\n"
	"\tlocal verb= kind=none more=none count=0 value= optional= prev word "
	"i\n"
	"\tlocal -a repository options values choices globals\n"
	"\n"
	"\tfor ((i = 2; i < CURRENT; i++)); do\n"
	"\t\tword=${words[i]}\n"
	"\t\tcase $word in\n"
	"\t\t(-r | --repository)\n"
	"\t\t\ti=$((i + 1))\n"
	"\t\t\trepository=(-r ${~words[i]}) ;;\n"
	"\t\t(--repository=*) repository=(-r ${word#*=}) ;;\n"
	"\t\t(-*) ;;\n"
	"\t\t(*) case $verb in\n"
	"\t\t\t('') verb=$word ;;\n";

static const char middle[] = "\t\t\tesac ;;\n"
			     "\t\tesac\n"
			     "\tdone\n"
			     "\tprev=${words[CURRENT-1]}\n"
			     "\tif [[ $PREFIX == --*=* ]]; then\n"
			     "\t\tprev=${PREFIX%%=*}\n"
			     "\t\toptional=given\n"
			     "\t\tcompset -P '*='\n"
			     "\tfi\n";

static const char end[] =
	"\tesac\n"
	"\t((count == 0)) || kind=$more\n"
	"\tif [[ -n $value && $optional != needed ]]; then\n"
	"\t\tkind=$value\n"
	"\telif [[ $PREFIX == -* ]]; then\n"
	"\t\t_describe -o option options -- globals\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tcase $kind in\n"
	"\t(file) _files ;;\n"
	"\t(dir) _files -/ ;;\n"
	"\t(snapshot | volume) compadd -- $(_snapfs_list $kind) ;;\n"
	"\t(source)\n"
	"\t\tif compset -P '*='; then\n"
	"\t\t\t_files\n"
	"\t\telse\n"
	"\t\t\tcompadd -S = -- $(_snapfs_list volume)\n"
	"\t\tfi ;;\n"
	"\t(image) compadd -- ${(f)\"$(_snapfs_list image)\"} ;;\n"
	"\t(disk) compset -P '*=' && _files ;;\n"
	"\t(mapping)\n"
	"\t\tif compset -P '*='; then\n"
	"\t\t\tcompadd -- $(_snapfs_list snapshot) none\n"
	"\t\t\tcompadd -S '' -- empty,size=\n"
	"\t\tfi ;;\n"
	"\t(grantee)\n"
	"\t\tif compset -P user:; then\n"
	"\t\t\t_users\n"
	"\t\telif compset -P group:; then\n"
	"\t\t\t_groups\n"
	"\t\telse\n"
	"\t\t\tcompadd -S '' -- user: group:\n"
	"\t\t\tcompadd -- all\n"
	"\t\tfi ;;\n"
	"\t(choice) compadd -- $choices ;;\n"
	"\t(verb) _describe verb values ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"if [[ $funcstack[1] == _snapfs ]]; then\n"
	"\t_snapfs \"$@\"\n"
	"else\n"
	"\tcompdef _snapfs snapfs\n"
	"fi";

static void put_entry(const char *dashes, const char *name, const char *help)
{
	printf(" '%s%s:", dashes, name);
	sfs_completion_quoted(help);
	putchar('\'');
}

static void put_options(const struct sfs_opt *opt)
{
	for (; opt && opt->name; opt++)
		put_entry("--", opt->name, opt->help);
}

static void first_words(void)
{
	const struct sfs_verb *const *verb;

	printf("kind=verb values=(");
	for (verb = sfs_verbs; *verb; verb++)
		if (sfs_completion_first(verb))
			put_entry("",
				  (*verb)->noun ? (*verb)->noun : (*verb)->name,
				  (*verb)->noun ? "see below"
						: (*verb)->summary);
	putchar(')');
}

static void second_words(const char *noun)
{
	const struct sfs_verb *const *verb;

	printf("\t('%s') kind=verb values=(", noun);
	for (verb = sfs_verbs; *verb; verb++)
		if ((*verb)->noun && strcmp((*verb)->noun, noun) == 0)
			put_entry("", (*verb)->name, (*verb)->summary);
	puts(") ;;");
}

static void put_verbs(void)
{
	const struct sfs_verb *const *verb;
	char name[SFS_COMPLETION_NAME];

	printf("\t('') ");
	first_words();
	puts(" ;;");
	for (verb = sfs_verbs; *verb; verb++) {
		if ((*verb)->noun && sfs_completion_first(verb))
			second_words((*verb)->noun);
		printf("\t('%s') ", sfs_completion_verb_name(*verb, name));
		if ((*verb)->complete == SFS_COMPLETE_VERB)
			first_words();
		else
			printf("kind=%s more=%s choices=(%s)",
			       sfs_completion_kind((*verb)->complete),
			       sfs_completion_kind((*verb)->more),
			       (*verb)->choices ? (*verb)->choices : "");
		printf(" options=(");
		put_options((*verb)->options);
		puts(") ;;");
	}
}

static void put_values(const struct sfs_opt *opt, const char *verb)
{
	for (; opt && opt->name; opt++) {
		if (!opt->argument)
			continue;
		printf("\t(%s:--%s", verb, opt->name);
		if (opt->letter)
			printf(" | %s:-%c", verb, opt->letter);
		printf(") value=%s choices=(%s) optional=%s ;;\n",
		       sfs_completion_kind(opt->complete),
		       opt->choices ? opt->choices : "",
		       opt->optional ? "${optional:-needed}" : "");
	}
}

void sfs_completion_zsh(void)
{
	const struct sfs_verb *const *verb;
	char name[SFS_COMPLETION_NAME], quoted[SFS_COMPLETION_NAME + 2];

	fputs(start, stdout);
	fputs("\t\t\t(", stdout);
	sfs_completion_nouns(" | ");
	puts(") verb+=\" $word\" ;;");
	puts("\t\t\t(*) ((count += 1)) ;;");
	fputs(middle, stdout);
	fputs("\tglobals=(", stdout);
	put_options(sfs_global_options);
	puts(")\n\tcase $verb in");
	put_verbs();
	puts("\tesac\n\tcase $verb:$prev in");
	put_values(sfs_global_options, "*");
	for (verb = sfs_verbs; *verb; verb++) {
		snprintf(quoted, sizeof(quoted), "'%s'",
			 sfs_completion_verb_name(*verb, name));
		put_values((*verb)->options, quoted);
	}
	puts(end);
}
