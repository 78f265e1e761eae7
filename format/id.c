/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/id.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool sfs_id_valid(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	if (strncmp(s, prefix, n) != 0 || strlen(s) != n + SFS_ID_DIGITS)
		return false;
	for (s += n; *s; s++)
		if (hex_value(*s) < 0)
			return false;
	return true;
}

void sfs_id_format(const char *prefix, const uint8_t random[9],
		   char ret[SFS_ID_SIZE])
{
	char hex[19];
	size_t n = strlen(prefix);

	sfs_hex_format(random, 9, hex);
	memcpy(ret, prefix, n);
	memcpy(ret + n, hex, SFS_ID_DIGITS);
	ret[n + SFS_ID_DIGITS] = '\0';
}

void sfs_uuid_format(const uint8_t uuid[SFS_UUID_LEN], char ret[SFS_UUID_SIZE])
{
	size_t i;

	for (i = 0; i < SFS_UUID_LEN; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*ret++ = '-';
		*ret++ = digits[uuid[i] >> 4];
		*ret++ = digits[uuid[i] & 15];
	}
	*ret = '\0';
}

bool sfs_uuid_parse(const char *s, uint8_t ret[SFS_UUID_LEN])
{
	uint8_t bytes[SFS_UUID_LEN];
	size_t i;
	int hi, lo;

	if (strlen(s) != SFS_UUID_SIZE - 1)
		return false;
	for (i = 0; i < SFS_UUID_LEN; i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && *s++ != '-')
			return false;
		hi = hex_value(*s++);
		lo = hex_value(*s++);
		if (hi < 0 || lo < 0)
			return false;
		bytes[i] = (uint8_t)(hi << 4 | lo);
	}
	memcpy(ret, bytes, sizeof(bytes));
	return true;
}

void sfs_hex_format(const uint8_t *bytes, size_t size, char *ret)
{
	size_t i;

	for (i = 0; i < size; i++) {
		*ret++ = digits[bytes[i] >> 4];
		*ret++ = digits[bytes[i] & 15];
	}
	*ret = '\0';
}

bool sfs_hex_parse(const char *s, uint8_t *ret, size_t size)
{
	size_t i;
	int hi, lo;

	if (strlen(s) != 2 * size)
		return false;
	for (i = 0; i < 2 * size; i++)
		if (hex_value(s[i]) < 0)
			return false;
	for (i = 0; i < size; i++) {
		hi = hex_value(s[2 * i]);
		lo = hex_value(s[2 * i + 1]);
		ret[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}
