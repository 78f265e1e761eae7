/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/codec.h"

#define SIZE 16384u

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* The first @noise bytes are random, the rest repeat. */
static void make(uint8_t *bytes, size_t size, size_t noise)
{
	uint64_t seed = 0x9876543210;
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i < noise ? next_random(&seed) >> 24
					       : i % 17);
}

/* Buffers of their very size on the heap, so that ASan sees any overrun. */
static size_t round_trip(const char *compression, size_t size, size_t noise,
			 enum sfs_codec *ret_codec)
{
	CLEANUP_CODEC struct sfs_codec_state *state = NULL;
	CLEANUP_FREE uint8_t *in = malloc(size), *out = malloc(size);
	CLEANUP_FREE uint8_t *stored = NULL, *back = malloc(size);
	unsigned i;
	size_t n = 0;

	assert_int_equal(sfs_codec_new(compression, &state), 0);
	make(in, size, noise);
	/* A state can be used again, and the result does not depend on it. */
	for (i = 0; i < 3; i++) {
		n = sfs_codec_compress(state, in, size, out, size, ret_codec);
		stored = realloc(stored, n);
		if (i > 0)
			assert_memory_equal(stored, out, n);
		memcpy(stored, out, n);
		memset(back, 0xee, size);
		assert_int_equal(
			sfs_codec_decompress(*ret_codec, stored, n, back, size),
			0);
		assert_memory_equal(in, back, size);
	}
	return n;
}

static void what_repeats_is_compressed(void **state)
{
	enum sfs_codec codec;
	size_t size;

	(void)state;
	for (size = 4096; size <= 1 << 20; size *= 2) {
		assert_true(round_trip("lz4", size, 0, &codec) < size / 16);
		assert_int_equal(codec, SFS_CODEC_LZ4);
		assert_true(round_trip("lz4hc", size, 0, &codec) < size / 16);
		assert_int_equal(codec, SFS_CODEC_LZ4);
	}
}

static void noise_is_stored_raw(void **state)
{
	enum sfs_codec codec;

	(void)state;
	assert_int_equal(round_trip("lz4", SIZE, SIZE, &codec), SIZE);
	assert_int_equal(codec, SFS_CODEC_RAW);
	assert_int_equal(round_trip("lz4hc", SIZE, SIZE, &codec), SIZE);
	assert_int_equal(codec, SFS_CODEC_RAW);
}

static void none_is_raw(void **state)
{
	enum sfs_codec codec;

	(void)state;
	assert_int_equal(round_trip("none", SIZE, 0, &codec), SIZE);
	assert_int_equal(codec, SFS_CODEC_RAW);
}

/* Half of what must be saved is not enough; twice as much is. */
static void a_small_saving_does_not_count(void **state)
{
	enum sfs_codec codec;
	size_t n;

	(void)state;
	assert_int_equal(round_trip("lz4", SIZE, SIZE - SIZE / 32, &codec),
			 SIZE);
	assert_int_equal(codec, SFS_CODEC_RAW);
	n = round_trip("lz4", SIZE, SIZE - SIZE / 8, &codec);
	assert_int_equal(codec, SFS_CODEC_LZ4);
	assert_true(n <= SIZE - SIZE / 16);
}

/* The format wants compressed chunks shorter, raw ones as long as they are. */
static void any_size_comes_back(void **state)
{
	static const char *const names[] = { "none", "lz4", "lz4hc" };
	enum sfs_codec codec;
	size_t size, i, n;

	(void)state;
	for (size = 1; size < 300; size++) {
		for (i = 0; i < SFS_ARRAY_SIZE(names); i++) {
			n = round_trip(names[i], size, size / 2, &codec);
			assert_true(codec == SFS_CODEC_RAW ? n == size
							   : n < size);
		}
	}
}

static void hc_is_smaller(void **state)
{
	CLEANUP_CODEC struct sfs_codec_state *lz4 = NULL, *hc = NULL;
	static uint8_t in[1 << 16], out[1 << 16];
	enum sfs_codec codec;
	uint64_t seed = 42;
	size_t i, n_lz4, n_hc;

	(void)state;
	for (i = 0; i < sizeof(in); i++)
		in[i] = "snapfs "[next_random(&seed) >> 20 & 3];
	assert_int_equal(sfs_codec_new("lz4", &lz4), 0);
	assert_int_equal(sfs_codec_new("lz4hc", &hc), 0);
	n_lz4 = sfs_codec_compress(lz4, in, sizeof(in), out, sizeof(out),
				   &codec);
	n_hc = sfs_codec_compress(hc, in, sizeof(in), out, sizeof(out), &codec);
	assert_true(n_hc < n_lz4);
}

