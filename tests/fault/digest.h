/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_FAULT_DIGEST_H
#define SNAPFS_TESTS_FAULT_DIGEST_H

/* A check of our own, FNV-1a, and what goes through files with it. */

#include <stddef.h>
#include <stdint.h>

#define DIGEST_START UINT64_C(0xcbf29ce484222325)
#define PATH_SIZE    4096

uint64_t digest_add(uint64_t digest, const void *bytes, size_t size);

/* Call @each for the regular files below @dir, with their names from its last
 * part on; none if it is not there. */
void each_file(const char *dir,
	       void (*each)(const char *path, const char *name, void *context),
	       void *context);

/* What the engine said last. */
const char *last_message(void);

#endif
