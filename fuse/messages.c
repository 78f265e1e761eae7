/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "format/time.h"
#include "fuse/fuse.h"
#include "src/log.h"

#define TEXT_SIZE 2048

static const char *const level_names[] = {
	[SFS_LOG_ERR] = "error",
	[SFS_LOG_WARN] = "warning",
	[SFS_LOG_INFO] = "info",
	[SFS_LOG_DEBUG] = "debug",
};

/* A sink has no context.  Set before there are threads; never closed. */
static int log_fd = -1;

/* What came from outside must not look like a line of ours. */
static void clean(const char *text, char ret[TEXT_SIZE])
{
	size_t i;

	for (i = 0; text[i] && i < TEXT_SIZE - 1; i++)
		ret[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f
				 ? '?'
				 : text[i];
	ret[i] = '\0';
}

static void to_terminal(enum sfs_level level, const char *raw)
{
	char text[TEXT_SIZE];

	clean(raw, text);
	fprintf(stderr, "mount.snapfs: %s%s\n",
		level == SFS_LOG_WARN ? "warning: " : "", text);
}

static void to_file(enum sfs_level level, const char *raw)
{
	char text[TEXT_SIZE], line[TEXT_SIZE + 128];
	char now[SFS_TIME_SIZE];
	ssize_t n;
	int size;

	clean(raw, text);
	sfs_time_format(sfs_now_ns(), now);
	size = snprintf(line, sizeof(line), "%s %s: %s\n", now,
			level_names[level], text);
	/* One write a line, so that lines stay whole; nowhere is left to
	 * complain about its failure. */
	n = write(log_fd, line, sfs_min((uint64_t)size, sizeof(line) - 1));
	(void)n;
}

static void to_syslog(enum sfs_level level, const char *raw)
{
	static const int priorities[] = {
		[SFS_LOG_ERR] = LOG_ERR,
		[SFS_LOG_WARN] = LOG_WARNING,
		[SFS_LOG_INFO] = LOG_INFO,
		[SFS_LOG_DEBUG] = LOG_DEBUG,
	};

	char text[TEXT_SIZE];

	clean(raw, text);
	syslog(priorities[level], "%s", text);
}

__attribute__((format(printf, 2, 0))) static void
from_libfuse(enum fuse_log_level level, const char *format, va_list args)
{
	char text[TEXT_SIZE];

	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	if (level <= FUSE_LOG_ERR)
		sfs_err("%s", text);
	else if (level == FUSE_LOG_WARNING)
		sfs_warn("%s", text);
	else
		sfs_debug("%s", text);
}

void sfs_messages_start(bool verbose)
{
	sfs_log_set_sink(to_terminal);
	if (verbose)
		sfs_log_set_level(SFS_LOG_DEBUG);
	fuse_set_log_func(from_libfuse);
}

int sfs_messages_open(const char *path)
{
	log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log_fd < 0) {
		sfs_err("'%s': cannot write messages there: %s", path,
			strerror(errno));
		return -errno;
	}
	return 0;
}

void sfs_messages_leave_terminal(bool daemon)
{
	if (log_fd >= 0) {
		sfs_log_set_sink(to_file);
	} else if (daemon) {
		openlog("mount.snapfs", LOG_PID, LOG_DAEMON);
		sfs_log_set_sink(to_syslog);
	}
}
