/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_VIEW_H
#define SNAPFS_SRC_VIEW_H

/*
 * A snapshot open for reading.  While it is open it is pinned: deleting it
 * does not take its bytes away.  A view is immutable; any number of threads
 * read it at once.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "src/chunk.h"
#include "src/cleanup.h"
#include "src/map.h"
#include "src/repo.h"
#include "src/snapshot.h"
#include "src/util.h"

struct sfs_view;

/* Pin and open the committed snapshot @id.  -ENOENT when there is none. */
SFS_MUST_CHECK int sfs_view_open(struct sfs_repo *repo, const char *id,
				 struct sfs_view **ret);
void sfs_view_close(struct sfs_view *view);
SFS_DEFINE_CLEANUP(struct sfs_view, sfs_view_close);
#define CLEANUP_VIEW __attribute__((cleanup(sfs_view_closep)))

/* The same of a volume of @size bytes that was made from @id: beyond the
 * snapshot it reads as zeros.  With an @id of "" all of it does.  -EINVAL,
 * logged, when the snapshot is larger. */
SFS_MUST_CHECK int sfs_view_open_volume(struct sfs_repo *repo, const char *id,
					uint64_t size, struct sfs_view **ret);
/* Open what @snapshot describes, without a pin: for who knows that its chunks
 * stay, such as its creator. */
SFS_MUST_CHECK int sfs_view_open_unpinned(struct sfs_repo *repo,
					  const struct sfs_snapshot *snapshot,
					  struct sfs_view **ret);

/* What it shows; the size is that of the volume, and a volume of zeros has no
 * id. */
const struct sfs_snapshot *sfs_view_snapshot(const struct sfs_view *view);
const struct sfs_map *sfs_view_map(const struct sfs_view *view);
struct sfs_repo *sfs_view_repo(const struct sfs_view *view);

/* The most one sfs_view_read() takes. */
#define SFS_READ_MAX	((size_t)1 << 20)
#define SFS_READ_PIECES (SFS_READ_MAX / SFS_CHUNK_SIZE_MIN + 2)

/* The pieces of one read, pointing into pinned chunks and a shared page of
 * zeros; plain storage, so that a read allocates nothing. */
struct sfs_read {
	struct iovec iov[SFS_READ_PIECES];
	struct sfs_chunk chunks[SFS_READ_PIECES];
	unsigned iov_count;
	unsigned chunk_count;
	size_t size; /* bytes in all; short only at the volume's end */
};

/* Gather [offset, offset + size) with size <= SFS_READ_MAX.  Beyond the end
 * of the volume there is nothing.  -EUCLEAN, -EBADMSG or what reading a
 * pack returned for a range with damage, logged once a place; -EIO for one
 * with chunks that the source could not give.  Nothing is then held.  What is
 * given is valid until sfs_view_read_done(). */
SFS_MUST_CHECK int sfs_view_read(struct sfs_view *view, uint64_t offset,
				 size_t size, struct sfs_read *read);
void sfs_view_read_done(struct sfs_view *view, struct sfs_read *read);

/* The same, copied; *ret_size is short only at the volume's end. */
SFS_MUST_CHECK int sfs_view_pread(struct sfs_view *view, void *buffer,
				  size_t size, uint64_t offset,
				  size_t *ret_size);

/* The next data, or the next hole, at or after @offset; chunks of zeros count
 * as holes.  At the end of the volume there is a hole.  -ENXIO as lseek(2). */
SFS_MUST_CHECK int sfs_view_next_data(struct sfs_view *view, uint64_t offset,
				      uint64_t *ret);
SFS_MUST_CHECK int sfs_view_next_hole(struct sfs_view *view, uint64_t offset,
				      uint64_t *ret);

#endif
