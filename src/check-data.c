/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "src/check-run.h"
#include "src/chunk.h"
#include "src/codec.h"
#include "src/workpool.h"

/* Packs are read in pieces of this size, whatever slots they hold. */
#define PIECE (UINT32_C(1) << 20)
/* Fewer unneeded bytes than this are read along. */
#define GAP   (UINT32_C(64) << 10)
#define ROWS  2048u
#define DEPTH 32u

/* Slots that lie near each other in one pack. */
struct piece {
	uint64_t pack;
	uint64_t bytes; /* of the slots, without gaps */
	uint32_t offset;
	uint32_t size;
	uint32_t count;
	uint32_t bad; /* how many */
	struct sfs_row rows[ROWS];
	const char *why[ROWS]; /* NULL: it is as it should be */
};

struct reader {
	struct sfs_check *check;
	struct sfs_workpool *pool;
	uint8_t *buffers; /* buffer_size a thread */
	size_t buffer_size;
	struct piece *pieces; /* DEPTH */
	size_t next;
};

static void reader_done(struct reader *reader)
{
	sfs_workpool_free(reader->pool);
	free(reader->buffers);
	free(reader->pieces);
}

#define CLEANUP_READER __attribute__((cleanup(reader_done)))

/* ---- one slot ---- */

int sfs_check_slot(const struct sfs_config *config,
		   const struct sfs_entry *entry, const uint8_t *bytes,
		   uint8_t *decoded, const char **reterr_why)
{
	struct sfs_slot slot;
	struct sfs_hash hash;
	int r;

	r = sfs_slot_decode(bytes, SFS_SLOT_HEADER_SIZE + entry->stored,
			    entry->pack, entry->offset, config->chunk_size,
			    &slot, reterr_why);
	if (r < 0)
		return r;
	if (slot.kind != entry->kind) {
		*reterr_why = "slot of another kind";
		return -EUCLEAN;
	}
	r = sfs_codec_decompress(slot.codec, bytes + SFS_SLOT_HEADER_SIZE,
				 slot.stored, decoded, slot.length);
	if (r < 0) {
		*reterr_why = "slot does not decompress";
		return r;
	}
	sfs_chunk_hash(config, decoded, slot.length, &hash);
	if (memcmp(&hash, &entry->hash, sizeof(hash)) != 0) {
		*reterr_why = "content is not what its hash says";
		return -EBADMSG;
	}
	return 0;
}

int sfs_check_read_slot(struct sfs_check *check, const struct sfs_entry *entry,
			const char **reterr_why)
{
	size_t size = SFS_SLOT_HEADER_SIZE + entry->stored;
	int r;

	r = sfs_check_step(check, size);
	if (r < 0)
		return r;
	check->result.slots_read++;
	r = sfs_store_read_pack(check->repo->store, entry->pack,
				check->slot_bytes, size, entry->offset);
	if (r < 0) {
		*reterr_why = sfs_damage_text(r);
		return r;
	}
	return sfs_check_slot(&check->repo->config, entry, check->slot_bytes,
			      check->decoded, reterr_why);
}

/* ---- what workers do ---- */

static const char *check_row(const struct reader *reader,
			     const struct piece *piece,
			     const struct sfs_row *row, const uint8_t *bytes,
			     uint8_t *decoded)
{
	const struct sfs_entry entry = {
		.pack = piece->pack,
		.offset = row->offset,
		.stored = row->stored,
		.hash = row->hash,
		.kind = row->kind,
	};
	const char *why;
	int r;

	r = sfs_check_slot(&reader->check->repo->config, &entry, bytes, decoded,
			   &why);
	return r < 0 ? why : NULL;
}

static const char *read_row(const struct reader *reader,
			    const struct piece *piece,
			    const struct sfs_row *row, uint8_t *bytes)
{
	int r;

	r = sfs_store_read_pack(reader->check->repo->store, piece->pack, bytes,
				SFS_SLOT_HEADER_SIZE + row->stored,
				row->offset);
	return r < 0 ? sfs_damage_text(r) : NULL;
}

static void work(void *argument, unsigned worker, void *context)
{
	const struct reader *reader = context;
	uint8_t *buffer = reader->buffers + worker * reader->buffer_size;
	uint8_t *decoded = buffer + reader->buffer_size -
			   reader->check->repo->config.chunk_size;
	struct piece *piece = argument;
	const struct sfs_row *row;
	uint8_t *bytes = buffer;
	bool at_once;
	uint32_t i;

	at_once = sfs_store_read_pack(reader->check->repo->store, piece->pack,
				      buffer, piece->size, piece->offset) == 0;
	for (i = 0; i < piece->count; i++) {
		row = &piece->rows[i];
		/* Where not all can be read, perhaps most of it can. */
		piece->why[i] =
			at_once ? NULL : read_row(reader, piece, row, buffer);
		if (at_once)
			bytes = buffer + (row->offset - piece->offset);
		if (!piece->why[i])
			piece->why[i] =
				check_row(reader, piece, row, bytes, decoded);
		piece->bad += piece->why[i] != NULL;
	}
}

