/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/time.h"
#include "fuse/fs.h"
#include "src/image-json.h"
#include "src/images.h"
#include "src/json.h"
#include "src/log.h"

/* A macro, so that the compiler sees the format. */
#define README                                                                 \
	"These are the snapshots and machine images of the snapfs "            \
	"repository\n"                                                         \
	"%s\n"                                                                 \
	"\n"                                                                   \
	"snapshots/ID.img          a disk as it was: a raw, read-only image\n" \
	"volumes/NAME/TIME.img     the same by volume and time (UTC); also "   \
	"latest.img\n"                                                         \
	"images/NAME/sda1.img      the disks of a machine; also root.img and " \
	"image.json\n"                                                         \
	"scratch/                  snapshots/ and images/ again, writable: "   \
	"what is\n"                                                            \
	"                          written is gone at unmount, or by rm\n"     \
	".snapfs/status.json       counters of the repository and this "       \
	"mount\n"                                                              \
	"\n"                                                                   \
	"New ones appear and deleted ones vanish within a second; a file "     \
	"that is open\n"                                                       \
	"stays readable.  To look inside a disk, as root:\n"                   \
	"  mount -o loop,nosuid,nodev scratch/snapshots/ID.img DIR    it is "  \
	"a "                                                                   \
	"file system\n"                                                        \
	"  losetup -P -f --show scratch/snapshots/ID.img              it has " \
	"partitions\n"                                                         \
	"The kernel replays the journal of ext4 and XFS there.  It cannot "    \
	"with "                                                                \
	"-o loop,ro\n"                                                         \
	"or below snapshots/, where ext4 needs noload and XFS norecovery.\n"   \
	"\n"                                                                   \
	"Attributes:           getfattr -d snapshots/ID.img images/NAME\n"     \
	"Copying keeps holes:  cp --sparse=auto, tar -S, qemu-img convert\n"

int sfs_text_readme(const struct sfs_repo *repo, char **ret, size_t *ret_size)
{
	char *text;

	text = sfs_asprintf(README, sfs_store_path(repo->store));
	if (!text)
		return -ENOMEM;
	*ret = text;
	*ret_size = strlen(text);
	return 0;
}

int sfs_text_manifest(struct sfs_fs *fs, const char *id, char **ret,
		      size_t *ret_size)
{
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	int r;

	r = sfs_catalog_load_image(fs->repo->catalog, id, &image);
	if (r < 0)
		return r;
	return sfs_image_document(fs->repo, image, ret, ret_size);
}

static void write_repository(struct sfs_jsonw *w, const struct sfs_repo *repo)
{
	char uuid[SFS_UUID_SIZE];

	sfs_uuid_format(repo->config.uuid, uuid);
	sfs_jsonw_object(w, "Repository");
	sfs_jsonw_string(w, "Path", sfs_store_path(repo->store));
	sfs_jsonw_string(w, "Uuid", uuid);
	sfs_jsonw_uint(w, "ChunkSizeInBytes", repo->config.chunk_size);
	sfs_jsonw_bool(w, "Writable", sfs_store_writable(repo->store));
	sfs_jsonw_end(w);
}

static void write_cache(struct sfs_jsonw *w, const char *key,
			struct sfs_cache *cache)
{
	struct sfs_cache_stats stats;

	sfs_cache_stats(cache, &stats);
	sfs_jsonw_object(w, key);
	sfs_jsonw_uint(w, "Hits", stats.hits);
	sfs_jsonw_uint(w, "Misses", stats.misses);
	sfs_jsonw_uint(w, "Waits", stats.waits);
	sfs_jsonw_uint(w, "Evictions", stats.evictions);
	sfs_jsonw_uint(w, "UsedInBytes", stats.used_bytes);
	sfs_jsonw_uint(w, "SizeInBytes", stats.size_bytes);
	sfs_jsonw_end(w);
}

