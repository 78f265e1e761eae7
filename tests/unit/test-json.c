/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "src/json.h"

static struct sfs_json *parse(const char *text)
{
	struct sfs_json *json = NULL;
	const char *why = NULL;
	int r;

	r = sfs_json_parse(text, strlen(text), &json, &why);
	if (r < 0)
		print_message("%s: %s\n", text, why);
	assert_int_equal(r, 0);
	return json;
}

static void refuse_bytes(const char *text, size_t size)
{
	struct sfs_json *json = NULL;
	const char *why = NULL;
	int r;

	r = sfs_json_parse(text, size, &json, &why);
	if (r != -EUCLEAN)
		print_message("accepted or wrong error %d: %.60s\n", r, text);
	assert_int_equal(r, -EUCLEAN);
	assert_null(json);
	assert_non_null(why);
}

static void refuse(const char *text)
{
	refuse_bytes(text, strlen(text));
}

static void tree_is_in_order(void **state)
{
	struct sfs_json *json = parse("{\"a\":[1,[],{\"x\":\"y\"},\"z\"],"
				      "\"b\":{},\"c\":7}");
	const struct sfs_json_node *root = sfs_json_root(json);
	const struct sfs_json_node *a = sfs_json_first(root), *node;
	uint64_t value;

	(void)state;
	assert_true(sfs_json_is_object(root));
	assert_null(sfs_json_key(root));
	assert_null(sfs_json_next(root));
	assert_string_equal(sfs_json_key(a), "a");
	assert_true(sfs_json_is_array(a));
	node = sfs_json_first(a);
	assert_true(sfs_json_uint(node, &value));
	assert_int_equal(value, 1);
	assert_null(sfs_json_key(node));
	node = sfs_json_next(node);
	assert_true(sfs_json_is_array(node));
	assert_null(sfs_json_first(node));
	node = sfs_json_next(node);
	assert_string_equal(sfs_json_string(sfs_json_member(node, "x")), "y");
	node = sfs_json_next(node);
	assert_string_equal(sfs_json_string(node), "z");
	assert_null(sfs_json_next(node));
	assert_string_equal(sfs_json_key(sfs_json_next(a)), "b");
	assert_true(sfs_json_uint(sfs_json_member(root, "c"), &value));
	assert_int_equal(value, 7);
	assert_null(sfs_json_member(root, "d"));
	assert_null(sfs_json_member(NULL, "d"));
	sfs_json_free(json);
}

static void values_have_their_types(void **state)
{
	struct sfs_json *json =
		parse("{\"i\":9223372036854775807,\"n\":-1,\"r\":1.0,"
		      "\"t\":true,\"z\":null,\"s\":\"5\"}");
	const struct sfs_json_node *root = sfs_json_root(json);
	uint64_t value = 0;

	(void)state;
	assert_true(sfs_json_uint(sfs_json_member(root, "i"), &value));
	assert_true(value == INT64_MAX);
	assert_false(sfs_json_uint(sfs_json_member(root, "n"), &value));
	assert_false(sfs_json_uint(sfs_json_member(root, "r"), &value));
	assert_false(sfs_json_uint(sfs_json_member(root, "t"), &value));
	assert_false(sfs_json_uint(sfs_json_member(root, "s"), &value));
	assert_false(sfs_json_uint(NULL, &value));
	assert_null(sfs_json_string(sfs_json_member(root, "i")));
	assert_null(sfs_json_string(sfs_json_member(root, "z")));
	assert_null(sfs_json_string(sfs_json_member(root, "t")));
	assert_null(sfs_json_string(NULL));
	sfs_json_free(json);
}

static void booleans_are_exact(void **state)
{
	struct sfs_json *json =
		parse("{\"t\":true,\"f\":false,\"z\":null,\"s\":\"true\","
		      "\"i\":1,\"o\":{},\"a\":[true]}");
	const struct sfs_json_node *root = sfs_json_root(json);
	static const char *const others[] = { "z", "s", "i", "o", "a" };
	bool value = false;
	size_t i;

	(void)state;
	assert_true(sfs_json_bool(sfs_json_member(root, "t"), &value));
	assert_true(value);
	assert_true(sfs_json_bool(sfs_json_member(root, "f"), &value));
	assert_false(value);
	value = true;
	for (i = 0; i < SFS_ARRAY_SIZE(others); i++)
		assert_false(sfs_json_bool(sfs_json_member(root, others[i]),
					   &value));
	assert_false(sfs_json_bool(NULL, &value));
	assert_true(value);
	assert_null(sfs_json_string(sfs_json_member(root, "f")));
	sfs_json_free(json);
}

