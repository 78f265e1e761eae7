/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_PRIVATE_MOUNT_H
#define SNAPFS_TOOLS_PRIVATE_MOUNT_H

/* A directory that is nobody else's business, with a mount of a repository in
 * it. */

#include <stdbool.h>

#include "src/util.h"

/* Where in the directory the repository is. */
#define SFS_PRIVATE_MOUNT "mnt"

/* Make the directory; @template is absolute and ends in XXXXXX.  On failure,
 * which is logged, *ret may be set all the same, to be ended. */
SFS_MUST_CHECK int sfs_private_make(const char *template, char **ret);

/* In a child: become the server of @repository, an absolute path, mounted in
 * @dir, away from the terminal.  With @own the child itself serves, and keeps
 * what is written in @dir; else it ends when a daemon serves, which keeps that
 * in TMPDIR or /var/tmp, since @dir may be in memory. */
_Noreturn void sfs_private_become_mount(const char *dir, const char *repository,
					bool own);
/* Start that daemon; returns when the mount answers. */
SFS_MUST_CHECK int sfs_private_start(const char *dir, const char *repository);

/* Also true of a mount whose server died. */
bool sfs_private_is_mounted(const char *dir);

/* Unmount it, whether the server lives or not, and remove the directory; what
 * could not be is logged. */
void sfs_private_end(const char *dir);

#endif