static void write_scratch(struct sfs_jsonw *w, struct sfs_fs *fs)
{
	uint64_t bytes;
	size_t count = sfs_scratch_usage(fs, &bytes);

	sfs_jsonw_object(w, "Scratch");
	sfs_jsonw_uint(w, "Files", count);
	sfs_jsonw_uint(w, "UsedInBytes", bytes);
	sfs_jsonw_end(w);
}

static void write_requests(struct sfs_jsonw *w,
			   const struct sfs_counters *counters)
{
	char size[24];
	unsigned i;

	sfs_jsonw_object(w, "Requests");
	for (i = 0; i < SFS_COUNT_REQUESTS; i++)
		sfs_jsonw_uint(w, sfs_counter_name(i),
			       sfs_counters_get(counters, i));
	sfs_jsonw_end(w);
	sfs_jsonw_object(w, "ReadSizes");
	for (i = 0; i < SFS_COUNT_READ_SIZES; i++) {
		snprintf(size, sizeof(size), "%u",
			 SFS_COUNT_READ_SIZE_MIN << i);
		sfs_jsonw_uint(w, size,
			       sfs_counters_get(counters,
						SFS_COUNT_READ_SIZE_FIRST + i));
	}
	sfs_jsonw_end(w);
	sfs_jsonw_uint(w, "ReadInBytes",
		       sfs_counters_get(counters, SFS_COUNT_READ_BYTES));
	sfs_jsonw_uint(w, "ReadErrors",
		       sfs_counters_get(counters, SFS_COUNT_READ_ERRORS));
}

int sfs_text_status(struct sfs_fs *fs, char **ret, size_t *ret_size)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	CLEANUP_TREE struct sfs_tree *tree = sfs_fs_refreshed(fs);
	char started[SFS_TIME_SIZE];
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_time_format(fs->started_ns, started);
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "Version", SFS_VERSION);
	sfs_jsonw_uint(w, "ProcessId", (uint64_t)getpid());
	sfs_jsonw_string(w, "StartTime", started);
	write_repository(w, fs->repo);
	sfs_jsonw_uint(w, "Snapshots", sfs_tree_snapshots(tree));
	sfs_jsonw_uint(w, "Volumes", sfs_tree_volumes(tree));
	sfs_jsonw_uint(w, "Images", sfs_tree_images(tree));
	sfs_jsonw_uint(w, "Generation", sfs_fs_generation(fs));
	sfs_jsonw_uint(w, "OpenFiles", sfs_opened_count(&fs->opened));
	write_cache(w, "ChunkCache", sfs_chunks_cache(fs->repo->chunks));
	write_cache(w, "NodeCache", sfs_chunks_node_cache(fs->repo->chunks));
	write_scratch(w, fs);
	write_requests(w, &fs->counters);
	sfs_jsonw_end(w);
	return sfs_jsonw_finish(w, true, ret, ret_size);
}

void sfs_text_log_status(struct sfs_fs *fs)
{
	CLEANUP_TREE struct sfs_tree *tree = sfs_fs_tree(fs);
	const struct sfs_counters *counters = &fs->counters;
	struct sfs_cache_stats cache;

	sfs_cache_stats(sfs_chunks_cache(fs->repo->chunks), &cache);
	sfs_info("'%s': %zu snapshots, %zu images, %zu open files, "
		 "%" PRIu64 " reads of %" PRIu64 " bytes, %" PRIu64 " failed, "
		 "%" PRIu64 " lookups, chunk cache %" PRIu64 " hits %" PRIu64
		 " misses %" PRIu64 " bytes",
		 sfs_store_path(fs->repo->store), sfs_tree_snapshots(tree),
		 sfs_tree_images(tree), sfs_opened_count(&fs->opened),
		 sfs_counters_get(counters, SFS_COUNT_READ),
		 sfs_counters_get(counters, SFS_COUNT_READ_BYTES),
		 sfs_counters_get(counters, SFS_COUNT_READ_ERRORS),
		 sfs_counters_get(counters, SFS_COUNT_LOOKUP), cache.hits,
		 cache.misses, cache.used_bytes);
}
