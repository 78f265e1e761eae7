/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_PREFETCH_H
#define SNAPFS_SRC_PREFETCH_H

/*
 * Decoding ahead of a reader that goes straight on and asks for one piece at
 * a time (O_DIRECT, a loop device with direct I/O), so that a second
 * processor has something to do.  Readers through the page cache need none of
 * it: the kernel asks for several pieces at once.
 *
 * A worker goes through its range from the end to the start and stops at the
 * first chunk that is in the cache already, while the reader comes towards it
 * from the start: the two share the work and never wait for each other's
 * chunks one by one.
 */

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "src/chunk.h"
#include "src/cleanup.h"
#include "src/util.h"
#include "src/view.h"

struct sfs_prefetch;

/* How one file was read lately. */
struct sfs_stream {
	pthread_mutex_t lock; /* of all below; held for moments */
	uint64_t next;	      /* where the last read ended */
	uint64_t ahead;	      /* up to where work was handed out */
	unsigned streak;      /* reads that each began where one ended */
};

/* @chunks is borrowed.  @threads workers, at least one. */
SFS_MUST_CHECK int sfs_prefetch_new(struct sfs_chunks *chunks, unsigned threads,
				    struct sfs_prefetch **ret);
void sfs_prefetch_free(struct sfs_prefetch *prefetch);
SFS_DEFINE_CLEANUP(struct sfs_prefetch, sfs_prefetch_free);
#define CLEANUP_PREFETCH __attribute__((cleanup(sfs_prefetch_freep)))

void sfs_stream_init(struct sfs_stream *stream);
void sfs_stream_done(struct sfs_stream *stream);

/* [offset, offset + size) of @view is about to be read; look ahead when that
 * goes straight on.  Never waits; when the workers are busy, nothing is done.
 */
void sfs_prefetch_note(struct sfs_prefetch *prefetch, struct sfs_stream *stream,
		       struct sfs_view *view, uint64_t offset, size_t size);

#endif
