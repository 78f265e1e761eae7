/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_FUZZ_FUZZ_H
#define SNAPFS_TESTS_FUZZ_FUZZ_H

/*
 * One program a target.  libFuzzer calls this with what it makes up; built
 * without it, main.c calls it with the files that are given as arguments.
 * What must hold is asserted.
 */

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A copy in memory of exactly this size, so that the address sanitizer sees
 * each byte too far; the caller's to free.  Never NULL. */
uint8_t *sfs_fuzz_copy(const uint8_t *bytes, size_t size);

/* The same as a string. */
char *sfs_fuzz_string(const uint8_t *bytes, size_t size);

/* The same as a record: with its first bytes and its check put right, where
 * there is room for them. */
char *sfs_fuzz_record(const uint8_t *bytes, size_t size);

/* Keep what the engine logs to itself. */
void sfs_fuzz_quiet(void);

#endif
