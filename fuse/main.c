/* SPDX-License-Identifier: GPL-2.0-or-later */

/* mount.snapfs: see mount.snapfs(8). */

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "fuse/daemon.h"
#include "fuse/exit.h"
#include "fuse/fs.h"
#include "fuse/messages.h"
#include "fuse/mountpoint.h"
#include "fuse/options.h"
#include "fuse/scratch.h"
#include "fuse/session.h"
#include "src/log.h"
#include "src/repo.h"

static int exit_status(int r)
{
	if (r >= 0)
		return SFS_MOUNT_EXIT_OK;
	if (r != -ENOMEM)
		return SFS_MOUNT_EXIT_FAIL;
	sfs_err("out of memory");
	return SFS_MOUNT_EXIT_SYSTEM;
}

/* What is left to do once the mount answers. */
struct ready {
	int fd; /* of the waiting parent, or -1 in the foreground */
};

static void on_ready(void *context)
{
	struct ready *ready = context;
	bool daemon = ready->fd >= 0;

	sfs_messages_leave_terminal(daemon);
	if (daemon)
		sfs_daemon_ready(TAKE_FD(ready->fd));
}

/* The store keeps as many packs open as half of these. */
#define DESCRIPTORS 32768

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    limit.rlim_cur >= DESCRIPTORS)
		return;
	limit.rlim_cur = sfs_min(limit.rlim_max, DESCRIPTORS);
	/* With fewer it is slower, not wrong. */
	sfs_ignore(setrlimit(RLIMIT_NOFILE, &limit));
}

static int serve(const struct sfs_mount_options *options, int ready_fd)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	CLEANUP_FS struct sfs_fs *fs = NULL;
	struct ready ready = { .fd = ready_fd };
	int r;

	/* The repository's secret will be in memory. */
	prctl(PR_SET_DUMPABLE, 0);
	sfs_session_block_signals();
	raise_descriptors();
	/* The kernel may wait for us to write out what a loop device on a file
	 * in scratch/ holds before it can give us memory: we do not wait for
	 * it in turn.  Without CAP_SYS_RESOURCE there are no loop devices. */
	if (!options->noscratch)
		prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
	r = sfs_repo_open(options->repository, options->cache_size, &repo);
	if (r < 0)
		return r;
	if (options->fake)
		return 0;
	r = sfs_fs_new(options, repo, &fs);
	if (r < 0)
		return r;
	fs->ready = on_ready;
	fs->ready_context = &ready;
	return sfs_session_run(fs);
}

/* Threads and SQLite do not survive a fork, so the repository is opened
 * after it; the child's errors are still the terminal's. */
static int serve_as_daemon(const struct sfs_mount_options *options)
{
	int fd, r, status;

	r = sfs_daemon_fork(&fd, &status);
	if (r < 0)
		return SFS_MOUNT_EXIT_SYSTEM;
	if (r == 0)
		return status;
	return exit_status(serve(options, fd));
}

static int prepare(struct sfs_mount_options *options)
{
	int r;

	if (options->namespace) {
		r = sfs_mountpoint_enter(options->namespace);
		if (r < 0)
			return r;
	}
	r = sfs_mountpoint_check(options);
	if (r < 0)
		return r;
	if (!options->noscratch) {
		r = sfs_scratch_choose_directory(options);
		if (r < 0)
			return r;
	}
	return options->log ? sfs_messages_open(options->log) : 0;
}

int main(int argc, char **argv)
{
	CLEANUP_MOUNT_OPTIONS struct sfs_mount_options options = { 0 };
	int r;

	/* What who started us ignores is not ours to inherit: we wait for
	 * children.  A file that is too large is an error, not the end. */
	signal(SIGCHLD, SIG_DFL);
	signal(SIGXFSZ, SIG_IGN);
	sfs_messages_start(false);
	r = sfs_mount_options_parse(&options, argc, argv);
	if (r > 0)
		return SFS_MOUNT_EXIT_OK;
	if (r < 0)
		return r == -EINVAL ? SFS_MOUNT_EXIT_USAGE : exit_status(r);
	if (options.verbose)
		sfs_messages_start(true);
	r = prepare(&options);
	if (r < 0)
		return exit_status(r);
	if (options.foreground || options.fake)
		return exit_status(serve(&options, -1));
	return serve_as_daemon(&options);
}
