/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_ACL_H
#define SNAPFS_FUSE_ACL_H

/*
 * Owner and grants as modes and POSIX ACLs, which the kernel checks.  The group
 * of a file is nobody's grant, so it has no rights; where there are grants the
 * middle bits of the mode are the mask, as always with ACLs.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "format/limits.h"
#include "fuse/options.h"
#include "fuse/tree.h"

#define SFS_ACL_XATTR "system.posix_acl_access"

/* A header and, besides the grants, two who see all and the four classes. */
#define SFS_ACL_SIZE_MAX (4 + 8 * (SFS_GRANTS_MAX + 6))

/* The permissions that stat(2) shows; not of links. */
mode_t sfs_acl_mode(const struct sfs_mount_options *options,
		    const struct sfs_place *place);

/* The ACL as the value of its extended attribute.  Returns its size; 0: the
 * mode says all. */
size_t sfs_acl_format(const struct sfs_mount_options *options,
		      const struct sfs_place *place,
		      uint8_t ret[SFS_ACL_SIZE_MAX]);

#endif
