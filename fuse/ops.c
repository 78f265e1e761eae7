/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/ops.h"

#include <errno.h>
#include <limits.h>

#include "fuse/access.h"
#include "fuse/fs.h"
#include "fuse/mountpoint.h"

/* Readahead goes on while many readers are busy: at the defaults (12 and 9)
 * the kernel gives it up. */
#define MAX_BACKGROUND 64

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct sfs_fs *fs = userdata;
	unsigned window;

	conn->max_background = MAX_BACKGROUND;
	conn->congestion_threshold = MAX_BACKGROUND;
	/* Replies come from the cache by iovec; splice would only copy. */
	conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
				  FUSE_CAP_SPLICE_MOVE);
	/* Files never change but through this kernel, so nothing that it holds
	 * is ever invalid. */
	conn->want &= ~(unsigned)FUSE_CAP_AUTO_INVAL_DATA;
	conn->want |= conn->capable & FUSE_CAP_EXPLICIT_INVAL_DATA;

	/* Owners and grants are ACLs.  A kernel that does not check them gets
	 * no mount: libfuse refuses to go on without what is wanted. */
	if (fs->options->allow_other) {
		conn->want |= FUSE_CAP_POSIX_ACL;
		/* A listing is of the tree it began with; its modes must not
		 * become the kernel's again after they were taken back. */
		conn->want &= ~(unsigned)(FUSE_CAP_READDIRPLUS |
					  FUSE_CAP_READDIRPLUS_AUTO);
	}

	/* The kernel takes the lesser of its own window and our answer, so its
	 * own must grow first. */
	window = sfs_mountpoint_raise_readahead(fs->options->directory);
	if (window > conn->max_readahead)
		conn->max_readahead = window;
	if (fs->ready)
		fs->ready(fs->ready_context);
}

const struct fuse_lowlevel_ops sfs_ops = {
	.init = op_init,
	.lookup = sfs_op_lookup,
	.getattr = sfs_op_getattr,
	.readlink = sfs_op_readlink,
	.statfs = sfs_op_statfs,
	.opendir = sfs_op_opendir,
	.readdir = sfs_op_readdir,
	.readdirplus = sfs_op_readdirplus,
	.releasedir = sfs_op_releasedir,
	.open = sfs_op_open,
	.read = sfs_op_read,
	.lseek = sfs_op_lseek,
	.release = sfs_op_release,
	.getxattr = sfs_op_getxattr,
	.listxattr = sfs_op_listxattr,
};

/* The place @name in @parent, if it is there for who asks. */
static bool lookup(struct sfs_fs *fs, const struct sfs_tree *tree,
		   fuse_req_t req, fuse_ino_t parent, const char *name,
		   struct sfs_place *ret)
{
	CLEANUP_CALLER struct sfs_caller caller = { 0 };
	struct sfs_place place;

	sfs_caller_init(&caller, req);
	return sfs_tree_find(tree, parent, &place) &&
	       sfs_tree_lookup(tree, &place, name, ret) &&
	       sfs_access_sees(fs->options, tree, &caller, ret);
}

void sfs_op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	CLEANUP_TREE struct sfs_tree *tree = NULL;
	struct fuse_entry_param entry = { 0 };
	struct sfs_place place;

	sfs_counters_add(&fs->counters, SFS_COUNT_LOOKUP, 1);
	tree = sfs_fs_refreshed(fs);
	if (!lookup(fs, tree, req, parent, name, &place)) {
		/* Not remembered by the kernel: it may come any moment. */
		fuse_reply_err(req, ENOENT);
		return;
	}
	sfs_scratch_current(fs, &place);
	entry.ino = place.ino;
	entry.entry_timeout = sfs_fs_name_timeout(fs, &place);
	entry.attr_timeout = sfs_fs_stat_timeout(fs, &place);
	sfs_fs_stat(fs, tree, &place, &entry.attr);
	fuse_reply_entry(req, &entry);
}

/* The file of a deleted snapshot or image that somebody still has open.  Whose
 * it was is not known any more: nobody else may open it anew. */
static bool stat_opened(struct sfs_fs *fs, const struct sfs_tree *tree,
			fuse_ino_t ino, struct stat *ret)
{
	struct sfs_opened *opened = sfs_opened_find(&fs->opened, ino);
	const struct sfs_snapshot *snapshot;

	if (!opened)
		return false;
	snapshot = sfs_view_snapshot(opened->view);
	sfs_fs_stat(fs, tree,
		    &(struct sfs_place){
			    .kind = SFS_PLACE_SNAPSHOT,
			    .scratch = sfs_scratch_is_twin(ino),
			    .ino = ino,
			    .snapshot =
				    &(struct sfs_tree_snapshot){
					    .time_ns = snapshot->time_ns,
					    .size = snapshot->size,
					    .data_bytes = snapshot->data_bytes,
					    .owner = SFS_OWNER_NONE,
				    },
		    },
		    ret);
	sfs_opened_put(&fs->opened, opened);
	return true;
}

void sfs_op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	CLEANUP_TREE struct sfs_tree *tree = NULL;
	struct sfs_place place = { .kind = SFS_PLACE_SNAPSHOT };
	struct stat st;

	(void)fi;
	sfs_counters_add(&fs->counters, SFS_COUNT_GETATTR, 1);
	tree = sfs_fs_refreshed(fs);
	if (sfs_scratch_find(fs, tree, ino, &place))
		sfs_fs_stat(fs, tree, &place, &st);
	else if (!stat_opened(fs, tree, ino, &st)) {
		fuse_reply_err(req, ESTALE);
		return;
	}
	fuse_reply_attr(req, &st, sfs_fs_stat_timeout(fs, &place));
}

void sfs_op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	CLEANUP_CALLER struct sfs_caller caller = { 0 };
	CLEANUP_TREE struct sfs_tree *tree = NULL;
	char target[SFS_TREE_NAME_SIZE];
	struct sfs_place place;

	sfs_counters_add(&fs->counters, SFS_COUNT_READLINK, 1);
	sfs_caller_init(&caller, req);
	tree = sfs_fs_refreshed(fs);
	if (!sfs_tree_find(tree, ino, &place)) {
		fuse_reply_err(req, ESTALE);
		return;
	}
	if (!sfs_place_is_link(&place)) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	if (!sfs_access_sees(fs->options, tree, &caller, &place)) {
		fuse_reply_err(req, EACCES);
		return;
	}
	sfs_place_target(&place, target);
	fuse_reply_readlink(req, target);
}

void sfs_op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	struct statvfs st;
	int r;

	(void)ino;
	sfs_counters_add(&fs->counters, SFS_COUNT_STATFS, 1);
	r = sfs_store_statvfs(fs->repo->store, &st);
	if (r < 0) {
		fuse_reply_err(req, sfs_fs_errno(r));
		return;
	}
	/* df(1) hides a file system without blocks. */
	if (st.f_blocks == 0)
		st.f_blocks = 1;
	st.f_namemax = NAME_MAX;
	fuse_reply_statfs(req, &st);
}
