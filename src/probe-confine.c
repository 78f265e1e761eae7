/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/probe-confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "src/cleanup.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
	__has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* The user and group that own nothing, on any system. */
#define NOBODY 65534

bool sfs_confine_is_strict(void)
{
	return !SANITIZED;
}

/* The parent's handlers would act on the parent's descriptors. */
static void reset_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	/* Some cannot be set; those have no handlers. */
	for (int signal = 1; signal < NSIG; signal++)
		sfs_ignore(sigaction(signal, &action, NULL));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int keep_descriptors(int socket, int file)
{
	const unsigned first = SFS_CONFINE_FILE + 1;

	/* Out of each other's way first. */
	socket = fcntl(socket, F_DUPFD_CLOEXEC, (int)first + 1);
	file = fcntl(file, F_DUPFD_CLOEXEC, (int)first + 1);
	if (socket < 0 || file < 0 ||
	    dup3(socket, SFS_CONFINE_SOCKET, O_CLOEXEC) < 0 ||
	    dup3(file, SFS_CONFINE_FILE, O_CLOEXEC) < 0 ||
	    close_range(SANITIZED ? first + 1 : first, ~0U, 0) < 0)
		return -errno;
	return 0;
}

static int drop_user(void)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return -errno;
	return 0;
}

/* Of address space, in bytes. */
static int memory_in_use(uint64_t *ret)
{
	CLEANUP_FCLOSE FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages;

	if (!file)
		return -errno;
	if (fscanf(file, "%lu", &pages) != 1)
		return -EIO;
	*ret = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

static int limit(int what, uint64_t most)
{
	struct rlimit rlimit;

	if (getrlimit(what, &rlimit) < 0)
		return -errno;
	rlimit.rlim_max = (rlim_t)sfs_min(rlimit.rlim_max, most);
	rlimit.rlim_cur = (rlim_t)sfs_min(rlimit.rlim_cur, rlimit.rlim_max);
	return setrlimit(what, &rlimit) < 0 ? -errno : 0;
}

static int limit_all(uint64_t in_use)
{
	const struct {
		int what;
		uint64_t most;
	} limits[] = {
		{ RLIMIT_CPU, SFS_CONFINE_SECONDS },
		{ RLIMIT_NOFILE, SFS_CONFINE_FILE + 2 },
		{ RLIMIT_CORE, 0 },
		/* Last: from here on there is little. */
		{ RLIMIT_AS, in_use + SFS_CONFINE_MEMORY },
	};
	const size_t count = SFS_ARRAY_SIZE(limits) - (SANITIZED ? 1 : 0);
	int r;

	for (size_t i = 0; i < count; i++) {
		r = limit(limits[i].what, limits[i].most);
		if (r < 0)
			return r;
	}
	return 0;
}

/* After the change of user, which undoes the first two. */
static int bind_process(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* Only for who looks at the list of processes. */
	sfs_ignore(prctl(PR_SET_NAME, "snapfs-probe", 0, 0, 0));
	return 0;
}

/* To talk, to read, to have memory, to end.  Without write() and shared
 * mappings, so that the file cannot be made to take memory. */
static const int allowed[] = {
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(read),
	SCMP_SYS(pread64),
	SCMP_SYS(lseek),
	SCMP_SYS(_llseek),
	SCMP_SYS(fstat),
	SCMP_SYS(fstat64),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fadvise64),
	SCMP_SYS(fadvise64_64),
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_gettime64),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit_group),
};

static int allow_memory(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp no_exec =
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	const struct scmp_arg_cmp private =
		SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_TYPE, MAP_PRIVATE);
	int r;

	r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, no_exec,
			     private);
	if (r < 0)
		return r;
	r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap2), 2,
			     no_exec, private);
	if (r < 0)
		return r;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				no_exec);
}

static int fill_filter(scmp_filter_ctx filter)
{
	int r;

	for (size_t i = 0; i < SFS_ARRAY_SIZE(allowed); i++) {
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
		if (r < 0)
			return r;
	}
	r = allow_memory(filter);
	return r < 0 ? r : seccomp_load(filter);
}

/* What is not allowed fails instead of killing: malloc looks into /proc and
 * /sys in odd moments, and does without. */
static int confine_calls(void)
{
	scmp_filter_ctx filter;
	int r;

	if (SANITIZED)
		return 0;
	filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return -ENOMEM;
	r = fill_filter(filter);
	seccomp_release(filter);
	return r;
}

int sfs_confine(int socket, int file)
{
	uint64_t in_use = 0;
	int r;

	reset_signals();
	r = keep_descriptors(socket, file);
	if (r < 0)
		return r;
	r = memory_in_use(&in_use);
	if (r < 0)
		return r;
	r = drop_user();
	if (r < 0)
		return r;
	r = bind_process();
	if (r < 0)
		return r;
	r = limit_all(in_use);
	if (r < 0)
		return r;
	return confine_calls();
}
