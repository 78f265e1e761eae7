/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tools/completion.h"

static const char start[] =
	"# fish completion for snapfs, made by 'snapfs completion fish'\n"
	"\n"
	"# Print the -r of the line, and the noun and verb on it.\n"
	"function __snapfs_line\n"
	"    set -l verb\n"
	"    set -l repository\n"
	"    set -l skip\n"
	"    set -l count 0\n"
	"    for word in (commandline -opc)[2..-1]\n"
	"        if test -n \"$skip\"\n"
	"            set repository $word\n"
	"            set skip\n"
	"            continue\n"
	"        end\n"
	"        switch $word\n"
	"            case -r --repository\n"
	"                set skip yes\n"
	"            case '--repository=*'\n"
	"                set repository (string replace -r '^[^=]*=' '' -- "
	"$word)\n"
	"            case '-*'\n"
	"            case '*'\n"
	"                switch \"$verb\"\n"
	"                    case ''\n"
	"                        set verb $word\n"
	"                    case ";

static const char middle[] =
	"\n"
	"                        set verb \"$verb $word\"\n"
	"                    case '*'\n"
	"                        set count (math $count + 1)\n"
	"                end\n"
	"        end\n"
	"    end\n"
	"    switch $argv[1]\n"
	"        case verb\n"
	"            echo $verb\n"
	"        case count\n"
	"            echo $count\n"
	"        case repository\n"
	"            test -n \"$repository\"; and printf '%s\\n' -r "
	"$repository\n"
	"    end\n"
	"end\n"
	"\n"
	"function __snapfs_at\n"
	"    test (__snapfs_line verb) = \"$argv\"\n"
	"end\n"
	"\n"
	"function __snapfs_first\n"
	"    __snapfs_at $argv; and test (__snapfs_line count) = 0\n"
	"end\n"
	"\n"
	"function __snapfs_more\n"
	"    __snapfs_at $argv; and test (__snapfs_line count) != 0\n"
	"end\n"
	"\n"
	"function __snapfs_list\n"
	"    snapfs (__snapfs_line repository) -q snapshot list 2>/dev/null |\n"
	"    while read -l id volume rest\n"
	"        switch \"$argv[1]:$id\"\n"
	"            case 'snapshot:snap-*'\n"
	"                printf '%s\\n' $id $volume@latest\n"
	"            case 'volume:snap-*'\n"
	"                echo \"$volume$argv[2]\"\n"
	"        end\n"
	"    end | sort -u\n"
	"end\n"
	"\n"
	"function __snapfs_images\n"
	"    snapfs (__snapfs_line repository) -q image list --all 2>/dev/null "
	"|\n"
	"    string replace -rf '^(.*\\S) +img-[0-9a-f]{17} .*' '$1'\n"
	"end\n"
	"\n"
	"function __snapfs_mappings\n"
	"    set -l device (string match -r '^[^=]*=' -- (commandline -ct))\n"
	"    and printf '%s\\n' $device(__snapfs_list snapshot) \\\n"
	"        $device'empty,size=' $device'none'\n"
	"end\n"
	"\n"
	"function __snapfs_grantees\n"
	"    echo all\n"
	"    printf 'user:%s\\n' (__fish_complete_users)\n"
	"    printf 'group:%s\\n' (__fish_complete_groups)\n"
	"end\n"
	"\n"
	"complete -c snapfs -f";

/* What the words or the value of @complete are, as options of complete. */
static void put_candidates(enum sfs_complete complete, const char *choices)
{
	switch (complete) {
	case SFS_COMPLETE_SNAPSHOT:
		printf(" -a '(__snapfs_list snapshot)'");
		break;
	case SFS_COMPLETE_VOLUME:
		printf(" -a '(__snapfs_list volume)'");
		break;
	case SFS_COMPLETE_SOURCE:
		printf(" -F -a '(__snapfs_list volume =)'");
		break;
	case SFS_COMPLETE_IMAGE:
		printf(" -a '(__snapfs_images)'");
		break;
	case SFS_COMPLETE_MAPPING:
		printf(" -a '(__snapfs_mappings)'");
		break;
	case SFS_COMPLETE_GRANTEE:
		printf(" -a '(__snapfs_grantees)'");
		break;
	case SFS_COMPLETE_CHOICE:
		assert(choices);
		printf(" -a '%s'", choices);
		break;
	case SFS_COMPLETE_FILE:
	case SFS_COMPLETE_DISK:
		printf(" -F");
		break;
	case SFS_COMPLETE_DIR:
		printf(" -a '(__fish_complete_directories)'");
		break;
	default:
		break;
	}
}

static void put_text(const char *text)
{
	printf(" -d '");
	sfs_completion_quoted(text);
	puts("'");
}

static void put_option(const struct sfs_opt *opt, const char *verb)
{
	printf("complete -c snapfs");
	if (verb)
		printf(" -n '__snapfs_at %s'", verb);
	printf(" -l %s", opt->name);
	if (opt->letter)
		printf(" -s %c", opt->letter);
	if (opt->argument && !opt->optional) {
		printf(" -x");
		put_candidates(opt->complete, opt->choices);
	}
	put_text(opt->help);
}

static void put_first(const struct sfs_verb *verb, const char *at)
{
	printf("complete -c snapfs -n '__snapfs_at %s' -a %s", at,
	       verb->noun ? verb->noun : verb->name);
	if (verb->noun)
		putchar('\n');
	else
		put_text(verb->summary);
}

static void put_words(const char *which, const char *name,
		      enum sfs_complete complete, const char *choices)
{
	if (complete == SFS_COMPLETE_NONE)
		return;
	printf("complete -c snapfs -n '__snapfs_%s %s'", which, name);
	put_candidates(complete, choices);
	putchar('\n');
}

static void put_verb(const struct sfs_verb *verb)
{
	char name[SFS_COMPLETION_NAME];
	const struct sfs_opt *opt;

	if (verb->noun) {
		printf("complete -c snapfs -n '__snapfs_at %s' -a %s",
		       verb->noun, verb->name);
		put_text(verb->summary);
	}
	sfs_completion_verb_name(verb, name);
	if (verb->complete != SFS_COMPLETE_VERB)
		put_words("first", name, verb->complete, verb->choices);
	put_words("more", name, verb->more, NULL);
	for (opt = verb->options; opt && opt->name; opt++)
		put_option(opt, name);
}

void sfs_completion_fish(void)
{
	const struct sfs_verb *const *verb;
	const struct sfs_opt *opt;

	fputs(start, stdout);
	sfs_completion_nouns(" ");
	puts(middle);
	for (opt = sfs_global_options; opt->name; opt++)
		put_option(opt, NULL);
	for (verb = sfs_verbs; *verb; verb++) {
		if (sfs_completion_first(verb)) {
			put_first(*verb, "");
			put_first(*verb, "help");
		}
		put_verb(*verb);
	}
}
