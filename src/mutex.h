/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_MUTEX_H
#define SNAPFS_SRC_MUTEX_H

/* The one way to hold a mutex: until the end of the scope. */

#include <pthread.h>

static inline pthread_mutex_t *sfs_mutex_lock(pthread_mutex_t *mutex)
{
	pthread_mutex_lock(mutex);
	return mutex;
}

static inline void sfs_mutex_unlockp(pthread_mutex_t **mutex)
{
	pthread_mutex_unlock(*mutex);
}

#define SFS_LOCK_NAME_(line) sfs_held_##line##_
#define SFS_LOCK_AT_(line, mutex)                                              \
	pthread_mutex_t *SFS_LOCK_NAME_(line)                                  \
		__attribute__((cleanup(sfs_mutex_unlockp), unused)) =          \
			sfs_mutex_lock(mutex)

/* Stands among the declarations or behind them; one a line. */
#define SFS_LOCK(mutex) SFS_LOCK_AT_(__LINE__, mutex)

#endif
