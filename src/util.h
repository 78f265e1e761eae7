/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_UTIL_H
#define SNAPFS_SRC_UTIL_H

#include <stddef.h>
#include <stdint.h>

#define SFS_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define SFS_MUST_CHECK	      __attribute__((warn_unused_result))

/* Drop a result on purpose; a comment beside it says why. */
#define sfs_ignore(r) ((void)((r) == 0))

static inline uint64_t sfs_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t sfs_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* malloc(3) and its kin, so that tests can make the n-th call fail.
 * All return NULL when out of memory; sizes are checked for overflow. */
void *sfs_malloc(size_t size);
void *sfs_calloc(size_t count, size_t size);
void *sfs_realloc(void *pointer, size_t count, size_t size);
char *sfs_strdup(const char *s);
char *sfs_asprintf(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Make room for one more element in an array that grows by doubling.
 * @array is the address of the pointer.  Returns 0 or -ENOMEM. */
int sfs_grow(void *array, size_t *capacity, size_t count, size_t size);

/* Fill @bytes from getrandom(2); cannot fail on any kernel we run on. */
void sfs_random(void *bytes, size_t size);

/* CLOCK_REALTIME and CLOCK_MONOTONIC in nanoseconds. */
int64_t sfs_now_ns(void);
int64_t sfs_monotonic_ns(void);

#endif
