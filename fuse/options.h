/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_OPTIONS_H
#define SNAPFS_FUSE_OPTIONS_H

/* The command line of mount.snapfs, as mount(8) and people write it. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "src/cleanup.h"
#include "src/util.h"

struct sfs_mount_options {
	char *repository;  /* as given: the mount's source */
	char *directory;   /* as given */
	char *namespace;   /* -N: a process id or a path; or NULL */
	char *log;	   /* file for messages, or NULL */
	char *scratch_dir; /* as given; NULL: the default */
	size_t cache_size; /* 0: the default */
	uid_t mounter;	   /* who runs this */
	uid_t uid;
	bool uid_given; /* all is that user's, whoever made it */
	gid_t gid;
	mode_t umask;
	bool allow_other;
	bool allow_root;
	bool noscratch; /* nothing can be written at all */
	bool foreground;
	bool fake;
	bool sloppy;
	bool verbose;
};

/* Parse.  Returns 0, 1 when --help or --version was all there was to do, or
 * -EINVAL with the reason logged.  Give back with sfs_mount_options_done()
 * in any case. */
SFS_MUST_CHECK int sfs_mount_options_parse(struct sfs_mount_options *options,
					   int argc, char **argv);
void sfs_mount_options_done(struct sfs_mount_options *options);
#define CLEANUP_MOUNT_OPTIONS __attribute__((cleanup(sfs_mount_options_done)))

/* The part behind -o: words separated by commas.  @words is written to. */
SFS_MUST_CHECK int sfs_mount_options_words(struct sfs_mount_options *options,
					   char *words);

#endif
