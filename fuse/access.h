/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_ACCESS_H
#define SNAPFS_FUSE_ACCESS_H

/*
 * Who sees and opens what.
 *
 * Without allow_other the kernel lets in the mounter alone, and everything is
 * his.  With it a snapshot or an image is for its owner and its grantees; for
 * root, the mounter and the user of uid=, who see all; and for nobody else:
 *
 *	- The kernel judges each open(2), by modes and POSIX ACLs (acl.h) that
 *	  are made of owner and grants.  So a file that was reached by another
 *	  way than its path, such as /proc/PID/fd, is judged as well.
 *	- Names are there only for who may see what they name.  The kernel is
 *	  told not to remember them, since it would for everybody; it asks on
 *	  each walk of a path, and we judge with the numbers of who walks.
 *
 * An image that is shared gives its disks in images/NAME/, but neither their
 * snapshots as such nor its twin below scratch/, whose overlay is one for all.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fuse/fuse.h"
#include "fuse/options.h"
#include "fuse/tree.h"

/* Who asks.  Groups are looked up when they first matter. */
struct sfs_caller {
	uid_t uid;
	gid_t gid;
	fuse_req_t req; /* NULL: @groups are known */
	uint32_t *groups;
	size_t group_count;
};

void sfs_caller_init(struct sfs_caller *caller, fuse_req_t req);
void sfs_caller_done(struct sfs_caller *caller);
#define CLEANUP_CALLER __attribute__((cleanup(sfs_caller_done)))

/* Whether the name of @place is there for @caller.  A LATEST then has the
 * newest snapshot that he sees. */
bool sfs_access_sees(const struct sfs_mount_options *options,
		     const struct sfs_tree *tree, struct sfs_caller *caller,
		     struct sfs_place *place);

/* Whether listings have it too: what is deprecated is found by its name. */
bool sfs_access_lists(const struct sfs_mount_options *options,
		      const struct sfs_tree *tree, struct sfs_caller *caller,
		      struct sfs_place *place, int64_t now_ns);

/* Whether @place is for some and not for others. */
bool sfs_access_restricted(const struct sfs_mount_options *options,
			   const struct sfs_place *place);

/* Whose @place is, and with whom it is shared: for what is restricted. */
uid_t sfs_access_owner(const struct sfs_mount_options *options,
		       const struct sfs_place *place);
const struct sfs_grants *sfs_access_grants(const struct sfs_place *place);

#endif
