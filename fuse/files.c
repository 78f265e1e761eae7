/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

#include "fuse/access.h"
#include "fuse/files.h"
#include "fuse/fs.h"
#include "fuse/ops.h"
#include "fuse/scratch.h"
#include "fuse/text.h"
#include "src/log.h"
#include "src/overlay.h"

/* What was in a file of text when it was opened. */
struct text {
	atomic_uint refs; /* the handle's, and of who is replying from it */
	char *bytes;
	size_t size;
};

static struct text *text_of(const struct fuse_file_info *fi)
{
	return (struct text *)(uintptr_t)(fi->fh & ~(uint64_t)SFS_HANDLE_TEXT);
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

static int make_text(struct sfs_fs *fs, const struct sfs_place *place,
		     char **ret, size_t *ret_size)
{
	if (place->kind == SFS_PLACE_README)
		return sfs_text_readme(fs->repo, ret, ret_size);
	if (place->kind == SFS_PLACE_STATUS)
		return sfs_text_status(fs, ret, ret_size);
	return sfs_text_manifest(fs, place->image->id, ret, ret_size);
}

static int open_text(struct sfs_fs *fs, const struct sfs_place *place,
		     struct fuse_file_info *fi)
{
	CLEANUP_TEXT struct text *text = NULL;
	int r;

	text = sfs_calloc(1, sizeof(*text));
	if (!text)
		return -ENOMEM;
	atomic_init(&text->refs, 1);
	r = make_text(fs, place, &text->bytes, &text->size);
	if (r < 0)
		return r;
	fi->keep_cache = place->kind == SFS_PLACE_README;
	fi->direct_io = !fi->keep_cache; /* its size may change */
	fi->fh = (uintptr_t)TAKE_PTR(text) | SFS_HANDLE_TEXT;
	return 0;
}

static int open_opened(struct sfs_fs *fs, fuse_ino_t ino, const char *id,
		       uint64_t size, struct fuse_file_info *fi)
{
	struct sfs_opened *opened;
	int r;

	r = sfs_opened_get(&fs->opened, fs->repo, ino, id, size, &opened);
	if (r == -ENOENT)
		return -ESTALE; /* the kernel then looks again */
	if (r < 0)
		return r;
	fi->keep_cache = 1;
	fi->fh = (uintptr_t)opened;
	return 0;
}

static int open_disk(struct sfs_fs *fs, const struct sfs_place *place,
		     struct fuse_file_info *fi)
{
	const struct sfs_tree_disk *disk = place->disk;

	if (!disk->missing)
		return open_opened(fs, place->ino, disk->snapshot, disk->size,
				   fi);
	if (sfs_opened_first_miss(&fs->opened, place->ino))
		sfs_err("'%s' of image '%s': its snapshot '%s' is missing",
			disk->file, place->image->name, disk->snapshot);
	return -EIO;
}

/* Deleted or reset, but for instance /proc/PID/fd/N still names it. */
static int open_again(struct sfs_fs *fs, fuse_ino_t ino,
		      struct fuse_file_info *fi)
{
	struct sfs_opened *opened = sfs_opened_find(&fs->opened, ino);

	if (!opened)
		return -ESTALE;
	fi->keep_cache = 1;
	fi->fh = (uintptr_t)opened;
	return 0;
}

/* The kernel has judged by what it believes for a second; this is as of now. */
static bool may_open(const struct sfs_fs *fs, const struct sfs_tree *tree,
		     fuse_req_t req, struct sfs_place *place)
{
	CLEANUP_CALLER struct sfs_caller caller = { 0 };

	sfs_caller_init(&caller, req);
	return sfs_access_sees(fs->options, tree, &caller, place);
}

static int open_file(struct sfs_fs *fs, fuse_req_t req, fuse_ino_t ino,
		     struct fuse_file_info *fi)
{
	CLEANUP_TREE struct sfs_tree *tree = sfs_fs_tree(fs);
	struct sfs_place place;

	if (!sfs_scratch_find(fs, tree, ino, &place))
		return open_again(fs, ino, fi);
	if (!may_open(fs, tree, req, &place))
		return -EACCES;
	switch (place.kind) {
	case SFS_PLACE_SNAPSHOT:
		return open_opened(fs, ino, place.snapshot->id,
				   place.snapshot->size, fi);
	case SFS_PLACE_DISK:
		return open_disk(fs, &place, fi);
	default:
		return open_text(fs, &place, fi);
	}
}

static void release(struct sfs_fs *fs, struct fuse_file_info *fi)
{
	if (sfs_handle_is_text(fi))
		text_put(text_of(fi));
	else
		sfs_opened_put(&fs->opened, sfs_handle_opened(fi));
}

/* Only twins are written to, and none changes its size. */
static int check_flags(fuse_ino_t ino, int flags)
{
	if ((flags & O_ACCMODE) != O_RDONLY && !sfs_scratch_is_twin(ino))
		return -EROFS;
	return flags & O_TRUNC ? -EPERM : 0;
}

void sfs_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	int r;

