/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FORMAT_PACK_H
#define SNAPFS_FORMAT_PACK_H

/*
 * Packs: FORMAT.md, "Packs".
 *
 *	header | slot | slot | ... | table | footer
 *
 * A slot is a header of 16 bytes and the stored bytes of one chunk or node.
 * The table repeats each slot's length, kind and hash in order, so that a
 * slot's offset follows from the ones before it.  The slot's check is seeded
 * with its place: a slot that is read from anywhere else does not verify.
 */

#include <stddef.h>
#include <stdint.h>

#include "format/id.h"
#include "format/map.h"

#define SFS_PACK_HEADER_SIZE 64u
#define SFS_PACK_FOOTER_SIZE 32u
#define SFS_SLOT_HEADER_SIZE 16u
#define SFS_SLOT_ROW_SIZE    20u /* one row of the table */

/* The least a pack can be: no slots. */
#define SFS_PACK_SIZE_MIN (SFS_PACK_HEADER_SIZE + SFS_PACK_FOOTER_SIZE)

enum sfs_codec {
	SFS_CODEC_RAW = 0,
	SFS_CODEC_LZ4 = 1,
};

struct sfs_pack_header {
	uint64_t id;
	uint8_t repository[SFS_UUID_LEN];
	uint32_t chunk_size;
};

struct sfs_pack_footer {
	uint64_t id;
	uint32_t slots;
	uint32_t table_offset;
};

/* What a slot's own header says. */
struct sfs_slot {
	uint32_t stored; /* bytes behind the header */
	uint32_t length; /* bytes once decoded */
	uint8_t codec;
	uint8_t kind;
};

/* One row of the table, with the offset that follows from its place. */
struct sfs_row {
	uint32_t offset;
	uint32_t stored;
	uint8_t kind;
	struct sfs_hash hash;
};

void sfs_pack_header_encode(const struct sfs_pack_header *header,
			    uint8_t ret[SFS_PACK_HEADER_SIZE]);

/* All decoders here return 0, -EUCLEAN (bad structure), -EBADMSG (wrong
 * check) or -EOPNOTSUPP (newer version), with *reterr_why set on failure. */
int sfs_pack_header_decode(const uint8_t *bytes, size_t size,
			   struct sfs_pack_header *ret,
			   const char **reterr_why);

/* Encode header and check around the @slot->stored bytes that already stand
 * at @bytes + SFS_SLOT_HEADER_SIZE.  @offset is the slot's place. */
void sfs_slot_encode(uint8_t *bytes, uint64_t pack, uint32_t offset,
		     const struct sfs_slot *slot);

/* Decode and verify the slot of @size bytes (header included) which was read
 * at @offset of @pack.  The stored length equals @size less the header; the
 * decoded length is what the kind asks for: @chunk_size or a node. */
int sfs_slot_decode(const uint8_t *bytes, size_t size, uint64_t pack,
		    uint32_t offset, uint32_t chunk_size, struct sfs_slot *ret,
		    const char **reterr_why);

/* Bytes of table and footer for @slots slots. */
static inline size_t sfs_pack_table_size(uint32_t slots)
{
	return (size_t)slots * SFS_SLOT_ROW_SIZE + SFS_PACK_FOOTER_SIZE;
}

/* Encode table and footer into @ret, sfs_pack_table_size() bytes.  Of @rows
 * the offsets are not stored, but must be what their order implies. */
void sfs_pack_table_encode(uint64_t pack, const struct sfs_row *rows,
			   uint32_t slots, uint8_t *ret);

/* Decode the last SFS_PACK_FOOTER_SIZE bytes of a pack of @pack_size bytes:
 * enough to know how much to read for the table.  The check waits for
 * sfs_pack_table_decode(). */
int sfs_pack_footer_decode(const uint8_t *bytes, size_t size,
			   uint64_t pack_size, struct sfs_pack_footer *ret,
			   const char **reterr_why);

/* Decode table and footer, the last @size bytes of the pack, into
 * @footer->slots rows. */
int sfs_pack_table_decode(const uint8_t *bytes, size_t size,
			  const struct sfs_pack_footer *footer,
			  uint32_t chunk_size, struct sfs_row *ret,
			  const char **reterr_why);

#endif
