/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/opts.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "tools/message.h"

void sfs_args_done(struct sfs_args *args)
{
	free(args->values);
	free(args->words);
}

/* The option of @length bytes at @name, or of @letter. */
static const struct sfs_opt *find(const struct sfs_args *args, const char *name,
				  size_t length, char letter)
{
	const struct sfs_opt *opt;
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(args->tables); i++)
		for (opt = args->tables[i]; opt && opt->name; opt++)
			if (name ? strncmp(opt->name, name, length) == 0 &&
					    !opt->name[length]
				 : opt->letter == letter)
				return opt;
	return NULL;
}

static int add_value(struct sfs_args *args, const struct sfs_opt *opt,
		     const char *value)
{
	int r;

	if (!opt->repeat && opt->argument && sfs_args_has(args, opt->name))
		return sfs_message_usage(args->context, "'--%s' given twice",
					 opt->name);
	r = sfs_grow(&args->values, &args->value_capacity, args->value_count,
		     sizeof(*args->values));
	if (r < 0)
		return r;
	args->values[args->value_count++] =
		(struct sfs_opt_value){ .opt = opt, .value = value };
	return 0;
}

static int add_word(struct sfs_args *args, char *word)
{
	int r;

	r = sfs_grow(&args->words, &args->word_capacity, args->word_count,
		     sizeof(*args->words));
	if (r < 0)
		return r;
	args->words[args->word_count++] = word;
	return 0;
}

/* --name or --name=VALUE at argv[*index]. */
static int parse_long(struct sfs_args *args, char **argv, int *index)
{
	const char *name = argv[(*index)++] + 2;
	size_t length = strcspn(name, "=");
	const char *value = name[length] ? name + length + 1 : NULL;
	const struct sfs_opt *opt = find(args, name, length, 0);

	if (!opt)
		return sfs_message_usage(args->context,
					 "unknown option '--%.*s'", (int)length,
					 name);
	if (value && !opt->argument)
		return sfs_message_usage(args->context,
					 "option '--%s' takes no value",
					 opt->name);
	if (!value && opt->argument && !opt->optional) {
		value = argv[*index];
		if (!value)
			return sfs_message_usage(args->context,
						 "option '--%s' needs %s",
						 opt->name, opt->argument);
		(*index)++;
	}
	return add_value(args, opt, value);
}

/* One or more letters at argv[*index], the last perhaps with a value. */
static int parse_short(struct sfs_args *args, char **argv, int *index)
{
	const char *s = argv[(*index)++] + 1;
	const struct sfs_opt *opt;
	int r;

	for (; *s; s++) {
		opt = find(args, NULL, 0, *s);
		if (!opt)
			return sfs_message_usage(args->context,
						 "unknown option '-%c'", *s);
		if (opt->argument && !opt->optional) {
			if (s[1])
				return add_value(args, opt, s + 1);
			if (argv[*index])
				return add_value(args, opt, argv[(*index)++]);
			return sfs_message_usage(args->context,
						 "option '-%c' needs %s", *s,
						 opt->argument);
		}
		r = add_value(args, opt, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

int sfs_args_parse(struct sfs_args *args, char **argv, int *index,
		   bool one_word)
{
	int r;

	while (argv[*index]) {
		if (!args->ended && strcmp(argv[*index], "--") == 0) {
			args->ended = true;
			args->ended_at = args->word_count;
			(*index)++;
			continue;
		}
		if (!args->ended && strncmp(argv[*index], "--", 2) == 0)
			r = parse_long(args, argv, index);
		else if (!args->ended && argv[*index][0] == '-' &&
			 argv[*index][1])
			r = parse_short(args, argv, index);
		else
			r = add_word(args, argv[(*index)++]);
		if (r < 0 || (one_word && args->word_count > 0))
			return r;
	}
	return 0;
}

bool sfs_args_has(const struct sfs_args *args, const char *name)
{
	size_t i;

	assert(find(args, name, strlen(name), 0));
	for (i = 0; i < args->value_count; i++)
		if (strcmp(args->values[i].opt->name, name) == 0)
			return true;
	return false;
}

const char *sfs_args_get(const struct sfs_args *args, const char *name)
{
	const char *value = NULL;
	size_t i;

	assert(find(args, name, strlen(name), 0));
	for (i = 0; i < args->value_count; i++)
		if (strcmp(args->values[i].opt->name, name) == 0)
			value = args->values[i].value;
	return value;
}

int sfs_args_list(const struct sfs_args *args, const char *name, char ***ret,
		  size_t *ret_count)
{
	size_t i, count = 0;
	char **list;

	assert(find(args, name, strlen(name), 0));
	list = sfs_calloc(args->value_count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (i = 0; i < args->value_count; i++)
		if (strcmp(args->values[i].opt->name, name) == 0)
			list[count++] = (char *)args->values[i].value;
	*ret = list;
	*ret_count = count;
	return 0;
}

int sfs_opts_size(const char *s, uint64_t *ret)
{
	static const char units[] = "KMGTP";
	const char *unit;
	uint64_t value;
	char *end;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(s, &end, 10);
	if (errno)
		return -EINVAL;
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		if (__builtin_mul_overflow(
			    value, UINT64_C(1) << (10 * (unit - units + 1)),
			    &value))
			return -EINVAL;
		end++;
		if (strcmp(end, "iB") == 0)
			end += 2;
	}
	if (*end)
		return -EINVAL;
	*ret = value;
	return 0;
}
