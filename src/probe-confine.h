/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_PROBE_CONFINE_H
#define SNAPFS_SRC_PROBE_CONFINE_H

/* Giving up all that a process can do but computing and talking. */

#include <stdbool.h>

#include "src/util.h"

/* What it may use from then on. */
#define SFS_CONFINE_MEMORY  ((uint64_t)256 << 20) /* beyond what it has */
#define SFS_CONFINE_SECONDS 10			  /* of processor time */

/* The numbers that the two descriptors have afterwards; no other is open. */
#define SFS_CONFINE_SOCKET 0
#define SFS_CONFINE_FILE   1

/* Whether system calls and memory are confined too: a sanitizer's own needs
 * forbid it, and then it writes to stderr. */
bool sfs_confine_is_strict(void);

/* Keep @socket for talking and @file for reading, and give up the rest: user,
 * descriptors, signal handlers, memory, time, system calls.  For a new child,
 * which exits when it fails: it may then be half done. */
SFS_MUST_CHECK int sfs_confine(int socket, int file);

#endif
