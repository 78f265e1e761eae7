/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/scratch-ops.h"

#include <errno.h>
#include <fcntl.h>

#include "fuse/files.h"
#include "fuse/fs.h"
#include "fuse/ops.h"
#include "fuse/scratch.h"
#include "src/overlay.h"

/* Unlike reading, writing knows errors of the file system beneath that are no
 * damage: the directory is gone, or it cannot punch holes. */
static int write_errno(int r)
{
	return r == -ENOENT || r == -EOPNOTSUPP ? -r : sfs_fs_errno(r);
}

static uint64_t size_of(const struct sfs_opened *opened)
{
	return sfs_view_snapshot(opened->view)->size;
}

/* ---- data ---- */

static int write_opened(struct sfs_fs *fs, struct sfs_opened *opened,
			const char *buffer, size_t size, uint64_t offset)
{
	struct sfs_overlay *overlay;
	int r;

	r = sfs_scratch_overlay(fs, opened, &overlay);
	if (r < 0)
		return r;
	return sfs_overlay_write(overlay, buffer, size, offset);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *buffer,
		     size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	struct sfs_opened *opened = sfs_handle_opened(fi);
	int r;

	(void)ino;
	sfs_counters_add(&fs->counters, SFS_COUNT_WRITE, 1);
	if (offset < 0 || (uint64_t)offset >= size_of(opened)) {
		fuse_reply_err(req, EFBIG);
		return;
	}
	/* What does not fit is for the next write to fail with. */
	size = sfs_min(size, size_of(opened) - (uint64_t)offset);
	r = write_opened(fs, opened, buffer, size, (uint64_t)offset);
	if (r < 0) {
		sfs_counters_add(&fs->counters, SFS_COUNT_WRITE_ERRORS, 1);
		fuse_reply_err(req, write_errno(r));
		return;
	}
	sfs_counters_add(&fs->counters, SFS_COUNT_WRITE_BYTES, size);
	fuse_reply_write(req, size);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
		     struct fuse_file_info *fi)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	struct sfs_overlay *overlay = NULL;
	int r = 0;

	(void)ino;
	(void)datasync;
	sfs_counters_add(&fs->counters, SFS_COUNT_FSYNC, 1);
	if (!sfs_handle_is_text(fi))
		overlay = atomic_load(&sfs_handle_opened(fi)->overlay);
	if (overlay)
		r = sfs_overlay_sync(overlay);
	fuse_reply_err(req, write_errno(r));
}

static int punch_opened(struct sfs_fs *fs, struct sfs_opened *opened,
			uint64_t offset, uint64_t size)
{
	struct sfs_overlay *overlay;
	int r;

	r = sfs_scratch_overlay(fs, opened, &overlay);
	if (r < 0)
		return r;
	return sfs_overlay_punch(overlay, offset, size);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset,
			 off_t length, struct fuse_file_info *fi)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	struct sfs_opened *opened = sfs_handle_opened(fi);
	int r = 0;

	(void)ino;
	sfs_counters_add(&fs->counters, SFS_COUNT_FALLOCATE, 1);
	if (!(mode & FALLOC_FL_KEEP_SIZE) &&
	    (uint64_t)offset + (uint64_t)length > size_of(opened))
		r = -EFBIG;
	else if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE |
			  FALLOC_FL_ZERO_RANGE))
		r = -EOPNOTSUPP;
	else if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		r = punch_opened(fs, opened, (uint64_t)offset,
				 (uint64_t)length);
	/* Else space is to be set aside, which is not done: what is there
	 * already may lie in the repository. */
	fuse_reply_err(req, write_errno(r));
}

/* ---- attributes and names ---- */

static bool find_size(struct sfs_fs *fs, fuse_ino_t ino, uint64_t *ret)
{
	CLEANUP_TREE struct sfs_tree *tree = sfs_fs_tree(fs);
	struct sfs_opened *opened;
	struct sfs_place place;

	if (sfs_scratch_find(fs, tree, ino, &place)) {
		if (place.kind == SFS_PLACE_DISK)
			*ret = place.disk->size;
		else if (place.kind == SFS_PLACE_SNAPSHOT)
			*ret = place.snapshot->size;
		else
			return false;
		return true;
	}
	/* Removed, and still open. */
	opened = sfs_opened_find(&fs->opened, ino);
	if (!opened)
		return false;
	*ret = size_of(opened);
	sfs_opened_put(&fs->opened, opened);
	return true;
}

