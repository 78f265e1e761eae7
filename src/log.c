/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static void to_stderr(enum sfs_level level, const char *text)
{
	fprintf(stderr, "snapfs: %s%s\n",
		level == SFS_LOG_WARN ? "warning: " : "", text);
}

/* Set once by a program before it starts threads. */
static sfs_log_sink *log_sink = to_stderr;
static enum sfs_level log_level = SFS_LOG_INFO;

void sfs_log_set_sink(sfs_log_sink *sink)
{
	log_sink = sink;
}

void sfs_log_set_level(enum sfs_level most)
{
	log_level = most;
}

void sfs_log(enum sfs_level level, const char *format, ...)
{
	int saved = errno;
	char text[2048];
	va_list args;

	if (level <= log_level) {
		va_start(args, format);
		vsnprintf(text, sizeof(text), format, args);
		va_end(args);
		log_sink(level, text);
	}
	errno = saved;
}
