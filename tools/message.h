/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_MESSAGE_H
#define SNAPFS_TOOLS_MESSAGE_H

/*
 * What goes to stderr: messages and progress, from any thread.  Plain lines,
 * or with --json one JSON object a line with a MessageType (error, warning,
 * info, debug, progress).  Text from outside is shown with every control
 * character escaped.
 */

#include <stdbool.h>

#include "src/log.h"
#include "src/util.h"

/* Take over the engine's messages. */
void sfs_message_init(void);
void sfs_message_set_json(bool json);
bool sfs_message_json(void);

/* A usage error: "@context: text; see 'snapfs help ...'".  Returns -EINVAL. */
int sfs_message_usage(const char *context, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Write @line as it is, whatever the level. */
void sfs_message_line(const char *line);

/* Show @line in place of what this showed before, on a terminal; NULL wipes
 * it.  Messages that come in between wipe it by themselves. */
void sfs_message_progress(const char *line);

#endif
