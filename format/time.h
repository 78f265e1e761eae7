/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FORMAT_TIME_H
#define SNAPFS_FORMAT_TIME_H

/*
 * Times are nanoseconds since 1970 UTC in an int64_t, between 1970 and 2262.
 * In records and JSON they are RFC 3339 in UTC; a fraction is written only
 * where it is not zero, in 3 or 9 digits.
 */

#include <stdbool.h>
#include <stdint.h>

#define SFS_TIME_SIZE 36
#define SFS_SECOND    INT64_C(1000000000)

/* 2026-11-22T10:24:58Z, 2026-11-22T10:24:58.123Z */
void sfs_time_format(int64_t time_ns, char ret[SFS_TIME_SIZE]);

/* The same with '-' for ':', fit for a file name: 2026-11-22T10-24-58Z */
void sfs_time_format_name(int64_t time_ns, char ret[SFS_TIME_SIZE]);

/* Strictly what sfs_time_format() writes. */
bool sfs_time_parse(const char *s, int64_t *ret_ns);

/* What a user may type: a date, or a date and T or a space and HH:MM[:SS[.F]],
 * then Z, +HH:MM or nothing for UTC; '-' is taken for ':' so that names of the
 * mount can be pasted.  @ret_last_ns is the last nanosecond that the text
 * names: 2026-11-22 is the whole day, 10:24 the whole minute. */
bool sfs_time_parse_user(const char *s, int64_t *ret_first_ns,
			 int64_t *ret_last_ns);

#endif
