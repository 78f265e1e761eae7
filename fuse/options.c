/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/options.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "src/log.h"

static const char usage[] =
	"Usage: mount.snapfs REPOSITORY DIRECTORY [-sfnv] [-o OPTION[,...]]\n"
	"Show all snapshots of a repository as raw disk images.\n"
	"\n"
	"  -o ro                the same as noscratch\n"
	"  -o allow_other       let other users in\n"
	"  -o allow_root        let root in, as well as the mounter\n"
	"  -o uid=U,gid=G       owner of all files (the mounter)\n"
	"  -o umask=OCTAL       permissions to take away\n"
	"  -o cache_size=SIZE   memory for decoded data, with K, M or G (64M)\n"
	"  -o scratch_dir=DIR   where what is written to scratch/ goes "
	"(/var/tmp)\n"
	"  -o noscratch         no writable copies in scratch/\n"
	"  -o foreground        do not become a daemon\n"
	"  -o log=FILE          messages to FILE, not to syslog\n"
	"  -f, --fake           check everything, mount nothing\n"
	"  -s, --sloppy         ignore unknown options\n"
	"  -v, --verbose        say more\n"
	"  -N NAMESPACE         mount in the namespace of this process or "
	"file\n"
	"  -n, -t TYPE          accepted for mount(8)\n"
	"  -h, --help           show this\n"
	"  -V, --version        show the version\n"
	"\n"
	"See mount.snapfs(8).\n";

/* What mount(8) hands on although it is its own affair, and the flags that
 * make no difference to a mount that is always nosuid, nodev, noexec and
 * noatime.  Refusing them breaks boots. */
static const char *const dropped[] = {
	"rw",	    "defaults", "auto",		 "noauto",     "user",
	"nouser",   "users",	"owner",	 "group",      "nofail",
	"_netdev",  "comment",	"suid",		 "nosuid",     "dev",
	"nodev",    "exec",	"noexec",	 "atime",      "noatime",
	"diratime", "relatime", "nodiratime",	 "norelatime", "strictatime",
	"lazytime", "sync",	"nostrictatime", "nolazytime", "async",
	"dirsync",  "silent",	"loud",
};

/* Known to a later snapfs: better refused than believed. */
static const char *const later[] = { "files" };

static int bad_value(const char *word, const char *value, const char *want)
{
	sfs_err("option '%s=%s': must be %s", word, value ? value : "", want);
	return -EINVAL;
}

static int set_allow_other(struct sfs_mount_options *options, const char *value)
{
	(void)value;
	options->allow_other = true;
	return 0;
}

static int set_allow_root(struct sfs_mount_options *options, const char *value)
{
	(void)value;
	options->allow_root = true;
	return 0;
}

static int set_noscratch(struct sfs_mount_options *options, const char *value)
{
	(void)value;
	options->noscratch = true;
	return 0;
}

static int set_foreground(struct sfs_mount_options *options, const char *value)
{
	(void)value;
	options->foreground = true;
	return 0;
}

/* All of @s as a number below 2^32 - 1, which means "no id". */
static bool parse_id(const char *s, int base, uint32_t *ret)
{
	unsigned long long n;
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	n = strtoull(s, &end, base);
	if (errno || *end || n >= UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

static int set_uid(struct sfs_mount_options *options, const char *value)
{
	const struct passwd *user;
	uint32_t id;

	if (!parse_id(value, 10, &id)) {
		user = getpwnam(value);
		if (!user)
			return bad_value("uid", value, "a user or its number");
		id = user->pw_uid;
	}
	options->uid = id;
	options->uid_given = true;
	return 0;
}

static int set_gid(struct sfs_mount_options *options, const char *value)
{
	const struct group *group;
	uint32_t id;

	if (!parse_id(value, 10, &id)) {
		group = getgrnam(value);
		if (!group)
			return bad_value("gid", value, "a group or its number");
		id = group->gr_gid;
	}
	options->gid = id;
	return 0;
}

static int set_umask(struct sfs_mount_options *options, const char *value)
{
	uint32_t mask;

	if (!parse_id(value, 8, &mask) || mask > 0777)
		return bad_value("umask", value, "octal, at most 777");
	options->umask = mask;
	return 0;
}

static int set_cache_size(struct sfs_mount_options *options, const char *value)
{
	static const char suffixes[] = "KMGT";
	static const char want[] = "a size such as 256M, at least 1M";
	unsigned long long n;
	const char *suffix;
	unsigned shift = 0;
	char *end;

	if (*value < '0' || *value > '9')
		return bad_value("cache_size", value, want);
	errno = 0;
	n = strtoull(value, &end, 10);
	if (*end) {
		suffix = strchr(suffixes, *end);
		if (!suffix || end[1])
			return bad_value("cache_size", value, want);
		shift = 10 * (unsigned)(suffix - suffixes + 1);
	}
	if (errno || n > SIZE_MAX >> shift || n << shift < (1u << 20))
		return bad_value("cache_size", value, want);
	options->cache_size = (size_t)n << shift;
	return 0;
}

static int set_text(const char *value, char **ret)
{
	free(*ret);
	*ret = sfs_strdup(value);
	return *ret ? 0 : -ENOMEM;
}

static int set_log(struct sfs_mount_options *options, const char *value)
{
	if (!*value)
		return bad_value("log", value, "the name of a file");
	return set_text(value, &options->log);
}

static int set_scratch_dir(struct sfs_mount_options *options, const char *value)
{
	if (!*value)
		return bad_value("scratch_dir", value,
				 "the name of a directory");
	return set_text(value, &options->scratch_dir);
}

static const struct word {
	const char *name;
	bool has_value;
	int (*set)(struct sfs_mount_options *options, const char *value);
} words_known[] = {
	{ "allow_other", false, set_allow_other },
	{ "allow_root", false, set_allow_root },
	{ "foreground", false, set_foreground },
	{ "noscratch", false, set_noscratch },
	{ "ro", false, set_noscratch },
	{ "uid", true, set_uid },
	{ "gid", true, set_gid },
	{ "umask", true, set_umask },
	{ "cache_size", true, set_cache_size },
	{ "log", true, set_log },
	{ "scratch_dir", true, set_scratch_dir },
};

static bool is_in(const char *name, const char *const *list, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(name, list[i]) == 0)
			return true;
	}
	return false;
}

