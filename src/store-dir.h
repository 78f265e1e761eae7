/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_STORE_DIR_H
#define SNAPFS_SRC_STORE_DIR_H

/* The local directory behind src/store.h; for src/store*.c and
 * src/store-locks.c. */

#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "src/store.h"

#define SFS_STORE_AREAS (SFS_AREA_BIN + 1)

/* Open pack files are kept in sets of a few ways, each with its own lock, so
 * that readers of different packs do not meet.  A long chain's chunks lie in
 * many packs: the store keeps as many open as half the descriptors that the
 * process may have, within these. */
#define SFS_FILE_WAYS	  4
#define SFS_FILE_SETS_MIN 4
#define SFS_FILE_SETS_MAX 4096

struct sfs_pack_file {
	uint64_t id;
	uint64_t size;
	int fd;
	atomic_uint refs;
};

struct sfs_file_set {
	pthread_mutex_t lock;
	struct sfs_pack_file
		*ways[SFS_FILE_WAYS]; /* under lock, newest first */
};

struct sfs_pin {
	char id[24];
	unsigned count;
};

/* Immutable after open but for the parts with a lock. */
struct sfs_store {
	char *path;
	char *catalog_path;
	bool writable;
	bool trusted;
	int area_fds[SFS_STORE_AREAS];
	int packs_fd;
	int tmp_fd;
	int lock_fd; /* carries the pins */
	struct sfs_file_set *files;
	unsigned file_sets;

	pthread_mutex_t pin_lock;
	struct sfs_pin *pins; /* under pin_lock */
	size_t pin_count;     /* under pin_lock */
	size_t pin_capacity;  /* under pin_lock */
};

/* Write @iov to a new file in tmp/, fsync it and rename it to @name in
 * @dir_fd.  @what names the object in messages.  The directory's fsync is the
 * caller's. */
SFS_MUST_CHECK int sfs_store_publish(struct sfs_store *store, int dir_fd,
				     const char *name, const char *what,
				     const struct iovec *iov, int iov_count,
				     bool replace);

/* fsync of a directory; logged. */
SFS_MUST_CHECK int sfs_store_sync_dir(struct sfs_store *store, int dir_fd,
				      const char *what);

/* Open REPO/lock once more: a lock needs an open file description of its own.
 * Returns the descriptor or a negative errno. */
SFS_MUST_CHECK int sfs_store_open_lock(struct sfs_store *store);

SFS_MUST_CHECK int sfs_store_files_init(struct sfs_store *store);
void sfs_store_files_done(struct sfs_store *store);

#endif
