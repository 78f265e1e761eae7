/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_LOG_H
#define SNAPFS_SRC_LOG_H

/*
 * Messages for people.  The function that knows what failed and why logs it
 * once; all above it only pass the error on.  Text: lower case, object first
 * in quotes, the value, then what to do; no full stop, no newline.  errno is
 * preserved.
 */

#include <stdbool.h>

enum sfs_level {
	SFS_LOG_ERR,
	SFS_LOG_WARN,
	SFS_LOG_INFO,
	SFS_LOG_DEBUG,
};

/* Where messages go; the default writes "snapfs: text" to stderr.  Called
 * from any thread, one message a call. */
typedef void sfs_log_sink(enum sfs_level level, const char *text);

/* While a file system is frozen, writing a message to a log on it would wait
 * for the thaw, which waits for us: hold keeps messages in memory, release
 * gives them out in order.  A little memory for them is set aside; what goes
 * beyond is counted, not kept. */
void sfs_log_hold(void);
void sfs_log_release(void);
bool sfs_log_held(void);

void sfs_log_set_sink(sfs_log_sink *sink);
void sfs_log_set_level(enum sfs_level most);

void sfs_log(enum sfs_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define sfs_err(...)   sfs_log(SFS_LOG_ERR, __VA_ARGS__)
#define sfs_warn(...)  sfs_log(SFS_LOG_WARN, __VA_ARGS__)
#define sfs_info(...)  sfs_log(SFS_LOG_INFO, __VA_ARGS__)
#define sfs_debug(...) sfs_log(SFS_LOG_DEBUG, __VA_ARGS__)

#endif
