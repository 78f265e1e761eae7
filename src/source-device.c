/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/source-cut.h"

/*
 * Block devices as sources.
 *
 * A device that nobody has claimed is claimed for as long as it is read, so
 * that nobody can mount it.  Reads pass the page cache by: what a device's own
 * cache holds may be older than what a mounted file system wrote.  Changes
 * show in the device's counters of what was written.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

#include "src/log.h"

static int open_direct(const char *path, int flags)
{
	int fd;

	flags |= O_RDONLY | O_CLOEXEC;
	fd = open(path, flags | O_DIRECT);
	if (fd < 0 && errno == EINVAL)
		fd = open(path, flags);
	return fd < 0 ? -errno : fd;
}

/* Without O_DIRECT, forget what was cached of the device until now. */
static int settle_caching(const struct sfs_source *source)
{
	int flags, block_size;

	flags = fcntl(source->fd, F_GETFL);
	if (flags < 0 || ioctl(source->fd, BLKSSZGET, &block_size) < 0)
		return -errno;
	if ((flags & O_DIRECT) && block_size <= (int)SFS_SOURCE_ALIGN)
		return 0;
	if (fcntl(source->fd, F_SETFL, flags & ~O_DIRECT) < 0)
		return -errno;
	if (ioctl(source->fd, BLKFLSBUF, 0) < 0)
		sfs_ignore(
			posix_fadvise(source->fd, 0, 0, POSIX_FADV_DONTNEED));
	return 0;
}

static int open_claiming(const char *path)
{
	int r = -EBUSY;

	for (int i = 0; r == -EBUSY && i < SFS_USES_LOOKS; i++) {
		if (i > 0)
			sfs_uses_pause();
		r = open_direct(path, O_EXCL);
	}
	return r;
}

/* Open for ourselves alone, or share with those who were found. */
static int open_device(struct sfs_source *source, bool *claimed)
{
	struct sfs_use unseen = {
		.kind = SFS_USE_CLAIM,
		.device = source->st.st_rdev,
		.writable = true,
		.where = source->name,
	};
	int r;

	r = *claimed ? -EBUSY : open_claiming(source->name);
	if (r == -EBUSY && !*claimed) {
		/* Somebody came since we looked. */
		*claimed = true;
		r = sfs_uses_add(&source->uses, &unseen);
		if (r < 0)
			return r;
		r = -EBUSY;
	}
	if (r == -EBUSY)
		r = open_direct(source->name, 0);
	if (r < 0) {
		sfs_err("'%s': %s", source->name, strerror(-r));
		return r;
	}
	source->fd = r;
	return 0;
}

/* The use in the way, if any. */
static const struct sfs_use *find_writer(const struct sfs_source *source,
					 const struct sfs_freeze *freeze)
{
	const struct sfs_uses *uses = &source->uses;

	/* Swap beside what we are after does no harm, unless that is it. */
	for (size_t i = 0; i < uses->count; i++)
		if (uses->uses[i].kind == SFS_USE_SWAP &&
		    uses->uses[i].device == source->st.st_rdev)
			return &uses->uses[i];
	return sfs_uses_writer(uses, freeze);
}

static int choose(struct sfs_source *source,
		  const struct sfs_source_options *options, bool claimed)
{
	const struct sfs_use *writer = find_writer(source, options->freeze);

	if (!writer) {
		source->consistency = claimed || source->uses.count
					      ? SFS_CONSISTENCY_FILESYSTEM
					      : SFS_CONSISTENCY_OFFLINE;
		return 0;
	}
	source->consistency = SFS_CONSISTENCY_FUZZY;
	if (options->allow_fuzzy)
		return 0;
	sfs_use_explain(writer, source->name);
	return -EBUSY;
}

static int device_size(const struct sfs_source *source, uint64_t *ret)
{
	int r;

	if (ioctl(source->fd, BLKGETSIZE64, ret) < 0) {
		r = -errno;
		sfs_err("'%s': size not known: %s", source->name, strerror(-r));
		return r;
	}
	return 0;
}

int sfs_cut_device(struct sfs_source *source,
		   const struct sfs_source_options *options)
{
	bool claimed;
	int r;

	r = sfs_uses_add_device(&source->uses, source->st.st_rdev);
	if (r < 0)
		return r;
	claimed = r > 0;
	r = open_device(source, &claimed);
	if (r < 0)
		return r;
	r = sfs_uses_add_processes(&source->uses, NULL);
	if (r < 0)
		return r;
	r = choose(source, options, claimed);
	if (r < 0)
		return r;
	r = settle_caching(source);
	if (r < 0) {
		sfs_err("'%s': %s", source->name, strerror(-r));
		return r;
	}
	/* What was written before and is not on the device yet must not count
	 * as a change; if it cannot be written, reading will tell. */
	sfs_ignore(fsync(source->fd));
	source->written = sfs_uses_written(&source->uses);
	return device_size(source, &source->size);
}

int sfs_cut_changed_device(struct sfs_source *source)
{
	size_t before = source->uses.count;
	uint64_t size;
	int r;

	/* Bring out what was written to the device's cache alone.  Beside a
	 * file system this would be its own bookkeeping. */
	if (source->consistency == SFS_CONSISTENCY_OFFLINE)
		sfs_ignore(fsync(source->fd));
	if (sfs_uses_written(&source->uses) != source->written)
		return 1;
	r = device_size(source, &size);
	if (r < 0)
		return r;
	if (size != source->size)
		return 1;
	/* Who has it open for writing now may hold back what he wrote. */
	r = sfs_uses_add_processes(&source->uses, NULL);
	return r < 0 ? r : source->uses.count != before;
}
