/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/probe-disk.h"

/* The asker's end.  It runs in a child of what may be a process of many
 * threads, and takes no lock but malloc's. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

static int send_message(const struct sfs_disk *disk,
			const struct sfs_disk_request *request,
			const void *bytes, size_t size)
{
	struct iovec iov[2] = {
		{ (void *)(uintptr_t)request, sizeof(*request) },
		{ (void *)(uintptr_t)bytes, size },
	};
	const struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	do
		n = sendmsg(disk->socket, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Ask, and wait for the answer and at most @size bytes with it. */
static int ask(const struct sfs_disk *disk,
	       const struct sfs_disk_request *request, void *bytes, size_t size,
	       struct sfs_disk_answer *ret)
{
	struct iovec iov[2] = { { ret, sizeof(*ret) }, { bytes, size } };
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;
	int r;

	r = send_message(disk, request, NULL, 0);
	if (r < 0)
		return r;
	do
		n = recvmsg(disk->socket, &message, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n < sizeof(*ret) || ret->size != (size_t)n - sizeof(*ret))
		return -EPROTO;
	return 0;
}

/* The page @number is in, or the one to give up for it. */
static struct sfs_disk_page *pick_page(struct sfs_disk *disk, uint64_t number)
{
	struct sfs_disk_page *oldest = &disk->pages[0];

	for (size_t i = 0; i < SFS_DISK_PAGES; i++) {
		if (disk->pages[i].number == number)
			return &disk->pages[i];
		if (disk->pages[i].used < oldest->used)
			oldest = &disk->pages[i];
	}
	return oldest;
}

static int get_page(struct sfs_disk *disk, uint64_t number,
		    const struct sfs_disk_page **ret)
{
	const struct sfs_disk_request request = {
		.kind = SFS_DISK_READ,
		.size = SFS_DISK_READ_MAX,
		.offset = (number - 1) * SFS_DISK_READ_MAX,
	};
	struct sfs_disk_page *page = pick_page(disk, number);
	struct sfs_disk_answer answer;
	int r;

	if (page->number != number) {
		page->number = 0;
		r = ask(disk, &request, page->bytes, sizeof(page->bytes),
			&answer);
		if (r < 0)
			return r;
		if (answer.error < 0) {
			disk->incomplete = true;
			return answer.error;
		}
		page->number = number;
		page->size = answer.size;
	}
	page->used = ++disk->clock;
	*ret = page;
	return 0;
}

int sfs_disk_read(struct sfs_disk *disk, void *buffer, size_t size,
		  uint64_t offset)
{
	const struct sfs_disk_page *page;
	uint8_t *p = buffer;
	size_t skip, part;
	int r;

	if (offset > disk->size || size > disk->size - offset)
		return -ENODATA;
	for (; size > 0; size -= part) {
		r = get_page(disk, offset / SFS_DISK_READ_MAX + 1, &page);
		if (r < 0)
			return r;
		skip = offset % SFS_DISK_READ_MAX;
		if (skip >= page->size)
			return -ENODATA;
		part = sfs_min(size, page->size - skip);
		memcpy(p, page->bytes + skip, part);
		p += part;
		offset += part;
	}
	return 0;
}

int sfs_disk_copy(struct sfs_disk *disk, uint64_t offset, uint64_t size)
{
	struct sfs_disk_request request = { .kind = SFS_DISK_COPY };
	struct sfs_disk_answer answer;
	int r;

	if (offset >= disk->size)
		return 0;
	size = sfs_min(size, disk->size - offset);
	for (; size > 0; size -= request.size) {
		request.offset = offset;
		request.size = (uint32_t)sfs_min(size, SFS_DISK_COPY_MAX);
		r = ask(disk, &request, NULL, 0, &answer);
		if (r < 0)
			return r;
		if (answer.error < 0)
			disk->incomplete = true;
		offset += request.size;
	}
	return 0;
}

int sfs_disk_finish(struct sfs_disk *disk, const void *result, size_t size)
{
	const struct sfs_disk_request request = {
		.kind = SFS_DISK_RESULT,
		.size = (uint32_t)size,
	};

	return send_message(disk, &request, result, size);
}
