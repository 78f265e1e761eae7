/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_JSON_H
#define SNAPFS_SRC_JSON_H

/*
 * JSON in and out.  Reading is SQLite's json_tree() into a flat tree that is
 * stricter than JSON asks: no member twice, integers exact, strings valid
 * UTF-8 without NUL.  Writing builds text in memory.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/cleanup.h"
#include "src/util.h"

struct sfs_json;
struct sfs_json_node;

/* Parse @size bytes.  -EUCLEAN: not JSON as above, with *reterr_why. */
SFS_MUST_CHECK int sfs_json_parse(const char *text, size_t size,
				  struct sfs_json **ret,
				  const char **reterr_why);
void sfs_json_free(struct sfs_json *json);
SFS_DEFINE_CLEANUP(struct sfs_json, sfs_json_free);
#define CLEANUP_JSON __attribute__((cleanup(sfs_json_freep)))

/* Nodes are borrowed from the document. */
const struct sfs_json_node *sfs_json_root(const struct sfs_json *json);
/* The member @key of an object, or NULL. */
const struct sfs_json_node *sfs_json_member(const struct sfs_json_node *node,
					    const char *key);
/* First child of an object or array, and the next sibling, or NULL. */
const struct sfs_json_node *sfs_json_first(const struct sfs_json_node *node);
const struct sfs_json_node *sfs_json_next(const struct sfs_json_node *node);
/* A member's key; NULL for array elements and the root. */
const char *sfs_json_key(const struct sfs_json_node *node);

bool sfs_json_is_object(const struct sfs_json_node *node);
bool sfs_json_is_array(const struct sfs_json_node *node);
/* NULL when @node is NULL or not a string. */
const char *sfs_json_string(const struct sfs_json_node *node);
/* False when @node is NULL or no integer in 0..INT64_MAX. */
bool sfs_json_uint(const struct sfs_json_node *node, uint64_t *ret);
/* False when @node is NULL or neither true nor false. */
bool sfs_json_bool(const struct sfs_json_node *node, bool *ret);

/*
 * A writer.  Errors stick: once memory ran out every call does nothing and
 * sfs_jsonw_finish() says so.  Commas and newlines are its affair.
 */
struct sfs_jsonw;

SFS_MUST_CHECK int sfs_jsonw_new(struct sfs_jsonw **ret);
void sfs_jsonw_free(struct sfs_jsonw *w);
SFS_DEFINE_CLEANUP(struct sfs_jsonw, sfs_jsonw_free);
#define CLEANUP_JSONW __attribute__((cleanup(sfs_jsonw_freep)))

/* @key is NULL inside an array and for the document itself. */
void sfs_jsonw_object(struct sfs_jsonw *w, const char *key);
void sfs_jsonw_array(struct sfs_jsonw *w, const char *key);
void sfs_jsonw_end(struct sfs_jsonw *w); /* of the innermost of either */
void sfs_jsonw_string(struct sfs_jsonw *w, const char *key, const char *s);
void sfs_jsonw_uint(struct sfs_jsonw *w, const char *key, uint64_t value);
void sfs_jsonw_double(struct sfs_jsonw *w, const char *key, double value);
void sfs_jsonw_bool(struct sfs_jsonw *w, const char *key, bool value);
void sfs_jsonw_null(struct sfs_jsonw *w, const char *key);

/* The text, the caller's to free, its size in *ret_size when that is not
 * NULL: one line when @pretty is false, else indented by two spaces; ends in
 * a newline. */
SFS_MUST_CHECK int sfs_jsonw_finish(struct sfs_jsonw *w, bool pretty,
				    char **ret, size_t *ret_size);

#endif
