/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_IMAGES_H
#define SNAPFS_SRC_IMAGES_H

/*
 * What is done to images.  All rules about them ("this name is taken", "this
 * snapshot is in use") follow from the records and are checked while the
 * records lock is held: FORMAT.md, "Images".  Failures are logged.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/image.h"
#include "src/ingest.h"
#include "src/repo.h"
#include "src/util.h"

/* Publish @image, whose id, time and owner are filled in here.  Its snapshots
 * must exist and be no larger than their mappings say; a size of 0 is the
 * snapshot's.  -EEXIST the name is taken; -EINVAL a rule of
 * sfs_image_check(); -ENOENT no such snapshot. */
SFS_MUST_CHECK int sfs_image_register(struct sfs_repo *repo,
				      struct sfs_image *image);

/* One disk of a machine that becomes an image. */
struct sfs_image_source {
	size_t mapping;	    /* index of its mapping, of kind SNAPSHOT */
	const char *source; /* path, or "-" */
	const char *volume; /* name; NULL: the volume that has been read from
			       this source before, or one named after it */
	/* As in struct sfs_ingest_member; what is @opened wants a @volume. */
	struct sfs_source *opened;
	int64_t time_ns;
	const char *description;
	const struct sfs_tags *tags;
};

/* Take a set of snapshots and publish the image of them, all at one moment,
 * all or nothing.  @image is as for sfs_image_register(), but the snapshots of
 * the mappings in @sources are filled in, and so is what probing the root's
 * snapshot tells of architecture, boot mode and platform where they are
 * unknown (what stays so is logged).  @options->on_sealed and on_publish are
 * not used. */
SFS_MUST_CHECK int sfs_image_create(struct sfs_repo *repo,
				    struct sfs_image *image,
				    const struct sfs_image_source *sources,
				    size_t count,
				    const struct sfs_ingest_options *options);

/* Probe the root's snapshot of @image, whose records stand, for what is
 * unknown of it, and say what was found, also where it is not what was given;
 * see src/probe.h. */
SFS_MUST_CHECK int sfs_image_probe(struct sfs_repo *repo,
				   struct sfs_image *image);

/* Replace the record of the committed image @id by one that @edit changed;
 * *ret, unless NULL, is the image as it is then.  @edit returns 0, or an
 * error that it has logged.  When it changed the name, that must be free. */
SFS_MUST_CHECK int sfs_image_edit(struct sfs_repo *repo, const char *id,
				  int (*edit)(struct sfs_image *image,
					      void *context),
				  void *context, struct sfs_image **ret);

/* What becomes of the snapshots of a deregistered image. */
enum sfs_release {
	SFS_RELEASE_ORPHAN,  /* no image uses it any more */
	SFS_RELEASE_DELETED, /* that, and it was deleted as asked */
	SFS_RELEASE_USED,    /* another image uses it */
	SFS_RELEASE_MISSING, /* it was not there */
	SFS_RELEASE_FAILED, /* it should have been deleted, but stays; logged */
	/* It was deleted, but may come back after a power cut; logged. */
	SFS_RELEASE_UNCERTAIN,
	/* It stays: another image's record is damaged, so nobody knows. */
	SFS_RELEASE_UNKNOWN,
};

struct sfs_released {
	char snapshot[SFS_ID_SIZE];
	enum sfs_release fate;
};

/* Move the record of image @id to the bin and, with @delete_snapshots, those
 * of its snapshots that no other image uses.  With @dry_run say what would
 * happen.  *ret has each snapshot of its mappings once, in their order; the
 * caller frees it.  -EPERM: it is protected.  The image goes although a
 * snapshot cannot; but once an outcome is uncertain, nothing more is deleted,
 * and nothing more should be until that is looked into. */
SFS_MUST_CHECK int sfs_image_deregister(struct sfs_repo *repo, const char *id,
					bool delete_snapshots, bool dry_run,
					struct sfs_released **ret,
					size_t *ret_count);

/* Call @each for every image in any state that uses one of the snapshots
 * @ids, from the records themselves.  When a record of an image cannot be
 * decoded, nobody knows what it uses: then @unknown is called with its id and
 * what is wrong with it, or, where that is NULL, it is logged, and what
 * decoding returned is returned.  For deciders: under the records lock. */
SFS_MUST_CHECK int sfs_images_using(
	struct sfs_repo *repo, char *const *ids, size_t count,
	int (*each)(const struct sfs_image *image, void *context),
	void (*unknown)(const char *id, const char *why, void *context),
	void *context);

/* How a mapping's snapshot is. */
enum sfs_mapping_state {
	SFS_MAPPING_OK, /* also what needs none */
	SFS_MAPPING_MISSING,
	SFS_MAPPING_DAMAGED, /* its record, or it is larger than the volume */
};

/* *ret has one for each mapping; the caller frees it. */
SFS_MUST_CHECK int sfs_image_states(struct sfs_repo *repo,
				    const struct sfs_image *image,
				    enum sfs_mapping_state **ret);

#endif
