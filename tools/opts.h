/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_OPTS_H
#define SNAPFS_TOOLS_OPTS_H

/*
 * Options from tables.  The same tables make the help and the completion, so
 * the three cannot disagree.  An option is written --name, --name=VALUE,
 * --name VALUE, -x, -xVALUE or -x VALUE; options and words may be mixed; "--"
 * ends the options.  Names are not abbreviated: scripts would break when an
 * option is added.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/cleanup.h"
#include "src/util.h"

/* What an option's value or a verb's words complete to. */
enum sfs_complete {
	SFS_COMPLETE_NONE,
	SFS_COMPLETE_FILE,
	SFS_COMPLETE_DIR,
	SFS_COMPLETE_SNAPSHOT,
	SFS_COMPLETE_VOLUME,
	SFS_COMPLETE_IMAGE,
	SFS_COMPLETE_SOURCE,  /* VOLUME=FILE */
	SFS_COMPLETE_DISK,    /* DEVICE=FILE */
	SFS_COMPLETE_MAPPING, /* DEVICE=SNAPSHOT */
	SFS_COMPLETE_GRANTEE, /* user:U, group:G, all */
	SFS_COMPLETE_CHOICE,  /* one of a list of words */
	SFS_COMPLETE_VERB,
};

struct sfs_opt {
	const char *name; /* without dashes; NULL ends a table */
	char letter;	  /* 0: none */
	bool repeat;	  /* may be given more than once */
	bool optional;	  /* the value, which then needs --name=VALUE */
	enum sfs_complete complete;
	const char *choices;  /* separated by spaces */
	const char *argument; /* what help calls the value; NULL: a flag */
	const char *help;
};

struct sfs_opt_value {
	const struct sfs_opt *opt;
	const char *value; /* NULL for a flag and a value left out */
};

/* What was given.  Strings are borrowed from argv. */
struct sfs_args {
	const char *context;		 /* "snapfs snapshot create" */
	const struct sfs_opt *tables[2]; /* the second may be NULL */
	struct sfs_opt_value *values;
	size_t value_count;
	size_t value_capacity;
	char **words;
	size_t word_count;
	size_t word_capacity;
	bool ended;	 /* there was a "--", */
	size_t ended_at; /* before this word */
};

void sfs_args_done(struct sfs_args *args);
#define CLEANUP_ARGS __attribute__((cleanup(sfs_args_done)))

/* Parse on from argv[*index].  With @one_word, stop behind the first word.
 * -EINVAL, with the reason told, on anything that the tables do not have. */
SFS_MUST_CHECK int sfs_args_parse(struct sfs_args *args, char **argv,
				  int *index, bool one_word);

/* Whether option @name was given. */
bool sfs_args_has(const struct sfs_args *args, const char *name);
/* Its last value, or NULL. */
const char *sfs_args_get(const struct sfs_args *args, const char *name);
/* All its values, in an array that is the caller's to free. */
SFS_MUST_CHECK int sfs_args_list(const struct sfs_args *args, const char *name,
				 char ***ret, size_t *ret_count);

/* Bytes, or a number with K, M, G, T or P (powers of 1024), "iB" optional.
 * Returns 0 or -EINVAL. */
SFS_MUST_CHECK int sfs_opts_size(const char *s, uint64_t *ret);

#endif
