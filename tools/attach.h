/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_ATTACH_H
#define SNAPFS_TOOLS_ATTACH_H

/* Making and undoing an attachment: see src/attach.h for what it is made of. */

#include "src/attach.h"
#include "src/util.h"

struct sfs_attach_request {
	const char *repository; /* absolute */
	const char *name;	/* of the disk, for messages */
	const char *file;	/* its writable twin, within a mount */
	unsigned sector_size;	/* of the disk; 0: as usual */
	const struct sfs_probe_partition *partition;
};

/* -EPERM, logged, when this is not root. */
SFS_MUST_CHECK int sfs_attach_check_user(void);
/* Whether @directory, an absolute path, can take a mount: it is a directory,
 * empty, and nothing is mounted there.  Logged. */
SFS_MUST_CHECK int sfs_attach_check_directory(const char *directory);

/* Attach what @request describes as @attachment says, which gets its place and
 * node.  On failure, which is logged, nothing stays. */
SFS_MUST_CHECK int sfs_attach_make(const struct sfs_attach_request *request,
				   struct sfs_attachment *attachment);

/* Undo what is attached on @directory.  -ENOENT: nothing is; -EBUSY: it is in
 * use, and stays.  Logged. */
SFS_MUST_CHECK int sfs_attach_undo(const char *directory);

#endif
