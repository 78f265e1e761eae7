/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/fs.h"

#include <errno.h>
#include <string.h>

#include "format/time.h"
#include "fuse/access.h"
#include "fuse/acl.h"
#include "fuse/text.h"
#include "src/mutex.h"

/* Snapshots never change; the names of snapshots come and go, and INTERFACE
 * promises that both are seen within a second. */
#define TIMEOUT_FOREVER 1e6
#define TIMEOUT_LIVE	1.0

/* What readers should ask for at a time: the largest request there is. */
#define BLOCK_SIZE (1 << 20)

#define SECTOR 512u

/* Asking thousands of open packs takes some milliseconds. */
#define LET_GO_NS (5 * SFS_SECOND)

/* Enough for two readers at once to have help; more would only take
 * processors from those who answer requests. */
#define PREFETCH_THREADS 2

int sfs_fs_new(const struct sfs_mount_options *options, struct sfs_repo *repo,
	       struct sfs_fs **ret)
{
	CLEANUP_FS struct sfs_fs *fs = NULL;
	int r;

	/* The counters are aligned beyond what calloc(3) promises. */
	if (posix_memalign((void **)&fs, _Alignof(struct sfs_fs), sizeof(*fs)))
		return -ENOMEM;
	memset(fs, 0, sizeof(*fs));
	fs->options = options;
	fs->repo = repo;
	fs->started_ns = sfs_now_ns();
	sfs_opened_init(&fs->opened);
	sfs_scratch_init(&fs->scratch);
	pthread_mutex_init(&fs->refresh_lock, NULL);
	pthread_mutex_init(&fs->tree_lock, NULL);
	r = sfs_prefetch_new(repo->chunks, PREFETCH_THREADS, &fs->prefetch);
	if (r < 0)
		return r;
	r = sfs_text_readme(repo, &fs->readme, &fs->readme_size);
	if (r < 0)
		return r;
	r = sfs_tree_new(repo->catalog, repo->config.created_ns,
			 !options->noscratch, &fs->tree);
	if (r < 0)
		return r;

	*ret = TAKE_PTR(fs);
	return 0;
}

void sfs_fs_free(struct sfs_fs *fs)
{
	if (!fs)
		return;
	sfs_prefetch_free(fs->prefetch);
	sfs_tree_unref(fs->tree);
	sfs_scratch_done(&fs->scratch);
	sfs_opened_done(&fs->opened);
	pthread_mutex_destroy(&fs->refresh_lock);
	pthread_mutex_destroy(&fs->tree_lock);
	free(fs->readme);
	free(fs);
}

struct sfs_tree *sfs_fs_tree(struct sfs_fs *fs)
{
	struct sfs_tree *tree;

	SFS_LOCK(&fs->tree_lock);
	tree = sfs_tree_ref(fs->tree);
	return tree;
}

static void swap_tree(struct sfs_fs *fs, struct sfs_tree *next)
{
	struct sfs_tree *last;

	pthread_mutex_lock(&fs->tree_lock);
	last = fs->tree;
	fs->tree = next;
	fs->generation++;
	pthread_mutex_unlock(&fs->tree_lock);
	sfs_tree_unref(last);
}

/* What gc removed takes up space for as long as we hold it open. */
static void let_go_locked(struct sfs_fs *fs)
{
	int64_t now = sfs_monotonic_ns();

	if (now - fs->let_go_ns < LET_GO_NS)
		return;
	fs->let_go_ns = now;
	sfs_store_forget_removed(fs->repo->store);
}

struct sfs_tree *sfs_fs_refreshed(struct sfs_fs *fs)
{
	struct sfs_tree *next;
	int r;

	SFS_LOCK(&fs->refresh_lock);
	let_go_locked(fs);
	r = sfs_catalog_refresh(fs->repo->catalog);
	if (r > 0)
		fs->stale = true;
	if (r >= 0 && fs->stale) {
		r = sfs_tree_new(fs->repo->catalog, fs->repo->config.created_ns,
				 !fs->options->noscratch, &next);
		if (r == 0) {
			fs->stale = false;
			swap_tree(fs, next);
		}
	}
	return sfs_fs_tree(fs);
}

uint64_t sfs_fs_generation(struct sfs_fs *fs)
{
	uint64_t generation;

	SFS_LOCK(&fs->tree_lock);
	generation = fs->generation;
	return generation;
}

/* The directories that all share do not tell when somebody's newest snapshot
 * was taken. */
static int64_t place_time(const struct sfs_fs *fs, const struct sfs_tree *tree,
			  const struct sfs_place *place)
{
	if (place->image)
		return place->image->time_ns;
	if (place->snapshot)
		return place->snapshot->time_ns;
	if (fs->options->allow_other)
		return fs->repo->config.created_ns;
	if (place->volume)
		return place->volume->newest_ns;
	return sfs_tree_newest_ns(tree);
}

