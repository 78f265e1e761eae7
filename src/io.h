/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_IO_H
#define SNAPFS_SRC_IO_H

/* System calls that do all of it or say why not.  Nothing is logged here. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "src/util.h"

/* Read exactly @size bytes at @offset.  -ENODATA: the file ends before. */
SFS_MUST_CHECK int sfs_io_pread(int fd, void *buffer, size_t size,
				uint64_t offset);

/* Write exactly @size bytes at @offset. */
SFS_MUST_CHECK int sfs_io_pwrite(int fd, const void *buffer, size_t size,
				 uint64_t offset);

/* Write all pieces one after the other from the file's position on. */
SFS_MUST_CHECK int sfs_io_writev(int fd, const struct iovec *iov, int count);

#endif
