/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Open a damaged repository and read everything.
 *
 * The input is a script.  Its first byte is flags: 1, put all checks right
 * after the damage, so that what is behind them is reached; 2, a repository
 * that others can write, whose catalog is not believed; 4, collect garbage
 * and read again.  Then steps of four bytes: a file of the golden repository
 * (with 0x80: cut it short), an offset of 16 bits, and a value to XOR.
 *
 * What must hold: nothing crashes or hangs.  Where no check was put right, a
 * read gives the right bytes or fails.  Garbage collection changes no read
 * that went well.
 */

#include <assert.h>
#include <err.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "src/check.h"
#include "src/delete.h"
#include "src/images.h"
#include "src/repo.h"
#include "src/view.h"
#include "tests/fuzz/fuzz.h"
#include "tests/golden/golden.h"

enum { FLAG_SEAL = 1, FLAG_SHARED = 2, FLAG_GC = 4 };

#define STEPS_MAX 64
#define READ_MAX  (256u << 10) /* of a volume whose size may be anything */
#define SNAPSHOTS 4u	       /* that are not in the bin */

static char dir[64];
static struct sfs_golden golden;

/* What reading one snapshot gave. */
struct outcome {
	int error;	   /* of opening */
	unsigned failures; /* of reads */
	uint64_t hash;	   /* of the bytes of the others */
};

/* Reads that fail where nothing is damaged: two of them touch the chunk that
 * the source could not give. */
static const unsigned usual_failures[SNAPSHOTS] = { 2, 2, 0, 0 };

static const unsigned numbers[SNAPSHOTS] = { 1, 2, 3, SFS_GOLDEN_OWNED };

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_all(void)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void prepare(void)
{
	const char *from = getenv("SNAPFS_GOLDEN");

	if (*dir)
		return;
	sfs_fuzz_quiet();
	sfs_golden_load(from ? from : "tests/data/good/images",
			SFS_GOLDEN_FILES, &golden);
	strcpy(dir, access("/dev/shm", W_OK) == 0
			    ? "/dev/shm/snapfs-fuzz-XXXXXX"
			    : "/tmp/snapfs-fuzz-XXXXXX");
	if (!mkdtemp(dir))
		err(2, "'%s'", dir);
	atexit(remove_all);
}

/* ---- damage ---- */

static void damage(struct sfs_golden_file *file, const uint8_t step[4])
{
	size_t offset = step[1] | (size_t)step[2] << 8;

	if (file->size == 0)
		return;
	offset %= file->size;
	if (step[0] & 0x80)
		file->size = offset;
	else
		file->bytes[offset] ^= step[3];
}

static void copy_golden(struct sfs_golden *ret)
{
	unsigned i;

	*ret = golden;
	for (i = 0; i < SFS_GOLDEN_FILES; i++)
		ret->files[i].bytes = sfs_fuzz_copy(golden.files[i].bytes,
						    golden.files[i].size);
}

static void run_script(const uint8_t *bytes, size_t size, unsigned flags)
{
	struct sfs_golden copy;
	unsigned i;

	copy_golden(&copy);
	for (i = 0; i < STEPS_MAX && size >= 4; i++, bytes += 4, size -= 4)
		damage(&copy.files[(bytes[0] & 0x7f) % SFS_GOLDEN_FILES],
		       bytes);
	for (i = 0; flags & FLAG_SEAL && i < SFS_GOLDEN_FILES; i++)
		sfs_golden_reseal(i, &copy.files[i]);
	remove_all();
	if (mkdir(dir, 0700) < 0)
		err(2, "'%s'", dir);
	if (chmod(dir, flags & FLAG_SHARED ? 0770 : 0700) < 0)
		err(2, "'%s'", dir);
	sfs_golden_store(&copy, dir);
	sfs_golden_done(&copy);
}

/* ---- reading ---- */

/* Compare what was read at @offset with what must be there. */
static void check_bytes(unsigned number, uint64_t offset, const uint8_t *bytes,
			size_t size)
{
	uint8_t expected[SFS_GOLDEN_CHUNK];
	unsigned chunk;
	size_t i, in;
	uint8_t kind;

	for (i = 0; i < size; i++, offset++) {
		in = offset % SFS_GOLDEN_CHUNK;
		if (i == 0 || in == 0) {
			kind = sfs_golden_content(
				number, offset / SFS_GOLDEN_CHUNK, &chunk);
			assert(kind != SFS_KIND_BAD);
			memset(expected, 0, sizeof(expected));
			if (kind == SFS_KIND_DATA)
				sfs_golden_chunk(chunk, expected);
		}
		assert(bytes[i] == expected[in]);
	}
}

