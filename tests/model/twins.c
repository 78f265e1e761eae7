/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Writable twins below scratch/.  Each has its own bytes here; what it is a
 * twin of stays as it is.  Some are held open, also beyond the end of their
 * snapshot.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/model/model.h"

#define TWINS_MAX 5

struct twin {
	char image[SFS_ID_SIZE]; /* "": of the snapshot itself */
	char device[SFS_DEVICE_NAME_MAX + 1];
	char snapshot[SFS_ID_SIZE]; /* "": zeros */
	uint8_t *bytes;
	size_t size;
	int fd;	   /* -1 when it is not held open */
	bool gone; /* then it is held open */
};

static struct twin twins[TWINS_MAX];
static unsigned twin_count;

static void drop_twin(struct twin *twin)
{
	if (twin->fd >= 0)
		close(twin->fd);
	free(twin->bytes);
	*twin = twins[--twin_count];
}

void forget_twins(const char *id)
{
	struct twin *twin;
	unsigned i;

	for (i = twin_count; i-- > 0;) {
		twin = &twins[i];
		if (strcmp(twin->image, id) != 0 &&
		    strcmp(twin->snapshot, id) != 0)
			continue;
		twin->gone = true;
		if (twin->fd < 0)
			drop_twin(twin);
	}
}

/* ---- names ---- */

static void path_of(const struct twin *twin, char *ret, size_t size)
{
	char dir[192];

	if (!*twin->image) {
		snprintf(ret, size, "mnt/scratch/snapshots/%s.img",
			 twin->snapshot);
		return;
	}
	mounted_path(find_image(twin->image), true, dir, sizeof(dir));
	snprintf(ret, size, "%s/%s.img", dir, file_of(twin->device));
}

static int open_twin(const struct twin *twin)
{
	char path[320];
	int fd;

	if (twin->gone)
		return dup(twin->fd);
	path_of(twin, path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

static const char *name_of(const struct twin *twin)
{
	return *twin->image ? twin->image : twin->snapshot;
}

/* ---- one more ---- */

static bool draw_twin(struct twin *twin)
{
	const struct sfs_mapping *mapping;
	const struct model_image *image;
	const struct kept *k;

	if (image_count && below(2)) {
		image = &images[below(image_count)];
		mapping = &image->mappings[below(image->mapping_count)];
		strcpy(twin->image, image->id);
		strcpy(twin->device, mapping->device);
		strcpy(twin->snapshot, mapping->snapshot);
		twin->size = mapping->size;
	} else if (kept_count) {
		k = &kept[below(kept_count)];
		strcpy(twin->snapshot, k->id);
		twin->size = k->size;
	}
	return twin->size > 0;
}

static void add_twin(void)
{
	struct twin twin = { .fd = -1 };
	unsigned i;

	if (!draw_twin(&twin))
		return;
	for (i = 0; i < twin_count; i++)
		if (strcmp(twins[i].image, twin.image) == 0 &&
		    strcmp(twins[i].device, twin.device) == 0 &&
		    (*twin.image ||
		     strcmp(twins[i].snapshot, twin.snapshot) == 0))
			return;
	twin.bytes = malloc(twin.size);
	memcpy(twin.bytes, mapped_bytes(twin.snapshot, twin.size), twin.size);
	twins[twin_count++] = twin;
}

/* ---- what is done to them ---- */

static void read_twin(const struct twin *twin, int fd)
{
	static uint8_t buffer[MAPPED_MAX + 1];
	off_t at = 0, data, i;
	ssize_t n;

	must(n = pread(fd, buffer, sizeof(buffer), 0));
	if (n != (ssize_t)twin->size)
		die("the twin of %s has %zd bytes, not %zu", name_of(twin), n,
		    twin->size);
	same(buffer, twin->bytes, twin->size, name_of(twin), 0, "twin");
	while (at < (off_t)twin->size) {
		data = lseek(fd, at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			data = (off_t)twin->size;
		must(data);
		for (i = at; i < data; i++)
			if (twin->bytes[i])
				die("the twin of %s: byte %lld is in a hole",
				    name_of(twin), (long long)i);
		if (data == (off_t)twin->size)
			break;
		must(at = lseek(fd, data, SEEK_HOLE));
	}
}

static void compare_twin(const struct twin *twin)
{
	int fd = open_twin(twin);

	read_twin(twin, fd);
	close(fd);
}

static void write_twin(struct twin *twin)
{
	size_t offset = below(twin->size);
	size_t size = 1 + below(below(2) ? 3 * 4096 : 40 * 4096);
	int fd = open_twin(twin);

	if (below(2))
		offset -= offset % 4096;
	size = sfs_min(size, twin->size - offset);
	fill(twin->bytes + offset, size);
	must(pwrite(fd, twin->bytes + offset, size, (off_t)offset) -
	     (ssize_t)size);
	if (rarely(4))
		must(fsync(fd));
	close(fd);
}

static void punch_twin(struct twin *twin)
{
	size_t offset = below(twin->size);
	size_t size = 1 + below(twin->size - offset);
	int fd = open_twin(twin);

	memset(twin->bytes + offset, 0, size);
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       (off_t)offset, (off_t)size));
	close(fd);
}

/* Who has it open goes on with what was written. */
static void reset_twin(struct twin *twin)
{
	char path[320];

	if (twin->gone)
		return;
	path_of(twin, path, sizeof(path));
	if (unlink(path) < 0)
		die("%s: cannot reset: %s", path, strerror(errno));
	if (twin->fd >= 0) {
		read_twin(twin, twin->fd);
		close(twin->fd);
		twin->fd = -1;
	}
	memcpy(twin->bytes, mapped_bytes(twin->snapshot, twin->size),
	       twin->size);
	compare_twin(twin);
}

static void hold_twin(struct twin *twin)
{
	if (twin->fd < 0) {
		twin->fd = open_twin(twin);
		return;
	}
	read_twin(twin, twin->fd);
	if (twin->gone) {
		drop_twin(twin);
		return;
	}
	close(twin->fd);
	twin->fd = -1;
}

static void change_twin(struct twin *twin)
{
	unsigned kind = (unsigned)below(11);

	if (kind < 4)
		write_twin(twin);
	else if (kind < 6)
		punch_twin(twin);
	else if (kind < 7)
		reset_twin(twin);
	else if (kind < 9)
		hold_twin(twin);
	else
		compare_twin(twin);
}

void op_twin(void)
{
	unsigned n;

	if (!arg_mount)
		return;
	if (twin_count < TWINS_MAX && rarely(3))
		add_twin();
	for (n = 1 + (unsigned)below(3); n > 0 && twin_count; n--)
		change_twin(&twins[below(twin_count)]);
}

void compare_twins(void)
{
	unsigned i;

	for (i = 0; i < twin_count; i++)
		compare_twin(&twins[i]);
}

void close_twins(void)
{
	while (twin_count)
		drop_twin(&twins[0]);
}
