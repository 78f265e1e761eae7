/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fault/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fault/fault.h"
#include "tests/fault/regs.h"

#define TIME_LIMIT_S 60

struct tracing {
	const char *dir;
	const struct plan *plan;
	struct outcome *outcome;
	pid_t pid;
	size_t capacity; /* of outcome->calls */
	char **unsynced; /* texts of fsyncs that were made to fail */
	size_t unsynced_count;
};

static volatile sig_atomic_t late;

static void on_alarm(int signal)
{
	(void)signal;
	late = 1;
}

/* ---- the command's side ---- */

/* A number's own rule: three instructions where flags decide, else two. */
static size_t rule(const struct call *call, struct sock_filter *at)
{
	const struct sock_filter trace =
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	const struct sock_filter allow =
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	size_t n = 0;

	if (call->flags < 0) {
		at[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call->number, 0,
			1);
		at[n++] = trace;
		return n;
	}
	at[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
					       (unsigned)call->number, 0, 4);
	at[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS,
		(unsigned)offsetof(struct seccomp_data, args) +
			8 * (unsigned)call->flags);
	at[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
					       O_CREAT | O_TRUNC, 0, 1);
	at[n++] = trace;
	at[n++] = allow;
	return n;
}

static void filter_calls(bool every_call)
{
	struct sock_filter code[256];
	struct sock_fprog program = { .filter = code };
	size_t i, n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						 REGS_AUDIT_ARCH, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						 SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (i = 0; i < call_count && !every_call; i++)
		n += rule(&calls[i], &code[n]);
	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_RET | BPF_K,
		every_call ? SECCOMP_RET_TRACE : SECCOMP_RET_ALLOW);
	program.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(125);
}

static void redirect(int printed, int said)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(printed < 0 ? null : printed, STDOUT_FILENO);
	dup2(said, STDERR_FILENO);
}

static pid_t start(const char *dir, char *const *argv, int printed, int said,
		   int ready, bool every_call)
{
	char byte;
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	signal(SIGALRM, SIG_DFL);
	redirect(printed, said);
	if (chdir(dir) < 0)
		_exit(125);
	if (ready >= 0) {
		if (read(ready, &byte, 1) != 1)
			_exit(125);
		filter_calls(every_call);
	}
	execv(argv[0], argv);
	_exit(126);
}

static int new_said(void)
{
	int fd = memfd_create("said", MFD_CLOEXEC);

	if (fd < 0)
		die("memfd_create: %s", strerror(errno));
	return fd;
}

static char *read_said(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = must_alloc(calloc(1, (size_t)size + 1));

	if (pread(fd, text, (size_t)size, 0) != size)
		die("cannot read what was said");
	close(fd);
	return text;
}

/* ---- at a call ---- */

static void note_call(struct tracing *tracing, const char *text,
		      enum call_class class)
{
	struct outcome *outcome = tracing->outcome;

	if (outcome->count > tracing->capacity) {
		tracing->capacity = outcome->count * 2;
		outcome->calls = must_alloc(
			realloc(outcome->calls,
				tracing->capacity * sizeof(*outcome->calls)));
	}
	outcome->calls[outcome->count - 1].class = class;
	copy_text(outcome->calls[outcome->count - 1].text, CALL_TEXT_MAX, text);
}

/* SQLite's: it may try again, since what it writes is only an index, of which
 * every row is checked. */
static bool is_catalog_sync(const char *text)
{
	return strstr(text, " repo/catalog.db") ||
	       strcmp(text, "fdatasync repo") == 0;
}

/* No later fsync of a file makes a failed one good: the pages are clean by
 * then, and not on the disk. */
static void watch_sync(struct tracing *tracing, const char *text, bool failed)
{
	const char *path = strchr(text, ' ');
	size_t i;

	if (!path || is_catalog_sync(text))
		return;
	for (i = 0; i < tracing->unsynced_count; i++)
		if (strcmp(tracing->unsynced[i], path) == 0)
			tracing->outcome->retried = true;
	if (!failed)
		return;
	tracing->unsynced =
		must_alloc(realloc(tracing->unsynced, (tracing->unsynced_count +
						       1) * sizeof(char *)));
	tracing->unsynced[tracing->unsynced_count++] = must_alloc(strdup(path));
}

/* As an unlink followed by a rename would, when killed in between. */
static void tear(const struct tracing *tracing, const char *text)
{
	const char *target = strrchr(text, ' ');
	char *path =
		must_alloc(sfs_asprintf("%s/%s", tracing->dir, target + 1));

	if (unlink(path) < 0)
		die("%s: %s", path, strerror(errno));
	free(path);
	kill(tracing->pid, SIGKILL);
}

static bool is_write(enum call_class class)
{
	return class == CALL_WRITE;
}

static void act(struct tracing *tracing, pid_t tid, enum call_class class,
		const struct __ptrace_syscall_info *info, const char *text)
{
	const struct plan *plan = tracing->plan;
	unsigned long size = (unsigned long)info->seccomp.args[2];
	bool done = true;

	switch (plan->action) {
	case ACTION_COUNT:
		break;
	case ACTION_KILL:
		kill(tracing->pid, SIGKILL);
		break;
	case ACTION_TEAR:
		tear(tracing, text);
		break;
	case ACTION_FAIL:
		done = regs_skip(tid, -plan->error);
		break;
	case ACTION_SHORT:
		if (is_write(class) && size > 1)
			done = regs_set_third(tid, size / 2);
		break;
	case ACTION_ZERO:
		done = regs_skip(tid, 0);
		break;
	case ACTION_LIE:
		done = regs_skip(tid, is_write(class) ? (long)size : 0);
		break;
	}
	if (!done)
		die("cannot change a call: %s", strerror(errno));
}

