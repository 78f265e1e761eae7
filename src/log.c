/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "src/mutex.h"

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

/* Messages that wait. */
#define HELD_MAX 32
#define TEXT_MAX 2048

static pthread_mutex_t hold_lock = PTHREAD_MUTEX_INITIALIZER;
static bool holding;	    /* under hold_lock */
static unsigned held_count; /* under hold_lock; may exceed HELD_MAX */
static struct {
	enum sfs_level level;
	char text[TEXT_MAX];
} held[HELD_MAX]; /* under hold_lock */

void sfs_log_hold(void)
{
	SFS_LOCK(&hold_lock);
	holding = true;
}

bool sfs_log_held(void)
{
	SFS_LOCK(&hold_lock);
	return holding;
}

void sfs_log_release(void)
{
	unsigned i;

	SFS_LOCK(&hold_lock);
	for (i = 0; i < held_count && i < HELD_MAX; i++)
		log_sink(held[i].level, held[i].text);
	if (held_count > HELD_MAX)
		log_sink(SFS_LOG_WARN, "more messages were not kept");
	holding = false;
	held_count = 0;
}

static bool keep(enum sfs_level level, const char *text)
{
	SFS_LOCK(&hold_lock);
	if (!holding)
		return false;
	if (held_count < HELD_MAX) {
		held[held_count].level = level;
		snprintf(held[held_count].text, TEXT_MAX, "%s", text);
	}
	held_count++;
	return true;
}

void sfs_log(enum sfs_level level, const char *format, ...)
{
	int saved = errno;
	char text[TEXT_MAX];
	va_list args;

	if (level <= log_level) {
		va_start(args, format);
		vsnprintf(text, sizeof(text), format, args);
		va_end(args);
		if (!keep(level, text))
			log_sink(level, text);
	}
	errno = saved;
}
