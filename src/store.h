/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_STORE_H
#define SNAPFS_SRC_STORE_H

/*
 * The store seam: objects by area and name, and locks.  Nothing above it
 * knows paths or descriptors.  The one backend so far is a local directory.
 *
 * Objects are published whole and never change under their name, but for a
 * record that is replaced by a newer one.  A store may be used from any
 * thread.  Failures are logged here, where path and cause are known.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <sys/uio.h>

#include "src/cleanup.h"
#include "src/util.h"

struct sfs_store;
struct sfs_lock;

enum sfs_area {
	SFS_AREA_TOP,	  /* snapfs.json */
	SFS_AREA_RECORDS, /* NAME.json */
	SFS_AREA_BIN,	  /* records of what was deleted */
};

/* Changes whenever an area's set of objects, or one of them, changes.  Two
 * equal stamps mean "unchanged", and only if both are @settled: a directory's
 * clock is coarse, so a stamp that is too fresh proves nothing yet. */
struct sfs_stamp {
	uint64_t words[3];
	bool settled;
};

/* One object of a listing.  @version changes when the object is replaced. */
struct sfs_object {
	const char *name;
	uint64_t version[3];
	uint64_t size;
};

/* Create what init needs under @path: new, empty, or left by an unfinished
 * init.  -EEXIST: a repository is there; -ENOTEMPTY: something else is. */
SFS_MUST_CHECK int sfs_store_create(const char *path);

/* Open the store at @path.  -ENOENT: no repository there.  A store that
 * cannot be written (mode, read-only file system) opens read-only. */
SFS_MUST_CHECK int sfs_store_open(const char *path, struct sfs_store **ret);
/* The same for what sfs_store_create() made, before snapfs.json is in it. */
SFS_MUST_CHECK int sfs_store_open_new(const char *path, struct sfs_store **ret);
void sfs_store_close(struct sfs_store *store);
SFS_DEFINE_CLEANUP(struct sfs_store, sfs_store_close);
#define CLEANUP_STORE __attribute__((cleanup(sfs_store_closep)))

bool sfs_store_writable(const struct sfs_store *store);

/* True when all of it belongs to the caller, so that the derived files in it
 * (catalog.db) may be believed as far as their own checks go. */
bool sfs_store_trusted(const struct sfs_store *store);

/* The absolute name for messages and for mount tables; owned by the store. */
const char *sfs_store_path(const struct sfs_store *store);

/* The local file that may hold the catalog, or NULL. */
const char *sfs_store_catalog_path(const struct sfs_store *store);

/* Whether @path, which need not exist yet, is the repository or inside it. */
bool sfs_store_contains(const struct sfs_store *store, const char *path);
/* Whether the repository lies on the file system of device number @dev. */
bool sfs_store_same_filesystem(const struct sfs_store *store, uint64_t dev);

SFS_MUST_CHECK int sfs_store_statvfs(const struct sfs_store *store,
				     struct statvfs *ret);

/* ---- small objects: records ---- */

/* Publish @bytes as @area/@name, durable in data and name once this returns
 * 0: temp file, fsync, rename, fsync of the directory.  Without @replace an
 * existing object is -EEXIST, not logged.  When the directory's fsync fails
 * after the rename the object stays: "outcome uncertain" is logged, -EIO. */
SFS_MUST_CHECK int sfs_store_put(struct sfs_store *store, enum sfs_area area,
				 const char *name, const void *bytes,
				 size_t size, bool replace);

/* Read a whole object of at most SFS_RECORD_SIZE_MAX bytes; @ret_bytes is
 * the caller's to free and has a NUL behind it.  -ENOENT is not logged. */
SFS_MUST_CHECK int sfs_store_get(struct sfs_store *store, enum sfs_area area,
				 const char *name, char **ret_bytes,
				 size_t *ret_size);

/* Call @each for every object, in no order.  Stops at its first non-zero
 * result and returns it. */
SFS_MUST_CHECK int sfs_store_list(struct sfs_store *store, enum sfs_area area,
				  int (*each)(const struct sfs_object *object,
					      void *context),
				  void *context);

/* Rename from one area to another, durable once this returns 0.  -EIO, logged
 * as an uncertain outcome: it was renamed, but not made durable.  Then nothing
 * more is to be moved, since a second fsync would not tell of what the first
 * one lost. */
