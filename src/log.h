/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_LOG_H
#define SNAPFS_SRC_LOG_H

/*
 * Messages for people.  The function that knows what failed and why logs it
 * once; all above it only pass the error on.  Text: lower case, object first
 * in quotes, the value, then what to do; no full stop, no newline.  errno is
 * preserved.
 */

enum sfs_level {
	SFS_LOG_ERR,
	SFS_LOG_WARN,
	SFS_LOG_INFO,
	SFS_LOG_DEBUG,
};

/* Where messages go; the default writes "snapfs: text" to stderr.  Called
 * from any thread, one message a call. */
typedef void sfs_log_sink(enum sfs_level level, const char *text);

void sfs_log_set_sink(sfs_log_sink *sink);
void sfs_log_set_level(enum sfs_level most);

void sfs_log(enum sfs_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define sfs_err(...)   sfs_log(SFS_LOG_ERR, __VA_ARGS__)
#define sfs_warn(...)  sfs_log(SFS_LOG_WARN, __VA_ARGS__)
#define sfs_info(...)  sfs_log(SFS_LOG_INFO, __VA_ARGS__)
#define sfs_debug(...) sfs_log(SFS_LOG_DEBUG, __VA_ARGS__)

#endif
