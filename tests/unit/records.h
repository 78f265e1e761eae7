/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_UNIT_RECORDS_H
#define SNAPFS_TESTS_UNIT_RECORDS_H

/* A throw-away repository with records in it, for tests.  Include behind
 * <cmocka.h>. */

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/record.h"
#include "format/time.h"
#include "src/catalog.h"
#include "src/log.h"
#include "src/record.h"
#include "src/store.h"

#define RECORDS_TIME (INT64_C(1795341898) * SFS_SECOND) /* 2026-11-22 */

struct records {
	char dir[64];
	struct sfs_store *store;
	struct sfs_config config;
};

/* Everything logged since records_forget_log(). */
static char records_log[16384];
static pthread_mutex_t records_log_mutex = PTHREAD_MUTEX_INITIALIZER;

static inline void records_sink(enum sfs_level level, const char *text)
{
	size_t used;

	(void)level;
	pthread_mutex_lock(&records_log_mutex);
	used = strlen(records_log);
	snprintf(records_log + used, sizeof(records_log) - used, "%s\n", text);
	pthread_mutex_unlock(&records_log_mutex);
}

static inline void records_forget_log(void)
{
	records_log[0] = '\0';
}

static inline void records_assert_logged(const char *text)
{
	if (!strstr(records_log, text))
		fail_msg("'%s' is not in the log: %s", text, records_log);
}

static inline struct sfs_config records_config(void)
{
	struct sfs_config config = { .chunk_size = 16384,
				     .compression = "lz4",
				     .created_ns = RECORDS_TIME };

	memset(config.uuid, 0x5a, sizeof(config.uuid));
	sfs_random(config.secret, sizeof(config.secret));
	return config;
}

static inline struct records *records_new(void)
{
	struct records *repo = calloc(1, sizeof(*repo));
	size_t size;
	char *file;

	sfs_log_set_sink(records_sink);
	records_forget_log();
	strcpy(repo->dir, "/tmp/snapfs-test-XXXXXX");
	assert_non_null(mkdtemp(repo->dir));
	repo->config = records_config();
	assert_int_equal(sfs_store_create(repo->dir), 0);
	assert_int_equal(sfs_store_open_new(repo->dir, &repo->store), 0);
	assert_int_equal(sfs_record_encode_config(&repo->config, &file, &size),
			 0);
	assert_int_equal(sfs_store_put(repo->store, SFS_AREA_TOP, "snapfs.json",
				       file, size, false),
			 0);
	free(file);
	sfs_store_close(repo->store);
	assert_int_equal(sfs_store_open(repo->dir, &repo->store), 0);
	return repo;
}

static inline int records_remove_one(const char *path, const struct stat *st,
				     int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void records_free(struct records *repo)
{
	sfs_store_close(repo->store);
	nftw(repo->dir, records_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(repo);
}

/* Snapshot @n of @volume, taken @n minutes after RECORDS_TIME. */
static inline struct sfs_snapshot records_snapshot(unsigned n,
						   const char *volume)
{
	struct sfs_snapshot s = {
		.time_ns = RECORDS_TIME + n * 60 * SFS_SECOND,
		.completed_ns = RECORDS_TIME + n * 60 * SFS_SECOND + 5,
		.size = 1000000,
		.data_bytes = 16384,
		.stored_bytes = 4096,
		.consistency = SFS_CONSISTENCY_CRASH,
		.owner = SFS_OWNER_NONE,
		.height = 1,
	};

	snprintf(s.id, sizeof(s.id), "snap-%017x", n);
	strcpy(s.volume_id, "vol-0123456789abcdef0");
	snprintf(s.volume, sizeof(s.volume), "%s", volume);
	return s;
}

/* Written without the store where @fast: its fsyncs are not the question. */
static inline void records_write(struct records *repo, const char *name,
				 const char *file, size_t size, bool fast)
{
	char path[128];
	FILE *out;

	if (!fast) {
		assert_int_equal(sfs_store_put(repo->store, SFS_AREA_RECORDS,
					       name, file, size, true),
				 0);
		return;
	}
	snprintf(path, sizeof(path), "%s/records/%s.json", repo->dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(file, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

static inline void records_put(struct records *repo,
			       const struct sfs_snapshot *s)
{
	size_t size;
	char *file;

	assert_int_equal(
		sfs_record_encode_snapshot(&repo->config, s, &file, &size), 0);
	records_write(repo, s->id, file, size, true);
	free(file);
}

static inline void records_add(struct records *repo, unsigned n,
			       const char *volume)
{
	struct sfs_snapshot s = records_snapshot(n, volume);

	records_put(repo, &s);
}

/* A mapping of @device to snapshot @n as records_snapshot() has it. */
static inline struct sfs_mapping records_mapping(const char *device, unsigned n)
{
	struct sfs_mapping mapping = { .kind = SFS_MAPPING_SNAPSHOT,
				       .size = 1000000 };

	snprintf(mapping.device, sizeof(mapping.device), "%s", device);
	snprintf(mapping.snapshot, sizeof(mapping.snapshot), "snap-%017x", n);
	return mapping;
}

/* Image @n, made @n minutes after RECORDS_TIME.  @mappings, of which the first
 * is the root, are borrowed: it needs no sfs_image_done(). */
static inline struct sfs_image records_image(unsigned n, const char *name,
					     struct sfs_mapping *mappings,
					     size_t count)
{
	struct sfs_image image = {
		.time_ns = RECORDS_TIME + n * 60 * SFS_SECOND,
		.owner = SFS_OWNER_NONE,
		.mappings = mappings,
		.mapping_count = count,
	};

	snprintf(image.id, sizeof(image.id), "img-%017x", n);
	snprintf(image.name, sizeof(image.name), "%s", name);
	strcpy(image.root, mappings[0].device);
	return image;
}

static inline void records_put_image(struct records *repo,
				     const struct sfs_image *image)
{
	size_t size;
	char *file;

	assert_int_equal(
		sfs_record_encode_image(&repo->config, image, &file, &size), 0);
	records_write(repo, image->id, file, size, true);
	free(file);
}

/* Replace @from by @to in a good record and seal it again; a NULL @to removes
 * the whole line.  Not inlined: gcc 12 then sees dangling pointers. */
static __attribute__((noinline, unused)) char *records_tamper(const char *good,
							      const char *from,
							      const char *to,
							      size_t *ret_size)
{
	const char *at = strstr(good, from), *end;
	char *file;

	if (!at)
		fail_msg("'%s' is not in the record", from);
	end = at + strlen(from);
	if (!to)
		end = strchr(at, '\n') + 1;
	file = sfs_asprintf("%.*s%s%s", (int)(at - good), good, to ? to : "",
			    end);
	*ret_size = strlen(file);
	sfs_record_seal(file, *ret_size);
	return file;
}

#endif
