/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Packs of a local store: packs/xx/<id>.pack, where xx are the id's first two
 * digits. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "format/id.h"
#include "format/limits.h"
#include "src/io.h"
#include "src/log.h"
#include "src/store-dir.h"

#define PACK_NAME_SIZE 32 /* 16 digits, ".pack", NUL, rounded up */

static void pack_name(uint64_t id, char ret[PACK_NAME_SIZE])
{
	snprintf(ret, PACK_NAME_SIZE, "%016" PRIx64 ".pack", id);
}

static unsigned pack_dir(uint64_t id)
{
	return (unsigned)(id >> 56);
}

/* ---- open pack files ---- */

int sfs_store_files_init(struct sfs_store *store)
{
	struct rlimit limit = { 0 };
	unsigned i;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	store->file_sets = (unsigned)sfs_min(
		sfs_max(limit.rlim_cur / 2 / SFS_FILE_WAYS, SFS_FILE_SETS_MIN),
		SFS_FILE_SETS_MAX);
	store->files = sfs_calloc(store->file_sets, sizeof(*store->files));
	if (!store->files)
		return -ENOMEM;
	for (i = 0; i < store->file_sets; i++)
		pthread_mutex_init(&store->files[i].lock, NULL);
	return 0;
}

static void file_put(struct sfs_pack_file *file)
{
	if (file && atomic_fetch_sub(&file->refs, 1) == 1) {
		close(file->fd);
		free(file);
	}
}

static inline void file_putp(struct sfs_pack_file **file)
{
	file_put(*file);
}
#define CLEANUP_FILE __attribute__((cleanup(file_putp)))

void sfs_store_files_done(struct sfs_store *store)
{
	unsigned i, j;

	for (i = 0; store->files && i < store->file_sets; i++) {
		for (j = 0; j < SFS_FILE_WAYS; j++)
			file_put(store->files[i].ways[j]);
		pthread_mutex_destroy(&store->files[i].lock);
	}
	free(store->files);
}

