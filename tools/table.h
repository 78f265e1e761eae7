/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_TABLE_H
#define SNAPFS_TOOLS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "src/util.h"

/* A table: cells are added row by row and printed aligned at the end.  A
 * heading that starts with '>' is of a column of numbers. */
#define SFS_TABLE_COLUMNS_MAX 8
struct sfs_table {
	const char *const *headings;
	size_t columns;
	char **cells; /* owned */
	size_t count;
	size_t capacity;
};
void sfs_table_done(struct sfs_table *table);
#define CLEANUP_TABLE __attribute__((cleanup(sfs_table_done)))
SFS_MUST_CHECK int sfs_table_add(struct sfs_table *table, const char *cell);
SFS_MUST_CHECK int sfs_table_add_size(struct sfs_table *table, uint64_t bytes);
SFS_MUST_CHECK int sfs_table_add_count(struct sfs_table *table, uint64_t count);
SFS_MUST_CHECK int sfs_table_add_time(struct sfs_table *table, int64_t time_ns);
void sfs_table_print(const struct sfs_table *table);

#endif
