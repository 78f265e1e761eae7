/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/devices.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "src/io.h"

int sfs_device_size(int fd, uint64_t *ret)
{
	return ioctl(fd, BLKGETSIZE64, ret) < 0 ? -errno : 0;
}

int sfs_device_write_zeros(int fd, uint64_t offset, uint64_t size)
{
	static const uint8_t zeros[64 << 10];
	uint64_t n;
	int r;

	for (; size > 0; offset += n, size -= n) {
		n = sfs_min(size, sizeof(zeros));
		r = sfs_io_pwrite(fd, zeros, n, offset);
		if (r < 0)
			return r;
	}
	return 0;
}

int sfs_device_zero(int fd, uint64_t offset, uint64_t size)
{
	uint64_t whole = size - size % SFS_DEVICE_ALIGN;
	uint64_t range[2] = { offset, whole };

	/* The kernel writes zeros itself where the device knows no better;
	 * what it refuses altogether is tried by hand before giving up. */
	if (whole > 0 && ioctl(fd, BLKZEROOUT, range) < 0)
		whole = 0;
	return sfs_device_write_zeros(fd, offset + whole, size - whole);
}

int sfs_device_flush(int fd)
{
	if (fsync(fd) < 0)
		return -errno;
	/* Only drops clean pages; refused to all but root. */
	sfs_ignore(ioctl(fd, BLKFLSBUF, 0));
	return 0;
}
