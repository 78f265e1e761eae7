/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/repo.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format/time.h"
#include "src/log.h"

#define CONFIG_NAME "snapfs.json"

static int check_params(uint32_t chunk_size, const char *compression)
{
	if (chunk_size < SFS_CHUNK_SIZE_MIN ||
	    chunk_size > SFS_CHUNK_SIZE_MAX ||
	    (chunk_size & (chunk_size - 1)) != 0) {
		sfs_err("chunk size %u: must be a power of two from 4K to 1M",
			chunk_size);
		return -EINVAL;
	}
	if (strcmp(compression, "lz4") != 0 &&
	    strcmp(compression, "lz4hc") != 0 &&
	    strcmp(compression, "none") != 0) {
		sfs_err("compression '%s': must be lz4, lz4hc or none",
			compression);
		return -EINVAL;
	}
	return 0;
}

int sfs_repo_init(const char *path, uint32_t chunk_size,
		  const char *compression)
{
	CLEANUP_STORE struct sfs_store *store = NULL;
	CLEANUP_FREE char *bytes = NULL;
	struct sfs_config config = { .chunk_size = chunk_size };
	size_t size;
	int r;

	r = check_params(chunk_size, compression);
	if (r < 0)
		return r;
	r = sfs_store_create(path);
	if (r < 0)
		return r;
	snprintf(config.compression, sizeof(config.compression), "%s",
		 compression);
	sfs_random(config.uuid, sizeof(config.uuid));
	config.uuid[6] = (config.uuid[6] & 0x0f) | 0x40; /* RFC 4122, 4 */
	config.uuid[8] = (config.uuid[8] & 0x3f) | 0x80;
	sfs_random(config.secret, sizeof(config.secret));
	config.created_ns = sfs_now_ns() / SFS_SECOND * SFS_SECOND;
	r = sfs_record_encode_config(&config, &bytes, &size);
	if (r < 0)
		return r;
	r = sfs_store_open_new(path, &store);
	if (r < 0)
		return r;
	r = sfs_store_put(store, SFS_AREA_TOP, CONFIG_NAME, bytes, size, false);
	if (r == -EEXIST)
		sfs_err("'%s': is a snapfs repository already", path);
	return r;
}

static int read_config(struct sfs_store *store, struct sfs_config *ret)
{
	CLEANUP_FREE char *bytes = NULL;
	const char *reason = NULL;
	char why[128];
	size_t size;
	int r;

	r = sfs_store_get(store, SFS_AREA_TOP, CONFIG_NAME, &bytes, &size);
	if (r < 0)
		return r;
	r = sfs_record_decode_config(bytes, size, ret, why, &reason);
	if (r == -EOPNOTSUPP)
		sfs_err("'%s': made by a newer snapfs: %s",
			sfs_store_path(store), reason);
	else if (r < 0)
		sfs_err("'%s/" CONFIG_NAME "': %s; put back a copy of it from "
			"a backup of the repository",
			sfs_store_path(store), reason);
	return r;
}

int sfs_repo_open(const char *path, size_t chunk_cache_size,
		  struct sfs_repo **ret)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	int r;

	repo = sfs_calloc(1, sizeof(*repo));
	if (!repo)
		return -ENOMEM;
	r = sfs_store_open(path, &repo->store);
	if (r < 0)
		return r;
	r = read_config(repo->store, &repo->config);
	if (r < 0)
		return r;
	r = sfs_chunks_new(repo->store, &repo->config,
			   chunk_cache_size ? chunk_cache_size
					    : SFS_CHUNK_CACHE_DEFAULT,
			   SFS_NODE_CACHE_DEFAULT, &repo->chunks);
	if (r < 0)
		return r;
	r = sfs_catalog_open(repo->store, &repo->config, &repo->catalog);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(repo);
	return 0;
}

int sfs_repo_check_writable(const struct sfs_repo *repo)
{
	if (repo->config.read_only) {
		sfs_err("'%s': has a feature of a newer snapfs, which alone "
			"may write to it",
			sfs_store_path(repo->store));
		return -EROFS;
	}
	if (!sfs_store_writable(repo->store)) {
		sfs_err("'%s': the repository cannot be written",
			sfs_store_path(repo->store));
		return -EROFS;
	}
	return 0;
}

int sfs_repo_lock_records(const struct sfs_repo *repo, struct sfs_lock **ret)
{
	int r;

	r = sfs_repo_check_writable(repo);
	if (r < 0)
		return r;
	return sfs_store_lock(repo->store, SFS_LOCK_RECORDS, NULL, true, true,
			      ret);
}

void sfs_repo_close(struct sfs_repo *repo)
{
	if (!repo)
		return;
	sfs_catalog_close(repo->catalog);
	sfs_chunks_free(repo->chunks);
	sfs_store_close(repo->store);
	explicit_bzero(repo->config.secret, sizeof(repo->config.secret));
	free(repo);
}
