/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/pack-writer.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "src/codec.h"
#include "src/workpool.h"

/* A pack is sealed at this size: large enough that files stay few (10^6 in
 * 32 TiB), small enough that an interrupted create loses little. */
#define PACK_TARGET (32u << 20)
#define PACK_SLOTS  (1u << 14)

/* Twice the slots, so that probes stay short. */
#define FIND_SIZE (PACK_SLOTS * 2)

/* One is filled while the other is published. */
#define BUFFERS 2

/* A pack in memory. */
struct pack {
	struct sfs_pack_writer *writer;
	uint64_t id;
	uint8_t *bytes;
	uint32_t size; /* used of bytes */
	struct sfs_row *rows;
	uint32_t slots;
	uint32_t *find; /* row number + 1, by hash; open addressing */
	int result;	/* of publishing */
	bool busy;	/* being published */
};

struct sfs_pack_writer {
	struct sfs_repo *repo;
	struct sfs_workpool *publisher;
	struct pack packs[BUFFERS];
	unsigned current;
	uint64_t total;
	uint8_t *scratch; /* one decoded chunk */
	struct sfs_pack_set published;
};

void sfs_pack_set_add(struct sfs_pack_set *set, uint64_t pack)
{
	unsigned dir = (unsigned)(pack >> 56);

	if (set->has[dir])
		return;
	set->has[dir] = true;
	set->ids[set->count++] = pack;
}

/* ---- publishing, in the publisher's thread ---- */

static void publish(void *job, unsigned worker, void *context)
{
	struct sfs_pack_writer *writer = context;
	CLEANUP_FREE uint8_t *table = NULL;
	struct pack *pack = job;
	struct iovec iov[2];
	size_t size;

	(void)worker;
	size = sfs_pack_table_size(pack->slots);
	table = sfs_malloc(size);
	if (!table) {
		pack->result = -ENOMEM;
		return;
	}
	sfs_pack_table_encode(pack->id, pack->rows, pack->slots, table);
	iov[0] = (struct iovec){ pack->bytes, pack->size };
	iov[1] = (struct iovec){ table, size };
	pack->result =
		sfs_store_put_pack(writer->repo->store, pack->id, iov, 2);
	if (pack->result == 0)
		sfs_catalog_add_pack(writer->repo->catalog, pack->id,
				     pack->rows, pack->slots);
}

/* ---- filling ---- */

/* Room for the target, and for the slot that goes beyond it. */
static size_t capacity(const struct sfs_repo *repo)
{
	return PACK_TARGET + SFS_SLOT_HEADER_SIZE +
	       sfs_max(repo->config.chunk_size, SFS_NODE_SIZE);
}

static void start(struct pack *pack)
{
	struct sfs_pack_header header = {
		.chunk_size = pack->writer->repo->config.chunk_size,
	};

	sfs_random(&pack->id, sizeof(pack->id));
	header.id = pack->id;
	memcpy(header.repository, pack->writer->repo->config.uuid,
	       sizeof(header.repository));
	sfs_pack_header_encode(&header, pack->bytes);
	pack->size = SFS_PACK_HEADER_SIZE;
	pack->slots = 0;
	pack->result = 0;
	pack->busy = false;
	memset(pack->find, 0, FIND_SIZE * sizeof(*pack->find));
}

static int new_pack(struct sfs_pack_writer *writer, struct pack *pack)
{
	pack->writer = writer;
	pack->bytes = sfs_malloc(capacity(writer->repo));
	pack->rows = sfs_malloc(PACK_SLOTS * sizeof(*pack->rows));
	pack->find = sfs_malloc(FIND_SIZE * sizeof(*pack->find));
	if (!pack->bytes || !pack->rows || !pack->find)
		return -ENOMEM;
	start(pack);
	return 0;
}

int sfs_pack_writer_new(struct sfs_repo *repo, struct sfs_pack_writer **ret)
{
	CLEANUP_PACK_WRITER struct sfs_pack_writer *writer = NULL;
	unsigned i;
	int r;

	writer = sfs_calloc(1, sizeof(*writer));
	if (!writer)
		return -ENOMEM;
	writer->repo = repo;
	writer->scratch = sfs_malloc(repo->config.chunk_size);
	if (!writer->scratch)
		return -ENOMEM;
	for (i = 0; i < BUFFERS; i++) {
		r = new_pack(writer, &writer->packs[i]);
		if (r < 0)
			return r;
	}
	r = sfs_workpool_new(1, BUFFERS, publish, writer, &writer->publisher);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(writer);
	return 0;
}

void sfs_pack_writer_free(struct sfs_pack_writer *writer)
{
	unsigned i;

	if (!writer)
		return;
	sfs_workpool_free(writer->publisher);
	for (i = 0; i < BUFFERS; i++) {
		free(writer->packs[i].bytes);
		free(writer->packs[i].rows);
		free(writer->packs[i].find);
	}
	free(writer->scratch);
	free(writer);
}