static int refuse(const struct sfs_mount_options *options, const char *name)
{
	if (options->sloppy) {
		sfs_debug("option '%s': unknown, ignored", name);
		return 0;
	}
	if (is_in(name, later, SFS_ARRAY_SIZE(later)))
		sfs_err("option '%s': not supported by this version of snapfs; "
			"leave it out",
			name);
	else if (strcmp(name, "remount") == 0)
		sfs_err("option 'remount': not supported; "
			"unmount, and mount again");
	else
		sfs_err("option '%s': unknown; see mount.snapfs(8), or ignore "
			"such options with -s",
			name);
	return -EINVAL;
}

static int set_word(struct sfs_mount_options *options, char *text)
{
	char *value = strchr(text, '=');
	const struct word *word;
	size_t i;

	if (value)
		*value++ = '\0';
	for (i = 0; i < SFS_ARRAY_SIZE(words_known); i++) {
		word = &words_known[i];
		if (strcmp(text, word->name) != 0)
			continue;
		if (!word->has_value && value)
			return bad_value(text, value, "without a value");
		if (word->has_value && !value)
			return bad_value(text, value, "given a value");
		return word->set(options, value);
	}
	if (strncmp(text, "x-", 2) == 0 || strncmp(text, "X-", 2) == 0 ||
	    is_in(text, dropped, SFS_ARRAY_SIZE(dropped)))
		return 0;
	return refuse(options, text);
}

int sfs_mount_options_words(struct sfs_mount_options *options, char *words)
{
	char *word;
	int r;

	for (word = strsep(&words, ","); word; word = strsep(&words, ",")) {
		if (!*word)
			continue;
		r = set_word(options, word);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_operand(struct sfs_mount_options *options, const char *text)
{
	char **place = &options->repository;

	if (*place)
		place = &options->directory;
	if (*place) {
		sfs_err("'%s': one argument too many; "
			"give the repository and the directory",
			text);
		return -EINVAL;
	}
	*place = sfs_strdup(text);
	return *place ? 0 : -ENOMEM;
}

/* All -o together, so that -s counts wherever it stands. */
static int add_words(char **words, const char *more)
{
	char *joined = sfs_asprintf("%s,%s", *words ? *words : "", more);

	if (!joined)
		return -ENOMEM;
	free(*words);
	*words = joined;
	return 0;
}

static int set_flag(struct sfs_mount_options *options, int flag, char **words)
{
	switch (flag) {
	case 1:
		return add_operand(options, optarg);
	case 'o':
		return add_words(words, optarg);
	case 'N':
		return set_text(optarg, &options->namespace);
	case 's':
		options->sloppy = true;
		return 0;
	case 'f':
		options->fake = true;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case 'n':
	case 't':
		return 0;
	case 'h':
		fputs(usage, stdout);
		return 1;
	case 'V':
		puts("mount.snapfs " SFS_VERSION);
		return 1;
	default:
		sfs_err("try 'mount.snapfs --help'");
		return -EINVAL;
	}
}

int sfs_mount_options_parse(struct sfs_mount_options *options, int argc,
			    char **argv)
{
	/* '-': operands come in order as flag 1, whatever POSIXLY_CORRECT
	 * says; mount(8) puts the flags last. */
	static const char flags[] = "-sfnvN:t:o:hV";
	static const struct option names[] = {
		{ "sloppy", no_argument, NULL, 's' },
		{ "fake", no_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "options", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	CLEANUP_FREE char *words = NULL;
	int flag, r;

	*options = (struct sfs_mount_options){
		.mounter = getuid(),
		.uid = getuid(),
		.gid = getgid(),
	};
	while ((flag = getopt_long(argc, argv, flags, names, NULL)) != -1) {
		r = set_flag(options, flag, &words);
		if (r != 0)
			return r;
	}
	for (; optind < argc; optind++) {
		r = add_operand(options, argv[optind]);
		if (r < 0)
			return r;
	}
	if (!options->directory) {
		sfs_err("a repository and a directory are needed; "
			"try 'mount.snapfs --help'");
		return -EINVAL;
	}
	return words ? sfs_mount_options_words(options, words) : 0;
}

void sfs_mount_options_done(struct sfs_mount_options *options)
{
	free(options->repository);
	free(options->directory);
	free(options->namespace);
	free(options->log);
	free(options->scratch_dir);
	*options = (struct sfs_mount_options){ 0 };
}
