/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_HOOK_H
#define SNAPFS_SRC_HOOK_H

#include "src/util.h"

/* Run @command with /bin/sh, its stdout going to stderr, where it belongs
 * beside results.  -EREMOTEIO, logged as "@what hook", when it fails. */
SFS_MUST_CHECK int sfs_hook_run(const char *what, const char *command);

#endif
