/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "format/time.h"

void *sfs_malloc(size_t size)
{
	return malloc(size ? size : 1);
}

void *sfs_calloc(size_t count, size_t size)
{
	return calloc(count ? count : 1, size ? size : 1);
}

void *sfs_realloc(void *pointer, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return realloc(pointer, total ? total : 1);
}

char *sfs_strdup(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = sfs_malloc(size);

	if (copy)
		memcpy(copy, s, size);
	return copy;
}

char *sfs_asprintf(const char *format, ...)
{
	va_list args;
	char *s;
	int n;

	va_start(args, format);
	n = vasprintf(&s, format, args);
	va_end(args);
	return n < 0 ? NULL : s;
}

int sfs_grow(void *array, size_t *capacity, size_t count, size_t size)
{
	void **pointer = array;
	size_t more;
	void *grown;

	if (count < *capacity)
		return 0;
	more = *capacity ? *capacity * 2 : 16;
	grown = sfs_realloc(*pointer, more, size);
	if (!grown)
		return -ENOMEM;
	*pointer = grown;
	*capacity = more;
	return 0;
}

void sfs_random(void *bytes, size_t size)
{
	uint8_t *p = bytes;
	ssize_t n;

	while (size > 0) {
		n = getrandom(p, size, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			perror("getrandom");
			abort(); /* ids and secrets must not be guessable */
		}
		p += n;
		size -= (size_t)n;
	}
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * SFS_SECOND + now.tv_nsec;
}

int64_t sfs_now_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

int64_t sfs_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}
