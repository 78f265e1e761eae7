/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_REPO_H
#define SNAPFS_SRC_REPO_H

/* An open repository: the store and all that reads from it. */

#include <stdbool.h>
#include <stddef.h>

#include "src/catalog.h"
#include "src/chunk.h"
#include "src/cleanup.h"
#include "src/record.h"
#include "src/store.h"
#include "src/util.h"

/* Immutable after open. */
struct sfs_repo {
	struct sfs_store *store;
	struct sfs_config config;
	struct sfs_chunks *chunks;
	struct sfs_catalog *catalog;
};

#define SFS_CHUNK_CACHE_DEFAULT ((size_t)64 << 20)
#define SFS_NODE_CACHE_DEFAULT	((size_t)16 << 20)

/* Make a repository at @path; publishing snapfs.json is the commit.
 * @compression: "lz4", "lz4hc" or "none".  Logs what is wrong. */
SFS_MUST_CHECK int sfs_repo_init(const char *path, uint32_t chunk_size,
				 const char *compression);

/* Open.  -ENOENT no repository there, -EOPNOTSUPP newer format, -EUCLEAN or
 * -EBADMSG damaged snapfs.json; all logged.  @chunk_cache_size 0 is the
 * default. */
SFS_MUST_CHECK int sfs_repo_open(const char *path, size_t chunk_cache_size,
				 struct sfs_repo **ret);
/* -EROFS, logged, when nothing may be written: by its mode, its file system,
 * or a feature of a newer version. */
SFS_MUST_CHECK int sfs_repo_check_writable(const struct sfs_repo *repo);

/* The records lock, for who is about to replace, move or add records that
 * others judge by: waits for it, since nobody has it for long.  -EROFS as
 * above. */
SFS_MUST_CHECK int sfs_repo_lock_records(const struct sfs_repo *repo,
					 struct sfs_lock **ret);

void sfs_repo_close(struct sfs_repo *repo);
SFS_DEFINE_CLEANUP(struct sfs_repo, sfs_repo_close);
#define CLEANUP_REPO __attribute__((cleanup(sfs_repo_closep)))

#endif
