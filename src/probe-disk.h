/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_PROBE_DISK_H
#define SNAPFS_SRC_PROBE_DISK_H

/*
 * A disk as a process sees it that has nothing else: it asks for bytes over a
 * socket and gets them, one message a question, one an answer.  Whoever looks
 * into what a disk's bytes mean does it there (see probe-serve.h), since they
 * are anybody's and the libraries that know them are large.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/util.h"

/* What one question may be about: bytes for the asker, or a copy of them put
 * into the file `copy` by the one who answers. */
#define SFS_DISK_READ_MAX (16u << 10)
#define SFS_DISK_COPY_MAX (1u << 20)

enum sfs_disk_kind {
	SFS_DISK_READ = 1,
	SFS_DISK_COPY,
	SFS_DISK_RESULT, /* not a question: @size bytes of result follow */
};

struct sfs_disk_request {
	uint32_t kind;
	uint32_t size;
	uint64_t offset;
};

struct sfs_disk_answer {
	int32_t error; /* a negative errno, or 0 */
	uint32_t size; /* READ: that many bytes follow; short at the end */
};

/* What was read last is kept: libext2fs asks block by block and again. */
#define SFS_DISK_PAGES 64

struct sfs_disk_page {
	uint64_t number; /* in pages, from 1; 0: nothing here */
	uint64_t used;	 /* when, by the disk's clock */
	uint32_t size;
	uint8_t bytes[SFS_DISK_READ_MAX];
};

struct sfs_disk {
	int socket;
	int copy; /* a sparse file of the disk's size, to be read only */
	uint64_t size;
	uint64_t clock;
	bool incomplete; /* something could not be read */
	struct sfs_disk_page pages[SFS_DISK_PAGES];
};

/* Read exactly @size bytes.  -ENODATA: the disk ends before; otherwise what
 * the one who answers says. */
SFS_MUST_CHECK int sfs_disk_read(struct sfs_disk *disk, void *buffer,
				 size_t size, uint64_t offset);

/* Have what the disk has of [offset, offset + size) copied to the same place
 * of `copy`.  What cannot be read stays zeros there, and the disk is marked
 * incomplete.  Errors are of the conversation. */
SFS_MUST_CHECK int sfs_disk_copy(struct sfs_disk *disk, uint64_t offset,
				 uint64_t size);

/* Hand over the result. */
SFS_MUST_CHECK int sfs_disk_finish(struct sfs_disk *disk, const void *result,
				   size_t size);

#endif
