/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_TAG_ARGS_H
#define SNAPFS_TOOLS_TAG_ARGS_H

/* Words that set and remove tags: K=V and K-, behind the first word. */

#include <stddef.h>

#include "src/snapshot.h"
#include "src/util.h"
#include "tools/cmd.h"

struct sfs_tag_args {
	struct sfs_tags set;
	char **unset; /* keys; borrowed from the words, the dash cut off */
	size_t unset_count;
};

SFS_MUST_CHECK int sfs_tag_args_parse(const struct sfs_cmd *cmd,
				      struct sfs_tag_args *ret);
void sfs_tag_args_done(struct sfs_tag_args *args);
#define CLEANUP_TAG_ARGS __attribute__((cleanup(sfs_tag_args_done)))

#endif
