/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_SOURCE_CUT_H
#define SNAPFS_SRC_SOURCE_CUT_H

/*
 * Making the cut: how a source can be read so that what is read is of one
 * moment, and whether it was.  For source.c.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "src/snapshot.h"
#include "src/source.h"
#include "src/uses.h"
#include "src/util.h"

struct sfs_source {
	char *name;
	const struct sfs_source_ops *ops; /* NULL: it is what fd is open on */
	void *backing;			  /* of ops */
	int fd;
	bool is_stream;
	bool is_device;
	bool is_clone;
	bool allow_fuzzy;
	bool quiet_bad;
	uint64_t size;
	/* Achieved, if nothing changes until the end. */
	enum sfs_consistency consistency;
	struct stat st;	      /* at the cut */
	struct sfs_uses uses; /* at the cut, and of a device at the end */
	uint64_t written;     /* to the device until the cut */
};

/* Open, with @source's name, st and uses filled in.  @source->fd, size,
 * consistency, is_clone and what tells of changes are filled in. */
SFS_MUST_CHECK int sfs_cut_file(struct sfs_source *source,
				const struct sfs_source_options *options);
SFS_MUST_CHECK int sfs_cut_device(struct sfs_source *source,
				  const struct sfs_source_options *options);

/* 1 when the source may have changed since the cut, 0 when it did not. */
SFS_MUST_CHECK int sfs_cut_changed_file(struct sfs_source *source);
SFS_MUST_CHECK int sfs_cut_changed_device(struct sfs_source *source);

#endif
