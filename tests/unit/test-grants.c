/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "src/cleanup.h"
#include "src/grants.h"
#include "src/log.h"

static char logged[256];

static void keep(enum sfs_level level, const char *text)
{
	(void)level;
	strncpy(logged, text, sizeof(logged) - 1);
}

static struct sfs_grant user(uint32_t id)
{
	return (struct sfs_grant){ SFS_GRANT_USER, id };
}

static struct sfs_grant group(uint32_t id)
{
	return (struct sfs_grant){ SFS_GRANT_GROUP, id };
}

static const struct sfs_grant all = { SFS_GRANT_ALL, 0 };

static void expect(const struct sfs_grants *grants, const char *text)
{
	char *s = NULL;

	assert_int_equal(sfs_grants_format(grants, &s), 0);
	assert_string_equal(s, text);
	free(s);
}

static void they_stay_in_order_and_single(void **state)
{
	struct sfs_grants grants = { 0 };

	(void)state;
	expect(&grants, "");
	assert_int_equal(sfs_grants_add(&grants, all), 1);
	assert_int_equal(sfs_grants_add(&grants, group(4)), 1);
	assert_int_equal(sfs_grants_add(&grants, user(1000)), 1);
	assert_int_equal(sfs_grants_add(&grants, user(0)), 1);
	assert_int_equal(sfs_grants_add(&grants, user(999)), 1);
	assert_int_equal(sfs_grants_add(&grants, user(1000)), 0);
	assert_int_equal(sfs_grants_add(&grants, group(4)), 0);
	assert_int_equal(sfs_grants_add(&grants, all), 0);
	expect(&grants, "user:0 user:999 user:1000 group:4 all");
	assert_int_equal(grants.count, 5);
	assert_true(sfs_grants_has(&grants, user(999)));
	assert_false(sfs_grants_has(&grants, group(999)));
	sfs_grants_done(&grants);
	assert_int_equal(grants.count, 0);
}

static void they_can_be_taken_back(void **state)
{
	struct sfs_grants grants = { 0 };

	(void)state;
	assert_false(sfs_grants_remove(&grants, all));
	assert_int_equal(sfs_grants_parse("user:1 user:2 group:1 all", &grants),
			 0);
	assert_false(sfs_grants_remove(&grants, user(3)));
	assert_true(sfs_grants_remove(&grants, user(1)));
	assert_false(sfs_grants_remove(&grants, user(1)));
	assert_true(sfs_grants_remove(&grants, all));
	expect(&grants, "user:2 group:1");
	assert_true(sfs_grants_remove(&grants, user(2)));
	assert_true(sfs_grants_remove(&grants, group(1)));
	expect(&grants, "");
	sfs_grants_done(&grants);
}

static void copies_are_their_own(void **state)
{
	struct sfs_grants grants = { 0 }, copy = { 0 };

	(void)state;
	assert_int_equal(sfs_grants_copy(&copy, &grants), 0);
	assert_int_equal(copy.count, 0);
	assert_int_equal(sfs_grants_add(&grants, user(7)), 1);
	assert_int_equal(sfs_grants_copy(&copy, &grants), 0);
	assert_true(sfs_grants_remove(&grants, user(7)));
	expect(&copy, "user:7");
	sfs_grants_done(&grants);
	sfs_grants_done(&copy);
}

static void they_allow_whom_they_name(void **state)
{
	static const uint32_t groups[] = { 5, 6, 7 };
	struct sfs_grants none = { 0 }, some = { 0 }, open = { 0 };

	(void)state;
	assert_false(sfs_grants_allow(&none, 0, groups, 3));
	assert_false(sfs_grants_allow(&none, 0, NULL, 0));
	assert_int_equal(sfs_grants_parse("user:5 group:7", &some), 0);
	assert_true(sfs_grants_allow(&some, 5, NULL, 0));
	assert_false(sfs_grants_allow(&some, 7, NULL, 0));
	assert_false(sfs_grants_allow(&some, 0, NULL, 0));
	assert_true(sfs_grants_allow(&some, 0, groups, 3));
	assert_false(sfs_grants_allow(&some, 0, groups, 2));
	assert_int_equal(sfs_grants_parse("all", &open), 0);
	assert_true(sfs_grants_allow(&open, 12345, NULL, 0));
	assert_true(sfs_grants_allow(&open, UINT32_MAX, NULL, 0));
	sfs_grants_done(&some);
	sfs_grants_done(&open);
}

static void there_are_256_at_most(void **state)
{
	struct sfs_grants grants = { 0 }, back = { 0 };
	CLEANUP_FREE char *longer = NULL;
	CLEANUP_FREE char *text = NULL;
	uint32_t i;

	(void)state;
	sfs_log_set_sink(keep);
	for (i = 0; i < SFS_GRANTS_MAX; i++)
		assert_int_equal(
			sfs_grants_add(&grants, user(UINT32_MAX - 1 - i)), 1);
	assert_int_equal(sfs_grants_add(&grants, group(UINT32_MAX - 1)),
			 -E2BIG);
	assert_non_null(strstr(logged, "'group:4294967294'"));
	assert_int_equal(grants.count, SFS_GRANTS_MAX);
	assert_int_equal(sfs_grants_add(&grants, user(UINT32_MAX - 1)), 0);
	assert_int_equal(sfs_grants_format(&grants, &text), 0);
	assert_int_equal(sfs_grants_parse(text, &back), 0);
	assert_int_equal(back.count, SFS_GRANTS_MAX);
	sfs_grants_done(&back);
	/* In text one more is refused without a word. */
	logged[0] = '\0';
	longer = sfs_asprintf("%s all", text);
	assert_non_null(longer);
	assert_int_equal(sfs_grants_parse(longer, &back), -EINVAL);
	assert_string_equal(logged, "");
	sfs_grants_done(&grants);
}

static void text_comes_back(void **state)
{
	static const char *const good[] = {
		"",
		"all",
		"user:0",
		"user:4294967294",
		"group:0 all",
		"user:1000 group:4 all",
		"user:9 user:10 group:9 group:10",
	};
	struct sfs_grants grants;
	size_t i;

	(void)state;
	for (i = 0; i < SFS_ARRAY_SIZE(good); i++) {
		assert_int_equal(sfs_grants_parse(good[i], &grants), 0);
		expect(&grants, good[i]);
		sfs_grants_done(&grants);
	}
}

static void only_one_spelling_is_text(void **state)
{
	static const char *const bad[] = {
		" ",
		" all",
		"all ",
		"user",
		"user:",
		"user: 1",
		"user:-1",
		"user:+1",
		"user:01",
		"user:00",
		"user:0x1",
		"user:4294967295",
		"user:99999999999999999999999",
		"user:1000user:1001",
		"user:1  all",
		"all user:1",
		"group:1 user:1",
		"user:2 user:1",
		"user:1 user:1",
		"all all",
		"USER:1",
		"user:1\n",
		"user:1,all",
		"alle",
		"everyone",
		"all:0",
	};
	struct sfs_grants grants = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < SFS_ARRAY_SIZE(bad); i++)
		if (sfs_grants_parse(bad[i], &grants) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
	assert_null(grants.grants);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_stay_in_order_and_single),
		cmocka_unit_test(they_can_be_taken_back),
		cmocka_unit_test(copies_are_their_own),
		cmocka_unit_test(they_allow_whom_they_name),
		cmocka_unit_test(there_are_256_at_most),
		cmocka_unit_test(text_comes_back),
		cmocka_unit_test(only_one_spelling_is_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
