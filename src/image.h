/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_IMAGE_H
#define SNAPFS_SRC_IMAGE_H

/* A machine image as its record describes it: FORMAT.md, "Image". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/id.h"
#include "format/limits.h"
#include "src/cleanup.h"
#include "src/grants.h"
#include "src/snapshot.h"
#include "src/util.h"

enum sfs_mapping_kind {
	SFS_MAPPING_SNAPSHOT,  /* a volume made from a snapshot */
	SFS_MAPPING_EMPTY,     /* a volume of zeros */
	SFS_MAPPING_EPHEMERAL, /* a device that is there while it runs */
	SFS_MAPPING_NONE,      /* says that there is no such device */
};

struct sfs_mapping {
	char device[SFS_DEVICE_NAME_MAX + 1]; /* "/dev/sda1" */
	enum sfs_mapping_kind kind;
	char snapshot[SFS_ID_SIZE]; /* SNAPSHOT */
	uint64_t size; /* SNAPSHOT, EMPTY: of the volume; never less than the
			  snapshot's, beyond which it reads as zeros */
	unsigned ephemeral; /* EPHEMERAL: N of "ephemeralN", at most 23 */
	bool delete_on_termination; /* SNAPSHOT, EMPTY */
};

/* Whether the mapping has a file of its own in the mount and in restores. */
static inline bool sfs_mapping_is_volume(const struct sfs_mapping *mapping)
{
	return mapping->kind == SFS_MAPPING_SNAPSHOT ||
	       mapping->kind == SFS_MAPPING_EMPTY;
}

struct sfs_image {
	char id[SFS_ID_SIZE];
	char name[SFS_IMAGE_NAME_MAX + 1];
	char set[SFS_ID_SIZE];	  /* committed with this set; "" alone */
	char origin[SFS_ID_SIZE]; /* the image's id where it was exported; "" */
	int64_t time_ns;	  /* when it was made */
	uint32_t owner;		  /* user, or SFS_OWNER_NONE */
	struct sfs_grants grants;
	char architecture[SFS_WORD_MAX + 1]; /* "x86_64"; "" unknown */
	char boot_mode[SFS_WORD_MAX + 1];    /* "uefi"; "" unknown */
	char *platform;			     /* for people; "" unknown */
	char *description;		     /* "" for none */
	struct sfs_tags tags;
	bool disabled;
	bool is_protected;		    /* from deregistration */
	int64_t deprecated_ns;		    /* from then on; 0: never */
	char root[SFS_DEVICE_NAME_MAX + 1]; /* device of a SNAPSHOT mapping */
	struct sfs_mapping *mappings;	    /* as given; devices are unique */
	size_t mapping_count;

	bool newer; /* its record holds members that this version does not know
		     */
};

void sfs_image_done(struct sfs_image *image);
void sfs_image_free(struct sfs_image *image);
SFS_DEFINE_CLEANUP(struct sfs_image, sfs_image_free);
#define CLEANUP_IMAGE __attribute__((cleanup(sfs_image_freep)))
SFS_MUST_CHECK int sfs_image_copy(const struct sfs_image *from,
				  struct sfs_image **ret);

/* The root's mapping, or NULL; that of @device, or NULL. */
const struct sfs_mapping *sfs_image_root(const struct sfs_image *image);
const struct sfs_mapping *sfs_image_mapping(const struct sfs_image *image,
					    const char *device);
/* Whether a mapping of @image uses the snapshot @id. */
bool sfs_image_uses(const struct sfs_image *image, const char *id);

/* Whether people other than its owner are no longer to find it. */
bool sfs_image_deprecated(const struct sfs_image *image, int64_t now_ns);

/* Known architectures ("i386", "x86_64", "arm64", "riscv64") and boot modes
 * ("legacy-bios", "uefi", "uefi-preferred"). */
bool sfs_image_architecture_ok(const char *s);
bool sfs_image_boot_mode_ok(const char *s);

/* Judge what an image's record may hold: names, words, texts, at least one
 * mapping and at most SFS_MAPPINGS_MAX, unique devices with unique file
 * names, one root, which is a snapshot.  Returns 0 or -EINVAL with
 * *reterr_what (the value at fault, borrowed) and *reterr_why (static).  Not
 * logged.  Sizes of snapshots are not known here. */
SFS_MUST_CHECK int sfs_image_check(const struct sfs_image *image,
				   const char **reterr_what,
				   const char **reterr_why);

#endif
