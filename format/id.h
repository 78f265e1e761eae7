/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FORMAT_ID_H
#define SNAPFS_FORMAT_ID_H

/* Ids: a prefix for the kind, then 17 lower-case hex digits, as in EC2. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SFS_ID_DIGITS 17
#define SFS_ID_SIZE   24 /* "snap-", 17 digits, NUL, rounded up */
#define SFS_UUID_SIZE 37 /* text form with NUL */
#define SFS_UUID_LEN  16 /* binary form */

/* The kinds, by their prefix. */
#define SFS_ID_SNAPSHOT "snap-"
#define SFS_ID_VOLUME	"vol-"
#define SFS_ID_IMAGE	"img-"
#define SFS_ID_SET	"set-"
#define SFS_ID_POLICY	"pol-"

/* True when @s is @prefix and exactly 17 hex digits. */
bool sfs_id_valid(const char *s, const char *prefix);

/* Write the id of @prefix whose digits come from @random (9 bytes; the low
 * four bits of the last are not used). */
void sfs_id_format(const char *prefix, const uint8_t random[9],
		   char ret[SFS_ID_SIZE]);

/* Text form 8-4-4-4-12 in lower case, and strictly back. */
void sfs_uuid_format(const uint8_t uuid[SFS_UUID_LEN], char ret[SFS_UUID_SIZE]);
bool sfs_uuid_parse(const char *s, uint8_t ret[SFS_UUID_LEN]);

/* Lower-case hex.  @ret takes 2 * @size + 1 bytes. */
void sfs_hex_format(const uint8_t *bytes, size_t size, char *ret);
/* True when @s is exactly 2 * @size lower-case hex digits. */
bool sfs_hex_parse(const char *s, uint8_t *ret, size_t size);

#endif
