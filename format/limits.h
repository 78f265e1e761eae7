/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FORMAT_LIMITS_H
#define SNAPFS_FORMAT_LIMITS_H

/*
 * Every number read from disk meets one of these before it is used as a size,
 * a count or an index.  FORMAT.md, "Limits", states them for other readers.
 */

#include <stdbool.h>
#include <stdint.h>

#define SFS_FORMAT_VERSION 1

/* A chunk is a power of two in this range; the default is what the eight-day
 * chain measured best: least space and the shortest cold read (DESIGN). */
#define SFS_CHUNK_SIZE_MIN     (4u << 10)
#define SFS_CHUNK_SIZE_MAX     (1u << 20)
#define SFS_CHUNK_SIZE_DEFAULT (16u << 10)

static inline bool sfs_chunk_size_ok(uint64_t size)
{
	return size >= SFS_CHUNK_SIZE_MIN && size <= SFS_CHUNK_SIZE_MAX &&
	       (size & (size - 1)) == 0;
}

/* 2^60 bytes: every byte offset and chunk number stays clear of overflow. */
#define SFS_VOLUME_SIZE_MAX (UINT64_C(1) << 60)

/* A node is 128 entries of 32 bytes. */
#define SFS_NODE_BITS	 7
#define SFS_NODE_ENTRIES (1u << SFS_NODE_BITS)
#define SFS_ENTRY_SIZE	 32u
#define SFS_NODE_SIZE	 (SFS_NODE_ENTRIES * SFS_ENTRY_SIZE)
/* 2^60 bytes in 4 KiB chunks: 48 bits of chunk number, 7 a level. */
#define SFS_MAP_HEIGHT_MAX 7

/* Offsets in a pack are 32 bits; a writer seals a pack far earlier. */
#define SFS_PACK_SIZE_MAX  (1u << 30)
#define SFS_PACK_SLOTS_MAX (1u << 20)

#define SFS_RECORD_SIZE_MAX (1u << 20)

#define SFS_DESCRIPTION_MAX 255 /* bytes of UTF-8 */
#define SFS_VOLUME_NAME_MAX 64
#define SFS_SOURCE_MAX	    4095
#define SFS_TAGS_MAX	    50
#define SFS_TAG_KEY_MAX	    128
#define SFS_TAG_VALUE_MAX   256
#define SFS_SET_MEMBERS_MAX 1024
#define SFS_GRANTS_MAX	    256

#define SFS_IMAGE_NAME_MIN  3
#define SFS_IMAGE_NAME_MAX  128
#define SFS_DEVICE_NAME_MAX 64
#define SFS_MAPPINGS_MAX    128
#define SFS_EPHEMERAL_MAX   23 /* of ephemeralN */
#define SFS_WORD_MAX	    15 /* architecture, boot mode */

#endif
