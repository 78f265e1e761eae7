/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuse/exit.h"
#include "src/cleanup.h"
#include "src/log.h"

static int wait_ready(int fd, pid_t child)
{
	char byte;
	int status;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return SFS_MOUNT_EXIT_OK;

	/* It closed the pipe by dying, and said why itself, unless it was
	 * killed. */
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return SFS_MOUNT_EXIT_SYSTEM;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) != SFS_MOUNT_EXIT_OK)
		return WEXITSTATUS(status);
	if (WIFSIGNALED(status))
		sfs_err("the server was killed by signal %d before it was "
			"ready",
			WTERMSIG(status));
	return SFS_MOUNT_EXIT_FAIL;
}

int sfs_daemon_fork(int *ret_fd, int *ret_status)
{
	CLEANUP_CLOSE int reader = -1;
	CLEANUP_CLOSE int writer = -1;
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		sfs_err("cannot make a pipe: %s", strerror(errno));
		return -errno;
	}
	reader = fds[0];
	writer = fds[1];
	child = fork();
	if (child < 0) {
		sfs_err("cannot fork: %s", strerror(errno));
		return -errno;
	}
	if (child == 0) {
		*ret_fd = TAKE_FD(writer);
		return 1;
	}
	close(TAKE_FD(writer));
	*ret_status = wait_ready(reader, child);
	return 0;
}

static void leave_terminal(void)
{
	CLEANUP_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fd;

	for (fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++) {
		if (dup2(null, fd) < 0)
			sfs_debug("descriptor %d: cannot leave the terminal",
				  fd);
	}
	if (null >= 0 && null <= STDERR_FILENO)
		(void)TAKE_FD(null); /* one of the three was missing */
}

void sfs_daemon_ready(int fd)
{
	ssize_t n;

	setsid();
	if (chdir("/") < 0)
		sfs_debug("'/': cannot go there: %s", strerror(errno));
	leave_terminal();
	n = write(fd, "", 1);
	(void)n; /* a parent that is gone need not know */
	close(fd);
}
