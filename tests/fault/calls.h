/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_FAULT_CALLS_H
#define SNAPFS_TESTS_FAULT_CALLS_H

/* The system calls that change files, and how they may fail. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/types.h>

enum call_class {
	CALL_OTHER,
	CALL_WRITE,
	CALL_SYNC,
	CALL_CREATE,
	CALL_MKDIR,
	CALL_RENAME,
	CALL_UNLINK,
	CALL_TRUNCATE,
	CALL_ALLOCATE,
	CALL_ATTRIBUTE,
	CALL_CLASSES,
};

#define CALL_BIT(class) (1u << (class))

/* Arguments by number; -1 for none. */
struct call {
	long number;
	const char *name;
	enum call_class class;
	int fd;		     /* an open file */
	int dir, path;	     /* a name in a directory; dir -1: the current */
	int to_dir, to_path; /* a second one */
	int flags;	     /* counts only where this has O_CREAT, O_TRUNC */
};

extern const struct call calls[];
extern const size_t call_count;

const struct call *call_find(long number);

/* What stopped at @info does, as text with names relative to @dir.  Returns
 * whether it concerns a file below @dir. */
bool call_text(const struct call *call, pid_t tid,
	       const struct __ptrace_syscall_info *info, const char *dir,
	       char *ret, size_t size);

#endif
