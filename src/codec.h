/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_CODEC_H
#define SNAPFS_SRC_CODEC_H

/* Compression of one chunk at a time. */

#include <stddef.h>

#include "format/pack.h"
#include "src/cleanup.h"
#include "src/util.h"

/* A compressor's working memory: one a thread. */
struct sfs_codec_state;

/* @compression: "lz4", "lz4hc" or "none"; -EINVAL when it is none of them. */
SFS_MUST_CHECK int sfs_codec_new(const char *compression,
				 struct sfs_codec_state **ret);
void sfs_codec_free(struct sfs_codec_state *state);
SFS_DEFINE_CLEANUP(struct sfs_codec_state, sfs_codec_free);
#define CLEANUP_CODEC __attribute__((cleanup(sfs_codec_freep)))

/* Store the @size bytes at @in into @out, whose @out_capacity is at least
 * @size: compressed where that pays, else as they are.  Returns the bytes
 * stored, less than @size unless raw.  Cannot fail. */
size_t sfs_codec_compress(struct sfs_codec_state *state, const void *in,
			  size_t size, void *out, size_t out_capacity,
			  enum sfs_codec *ret_codec);

/* Decode @stored bytes into exactly @length.  Never reads or writes past
 * either, whatever the bytes are.  Returns 0 or -EUCLEAN, not logged. */
SFS_MUST_CHECK int sfs_codec_decompress(enum sfs_codec codec, const void *in,
					size_t stored, void *out,
					size_t length);

#endif
