/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_GOLDEN_DOCUMENT_H
#define SNAPFS_TESTS_GOLDEN_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

/*
 * The worked example in FORMAT.md.  A file stands there in a fenced block
 * whose first line is "```hexdump PATH" (as hexdump -C has it, "*" included)
 * or "```json PATH" (as it is).
 */

/* The bytes of @path as @document shows them, the caller's to free, or NULL
 * when it does not show them.  What cannot be parsed ends the program. */
uint8_t *sfs_document_file(const char *document, const char *path,
			   size_t *ret_size);

#endif
