/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "src/log.h"
#include "src/restore-run.h"

static int refuse_inside(const struct sfs_view *view, const char *dest)
{
	const struct sfs_store *store = sfs_view_repo(view)->store;

	if (!sfs_store_contains(store, dest))
		return 0;
	sfs_err("'%s': lies inside the repository '%s'; restore to a place "
		"outside it",
		dest, sfs_store_path(store));
	return -EINVAL;
}

/* A snapshot with known gaps is refused before anything is overwritten; the
 * walk logs the first of them. */
static int refuse_bad(struct sfs_view *view)
{
	CLEANUP_EXTENTS struct sfs_extents extents = { 0 };
	struct sfs_extent extent;
	int r;

	if (sfs_view_snapshot(view)->bad_bytes == 0)
		return 0;
	sfs_extents_init(&extents, view);
	while ((r = sfs_extents_next(&extents, &extent)) > 0)
		;
	return r;
}

static int refuse_kind(const char *dest, mode_t mode)
{
	if (S_ISDIR(mode)) {
		sfs_err("'%s': is a directory; name the file to write, as in "
			"'%s%sdisk.img'",
			dest, dest, dest[strlen(dest) - 1] == '/' ? "" : "/");
		return -EISDIR;
	}
	sfs_err("'%s': is neither a regular file nor a block device; for a "
		"pipe use '-' and redirect stdout",
		dest);
	return -EINVAL;
}

static int refuse_existing(const char *dest, mode_t mode)
{
	if (S_ISBLK(mode))
		sfs_err("'%s': is a block device; --force overwrites what is "
			"on it",
			dest);
	else
		sfs_err("'%s': exists already; --force replaces it", dest);
	return -EEXIST;
}

/* @dest is there.  Symbolic links lead to what is meant: a device by its id,
 * or the file to replace. */
static int restore_existing(struct sfs_view *view, const char *dest,
			    mode_t mode,
			    const struct sfs_restore_options *options,
			    struct sfs_restore_result *ret)
{
	CLEANUP_FREE char *real = NULL;

	if (!S_ISREG(mode) && !S_ISBLK(mode))
		return refuse_kind(dest, mode);
	if (!options->force)
		return refuse_existing(dest, mode);
	real = realpath(dest, NULL);
	if (!real)
		return -errno;
	if (S_ISBLK(mode))
		return sfs_restore_to_device(view, real, options, ret);
	if (options->delta)
		return sfs_restore_in_place(view, real, options, ret);
	return sfs_restore_to_file(view, real, options, ret);
}

static int restore_path(struct sfs_view *view, const char *dest,
			const struct sfs_restore_options *options,
			struct sfs_restore_result *ret)
{
	struct stat st;
	int r;

	r = refuse_inside(view, dest);
	if (r < 0)
		return r;
	if (stat(dest, &st) == 0)
		return restore_existing(view, dest, st.st_mode, options, ret);
	if (errno != ENOENT) {
		r = -errno;
		sfs_err("'%s': %s", dest, strerror(-r));
		return r;
	}
	if (!*dest || dest[strlen(dest) - 1] == '/') {
		sfs_err("'%s': is not there; name the file to write", dest);
		return -ENOENT;
	}
	return sfs_restore_to_file(view, dest, options, ret);
}

int sfs_restore(struct sfs_view *view, const char *dest,
		const struct sfs_restore_options *options,
		struct sfs_restore_result *ret)
{
	struct sfs_restore_result result = { 0 };
	int r;

	r = refuse_bad(view);
	if (r < 0)
		return r;
	if (options->progress)
		options->progress->total_bytes = sfs_view_snapshot(view)->size *
						 (options->verify ? 2 : 1);
	if (strcmp(dest, "-") == 0)
		r = sfs_restore_to_stdout(view, options, &result);
	else
		r = restore_path(view, dest, options, &result);
	if (r != 0)
		return r;
	*ret = result;
	return 0;
}