static void read_range(struct sfs_view *view, unsigned number, bool exact,
		       uint64_t offset, struct outcome *outcome)
{
	uint8_t buffer[5000];
	size_t got = 0;
	int r;

	r = sfs_view_pread(view, buffer, sizeof(buffer), offset, &got);
	if (r < 0) {
		outcome->failures++;
		return;
	}
	assert(got <= sizeof(buffer));
	if (exact)
		check_bytes(number, offset, buffer, got);
	outcome->hash = XXH3_64bits_withSeed(buffer, got, outcome->hash);
}

static void seek(struct sfs_view *view, uint64_t size)
{
	uint64_t at = 0, next;
	unsigned i;
	int r;

	for (i = 0; i < 64 && at < size; i++) {
		r = i % 2 ? sfs_view_next_hole(view, at, &next)
			  : sfs_view_next_data(view, at, &next);
		if (r < 0)
			return;
		assert(next >= at && next <= size);
		at = next > at ? next : at + 1;
	}
}

static void read_snapshot(struct sfs_repo *repo, unsigned number, bool exact,
			  struct outcome *ret)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;
	struct sfs_snapshot expected;
	uint64_t size, offset;

	*ret = (struct outcome){ 0 };
	sfs_golden_snapshot(number, &expected);
	ret->error = sfs_view_open(repo, expected.id, &view);
	if (ret->error < 0)
		return;
	size = sfs_view_snapshot(view)->size;
	assert(!exact || size == expected.size);
	for (offset = 0; offset < sfs_min(size, READ_MAX); offset += 5000)
		read_range(view, number, exact, offset, ret);
	if (size > READ_MAX)
		read_range(view, number, exact, size - 4096, ret);
	seek(view, size);
}

struct images {
	struct sfs_repo *repo;
	unsigned count;
};

static int count_one(const struct sfs_snapshot *snapshot, void *context)
{
	unsigned *count = context;

	assert(sfs_id_valid(snapshot->id, SFS_ID_SNAPSHOT));
	assert(!strchr(snapshot->volume, '/'));
	return ++*count > SNAPSHOTS ? -1 : 0;
}

/* Whatever the catalog or a record says, it is an image that could be
 * registered. */
static int count_image(const struct sfs_image *image, void *context)
{
	CLEANUP_FREE enum sfs_mapping_state *states = NULL;
	struct images *images = context;
	const char *what, *why;

	if (sfs_image_check(image, &what, &why) < 0)
		abort();
	assert(sfs_id_valid(image->id, SFS_ID_IMAGE));
	sfs_ignore(sfs_image_states(images->repo, image, &states));
	return ++images->count > SFS_GOLDEN_IMAGES ? -1 : 0;
}

static void report(const struct sfs_damage *found, void *context)
{
	(void)context;
	assert(found->why);
}

static void read_all(struct sfs_repo *repo, bool exact,
		     struct outcome outcomes[SNAPSHOTS])
{
	struct sfs_check_options options = { .read_data = true, .threads = 1 };
	struct sfs_check_result result;
	struct images images = { .repo = repo };
	struct sfs_stats stats;
	unsigned i, count = 0;
	bool failed = false;
	int r;

	r = sfs_catalog_list(repo->catalog, NULL, count_one, &count);
	assert(r == 0);
	r = sfs_catalog_list_images(repo->catalog, count_image, &images);
	assert(r == 0);
	for (i = 0; i < SNAPSHOTS; i++) {
		read_snapshot(repo, numbers[i], exact, &outcomes[i]);
		failed |= outcomes[i].error < 0 ||
			  outcomes[i].failures > usual_failures[i];
	}
	r = sfs_check(repo, &options, report, NULL, &result);
	/* What reading runs into, checking finds. */
	assert(r < 0 || !failed || !exact || result.damages > 0);
	sfs_ignore(sfs_stats(repo, &stats)); /* may say that it cannot */
}

static bool open_and_read(bool exact, bool collect,
			  struct outcome outcomes[SNAPSHOTS])
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	struct sfs_gc_result result;

	if (sfs_repo_open(dir, 1u << 20, &repo) < 0)
		return false;
	read_all(repo, exact, outcomes);
	if (collect) /* which it may refuse */
		sfs_ignore(sfs_gc(repo, false, NULL, &result));
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct outcome before[SNAPSHOTS], after[SNAPSHOTS];
	bool exact, collect, opened;
	unsigned i, flags;

	if (size == 0)
		return 0;
	prepare();
	flags = bytes[0];
	exact = !(flags & FLAG_SEAL);
	collect = flags & FLAG_GC;
	run_script(bytes + 1, size - 1, flags);
	opened = open_and_read(exact, collect, before);
	for (i = 0; size < 5 && i < SNAPSHOTS; i++) /* nothing was damaged */
		assert(opened && before[i].error == 0 &&
		       before[i].failures == usual_failures[i]);
	if (!opened || !collect)
		return 0;
	if (!open_and_read(exact, false, after))
		abort();
	for (i = 0; i < SNAPSHOTS; i++)
		assert(before[i].error == after[i].error &&
		       before[i].failures == after[i].failures &&
		       before[i].hash == after[i].hash);
	return 0;
}
