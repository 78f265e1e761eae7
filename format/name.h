/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FORMAT_NAME_H
#define SNAPFS_FORMAT_NAME_H

/*
 * What names and free text may hold.  The same functions judge what a user
 * types and what a record says, so nothing that is refused at the door can
 * come in through a file.  @reterr_why is set on false to a static phrase
 * such as "is longer than 64 bytes".
 */

#include <stdbool.h>
#include <stddef.h>

#include "format/limits.h"

/* [A-Za-z0-9._-]{1,64}, not starting with a dot or a dash. */
bool sfs_name_volume_ok(const char *s, const char **reterr_why);

/* 3 to 128 of A-Za-z0-9 ()[].-_'@, not starting with a dot or a dash, not
 * starting or ending with a space, and not the form of an image's id. */
bool sfs_name_image_ok(const char *s, const char **reterr_why);

/* A device of a block device mapping: 1 to 64 of [A-Za-z0-9._/-] such as
 * "/dev/sda1" or "xvda", of which a file name can be made. */
bool sfs_name_device_ok(const char *s, const char **reterr_why);

/* The file name of @device, which sfs_name_device_ok(), without suffix:
 * without a leading "/dev/", and with '_' for '/'.  "root" is never one. */
#define SFS_DEVICE_FILE_SIZE (SFS_DEVICE_NAME_MAX + 1)
void sfs_name_device_file(const char *device, char ret[SFS_DEVICE_FILE_SIZE]);

/* Valid UTF-8 of at most @max bytes without control, bidirectional or
 * zero-width characters. */
bool sfs_name_text_ok(const char *s, size_t max, const char **reterr_why);

/* A tag's key: as text, at least one byte, no '='. */
bool sfs_name_tag_key_ok(const char *s, const char **reterr_why);

/* Strict UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
 * Returns the length of the sequence at @s and its code point, or 0. */
size_t sfs_utf8_decode(const unsigned char *s, size_t size, unsigned *ret_code);

#endif
