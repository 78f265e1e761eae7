/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What is snapshotted: files that are written to, resized and punched. */

#include <fcntl.h>
#include <unistd.h>

#include "tests/model/model.h"

void fill(uint8_t *bytes, size_t size)
{
	unsigned kind = (unsigned)below(4);
	uint64_t seed = below(6); /* few, so that contents meet again */
	size_t i;

	for (i = 0; i < size; i++) {
		switch (kind) {
		case 0: /* cannot be compressed */
			bytes[i] = (uint8_t)below(256);
			break;
		case 1: /* the same in other places and volumes */
			bytes[i] = (uint8_t)(seed * 31 + i % 4096 / 16);
			break;
		case 2:
			bytes[i] = 0;
			break;
		default:
			bytes[i] = (uint8_t)(1 + seed);
		}
	}
}

void op_write(struct volume *volume)
{
	size_t offset, size;
	int fd;

	if (volume->size == 0)
		return;
	offset = below(volume->size);
	size = 1 + below(below(3) ? 3 * chunk_size : 40 * chunk_size);
	if (below(2)) { /* aligned, so that sharing happens */
		offset -= offset % chunk_size;
		size += chunk_size - size % chunk_size;
	}
	size = sfs_min(size, volume->size - offset);
	fill(volume->bytes + offset, size);
	must(fd = open(volume->path, O_WRONLY | O_CLOEXEC));
	must(pwrite(fd, volume->bytes + offset, size, (off_t)offset) -
	     (ssize_t)size);
	close(fd);
}

void op_resize(struct volume *volume)
{
	size_t size = below(4) ? below(DISK_MAX)
			       : below(DISK_MAX / chunk_size) * chunk_size;

	if (rarely(20))
		size = below(2);
	if (size < volume->size)
		memset(volume->bytes + size, 0, volume->size - size);
	volume->size = size;
	must(truncate(volume->path, (off_t)size));
}

void op_punch(struct volume *volume)
{
	size_t offset, size;
	int fd;

	if (volume->size == 0)
		return;
	offset = below(volume->size);
	size = 1 + below(volume->size - offset);
	memset(volume->bytes + offset, 0, size);
	must(fd = open(volume->path, O_WRONLY | O_CLOEXEC));
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       (off_t)offset, (off_t)size));
	close(fd);
}
