/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_RECORD_WRITE_H
#define SNAPFS_SRC_RECORD_WRITE_H

/*
 * What the encoders of records share.  Each record is decoded again before it
 * leaves: what could not be read back must not become the only trace of a
 * backup.
 */

#include <stddef.h>
#include <stdint.h>

#include "src/json.h"
#include "src/record.h"

/* Open the document and write what every record has. */
SFS_MUST_CHECK int sfs_record_begin(const struct sfs_config *config,
				    const char *kind, struct sfs_jsonw **ret);
/* Close the document, put the prefix in place of its brace, and seal it. */
SFS_MUST_CHECK int sfs_record_finish(struct sfs_jsonw *w, char **ret,
				     size_t *ret_size);
/* The encoder's result, logged.  @r is what decoding its work gave. */
SFS_MUST_CHECK int sfs_record_judge(int r, const char *name, const char *why);

void sfs_record_put_time(struct sfs_jsonw *w, const char *key, int64_t time_ns);
void sfs_record_put_empty_list(struct sfs_jsonw *w, const char *key);
void sfs_record_put_tags(struct sfs_jsonw *w, const struct sfs_tags *tags);
/* Nothing for SFS_OWNER_NONE. */
void sfs_record_put_owner(struct sfs_jsonw *w, uint32_t owner);
void sfs_record_put_grants(struct sfs_jsonw *w, const char *key,
			   const struct sfs_grants *grants);

#endif
