/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/freeze-guard.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "src/util.h"

static void say(int fd, uint32_t index, int error)
{
	struct sfs_guard_report report = { .index = index, .error = error };

	/* If nobody hears it, there is nobody to tell. */
	sfs_ignore(write(fd, &report, sizeof(report)) < 0);
}

/* Put @fd at *@next, so that all others can be closed in one go. */
static int keep_fd(int fd, int *next)
{
	if (dup3(fd, *next, O_CLOEXEC) < 0)
		_exit(1);
	return (*next)++;
}

/* Be hard to stop: ignore what people and service managers send, be the OOM
 * killer's last choice, and stay in memory, since reading the program back
 * might need what is frozen. */
static void settle(void)
{
	static const int ignored[] = { SIGINT,	SIGTERM, SIGHUP,  SIGQUIT,
				       SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2,
				       SIGTSTP, SIGTTIN, SIGTTOU };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int fd;

	for (size_t i = 0; i < SFS_ARRAY_SIZE(ignored); i++)
		sigaction(ignored[i], &ignore, NULL);
	setsid();
	prctl(PR_SET_NAME, "snapfs-freeze");
	/* Each of these makes an accident less likely, and none is ours by
	 * right: without them the freeze is as good. */
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		sfs_ignore(write(fd, "-1000", 5) < 0);
		close(fd);
	}
	sfs_ignore(chdir("/"));
	/* On fault: all of it would be a copy of the parent's caches. */
	sfs_ignore(mlockall(MCL_CURRENT | MCL_ONFAULT));
}

/* The number of the call says that it takes an int, which is not looked at. */
static int freeze_one(int fd)
{
	int unused = 0;

	if (syncfs(fd) < 0 || ioctl(fd, FIFREEZE, &unused) < 0)
		return -errno;
	return 0;
}

static int thaw_one(int fd)
{
	int unused = 0;

	return ioctl(fd, FITHAW, &unused) < 0 ? -errno : 0;
}

/* Whether the process of @status, its /proc/PID/status, is being killed. */
static bool is_being_killed(int status)
{
	static const char *const masks[] = { "SigPnd:\t", "ShdPnd:\t" };
	/* Sixteen digits, the first signals in the last: SIGKILL is 9. */
	const size_t digit = 16 - 1 - (SIGKILL - 1) / 4;
	char text[4096];
	const char *found;
	ssize_t n;

	n = pread(status, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return false;
	text[n] = '\0';
	for (size_t i = 0; i < SFS_ARRAY_SIZE(masks); i++) {
		found = strstr(text, masks[i]);
		if (found && strlen(found) >= 8 + 16 &&
		    strchr("13579bdf", found[8 + digit]))
			return true;
	}
	return false;
}

/* Until we are told, or have to. */
static void wait_for_end(const struct sfs_guard *guard)
{
	struct pollfd told = { .fd = guard->told, .events = POLLIN };

	while (poll(&told, 1, 1000) <= 0 && !is_being_killed(guard->status))
		;
}

static int highest(const struct sfs_guard *guard)
{
	int fd = guard->told;

	fd = guard->tell > fd ? guard->tell : fd;
	fd = guard->status > fd ? guard->status : fd;
	for (uint32_t i = 0; i < guard->count; i++)
		fd = guard->dirs[i] > fd ? guard->dirs[i] : fd;
	return fd;
}

/* Close all descriptors but those in @guard, which get new numbers, those of
 * the directories from *@first on.  The parent's locks hang on them, and the
 * ends of pipes, 0 to 2 as well. */
static void keep_own(struct sfs_guard *guard, int *first)
{
	const int base = highest(guard) + 1;
	int next = base;

	guard->told = keep_fd(guard->told, &next);
	guard->tell = keep_fd(guard->tell, &next);
	guard->status = keep_fd(guard->status, &next);
	*first = next;
	for (uint32_t i = 0; i < guard->count; i++)
		keep_fd(guard->dirs[i], &next);
	if (close_range(0, (unsigned)base - 1, 0) < 0 ||
	    close_range((unsigned)next, ~0U, 0) < 0)
		_exit(1);
}

_Noreturn void sfs_guard_run(const struct sfs_guard *theirs)
{
	struct sfs_guard guard = *theirs;
	uint32_t done;
	int first, r = 0;

	keep_own(&guard, &first);
	settle();
	for (done = 0; done < guard.count; done++) {
		r = freeze_one(first + (int)done);
		if (r < 0)
			break;
	}
	if (r == 0) {
		say(guard.tell, SFS_GUARD_FROZEN, 0);
		wait_for_end(&guard);
	} else {
		say(guard.tell, done, r);
	}
	while (done-- > 0) {
		r = thaw_one(first + (int)done);
		say(guard.tell, done, r);
	}
	_exit(0);
}