/* Times are the overlay's to tell: setting them is accepted, as cp -p needs it,
 * and without effect. */
static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr,
		       int to_set, struct fuse_file_info *fi)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	uint64_t size;

	sfs_counters_add(&fs->counters, SFS_COUNT_SETATTR, 1);
	if (!sfs_scratch_is_twin(ino) || !find_size(fs, ino, &size))
		fuse_reply_err(req, EROFS);
	else if (to_set &
		 (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		fuse_reply_err(req, EPERM);
	else if ((to_set & FUSE_SET_ATTR_SIZE) &&
		 (uint64_t)attr->st_size != size)
		fuse_reply_err(req, EPERM);
	else
		sfs_op_getattr(req, ino, fi); /* the answer is the same */
}

static bool find_twin(struct sfs_fs *fs, fuse_ino_t parent, const char *name,
		      struct sfs_place *ret, int *ret_error)
{
	CLEANUP_TREE struct sfs_tree *tree = sfs_fs_refreshed(fs);
	struct sfs_place directory;

	if (!sfs_tree_find(tree, parent, &directory) ||
	    !sfs_tree_lookup(tree, &directory, name, ret)) {
		*ret_error = ENOENT;
		return false;
	}
	*ret_error = EROFS;
	return ret->scratch &&
	       (ret->kind == SFS_PLACE_SNAPSHOT || ret->kind == SFS_PLACE_DISK);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	struct sfs_place place;
	int error;

	sfs_counters_add(&fs->counters, SFS_COUNT_UNLINK, 1);
	if (find_twin(fs, parent, name, &place, &error))
		error = -sfs_scratch_reset(fs, place.ino);
	fuse_reply_err(req, error);
}

/* ---- what is never possible ---- */

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
		     mode_t mode, dev_t device)
{
	(void)parent;
	(void)name;
	(void)mode;
	(void)device;
	fuse_reply_err(req, EROFS);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name,
		     mode_t mode)
{
	(void)parent;
	(void)name;
	(void)mode;
	fuse_reply_err(req, EROFS);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name,
		      mode_t mode, struct fuse_file_info *fi)
{
	(void)parent;
	(void)name;
	(void)mode;
	(void)fi;
	fuse_reply_err(req, EROFS);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent;
	(void)name;
	fuse_reply_err(req, EROFS);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
		       const char *name)
{
	(void)target;
	(void)parent;
	(void)name;
	fuse_reply_err(req, EROFS);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent,
		    const char *name)
{
	(void)ino;
	(void)parent;
	(void)name;
	fuse_reply_err(req, EROFS);
}

static void op_rename(fuse_req_t req, fuse_ino_t from, const char *name,
		      fuse_ino_t to, const char *new_name, unsigned flags)
{
	(void)from;
	(void)name;
	(void)to;
	(void)new_name;
	(void)flags;
	fuse_reply_err(req, EROFS);
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
			const char *value, size_t size, int flags)
{
	(void)ino;
	(void)name;
	(void)value;
	(void)size;
	(void)flags;
	fuse_reply_err(req, EROFS);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	(void)ino;
	(void)name;
	fuse_reply_err(req, EROFS);
}

void sfs_scratch_add_ops(struct fuse_lowlevel_ops *ops)
{
	ops->write = op_write;
	ops->fsync = op_fsync;
	ops->fallocate = op_fallocate;
	ops->setattr = op_setattr;
	ops->unlink = op_unlink;
	ops->mknod = op_mknod;
	ops->mkdir = op_mkdir;
	ops->create = op_create;
	ops->rmdir = op_rmdir;
	ops->symlink = op_symlink;
	ops->link = op_link;
	ops->rename = op_rename;
	ops->setxattr = op_setxattr;
	ops->removexattr = op_removexattr;
}
