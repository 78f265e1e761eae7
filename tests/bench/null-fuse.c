/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * null-fuse MOUNTPOINT: the speed limit of a FUSE mount on this machine. One
 * 4 GiB file, MOUNTPOINT/null, served from one buffer with no work.
 */
#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdlib.h>
#include <string.h>

static char *buffer;
static const off_t file_size = 4L << 30;

static void fill_stat(struct stat *st, fuse_ino_t ino)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = ino;
	st->st_nlink = ino == 1 ? 2 : 1;
	st->st_mode = ino == 1 ? S_IFDIR | 0755 : S_IFREG | 0444;
	if (ino != 1) {
		st->st_size = file_size;
		st->st_blocks = file_size / 512;
	}
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	fill_stat(&st, ino);
	fuse_reply_attr(req, &st, 1e6);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { .ino = 2,
					  .attr_timeout = 1e6,
					  .entry_timeout = 1e6 };

	(void)parent;
	if (strcmp(name, "null") != 0) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	fill_stat(&entry.attr, 2);
	fuse_reply_entry(req, &entry);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fi->keep_cache = 1;
	fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	if (offset >= file_size)
		size = 0;
	else if (offset + (off_t)size > file_size)
		size = file_size - offset;
	fuse_reply_buf(req, buffer, size);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->max_background = conn->congestion_threshold = 64;
	conn->want &= ~(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
			FUSE_CAP_SPLICE_MOVE);
}

static const struct fuse_lowlevel_ops ops = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.open = op_open,
	.read = op_read,
};

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	struct fuse_cmdline_opts opts;
	struct fuse_session *session;
	int r;

	buffer = aligned_alloc(4096, 2 << 20);
	memset(buffer, 7, 2 << 20);
	if (fuse_parse_cmdline(&args, &opts) != 0 || !opts.mountpoint)
		return 2;
	session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (!session || fuse_session_mount(session, opts.mountpoint) != 0)
		return 1;
	fuse_daemonize(opts.foreground);
	fuse_loop_cfg_set_clone_fd(config, 1);
	fuse_loop_cfg_set_max_threads(config, 8);
	r = fuse_session_loop_mt(session, config);
	fuse_session_unmount(session);
	return r != 0;
}