static void escapes_are_decoded(void **state)
{
	struct sfs_json *json = parse("[\"\\u00e9\\ud83d\\ude00\\n\\\"\\\\/\","
				      "\"\\\\u0000\",\"\xc3\xa9\"]");
	const struct sfs_json_node *node = sfs_json_first(sfs_json_root(json));

	(void)state;
	assert_string_equal(sfs_json_string(node),
			    "\xc3\xa9\xf0\x9f\x98\x80\n\"\\/");
	node = sfs_json_next(node);
	assert_string_equal(sfs_json_string(node), "\\u0000");
	node = sfs_json_next(node);
	assert_string_equal(sfs_json_string(node), "\xc3\xa9");
	sfs_json_free(json);
}

static void malformed_is_refused(void **state)
{
	static const char *const bad[] = {
		"",	      "{",	     "}",	    "[1,]",
		"{\"a\":1,}", "[1 2]",	     "{a:1}",	    "{'a':1}",
		"[01]",	      "[+1]",	     "[.5]",	    "[1.]",
		"[0x10]",     "[NaN]",	     "[Infinity]",  "[1]x",
		"[1][2]",     "//c\n[1]",    "/*c*/[1]",    "[\"a\nb\"]",
		"[\"\\q\"]",  "[\"a\tb\"]",  "[\"\\u12\"]", "[\"a]",
		"[tru]",      "[\"\\x41\"]",
	};
	size_t i;

	(void)state;
	for (i = 0; i < SFS_ARRAY_SIZE(bad); i++)
		refuse(bad[i]);
}

static void doubled_members_are_refused(void **state)
{
	(void)state;
	refuse("{\"a\":1,\"a\":1}");
	refuse("{\"a\":1,\"b\":2,\"\\u0061\":3}");
	refuse("[{\"x\":{\"a\":1,\"c\":[],\"a\":{}}}]");
	sfs_json_free(parse("{\"a\":{\"a\":1},\"b\":{\"a\":1}}"));
}

static void inexact_integers_are_refused(void **state)
{
	(void)state;
	refuse("{\"a\":9223372036854775808}");
	refuse("{\"a\":123456789012345678901234567890}");
	refuse("[-9223372036854775809]");
}

static void broken_text_is_refused(void **state)
{
	(void)state;
	refuse("[\"\\ud800\"]");
	refuse("[\"\\udc00\\ud800\"]");
	refuse("[\"\xff\"]");
	refuse("[\"\xc0\xaf\"]");
	refuse("[\"\xed\xa0\x80\"]");
	refuse("[\"\xf4\x90\x80\x80\"]");
	refuse("[\"\xc3\"]");
	refuse("{\"\xff\":1}");
	refuse("[\"a\\u0000b\"]");
	refuse("{\"a\\u0000b\":1}");
	refuse_bytes("[\"a\0b\"]", 7);
	refuse_bytes("[1]\0[2]", 7);
}

static void nesting_is_bounded(void **state)
{
	char text[2 * 3000 + 1];
	size_t depths[] = { 33, 1999, 3000 }, i, n;

	(void)state;
	for (i = 0; i < SFS_ARRAY_SIZE(depths); i++) {
		n = depths[i];
		memset(text, '[', n);
		memset(text + n, ']', n);
		refuse_bytes(text, 2 * n);
	}
	memset(text, '[', 32);
	memset(text + 32, ']', 32);
	text[64] = '\0';
	sfs_json_free(parse(text));
}

static void large_objects_are_not_slow(void **state)
{
	struct sfs_jsonw *w;
	struct sfs_json *json;
	const char *why;
	char key[16], *text;
	int64_t start;
	size_t size;
	unsigned i;

	(void)state;
	assert_int_equal(sfs_jsonw_new(&w), 0);
	sfs_jsonw_object(w, NULL);
	for (i = 0; i < 70000; i++) {
		snprintf(key, sizeof(key), "%u", i);
		sfs_jsonw_uint(w, key, i);
	}
	sfs_jsonw_end(w);
	assert_int_equal(sfs_jsonw_finish(w, false, &text, &size), 0);
	start = sfs_monotonic_ns();
	assert_int_equal(sfs_json_parse(text, size, &json, &why), 0);
	print_message("%zu bytes, 70000 members: %.0f ms\n", size,
		      (double)(sfs_monotonic_ns() - start) / 1e6);
	sfs_json_free(json);
	free(text);
	sfs_jsonw_free(w);
}

