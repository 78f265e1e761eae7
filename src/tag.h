/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_TAG_H
#define SNAPFS_SRC_TAG_H

/* Tagging: replacing a snapshot's record with one that differs in its tags
 * only.  FORMAT.md, "Tagging". */

#include <stddef.h>

#include "src/repo.h"
#include "src/snapshot.h"
#include "src/util.h"

/* Set the tags @set and remove those with the keys @unset on the committed
 * snapshot @id; *ret is the snapshot as it is then.  -E2BIG too many tags;
 * -EROFS; -EOPNOTSUPP a record with members of a newer version;
 * -ENOENT, logged, when it is or has just been deleted. */
SFS_MUST_CHECK int sfs_tag(struct sfs_repo *repo, const char *id,
			   const struct sfs_tags *set, char *const *unset,
			   size_t unset_count, struct sfs_snapshot **ret);

#endif
