/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/show-progress.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "format/time.h"
#include "src/json.h"
#include "src/log.h"
#include "tools/message.h"
#include "tools/output.h"

#define TERMINAL_INTERVAL_NS (SFS_SECOND / 5)
#define JSON_INTERVAL_NS     SFS_SECOND

/* How much one interval's speed weighs in the rate that is shown: enough to
 * follow the work, little enough to be read. */
#define RATE_WEIGHT 0.1

static volatile sig_atomic_t stop_wanted;
static volatile sig_atomic_t line_wanted;

static bool show_json;
static int64_t interval_ns; /* 0: show nothing unasked */

/* Of the operation that runs; touched only by the thread that steps. */
static struct {
	const char *what;
	int64_t shown_ns;
	uint64_t shown_bytes;
	double rate; /* bytes a second; 0: not known yet */
} state;

/* The signal may have come just before a read that then waits for ever: it is
 * woken every second until the work has stopped. */
static void on_alarm(int signal_number)
{
	(void)signal_number;
	alarm(1);
}

static void on_stop(int signal_number)
{
	stop_wanted = 1;
	on_alarm(signal_number);
}

static void on_usr1(int signal_number)
{
	(void)signal_number;
	line_wanted = 1;
}

void sfs_show_progress_init(void)
{
	struct sigaction action = { .sa_handler = on_usr1,
				    .sa_flags = SA_RESTART };

	sigaction(SIGUSR1, &action, NULL);
}

void sfs_show_progress_set(bool quiet, bool json)
{
	show_json = json;
	if (quiet)
		interval_ns = 0;
	else if (json)
		interval_ns = JSON_INTERVAL_NS;
	else
		interval_ns = isatty(STDERR_FILENO) ? TERMINAL_INTERVAL_NS : 0;
}

static double seconds_left(const struct sfs_progress *progress)
{
	if (state.rate <= 0 || progress->total_bytes <= progress->done_bytes)
		return -1;
	return (double)(progress->total_bytes - progress->done_bytes) /
	       state.rate;
}

static void format_line(const struct sfs_progress *progress, char *line,
			size_t size)
{
	char done[SFS_OUTPUT_SIZE], total[SFS_OUTPUT_SIZE];
	char rate[SFS_OUTPUT_SIZE];
	double left = seconds_left(progress);
	size_t n;

	sfs_output_size(progress->done_bytes, done);
	sfs_output_size(progress->total_bytes, total);
	sfs_output_size((uint64_t)state.rate, rate);
	n = (size_t)snprintf(line, size, "%s: %s", progress->what, done);
	if (n < size && progress->total_bytes > 0)
		n += (size_t)snprintf(line + n, size - n, " of %s (%.0f %%)",
				      total,
				      100.0 * (double)progress->done_bytes /
					      (double)progress->total_bytes);
	if (n < size && state.rate > 0)
		n += (size_t)snprintf(line + n, size - n, ", %s/s", rate);
	if (n < size && left >= 0)
		snprintf(line + n, size - n, ", %u:%02u left",
			 (unsigned)(left / 60), (unsigned)left % 60);
}

static void put_json(const struct sfs_progress *progress)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	CLEANUP_FREE char *line = NULL;
	double left = seconds_left(progress);

	/* Without memory for it a line is left out, not the work. */
	if (sfs_jsonw_new(&w) < 0)
		return;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "MessageType", "progress");
	sfs_jsonw_string(w, "Operation", progress->what);
	sfs_jsonw_uint(w, "DoneInBytes", progress->done_bytes);
	if (progress->total_bytes > 0)
		sfs_jsonw_uint(w, "TotalInBytes", progress->total_bytes);
	sfs_jsonw_uint(w, "ReadInBytes", progress->read_bytes);
	sfs_jsonw_uint(w, "StoredInBytes", progress->stored_bytes);
	sfs_jsonw_uint(w, "BytesPerSecond", (uint64_t)state.rate);
	if (left >= 0)
		sfs_jsonw_uint(w, "SecondsLeft", (uint64_t)left);
	sfs_jsonw_end(w);
	if (sfs_jsonw_finish(w, false, &line, NULL) == 0)
		fputs(line, stderr);
}

/* As wide as the terminal: a line that wraps cannot be drawn over. */
static size_t columns(size_t most)
{
	struct winsize window;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 &&
	    window.ws_col > 1 && window.ws_col < most)
		return window.ws_col;
	return most;
}

static void show(const struct sfs_progress *progress, bool asked)
{
	char line[256];

	/* What is frozen may be where stderr goes; a terminal never is. */
	if (sfs_log_held() && !isatty(STDERR_FILENO))
		return;
	if (show_json) {
		put_json(progress);
		return;
	}
	format_line(progress, line,
		    asked ? sizeof(line) : columns(sizeof(line)));
	if (asked)
		sfs_message_line(line);
	else
		sfs_message_progress(line);
}

static void measure(const struct sfs_progress *progress, int64_t now)
{
	double seconds = (double)(now - state.shown_ns) / (double)SFS_SECOND;
	double rate;

	if (seconds <= 0 || progress->done_bytes < state.shown_bytes)
		return;
	rate = (double)(progress->done_bytes - state.shown_bytes) / seconds;
	state.rate = state.rate > 0 ? state.rate * (1 - RATE_WEIGHT) +
					      rate * RATE_WEIGHT
				    : rate;
	state.shown_ns = now;
	state.shown_bytes = progress->done_bytes;
}

static int step(struct sfs_progress *progress)
{
	int64_t now = sfs_monotonic_ns();

	if (stop_wanted)
		return -EINTR;
	if (state.what != progress->what) {
		state.what = progress->what;
		state.rate = 0;
		state.shown_ns = now;
		state.shown_bytes = progress->done_bytes;
	}
	if (line_wanted) {
		line_wanted = 0;
		measure(progress, now);
		show(progress, true);
	} else if (interval_ns > 0 && now - state.shown_ns >= interval_ns) {
		measure(progress, now);
		show(progress, false);
	}
	return 0;
}

void sfs_show_progress_start(struct sfs_progress *progress, const char *what)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_stop,
				    .sa_flags = (int)SA_RESETHAND };
	struct sigaction wake = { .sa_handler = on_alarm };
	struct sigaction old;
	size_t i;

	/* No SA_RESTART: a read that waits for a pipe must end as well.
	 * nohup stays in force; a shell's script ignores SIGINT for what it
	 * starts in the background, and must be able to send it all the
	 * same. */
	for (i = 0; i < SFS_ARRAY_SIZE(signals); i++)
		if (signals[i] != SIGHUP || sigaction(SIGHUP, NULL, &old) < 0 ||
		    old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	sigaction(SIGALRM, &wake, NULL);
	*progress = (struct sfs_progress){ .what = what, .step = step };
}

void sfs_show_progress_end(void)
{
	alarm(0);
	sfs_message_progress(NULL);
}
