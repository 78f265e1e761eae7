/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_GOLDEN_CORPUS_H
#define SNAPFS_TESTS_GOLDEN_CORPUS_H

#include "tests/golden/golden.h"

/* Write seeds for every fuzz target to @dir/<target>/. */
void sfs_golden_corpus(const struct sfs_golden *golden, const char *dir);

#endif
