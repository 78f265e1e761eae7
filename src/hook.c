/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/hook.h"

#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/log.h"

static int spawn(const char *command, pid_t *ret)
{
	const char *const argv[] = { "sh", "-c", command, NULL };
	posix_spawn_file_actions_t actions;
	int r;

	r = posix_spawn_file_actions_init(&actions);
	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO,
					     STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn(ret, "/bin/sh", &actions, NULL,
				(char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int sfs_hook_run(const char *what, const char *command)
{
	int status, r;
	pid_t pid;

	r = spawn(command, &pid);
	if (r < 0) {
		sfs_err("%s hook '%s': cannot start: %s", what, command,
			strerror(-r));
		return r;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		sfs_err("%s hook '%s': exit status %d; no snapshot was taken",
			what, command, WEXITSTATUS(status));
	else
		sfs_err("%s hook '%s': killed by signal %d; no snapshot was "
			"taken",
			what, command, WTERMSIG(status));
	return -EREMOTEIO;
}
