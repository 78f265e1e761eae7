/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_DEVICES_H
#define SNAPFS_SRC_DEVICES_H

/* Writing to block devices.  Nothing is logged here. */

#include <stdint.h>

#include "src/util.h"

/* Reads past the page cache are aligned to this, which suits any device. */
#define SFS_DEVICE_ALIGN 4096u

SFS_MUST_CHECK int sfs_device_size(int fd, uint64_t *ret);

/* Make the range read as zeros, by the device's own means where it has some.
 * @offset is a multiple of SFS_DEVICE_ALIGN. */
SFS_MUST_CHECK int sfs_device_zero(int fd, uint64_t offset, uint64_t size);

/* Write zeros, to a file or a device. */
SFS_MUST_CHECK int sfs_device_write_zeros(int fd, uint64_t offset,
					  uint64_t size);

/* Everything written is on the medium, and nothing of it cached. */
SFS_MUST_CHECK int sfs_device_flush(int fd);

#endif
