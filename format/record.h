/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FORMAT_RECORD_H
#define SNAPFS_FORMAT_RECORD_H

/*
 * The envelope of records and of snapfs.json: FORMAT.md, "Records".
 *
 * The file is one JSON object whose first member is its own check:
 *
 *	{"check":"89abcdef01234567",
 *	 ...the other members...}
 *
 * The check is XXH3-64 of all bytes behind the first line's comma, so that
 * any JSON tool reads the file and none of it goes unverified.
 */

#include <stddef.h>

/* What a record starts with before it is sealed; the body follows. */
#define SFS_RECORD_PREFIX "{\"check\":\"0000000000000000\","

/* Write the check into @file, which starts with SFS_RECORD_PREFIX. */
void sfs_record_seal(char *file, size_t size);

/* Returns 0, -EUCLEAN (not a record) or -EBADMSG (wrong check), with
 * *reterr_why.  The JSON itself is judged by whoever parses it. */
int sfs_record_verify(const char *file, size_t size, const char **reterr_why);

#endif
