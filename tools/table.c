/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/table.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "format/time.h"
#include "tools/output.h"

void sfs_table_done(struct sfs_table *table)
{
	size_t i;

	for (i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
}

int sfs_table_add(struct sfs_table *table, const char *cell)
{
	char *copy;
	int r;

	r = sfs_grow(&table->cells, &table->capacity, table->count,
		     sizeof(*table->cells));
	if (r < 0)
		return r;
	copy = sfs_strdup(cell);
	if (!copy)
		return -ENOMEM;
	table->cells[table->count++] = copy;
	return 0;
}

int sfs_table_add_size(struct sfs_table *table, uint64_t bytes)
{
	char text[SFS_OUTPUT_SIZE];

	sfs_output_size(bytes, text);
	return sfs_table_add(table, text);
}

int sfs_table_add_count(struct sfs_table *table, uint64_t count)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, count);
	return sfs_table_add(table, text);
}

int sfs_table_add_time(struct sfs_table *table, int64_t time_ns)
{
	char text[SFS_TIME_SIZE];

	sfs_time_format(time_ns, text);
	return sfs_table_add(table, text);
}

/* Free text stands only in the last column, so bytes are columns. */
static int width(const struct sfs_table *table, size_t column)
{
	size_t i, most = strlen(table->headings[column]);

	if (table->headings[column][0] == '>')
		most--;
	for (i = column; i < table->count; i += table->columns)
		most = sfs_max(most, strlen(table->cells[i]));
	return (int)most;
}

/* Write @cell after the @pending spaces before it, which an empty cell at the
 * end of a line leaves out; returns how many come before the next one. */
static int put_cell(const char *cell, int cell_width, bool right, int pending)
{
	int pad = cell_width - (int)strlen(cell);

	if (right)
		pending += pad;
	if (*cell)
		printf("%*s", pending, "");
	sfs_output_text(stdout, cell);
	if (!*cell)
		return pending + cell_width + 2;
	return right ? 2 : pad + 2;
}

/* One row: @cells, or the headings without their marks. */
static void put_row(const struct sfs_table *table, char *const *cells,
		    const int *widths)
{
	const char *heading;
	int pending = 0;
	size_t c;
	bool right;

	for (c = 0; c < table->columns; c++) {
		heading = table->headings[c];
		right = *heading == '>';
		pending = put_cell(cells ? cells[c] : heading + right,
				   widths[c], right, pending);
	}
	putchar('\n');
}

void sfs_table_print(const struct sfs_table *table)
{
	int widths[SFS_TABLE_COLUMNS_MAX];
	size_t i, c;

	assert(table->columns <= SFS_TABLE_COLUMNS_MAX);
	for (c = 0; c < table->columns; c++)
		widths[c] = width(table, c);
	put_row(table, NULL, widths);
	for (i = 0; i < table->count; i += table->columns)
		put_row(table, table->cells + i, widths);
}
