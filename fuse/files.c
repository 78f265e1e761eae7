/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

#include "fuse/fs.h"
#include "fuse/ops.h"
#include "fuse/text.h"

/* A handle is a struct sfs_opened for an image file, and a struct text for
 * the files of text, whose inode numbers are fixed. */
struct text {
	atomic_uint refs; /* the handle's, and of who is replying from it */
	char *bytes;
	size_t size;
};

static bool is_text(fuse_ino_t ino)
{
	return ino == SFS_PLACE_README || ino == SFS_PLACE_STATUS;
}

static struct text *text_of(const struct fuse_file_info *fi)
{
	return (struct text *)(uintptr_t)fi->fh;
}

static struct sfs_opened *opened_of(const struct fuse_file_info *fi)
{
	return (struct sfs_opened *)(uintptr_t)fi->fh;
}

static void text_put(struct text *text)
{
	if (!text || atomic_fetch_sub(&text->refs, 1) != 1)
		return;
	free(text->bytes);
	free(text);
}
SFS_DEFINE_CLEANUP(struct text, text_put);
#define CLEANUP_TEXT __attribute__((cleanup(text_putp)))

static int open_text(struct sfs_fs *fs, fuse_ino_t ino,
		     struct fuse_file_info *fi)
{
	CLEANUP_TEXT struct text *text = NULL;
	int r;

	text = sfs_calloc(1, sizeof(*text));
	if (!text)
		return -ENOMEM;
	atomic_init(&text->refs, 1);
	if (ino == SFS_PLACE_README)
		r = sfs_text_readme(fs->repo, &text->bytes, &text->size);
	else
		r = sfs_text_status(fs, &text->bytes, &text->size);
	if (r < 0)
		return r;
	fi->keep_cache = ino == SFS_PLACE_README;
	fi->direct_io = ino == SFS_PLACE_STATUS; /* its size is not known */
	fi->fh = (uintptr_t)TAKE_PTR(text);
	return 0;
}

static int open_image(struct sfs_fs *fs, fuse_ino_t ino,
		      struct fuse_file_info *fi)
{
	CLEANUP_TREE struct sfs_tree *tree = sfs_fs_tree(fs);
	struct sfs_opened *opened;
	struct sfs_place place;
	int r;

	if (!sfs_tree_find(tree, ino, &place)) {
		/* Deleted, but for instance /proc/PID/fd/N still names it. */
		opened = sfs_opened_find(&fs->opened, ino);
		if (!opened)
			return -ESTALE;
	} else {
		r = sfs_opened_get(&fs->opened, fs->repo, ino,
				   place.snapshot->id, &opened);
		if (r == -ENOENT)
			return -ESTALE; /* the kernel then looks again */
		if (r < 0)
			return r;
	}
	fi->keep_cache = 1;
	fi->fh = (uintptr_t)opened;
	return 0;
}

static void release(struct sfs_fs *fs, fuse_ino_t ino,
		    struct fuse_file_info *fi)
{
	if (is_text(ino))
		text_put(text_of(fi));
	else
		sfs_opened_put(&fs->opened, opened_of(fi));
}

void sfs_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	int r;

	sfs_counters_add(&fs->counters, SFS_COUNT_OPEN, 1);
	if ((fi->flags & O_ACCMODE) != O_RDONLY) {
		fuse_reply_err(req, EROFS);
		return;
	}
	if (is_text(ino))
		r = open_text(fs, ino, fi);
	else
		r = open_image(fs, ino, fi);
	if (r < 0) {
		fuse_reply_err(req, sfs_fs_errno(r));
		return;
	}
	/* Interrupted: there will be no RELEASE. */
	if (fuse_reply_open(req, fi) < 0)
		release(fs, ino, fi);
}

static void read_text(fuse_req_t req, struct text *text, size_t size,
		      off_t offset)
{
	size_t start = sfs_min((uint64_t)offset, text->size);

	/* As with images: RELEASE may overtake the end of the reply. */
	atomic_fetch_add(&text->refs, 1);
	fuse_reply_buf(req, text->bytes + start,
		       sfs_min(size, text->size - start));
	text_put(text);
}

static void reply_pieces(fuse_req_t req, const struct sfs_read *read)
{
	if (read->iov_count == 1)
		fuse_reply_buf(req, read->iov[0].iov_base, read->size);
	else
		fuse_reply_iov(req, read->iov, (int)read->iov_count);
}

static void read_image(fuse_req_t req, struct sfs_fs *fs,
		       const struct fuse_file_info *fi, size_t size,
		       uint64_t offset)
{
	struct sfs_opened *opened = opened_of(fi);
	struct sfs_read read;
	int r;

	/* The kernel does not ask for more; if it did, it would take a short
	 * answer for the end of the file, so this is an error. */
	if (size > SFS_READ_MAX) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	sfs_counters_add_read(&fs->counters, size);
	/* As soon as the kernel has its answer it may release the handle. */
	sfs_opened_ref(opened);
	if (fi->flags & O_DIRECT) /* else the kernel reads ahead */
		sfs_prefetch_note(fs->prefetch, &opened->stream, opened->view,
				  offset, size);
	r = sfs_view_read(opened->view, offset, size, &read);
	if (r < 0) {
		sfs_counters_add(&fs->counters, SFS_COUNT_READ_ERRORS, 1);
		fuse_reply_err(req, sfs_fs_errno(r));
	} else {
		/* The pieces stay pinned until the kernel has copied them. */
		reply_pieces(req, &read);
		sfs_view_read_done(opened->view, &read);
	}
	sfs_opened_put(&fs->opened, opened);
}

void sfs_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		 struct fuse_file_info *fi)
{
	if (offset < 0)
		fuse_reply_err(req, EINVAL);
	else if (is_text(ino))
		read_text(req, text_of(fi), size, offset);
	else
		read_image(req, fuse_req_userdata(req), fi, size,
			   (uint64_t)offset);
}

static int seek_text(const struct text *text, off_t offset, int whence,
		     uint64_t *ret)
{
	if ((uint64_t)offset >= text->size)
		return -ENXIO;
	*ret = whence == SEEK_DATA ? (uint64_t)offset : text->size;
	return 0;
}

void sfs_op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
		  struct fuse_file_info *fi)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	uint64_t found = 0;
	int r;

	sfs_counters_add(&fs->counters, SFS_COUNT_LSEEK, 1);
	if (offset < 0)
		r = -ENXIO;
	else if (whence != SEEK_DATA && whence != SEEK_HOLE)
		r = -EINVAL;
	else if (is_text(ino))
		r = seek_text(text_of(fi), offset, whence, &found);
	else if (whence == SEEK_DATA)
		r = sfs_view_next_data(opened_of(fi)->view, (uint64_t)offset,
				       &found);
	else
		r = sfs_view_next_hole(opened_of(fi)->view, (uint64_t)offset,
				       &found);
	if (r < 0)
		fuse_reply_err(req, sfs_fs_errno(r));
	else
		fuse_reply_lseek(req, (off_t)found);
}

void sfs_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	release(fuse_req_userdata(req), ino, fi);
	fuse_reply_err(req, 0);
}
