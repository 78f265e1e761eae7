/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/counters.h"

static const char *const names[SFS_COUNT_REQUESTS] = {
	[SFS_COUNT_LOOKUP] = "Lookup",
	[SFS_COUNT_GETATTR] = "Getattr",
	[SFS_COUNT_READLINK] = "Readlink",
	[SFS_COUNT_OPEN] = "Open",
	[SFS_COUNT_READ] = "Read",
	[SFS_COUNT_LSEEK] = "Lseek",
	[SFS_COUNT_OPENDIR] = "Opendir",
	[SFS_COUNT_READDIR] = "Readdir",
	[SFS_COUNT_READDIRPLUS] = "Readdirplus",
	[SFS_COUNT_GETXATTR] = "Getxattr",
	[SFS_COUNT_LISTXATTR] = "Listxattr",
	[SFS_COUNT_STATFS] = "Statfs",
	[SFS_COUNT_WRITE] = "Write",
	[SFS_COUNT_FSYNC] = "Fsync",
	[SFS_COUNT_FALLOCATE] = "Fallocate",
	[SFS_COUNT_SETATTR] = "Setattr",
	[SFS_COUNT_UNLINK] = "Unlink",
};

/* The shard of the calling thread; threads take them in turn. */
static unsigned my_shard(void)
{
	static atomic_uint next = 1;
	static _Thread_local unsigned shard;

	if (shard == 0)
		shard = atomic_fetch_add(&next, 1);
	return shard % SFS_COUNTER_SHARDS;
}

void sfs_counters_add(struct sfs_counters *counters, enum sfs_counter counter,
		      uint64_t n)
{
	atomic_fetch_add_explicit(&counters->shards[my_shard()].counts[counter],
				  n, memory_order_relaxed);
}

void sfs_counters_add_read(struct sfs_counters *counters, size_t size)
{
	unsigned bucket = 0;

	while (bucket < SFS_COUNT_READ_SIZES - 1 &&
	       size > (size_t)SFS_COUNT_READ_SIZE_MIN << bucket)
		bucket++;
	sfs_counters_add(counters, SFS_COUNT_READ, 1);
	sfs_counters_add(counters, SFS_COUNT_READ_BYTES, size);
	sfs_counters_add(counters, SFS_COUNT_READ_SIZE_FIRST + bucket, 1);
}

uint64_t sfs_counters_get(const struct sfs_counters *counters,
			  enum sfs_counter counter)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < SFS_COUNTER_SHARDS; i++)
		sum += atomic_load_explicit(
			&counters->shards[i].counts[counter],
			memory_order_relaxed);
	return sum;
}

const char *sfs_counter_name(enum sfs_counter counter)
{
	return names[counter];
}