/* Wait for the oldest pack under way and make its buffer ready again. */
static int collect(struct sfs_pack_writer *writer)
{
	struct pack *pack = sfs_workpool_collect(writer->publisher);
	int r;

	if (!pack)
		return 0;
	r = pack->result;
	if (r == 0)
		sfs_pack_set_add(&writer->published, pack->id);
	start(pack);
	return r;
}

static int seal(struct sfs_pack_writer *writer)
{
	struct pack *pack = &writer->packs[writer->current];

	if (pack->slots == 0)
		return 0;
	pack->busy = true;
	sfs_workpool_submit(writer->publisher, pack);
	writer->current = (writer->current + 1) % BUFFERS;
	return writer->packs[writer->current].busy ? collect(writer) : 0;
}

static uint32_t find_start(const struct sfs_hash *hash)
{
	uint32_t word;

	memcpy(&word, hash->b, sizeof(word));
	return word % FIND_SIZE;
}

static void remember(struct pack *pack, uint32_t row)
{
	uint32_t i = find_start(&pack->rows[row].hash);

	while (pack->find[i])
		i = (i + 1) % FIND_SIZE;
	pack->find[i] = row + 1;
}

int sfs_pack_writer_append(struct sfs_pack_writer *writer,
			   const struct sfs_slot *slot, const void *bytes,
			   const struct sfs_hash *hash, struct sfs_entry *ret)
{
	struct pack *pack = &writer->packs[writer->current];
	uint32_t size = SFS_SLOT_HEADER_SIZE + slot->stored;
	uint8_t *place;
	int r;

	if (pack->size >= PACK_TARGET || pack->slots == PACK_SLOTS) {
		r = seal(writer);
		if (r < 0)
			return r;
		pack = &writer->packs[writer->current];
	}
	place = pack->bytes + pack->size;
	memcpy(place + SFS_SLOT_HEADER_SIZE, bytes, slot->stored);
	sfs_slot_encode(place, pack->id, pack->size, slot);
	pack->rows[pack->slots] = (struct sfs_row){
		.offset = pack->size,
		.stored = slot->stored,
		.kind = slot->kind,
		.hash = *hash,
	};
	remember(pack, pack->slots);
	*ret = (struct sfs_entry){
		.pack = pack->id,
		.offset = pack->size,
		.stored = slot->stored,
		.kind = slot->kind,
		.hash = *hash,
	};
	pack->slots++;
	pack->size += size;
	writer->total += size + SFS_SLOT_ROW_SIZE;
	return 0;
}

/* Whether the chunk in @row decodes to @bytes.  It is our own memory, but a
 * hash alone decides nothing across volumes. */
static bool same_bytes(struct sfs_pack_writer *writer, const struct pack *pack,
		       const struct sfs_row *row, const void *bytes)
{
	const uint32_t chunk_size = writer->repo->config.chunk_size;
	const uint8_t *place = pack->bytes + row->offset;
	struct sfs_slot slot;
	const char *why;

	return sfs_slot_decode(place, SFS_SLOT_HEADER_SIZE + row->stored,
			       pack->id, row->offset, chunk_size, &slot,
			       &why) == 0 &&
	       sfs_codec_decompress(slot.codec, place + SFS_SLOT_HEADER_SIZE,
				    slot.stored, writer->scratch,
				    chunk_size) == 0 &&
	       memcmp(writer->scratch, bytes, chunk_size) == 0;
}

static int find_in_pack(struct sfs_pack_writer *writer, const struct pack *pack,
			const struct sfs_hash *hash, const void *bytes,
			struct sfs_entry *ret)
{
	const struct sfs_row *row;
	uint32_t i;

	for (i = find_start(hash); pack->find[i]; i = (i + 1) % FIND_SIZE) {
		row = &pack->rows[pack->find[i] - 1];
		if (row->kind != SFS_KIND_DATA ||
		    memcmp(&row->hash, hash, sizeof(*hash)) != 0 ||
		    !same_bytes(writer, pack, row, bytes))
			continue;
		*ret = (struct sfs_entry){
			.pack = pack->id,
			.offset = row->offset,
			.stored = row->stored,
			.kind = row->kind,
			.hash = *hash,
		};
		return 1;
	}
	return 0;
}

int sfs_pack_writer_find(struct sfs_pack_writer *writer,
			 const struct sfs_hash *hash, const void *bytes,
			 struct sfs_entry *ret)
{
	unsigned i;

	/* Packs under way are only read by the publisher, as here. */
	for (i = 0; i < BUFFERS; i++)
		if (find_in_pack(writer, &writer->packs[i], hash, bytes, ret))
			return 1;
	return 0;
}

int sfs_pack_writer_finish(struct sfs_pack_writer *writer)
{
	unsigned i;
	int r, first;

	first = seal(writer);
	for (i = 0; i < BUFFERS; i++) {
		r = collect(writer);
		if (first == 0)
			first = r;
	}
	return first;
}

uint64_t sfs_pack_writer_bytes(const struct sfs_pack_writer *writer)
{
	return writer->total;
}

const struct sfs_pack_set *
sfs_pack_writer_packs(const struct sfs_pack_writer *writer)
{
	return &writer->published;
}