static void too_long_is_refused(void **state)
{
	size_t size = (1u << 20) + 1;
	char *text = sfs_malloc(size);

	(void)state;
	memset(text, ' ', size);
	text[0] = '1';
	refuse_bytes(text, size);
	free(text);
}

/* ---- writing ---- */

static void write_sample(struct sfs_jsonw *w)
{
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "s", "a\"b\\c\nd\x01\x7f\xc3\xa9");
	sfs_jsonw_uint(w, "u", UINT64_MAX);
	sfs_jsonw_double(w, "d", 1.5);
	sfs_jsonw_double(w, "inf", INFINITY);
	sfs_jsonw_bool(w, "t", true);
	sfs_jsonw_null(w, "n");
	sfs_jsonw_array(w, "empty");
	sfs_jsonw_end(w);
	sfs_jsonw_array(w, "list");
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_end(w);
	sfs_jsonw_string(w, NULL, "{\"[,:");
	sfs_jsonw_end(w);
	sfs_jsonw_end(w);
}

static void writer_lays_out(void **state)
{
	struct sfs_jsonw *w;
	char *text;
	size_t size;

	(void)state;
	assert_int_equal(sfs_jsonw_new(&w), 0);
	write_sample(w);
	assert_int_equal(sfs_jsonw_finish(w, false, &text, &size), 0);
	assert_string_equal(text,
			    "{\"s\":\"a\\\"b\\\\c\\nd\\u0001\\u007f\xc3\xa9\","
			    "\"u\":18446744073709551615,\"d\":1.5,\"inf\":null,"
			    "\"t\":true,\"n\":null,\"empty\":[],"
			    "\"list\":[{},\"{\\\"[,:\"]}\n");
	assert_int_equal(size, strlen(text));
	free(text);
	assert_int_equal(sfs_jsonw_finish(w, true, &text, NULL), 0);
	assert_string_equal(text, "{\n"
				  "  \"s\": \"a\\\"b\\\\c\\nd\\u0001\\u007f"
				  "\xc3\xa9\",\n"
				  "  \"u\": 18446744073709551615,\n"
				  "  \"d\": 1.5,\n"
				  "  \"inf\": null,\n"
				  "  \"t\": true,\n"
				  "  \"n\": null,\n"
				  "  \"empty\": [],\n"
				  "  \"list\": [\n"
				  "    {},\n"
				  "    \"{\\\"[,:\"\n"
				  "  ]\n"
				  "}\n");
	free(text);
	sfs_jsonw_free(w);
}

static void writer_makes_bytes_into_text(void **state)
{
	struct sfs_jsonw *w;
	struct sfs_json *json;
	char *text;

	(void)state;
	assert_int_equal(sfs_jsonw_new(&w), 0);
	sfs_jsonw_array(w, NULL);
	sfs_jsonw_string(w, NULL, "a\xff\xc3z");
	sfs_jsonw_end(w);
	assert_int_equal(sfs_jsonw_finish(w, false, &text, NULL), 0);
	json = parse(text);
	assert_string_equal(
		sfs_json_string(sfs_json_first(sfs_json_root(json))),
		"a\xef\xbf\xbd\xef\xbf\xbdz");
	sfs_json_free(json);
	free(text);
	sfs_jsonw_free(w);
}

static void *parse_often(void *context)
{
	const char *text = "{\"a\":[1,2,{\"b\":\"c\"}],\"d\":\"e\"}";
	struct sfs_json *json;
	const char *why;
	int i;

	(void)context;
	for (i = 0; i < 500; i++) {
		if (sfs_json_parse(text, strlen(text), &json, &why) < 0)
			return (void *)1;
		sfs_json_free(json);
	}
	return NULL;
}

static void threads_parse_at_once(void **state)
{
	pthread_t threads[4];
	void *failed;
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, parse_often, NULL),
			0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree_is_in_order),
		cmocka_unit_test(values_have_their_types),
		cmocka_unit_test(booleans_are_exact),
		cmocka_unit_test(escapes_are_decoded),
		cmocka_unit_test(malformed_is_refused),
		cmocka_unit_test(doubled_members_are_refused),
		cmocka_unit_test(inexact_integers_are_refused),
		cmocka_unit_test(broken_text_is_refused),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(large_objects_are_not_slow),
		cmocka_unit_test(too_long_is_refused),
		cmocka_unit_test(writer_lays_out),
		cmocka_unit_test(writer_makes_bytes_into_text),
		cmocka_unit_test(threads_parse_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
