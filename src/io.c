/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/io.h"

#include <errno.h>
#include <unistd.h>

int sfs_io_pread(int fd, void *buffer, size_t size, uint64_t offset)
{
	uint8_t *p = buffer;
	ssize_t n;

	while (size > 0) {
		n = pread(fd, p, size, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		p += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

int sfs_io_pwrite(int fd, const void *buffer, size_t size, uint64_t offset)
{
	const uint8_t *p = buffer;
	ssize_t n;

	while (size > 0) {
		n = pwrite(fd, p, size, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; /* a write that makes no progress */
		p += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

static int write_piece(int fd, const struct iovec *piece)
{
	const uint8_t *p = piece->iov_base;
	size_t left = piece->iov_len;
	ssize_t n;

	while (left > 0) {
		n = write(fd, p, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		p += n;
		left -= (size_t)n;
	}
	return 0;
}

int sfs_io_writev(int fd, const struct iovec *iov, int count)
{
	int i, r;

	for (i = 0; i < count; i++) {
		r = write_piece(fd, &iov[i]);
		if (r < 0)
			return r;
	}
	return 0;
}
