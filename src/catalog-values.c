/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/catalog-values.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

void sfs_values_init(struct sfs_values *v, char table)
{
	v->bytes = v->fixed;
	v->bytes[0] = (uint8_t)table;
	v->size = 1;
	v->capacity = sizeof(v->fixed);
	v->failed = false;
}

void sfs_values_done(struct sfs_values *v)
{
	if (v->bytes != v->fixed)
		free(v->bytes);
}

static void add_bytes(struct sfs_values *v, const void *bytes, size_t size)
{
	uint8_t *grown;

	if (v->failed)
		return;
	if (size > v->capacity - v->size) {
		v->capacity = 2 * (v->capacity + size);
		grown = sfs_malloc(v->capacity);
		if (!grown) {
			v->failed = true;
			return;
		}
		memcpy(grown, v->bytes, v->size);
		sfs_values_done(v);
		v->bytes = grown;
	}
	memcpy(v->bytes + v->size, bytes, size);
	v->size += size;
}

void sfs_values_add_int(struct sfs_values *v, uint64_t value)
{
	add_bytes(v, &value, sizeof(value));
}

void sfs_values_add_text(struct sfs_values *v, const char *text)
{
	size_t size = strlen(text);

	add_bytes(v, text, size);
	sfs_values_add_int(v, size);
}

int sfs_values_check(const struct sfs_values *v,
		     const struct sfs_config *config, uint64_t *ret)
{
	if (v->failed)
		return -ENOMEM;
	*ret = XXH3_64bits_withSecret(v->bytes, v->size, config->secret,
				      sizeof(config->secret));
	return 0;
}

uint64_t sfs_values_get_int(struct sfs_stmt *stmt, int column, bool *ok)
{
	int64_t value = 0;

	*ok &= sfs_stmt_int(stmt, column, &value);
	return (uint64_t)value;
}

const char *sfs_values_get_text(struct sfs_stmt *stmt, int column, bool *ok)
{
	const char *text = "";
	size_t size;

	*ok &= sfs_stmt_text(stmt, column, &text, &size);
	return text;
}

void sfs_values_copy_text(struct sfs_stmt *stmt, int column, char *ret,
			  size_t ret_size, bool *ok)
{
	const char *text = sfs_values_get_text(stmt, column, ok);

	*ok &= strlen(text) < ret_size;
	if (*ok)
		strcpy(ret, text);
}

void sfs_values_bind_int(struct sfs_stmt *stmt, int index, uint64_t value)
{
	sfs_stmt_bind_int(stmt, index, (int64_t)value);
}

void sfs_values_bind_text(struct sfs_stmt *stmt, int index, const char *text)
{
	sfs_stmt_bind_text(stmt, index, text, strlen(text));
}
