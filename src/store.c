/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "format/limits.h"
#include "format/time.h"
#include "src/io.h"
#include "src/log.h"
#include "src/store-dir.h"

#define SUPERBLOCK "snapfs.json"

static const char *const area_names[SFS_STORE_AREAS] = {
	[SFS_AREA_TOP] = ".",
	[SFS_AREA_RECORDS] = "records",
	[SFS_AREA_BIN] = "bin",
};

/* ---- init ---- */

/* What an init that did not finish may have left. */
static bool known_name(const char *name)
{
	static const char *const known[] = { "packs", "records", "bin",
					     "tmp",   "lock",	 "lost+found" };
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(known); i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return false;
}

/* Whether there is a file in records/, bin/ or below packs/: an init that did
 * not finish leaves none. */
static bool holds_files(int fd, const char *name)
{
	struct dirent *entry;
	bool found = false;
	DIR *dir;
	int sub;

	if (strcmp(name, "tmp") == 0)
		return false;
	sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = sub < 0 ? NULL : fdopendir(sub);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		found = entry->d_type == DT_REG ||
			holds_files(sub, entry->d_name);
	}
	closedir(dir);
	return found;
}

static int log_left_over(const char *path)
{
	sfs_err("'%s': holds what is left of a repository that lost its "
		"'" SUPERBLOCK "'; put that back from a copy, or give another "
		"directory",
		path);
	return -ENOTEMPTY;
}

/* Judge one name in @path, which init is to take. */
static int check_name(int top_fd, const char *path, const char *name)
{
	if (strncmp(name, "catalog.db", 10) == 0)
		return log_left_over(path);
	if (!known_name(name)) {
		sfs_err("'%s': not empty: holds '%s'; give a new or empty "
			"directory",
			path, name);
		return -ENOTEMPTY;
	}
	if (!holds_files(top_fd, name))
		return 0;
	sfs_err("'%s': holds the records or packs of a repository that lost "
		"its "
		"'" SUPERBLOCK "'; put that back from a copy, or give another "
		"directory",
		path);
	return -ENOTEMPTY;
}

