/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "fuse/access.h"
#include "fuse/fs.h"
#include "fuse/ops.h"

/* A handle on a directory is the tree it was opened in, so that a listing is
 * of one generation and offsets are plain indices. */
static struct sfs_tree *tree_of(const struct fuse_file_info *fi)
{
	return (struct sfs_tree *)(uintptr_t)fi->fh;
}

void sfs_op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct sfs_fs *fs = fuse_req_userdata(req);
	CLEANUP_TREE struct sfs_tree *tree = NULL;
	struct sfs_place place;

	sfs_counters_add(&fs->counters, SFS_COUNT_OPENDIR, 1);
	tree = sfs_fs_refreshed(fs);
	if (!sfs_tree_find(tree, ino, &place)) {
		fuse_reply_err(req, ESTALE);
		return;
	}
	fi->fh = (uintptr_t)tree;
	if (fuse_reply_open(req, fi) == 0)
		tree = NULL; /* the handle's now */
}

/* "." and "..", which are 0 and 1; then the children. */
static bool nth_entry(const struct sfs_tree *tree,
		      const struct sfs_place *parent, off_t n,
		      struct sfs_place *ret, char ret_name[SFS_TREE_NAME_SIZE])
{
	if (n >= 2)
		return sfs_tree_child(tree, parent, (size_t)n - 2, ret,
				      ret_name);
	*ret = *parent;
	strcpy(ret_name, n == 0 ? "." : "..");
	return true;
}

static mode_t type_of(const struct sfs_place *place)
{
	if (sfs_place_is_directory(place))
		return S_IFDIR;
	return sfs_place_is_link(place) ? S_IFLNK : S_IFREG;
}

struct listing {
	fuse_req_t req;
	struct sfs_fs *fs;
	const struct sfs_tree *tree;
	struct sfs_caller *caller;
	int64_t now_ns;
	char *buffer;
	size_t size;
	size_t used;
};

/* Each gives what the entry needs; more than there is room for is not added.
 */
static size_t add_plain(const struct listing *listing, const char *name,
			const struct sfs_place *place, off_t next)
{
	struct stat st = { .st_ino = place->ino, .st_mode = type_of(place) };

	return fuse_add_direntry(listing->req, listing->buffer + listing->used,
				 listing->size - listing->used, name, &st,
				 next);
}

static size_t add_plus(const struct listing *listing, const char *name,
		       const struct sfs_place *place, off_t next)
{
	struct fuse_entry_param entry = {
		.ino = place->ino,
		.entry_timeout = sfs_fs_name_timeout(listing->fs, place),
		.attr_timeout = sfs_fs_stat_timeout(listing->fs, place),
	};

	sfs_fs_stat(listing->fs, listing->tree, place, &entry.attr);
	if (next <= 2)
		entry.ino = 0; /* not a lookup of "." or ".." */
	return fuse_add_direntry_plus(
		listing->req, listing->buffer + listing->used,
		listing->size - listing->used, name, &entry, next);
}

/* An entry that is left out keeps its offset. */
static bool is_listed(const struct listing *listing, struct sfs_place *place)
{
	return sfs_access_lists(listing->fs->options, listing->tree,
				listing->caller, place, listing->now_ns);
}

static void fill(struct listing *listing, const struct sfs_place *parent,
		 off_t offset,
		 size_t (*add)(const struct listing *listing, const char *name,
			       const struct sfs_place *place, off_t next))
{
	char name[SFS_TREE_NAME_SIZE];
	struct sfs_place place;
	size_t size;

	for (; nth_entry(listing->tree, parent, offset, &place, name);
	     offset++) {
		if (offset >= 2 && !is_listed(listing, &place))
			continue;
		sfs_scratch_current(listing->fs, &place);
		size = add(listing, name, &place, offset + 1);
		if (size > listing->size - listing->used)
			return;
		listing->used += size;
	}
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		 struct fuse_file_info *fi,
		 size_t (*add)(const struct listing *listing, const char *name,
			       const struct sfs_place *place, off_t next))
{
	CLEANUP_CALLER struct sfs_caller caller = { 0 };
	CLEANUP_FREE char *buffer = sfs_malloc(size);
	struct listing listing = {
		.req = req,
		.fs = fuse_req_userdata(req),
		.tree = tree_of(fi),
		.caller = &caller,
		.now_ns = sfs_now_ns(),
		.buffer = buffer,
		.size = size,
	};
	struct sfs_place parent;

	if (!buffer) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (offset < 0 || !sfs_tree_find(listing.tree, ino, &parent)) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	sfs_caller_init(&caller, req);
	fill(&listing, &parent, offset, add);
	fuse_reply_buf(req, buffer, listing.used);
}

void sfs_op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	struct sfs_fs *fs = fuse_req_userdata(req);

	sfs_counters_add(&fs->counters, SFS_COUNT_READDIR, 1);
	list(req, ino, size, offset, fi, add_plain);
}

void sfs_op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size,
			off_t offset, struct fuse_file_info *fi)
{
	struct sfs_fs *fs = fuse_req_userdata(req);

	sfs_counters_add(&fs->counters, SFS_COUNT_READDIRPLUS, 1);
	list(req, ino, size, offset, fi, add_plus);
}

void sfs_op_releasedir(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	(void)ino;
	sfs_tree_unref(tree_of(fi));
	fuse_reply_err(req, 0);
}
