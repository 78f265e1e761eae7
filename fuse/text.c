/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/time.h"
#include "fuse/fs.h"
#include "src/json.h"
#include "src/log.h"

/* A macro, so that the compiler sees the format. */
#define README                                                                 \
	"These are the snapshots of the snapfs repository\n"                   \
	"%s\n"                                                                 \
	"\n"                                                                   \
	"snapshots/ID.img           the disk as it was: a raw, read-only "     \
	"image\n"                                                              \
	"volumes/NAME/TIME.img      the same by volume and time (UTC)\n"       \
	"volumes/NAME/latest.img    the newest one\n"                          \
	".snapfs/status.json        counters of the repository and this "      \
	"mount\n"                                                              \
	"\n"                                                                   \
	"New snapshots appear and deleted ones vanish within a second.  A "    \
	"file\n"                                                               \
	"that is open stays readable although its snapshot is deleted.\n"      \
	"\n"                                                                   \
	"To look inside, as root:\n"                                           \
	"  losetup -r -P -f --show volumes/NAME/latest.img\n"                  \
	"  mount -o ro,noload /dev/loop0p1 /mnt               ext4\n"          \
	"  mount -o ro,norecovery,nouuid /dev/loop0p1 /mnt    XFS\n"           \
	"Without noload or norecovery the kernel wants to replay the "         \
	"journal.\n"                                                           \
	"\n"                                                                   \
	"Attributes of a snapshot: getfattr -d snapshots/ID.img\n"             \
	"Copying keeps holes:      cp --sparse=auto, tar -S, qemu-img "        \
	"convert\n"

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
	sfs_jsonw_uint(w, "Generation", sfs_fs_generation(fs));
	sfs_jsonw_uint(w, "OpenFiles", sfs_opened_count(&fs->opened));
	write_cache(w, "ChunkCache", sfs_chunks_cache(fs->repo->chunks));
	write_cache(w, "NodeCache", sfs_chunks_node_cache(fs->repo->chunks));
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
	sfs_info("'%s': %zu snapshots, %zu open files, "
		 "%" PRIu64 " reads of %" PRIu64 " bytes, %" PRIu64 " failed, "
		 "%" PRIu64 " lookups, chunk cache %" PRIu64 " hits %" PRIu64
		 " misses %" PRIu64 " bytes",
		 sfs_store_path(fs->repo->store), sfs_tree_snapshots(tree),
		 sfs_opened_count(&fs->opened),
		 sfs_counters_get(counters, SFS_COUNT_READ),
		 sfs_counters_get(counters, SFS_COUNT_READ_BYTES),
		 sfs_counters_get(counters, SFS_COUNT_READ_ERRORS),
		 sfs_counters_get(counters, SFS_COUNT_LOOKUP), cache.hits,
		 cache.misses, cache.used_bytes);
}
