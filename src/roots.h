/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_ROOTS_H
#define SNAPFS_SRC_ROOTS_H

/*
 * What must be kept, from the records themselves and never from the catalog.
 * For gc and what foretells it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "src/cleanup.h"
#include "src/image.h"
#include "src/repo.h"
#include "src/snapshot.h"
#include "src/util.h"

/* A record: of a snapshot, an image or, by its id, a set. */
struct sfs_root {
	struct sfs_snapshot *snapshot; /* or NULL */
	/* Or NULL, as for all in the bin; it holds no chunks itself. */
	struct sfs_image *image;
	char id[SFS_ID_SIZE];
	uint64_t record_bytes;
	bool binned;
	bool pinned;  /* binned, but open somewhere */
	bool unclear; /* of a set, and not decodable: it counts all the same */
	bool dead;    /* nobody needs the record */
};

struct sfs_roots {
	struct sfs_root *roots;
	size_t count;
	size_t capacity;
};

/* Read every record of records/ and bin/ and judge it: a binned snapshot is
 * dead unless pinned, a binned image in any case, whatever is in it; a member
 * or an image is dead whose set's record is not there, a set when neither
 * member nor image is left.  A set counts because its record is there: one
 * that cannot be decoded, or read, is logged and lives.  -EUCLEAN, -EBADMSG or
 * -EOPNOTSUPP, logged, for another record that cannot be decoded: then nobody
 * knows what it needs; -EUCLEAN also for an image whose snapshot's record is
 * gone.  With @committing, what a running creator may have half published is
 * neither called dead nor missed. */
SFS_MUST_CHECK int sfs_roots_read(struct sfs_repo *repo, bool committing,
				  struct sfs_roots *ret);
void sfs_roots_done(struct sfs_roots *roots);
#define CLEANUP_ROOTS __attribute__((cleanup(sfs_roots_done)))

/* The committed snapshot @id, or NULL. */
struct sfs_root *sfs_roots_find(const struct sfs_roots *roots, const char *id);

#endif
