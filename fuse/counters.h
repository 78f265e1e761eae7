/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_COUNTERS_H
#define SNAPFS_FUSE_COUNTERS_H

/* How many requests of which kind there were.  Counting takes no lock and,
 * with few threads, no cache line that another one writes. */

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum sfs_counter {
	SFS_COUNT_LOOKUP,
	SFS_COUNT_GETATTR,
	SFS_COUNT_READLINK,
	SFS_COUNT_OPEN,
	SFS_COUNT_READ,
	SFS_COUNT_LSEEK,
	SFS_COUNT_OPENDIR,
	SFS_COUNT_READDIR,
	SFS_COUNT_READDIRPLUS,
	SFS_COUNT_GETXATTR,
	SFS_COUNT_LISTXATTR,
	SFS_COUNT_STATFS,
	SFS_COUNT_WRITE,
	SFS_COUNT_FSYNC,
	SFS_COUNT_FALLOCATE,
	SFS_COUNT_SETATTR,
	SFS_COUNT_UNLINK,
	SFS_COUNT_REQUESTS, /* how many kinds of requests there are */

	SFS_COUNT_READ_BYTES = SFS_COUNT_REQUESTS,
	SFS_COUNT_READ_ERRORS,
	SFS_COUNT_WRITE_BYTES,
	SFS_COUNT_WRITE_ERRORS,
	SFS_COUNT_READ_SIZE_FIRST, /* reads of at most 4 KiB, 8 KiB, ... */
	SFS_COUNT_ALL = SFS_COUNT_READ_SIZE_FIRST + 9,
};

/* The last class is 1 MiB, the most a request can ask for. */
#define SFS_COUNT_READ_SIZES	(SFS_COUNT_ALL - SFS_COUNT_READ_SIZE_FIRST)
#define SFS_COUNT_READ_SIZE_MIN 4096u

#define SFS_COUNTER_SHARDS 8

struct sfs_counters {
	struct {
		alignas(64) atomic_uint_fast64_t counts[SFS_COUNT_ALL];
	} shards[SFS_COUNTER_SHARDS];
};

void sfs_counters_add(struct sfs_counters *counters, enum sfs_counter counter,
		      uint64_t n);
void sfs_counters_add_read(struct sfs_counters *counters, size_t size);
uint64_t sfs_counters_get(const struct sfs_counters *counters,
			  enum sfs_counter counter);

/* "Lookup", "Getattr", ...: of the kinds of requests. */
const char *sfs_counter_name(enum sfs_counter counter);

#endif
