/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_TAG_H
#define SNAPFS_SRC_TAG_H

/* Tagging and the like: replacing a snapshot's record with one that differs in
 * what people may change of it.  FORMAT.md, "Tagging". */

#include <stddef.h>

#include "src/repo.h"
#include "src/snapshot.h"
#include "src/util.h"

/* Replace the record of the committed snapshot @id by one that @edit changed;
 * *ret, unless NULL, is the snapshot as it is then.  @edit returns 0, or an
 * error that it has logged.  -EROFS; -EOPNOTSUPP a record with members of a
 * newer version; -ENOENT it is or has just been deleted; all logged. */
SFS_MUST_CHECK int sfs_snapshot_edit(struct sfs_repo *repo, const char *id,
				     int (*edit)(struct sfs_snapshot *snapshot,
						 void *context),
				     void *context, struct sfs_snapshot **ret);

/* Set the tags @set and remove those with the keys @unset on the committed
 * snapshot @id, as sfs_snapshot_edit() does.  -E2BIG too many tags. */
SFS_MUST_CHECK int sfs_tag(struct sfs_repo *repo, const char *id,
			   const struct sfs_tags *set, char *const *unset,
			   size_t unset_count, struct sfs_snapshot **ret);

/* The same change to @tags, for who edits. */
SFS_MUST_CHECK int sfs_tags_change(struct sfs_tags *tags,
				   const struct sfs_tags *set,
				   char *const *unset, size_t unset_count);

#endif
