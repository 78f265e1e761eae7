/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_SNAPSHOT_H
#define SNAPFS_SRC_SNAPSHOT_H

/* A snapshot as its record describes it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/id.h"
#include "format/limits.h"
#include "format/map.h"
#include "src/cleanup.h"
#include "src/grants.h"
#include "src/util.h"

enum sfs_consistency {
	SFS_CONSISTENCY_FUZZY,	    /* changed while it was read */
	SFS_CONSISTENCY_CRASH,	    /* one moment, as after a power cut */
	SFS_CONSISTENCY_FILESYSTEM, /* file systems were frozen */
	SFS_CONSISTENCY_OFFLINE,    /* nobody was using it */
};

/* "fuzzy", "crash", "filesystem", "offline". */
const char *sfs_consistency_name(enum sfs_consistency consistency);
/* Returns 0 or -EINVAL. */
SFS_MUST_CHECK int sfs_consistency_parse(const char *name,
					 enum sfs_consistency *ret);

struct sfs_tag {
	char *key;
	char *value;
};

/* Tags in order of their keys, each key once. */
struct sfs_tags {
	struct sfs_tag *tags;
	size_t count;
};

void sfs_tags_done(struct sfs_tags *tags);
const char *sfs_tags_get(const struct sfs_tags *tags, const char *key);
/* Set or replace; a NULL @value removes.  Copies both.  -EINVAL: key or value
 * not allowed, logged; -E2BIG: more than SFS_TAGS_MAX, logged. */
SFS_MUST_CHECK int sfs_tags_set(struct sfs_tags *tags, const char *key,
				const char *value);
SFS_MUST_CHECK int sfs_tags_copy(struct sfs_tags *to,
				 const struct sfs_tags *from);

struct sfs_snapshot {
	char id[SFS_ID_SIZE];
	char volume_id[SFS_ID_SIZE];
	char volume[SFS_VOLUME_NAME_MAX + 1];
	char parent[SFS_ID_SIZE]; /* "" for none; may be deleted since */
	char set[SFS_ID_SIZE];	  /* "" when it was taken alone */
	int64_t time_ns;	  /* the moment that it shows */
	int64_t completed_ns;
	uint64_t size;	       /* of the volume, bytes */
	uint64_t data_bytes;   /* that hold data: chunks times chunk size */
	uint64_t bad_bytes;    /* that the source could not give */
	uint64_t stored_bytes; /* this create added, in packs */
	enum sfs_consistency consistency;
	char *source;	   /* as it was named, for people; "" unknown */
	char *description; /* "" for none */
	struct sfs_tags tags;
	uint32_t owner;		  /* user, or SFS_OWNER_NONE */
	struct sfs_grants grants; /* to read it as such */

	bool newer; /* its record holds members that this version does not know
		     */

	unsigned height; /* of the map */
	struct sfs_entry root;
};

void sfs_snapshot_done(struct sfs_snapshot *snapshot);
void sfs_snapshot_free(struct sfs_snapshot *snapshot);
SFS_DEFINE_CLEANUP(struct sfs_snapshot, sfs_snapshot_free);
#define CLEANUP_SNAPSHOT __attribute__((cleanup(sfs_snapshot_freep)))
SFS_MUST_CHECK int sfs_snapshot_copy(const struct sfs_snapshot *from,
				     struct sfs_snapshot **ret);

#endif
