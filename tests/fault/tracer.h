/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_FAULT_TRACER_H
#define SNAPFS_TESTS_FAULT_TRACER_H

/*
 * Runs a command under ptrace and does something to its N-th system call: kills
 * the command there, or makes the call fail, fall short or lie.  A seccomp
 * filter stops the command only where it changes files, so the rest runs at
 * full speed; all its threads and children are followed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tests/fault/calls.h"

enum action {
	ACTION_COUNT, /* only note the calls */
	ACTION_KILL,  /* SIGKILL instead of the call */
	ACTION_FAIL,  /* the call is not made and returns an error */
	ACTION_SHORT, /* a write of half the bytes */
	ACTION_ZERO,  /* a write that is not made and returns 0 */
	ACTION_LIE,   /* the call is not made and says that it was */
	ACTION_TEAR,  /* the target of a rename goes, and SIGKILL */
};

struct plan {
	enum action action;
	unsigned n;	   /* at the n-th call, from 1 ... */
	unsigned classes;  /* ... or the next of these, as bits; 0: all */
	int error;	   /* for ACTION_FAIL */
	bool forever;	   /* at those that follow as well */
	bool every_call;   /* stop and count at all calls, not only changes */
	const char *where; /* count only calls whose text has this; or NULL */
	unsigned limit_s;  /* it hangs when it takes longer; 0: a minute */
};

#define CALL_TEXT_MAX 160

struct noted_call {
	enum call_class class;
	char text[CALL_TEXT_MAX]; /* "renameat2 repo/tmp/x repo/records/y" */
};

struct outcome {
	bool fired;
	char what[CALL_TEXT_MAX]; /* the call at which it did */
	enum call_class class;
	bool timed_out;
	int signal;   /* that ended it, or 0 */
	int status;   /* with which it exited */
	bool printed; /* anything on standard output */
	bool retried; /* an fsync, after it failed */
	char *said;   /* its standard error */
	unsigned count;
	struct noted_call *calls; /* with ACTION_COUNT */
};

/* Run @argv in @dir, whose files alone are of interest.  Dies when that cannot
 * be done. */
void trace(const char *dir, char *const *argv, const struct plan *plan,
	   struct outcome *ret);
void outcome_done(struct outcome *outcome);

/* Run @argv in @dir without looking; returns its exit status, or 128 and its
 * signal.  *ret_said, unless NULL, is the caller's. */
int run_plainly(const char *dir, char *const *argv, char **ret_said);

#endif
