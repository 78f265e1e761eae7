/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_RECORD_H
#define SNAPFS_SRC_RECORD_H

/*
 * Records: structs to sealed JSON files and back, every field judged.
 * FORMAT.md, "Records", has the members.  A record repeats its kind, its id
 * and its repository; one that stands under another name or comes from
 * another repository is refused.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/image.h"
#include "src/snapshot.h"
#include "src/util.h"

/* What snapfs.json holds: FORMAT.md, "snapfs.json". */
struct sfs_config {
	uint8_t uuid[SFS_UUID_LEN];
	uint32_t chunk_size;
	char compression[8]; /* "lz4", "lz4hc", "none": for writers only */
	uint8_t secret[192]; /* of XXH3-128; never shown */
	int64_t created_ns;
	/* Decoded only: it has features that only readers can ignore. */
	bool read_only;
};

/* A committed set: its members count only while this record exists. */
struct sfs_set {
	char id[SFS_ID_SIZE];
	int64_t time_ns;
	size_t members; /* how many were published */
};

/* Bytes that a decoder's @why needs. */
#define SFS_RECORD_WHY_SIZE 128

/* Encoders give a sealed file, the caller's to free.  What the decoder would
 * refuse is not written: -EINVAL, logged. */
SFS_MUST_CHECK int sfs_record_encode_config(const struct sfs_config *config,
					    char **ret, size_t *ret_size);
SFS_MUST_CHECK int
sfs_record_encode_snapshot(const struct sfs_config *config,
			   const struct sfs_snapshot *snapshot, char **ret,
			   size_t *ret_size);
SFS_MUST_CHECK int sfs_record_encode_set(const struct sfs_config *config,
					 const struct sfs_set *set, char **ret,
					 size_t *ret_size);
SFS_MUST_CHECK int sfs_record_encode_image(const struct sfs_config *config,
					   const struct sfs_image *image,
					   char **ret, size_t *ret_size);

/* Decoders return 0, -EUCLEAN, -EBADMSG, -EOPNOTSUPP (newer version or an
 * unknown incompatible feature) or -ENOMEM, with *reterr_why on failure,
 * which may live in @why (at least 128 bytes) or be static.  @name is the
 * id that the file's name promises. */
SFS_MUST_CHECK int sfs_record_decode_config(const char *file, size_t size,
					    struct sfs_config *ret, char *why,
					    const char **reterr_why);
SFS_MUST_CHECK int sfs_record_decode_snapshot(const struct sfs_config *config,
					      const char *name,
					      const char *file, size_t size,
					      struct sfs_snapshot **ret,
					      char *why,
					      const char **reterr_why);
SFS_MUST_CHECK int sfs_record_decode_set(const struct sfs_config *config,
					 const char *name, const char *file,
					 size_t size, struct sfs_set *ret,
					 char *why, const char **reterr_why);
SFS_MUST_CHECK int sfs_record_decode_image(const struct sfs_config *config,
					   const char *name, const char *file,
					   size_t size, struct sfs_image **ret,
					   char *why, const char **reterr_why);

#endif