/* ---- what the caller's thread does ---- */

static int report_slots(struct sfs_check *check, const struct piece *piece)
{
	struct sfs_damage damage = {
		.kind = SFS_DAMAGE_SLOT,
		.pack = piece->pack,
	};
	uint32_t i;
	int r;

	for (i = 0; i < piece->count; i++) {
		if (!piece->why[i])
			continue;
		damage.slot_offset = piece->rows[i].offset;
		damage.why = piece->why[i];
		r = sfs_places_add(&check->places, SFS_MARK_SLOT, piece->pack,
				   damage.slot_offset);
		if (r < 0)
			return r;
		sfs_check_report(check, &damage);
	}
	return 0;
}

static int finish(struct reader *reader, const struct piece *piece)
{
	struct sfs_check *check = reader->check;
	int r;

	check->result.slots_read += piece->count;
	if (piece->bad > 0) {
		r = report_slots(check, piece);
		if (r < 0)
			return r;
	}
	return sfs_check_step(check, piece->bytes);
}

/* Gather what is needed from @row on; returns the row to go on with. */
static uint32_t gather(const struct sfs_check_pack *pack, uint32_t row,
		       struct piece *piece)
{
	const struct sfs_row *slot;
	uint32_t end;

	piece->pack = pack->id;
	piece->bytes = 0;
	piece->size = piece->count = piece->bad = 0;
	for (; row < pack->count && piece->count < ROWS; row++) {
		if (!sfs_check_live(pack, row))
			continue;
		slot = &pack->rows[row];
		if (piece->count == 0)
			piece->offset = slot->offset;
		end = slot->offset + SFS_SLOT_HEADER_SIZE + slot->stored -
		      piece->offset;
		if (piece->count > 0 &&
		    (end > PIECE ||
		     slot->offset - piece->offset > piece->size + GAP))
			break;
		piece->size = end;
		piece->bytes += SFS_SLOT_HEADER_SIZE + slot->stored;
		piece->rows[piece->count++] = *slot;
	}
	return row;
}

static int read_pack(struct reader *reader, struct sfs_check_pack *pack)
{
	struct piece *piece;
	uint32_t row = 0;
	int r;

	r = sfs_check_load_pack(reader->check, pack);
	if (r < 0)
		return r;
	if (!pack->rows)
		return 0; /* its table went bad meanwhile: reported */
	while (row < pack->count) {
		if (sfs_workpool_full(reader->pool)) {
			r = finish(reader, sfs_workpool_collect(reader->pool));
			if (r < 0)
				return r;
		}
		piece = &reader->pieces[reader->next % DEPTH];
		row = gather(pack, row, piece);
		if (piece->count == 0)
			break;
		reader->next++;
		sfs_store_prefetch_pack(reader->check->repo->store, pack->id,
					piece->offset, piece->size);
		sfs_workpool_submit(reader->pool, piece);
	}
	return 0;
}

static bool wanted(const struct sfs_check *check,
		   const struct sfs_check_pack *pack)
{
	const struct sfs_check_options *options = check->options;

	return pack->live &&
	       (options->slice_m == 0 ||
		pack->id % options->slice_m == options->slice_n - 1);
}

static void announce(struct sfs_check *check)
{
	struct sfs_progress *progress = check->options->progress;
	size_t i;

	if (!progress)
		return;
	progress->total_bytes = progress->done_bytes;
	for (i = 0; i < check->pack_count; i++)
		if (wanted(check, &check->packs[i]))
			progress->total_bytes += check->packs[i].live_bytes;
}

static int start(struct reader *reader)
{
	const struct sfs_check *check = reader->check;
	uint32_t chunk_size = check->repo->config.chunk_size;
	int r;

	reader->pieces = sfs_calloc(DEPTH, sizeof(*reader->pieces));
	if (!reader->pieces)
		return -ENOMEM;
	r = sfs_workpool_new(check->options->threads, DEPTH, work, reader,
			     &reader->pool);
	if (r < 0)
		return r;
	/* A piece, or one slot that is larger, and a decoded chunk. */
	reader->buffer_size = PIECE + SFS_SLOT_HEADER_SIZE + chunk_size;
	reader->buffers = sfs_malloc(reader->buffer_size *
				     sfs_workpool_threads(reader->pool));
	return reader->buffers ? 0 : -ENOMEM;
}

int sfs_check_data(struct sfs_check *check)
{
	CLEANUP_READER struct reader reader = { .check = check };
	struct piece *piece;
	size_t i;
	int r;

	r = start(&reader);
	if (r < 0)
		return r;
	announce(check);
	for (i = 0; i < check->pack_count; i++) {
		if (!wanted(check, &check->packs[i]))
			continue;
		r = read_pack(&reader, &check->packs[i]);
		if (r < 0)
			return r;
	}
	while ((piece = sfs_workpool_collect(reader.pool))) {
		r = finish(&reader, piece);
		if (r < 0)
			return r;
	}
	return 0;
}
