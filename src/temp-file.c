/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/temp-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "src/cleanup.h"
#include "src/log.h"

#define SUFFIX_DIGITS 6
/* Of the name, as much as leaves room for ".", ".snapfs-" and the suffix. */
#define NAME_KEPT 230

static int fail(const struct sfs_temp_file *file, const char *what)
{
	int r = -errno;

	sfs_err("'%s': %s: %s", file->dest, what, strerror(-r));
	return r;
}

static int open_dir(struct sfs_temp_file *file)
{
	CLEANUP_FREE char *dir = NULL;
	const char *slash = strrchr(file->dest, '/');

	dir = sfs_strdup(file->dest);
	if (!dir)
		return -ENOMEM;
	file->base = slash ? slash + 1 : file->dest;
	dir[file->base - file->dest] = '\0';
	file->dir =
		open(dir[0] ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file->dir < 0)
		return fail(file, "cannot open its directory");
	return 0;
}

static void pick_name(struct sfs_temp_file *file)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	char suffix[SUFFIX_DIGITS + 1] = "";
	uint8_t random[SUFFIX_DIGITS];
	int i;

	sfs_random(random, sizeof(random));
	for (i = 0; i < SUFFIX_DIGITS; i++)
		suffix[i] = digits[random[i] % 32];
	snprintf(file->name, sizeof(file->name), ".%.*s.snapfs-%s", NAME_KEPT,
		 file->base, suffix);
}

static int create(struct sfs_temp_file *file)
{
	do {
		pick_name(file);
		file->fd = openat(file->dir, file->name,
				  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	} while (file->fd < 0 && (errno == EEXIST || errno == EINTR));
	if (file->fd >= 0)
		return 0;
	file->name[0] = '\0';
	return fail(file, "cannot create a file beside it");
}

int sfs_temp_file_open(const char *dest, bool replace,
		       struct sfs_temp_file *file)
{
	int r;

	file->dest = dest;
	r = open_dir(file);
	if (r < 0)
		return r;
	file->replace = replace && fstatat(file->dir, file->base, &file->old,
					   AT_SYMLINK_NOFOLLOW) == 0;
	return create(file);
}

void sfs_temp_file_done(struct sfs_temp_file *file)
{
	if (file->name[0])
		unlinkat(file->dir, file->name, 0);
	sfs_closep(&file->fd);
	sfs_closep(&file->dir);
}

static int keep_attributes(const struct sfs_temp_file *file)
{
	/* Before the mode, whose set-id bits this clears. */
	if (fchown(file->fd, file->old.st_uid, file->old.st_gid) < 0)
		sfs_warn("'%s': its owner cannot be kept: %s", file->dest,
			 strerror(errno));
	if (fchmod(file->fd, file->old.st_mode & 07777) < 0)
		return fail(file, "its mode cannot be kept");
	return 0;
}

/* link(2) is what there is where a rename cannot refuse to replace. */
static int link_new(const struct sfs_temp_file *file)
{
	if (linkat(file->dir, file->name, file->dir, file->base, 0) < 0)
		return -errno;
	unlinkat(file->dir, file->name, 0);
	return 0;
}

static int give_name(struct sfs_temp_file *file)
{
	int r;

	r = renameat2(file->dir, file->name, file->dir, file->base,
		      file->replace ? 0 : RENAME_NOREPLACE);
	if (r < 0)
		r = -errno;
	if (r == -EINVAL && !file->replace)
		r = link_new(file);
	if (r == -EEXIST) {
		sfs_err("'%s': came to exist meanwhile; --force replaces it",
			file->dest);
		return r;
	}
	if (r < 0) {
		errno = -r;
		return fail(file, "cannot be given its name");
	}
	file->name[0] = '\0';
	return 0;
}

int sfs_temp_file_publish(struct sfs_temp_file *file)
{
	int r;

	if (file->replace) {
		r = keep_attributes(file);
		if (r < 0)
			return r;
	}
	if (fsync(file->fd) < 0)
		return fail(file, "what was written did not reach the disk");
	r = give_name(file);
	if (r < 0)
		return r;
	if (fsync(file->dir) < 0)
		return fail(file, "its name did not reach the disk");
	return 0;
}