static nlink_t place_links(const struct sfs_fs *fs, const struct sfs_tree *tree,
			   const struct sfs_place *place)
{
	bool hidden = fs->options->allow_other;

	switch (place->kind) {
	case SFS_PLACE_ROOT: /* snapshots, volumes, images, .snapfs, scratch */
		return 2 + 4 + (fs->options->noscratch ? 0 : 1);
	case SFS_PLACE_SCRATCH:
		return 2 + 2;
	case SFS_PLACE_VOLUMES: /* 1: it depends on who counts */
		return hidden ? 1 : 2 + sfs_tree_volumes(tree);
	case SFS_PLACE_IMAGES:
	case SFS_PLACE_SCRATCH_IMAGES:
		return hidden ? 1 : 2 + sfs_tree_images(tree);
	default:
		return sfs_place_is_directory(place) ? 2 : 1;
	}
}

/* A chunk at the end of the volume may reach beyond it. */
static blkcnt_t data_blocks(uint64_t size, uint64_t data_bytes)
{
	uint64_t all = size / SECTOR + (size % SECTOR != 0);

	return (blkcnt_t)sfs_min(data_bytes / SECTOR, all);
}

static void set_data(struct stat *st, uint64_t size, uint64_t data_bytes)
{
	st->st_size = (off_t)size;
	st->st_blocks = data_blocks(size, data_bytes);
}

/* What is made when it is read is as long as it would be now. */
static uint64_t manifest_size(struct sfs_fs *fs, const char *id)
{
	CLEANUP_FREE char *text = NULL;
	size_t size;

	if (sfs_text_manifest(fs, id, &text, &size) < 0)
		return 0; /* reading it says why */
	return size;
}

static void stat_size(struct sfs_fs *fs, const struct sfs_place *place,
		      struct stat *st)
{
	char target[SFS_TREE_NAME_SIZE];
	uint64_t size;

	if (sfs_place_is_link(place)) {
		sfs_place_target(place, target);
		st->st_size = (off_t)strlen(target);
	} else if (place->kind == SFS_PLACE_README) {
		set_data(st, fs->readme_size, UINT64_MAX);
	} else if (place->kind == SFS_PLACE_MANIFEST) {
		size = manifest_size(fs, place->image->id);
		set_data(st, size, UINT64_MAX);
	} else if (place->kind == SFS_PLACE_SNAPSHOT) {
		set_data(st, place->snapshot->size,
			 place->snapshot->data_bytes);
	} else if (place->kind == SFS_PLACE_DISK) {
		set_data(st, place->disk->size, place->disk->data_bytes);
	}
}

static mode_t place_mode(const struct sfs_fs *fs, const struct sfs_place *place)
{
	if (sfs_place_is_link(place))
		return S_IFLNK | 0777;
	return sfs_acl_mode(fs->options, place) |
	       (sfs_place_is_directory(place) ? S_IFDIR : S_IFREG);
}

void sfs_fs_stat(struct sfs_fs *fs, const struct sfs_tree *tree,
		 const struct sfs_place *place, struct stat *ret)
{
	int64_t time_ns = place_time(fs, tree, place);

	memset(ret, 0, sizeof(*ret));
	ret->st_ino = place->ino;
	ret->st_mode = place_mode(fs, place);
	ret->st_nlink = place_links(fs, tree, place);
	ret->st_uid = fs->options->uid;
	if (sfs_access_restricted(fs->options, place))
		ret->st_uid = sfs_access_owner(fs->options, place);
	ret->st_gid = fs->options->gid;
	ret->st_blksize = BLOCK_SIZE;
	ret->st_mtim.tv_sec = time_ns / SFS_SECOND;
	ret->st_mtim.tv_nsec = time_ns % SFS_SECOND;
	ret->st_atim = ret->st_ctim = ret->st_mtim;
	stat_size(fs, place, ret);
	if (place->scratch && S_ISREG(ret->st_mode))
		sfs_scratch_stat(fs, place, ret);
}

double sfs_fs_stat_timeout(const struct sfs_fs *fs,
			   const struct sfs_place *place)
{
	if (sfs_place_is_directory(place) || place->scratch ||
	    place->kind == SFS_PLACE_LATEST ||
	    place->kind == SFS_PLACE_MANIFEST ||
	    sfs_access_restricted(fs->options, place))
		return TIMEOUT_LIVE;
	return TIMEOUT_FOREVER;
}

double sfs_fs_name_timeout(const struct sfs_fs *fs,
			   const struct sfs_place *place)
{
	if (place->kind < SFS_PLACE_SNAPSHOT)
		return TIMEOUT_FOREVER;
	/* With allow_other a name is there for some only: access.h. */
	return fs->options->allow_other ? 0 : TIMEOUT_LIVE;
}

int sfs_fs_errno(int r)
{
	switch (r) {
	case -EUCLEAN:
	case -EBADMSG:
	case -EOPNOTSUPP:
	case -ENOENT:
		return EIO;
	default:
		return -r;
	}
}
