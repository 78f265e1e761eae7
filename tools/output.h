/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_OUTPUT_H
#define SNAPFS_TOOLS_OUTPUT_H

/* Results for people and, through src/json.h, for programs. */

#include <stdint.h>
#include <stdio.h>

#include "src/cleanup.h"
#include "src/json.h"
#include "src/snapshot.h"
#include "src/util.h"

/* Write @s with every byte that is not part of a visible UTF-8 character as
 * \xNN: what it holds may come from anybody, and terminals obey escapes. */
void sfs_output_text(FILE *file, const char *s);

/* "12.3 MiB", "511 B". */
#define SFS_OUTPUT_SIZE 16
void sfs_output_size(uint64_t bytes, char ret[SFS_OUTPUT_SIZE]);
/* "12.3 MiB (12345678 bytes)", or "511 bytes" where the two say the same. */
#define SFS_OUTPUT_EXACT 48
void sfs_output_exact(uint64_t bytes, char ret[SFS_OUTPUT_EXACT]);

/* "Key:            value" lines; with a key of "" more of the one before. */
void sfs_output_field(const char *key, const char *value);
void sfs_output_field_size(const char *key, uint64_t bytes);
void sfs_output_field_time(const char *key, int64_t time_ns);
void sfs_output_field_count(const char *key, uint64_t count);
/* One line each; nothing for none. */
void sfs_output_field_tags(const struct sfs_tags *tags);

/* Print the finished document @w. */
SFS_MUST_CHECK int sfs_output_json(struct sfs_jsonw *w);

void sfs_output_json_time(struct sfs_jsonw *w, const char *key,
			  int64_t time_ns);
/* A snapshot as an object; @key as for sfs_jsonw_object(). */
void sfs_output_json_snapshot(struct sfs_jsonw *w, const char *key,
			      const struct sfs_snapshot *snapshot);

/* Close stdout.  -EIO, logged, when not all of it could be written. */
SFS_MUST_CHECK int sfs_output_close(void);

#endif
