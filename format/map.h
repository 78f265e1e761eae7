/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FORMAT_MAP_H
#define SNAPFS_FORMAT_MAP_H

/*
 * Map entries and nodes: FORMAT.md, "Maps".
 *
 * An entry of height h stands for 128^h chunks.  At height 0 it names one
 * chunk; above, it names a node of 128 entries of height h - 1.  At any
 * height it may be a hole or a zero, which then holds for all chunks under
 * it.  A node's slot says its height, so descent always ends.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/le.h"
#include "format/limits.h"

enum sfs_kind {
	SFS_KIND_HOLE = 0,  /* never written; reads as zeros */
	SFS_KIND_ZERO = 1,  /* written as zeros; stored as nothing */
	SFS_KIND_DATA = 2,  /* a chunk of data */
	SFS_KIND_BAD = 3,   /* could not be read from the source; reads fail */
	SFS_KIND_NODE = 16, /* + height 1..7: a map node */
};

/* What a hash is made of: XXH3-128 of the decoded bytes with the
 * repository's secret. */
struct sfs_hash {
	uint8_t b[16];
};

/* Where a chunk or node is and what it is.  Everything but kind is zero for
 * holes, zeros and bad chunks. */
struct sfs_entry {
	uint64_t pack;
	uint32_t offset; /* of the slot's header in the pack */
	uint32_t stored; /* bytes behind the slot's header */
	struct sfs_hash hash;
	uint8_t kind;
};

struct sfs_entry_disk {
	le64 pack;	      /* +0x00 */
	le32 offset;	      /* +0x08 */
	le32 stored_kind;     /* +0x0c  bits 0-23 stored, 24-31 kind */
	struct sfs_hash hash; /* +0x10 */
};
_Static_assert(sizeof(struct sfs_entry_disk) == SFS_ENTRY_SIZE,
	       "FORMAT.md, Map entry");

static inline bool sfs_entry_stored(const struct sfs_entry *entry)
{
	return entry->kind == SFS_KIND_DATA || entry->kind > SFS_KIND_NODE;
}

/* Same place, same content: the entries are interchangeable. */
bool sfs_entry_equal(const struct sfs_entry *a, const struct sfs_entry *b);

/* Encode into @ret, SFS_ENTRY_SIZE bytes. */
void sfs_entry_encode(const struct sfs_entry *entry, uint8_t *ret);

/* Decode the SFS_ENTRY_SIZE bytes at @bytes as an entry of @height in a
 * repository of @chunk_size.  Returns 0 or -EUCLEAN with *reterr_why. */
int sfs_entry_decode(const uint8_t *bytes, unsigned height, uint32_t chunk_size,
		     struct sfs_entry *ret, const char **reterr_why);

/* Encode a whole node into @ret, SFS_NODE_SIZE bytes. */
void sfs_node_encode(const struct sfs_entry entries[SFS_NODE_ENTRIES],
		     uint8_t *ret);

/* Decode the @size bytes of a node of @height >= 1 into @ret,
 * SFS_NODE_ENTRIES entries of height @height - 1. */
int sfs_node_decode(const uint8_t *bytes, size_t size, unsigned height,
		    uint32_t chunk_size, struct sfs_entry *ret,
		    const char **reterr_why);

/* The chunks in a volume of @size bytes, the last perhaps in part. */
uint64_t sfs_map_chunks(uint64_t size, uint32_t chunk_size);

/* The least height whose root covers @chunks. */
unsigned sfs_map_height(uint64_t chunks);

#endif
