/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_UNIT_SCRATCH_H
#define SNAPFS_TESTS_UNIT_SCRATCH_H

/* A directory for one test, which runs inside it. */

/* cmocka set-up and tear-down: make the directory and go there; remove it. */
int scratch_setup(void **state);
int scratch_teardown(void **state);

#endif
