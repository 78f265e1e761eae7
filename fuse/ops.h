/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_OPS_H
#define SNAPFS_FUSE_OPS_H

/* The requests of the kernel.  Their user data is the struct sfs_fs.  Those
 * that change something are in scratch-ops.h.  What is not here is answered by
 * the kernel: the mount has default_permissions, and a forgotten inode needs no
 * forgetting. */

#include "fuse/fuse.h"

extern const struct fuse_lowlevel_ops sfs_ops;

/* names and attributes: ops.c */
void sfs_op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void sfs_op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void sfs_op_readlink(fuse_req_t req, fuse_ino_t ino);
void sfs_op_statfs(fuse_req_t req, fuse_ino_t ino);

/* directories: dirs.c */
void sfs_op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void sfs_op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi);
void sfs_op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size,
			off_t offset, struct fuse_file_info *fi);
void sfs_op_releasedir(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi);

/* files: files.c */
void sfs_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void sfs_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		 struct fuse_file_info *fi);
void sfs_op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
		  struct fuse_file_info *fi);
void sfs_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* extended attributes: xattrs.c */
void sfs_op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
		     size_t size);
void sfs_op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);

#endif
