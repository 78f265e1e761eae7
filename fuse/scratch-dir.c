/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse/mountpoint.h"
#include "fuse/scratch.h"
#include "src/log.h"

/* What is wrong with the directory, behind its name. */
static int refuse(const char *directory, int error, const char *why)
{
	sfs_err("'%s': cannot take what is written to scratch/: %s; give "
		"another directory with scratch_dir=, or noscratch",
		directory, why);
	return error;
}

/* A $TMPDIR of somebody else's is not worth failing for. */
static const char *chosen(const struct sfs_mount_options *options)
{
	const char *directory = getenv("TMPDIR");

	if (options->scratch_dir)
		return options->scratch_dir;
	if (directory && access(directory, W_OK | X_OK) == 0)
		return directory;
	return "/var/tmp";
}

static int check(const char *directory)
{
	struct stat st;

	if (stat(directory, &st) < 0)
		return refuse(directory, -errno, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return refuse(directory, -ENOTDIR, "not a directory");
	if (access(directory, W_OK | X_OK) < 0)
		return refuse(directory, -errno, strerror(errno));
	return 0;
}

int sfs_scratch_choose_directory(struct sfs_mount_options *options)
{
	CLEANUP_FREE char *repository = realpath(options->repository, NULL);
	CLEANUP_FREE char *directory = NULL;
	int r;

	/* Absolute: the daemon leaves the directory it was started in. */
	directory = realpath(chosen(options), NULL);
	if (!directory)
		return refuse(chosen(options), -errno, strerror(errno));
	r = check(directory);
	if (r < 0)
		return r;
	if (repository && sfs_mountpoint_is_under(directory, repository))
		return refuse(directory, -EINVAL, "lies in the repository");
	if (sfs_mountpoint_is_under(directory, options->directory))
		return refuse(directory, -EINVAL, "lies below the mount");
	free(options->scratch_dir);
	options->scratch_dir = TAKE_PTR(directory);
	return 0;
}
