/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FORMAT_EXPORT_H
#define SNAPFS_FORMAT_EXPORT_H

/*
 * Image files, a machine image as one object: FORMAT.md, "Image files".
 *
 *	header | block | block | ... | index | records | footer
 *
 * The index has a row for each block that is not zeros, in order; stored
 * blocks lie in that order without gaps, so that their offsets follow.  Index,
 * records and footer are the file's tail; one check covers all of it.
 */

#include <stddef.h>
#include <stdint.h>

#include "format/id.h"
#include "format/limits.h"
#include "format/map.h"

#define SFS_EXPORT_VERSION 1
#define SFS_EXPORT_BLOCK_SIZE                                                  \
	(1u << 20) /* of a volume; the last is shorter                         \
		    */
#define SFS_EXPORT_HEADER_SIZE 64u
#define SFS_EXPORT_ROW_SIZE    32u
#define SFS_EXPORT_FRAME_SIZE  32u /* in front of each record */
#define SFS_EXPORT_FOOTER_SIZE 64u

/* 128 TiB of data; a reader keeps the index in memory, once it knows that there
 * are volumes for it. */
#define SFS_EXPORT_ROWS_MAX (UINT64_C(1) << 27)
/* Three for each mapping, of the size that names and tags make possible. */
#define SFS_EXPORT_RECORDS_MAX (64u << 20)

struct sfs_export_header {
	uint8_t repository[SFS_UUID_LEN]; /* that it was made from */
};

enum sfs_export_kind {
	SFS_EXPORT_RAW = 1,  /* stored as it is */
	SFS_EXPORT_LZ4 = 2,  /* stored compressed */
	SFS_EXPORT_BASE = 3, /* that of the volume's base */
};

struct sfs_export_row {
	uint64_t block;	      /* number in the volume */
	uint64_t offset;      /* of the stored bytes in the file */
	uint32_t stored;      /* how many; 0 for BASE */
	uint32_t check;	      /* of the stored bytes; 0 for BASE */
	struct sfs_hash hash; /* of the content */
	uint16_t volume;      /* number */
	uint8_t kind;
};

enum sfs_export_role {
	SFS_EXPORT_IMAGE = 1,	   /* the image; the first record */
	SFS_EXPORT_VOLUME = 2,	   /* a volume; volumes are numbered from 0 */
	SFS_EXPORT_OF_BASE = 3,	   /* the base of the volume before it */
	SFS_EXPORT_BASE_IMAGE = 4, /* the image that bases are of; the second */
};

/* A record as it lies in the file; borrowed. */
struct sfs_export_record {
	enum sfs_export_role role;
	char id[SFS_ID_SIZE]; /* what a file of it would be named after */
	const char *bytes;
	size_t size;
};

struct sfs_export_footer {
	uint64_t index_offset;
	uint64_t rows;
	uint32_t records_size;
};

/* XXH3-128 of a block's content. */
void sfs_export_hash(const void *bytes, size_t size, struct sfs_hash *ret);
/* The check of the @size stored bytes of that block. */
uint32_t sfs_export_check(const void *bytes, size_t size, uint16_t volume,
			  uint64_t block);

void sfs_export_header_encode(const struct sfs_export_header *header,
			      uint8_t ret[SFS_EXPORT_HEADER_SIZE]);
/* @row->offset is not stored, but must be what the order implies. */
void sfs_export_row_encode(const struct sfs_export_row *row,
			   uint8_t ret[SFS_EXPORT_ROW_SIZE]);
/* What stands in front of a record's bytes. */
void sfs_export_frame_encode(const struct sfs_export_record *record,
			     uint8_t ret[SFS_EXPORT_FRAME_SIZE]);
/* Write the footer, with the check, behind the index and the records that
 * stand at @tail; it is sfs_export_tail_size() long. */
void sfs_export_tail_seal(uint8_t *tail,
			  const struct sfs_export_footer *footer);

static inline uint64_t
sfs_export_tail_size(const struct sfs_export_footer *footer)
{
	return footer->rows * SFS_EXPORT_ROW_SIZE + footer->records_size +
	       SFS_EXPORT_FOOTER_SIZE;
}

/* All decoders here return 0, -EUCLEAN (bad structure), -EBADMSG (wrong
 * check) or -EOPNOTSUPP (newer), with *reterr_why set on failure. */
int sfs_export_header_decode(const uint8_t *bytes, size_t size,
			     struct sfs_export_header *ret,
			     const char **reterr_why);

/* Decode the last SFS_EXPORT_FOOTER_SIZE bytes of a file of @file_size bytes:
 * enough to know where the tail starts.  The check waits for
 * sfs_export_tail_end(). */
int sfs_export_footer_decode(const uint8_t *bytes, size_t size,
			     uint64_t file_size, struct sfs_export_footer *ret,
			     const char **reterr_why);

/*
 * A tail while it is decoded: its rows piece by piece, so that nobody has to
 * hold an index to find that it is none.  That volumes are there and large
 * enough is for who knows the records.
 */
struct sfs_export_tail {
	struct sfs_export_footer footer;
	struct XXH3_state_s *hash; /* of what was seen */
	uint64_t rows;		   /* so far */
	uint64_t place;		   /* of the last of them */
	uint64_t offset;	   /* of the next block */
};

/* -ENOMEM when there is no memory for the hash. */
int sfs_export_tail_init(struct sfs_export_tail *tail,
			 const struct sfs_export_footer *footer);
void sfs_export_tail_done(struct sfs_export_tail *tail);

/* Decode the next @count rows: in order, of known kinds, without gaps from the
 * header on and not into the index. */
int sfs_export_tail_rows(struct sfs_export_tail *tail, const uint8_t *bytes,
			 size_t count, struct sfs_export_row *ret,
			 const char **reterr_why);

/* After the last row: verify that the index starts where the blocks end, and
 * the check of rows, @records and @footer. */
int sfs_export_tail_end(struct sfs_export_tail *tail, const uint8_t *records,
			const uint8_t footer[SFS_EXPORT_FOOTER_SIZE],
			const char **reterr_why);

/* The record that starts *@at bytes behind the first of a tail's @size bytes
 * of records, and *@at moved on.  1, or 0 at the end, or -EUCLEAN. */
int sfs_export_record_next(const uint8_t *records, size_t size, size_t *at,
			   struct sfs_export_record *ret,
			   const char **reterr_why);

#endif
