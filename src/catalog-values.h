/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_CATALOG_VALUES_H
#define SNAPFS_SRC_CATALOG_VALUES_H

/* The values of a row: gathered for its check, and to and from statements. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/db.h"
#include "src/record.h"
#include "src/util.h"

/* The values of one row, one behind the other; texts are followed by their
 * length, so that no two rows look the same. */
struct sfs_values {
	uint8_t fixed[1024];
	uint8_t *bytes; /* @fixed, or more when that does not do */
	size_t size, capacity;
	bool failed; /* memory ran out; sfs_values_check() says so */
};

/* @table tells the rows of different tables apart. */
void sfs_values_init(struct sfs_values *v, char table);
void sfs_values_done(struct sfs_values *v);
#define CLEANUP_VALUES __attribute__((cleanup(sfs_values_done)))

void sfs_values_add_int(struct sfs_values *v, uint64_t value);
void sfs_values_add_text(struct sfs_values *v, const char *text);

/* XXH3-64 of the values with the repository's secret: a row that was damaged
 * or came from elsewhere does not have it. */
SFS_MUST_CHECK int sfs_values_check(const struct sfs_values *v,
				    const struct sfs_config *config,
				    uint64_t *ret);

/* Column @column of the current row.  A value that cannot be taken gives 0 or
 * "" and clears *ok. */
uint64_t sfs_values_get_int(struct sfs_stmt *stmt, int column, bool *ok);
const char *sfs_values_get_text(struct sfs_stmt *stmt, int column, bool *ok);
void sfs_values_copy_text(struct sfs_stmt *stmt, int column, char *ret,
			  size_t ret_size, bool *ok);

/* Parameter @index; texts are borrowed until the statement is reset. */
void sfs_values_bind_int(struct sfs_stmt *stmt, int index, uint64_t value);
void sfs_values_bind_text(struct sfs_stmt *stmt, int index, const char *text);

#endif