	sfs_counters_add(&fs->counters, SFS_COUNT_OPEN, 1);
	r = check_flags(ino, fi->flags);
	if (r == 0)
		r = open_file(fs, req, ino, fi);
	if (r < 0) {
		fuse_reply_err(req, sfs_fs_errno(r));
		return;
	}
	/* Interrupted: there will be no RELEASE. */
	if (fuse_reply_open(req, fi) < 0)
		release(fs, fi);
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

static int reply_view(fuse_req_t req, struct sfs_view *view, size_t size,
		      uint64_t offset)
{
	struct sfs_read read;
	int r;

	r = sfs_view_read(view, offset, size, &read);
	if (r < 0)
		return r;
	/* The pieces stay pinned until the kernel has copied them. */
	reply_pieces(req, &read);
	sfs_view_read_done(view, &read);
	return 0;
}

static int reply_overlay(fuse_req_t req, struct sfs_overlay *overlay,
			 size_t size, uint64_t offset)
{
	CLEANUP_FREE char *buffer = sfs_malloc(size);
	int r;

	if (!buffer)
		return -ENOMEM;
	r = sfs_overlay_read(overlay, buffer, size, offset, &size);
	if (r < 0)
		return r;
	fuse_reply_buf(req, buffer, size);
	return 0;
}

static int reply_image(fuse_req_t req, struct sfs_fs *fs,
		       const struct fuse_file_info *fi, size_t size,
		       uint64_t offset)
{
	struct sfs_opened *opened = sfs_handle_opened(fi);
	struct sfs_overlay *overlay = atomic_load(&opened->overlay);

	if (overlay && !sfs_overlay_clean(overlay, offset, size))
		return reply_overlay(req, overlay, size, offset);
	if (fi->flags & O_DIRECT) /* else the kernel reads ahead */
		sfs_prefetch_note(fs->prefetch, &opened->stream, opened->view,
				  offset, size);
	return reply_view(req, opened->view, size, offset);
}

static void read_image(fuse_req_t req, struct sfs_fs *fs,
		       const struct fuse_file_info *fi, size_t size,
		       uint64_t offset)
{
	struct sfs_opened *opened = sfs_handle_opened(fi);
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
	r = reply_image(req, fs, fi, size, offset);
	if (r < 0) {
		sfs_counters_add(&fs->counters, SFS_COUNT_READ_ERRORS, 1);
		fuse_reply_err(req, sfs_fs_errno(r));
	}
	sfs_opened_put(&fs->opened, opened);
}

void sfs_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		 struct fuse_file_info *fi)
{
	(void)ino;
	if (offset < 0)
		fuse_reply_err(req, EINVAL);
	else if (sfs_handle_is_text(fi))
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

static int seek_image(struct sfs_opened *opened, uint64_t offset, int whence,
		      uint64_t *ret)
{
	struct sfs_overlay *overlay = atomic_load(&opened->overlay);

	if (overlay && whence == SEEK_DATA)
		return sfs_overlay_next_data(overlay, offset, ret);
	if (overlay)
		return sfs_overlay_next_hole(overlay, offset, ret);
	if (whence == SEEK_DATA)
		return sfs_view_next_data(opened->view, offset, ret);
	return sfs_view_next_hole(opened->view, offset, ret);
}

void sfs_op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
		  struct fuse_file_info *fi)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	uint64_t found = 0;
	int r;

	(void)ino;
	sfs_counters_add(&fs->counters, SFS_COUNT_LSEEK, 1);
	if (offset < 0)
		r = -ENXIO;
	else if (whence != SEEK_DATA && whence != SEEK_HOLE)
		r = -EINVAL;
	else if (sfs_handle_is_text(fi))
		r = seek_text(text_of(fi), offset, whence, &found);
	else
		r = seek_image(sfs_handle_opened(fi), (uint64_t)offset, whence,
			       &found);
	if (r < 0)
		fuse_reply_err(req, sfs_fs_errno(r));
	else
		fuse_reply_lseek(req, (off_t)found);
}

void sfs_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	release(fuse_req_userdata(req), fi);
	fuse_reply_err(req, 0);
}
