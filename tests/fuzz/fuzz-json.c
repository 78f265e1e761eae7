/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "src/json.h"
#include "tests/fuzz/fuzz.h"

/* Write @s and read it back. */
static void check_string(const char *s)
{
	CLEANUP_JSON struct sfs_json *json = NULL;
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	CLEANUP_FREE char *text = NULL;
	const char *why;
	size_t size;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		abort();
	sfs_jsonw_string(w, NULL, s);
	r = sfs_jsonw_finish(w, false, &text, &size);
	if (r < 0)
		abort();
	r = sfs_json_parse(text, size, &json, &why);
	assert(r == 0);
	assert(strcmp(sfs_json_string(sfs_json_root(json)), s) == 0);
}

static void walk(const struct sfs_json_node *node, unsigned depth,
		 unsigned *strings)
{
	const struct sfs_json_node *child = sfs_json_first(node);
	const char *s = sfs_json_string(node);
	uint64_t number;

	assert(depth < 64);
	assert(!child || sfs_json_is_object(node) || sfs_json_is_array(node));
	if (sfs_json_uint(node, &number))
		assert(number <= INT64_MAX && !s);
	if (s && (*strings)++ < 4)
		check_string(s);
	for (; child; child = sfs_json_next(child)) {
		if (sfs_json_is_object(node))
			assert(sfs_json_member(node, sfs_json_key(child)) ==
			       child);
		walk(child, depth + 1, strings);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	CLEANUP_JSON struct sfs_json *json = NULL;
	const char *why = NULL;
	unsigned strings = 0;
	int r;

	/* Finding a member is linear, so checking all takes the square. */
	if (size > 16384)
		return 0;
	r = sfs_json_parse((const char *)bytes, size, &json, &why);
	if (r < 0)
		assert(why);
	else
		walk(sfs_json_root(json), 0, &strings);
	return 0;
}
