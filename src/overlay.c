/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "src/io.h"
#include "src/log.h"
#include "src/mutex.h"
#include "src/overlay-map.h"

#define BLOCK SFS_OVERLAY_BLOCK

/* Blocks are locked by the MiB that they are in, which is also the most that
 * is written at a time; more stripes than there are threads. */
#define STRIPE_SIZE (UINT64_C(1) << 20)
#define STRIPES	    16

struct sfs_overlay {
	struct sfs_view *view;
	char *directory; /* for messages */
	int fd;
	uint64_t size;
	struct sfs_overlay_map map;
	_Atomic int64_t time_ns;
	atomic_flag read_failed;  /* and said so */
	atomic_flag write_failed; /* and said so */

	/* In order of acquisition.  Each stripe protects the blocks in it
	 * whose bit is not set; who needs several takes all, in order. */
	pthread_mutex_t stripes[STRIPES];
	pthread_mutex_t sync_lock; /* held while the file is synced */
	atomic_bool unsynced;
	atomic_int sync_error; /* 0 or negative, for good */
};

/* ---- making ---- */

static int open_nameless(const char *directory)
{
	CLEANUP_FREE char *name = NULL;
	CLEANUP_CLOSE int fd = -1;

	fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return TAKE_FD(fd);
	/* What file systems and kernels that do not know it return. */
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return -errno;
	name = sfs_asprintf("%s/snapfs-scratch-XXXXXX", directory);
	if (!name)
		return -ENOMEM;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0 || unlink(name) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int open_file(struct sfs_overlay *overlay)
{
	int fd;

	fd = open_nameless(overlay->directory);
	if (fd < 0) {
		sfs_err("'%s': a file for what is written over '%s' cannot be "
			"made: %s",
			overlay->directory,
			sfs_view_snapshot(overlay->view)->id, strerror(-fd));
		return fd;
	}
	overlay->fd = fd;
	if (overlay->size > SFS_OVERLAY_SIZE_MAX)
		errno = EFBIG;
	else if (ftruncate(fd, (off_t)overlay->size) == 0)
		return 0;
	if (errno == EFBIG)
		sfs_err("'%s': a file of %" PRIu64 " bytes for what is written "
			"over '%s' is too large here; use a file system with "
			"larger files, such as XFS",
			overlay->directory, overlay->size,
			sfs_view_snapshot(overlay->view)->id);
	else
		sfs_err("'%s': a file for what is written over '%s' cannot be "
			"extended: %s",
			overlay->directory,
			sfs_view_snapshot(overlay->view)->id, strerror(errno));
	return -errno;
}

int sfs_overlay_new(const char *directory, struct sfs_view *view,
		    struct sfs_overlay **ret)
{
	CLEANUP_OVERLAY struct sfs_overlay *overlay = NULL;
	unsigned i;
	int r;

	overlay = sfs_calloc(1, sizeof(*overlay));
	if (!overlay)
		return -ENOMEM;
	overlay->view = view;
	overlay->fd = -1;
	overlay->size = sfs_view_snapshot(view)->size;
	for (i = 0; i < STRIPES; i++)
		pthread_mutex_init(&overlay->stripes[i], NULL);
	pthread_mutex_init(&overlay->sync_lock, NULL);
	overlay->directory = sfs_strdup(directory);
	if (!overlay->directory)
		return -ENOMEM;
	r = open_file(overlay);
	if (r < 0)
		return r;
	r = sfs_overlay_map_init(&overlay->map,
				 (overlay->size + BLOCK - 1) / BLOCK);
	if (r < 0)
		return r;
	overlay->time_ns = sfs_view_snapshot(view)->time_ns;
	*ret = TAKE_PTR(overlay);
	return 0;
}

void sfs_overlay_free(struct sfs_overlay *overlay)
{
	unsigned i;

	if (!overlay)
		return;
	for (i = 0; i < STRIPES; i++)
		pthread_mutex_destroy(&overlay->stripes[i]);
	pthread_mutex_destroy(&overlay->sync_lock);
	sfs_overlay_map_done(&overlay->map);
	sfs_closep(&overlay->fd);
	free(overlay->directory);
	free(overlay);
}

/* ---- the file ---- */

static int file_read(struct sfs_overlay *overlay, void *buffer, size_t size,
		     uint64_t offset)
{
	int r;

	r = sfs_io_pread(overlay->fd, buffer, size, offset);
	if (r == 0)
		return 0;
	if (!atomic_flag_test_and_set(&overlay->read_failed))
		sfs_err("'%s': what was written over '%s' at %" PRIu64
			" cannot be read back: %s",
			overlay->directory,
			sfs_view_snapshot(overlay->view)->id, offset,
			strerror(-r));
	return -EIO;
}

static int write_failed(struct sfs_overlay *overlay, uint64_t offset, int error)
{
	if (!atomic_flag_test_and_set(&overlay->write_failed))
		sfs_err("'%s': what is written over '%s' at %" PRIu64
			" cannot be kept: %s; its writer is told so",
			overlay->directory,
			sfs_view_snapshot(overlay->view)->id, offset,
			strerror(-error));
	return error;
}

static void skip_pieces(struct iovec *iov, unsigned count, size_t size)
{
	unsigned i;
	size_t part;

	for (i = 0; i < count && size > 0; i++, size -= part) {
		part = sfs_min(size, iov[i].iov_len);
		iov[i].iov_base = (char *)iov[i].iov_base + part;
		iov[i].iov_len -= part;
	}
}

/* Write all pieces, which are used up.  Pages are written one by one, so a
 * full disk leaves each as it was or as it should be. */
static int file_write(struct sfs_overlay *overlay, struct iovec *iov,
		      unsigned count, uint64_t offset)
{
	size_t left = 0;
	ssize_t n;
	unsigned i;

	for (i = 0; i < count; i++)
		left += iov[i].iov_len;
	while (left > 0) {
		n = pwritev(overlay->fd, iov, (int)count, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return write_failed(overlay, offset,
					    n < 0 ? -errno : -EIO);
		skip_pieces(iov, count, (size_t)n);
		offset += (uint64_t)n;
		left -= (size_t)n;
	}
	return 0;
}

static int file_punch(struct sfs_overlay *overlay, uint64_t offset,
		      uint64_t size)
{
	if (fallocate(overlay->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      (off_t)offset, (off_t)size) == 0)
		return 0;
	return errno == EOPNOTSUPP ? -EOPNOTSUPP
				   : write_failed(overlay, offset, -errno);
}

static void changed(struct sfs_overlay *overlay)
{
	atomic_store(&overlay->unsynced, true);
	atomic_store(&overlay->time_ns, sfs_now_ns());
}

/* ---- reading ---- */

static uint64_t block_end(uint64_t end)
{
	return (end + BLOCK - 1) / BLOCK;
}

bool sfs_overlay_clean(const struct sfs_overlay *overlay, uint64_t offset,
		       uint64_t size)
{
	const uint64_t first = offset / BLOCK;
	uint64_t end;
	bool written;

	if (offset >= overlay->size || size == 0)
		return true;
	end = block_end(offset + sfs_min(size, overlay->size - offset));
	return sfs_overlay_map_run(&overlay->map, first, end, &written) ==
		       end &&
	       !written;
}

/* Read [offset, end), whose blocks are all the file's or all the view's. */
static int read_run(struct sfs_overlay *overlay, void *buffer, uint64_t offset,
		    uint64_t end, bool written)
{
	size_t size = (size_t)(end - offset), done;

	if (written)
		return file_read(overlay, buffer, size, offset);
	return sfs_view_pread(overlay->view, buffer, size, offset, &done);
}

int sfs_overlay_read(struct sfs_overlay *overlay, void *buffer, size_t size,
		     uint64_t offset, size_t *ret_size)
{
	uint64_t at = offset, end, run_end;
	bool written;
	int r;

	if (offset >= overlay->size) {
		*ret_size = 0;
		return 0;
	}
	end = offset + sfs_min(size, overlay->size - offset);
	while (at < end) {
		run_end = sfs_overlay_map_run(&overlay->map, at / BLOCK,
					      block_end(end), &written);
		run_end = sfs_min(run_end * BLOCK, end);
		r = read_run(overlay, (char *)buffer + (at - offset), at,
			     run_end, written);
		if (r < 0)
			return r;
		at = run_end;
	}
	*ret_size = (size_t)(end - offset);
	return 0;
}

/* ---- writing ---- */

/* Each block that the bits do not know is as it was, whatever a failed write
 * left in the file: give the space of that back. */
static void drop_unknown(struct sfs_overlay *overlay, uint64_t first,
			 uint64_t end)
{
	uint64_t next;
	bool written;

	for (; first < end; first = next) {
		next = sfs_overlay_map_run(&overlay->map, first, end, &written);
		/* Where that fails it takes space for nothing. */
		if (!written)
			sfs_ignore(file_punch(overlay, first * BLOCK,
					      (next - first) * BLOCK));
	}
}

/* Read [from, to), a part of one block, from the view; nothing when the block
 * is the file's, or the part is empty. */
static int complete(struct sfs_overlay *overlay, uint8_t *buffer, uint64_t from,
		    uint64_t to, struct iovec *ret)
{
	size_t done;
	int r;

	*ret = (struct iovec){ buffer, (size_t)(to - from) };
	if (from == to || sfs_overlay_map_get(&overlay->map, from / BLOCK)) {
		ret->iov_len = 0;
		return 0;
	}
	r = sfs_view_pread(overlay->view, buffer, ret->iov_len, from, &done);
	return r < 0 ? r : 0;
}

/* We may be root, for whom file systems keep something; what others write is
 * not to take that. */
static int check_room(struct sfs_overlay *overlay, uint64_t offset)
{
	struct statvfs st;

	if (fstatvfs(overlay->fd, &st) < 0 || st.f_blocks == 0 ||
	    st.f_bavail > 0)
		return 0;
	return write_failed(overlay, offset, -ENOSPC);
}

/* Write [offset, end), under the lock of its stripe: what is missing of its
 * first and last block goes with it, so that they are complete at once. */
static int write_locked(struct sfs_overlay *overlay, const void *buffer,
			uint64_t offset, uint64_t end)
{
	const uint64_t first = offset / BLOCK, last = block_end(end);
	uint8_t head[BLOCK], tail[BLOCK];
	struct iovec iov[3];
	int r;

	r = complete(overlay, head, first * BLOCK, offset, &iov[0]);
	if (r < 0)
		return r;
	iov[1] = (struct iovec){ (void *)(uintptr_t)buffer,
				 (size_t)(end - offset) };
	r = complete(overlay, tail, end, sfs_min(last * BLOCK, overlay->size),
		     &iov[2]);
	if (r < 0)
		return r;
	r = sfs_overlay_map_prepare(&overlay->map, first, last);
	if (r == 0)
		r = check_room(overlay, offset);
	if (r < 0)
		return r;
	r = file_write(overlay, iov, 3, offset - iov[0].iov_len);
	if (r < 0) {
		drop_unknown(overlay, first, last);
		return r;
	}
	sfs_overlay_map_set(&overlay->map, first, last);
	return 0;
}

/* The same of a piece within one stripe, without the lock where it can. */
static int write_piece(struct sfs_overlay *overlay, const void *buffer,
		       uint64_t offset, uint64_t end)
{
	struct iovec iov = { (void *)(uintptr_t)buffer,
			     (size_t)(end - offset) };
	bool written;

	if (sfs_overlay_map_run(&overlay->map, offset / BLOCK, block_end(end),
				&written) == block_end(end) &&
	    written)
		return file_write(overlay, &iov, 1, offset);
	SFS_LOCK(&overlay->stripes[offset / STRIPE_SIZE % STRIPES]);
	return write_locked(overlay, buffer, offset, end);
}

int sfs_overlay_write(struct sfs_overlay *overlay, const void *buffer,
		      size_t size, uint64_t offset)
{
	uint64_t at, end, next;
	int r = 0;

	if (offset > overlay->size || size > overlay->size - offset)
		return -EFBIG;
	if (atomic_load(&overlay->sync_error) < 0)
		return atomic_load(&overlay->sync_error);
	end = offset + size;
	for (at = offset; r == 0 && at < end; at = next) {
		next = sfs_min((at / STRIPE_SIZE + 1) * STRIPE_SIZE, end);
		r = write_piece(overlay, (const char *)buffer + (at - offset),
				at, next);
	}
	changed(overlay);
	return r;
}

static void lock_all(struct sfs_overlay *overlay)
{
	unsigned i;

	for (i = 0; i < STRIPES; i++)
		pthread_mutex_lock(&overlay->stripes[i]);
}

static void unlock_all(struct sfs_overlay *overlay)
{
	unsigned i;

	for (i = 0; i < STRIPES; i++)
		pthread_mutex_unlock(&overlay->stripes[i]);
}

/* Whole blocks.  Holding up all writers is no more than the file system does
 * while it punches. */
static int punch_blocks(struct sfs_overlay *overlay, uint64_t first,
			uint64_t end)
{
	int r;

	r = sfs_overlay_map_prepare(&overlay->map, first, end);
	if (r < 0)
		return r;
	lock_all(overlay);
	r = file_punch(overlay, first * BLOCK, (end - first) * BLOCK);
	if (r == 0)
		sfs_overlay_map_set(&overlay->map, first, end);
	unlock_all(overlay);
	return r;
}

/* Less than a block. */
static int punch_part(struct sfs_overlay *overlay, uint64_t offset,
		      uint64_t end)
{
	static const uint8_t zeros[BLOCK];

	if (offset >= end)
		return 0;
	return sfs_overlay_write(overlay, zeros, (size_t)(end - offset),
				 offset);
}

int sfs_overlay_punch(struct sfs_overlay *overlay, uint64_t offset,
		      uint64_t size)
{
	uint64_t end, first, last;
	int r;

	if (atomic_load(&overlay->sync_error) < 0)
		return atomic_load(&overlay->sync_error);
	if (offset >= overlay->size || size == 0)
		return 0;
	end = offset + sfs_min(size, overlay->size - offset);
	first = block_end(offset);
	/* The end of the volume ends a block. */
	last = end == overlay->size ? block_end(end) : end / BLOCK;
	if (first > last) /* within a block */
		return punch_part(overlay, offset, end);
	/* First what takes space, and so may fail. */
	r = punch_part(overlay, offset, sfs_min(first * BLOCK, end));
	if (r == 0)
		r = punch_part(overlay, last * BLOCK, end);
	if (r == 0 && first < last)
		r = punch_blocks(overlay, first, last);
	changed(overlay);
	return r;
}

int sfs_overlay_sync(struct sfs_overlay *overlay)
{
	int r;

	SFS_LOCK(&overlay->sync_lock);
	r = atomic_load(&overlay->sync_error);
	if (r < 0 || !atomic_exchange(&overlay->unsynced, false))
		return r;
	if (fdatasync(overlay->fd) == 0)
		return 0;
	r = -errno;
	atomic_store(&overlay->sync_error, r);
	sfs_err("'%s': what was written over '%s' may be lost: %s; nothing "
		"more can be written over it",
		overlay->directory, sfs_view_snapshot(overlay->view)->id,
		strerror(-r));
	return r;
}

/* ---- data and holes ---- */

/* Where the file or the view has what is looked for next.  Neither is asked
 * again before that is reached: one question may look far. */
struct search {
	struct sfs_overlay *overlay;
	bool hole; /* else data */
	bool asked[2];
	uint64_t found[2]; /* UINT64_MAX: nowhere */
};

static int ask_file(const struct search *search, uint64_t offset, uint64_t *ret)
{
	off_t found;

	found = lseek(search->overlay->fd, (off_t)offset,
		      search->hole ? SEEK_HOLE : SEEK_DATA);
	if (found < 0)
		return -errno;
	*ret = (uint64_t)found;
	return 0;
}

static int ask_view(const struct search *search, uint64_t offset, uint64_t *ret)
{
	if (search->hole)
		return sfs_view_next_hole(search->overlay->view, offset, ret);
	return sfs_view_next_data(search->overlay->view, offset, ret);
}

/* The next such place in the file or the view at or after @offset. */
static int look(struct search *search, bool written, uint64_t offset,
		uint64_t *ret)
{
	uint64_t *found = &search->found[written];
	int r;

	if (!search->asked[written] || *found < offset) {
		r = written ? ask_file(search, offset, found)
			    : ask_view(search, offset, found);
		if (r == -ENXIO)
			*found = UINT64_MAX;
		else if (r < 0)
			return r;
		search->asked[written] = true;
	}
	*ret = *found;
	return 0;
}

/* 1 and *ret; 0 when there is none up to the end of the volume. */
static int next(struct sfs_overlay *overlay, bool hole, uint64_t offset,
		uint64_t *ret)
{
	const uint64_t blocks = block_end(overlay->size);
	struct search search = { .overlay = overlay, .hole = hole };
	uint64_t end, found;
	bool written;
	int r;

	for (; offset < overlay->size; offset = end) {
		end = sfs_overlay_map_run(&overlay->map, offset / BLOCK, blocks,
					  &written);
		end = sfs_min(end * BLOCK, overlay->size);
		r = look(&search, written, offset, &found);
		if (r < 0)
			return r;
		if (found < end) {
			*ret = found;
			return 1;
		}
	}
	return 0;
}

int sfs_overlay_next_data(struct sfs_overlay *overlay, uint64_t offset,
			  uint64_t *ret)
{
	int r;

	r = next(overlay, false, offset, ret);
	if (r == 0)
		return -ENXIO;
	return r < 0 ? r : 0;
}

int sfs_overlay_next_hole(struct sfs_overlay *overlay, uint64_t offset,
			  uint64_t *ret)
{
	int r;

	if (offset >= overlay->size)
		return -ENXIO;
	r = next(overlay, true, offset, ret);
	if (r == 0)
		*ret = overlay->size;
	return r < 0 ? r : 0;
}

uint64_t sfs_overlay_allocated(const struct sfs_overlay *overlay)
{
	struct stat st;

	if (fstat(overlay->fd, &st) < 0)
		return 0; /* no file system does that */
	return (uint64_t)st.st_blocks * 512;
}

int64_t sfs_overlay_time_ns(const struct sfs_overlay *overlay)
{
	return atomic_load(&overlay->time_ns);
}
