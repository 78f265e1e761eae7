/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/session.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "fuse/fs.h"
#include "fuse/ops.h"
#include "fuse/scratch-ops.h"
#include "fuse/scratch.h"
#include "fuse/text.h"
#include "src/log.h"

/* More than there are processors: on cold data they wait for the disk. */
#define MAX_THREADS 10

/* How often what was written over deleted snapshots is looked for. */
#define PRUNE_SECONDS 5

static void freep_args(struct fuse_args *args)
{
	fuse_opt_free_args(args);
}

static void freep_session(struct fuse_session **session)
{
	if (*session)
		fuse_session_destroy(*session);
}

static void freep_config(struct fuse_loop_config **config)
{
	if (*config)
		fuse_loop_cfg_destroy(*config);
}

/* The words for the kernel and fusermount3. */
static char *mount_words(const struct sfs_mount_options *options)
{
	CLEANUP_FREE char *source = NULL;
	char *words = NULL;
	int r;

	/* Exactly as given: mount -a compares it with fstab. */
	source = sfs_asprintf("fsname=%s", options->repository);
	if (!source)
		return NULL;
	r = fuse_opt_add_opt(&words, "nosuid,nodev,noexec,noatime,"
				     "default_permissions,subtype=snapfs");
	if (r == 0 && options->noscratch)
		r = fuse_opt_add_opt(&words, "ro");
	if (r == 0)
		r = fuse_opt_add_opt_escaped(&words, source);
	if (r == 0 && options->allow_other)
		r = fuse_opt_add_opt(&words, "allow_other");
	if (r == 0 && options->allow_root)
		r = fuse_opt_add_opt(&words, "allow_root");
	if (r == 0)
		return words;
	free(words);
	return NULL;
}

static int new_session(struct sfs_fs *fs, struct fuse_session **ret)
{
	__attribute__((cleanup(freep_args))) struct fuse_args args =
		FUSE_ARGS_INIT(0, NULL);
	CLEANUP_FREE char *words = mount_words(fs->options);
	struct fuse_lowlevel_ops ops = sfs_ops;

	if (!fs->options->noscratch)
		sfs_scratch_add_ops(&ops);
	if (!words || fuse_opt_add_arg(&args, "mount.snapfs") ||
	    fuse_opt_add_arg(&args, "-o") || fuse_opt_add_arg(&args, words))
		return -ENOMEM;
	*ret = fuse_session_new(&args, &ops, sizeof(ops), fs);
	return *ret ? 0 : -EINVAL; /* libfuse said why */
}

static void usr1_only(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGUSR1);
}

void sfs_session_block_signals(void)
{
	sigset_t set;

	usr1_only(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Beside the requests: report on SIGUSR1, and look after scratch/. */
static void *keep_house(void *context)
{
	const struct timespec wait = { .tv_sec = PRUNE_SECONDS };
	struct sfs_fs *fs = context;
	sigset_t set;
	int signal;

	usr1_only(&set);
	for (;;) {
		signal = sigtimedwait(&set, NULL, &wait);
		if (signal < 0 && errno != EAGAIN && errno != EINTR)
			return NULL;
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
		if (signal == SIGUSR1)
			sfs_text_log_status(fs);
		else
			sfs_scratch_prune(fs);
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	}
}

/* All signals are blocked in it: those that end the session must interrupt
 * the main thread. */
static int start_keeper(struct sfs_fs *fs, pthread_t *ret)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(ret, NULL, keep_house, fs);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		sfs_err("cannot start a thread: %s", strerror(r));
	return -r;
}

static int loop(struct sfs_fs *fs, struct fuse_session *session)
{
	__attribute__((cleanup(freep_config))) struct fuse_loop_config *config =
		fuse_loop_cfg_create();
	pthread_t keeper;
	int r;

	if (!config)
		return -ENOMEM;
	fuse_loop_cfg_set_clone_fd(config, 1);
	fuse_loop_cfg_set_max_threads(config, MAX_THREADS);
	r = start_keeper(fs, &keeper);
	if (r < 0)
		return r;
	r = fuse_session_loop_mt(session, config);
	pthread_cancel(keeper);
	pthread_join(keeper, NULL);
	return r;
}

int sfs_session_run(struct sfs_fs *fs)
{
	__attribute__((cleanup(freep_session))) struct fuse_session *session =
		NULL;
	int r;

	r = new_session(fs, &session);
	if (r < 0)
		return r;
	if (fuse_set_signal_handlers(session) < 0)
		return -EIO; /* libfuse said why */
	if (fuse_session_mount(session, fs->options->directory) < 0) {
		sfs_err("'%s': cannot be mounted on '%s'",
			fs->options->repository, fs->options->directory);
		r = -EIO;
	} else {
		r = loop(fs, session);
		fuse_session_unmount(session);
	}
	fuse_remove_signal_handlers(session);
	if (r < 0)
		return r;
	return 0; /* a signal's number is no failure */
}
