/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Open file description locks on ranges of REPO/lock: FORMAT.md, "Locks".
 * The kernel drops them when their holder dies, so there is no stale lock, no
 * time-out and no unlock command.  Each lock has a description of its own, so
 * two threads exclude each other as two processes do; pins, which are only
 * ever shared, all live on the store's.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <xxhash.h>

#include "src/log.h"
#include "src/mutex.h"
#include "src/store-dir.h"

struct sfs_lock {
	int fd;
};

static off_t lock_offset(enum sfs_lock_kind kind, const char *name)
{
	uint64_t hash = name ? XXH3_64bits(name, strlen(name)) : 0;

	switch (kind) {
	case SFS_LOCK_STRUCTURE:
		return 0;
	case SFS_LOCK_CATALOG:
		return 1;
	case SFS_LOCK_RECORDS:
		return 2;
	case SFS_LOCK_VOLUME:
		return (off_t)(UINT64_C(1) << 61 |
			       (hash & ((UINT64_C(1) << 60) - 1)));
	default:
		return (off_t)(UINT64_C(1) << 62 |
			       (hash & ((UINT64_C(1) << 61) - 1)));
	}
}

int sfs_store_open_lock(struct sfs_store *store)
{
	int top = store->area_fds[SFS_AREA_TOP];
	const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd;

	fd = openat(top, "lock", O_RDWR | flags);
	if (fd < 0 && (errno == EACCES || errno == EROFS))
		fd = openat(top, "lock", O_RDONLY | flags);
	return fd < 0 ? -errno : fd;
}

static int set_lock(int fd, enum sfs_lock_kind kind, const char *name,
		    short type, bool wait)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = lock_offset(kind, name),
		.l_len = 1,
	};
	int r;

	do
		r = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
	while (r < 0 && errno == EINTR && wait);
	if (r == 0)
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

int sfs_store_lock(struct sfs_store *store, enum sfs_lock_kind kind,
		   const char *name, bool exclusive, bool wait,
		   struct sfs_lock **ret)
{
	CLEANUP_LOCK struct sfs_lock *lock = NULL;
	int r;

	lock = sfs_malloc(sizeof(*lock));
	if (!lock)
		return -ENOMEM;
	lock->fd = sfs_store_open_lock(store);
	if (lock->fd < 0)
		return lock->fd;
	r = set_lock(lock->fd, kind, name, exclusive ? F_WRLCK : F_RDLCK, wait);
	if (r < 0 && r != -EBUSY)
		sfs_err("'%s/lock': cannot lock: %s", store->path,
			strerror(-r));
	if (r < 0)
		return r;
	*ret = TAKE_PTR(lock);
	return 0;
}

void sfs_lock_release(struct sfs_lock *lock)
{
	if (!lock)
		return;
	if (lock->fd >= 0)
		close(lock->fd);
	free(lock);
}

static struct sfs_pin *find_pin_locked(struct sfs_store *store, const char *id)
{
	size_t i;

	for (i = 0; i < store->pin_count; i++)
		if (strcmp(store->pins[i].id, id) == 0)
			return &store->pins[i];
	return NULL;
}

static int add_pin_locked(struct sfs_store *store, const char *id)
{
	struct sfs_pin *pin;
	int r;

	r = sfs_grow(&store->pins, &store->pin_capacity, store->pin_count,
		     sizeof(*store->pins));
	if (r < 0)
		return r;
	r = set_lock(store->lock_fd, SFS_LOCK_PIN, id, F_RDLCK, true);
	if (r < 0)
		return r;
	pin = &store->pins[store->pin_count++];
	strncpy(pin->id, id, sizeof(pin->id) - 1);
	pin->id[sizeof(pin->id) - 1] = '\0';
	pin->count = 1;
	return 0;
}

int sfs_store_pin(struct sfs_store *store, const char *id)
{
	struct sfs_pin *pin;
	int r = 0;

	SFS_LOCK(&store->pin_lock);
	pin = find_pin_locked(store, id);
	if (pin)
		pin->count++;
	else
		r = add_pin_locked(store, id);
	if (r < 0)
		sfs_err("'%s': cannot pin '%s': %s", store->path, id,
			strerror(-r));
	return r;
}

void sfs_store_unpin(struct sfs_store *store, const char *id)
{
	struct sfs_pin *pin;

	SFS_LOCK(&store->pin_lock);
	pin = find_pin_locked(store, id);
	if (pin && --pin->count == 0) {
		/* A pin that stays costs space, never bytes. */
		sfs_ignore(set_lock(store->lock_fd, SFS_LOCK_PIN, id, F_UNLCK,
				    false));
		*pin = store->pins[--store->pin_count];
	}
}

int sfs_store_pinned(struct sfs_store *store, const char *id)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = lock_offset(SFS_LOCK_PIN, id),
		.l_len = 1,
	};
	CLEANUP_CLOSE int fd = -1;

	/* Asked from a description of its own, so that this process's pins
	 * count as well. */
	fd = sfs_store_open_lock(store);
	if (fd < 0)
		return fd;
	if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
		return -errno;
	return lock.l_type != F_UNLCK;
}