static int check_vacant(int top_fd, const char *path)
{
	struct dirent *entry;
	int fd, r = 0;
	DIR *dir;

	if (faccessat(top_fd, SUPERBLOCK, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		sfs_err("'%s': is a snapfs repository already", path);
		return -EEXIST;
	}
	fd = openat(top_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return -errno;
	for (errno = 0; r == 0 && (entry = readdir(dir)); errno = 0)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			r = check_name(top_fd, path, entry->d_name);
	if (r == 0)
		r = -errno;
	closedir(dir);
	return r;
}

static int make_dir(int fd, const char *name)
{
	return mkdirat(fd, name, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int make_layout(int top_fd)
{
	static const char *const dirs[] = { "packs", "records", "bin", "tmp" };
	CLEANUP_CLOSE int lock_fd = -1;
	CLEANUP_CLOSE int packs_fd = -1;
	char name[3];
	unsigned i;
	int r;

	for (i = 0; i < SFS_ARRAY_SIZE(dirs); i++) {
		r = make_dir(top_fd, dirs[i]);
		if (r < 0)
			return r;
	}
	packs_fd = openat(top_fd, "packs",
			  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	lock_fd = TEMP_FAILURE_RETRY(
		openat(top_fd, "lock",
		       O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
	if (packs_fd < 0 || lock_fd < 0)
		return -errno;
	for (i = 0; i < 256; i++) {
		snprintf(name, sizeof(name), "%02x", i);
		r = make_dir(packs_fd, name);
		if (r < 0)
			return r;
	}
	return fsync(packs_fd) < 0 || fsync(lock_fd) < 0 || fsync(top_fd) < 0
		       ? -errno
		       : 0;
}

static int sync_parent(int top_fd)
{
	CLEANUP_CLOSE int fd = -1;

	fd = openat(top_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* A parent that we may not read is not ours to make durable. */
	if (fd < 0)
		return errno == EACCES ? 0 : -errno;
	return fsync(fd) < 0 ? -errno : 0;
}

int sfs_store_create(const char *path)
{
	CLEANUP_CLOSE int fd = -1;
	int r;

	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		r = -errno;
		sfs_err("'%s': cannot make the directory: %s", path,
			strerror(-r));
		return r;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		sfs_err("'%s': cannot open: %s", path, strerror(-r));
		return r;
	}
	r = check_vacant(fd, path);
	if (r < 0)
		return r;
	r = fchmod(fd, 0700) < 0 ? -errno : make_layout(fd);
	if (r == 0)
		r = sync_parent(fd);
	if (r < 0)
		sfs_err("'%s': cannot lay out a repository: %s", path,
			strerror(-r));
	return r;
}

/* ---- open and close ---- */

static int open_part(const char *path, int top, const char *name, int *ret)
{
	int r;

	*ret = openat(top, name,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret >= 0)
		return 0;
	r = -errno;
	sfs_err("'%s/%s': %s; the repository is not whole: put that back from "
		"a copy",
		path, name, strerror(-r));
	return -EUCLEAN;
}

static int open_dirs(struct sfs_store *store, const char *path, bool fresh)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int top, i, r;

	top = open(path, flags);
	if (top < 0)
		return -errno;
	store->area_fds[SFS_AREA_TOP] = top;
	if (!fresh && faccessat(top, SUPERBLOCK, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	for (i = SFS_AREA_RECORDS; i < SFS_STORE_AREAS; i++) {
		r = open_part(path, top, area_names[i], &store->area_fds[i]);
		if (r < 0)
			return r;
	}
	r = open_part(path, top, "packs", &store->packs_fd);
	if (r == 0)
		r = open_part(path, top, "tmp", &store->tmp_fd);
	if (r < 0)
		return r;
	store->lock_fd = sfs_store_open_lock(store);
	if (store->lock_fd < 0)
		return store->lock_fd;
	return 0;
}

static void judge(struct sfs_store *store)
{
	int top = store->area_fds[SFS_AREA_TOP];
	struct stat st;

	store->writable = faccessat(store->area_fds[SFS_AREA_RECORDS], ".",
				    W_OK, AT_EACCESS) == 0 &&
			  faccessat(top, "lock", W_OK, AT_EACCESS) == 0;
	store->trusted = fstat(top, &st) == 0 && st.st_uid == geteuid() &&
			 (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int new_store(struct sfs_store **ret)
{
	struct sfs_store *store;
	int i;

	store = sfs_calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	for (i = 0; i < SFS_STORE_AREAS; i++)
		store->area_fds[i] = -1;
	store->packs_fd = store->tmp_fd = store->lock_fd = -1;
	pthread_mutex_init(&store->pin_lock, NULL);
	*ret = store;
	return 0;
}

static int open_store(const char *path, bool fresh, struct sfs_store **ret)
{
	CLEANUP_STORE struct sfs_store *store = NULL;
	int r;

	r = new_store(&store);
	if (r == 0)
		r = sfs_store_files_init(store);
	if (r < 0)
		return r;
	r = open_dirs(store, path, fresh);
	if (r == -ENOENT || r == -ENOTDIR) {
		sfs_err("'%s': no snapfs repository there; make one with "
			"'snapfs init %s'",
			path, path);
		return -ENOENT;
	}
	if (r == -EUCLEAN)
		return r;
	if (r < 0) {
		sfs_err("'%s': cannot open the repository: %s", path,
			strerror(-r));
		return r;
	}
	store->path = realpath(path, NULL);
	if (!store->path)
		return -errno;
	judge(store);
	if (store->writable && store->trusted) {
		store->catalog_path =
			sfs_asprintf("%s/catalog.db", store->path);
		if (!store->catalog_path)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(store);
	return 0;
}

int sfs_store_open(const char *path, struct sfs_store **ret)
{
	return open_store(path, false, ret);
}

int sfs_store_open_new(const char *path, struct sfs_store **ret)
{
	return open_store(path, true, ret);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void sfs_store_close(struct sfs_store *store)
{
	int i;

	if (!store)
		return;
	sfs_store_files_done(store);
	for (i = 0; i < SFS_STORE_AREAS; i++)
		close_fd(store->area_fds[i]);
	close_fd(store->packs_fd);
	close_fd(store->tmp_fd);
	close_fd(store->lock_fd);
	pthread_mutex_destroy(&store->pin_lock);
	free(store->pins);
	free(store->catalog_path);
	free(store->path);
	free(store);
}

bool sfs_store_writable(const struct sfs_store *store)
{
	return store->writable;
}

bool sfs_store_trusted(const struct sfs_store *store)
{
	return store->trusted;
}

const char *sfs_store_path(const struct sfs_store *store)
{
	return store->path;
}

const char *sfs_store_catalog_path(const struct sfs_store *store)
{
	return store->catalog_path;
}

bool sfs_store_contains(const struct sfs_store *store, const char *path)
{
	CLEANUP_FREE char *real = NULL;
	CLEANUP_FREE char *copy = NULL;
	size_t n = strlen(store->path);
	char *slash;

	real = realpath(path, NULL);
	if (!real) { /* not there yet: where would it be? */
		copy = sfs_strdup(path);
		slash = copy ? strrchr(copy, '/') : NULL;
		if (slash)
			*slash = '\0';
		real = realpath(!slash ? "." : *copy ? copy : "/", NULL);
	}
	return real && strncmp(real, store->path, n) == 0 &&
	       (real[n] == '/' || real[n] == '\0');
}

bool sfs_store_same_filesystem(const struct sfs_store *store, uint64_t dev)
{
	struct stat st;

	return fstat(store->area_fds[SFS_AREA_TOP], &st) == 0 &&
	       st.st_dev == dev;
}

int sfs_store_statvfs(const struct sfs_store *store, struct statvfs *ret)
{
	return fstatvfs(store->area_fds[SFS_AREA_TOP], ret) < 0 ? -errno : 0;
}

/* ---- publishing ---- */

int sfs_store_sync_dir(struct sfs_store *store, int dir_fd, const char *what)
{
	int r;

	if (fsync(dir_fd) == 0)
		return 0;
	r = -errno;
	sfs_err("'%s': %s: fsync of the directory failed: %s", store->path,
		what, strerror(-r));
	return r;
}

static void temp_name(char name[17])
{
	uint64_t random;

	sfs_random(&random, sizeof(random));
	snprintf(name, 17, "%016llx", (unsigned long long)random);
}

static int write_temp(struct sfs_store *store, const char *temp,
		      const struct iovec *iov, int iov_count)
{
	CLEANUP_CLOSE int fd = -1;
	int r;

	fd = TEMP_FAILURE_RETRY(openat(
		store->tmp_fd, temp,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
	if (fd < 0)
		return -errno;
	r = sfs_io_writev(fd, iov, iov_count);
	if (r < 0)
		return r;
	return fsync(fd) < 0 ? -errno : 0;
}

static uint64_t iov_size(const struct iovec *iov, int count)
{
	uint64_t size = 0;
	int i;

	for (i = 0; i < count; i++)
		size += iov[i].iov_len;
	return size;
}

static void log_publish(struct sfs_store *store, const char *what, int error,
			uint64_t size)
{
	struct statvfs vfs;

	if (error == -EEXIST)
		return; /* the caller's to judge */
	if (error == -ENOSPC && sfs_store_statvfs(store, &vfs) == 0)
		sfs_err("'%s': %s: no space: %llu bytes more were needed, "
			"%llu are free; what was stored before is unharmed",
			store->path, what, (unsigned long long)size,
			(unsigned long long)vfs.f_bavail * vfs.f_frsize);
	else if (error == -EDQUOT)
		sfs_err("'%s': %s: the disk quota has no room for %llu bytes "
			"more; what was stored before is unharmed",
			store->path, what, (unsigned long long)size);
	else
		sfs_err("'%s': %s: cannot write: %s", store->path, what,
			strerror(-error));
}

int sfs_store_publish(struct sfs_store *store, int dir_fd, const char *name,
		      const char *what, const struct iovec *iov, int iov_count,
		      bool replace)
{
	char temp[17];
	int r;

	temp_name(temp);
	r = write_temp(store, temp, iov, iov_count);
	if (r == 0 && renameat2(store->tmp_fd, temp, dir_fd, name,
				replace ? 0 : RENAME_NOREPLACE) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(store->tmp_fd, temp, 0);
		log_publish(store, what, r, iov_size(iov, iov_count));
	}
	return r;
}

static int file_name(const char *name, enum sfs_area area, char ret[NAME_MAX])
{
	int n;

	n = snprintf(ret, NAME_MAX, "%s%s", name,
		     area == SFS_AREA_TOP ? "" : ".json");
	return n < 0 || n >= NAME_MAX || strchr(name, '/') ? -EINVAL : 0;
}

int sfs_store_put(struct sfs_store *store, enum sfs_area area, const char *name,
		  const void *bytes, size_t size, bool replace)
{
	struct iovec iov = { (void *)(uintptr_t)bytes, size };
	char file[NAME_MAX];
	int r;

	r = file_name(name, area, file);
	if (r < 0)
		return r;
	r = sfs_store_publish(store, store->area_fds[area], file, name, &iov, 1,
			      replace);
	if (r < 0)
		return r;
	if (sfs_store_sync_dir(store, store->area_fds[area], name) < 0) {
		sfs_err("'%s': outcome uncertain: it is there now, but may "
			"not survive a power cut",
			name);
		return -EIO;
	}
	return 0;
}

/* ---- reading ---- */

static int read_whole(int fd, char **ret_bytes, size_t *ret_size)
{
	CLEANUP_FREE char *bytes = NULL;
	struct stat st;
	size_t size;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > SFS_RECORD_SIZE_MAX)
		return -EUCLEAN;
	size = (size_t)st.st_size;
	bytes = sfs_malloc(size + 1);
	if (!bytes)
		return -ENOMEM;
	r = sfs_io_pread(fd, bytes, size, 0);
	if (r < 0)
		return r;
	bytes[size] = '\0';
	*ret_bytes = TAKE_PTR(bytes);
	*ret_size = size;
	return 0;
}

int sfs_store_get(struct sfs_store *store, enum sfs_area area, const char *name,
		  char **ret_bytes, size_t *ret_size)
{
	CLEANUP_CLOSE int fd = -1;
	char file[NAME_MAX];
	int r;

	r = file_name(name, area, file);
	if (r < 0)
		return r;
	/* O_NONBLOCK: what lies there may be a fifo. */
	fd = openat(store->area_fds[area], file,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	r = fd < 0 ? -errno : read_whole(fd, ret_bytes, ret_size);
	if (r == -EUCLEAN)
		sfs_err("'%s/%s/%s': not a regular file of at most %u bytes",
			store->path, area_names[area], file,
			SFS_RECORD_SIZE_MAX);
	else if (r < 0 && r != -ENOENT)
		sfs_err("'%s/%s/%s': cannot read: %s", store->path,
			area_names[area], file, strerror(-r));
	return r;
}

static void version_of(const struct stat *st, uint64_t words[3])
{
	words[0] = st->st_ino;
	words[1] = (uint64_t)(st->st_mtim.tv_sec * SFS_SECOND +
			      st->st_mtim.tv_nsec);
	words[2] = (uint64_t)(st->st_ctim.tv_sec * SFS_SECOND +
			      st->st_ctim.tv_nsec);
}

/* Objects end in .json; anything else in an area is not ours to touch. */
static int list_one(int fd, const char *entry_name,
		    int (*each)(const struct sfs_object *object, void *context),
		    void *context)
{
	struct sfs_object object;
	char name[NAME_MAX + 1];
	size_t n = strlen(entry_name);
	struct stat st;

	if (n <= 5 || n > NAME_MAX || strcmp(entry_name + n - 5, ".json") != 0)
		return 0;
	if (fstatat(fd, entry_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	memcpy(name, entry_name, n - 5);
	name[n - 5] = '\0';
	object.name = name;
	object.size = (uint64_t)st.st_size;
	version_of(&st, object.version);
	return each(&object, context);
}

int sfs_store_list(struct sfs_store *store, enum sfs_area area,
		   int (*each)(const struct sfs_object *object, void *context),
		   void *context)
{
	struct dirent *entry;
	int fd, error, r = 0;
	DIR *dir;

	fd = openat(store->area_fds[area], ".",
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	error = dir ? 0 : -errno;
	while (dir && r == 0) {
		errno = 0;
		entry = readdir(dir);
		error = -errno;
		if (!entry)
			break;
		r = list_one(fd, entry->d_name, each, context);
	}
	if (dir)
		closedir(dir);
	if (r != 0 || error == 0)
		return r;
	sfs_err("'%s/%s': cannot list: %s", store->path, area_names[area],
		strerror(-error));
	return error;
}

/* A clock tick is at most 10 ms; ten of them leave no doubt.  A time without
 * a fraction may come from a file system that keeps whole seconds, or two. */
#define SETTLED_NS	  (SFS_SECOND / 10)
#define SETTLED_COARSE_NS (3 * SFS_SECOND)

int sfs_store_stamp(struct sfs_store *store, enum sfs_area area,
		    struct sfs_stamp *ret)
{
	struct stat st;
	int64_t age;
	bool coarse;

	if (fstat(store->area_fds[area], &st) < 0)
		return -errno;
	version_of(&st, ret->words);
	coarse = st.st_mtim.tv_nsec == 0 || st.st_ctim.tv_nsec == 0;
	age = sfs_now_ns() - (int64_t)sfs_max(ret->words[1], ret->words[2]);
	ret->settled = age > (coarse ? SETTLED_COARSE_NS : SETTLED_NS);
	return 0;
}

bool sfs_stamp_equal(const struct sfs_stamp *a, const struct sfs_stamp *b)
{
	return a->settled && b->settled &&
	       memcmp(a->words, b->words, sizeof(a->words)) == 0;
}

/* ---- moving and removing ---- */

int sfs_store_sync(struct sfs_store *store, enum sfs_area area)
{
	return sfs_store_sync_dir(store, store->area_fds[area],
				  area_names[area]);
}

int sfs_store_move(struct sfs_store *store, enum sfs_area from,
		   enum sfs_area to, const char *name)
{
	char file[NAME_MAX];
	int r;

	r = file_name(name, from, file);
	if (r < 0)
		return r;
	if (renameat(store->area_fds[from], file, store->area_fds[to], file) <
	    0) {
		r = -errno;
		sfs_err("'%s/%s/%s': cannot move to '%s': %s", store->path,
			area_names[from], file, area_names[to], strerror(-r));
		return r;
	}
	r = sfs_store_sync(store, to);
	if (r == 0)
		r = sfs_store_sync(store, from);
	if (r == 0)
		return 0;
	sfs_err("'%s': outcome uncertain: it is gone now, but may come back "
		"after a power cut",
		name);
	return -EIO;
}

int sfs_store_remove(struct sfs_store *store, enum sfs_area area,
		     const char *name)
{
	char file[NAME_MAX];
	int r;

	r = file_name(name, area, file);
	if (r < 0)
		return r;
	if (unlinkat(store->area_fds[area], file, 0) == 0)
		return 0;
	r = -errno;
	sfs_err("'%s/%s/%s': cannot remove: %s", store->path, area_names[area],
		file, strerror(-r));
	return r;
}

static int clean_one(struct sfs_store *store, const char *name, uint64_t *freed)
{
	struct stat st;

	if (fstatat(store->tmp_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return 0;
	if (unlinkat(store->tmp_fd, name, 0) < 0)
		return -errno;
	*freed += (uint64_t)st.st_size;
	return 0;
}

int sfs_store_clean(struct sfs_store *store, uint64_t *freed)
{
	struct dirent *entry;
	int fd, r = 0;
	DIR *dir;

	fd = openat(store->tmp_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return -errno;
	while (r == 0 && (entry = readdir(dir)))
		r = clean_one(store, entry->d_name, freed);
	closedir(dir);
	if (r < 0)
		sfs_err("'%s/tmp': cannot clean: %s", store->path,
			strerror(-r));
	return r;
}
