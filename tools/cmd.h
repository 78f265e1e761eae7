/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_CMD_H
#define SNAPFS_TOOLS_CMD_H

/* Verbs as tables: dispatch, help and completion are made from them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "src/repo.h"
#include "src/util.h"
#include "tools/opts.h"

struct sfs_cmd;

#define SFS_WORDS_ANY SIZE_MAX

struct sfs_verb {
	const char *noun; /* NULL for a verb that stands alone */
	const char *name;
	const char *words;   /* of the synopsis; NULL: takes none */
	const char *summary; /* one line, imperative */
	const char *text;    /* more, paragraphs parted by a newline, or NULL */
	const struct sfs_opt *options;
	size_t min_words;
	size_t max_words;	    /* or SFS_WORDS_ANY */
	enum sfs_complete complete; /* the first word */
	enum sfs_complete more;	    /* the others */
	const char *choices;	    /* with SFS_COMPLETE_CHOICE */

	/* Returns 0, a negative errno (told already), or an exit status. */
	int (*run)(struct sfs_cmd *cmd);
};

/* A verb with what the user gave it; words are without noun and verb. */
struct sfs_cmd {
	const struct sfs_verb *verb;
	struct sfs_args args;
	bool json;
	bool verbose;
};

/* All verbs in the order of the help; the last is NULL. */
extern const struct sfs_verb *const sfs_verbs[];
extern const struct sfs_opt sfs_global_options[];

extern const struct sfs_verb sfs_verb_init;
extern const struct sfs_verb sfs_verb_snapshot_create;
extern const struct sfs_verb sfs_verb_snapshot_list;
extern const struct sfs_verb sfs_verb_snapshot_show;
extern const struct sfs_verb sfs_verb_snapshot_diff;
extern const struct sfs_verb sfs_verb_snapshot_tag;
extern const struct sfs_verb sfs_verb_snapshot_restore;
extern const struct sfs_verb sfs_verb_snapshot_delete;
extern const struct sfs_verb sfs_verb_snapshot_attach;
extern const struct sfs_verb sfs_verb_snapshot_detach;
extern const struct sfs_verb sfs_verb_snapshot_share;
extern const struct sfs_verb sfs_verb_snapshot_unshare;
extern const struct sfs_verb sfs_verb_image_create;
extern const struct sfs_verb sfs_verb_image_register;
extern const struct sfs_verb sfs_verb_image_list;
extern const struct sfs_verb sfs_verb_image_show;
extern const struct sfs_verb sfs_verb_image_tag;
extern const struct sfs_verb sfs_verb_image_rename;
extern const struct sfs_verb sfs_verb_image_share;
extern const struct sfs_verb sfs_verb_image_unshare;
extern const struct sfs_verb sfs_verb_image_deprecate;
extern const struct sfs_verb sfs_verb_image_disable;
extern const struct sfs_verb sfs_verb_image_enable;
extern const struct sfs_verb sfs_verb_image_protect;
extern const struct sfs_verb sfs_verb_image_unprotect;
extern const struct sfs_verb sfs_verb_image_deregister;
extern const struct sfs_verb sfs_verb_image_restore;
extern const struct sfs_verb sfs_verb_image_launch;
extern const struct sfs_verb sfs_verb_image_export;
extern const struct sfs_verb sfs_verb_image_import;
extern const struct sfs_verb sfs_verb_volume_list;
extern const struct sfs_verb sfs_verb_volume_show;
extern const struct sfs_verb sfs_verb_gc;
extern const struct sfs_verb sfs_verb_check;
extern const struct sfs_verb sfs_verb_stats;
extern const struct sfs_verb sfs_verb_rebuild;
extern const struct sfs_verb sfs_verb_mount;
extern const struct sfs_verb sfs_verb_umount;
extern const struct sfs_verb sfs_verb_completion;
extern const struct sfs_verb sfs_verb_version;
extern const struct sfs_verb sfs_verb_help;

/* The verb of @noun (NULL for none) and @name, or NULL. */
const struct sfs_verb *sfs_verb_find(const char *noun, const char *name);
bool sfs_verb_is_noun(const char *name);

/* Open the repository of -r or SNAPFS_REPOSITORY.  -ENOMEDIUM: there is none
 * at that place, so that it is not taken for a missing snapshot. */
SFS_MUST_CHECK int sfs_cmd_open(const struct sfs_cmd *cmd,
				struct sfs_repo **ret);

/* Split K=V, judge both parts and set it in @tags. */
SFS_MUST_CHECK int sfs_cmd_tag(const struct sfs_cmd *cmd, const char *text,
			       struct sfs_tags *tags);

/* The options that name what is made, and what they say.  *ret_description is
 * NULL when none was given. */
#define SFS_LABEL_OPTIONS                                                      \
	{ .name = "description",                                               \
	  .letter = 'd',                                                       \
	  .argument = "TEXT",                                                  \
	  .help = "at most 255 bytes" },                                       \
	{                                                                      \
		.name = "tag", .argument = "K=V", .repeat = true,              \
		.help = "a tag; may be given again"                            \
	}
SFS_MUST_CHECK int sfs_cmd_labels(const struct sfs_cmd *cmd,
				  const char **ret_description,
				  struct sfs_tags *tags);

/* The time that option @name gives; of what it names, a whole day perhaps, the
 * first or the @last nanosecond.  0 when it was not given. */
SFS_MUST_CHECK int sfs_cmd_time(const struct sfs_cmd *cmd, const char *name,
				bool last, int64_t *ret_ns);

/* SFS_EXIT_DAMAGE, with the reason told, when records are missing from a list
 * because they are damaged; else 0. */
SFS_MUST_CHECK int sfs_cmd_check_listed(struct sfs_repo *repo);

/* The help of one verb, of a noun's verbs, of all; to @file. */
void sfs_help_verb(FILE *file, const struct sfs_verb *verb);
void sfs_help_noun(FILE *file, const char *noun);
void sfs_help_all(FILE *file);

/* The exit status of what a verb returned; see INTERFACE: 0 done, 1 failed,
 * 2 usage, 3 in part, 10 no repository, 11 busy, 13 damage, 130 stopped. */
int sfs_exit_status(int r);
#define SFS_EXIT_PART	3
#define SFS_EXIT_DAMAGE 13

#endif
