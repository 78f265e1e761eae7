/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_RECORD_READ_H
#define SNAPFS_SRC_RECORD_READ_H

/*
 * What the decoders of records share.  Decoding is a walk over the members in
 * which the first thing wrong sticks: each getter judges one member and does
 * nothing once another has failed.  Members that are not asked for are not
 * looked at, so that later versions may add some.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/json.h"
#include "src/record.h"

struct sfs_reader {
	const struct sfs_json_node *root; /* the object that is read */
	char *why;			  /* SFS_RECORD_WHY_SIZE bytes */
	int error;			  /* the first, negative */
	bool newer; /* a member was met that sfs_reader_known() was not told */
};

/* Verify and parse @file; the reader's texts live as long as @ret_json. */
SFS_MUST_CHECK int sfs_reader_open(const char *file, size_t size, char *why,
				   struct sfs_json **ret_json,
				   struct sfs_reader *ret,
				   const char **reterr_why);

/* What every record has.  @uuid may be NULL when any will do. */
void sfs_reader_common(struct sfs_reader *in, const char *kind,
		       const uint8_t *uuid, uint8_t *ret_uuid);
#define SFS_READER_COMMON                                                      \
	"check", "Format", "Version", "IncompatFeatures", "Kind", "Repository"

/* See whether there are members besides @known: legal, and ignored, but not to
 * be lost by writing the record anew. */
void sfs_reader_known(struct sfs_reader *in, const char *const *known,
		      size_t count);

/* A reader of the object @node inside of what @in reads, and back with what
 * became of it.  When @node is no object, that is its error, told of @key. */
struct sfs_reader sfs_reader_enter(struct sfs_reader *in, const char *key,
				   const struct sfs_json_node *node);
void sfs_reader_leave(struct sfs_reader *in, const struct sfs_reader *inner);

void sfs_reader_refuse(struct sfs_reader *in, int error, const char *key,
		       const char *what);
bool sfs_reader_has(const struct sfs_reader *in, const char *key);

/* NULL once something is wrong. */
const struct sfs_json_node *sfs_reader_get(struct sfs_reader *in,
					   const char *key);
/* The same of an array, whose elements *ret_count says. */
const struct sfs_json_node *
sfs_reader_array(struct sfs_reader *in, const char *key, size_t *ret_count);
/* Never NULL; "" once something is wrong. */
const char *sfs_reader_string(struct sfs_reader *in, const char *key);
uint64_t sfs_reader_uint(struct sfs_reader *in, const char *key, uint64_t max);
bool sfs_reader_bool(struct sfs_reader *in, const char *key);
void sfs_reader_id(struct sfs_reader *in, const char *key, const char *prefix,
		   char ret[SFS_ID_SIZE]);
void sfs_reader_optional_id(struct sfs_reader *in, const char *key,
			    const char *prefix, char ret[SFS_ID_SIZE]);
/* The record's own id, which its file must be named after. */
void sfs_reader_own_id(struct sfs_reader *in, const char *key,
		       const char *prefix, const char *name,
		       char ret[SFS_ID_SIZE]);
int64_t sfs_reader_time(struct sfs_reader *in, const char *key);
void sfs_reader_hex(struct sfs_reader *in, const char *key, uint8_t *ret,
		    size_t size);
/* A copy, the caller's to free; NULL once something is wrong. */
char *sfs_reader_text(struct sfs_reader *in, const char *key, size_t max);
/* Refuse any string but @value. */
void sfs_reader_want(struct sfs_reader *in, const char *key, const char *value);
/* True for @yes, false for @no; anything else is refused. */
bool sfs_reader_either(struct sfs_reader *in, const char *key, const char *yes,
		       const char *no);
/* Any in the list counts, since no version of snapfs knows a feature yet.
 * Returns the first of them, or NULL. */
const struct sfs_json_node *sfs_reader_features(struct sfs_reader *in,
						const char *key);

void sfs_reader_tags(struct sfs_reader *in, struct sfs_tags *tags);
/* SFS_OWNER_NONE where there is none. */
uint32_t sfs_reader_owner(struct sfs_reader *in);
void sfs_reader_grants(struct sfs_reader *in, const char *key,
		       struct sfs_grants *grants);

#endif
