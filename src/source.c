/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "src/log.h"
#include "src/source-cut.h"

/* ---- opening ---- */

int sfs_source_absolute(const char *path, char **ret)
{
	CLEANUP_FREE char *cwd = NULL;

	if (path[0] != '/') {
		cwd = get_current_dir_name();
		if (!cwd)
			return -errno;
	}
	*ret = cwd ? sfs_asprintf("%s/%s", strcmp(cwd, "/") ? cwd : "", path)
		   : sfs_strdup(path);
	return *ret ? 0 : -ENOMEM;
}

static int open_stream(struct sfs_source *source)
{
	if (isatty(STDIN_FILENO)) {
		sfs_err("'-': standard input is a terminal; pipe a disk into "
			"it");
		return -EINVAL;
	}
	source->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (source->fd < 0) {
		int r = -errno;

		sfs_err("'-': %s", strerror(-r));
		return r;
	}
	source->is_stream = true;
	source->size = UINT64_MAX;
	source->consistency = SFS_CONSISTENCY_FUZZY;
	source->name = sfs_strdup("-");
	return source->name ? 0 : -ENOMEM;
}

static int open_path(struct sfs_source *source, const char *path,
		     const struct sfs_source_options *options)
{
	int r;

	r = sfs_source_absolute(path, &source->name);
	if (r < 0)
		return r;
	/* Looked at before it is opened: opening a FIFO waits, and opening a
	 * tape rewinds it. */
	if (stat(source->name, &source->st) < 0) {
		r = -errno;
		sfs_err("'%s': %s", source->name, strerror(-r));
		return r;
	}
	source->is_device = S_ISBLK(source->st.st_mode);
	if (!source->is_device && !S_ISREG(source->st.st_mode)) {
		sfs_err("'%s': not a file or block device", source->name);
		return S_ISDIR(source->st.st_mode) ? -EISDIR : -EINVAL;
	}
	r = sfs_uses_init(&source->uses);
	if (r < 0)
		return r;
	return source->is_device ? sfs_cut_device(source, options)
				 : sfs_cut_file(source, options);
}

int sfs_source_open(const char *path, const struct sfs_source_options *options,
		    struct sfs_source **ret)
{
	CLEANUP_SOURCE struct sfs_source *source = NULL;
	int r;

	source = sfs_calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->fd = -1;
	source->allow_fuzzy = options->allow_fuzzy;
	source->quiet_bad = options->quiet_bad;
	if (!strcmp(path, "-"))
		r = open_stream(source);
	else
		r = open_path(source, path, options);
	if (r < 0)
		return r;

	*ret = TAKE_PTR(source);
	return 0;
}

int sfs_source_new(const char *name, uint64_t size,
		   enum sfs_consistency consistency,
		   const struct sfs_source_ops *ops, void *backing,
		   struct sfs_source **ret)
{
	CLEANUP_SOURCE struct sfs_source *source = NULL;

	source = sfs_calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->fd = -1;
	source->size = size;
	source->is_clone = true;
	source->consistency = consistency;
	source->name = sfs_strdup(name);
	if (!source->name)
		return -ENOMEM;
	source->ops = ops;
	source->backing = backing;
	*ret = TAKE_PTR(source);
	return 0;
}

void sfs_source_close(struct sfs_source *source)
{
	if (!source)
		return;
	if (source->ops)
		source->ops->close(source->backing);
	if (source->fd >= 0)
		close(source->fd);
	sfs_uses_done(&source->uses);
	free(source->name);
	free(source);
}

const char *sfs_source_name(const struct sfs_source *source)
{
	return source->name;
}

bool sfs_source_is_stream(const struct sfs_source *source)
{
	return source->is_stream;
}

bool sfs_source_is_clone(const struct sfs_source *source)
{
	return source->is_clone;
}

uint64_t sfs_source_size(const struct sfs_source *source)
{
	return source->size;
}

/* ---- reading ---- */

