/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_FAULT_MISBEHAVE_H
#define SNAPFS_TESTS_FAULT_MISBEHAVE_H

/* Write to the file @path and, when that fails, do what no command may do:
 * the harness must notice it.  Returns the exit status. */
int misbehave(const char *how, const char *path);

#endif
