/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_IMAGE_RESTORE_H
#define SNAPFS_SRC_IMAGE_RESTORE_H

/* Writing an image back out: a directory with its disks, image.json, and what
 * starts it, domain.xml for libvirt and the script start for qemu. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/image.h"
#include "src/progress.h"
#include "src/repo.h"
#include "src/util.h"

struct sfs_image_restore_options {
	bool force;	   /* replace files that exist */
	bool skip_missing; /* leave out volumes, other than the root, whose
			      snapshot is not to be had */
	const char *architecture;      /* instead of the image's; or NULL */
	unsigned threads;	       /* 0: one a processor */
	struct sfs_progress *progress; /* over all volumes; or NULL */
};

struct sfs_image_restored {
	bool *skipped;		/* for each mapping, it was left out */
	size_t skipped_count;	/* of them */
	uint64_t written_bytes; /* of all disks */
	bool startable; /* there are domain.xml and start: the architecture is
			   known */
};

void sfs_image_restored_done(struct sfs_image_restored *restored);
#define CLEANUP_IMAGE_RESTORED __attribute__((cleanup(sfs_image_restored_done)))

/* Restore @image to the directory @dir, which is made if it is not there.
 * Before anything is written all of it is checked: -EEXIST a file is there
 * and not to be replaced; -ENOENT, -EUCLEAN a snapshot is missing or damaged;
 * -EINVAL @dir lies in the repository; -ENOSPC.  Each disk is verified and
 * appears whole; when one fails, those before it stay.  What says how to start
 * the image comes last.  Failures are logged. */
SFS_MUST_CHECK int
sfs_image_restore(struct sfs_repo *repo, const struct sfs_image *image,
		  const char *dir,
		  const struct sfs_image_restore_options *options,
		  struct sfs_image_restored *ret);

#endif
