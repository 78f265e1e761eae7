/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_PROBE_SERVE_H
#define SNAPFS_SRC_PROBE_SERVE_H

/* Letting a confined process look at a disk: the end that answers. */

#include <stdint.h>

#include "src/probe-disk.h"
#include "src/view.h"

/* What a process may ask for before it is ended: enough for the group
 * descriptors of a 64 TiB file system and much else. */
#define SFS_DISK_REQUESTS_MAX 65536
#define SFS_DISK_COPIED_MAX   ((uint64_t)64 << 20)
#define SFS_DISK_RESULT_MAX   ((size_t)32 << 10)

/* What is done with a disk, in a process of its own that has nothing but it.
 * @result is zeroed.  Return 0, or a negative errno to give none. */
typedef int sfs_disk_user(struct sfs_disk *disk, void *result);

/* Why there is no result: the end of a sentence, "took longer than 20 s". */
#define SFS_DISK_WHY_SIZE 96

/* Run @user on the disk that @view shows, for at most @time_ns, and give back
 * its result of @size bytes, <= SFS_DISK_RESULT_MAX, which is as little to be
 * trusted as the disk.  Returns 1; or 0 with @reterr_why when the process did
 * not give any, whatever it did; errors are of this process, and logged. */
SFS_MUST_CHECK int sfs_disk_serve(struct sfs_view *view, sfs_disk_user *user,
				  int64_t time_ns, void *ret_result,
				  size_t size,
				  char reterr_why[SFS_DISK_WHY_SIZE]);

#endif
