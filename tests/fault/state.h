/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_FAULT_STATE_H
#define SNAPFS_TESTS_FAULT_STATE_H

/* What a repository and what lies beside it hold, as sorted lines that can be
 * compared: a key, a tab, a value. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state {
	char **lines;
	size_t count;
};

/* Read all of @dir/repo and @dir/out.  A snapshot that is not in @known is
 * called after its volume, so that two runs give the same.  NULL, or what is
 * wrong: then something cannot be read. */
const char *state_read(const char *dir, const struct state *known,
		       struct state *ret);
void state_done(struct state *state);

/* The value behind @key, or NULL. */
const char *state_value(const struct state *state, const char *key,
			size_t size);
bool state_equal(const struct state *a, const struct state *b);

/* NULL when @now has nothing but what @before and @after have, and all that
 * both have; else the line at fault.  Keys that begin with @except, unless it
 * is NULL, are passed over. */
const char *state_between(const struct state *now, const struct state *before,
			  const struct state *after, const char *except);

/* Check every stored byte.  NULL, or what is wrong. */
const char *state_check(const char *dir);
/* Run gc.  NULL, or why it cannot. */
const char *state_collect(const char *dir);
/* NULL when there is nothing for gc to collect, else what there is. */
const char *state_leftover(const char *dir);

/* ---- files ---- */

struct files {
	struct state names; /* "packs/xx/ID.pack", a tab, its size */
	size_t packs, records;
};

void files_read(const char *dir, struct files *ret);
void files_done(struct files *files);
size_t count_names(const char *dir, const char *name);
/* A name below @dir/out that only an unfinished writer has, or NULL. */
const char *unfinished_file(const char *dir);

void copy_tree(const char *from, const char *to);
void remove_tree(const char *path);
uint64_t digest_file(const char *path, uint64_t *ret_size);

#endif
