/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_COMPLETION_H
#define SNAPFS_TOOLS_COMPLETION_H

#include <stdbool.h>

#include "tools/cmd.h"

#define SFS_COMPLETION_NAME 64

/* The word by which the scripts tell what to complete. */
const char *sfs_completion_kind(enum sfs_complete complete);
/* "snapshot create"; returns @name. */
const char *sfs_completion_verb_name(const struct sfs_verb *verb,
				     char name[SFS_COMPLETION_NAME]);
/* Print @s as it stands within single quotes. */
void sfs_completion_quoted(const char *s);
/* Whether @verb, a place in sfs_verbs, is the first with its first word. */
bool sfs_completion_first(const struct sfs_verb *const *verb);
/* Print all nouns. */
void sfs_completion_nouns(const char *separator);

/* Print the scripts. */
void sfs_completion_zsh(void);
void sfs_completion_fish(void);

#endif
