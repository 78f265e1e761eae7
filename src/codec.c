/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/codec.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <lz4.h>
#include <lz4hc.h>
#include <stdlib.h>
#include <string.h>

/* LZ4 must save at least one part in this many.  Below that the space does
 * not pay for a decode at each read that misses the cache, and data that is
 * compressed or encrypted already is served as fast as a copy. */
#define LEAST_SAVING 16

/* LZ4HC's own default: higher levels cost several times the time for about
 * one byte in a hundred. */
#define HC_LEVEL 9

enum method { METHOD_NONE, METHOD_LZ4, METHOD_LZ4HC };

struct sfs_codec_state {
	enum method method;
	void *memory; /* of LZ4 or LZ4HC, as the method says */
};

static int parse_method(const char *compression, enum method *ret)
{
	if (strcmp(compression, "none") == 0)
		*ret = METHOD_NONE;
	else if (strcmp(compression, "lz4") == 0)
		*ret = METHOD_LZ4;
	else if (strcmp(compression, "lz4hc") == 0)
		*ret = METHOD_LZ4HC;
	else
		return -EINVAL;
	return 0;
}

int sfs_codec_new(const char *compression, struct sfs_codec_state **ret)
{
	CLEANUP_CODEC struct sfs_codec_state *state = NULL;
	enum method method;
	int r;

	r = parse_method(compression, &method);
	if (r < 0)
		return r;
	state = sfs_calloc(1, sizeof(*state));
	if (!state)
		return -ENOMEM;
	state->method = method;
	if (method != METHOD_NONE) {
		state->memory = sfs_malloc(
			(size_t)(method == METHOD_LZ4 ? LZ4_sizeofState()
						      : LZ4_sizeofStateHC()));
		if (!state->memory)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(state);
	return 0;
}

void sfs_codec_free(struct sfs_codec_state *state)
{
	if (!state)
		return;
	free(state->memory);
	free(state);
}

size_t sfs_codec_compress(struct sfs_codec_state *state, const void *in,
			  size_t size, void *out, size_t out_capacity,
			  enum sfs_codec *ret_codec)
{
	int most, n = 0;

	assert(size > 0 && size <= LZ4_MAX_INPUT_SIZE);
	assert(out_capacity >= size);
	/* LZ4 gives up where its output would pass this. */
	most = (int)(size - (size + LEAST_SAVING - 1) / LEAST_SAVING);
	if (state->method == METHOD_LZ4)
		n = LZ4_compress_fast_extState(state->memory, in, out,
					       (int)size, most, 1);
	else if (state->method == METHOD_LZ4HC)
		n = LZ4_compress_HC_extStateHC(state->memory, in, out,
					       (int)size, most, HC_LEVEL);
	if (n > 0) {
		*ret_codec = SFS_CODEC_LZ4;
		return (size_t)n;
	}
	memcpy(out, in, size);
	*ret_codec = SFS_CODEC_RAW;
	return size;
}

int sfs_codec_decompress(enum sfs_codec codec, const void *in, size_t stored,
			 void *out, size_t length)
{
	int n;

	if (stored > INT_MAX || length > INT_MAX)
		return -EUCLEAN;
	switch (codec) {
	case SFS_CODEC_RAW:
		if (stored != length)
			return -EUCLEAN;
		memcpy(out, in, length);
		return 0;
	case SFS_CODEC_LZ4:
		n = LZ4_decompress_safe(in, out, (int)stored, (int)length);
		return n >= 0 && (size_t)n == length ? 0 : -EUCLEAN;
	}
	return -EUCLEAN;
}
