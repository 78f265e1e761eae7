/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_CLEANUP_H
#define SNAPFS_SRC_CLEANUP_H

/*
 * One way to own memory and descriptors: a variable is declared with its
 * cleanup and leaves by TAKE_PTR() or TAKE_FD().  CLEANUP_<TYPE> stands in
 * the header of each type, made by SFS_DEFINE_CLEANUP().
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Defines name##p(T **) for a release function that accepts NULL. */
#define SFS_DEFINE_CLEANUP(type, release)                                      \
	static inline void release##p(type **pointer)                          \
	{                                                                      \
		release(*pointer);                                             \
	}                                                                      \
	_Static_assert(1, "")

static inline void sfs_freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void sfs_closep(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void sfs_fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define CLEANUP_FREE   __attribute__((cleanup(sfs_freep)))
#define CLEANUP_CLOSE  __attribute__((cleanup(sfs_closep)))
#define CLEANUP_FCLOSE __attribute__((cleanup(sfs_fclosep)))

/* The value, leaving NULL (or -1) behind. */
#define TAKE_PTR(pointer)                                                      \
	({                                                                     \
		__typeof__(pointer) taken_ = pointer;                          \
		(pointer) = NULL;                                              \
		taken_;                                                        \
	})
#define TAKE_FD(fd)                                                            \
	({                                                                     \
		int taken_ = fd;                                               \
		(fd) = -1;                                                     \
		taken_;                                                        \
	})

#endif