/* The directory of a pack, never through a link.  Returns a descriptor. */
static int open_dir(struct sfs_store *store, unsigned dir)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "%02x", dir & 0xff);
	fd = openat(store->packs_fd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int log_dir(struct sfs_store *store, unsigned dir, int error)
{
	sfs_err("'%s/packs/%02x': cannot be used: %s", store->path, dir & 0xff,
		strerror(-error));
	return error;
}

static int file_open(struct sfs_store *store, uint64_t id,
		     struct sfs_pack_file **ret)
{
	CLEANUP_CLOSE int dir = -1;
	CLEANUP_CLOSE int fd = -1;
	struct sfs_pack_file *file;
	char name[PACK_NAME_SIZE];
	struct stat st;

	dir = open_dir(store, pack_dir(id));
	if (dir < 0)
		return dir;
	pack_name(id, name);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EUCLEAN;
	file = sfs_malloc(sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->id = id;
	file->size = (uint64_t)st.st_size;
	file->fd = TAKE_FD(fd);
	atomic_init(&file->refs, 1);
	*ret = file;
	return 0;
}

static struct sfs_file_set *set_of(struct sfs_store *store, uint64_t id)
{
	return &store->files[id % store->file_sets]; /* ids are random */
}

static void move_to_front(struct sfs_file_set *set, unsigned way,
			  struct sfs_pack_file *file)
{
	memmove(&set->ways[1], &set->ways[0], way * sizeof(set->ways[0]));
	set->ways[0] = file;
}

static struct sfs_pack_file *find_locked(struct sfs_file_set *set, uint64_t id)
{
	struct sfs_pack_file *file;
	unsigned i;

	for (i = 0; i < SFS_FILE_WAYS; i++) {
		file = set->ways[i];
		if (file && file->id == id) {
			move_to_front(set, i, file);
			atomic_fetch_add(&file->refs, 1);
			return file;
		}
	}
	return NULL;
}

/* Keep a newly opened file; the one longest unused makes room. */
static void keep(struct sfs_file_set *set, struct sfs_pack_file *file)
{
	struct sfs_pack_file *victim;

	pthread_mutex_lock(&set->lock);
	victim = set->ways[SFS_FILE_WAYS - 1];
	move_to_front(set, SFS_FILE_WAYS - 1, file);
	atomic_fetch_add(&file->refs, 1);
	pthread_mutex_unlock(&set->lock);
	file_put(victim);
}

static int file_get(struct sfs_store *store, uint64_t id,
		    struct sfs_pack_file **ret)
{
	struct sfs_file_set *set = set_of(store, id);
	int r;

	pthread_mutex_lock(&set->lock);
	*ret = find_locked(set, id);
	pthread_mutex_unlock(&set->lock);
	if (*ret)
		return 0;
	r = file_open(store, id, ret);
	if (r < 0)
		return r;
	keep(set, *ret);
	return 0;
}

static void forget(struct sfs_file_set *set,
		   bool (*drop)(struct sfs_pack_file *file, uint64_t id),
		   uint64_t id)
{
	struct sfs_pack_file *dropped[SFS_FILE_WAYS] = { NULL };
	unsigned i;

	pthread_mutex_lock(&set->lock);
	for (i = 0; i < SFS_FILE_WAYS; i++)
		if (set->ways[i] && drop(set->ways[i], id))
			dropped[i] = TAKE_PTR(set->ways[i]);
	pthread_mutex_unlock(&set->lock);
	for (i = 0; i < SFS_FILE_WAYS; i++)
		file_put(dropped[i]);
}

static bool has_id(struct sfs_pack_file *file, uint64_t id)
{
	return file->id == id;
}

static bool is_removed(struct sfs_pack_file *file, uint64_t id)
{
	struct stat st;

	(void)id;
	return fstat(file->fd, &st) == 0 && st.st_nlink == 0;
}

void sfs_store_forget_removed(struct sfs_store *store)
{
	unsigned i;

	for (i = 0; i < store->file_sets; i++)
		forget(&store->files[i], is_removed, 0);
}

/* ---- objects ---- */

int sfs_store_put_pack(struct sfs_store *store, uint64_t id,
		       const struct iovec *iov, int iov_count)
{
	CLEANUP_CLOSE int dir = -1;
	char name[PACK_NAME_SIZE];
	int r;

	dir = open_dir(store, pack_dir(id));
	if (dir < 0)
		return log_dir(store, pack_dir(id), dir);
	pack_name(id, name);
	r = sfs_store_publish(store, dir, name, name, iov, iov_count, false);
	if (r == -EIO) /* a bad spot: a new file lies elsewhere */
		r = sfs_store_publish(store, dir, name, name, iov, iov_count,
				      false);
	return r;
}

int sfs_store_sync_packs(struct sfs_store *store, const uint64_t *ids,
			 size_t count)
{
	bool wanted[256] = { false };
	unsigned i;
	size_t n;
	int r;

	for (n = 0; n < count; n++)
		wanted[pack_dir(ids[n])] = true;
	for (i = 0; i < 256; i++) {
		CLEANUP_CLOSE int dir = -1;
		char name[16];

		if (!wanted[i])
			continue;
		dir = open_dir(store, i);
		if (dir < 0)
			return log_dir(store, i, dir);
		snprintf(name, sizeof(name), "packs/%02x", i);
		r = sfs_store_sync_dir(store, dir, name);
		if (r < 0)
			return r;
	}
	return 0;
}

int sfs_store_read_pack(struct sfs_store *store, uint64_t id, void *buffer,
			size_t size, uint64_t offset)
{
	CLEANUP_FILE struct sfs_pack_file *file = NULL;
	int r;

	r = file_get(store, id, &file);
	if (r < 0)
		return r;
	r = sfs_io_pread(file->fd, buffer, size, offset);
	return r == -ENODATA ? -EUCLEAN : r;
}

int sfs_store_pack_size(struct sfs_store *store, uint64_t id,
			uint64_t *ret_size)
{
	CLEANUP_FILE struct sfs_pack_file *file = NULL;
	int r;

	r = file_get(store, id, &file);
	if (r < 0)
		return r;
	*ret_size = file->size;
	return 0;
}

void sfs_store_prefetch_pack(struct sfs_store *store, uint64_t id,
			     uint64_t offset, uint64_t size)
{
	CLEANUP_FILE struct sfs_pack_file *file = NULL;

	if (file_get(store, id, &file) == 0)
		posix_fadvise(file->fd, (off_t)offset, (off_t)size,
			      POSIX_FADV_WILLNEED);
}

/* "<16 hex>.pack" in the directory of its first two digits. */
static bool parse_name(const char *name, unsigned dir, uint64_t *ret_id)
{
	char hex[17];
	uint8_t b[8];
	unsigned i;

	if (strlen(name) != 21 || strcmp(name + 16, ".pack") != 0)
		return false;
	memcpy(hex, name, 16);
	hex[16] = '\0';
	if (!sfs_hex_parse(hex, b, sizeof(b)) || b[0] != dir)
		return false;
	*ret_id = 0;
	for (i = 0; i < 8; i++)
		*ret_id = *ret_id << 8 | b[i];
	return true;
}

typedef int pack_fn(uint64_t id, uint64_t size, uint64_t allocated,
		    void *context);

static int list_one(int fd, unsigned dir, const char *name, pack_fn *each,
		    void *context)
{
	struct stat st;
	uint64_t id;

	if (!parse_name(name, dir, &id))
		return 0;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return each(id, (uint64_t)st.st_size, (uint64_t)st.st_blocks * 512,
		    context);
}

static int list_dir(struct sfs_store *store, unsigned i, pack_fn *each,
		    void *context)
{
	struct dirent *entry;
	int fd, error, r = 0;
	DIR *dir;

	fd = open_dir(store, i);
	if (fd == -ENOENT)
		return 0;
	dir = fd < 0 ? NULL : fdopendir(fd);
	error = fd < 0 ? fd : dir ? 0 : -errno;
	while (dir && r == 0) {
		errno = 0;
		entry = readdir(dir);
		error = -errno;
		if (!entry)
			break;
		r = list_one(fd, i, entry->d_name, each, context);
	}
	if (dir)
		closedir(dir);
	return r != 0 || error == 0 ? r : log_dir(store, i, error);
}

int sfs_store_list_packs(struct sfs_store *store, pack_fn *each, void *context)
{
	unsigned i;
	int r;

	for (i = 0; i < 256; i++) {
		r = list_dir(store, i, each, context);
		if (r != 0)
			return r;
	}
	return 0;
}

int sfs_store_remove_pack(struct sfs_store *store, uint64_t id)
{
	CLEANUP_CLOSE int dir = -1;
	char name[PACK_NAME_SIZE];
	int r;

	dir = open_dir(store, pack_dir(id));
	if (dir < 0)
		return log_dir(store, pack_dir(id), dir);
	pack_name(id, name);
	if (unlinkat(dir, name, 0) < 0) {
		r = -errno;
		sfs_err("'%s/packs/%02x/%s': cannot remove: %s", store->path,
			pack_dir(id), name, strerror(-r));
		return r;
	}
	forget(set_of(store, id), has_id, id);
	return 0;
}