SFS_MUST_CHECK int sfs_store_move(struct sfs_store *store, enum sfs_area from,
				  enum sfs_area to, const char *name);
SFS_MUST_CHECK int sfs_store_remove(struct sfs_store *store, enum sfs_area area,
				    const char *name);
SFS_MUST_CHECK int sfs_store_sync(struct sfs_store *store, enum sfs_area area);
SFS_MUST_CHECK int sfs_store_stamp(struct sfs_store *store, enum sfs_area area,
				   struct sfs_stamp *ret);
bool sfs_stamp_equal(const struct sfs_stamp *a, const struct sfs_stamp *b);

/* ---- packs ---- */

/* Publish the pieces of @iov as pack @id: written, fsynced and renamed into
 * place.  Its name is durable only after sfs_store_sync_packs().  When a
 * write or fsync fails the file is abandoned and the pack is written once
 * more, whole, to a new one. */
SFS_MUST_CHECK int sfs_store_put_pack(struct sfs_store *store, uint64_t id,
				      const struct iovec *iov, int iov_count);

/* Make the names of the @count packs in @ids durable. */
SFS_MUST_CHECK int sfs_store_sync_packs(struct sfs_store *store,
					const uint64_t *ids, size_t count);

/* Read exactly @size bytes at @offset.  -ENOENT: no such pack; -EUCLEAN: it
 * ends before.  Neither is logged: the caller knows what it wanted. */
SFS_MUST_CHECK int sfs_store_read_pack(struct sfs_store *store, uint64_t id,
				       void *buffer, size_t size,
				       uint64_t offset);
SFS_MUST_CHECK int sfs_store_pack_size(struct sfs_store *store, uint64_t id,
				       uint64_t *ret_size);

/* Tell the kernel that this range will be read soon. */
void sfs_store_prefetch_pack(struct sfs_store *store, uint64_t id,
			     uint64_t offset, uint64_t size);

SFS_MUST_CHECK int sfs_store_list_packs(struct sfs_store *store,
					int (*each)(uint64_t id, uint64_t size,
						    uint64_t allocated,
						    void *context),
					void *context);
SFS_MUST_CHECK int sfs_store_remove_pack(struct sfs_store *store, uint64_t id);

/* Let go of packs that another process removed, so that their space is free.
 * For who keeps a store open for long. */
void sfs_store_forget_removed(struct sfs_store *store);

/* Remove what unfinished writers left.  Only under the structure lock held
 * exclusively; adds the bytes removed to *freed. */
SFS_MUST_CHECK int sfs_store_clean(struct sfs_store *store, uint64_t *freed);

/* ---- locks ---- */

/* Kernel locks on ranges of REPO/lock, dropped when their holder dies; taken
 * in this order by who needs several. */
enum sfs_lock_kind {
	SFS_LOCK_VOLUME,    /* exclusive by the one creator; name: volume */
	SFS_LOCK_STRUCTURE, /* creators shared, gc exclusive; no name */
	SFS_LOCK_RECORDS,   /* exclusive, briefly: replace, move, judge */
	SFS_LOCK_CATALOG,   /* exclusive around catalog writes; no name */
	SFS_LOCK_PIN,	    /* shared by readers; name: snapshot id */
};

/* Without @wait, -EBUSY when somebody else, thread or process, holds it in
 * the way; not logged. */
SFS_MUST_CHECK int sfs_store_lock(struct sfs_store *store,
				  enum sfs_lock_kind kind, const char *name,
				  bool exclusive, bool wait,
				  struct sfs_lock **ret);
void sfs_lock_release(struct sfs_lock *lock);
SFS_DEFINE_CLEANUP(struct sfs_lock, sfs_lock_release);
#define CLEANUP_LOCK __attribute__((cleanup(sfs_lock_releasep)))

/* Pins share one descriptor however many there are; counted by id. */
SFS_MUST_CHECK int sfs_store_pin(struct sfs_store *store, const char *id);
void sfs_store_unpin(struct sfs_store *store, const char *id);

/* 1 if anyone holds a pin on @id (this store's own included), 0 if none. */
SFS_MUST_CHECK int sfs_store_pinned(struct sfs_store *store, const char *id);

#endif