int sfs_source_data(struct sfs_source *source, uint64_t offset,
		    uint64_t *ret_start, uint64_t *ret_end)
{
	uint64_t start = sfs_min(offset, source->size), end = source->size;
	off_t found;

	if (source->ops)
		return source->ops->data(source->backing, offset, ret_start,
					 ret_end);
	if (!source->is_device && start < end) {
		found = lseek(source->fd, (off_t)offset, SEEK_DATA);
		if (found >= 0) {
			start = sfs_min((uint64_t)found, end);
			found = lseek(source->fd, found, SEEK_HOLE);
			/* If the end is not told, data goes on. */
			if (found >= 0)
				end = sfs_min((uint64_t)found, end);
		} else if (errno == ENXIO) {
			start = end;
		}
	}
	*ret_start = start;
	*ret_end = end;
	return 0;
}

static int explain_read(const struct sfs_source *source, uint64_t offset,
			int error)
{
	if (error == ENOMEM)
		return -ENOMEM;
	/* Devices have many names for it: EIO, EILSEQ, and even ENODATA. */
	if (!source->quiet_bad)
		sfs_err("'%s': cannot be read at offset %" PRIu64 ": %s",
			source->name, offset, strerror(error));
	return -EIO;
}

int sfs_source_read(struct sfs_source *source, void *buffer, size_t size,
		    uint64_t offset)
{
	size_t rounded =
		(size + SFS_SOURCE_ALIGN - 1) & ~(size_t)(SFS_SOURCE_ALIGN - 1);
	size_t done = 0;
	ssize_t n;

	if (source->ops)
		return source->ops->read(source->backing, buffer, size, offset);
	/* A device gives less than asked for at its end, where its size is
	 * no multiple of the alignment. */
	while (done < size) {
		n = pread(source->fd, (uint8_t *)buffer + done, rounded - done,
			  (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return explain_read(source, offset + done, errno);
		if (n == 0) {
			sfs_err("'%s': ends at %" PRIu64
				", before its size of %" PRIu64
				"; it was truncated while it was read",
				source->name, offset + done, source->size);
			return -ENODATA;
		}
		done += (size_t)n;
	}
	return 0;
}

int sfs_source_stream(struct sfs_source *source, void *buffer, size_t size,
		      size_t *ret_size)
{
	size_t done = 0;
	ssize_t n;
	int r;

	while (done < size) {
		n = read(source->fd, (uint8_t *)buffer + done, size - done);
		if (n < 0 && errno == EINTR)
			return -EINTR; /* asked to stop: see the header */
		if (n < 0) {
			r = -errno;
			sfs_err("'-': standard input: %s", strerror(-r));
			return r;
		}
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_size = done;
	return 0;
}

/* ---- the end ---- */

int sfs_source_finish(struct sfs_source *source, enum sfs_consistency *ret)
{
	int r = 0;

	if (!source->is_stream && !source->is_clone &&
	    source->consistency != SFS_CONSISTENCY_FUZZY)
		r = source->is_device ? sfs_cut_changed_device(source)
				      : sfs_cut_changed_file(source);
	if (r < 0)
		return r;
	if (r > 0 && !source->allow_fuzzy) {
		sfs_err("'%s': changed while it was read; stop what writes to "
			"it, use --freeze, or --allow-fuzzy",
			source->name);
		return -EBUSY;
	}
	*ret = r > 0 ? SFS_CONSISTENCY_FUZZY : source->consistency;
	return 0;
}

static int collect_uses(struct sfs_uses *uses, const char *path)
{
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISREG(st.st_mode))
		return sfs_uses_add_file(uses, &st);
	if (!S_ISBLK(st.st_mode))
		return 0;
	r = sfs_uses_add_device(uses, st.st_rdev);
	return r < 0 ? r : 0;
}

int sfs_source_mounted(const char *path, char **ret_dir, bool *ret_writable)
{
	CLEANUP_USES struct sfs_uses uses = { 0 };
	const struct sfs_use *found = NULL;
	char *dir;
	int r;

	r = sfs_uses_init(&uses);
	if (r < 0)
		return r;
	r = collect_uses(&uses, path);
	if (r < 0)
		return r;
	for (size_t i = 0; i < uses.count; i++) {
		const struct sfs_use *use = &uses.uses[i];

		if ((use->kind == SFS_USE_MOUNT || use->kind == SFS_USE_SWAP) &&
		    (!found || (use->writable && !found->writable)))
			found = use;
	}
	if (!found)
		return 0;
	dir = sfs_strdup(found->kind == SFS_USE_SWAP ? "[SWAP]" : found->where);
	if (!dir)
		return -ENOMEM;

	*ret_dir = dir;
	*ret_writable = found->writable;
	return 1;
}
