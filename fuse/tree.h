/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FUSE_TREE_H
#define SNAPFS_FUSE_TREE_H

/*
 * Names and inodes of one generation of the repository.
 *
 * A tree is immutable and counted: whoever lists a directory holds the tree
 * it began with, while others already see the next.  Nothing is kept for
 * inodes the kernel knows: a number is looked up in the current tree, and is
 * stale when it is not there.
 *
 * Inode numbers.  Fixed places have small ones.  All others are made of a
 * base, 59 bits of the hash of the snapshot's id, the volume's name, the
 * image's id, or that and the device of one of its disks, between bit 62 (set,
 * so that they are large and still positive) and bits 0-2, which tell the kinds
 * of places of one object apart.  Should two bases clash, the later one is
 * hashed again.
 *
 * What stands below scratch/ mirrors snapshots/ and images/: a place of the
 * same kind with @scratch set.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/id.h"
#include "format/limits.h"
#include "format/name.h"
#include "src/catalog.h"
#include "src/cleanup.h"
#include "src/grants.h"
#include "src/util.h"

struct sfs_tree;

struct sfs_tree_snapshot {
	uint64_t base; /* of its inode numbers */
	int64_t time_ns;
	uint64_t size;
	uint64_t data_bytes;
	uint32_t volume; /* index */
	uint32_t owner;
	struct sfs_grants grants;
	char id[SFS_ID_SIZE];
};

struct sfs_tree_volume {
	uint64_t base;
	int64_t newest_ns;
	uint32_t first; /* of its snapshots, in order of time */
	uint32_t count;
	char name[SFS_VOLUME_NAME_MAX + 1];
};

/* A mapped volume of an image. */
struct sfs_tree_disk {
	uint64_t base;
	uint64_t size;
	uint64_t data_bytes;
	uint32_t image;		    /* index */
	bool missing;		    /* its snapshot: opening it fails */
	char snapshot[SFS_ID_SIZE]; /* "" for a volume of zeros */
	char file[SFS_DEVICE_FILE_SIZE + 4]; /* "sda1.img" */
};

struct sfs_tree_image {
	uint64_t base;
	int64_t time_ns;
	int64_t deprecated_ns; /* 0: never */
	uint32_t owner;
	struct sfs_grants grants; /* none while it is disabled */
	uint32_t first;		  /* of its disks, in the mapping's order */
	uint32_t count;
	uint32_t root; /* which of them; count: none */
	char id[SFS_ID_SIZE];
	char name[SFS_IMAGE_NAME_MAX + 1];
};

/* The fixed ones are their own inode numbers; ROOT is FUSE_ROOT_ID. */
enum sfs_place_kind {
	SFS_PLACE_ROOT = 1,
	SFS_PLACE_README,
	SFS_PLACE_SNAPSHOTS,
	SFS_PLACE_VOLUMES,
	SFS_PLACE_IMAGES,
	SFS_PLACE_SCRATCH,	     /* scratch/ */
	SFS_PLACE_SCRATCH_SNAPSHOTS, /* scratch/snapshots */
	SFS_PLACE_SCRATCH_IMAGES,    /* scratch/images */
	SFS_PLACE_META,		     /* .snapfs */
	SFS_PLACE_STATUS,	     /* .snapfs/status.json */
	SFS_PLACE_SNAPSHOT,	     /* snapshots/ID.img */
	SFS_PLACE_LINK,		     /* volumes/NAME/TIME.img */
	SFS_PLACE_VOLUME,	     /* volumes/NAME */
	SFS_PLACE_LATEST,	     /* volumes/NAME/latest.img */
	SFS_PLACE_IMAGE,	     /* images/NAME */
	SFS_PLACE_DISK,		     /* images/NAME/sda1.img */
	SFS_PLACE_ROOT_DISK,	     /* images/NAME/root.img */
	SFS_PLACE_MANIFEST,	     /* images/NAME/image.json */
};

/* One inode.  @snapshot is set for SNAPSHOT, LINK and LATEST, @volume for
 * VOLUME and LATEST, @image for IMAGE, DISK, ROOT_DISK and MANIFEST, @disk for
 * DISK and ROOT_DISK; all are borrowed from the tree. */
struct sfs_place {
	enum sfs_place_kind kind;
	bool scratch; /* the writable twin */
	uint64_t ino;
	const struct sfs_tree_snapshot *snapshot;
	const struct sfs_tree_volume *volume;
	const struct sfs_tree_image *image;
	const struct sfs_tree_disk *disk;
};

/* Long enough for every name in the tree, and for every link's target. */
#define SFS_TREE_NAME_SIZE (SFS_IMAGE_NAME_MAX + 8)

/* Build from what @catalog lists now, with @scratch or without. */
SFS_MUST_CHECK int sfs_tree_new(struct sfs_catalog *catalog, int64_t created_ns,
				bool scratch, struct sfs_tree **ret);
struct sfs_tree *sfs_tree_ref(struct sfs_tree *tree);
void sfs_tree_unref(struct sfs_tree *tree);
SFS_DEFINE_CLEANUP(struct sfs_tree, sfs_tree_unref);
#define CLEANUP_TREE __attribute__((cleanup(sfs_tree_unrefp)))

size_t sfs_tree_snapshots(const struct sfs_tree *tree);
size_t sfs_tree_volumes(const struct sfs_tree *tree);
size_t sfs_tree_images(const struct sfs_tree *tree);

/* The @n-th of @volume's snapshots in order of time, n < volume->count. */
const struct sfs_tree_snapshot *
sfs_tree_nth(const struct sfs_tree *tree, const struct sfs_tree_volume *volume,
	     size_t n);
/* The @n-th of @image's disks, n < image->count. */
const struct sfs_tree_disk *sfs_tree_disk(const struct sfs_tree *tree,
					  const struct sfs_tree_image *image,
					  size_t n);

/* The newest snapshot's time, or when the repository was made. */
int64_t sfs_tree_newest_ns(const struct sfs_tree *tree);

bool sfs_tree_find(const struct sfs_tree *tree, uint64_t ino,
		   struct sfs_place *ret);
bool sfs_tree_lookup(const struct sfs_tree *tree,
		     const struct sfs_place *parent, const char *name,
		     struct sfs_place *ret);

/* The @index-th entry of a directory; false behind the last. */
bool sfs_tree_child(const struct sfs_tree *tree, const struct sfs_place *parent,
		    size_t index, struct sfs_place *ret,
		    char ret_name[SFS_TREE_NAME_SIZE]);

bool sfs_place_is_directory(const struct sfs_place *place);
bool sfs_place_is_link(const struct sfs_place *place);

/* Where a LINK, LATEST or ROOT_DISK points. */
void sfs_place_target(const struct sfs_place *place,
		      char ret[SFS_TREE_NAME_SIZE]);

#endif
