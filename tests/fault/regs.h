/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_FAULT_REGS_H
#define SNAPFS_TESTS_FAULT_REGS_H

/* Changing a system call at its entry: what differs by processor. */

#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/types.h>

#if defined(__x86_64__) && !defined(__ILP32__)
#include <linux/audit.h>
#include <sys/user.h>

#define REGS_AUDIT_ARCH AUDIT_ARCH_X86_64

/* Do not make the call; let it return @result. */
static inline bool regs_skip(pid_t tid, long result)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &regs) < 0)
		return false;
	regs.orig_rax = (unsigned long long)-1;
	regs.rax = (unsigned long long)result;
	return ptrace(PTRACE_SETREGS, tid, NULL, &regs) == 0;
}

/* Make it with @value as its third argument. */
static inline bool regs_set_third(pid_t tid, unsigned long value)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &regs) < 0)
		return false;
	regs.rdx = value;
	return ptrace(PTRACE_SETREGS, tid, NULL, &regs) == 0;
}
#else
#error "tests/fault knows x86-64 only; tests/fault/meson.build leaves it out"
#endif

#endif
