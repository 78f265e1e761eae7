/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fault/calls.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/fault/fault.h"

#define ON_FD(call, class)                                                     \
	{                                                                      \
		SYS_##call, #call, class, 0, -1, -1, -1, -1, -1                \
	}
#define ON_NAME(call, class)                                                   \
	{                                                                      \
		SYS_##call, #call, class, -1, -1, 0, -1, -1, -1                \
	}
#define ON_NAME_AT(call, class)                                                \
	{                                                                      \
		SYS_##call, #call, class, -1, 0, 1, -1, -1, -1                 \
	}
#define ON_NAMES(call, class)                                                  \
	{                                                                      \
		SYS_##call, #call, class, -1, -1, 0, -1, 1, -1                 \
	}
#define ON_NAMES_AT(call, class)                                               \
	{                                                                      \
		SYS_##call, #call, class, -1, 0, 1, 2, 3, -1                   \
	}

const struct call calls[] = {
	ON_FD(write, CALL_WRITE),
	ON_FD(pwrite64, CALL_WRITE),
	ON_FD(writev, CALL_WRITE),
	ON_FD(pwritev, CALL_WRITE),
	ON_FD(pwritev2, CALL_WRITE),
	ON_FD(fsync, CALL_SYNC),
	ON_FD(fdatasync, CALL_SYNC),
	ON_FD(sync_file_range, CALL_SYNC),
	ON_FD(syncfs, CALL_SYNC),
	{ SYS_open, "open", CALL_CREATE, -1, -1, 0, -1, -1, 1 },
	{ SYS_openat, "openat", CALL_CREATE, -1, 0, 1, -1, -1, 2 },
	ON_NAME(creat, CALL_CREATE),
	ON_NAME(mkdir, CALL_MKDIR),
	ON_NAME_AT(mkdirat, CALL_MKDIR),
	ON_NAMES(rename, CALL_RENAME),
	ON_NAMES_AT(renameat, CALL_RENAME),
	ON_NAMES_AT(renameat2, CALL_RENAME),
	ON_NAMES(link, CALL_RENAME),
	ON_NAMES_AT(linkat, CALL_RENAME),
	ON_NAME(unlink, CALL_UNLINK),
	ON_NAME(rmdir, CALL_UNLINK),
	ON_NAME_AT(unlinkat, CALL_UNLINK),
	ON_NAME(truncate, CALL_TRUNCATE),
	ON_FD(ftruncate, CALL_TRUNCATE),
	ON_FD(fallocate, CALL_ALLOCATE),
	ON_NAME(chmod, CALL_ATTRIBUTE),
	ON_FD(fchmod, CALL_ATTRIBUTE),
	ON_NAME_AT(fchmodat, CALL_ATTRIBUTE),
	ON_NAME(chown, CALL_ATTRIBUTE),
	ON_FD(fchown, CALL_ATTRIBUTE),
	ON_NAME_AT(fchownat, CALL_ATTRIBUTE),
};

const size_t call_count = sizeof(calls) / sizeof(calls[0]);

const struct call *call_find(long number)
{
	size_t i;

	for (i = 0; i < call_count; i++)
		if (calls[i].number == number)
			return &calls[i];
	return NULL;
}

static void read_link(pid_t tid, int fd, char ret[PATH_MAX])
{
	char name[64];
	ssize_t n;

	if (fd == AT_FDCWD)
		snprintf(name, sizeof(name), "/proc/%d/cwd", tid);
	else
		snprintf(name, sizeof(name), "/proc/%d/fd/%d", tid, fd);
	n = readlink(name, ret, PATH_MAX - 1);
	ret[n < 0 ? 0 : n] = '\0';
}

/* A string may end just before a page that is not there: read page by page. */
static void read_string(pid_t tid, uint64_t address, char ret[PATH_MAX])
{
	size_t done = 0, part;
	struct iovec local, remote;
	ssize_t n;

	while (done < PATH_MAX - 1) {
		part = 4096 - (address + done) % 4096;
		if (part > PATH_MAX - 1 - done)
			part = PATH_MAX - 1 - done;
		local = (struct iovec){ ret + done, part };
		remote = (struct iovec){ (void *)(uintptr_t)(address + done),
					 part };
		n = process_vm_readv(tid, &local, 1, &remote, 1, 0);
		if (n <= 0 || memchr(ret + done, '\0', (size_t)n))
			break;
		done += (size_t)n;
	}
	ret[PATH_MAX - 1] = '\0';
}

static void resolve(pid_t tid, int dir, uint64_t address, char *ret,
		    size_t size)
{
	char base[PATH_MAX], name[PATH_MAX] = "";

	read_string(tid, address, name);
	read_link(tid, dir, base);
	if (name[0] == '/')
		snprintf(ret, size, "%s", name);
	else
		snprintf(ret, size, "%.2000s/%.2000s", base, name);
}

/* Append @path to the text, short where it is below @dir; returns whether it
 * is. */
static bool append(const char *path, const char *dir, char *ret, size_t size)
{
	size_t n = strlen(dir), used = strlen(ret);
	bool below = strncmp(path, dir, n) == 0 && path[n] == '/';

	snprintf(ret + used, size - used, " %s", below ? path + n + 1 : path);
	return below;
}

bool call_text(const struct call *call, pid_t tid,
	       const struct __ptrace_syscall_info *info, const char *dir,
	       char *ret, size_t size)
{
	const uint64_t *args = info->seccomp.args;
	bool below = false;
	char path[PATH_MAX];

	if (!call) {
		snprintf(ret, size, "call %lld", (long long)info->seccomp.nr);
		return false;
	}
	snprintf(ret, size, "%s", call->name);
	if (call->fd >= 0) {
		read_link(tid, (int)args[call->fd], path);
		below = append(path, dir, ret, size);
	}
	if (call->path >= 0) {
		resolve(tid, call->dir < 0 ? AT_FDCWD : (int)args[call->dir],
			args[call->path], path, sizeof(path));
		below |= append(path, dir, ret, size);
	}
	if (call->to_path >= 0) {
		resolve(tid,
			call->to_dir < 0 ? AT_FDCWD : (int)args[call->to_dir],
			args[call->to_path], path, sizeof(path));
		below |= append(path, dir, ret, size);
	}
	return below;
}
