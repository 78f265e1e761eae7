/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_UNIT_SCRATCH_REPO_H
#define SNAPFS_TESTS_UNIT_SCRATCH_REPO_H

/*
 * For tests that need snapshots: a repository of small chunks in the scratch
 * directory, open while the test runs, and disks written chunk by chunk.
 */

#include <sys/stat.h>

#include "format/record.h"
#include "src/images.h"
#include "src/ingest.h"
#include "src/map.h"
#include "src/repo.h"
#include "src/view.h"
#include "tests/unit/scratch-disk.h"

#define CHUNK UINT64_C(4096)

static struct sfs_repo *repo;

static inline void reopen(void)
{
	sfs_repo_close(TAKE_PTR(repo));
	assert_int_equal(sfs_repo_open("repo", 0, &repo), 0);
}

static inline int repo_setup(void **state)
{
	if (scratch_setup(state) < 0 || sfs_repo_init("repo", CHUNK, "lz4") < 0)
		return -1;
	return sfs_repo_open("repo", 0, &repo);
}

static inline int repo_teardown(void **state)
{
	sfs_repo_close(TAKE_PTR(repo));
	return scratch_teardown(state);
}

/* ---- disks ---- */

/* Bytes that do not compress, the same for the same @seed. */
static inline void noise(uint8_t *bytes, size_t size, uint64_t seed)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	size_t i;

	for (i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes[i] = (uint8_t)(x >> 24);
	}
}

static inline int open_disk(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static inline void resize(const char *path, uint64_t size)
{
	int fd = open_disk(path);

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	close(fd);
}

/* Write @size bytes of noise at @offset of @path. */
static inline void put_noise(const char *path, uint64_t offset, size_t size,
			     uint64_t seed)
{
	uint8_t *bytes = malloc(size);
	int fd = open_disk(path);

	assert_non_null(bytes);
	noise(bytes, size, seed);
	assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), size);
	close(fd);
	free(bytes);
}

static inline void put_zeros(const char *path, uint64_t offset, size_t size)
{
	uint8_t *bytes = calloc(1, size);
	int fd = open_disk(path);

	assert_non_null(bytes);
	assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), size);
	close(fd);
	free(bytes);
}

/* Turn the byte at @offset of @path around. */
static inline void flip(const char *path, uint64_t offset)
{
	int fd = open_disk(path);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
	byte ^= 0xff;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
}

/* All that was logged since log_all(), of any level; for one thread. */
static char all_log[4096];

static inline void add_to_log(enum sfs_level level, const char *text)
{
	size_t used = strlen(all_log);

	(void)level;
	snprintf(all_log + used, sizeof(all_log) - used, "%s\n", text);
}

static inline void log_all(void)
{
	all_log[0] = '\0';
	sfs_log_set_sink(add_to_log);
}

/* Make the record at @path one of a version to come. */
static inline void make_newer(const char *path)
{
	int fd = open_disk(path);
	char bytes[8192], *version;
	ssize_t size;

	size = pread(fd, bytes, sizeof(bytes) - 1, 0);
	assert_true(size > 0);
	bytes[size] = '\0';
	version = strstr(bytes, "\"Version\": 1");
	assert_non_null(version);
	version[strlen("\"Version\": ")] = '2';
	sfs_record_seal(bytes, (size_t)size);
	assert_int_equal(pwrite(fd, bytes, (size_t)size, 0), size);
	close(fd);
}

/* ---- snapshots ---- */

/* Snapshot the file @path as @volume; the caller frees. */
static inline struct sfs_snapshot *take(const char *volume, const char *path)
{
	const struct sfs_ingest_member member = { .volume = volume,
						  .source = path };
	const struct sfs_ingest_options options = { .threads = 1 };
	struct sfs_snapshot *snapshot;

	assert_int_equal(sfs_ingest(repo, &member, 1, &options, &snapshot), 0);
	return snapshot;
}

/* The same, opened. */
static inline struct sfs_view *take_view(const char *volume, const char *path)
{
	struct sfs_snapshot *snapshot = take(volume, path);
	struct sfs_view *view;

	assert_int_equal(sfs_view_open(repo, snapshot->id, &view), 0);
	sfs_snapshot_free(snapshot);
	return view;
}

/* ---- images ---- */

/* An image without mappings, whose root is to be /dev/sda1; the caller frees.
 */
static inline struct sfs_image *new_image(const char *name)
{
	struct sfs_image *image = calloc(1, sizeof(*image));

	assert_non_null(image);
	snprintf(image->name, sizeof(image->name), "%s", name);
	strcpy(image->root, "/dev/sda1");
	strcpy(image->architecture, "x86_64");
	strcpy(image->boot_mode, "uefi");
	image->platform = strdup("Test/Linux");
	image->description = strdup("");
	return image;
}

/* Add a mapping, which may be changed until the next is added. */
static inline struct sfs_mapping *add_mapping(struct sfs_image *image,
					      const char *device,
					      enum sfs_mapping_kind kind)
{
	struct sfs_mapping *mapping;

	image->mappings = realloc(image->mappings, (image->mapping_count + 1) *
							   sizeof(*mapping));
	assert_non_null(image->mappings);
	mapping = &image->mappings[image->mapping_count++];
	*mapping = (struct sfs_mapping){ .kind = kind };
	snprintf(mapping->device, sizeof(mapping->device), "%s", device);
	return mapping;
}

/* Register an image that maps /dev/sda1 to @snapshot; the caller frees. */
static inline struct sfs_image *
register_image(const char *name, const struct sfs_snapshot *snapshot)
{
	struct sfs_image *image = new_image(name);
	struct sfs_mapping *mapping;

	mapping = add_mapping(image, "/dev/sda1", SFS_MAPPING_SNAPSHOT);
	memcpy(mapping->snapshot, snapshot->id, sizeof(snapshot->id));
	assert_int_equal(sfs_image_register(repo, image), 0);
	return image;
}

/* ---- where things lie ---- */

/* The file of the pack that @entry lies in, until the next call. */
static inline const char *pack_path(const struct sfs_entry *entry)
{
	static char path[64];

	snprintf(path, sizeof(path), "repo/packs/%02x/%016llx.pack",
		 (unsigned)(entry->pack >> 56),
		 (unsigned long long)entry->pack);
	return path;
}

/* The entry of @chunk of @view. */
static inline struct sfs_entry entry_at(const struct sfs_view *view,
					uint64_t chunk)
{
	struct sfs_entry entry;

	assert_int_equal(sfs_map_entry(sfs_view_map(view), 0, chunk, &entry),
			 0);
	return entry;
}

#endif