/* Whether what befell the N-th call befalls this later one. */
static bool goes_on(const struct plan *plan, enum call_class class)
{
	if (!plan->forever)
		return false;
	if (plan->action == ACTION_SHORT)
		return is_write(class);
	if (plan->action != ACTION_FAIL)
		return false;
	if (plan->error == ENOSPC || plan->error == EDQUOT)
		return is_write(class) || class == CALL_CREATE ||
		       class == CALL_MKDIR || class == CALL_ALLOCATE;
	return true;
}

static bool wanted(const struct plan *plan, bool below, const char *text)
{
	if (plan->every_call)
		return true;
	return below && (!plan->where || strstr(text, plan->where));
}

/* Threads do not meet in the same order each time, so the n-th call may be
 * another one than it was. */
static bool is_hit(const struct plan *plan, const struct outcome *outcome,
		   enum call_class class)
{
	return !outcome->fired && plan->n && outcome->count >= plan->n &&
	       (plan->classes == 0 || plan->classes & CALL_BIT(class));
}

static void at_call(struct tracing *tracing, pid_t tid)
{
	struct outcome *outcome = tracing->outcome;
	const struct plan *plan = tracing->plan;
	struct __ptrace_syscall_info info;
	char text[CALL_TEXT_MAX * 4];
	enum call_class class;
	const struct call *call;
	bool below, hit;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) <= 0)
		return; /* killed meanwhile */
	call = call_find((long)info.seccomp.nr);
	class = call ? call->class : CALL_OTHER;
	below = call_text(call, tid, &info, tracing->dir, text, sizeof(text));
	if (!wanted(plan, below, text))
		return;
	outcome->count++;
	if (plan->action == ACTION_COUNT)
		note_call(tracing, text, class);
	hit = is_hit(plan, outcome, class);
	if (class == CALL_SYNC)
		watch_sync(tracing, text,
			   plan->action == ACTION_FAIL &&
				   (hit ||
				    (outcome->fired && goes_on(plan, class))));
	if (hit) {
		outcome->fired = true;
		outcome->class = class;
		copy_text(outcome->what, CALL_TEXT_MAX, text);
	} else if (!outcome->fired || !goes_on(plan, class)) {
		return;
	}
	act(tracing, tid, class, &info, text);
}

/* ---- the loop ---- */

static void ended(struct tracing *tracing, pid_t tid, int status)
{
	if (tid != tracing->pid)
		return;
	tracing->outcome->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	tracing->outcome->status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static void stopped(struct tracing *tracing, pid_t tid, int status)
{
	int event = status >> 16, signal = WSTOPSIG(status);

	if (event == PTRACE_EVENT_SECCOMP)
		at_call(tracing, tid);
	if (event)
		signal = 0;
	ptrace(PTRACE_CONT, tid, NULL, (void *)(uintptr_t)signal);
}

static void give_up(struct tracing *tracing)
{
	tracing->outcome->timed_out = true;
	kill(tracing->pid, SIGKILL);
	late = 0;
}

/* Until the command and all that it started are gone. */
static void follow(struct tracing *tracing)
{
	const unsigned limit_s = tracing->plan->limit_s;
	const struct itimerval limit = {
		.it_value.tv_sec = limit_s ? limit_s : TIME_LIMIT_S,
		.it_interval.tv_sec = 1,
	};
	const struct itimerval none = { 0 };
	int status;
	pid_t tid;

	late = 0;
	setitimer(ITIMER_REAL, &limit, NULL);
	for (;;) {
		tid = waitpid(-1, &status, __WALL);
		if (late)
			give_up(tracing);
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			break;
		if (WIFSTOPPED(status))
			stopped(tracing, tid, status);
		else
			ended(tracing, tid, status);
	}
	setitimer(ITIMER_REAL, &none, NULL);
}

void trace(const char *dir, char *const *argv, const struct plan *plan,
	   struct outcome *ret)
{
	const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE |
			     PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_EXITKILL;
	const struct sigaction on_late = { .sa_handler = on_alarm };
	struct tracing tracing = { .dir = dir, .plan = plan, .outcome = ret };
	int printed = new_said(), said = new_said(), ready[2];

	*ret = (struct outcome){ 0 };
	sigaction(SIGALRM, &on_late, NULL);
	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe: %s", strerror(errno));
	tracing.pid =
		start(dir, argv, printed, said, ready[0], plan->every_call);
	if (ptrace(PTRACE_SEIZE, tracing.pid, NULL, (void *)options) < 0)
		die("ptrace: %s", strerror(errno));
	if (write(ready[1], "", 1) != 1)
		die("pipe: %s", strerror(errno));
	close(ready[0]);
	close(ready[1]);
	follow(&tracing);
	while (tracing.unsynced_count > 0)
		free(tracing.unsynced[--tracing.unsynced_count]);
	free(tracing.unsynced);
	ret->printed = lseek(printed, 0, SEEK_END) > 0;
	close(printed);
	ret->said = read_said(said);
	if (ret->status == 125 || ret->status == 126)
		die("cannot run '%s'", argv[0]);
}

void outcome_done(struct outcome *outcome)
{
	free(outcome->said);
	free(outcome->calls);
}

int run_plainly(const char *dir, char *const *argv, char **ret_said)
{
	int said = new_said(), status;
	pid_t pid = start(dir, argv, -1, said, -1, false);
	char *text;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid: %s", strerror(errno));
	text = read_said(said);
	if (ret_said)
		*ret_said = text;
	else
		free(text);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}
