/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/message.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "src/json.h"
#include "src/mutex.h"
#include "tools/output.h"

static bool message_json;

/* Protects shown, and keeps lines whole. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool shown; /* a progress line is on the terminal */

static void wipe_locked(void)
{
	if (shown)
		fputs("\r\033[K", stderr);
	shown = false;
}

/* False when there was no memory for it: the caller then writes plainly. */
static bool put_json(enum sfs_level level, const char *context,
		     const char *text)
{
	static const char *const types[] = {
		[SFS_LOG_ERR] = "error",
		[SFS_LOG_WARN] = "warning",
		[SFS_LOG_INFO] = "info",
		[SFS_LOG_DEBUG] = "debug",
	};
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	CLEANUP_FREE char *line = NULL;

	if (sfs_jsonw_new(&w) < 0)
		return false;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "MessageType", types[level]);
	sfs_jsonw_string(w, "Command", context);
	sfs_jsonw_string(w, "Message", text);
	sfs_jsonw_end(w);
	if (sfs_jsonw_finish(w, false, &line, NULL) < 0)
		return false;
	fputs(line, stderr);
	return true;
}

static void put(enum sfs_level level, const char *context, const char *text)
{
	SFS_LOCK(&lock);
	wipe_locked();
	if (!message_json || !put_json(level, context, text)) {
		fprintf(stderr, "%s: %s", context,
			level == SFS_LOG_WARN ? "warning: " : "");
		sfs_output_text(stderr, text);
		fputc('\n', stderr);
	}
	fflush(stderr);
}

static void sink(enum sfs_level level, const char *text)
{
	put(level, "snapfs", text);
}

void sfs_message_init(void)
{
	sfs_log_set_sink(sink);
}

void sfs_message_set_json(bool json)
{
	message_json = json;
}

bool sfs_message_json(void)
{
	return message_json;
}

int sfs_message_usage(const char *context, const char *format, ...)
{
	char what[1024], text[1200];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(text, sizeof(text), "%s; see 'snapfs help%s'", what,
		 context + sizeof("snapfs") - 1);
	put(SFS_LOG_ERR, context, text);
	return -EINVAL;
}

void sfs_message_line(const char *line)
{
	put(SFS_LOG_INFO, "snapfs", line);
}

void sfs_message_progress(const char *line)
{
	SFS_LOCK(&lock);
	wipe_locked();
	if (line) {
		sfs_output_text(stderr, line);
		shown = true;
	}
	fflush(stderr);
}
