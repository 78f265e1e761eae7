/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/share.h"

#include <errno.h>
#include <string.h>

#include "src/tables.h"

struct sfs_share {
	struct sfs_repo *repo;
	struct sfs_tables *tables;
};

int sfs_share_new(struct sfs_repo *repo, struct sfs_share **ret)
{
	CLEANUP_SHARE struct sfs_share *share = NULL;
	int r;

	share = sfs_calloc(1, sizeof(*share));
	if (!share)
		return -ENOMEM;
	share->repo = repo;
	r = sfs_tables_new(repo->chunks, &share->tables);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(share);
	return 0;
}

void sfs_share_free(struct sfs_share *share)
{
	if (!share)
		return;
	sfs_tables_free(share->tables);
	free(share);
}

int sfs_share_same(struct sfs_share *share, const struct sfs_entry *entry,
		   const void *bytes, void *scratch)
{
	const uint32_t chunk_size = share->repo->config.chunk_size;
	uint8_t *decoded = scratch;
	uint8_t *slot = decoded + chunk_size;

	return sfs_chunk_load(share->repo->chunks, entry, slot, decoded) == 0 &&
	       memcmp(decoded, bytes, chunk_size) == 0;
}

int sfs_share_find(struct sfs_share *share, const struct sfs_hash *hash,
		   const void *bytes, void *scratch, struct sfs_entry *ret)
{
	struct sfs_candidate candidate;
	struct sfs_entry entry;
	struct sfs_row row;

	if (!sfs_catalog_find_chunk(share->repo->catalog, hash, &candidate) ||
	    sfs_tables_row(share->tables, candidate.pack, candidate.slot,
			   &row) < 0 ||
	    row.kind != SFS_KIND_DATA ||
	    memcmp(&row.hash, hash, sizeof(*hash)) != 0)
		return 0;
	entry = (struct sfs_entry){
		.pack = candidate.pack,
		.offset = row.offset,
		.stored = row.stored,
		.kind = SFS_KIND_DATA,
		.hash = *hash,
	};
	if (!sfs_share_same(share, &entry, bytes, scratch))
		return 0;
	*ret = entry;
	return 1;
}
