/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "src/log.h"
#include "tools/private-mount.h"

#define EXIT_NOT_RUN 127

/* ---- names ---- */

int sfs_launch_template(char **ret)
{
	CLEANUP_FREE char *real = NULL;
	const char *dir = getenv("TMPDIR");

	if (!dir || !*dir)
		dir = "/tmp";
	real = realpath(dir, NULL);
	if (!real) {
		int r = -errno;

		sfs_err("'%s': cannot be used for temporary files: %s; TMPDIR "
			"names another directory",
			dir, strerror(-r));
		return r;
	}
	*ret = sfs_asprintf("%s/snapfs-launch-XXXXXX",
			    strcmp(real, "/") == 0 ? "" : real);
	return *ret ? 0 : -ENOMEM;
}

char *sfs_launch_disks(const char *dir, const char *name)
{
	return sfs_asprintf("%s/" SFS_PRIVATE_MOUNT "/scratch/images/%s", dir,
			    name);
}

char *sfs_launch_vars(const char *dir)
{
	return sfs_asprintf("%s/uefi-vars.fd", dir);
}

static int fail(const char *path, const char *what)
{
	int r = -errno;

	sfs_err("'%s': %s: %s", path, what, strerror(-r));
	return r;
}

/* ---- signals ---- */

/* nohup stays in force. */
static bool hup_ignored(void)
{
	struct sigaction old;

	return sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

static int take_signals(struct sfs_launch *launch)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (!hup_ignored())
		sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	launch->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return launch->signals < 0 ? fail("signalfd", "cannot be had") : 0;
}

/* What a terminal sends it sends to the machine as well. */
static void on_stop(struct sfs_launch *launch,
		    const struct signalfd_siginfo *info)
{
	launch->stopped = true;
	if (launch->machine > 0 &&
	    !(info->ssi_signo == SIGINT && info->ssi_code == SI_KERNEL))
		kill(launch->machine, (int)info->ssi_signo);
}

static void reap(struct sfs_launch *launch)
{
	int status;

	if (launch->machine > 0 &&
	    waitpid(launch->machine, &launch->status, WNOHANG) > 0)
		launch->machine = 0;
	if (launch->mount > 0 && waitpid(launch->mount, &status, WNOHANG) > 0)
		launch->mount = 0;
}

/* Wait for something to happen: a signal, or, unless it is negative, a change
 * that poll(2) tells of at @fd. */
static int wait_event(struct sfs_launch *launch, int fd)
{
	struct pollfd polled[] = {
		{ .fd = launch->signals, .events = POLLIN },
		{ .fd = fd, .events = POLLPRI },
	};
	struct signalfd_siginfo info;

	if (poll(polled, SFS_ARRAY_SIZE(polled), -1) < 0)
		return errno == EINTR ? 0 : fail("poll", "failed");
	if (!(polled[0].revents & POLLIN))
		return 0;
	if (read(launch->signals, &info, sizeof(info)) != sizeof(info))
		return fail("signalfd", "cannot be read");
	if (info.ssi_signo == SIGCHLD)
		reap(launch);
	else
		on_stop(launch, &info);
	return 0;
}

/* ---- children ---- */

/* In a child: to end with its parent, @parent, and by the signals that are
 * passed on, which a script's background processes ignore. */
static void follow(pid_t parent)
{
	sigset_t none;

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_NOT_RUN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int start_mount(struct sfs_launch *launch, const char *repository)
{
	pid_t parent = getpid(), child = fork();

	if (child < 0)
		return fail("fork", "failed");
	if (child == 0) {
		follow(parent);
		sfs_private_become_mount(launch->dir, repository, true);
	}
	launch->mount = child;
	return 0;
}

static int wait_mounted(struct sfs_launch *launch)
{
	CLEANUP_CLOSE int table =
		open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	int r;

	if (table < 0)
		return fail("/proc/self/mountinfo", "cannot be opened");
	while (!sfs_private_is_mounted(launch->dir)) {
		r = wait_event(launch, table);
		if (r < 0)
			return r;
		if (launch->stopped)
			return -EINTR;
		if (launch->mount == 0) {
			sfs_err("'%s': its mount ended before it was ready",
				launch->dir);
			return -EIO;
		}
	}
	return 0;
}

static int make_dir(struct sfs_launch *launch)
{
	CLEANUP_FREE char *template = NULL;
	int r;

	r = sfs_launch_template(&template);
	if (r < 0)
		return r;
	return sfs_private_make(template, &launch->dir);
}

int sfs_launch_start(struct sfs_launch *launch, const char *repository)
{
	int r;

	*launch = (struct sfs_launch){ .signals = -1 };
	r = take_signals(launch);
	if (r < 0)
		return r;
	r = make_dir(launch);
	if (r < 0)
		return r;
	r = start_mount(launch, repository);
	if (r < 0)
		return r;
	return wait_mounted(launch);
}

/* ---- the machine ---- */

static int start_machine(struct sfs_launch *launch, char **argv)
{
	pid_t parent = getpid(), child;

	fflush(stdout);
	child = fork();
	if (child < 0)
		return fail("fork", "failed");
	if (child == 0) {
		follow(parent);
		execv(argv[0], argv);
		sfs_err("'%s': cannot be run: %s", argv[0], strerror(errno));
		_exit(EXIT_NOT_RUN);
	}
	launch->machine = child;
	return 0;
}

static int judge_status(const struct sfs_launch *launch, const char *program)
{
	int status = launch->status;

	if (launch->stopped)
		return -EINTR;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		sfs_err("'%s': ended with status %d", program,
			WEXITSTATUS(status));
	else
		sfs_err("'%s': was ended by signal %d", program,
			WTERMSIG(status));
	return -EIO;
}

int sfs_launch_run(struct sfs_launch *launch, char **argv)
{
	bool orphaned = false;
	int r;

	if (launch->stopped)
		return -EINTR;
	r = start_machine(launch, argv);
	if (r < 0)
		return r;
	while (launch->machine > 0) {
		r = wait_event(launch, -1);
		if (r < 0)
			return r;
		if (launch->mount > 0 || orphaned || launch->machine == 0)
			continue;
		sfs_err("'%s': the mount with its disks ended; ending it",
			argv[0]);
		kill(launch->machine, SIGTERM);
		orphaned = true;
	}
	return orphaned ? -EIO : judge_status(launch, argv[0]);
}

/* ---- the end ---- */

static void end_child(pid_t *child)
{
	if (*child <= 0)
		return;
	kill(*child, SIGTERM);
	while (waitpid(*child, NULL, 0) < 0 && errno == EINTR)
		;
	*child = 0;
}

void sfs_launch_end(struct sfs_launch *launch)
{
	end_child(&launch->machine);
	end_child(&launch->mount);
	sfs_closep(&launch->signals);
	if (!launch->dir)
		return;
	sfs_private_end(launch->dir);
	free(TAKE_PTR(launch->dir));
}
