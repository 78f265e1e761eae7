/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_LAUNCH_H
#define SNAPFS_TOOLS_LAUNCH_H

/*
 * A machine that runs on throw-away copies of an image's disks: a private
 * directory below $TMPDIR holds a mount of the repository and what is written
 * to its scratch files.  Nothing of it remains, whatever ends the machine.
 * Should this process be killed, its children are told to end as well, and an
 * empty directory may stay.
 *
 * The children are waited for, and signals taken, at one place: SIGINT,
 * SIGTERM, SIGHUP and SIGCHLD are blocked from sfs_launch_start() on.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "src/cleanup.h"
#include "src/util.h"

struct sfs_launch {
	char *dir;   /* absolute; NULL: none was made */
	int signals; /* descriptor */
	pid_t mount; /* 0: none, as of the next */
	pid_t machine;
	int status;   /* of the machine, once it has ended */
	bool stopped; /* by a signal */
};

/* What the private directory would be called, with XXXXXX at its end. */
SFS_MUST_CHECK int sfs_launch_template(char **ret);
/* Where in the private directory @dir the disks of image @name are, and where
 * a machine's firmware keeps its variables. */
char *sfs_launch_disks(const char *dir, const char *name);
char *sfs_launch_vars(const char *dir);

/* Make the directory and mount @repository, an absolute path, in it; returns
 * when the mount answers.  -EINTR: a signal came.  Failures are logged. */
SFS_MUST_CHECK int sfs_launch_start(struct sfs_launch *launch,
				    const char *repository);
/* Run @argv in the foreground until it ends.  -EIO, logged: not with 0. */
SFS_MUST_CHECK int sfs_launch_run(struct sfs_launch *launch, char **argv);
/* Unmount and remove everything; what could not be is logged. */
void sfs_launch_end(struct sfs_launch *launch);

#endif
