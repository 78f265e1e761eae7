/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/share.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/tables.h"

struct pack {
	uint64_t id;
	uint64_t size;
};

struct sfs_share {
	struct sfs_repo *repo;
	struct sfs_tables *tables;
	struct pack *packs; /* sorted by id */
	size_t count;
	size_t capacity;
};

static int add_pack(uint64_t id, uint64_t size, uint64_t allocated,
		    void *context)
{
	struct sfs_share *share = context;
	int r;

	(void)allocated;
	r = sfs_grow(&share->packs, &share->capacity, share->count,
		     sizeof(*share->packs));
	if (r < 0)
		return r;
	share->packs[share->count++] = (struct pack){ id, size };
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct pack *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

uint64_t sfs_share_pack_size(const struct sfs_share *share, uint64_t pack)
{
	const struct pack key = { pack, 0 };
	const struct pack *found;

	if (share->count == 0)
		return 0;
	found = bsearch(&key, share->packs, share->count, sizeof(key), compare);
	return found ? found->size : 0;
}

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
	r = sfs_store_list_packs(repo->store, add_pack, share);
	if (r < 0)
		return r;
	if (share->count)
		qsort(share->packs, share->count, sizeof(*share->packs),
		      compare);
	*ret = TAKE_PTR(share);
	return 0;
}

void sfs_share_free(struct sfs_share *share)
{
	if (!share)
		return;
	sfs_tables_free(share->tables);
	free(share->packs);
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