static void unknown_names_are_refused(void **state)
{
	struct sfs_codec_state *codec = NULL;

	(void)state;
	assert_int_equal(sfs_codec_new("zstd", &codec), -EINVAL);
	assert_int_equal(sfs_codec_new("", &codec), -EINVAL);
	assert_int_equal(sfs_codec_new("LZ4", &codec), -EINVAL);
	assert_null(codec);
	sfs_codec_free(NULL);
}

static void raw_must_be_as_long_as_told(void **state)
{
	uint8_t in[64] = { 0 }, out[64];

	(void)state;
	assert_int_equal(sfs_codec_decompress(SFS_CODEC_RAW, in, 63, out, 64),
			 -EUCLEAN);
	assert_int_equal(sfs_codec_decompress(SFS_CODEC_RAW, in, 64, out, 63),
			 -EUCLEAN);
	assert_int_equal(sfs_codec_decompress(SFS_CODEC_RAW, in, 64, out, 64),
			 0);
}

static void unknown_codecs_are_refused(void **state)
{
	uint8_t in[64] = { 0 }, out[64];

	(void)state;
	assert_int_equal(
		sfs_codec_decompress((enum sfs_codec)2, in, 64, out, 64),
		-EUCLEAN);
	assert_int_equal(
		sfs_codec_decompress((enum sfs_codec)255, in, 64, out, 64),
		-EUCLEAN);
}

/* Lengths must be exact: neither more nor less than the bytes decode to. */
static void lengths_are_exact(void **state)
{
	CLEANUP_CODEC struct sfs_codec_state *codec = NULL;
	static uint8_t in[SIZE], out[SIZE], back[SIZE + 1];
	enum sfs_codec kind;
	size_t n, cut;

	(void)state;
	make(in, SIZE, SIZE / 4);
	assert_int_equal(sfs_codec_new("lz4", &codec), 0);
	n = sfs_codec_compress(codec, in, SIZE, out, SIZE, &kind);
	assert_int_equal(kind, SFS_CODEC_LZ4);
	assert_int_equal(sfs_codec_decompress(kind, out, n, back, SIZE), 0);
	assert_int_equal(sfs_codec_decompress(kind, out, n, back, SIZE + 1),
			 -EUCLEAN);
	assert_int_equal(sfs_codec_decompress(kind, out, n, back, SIZE - 1),
			 -EUCLEAN);
	for (cut = 0; cut < n; cut += 7)
		assert_int_equal(
			sfs_codec_decompress(kind, out, cut, back, SIZE),
			-EUCLEAN);
	assert_int_equal(sfs_codec_decompress(kind, out, SIZE_MAX, back, SIZE),
			 -EUCLEAN);
	assert_int_equal(sfs_codec_decompress(kind, out, n, back, SIZE_MAX),
			 -EUCLEAN);
}

/* Whatever the bytes are, it ends, and writes only where it may. */
static void damage_stays_inside(void **state)
{
	CLEANUP_CODEC struct sfs_codec_state *codec = NULL;
	CLEANUP_FREE uint8_t *bytes = NULL, *back = malloc(SIZE);
	static uint8_t in[SIZE], out[SIZE];
	enum sfs_codec kind;
	uint64_t seed = 99;
	unsigned i;
	size_t n;
	int r;

	(void)state;
	make(in, SIZE, SIZE / 4);
	assert_int_equal(sfs_codec_new("lz4", &codec), 0);
	n = sfs_codec_compress(codec, in, SIZE, out, SIZE, &kind);
	bytes = malloc(n);
	for (i = 0; i < 5000; i++) {
		memcpy(bytes, out, n);
		bytes[next_random(&seed) % n] = (uint8_t)next_random(&seed);
		bytes[next_random(&seed) % n] ^= 1u << (i % 8);
		r = sfs_codec_decompress(kind, bytes, n, back, SIZE);
		assert_true(r == 0 || r == -EUCLEAN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_repeats_is_compressed),
		cmocka_unit_test(noise_is_stored_raw),
		cmocka_unit_test(none_is_raw),
		cmocka_unit_test(a_small_saving_does_not_count),
		cmocka_unit_test(any_size_comes_back),
		cmocka_unit_test(hc_is_smaller),
		cmocka_unit_test(unknown_names_are_refused),
		cmocka_unit_test(raw_must_be_as_long_as_told),
		cmocka_unit_test(unknown_codecs_are_refused),
		cmocka_unit_test(lengths_are_exact),
		cmocka_unit_test(damage_stays_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
