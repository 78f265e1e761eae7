/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format/time.h"

/* 2026-11-22T10:24:58Z */
#define THEN (INT64_C(1795343098) * SFS_SECOND)
/* 2262-01-01T00:00:00Z */
#define END (INT64_C(9214646400) * SFS_SECOND)

static void the_form_is_as_told(void **state)
{
	char s[SFS_TIME_SIZE];

	(void)state;
	sfs_time_format(THEN, s);
	assert_string_equal(s, "2026-11-22T10:24:58Z");
	sfs_time_format(THEN + 123000000, s);
	assert_string_equal(s, "2026-11-22T10:24:58.123Z");
	sfs_time_format(THEN + 5000000, s);
	assert_string_equal(s, "2026-11-22T10:24:58.005Z");
	sfs_time_format(THEN + 1, s);
	assert_string_equal(s, "2026-11-22T10:24:58.000000001Z");
	sfs_time_format(THEN + 999999999, s);
	assert_string_equal(s, "2026-11-22T10:24:58.999999999Z");
	sfs_time_format(0, s);
	assert_string_equal(s, "1970-01-01T00:00:00Z");
	sfs_time_format(END - 1, s);
	assert_string_equal(s, "2261-12-31T23:59:59.999999999Z");
	sfs_time_format_name(THEN + 123000000, s);
	assert_string_equal(s, "2026-11-22T10-24-58.123Z");
}

/* Each day up to the end, at some hour: as libc has it, and back. */
static void every_day_comes_back(void **state)
{
	char s[SFS_TIME_SIZE], expected[SFS_TIME_SIZE + 40];
	int64_t second, back;
	struct tm tm;
	time_t t;

	(void)state;
	for (second = 0; second < END / SFS_SECOND; second += 86400 - 61) {
		t = second;
		gmtime_r(&t, &tm);
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%SZ", &tm);
		sfs_time_format(second * SFS_SECOND, s);
		assert_string_equal(s, expected);
		assert_true(sfs_time_parse(s, &back));
		assert_int_equal(back, second * SFS_SECOND);
	}
}

static void fractions_come_back(void **state)
{
	static const int64_t ns[] = { 1,	 10,	    999,
				      1000,	 1000000,   120000000,
				      999000000, 999999000, 999999999 };
	char s[SFS_TIME_SIZE];
	int64_t back;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ns) / sizeof(*ns); i++) {
		sfs_time_format(THEN + ns[i], s);
		assert_true(sfs_time_parse(s, &back));
		assert_int_equal(back, THEN + ns[i]);
	}
}

/* One spelling for each moment. */
static void other_spellings_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"2026-11-22",
		"2026-11-22T10:24Z",
		"2026-11-22T10:24:58",
		"2026-11-22T10:24:58z",
		"2026-11-22t10:24:58Z",
		"2026-11-22 10:24:58Z",
		"2026-11-22T10-24-58Z",
		"2026-11-22T10:24:58+00:00",
		"2026-11-22T10:24:58.0Z",
		"2026-11-22T10:24:58.000Z",
		"2026-11-22T10:24:58.1Z",
		"2026-11-22T10:24:58.12Z",
		"2026-11-22T10:24:58.123456Z",
		"2026-11-22T10:24:58.123000000Z",
		"2026-11-22T10:24:58.1234567891Z",
		"2026-11-22T10:24:58,123Z",
		"2026-11-22T10:24:60Z",
		"2026-11-22T10:60:00Z",
		"2026-11-22T24:00:00Z",
		"2026-11-31T10:24:58Z",
		"2026-02-29T10:24:58Z",
		"2100-02-29T10:24:58Z",
		"2026-00-22T10:24:58Z",
		"2026-13-22T10:24:58Z",
		"2026-11-00T10:24:58Z",
		"1969-12-31T23:59:59Z",
		"2262-01-01T00:00:00Z",
		"9999-12-31T23:59:59Z",
		"02026-11-22T10:24:58Z",
		"-026-11-22T10:24:58Z",
		" 2026-11-22T10:24:58Z",
		"2026-11-22T10:24:58Z ",
		"2026-11-22T10:24:58ZZ",
	};
	int64_t back = 7;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (sfs_time_parse(bad[i], &back))
			fail_msg("'%s' is taken", bad[i]);
	assert_int_equal(back, 7);
	assert_true(sfs_time_parse("2024-02-29T00:00:00Z", &back));
	assert_true(sfs_time_parse("2000-02-29T00:00:00Z", &back));
}

static void assert_names(const char *s, int64_t first, int64_t span)
{
	int64_t ret_first, ret_last;

	if (!sfs_time_parse_user(s, &ret_first, &ret_last))
		fail_msg("'%s' is refused", s);
	if (ret_first != first || ret_last != first + span - 1)
		fail_msg("'%s' is misunderstood", s);
}

static void users_may_write_less(void **state)
{
	const int64_t minute = 60 * SFS_SECOND, hour = 60 * minute;
	const int64_t day = 24 * hour, midnight = THEN - THEN % day;

	(void)state;
	assert_names("2026-11-22", midnight, day);
	assert_names("2026-11-22T10:24", THEN - 58 * SFS_SECOND, minute);
	assert_names("2026-11-22 10:24", THEN - 58 * SFS_SECOND, minute);
	assert_names("2026-11-22T10:24Z", THEN - 58 * SFS_SECOND, minute);
	assert_names("2026-11-22t10:24z", THEN - 58 * SFS_SECOND, minute);
	assert_names("2026-11-22T10:24:58", THEN, SFS_SECOND);
	assert_names("2026-11-22T10:24:58Z", THEN, SFS_SECOND);
	assert_names("2026-11-22T10-24-58Z", THEN, SFS_SECOND);
	assert_names("2026-11-22T10-24-58", THEN, SFS_SECOND);
	assert_names("2026-11-22T10:24:58.5Z", THEN + SFS_SECOND / 2,
		     SFS_SECOND / 10);
	assert_names("2026-11-22T10:24:58.123456789Z", THEN + 123456789, 1);
	assert_names("2026-11-22T10-24-58.123Z", THEN + 123000000, 1000000);
}

static void zones_are_understood(void **state)
{
	const int64_t minute = 60 * SFS_SECOND, hour = 60 * minute;

	(void)state;
	assert_names("2026-11-22T12:24:58+02:00", THEN, SFS_SECOND);
	assert_names("2026-11-22T05:24:58-05:00", THEN, SFS_SECOND);
	assert_names("2026-11-22T10:24:58+00:00", THEN, SFS_SECOND);
	assert_names("2026-11-22T15:54:58+05:30", THEN, SFS_SECOND);
	assert_names("2026-11-22T05:24-05:00", THEN - 58 * SFS_SECOND, minute);
	assert_names("2026-11-23T00:24:58.000+14:00", THEN, 1000000);
	assert_names("1970-01-01T01:00+01:00", 0, minute);
	assert_names("1970-01-01T00:00-01:00", hour, minute);
}

static void nonsense_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"now",
		"2026",
		"2026-11",
		"2026-1-2",
		"2026/11/22",
		"2026-02-29",
		"2100-02-29",
		"2026-11-22T",
		"2026-11-22T10",
		"2026-11-22T1:24",
		"2026-11-22T10:2",
		"2026-11-22T10:24:5",
		"2026-11-22T10:24:58.",
		"2026-11-22T10:24:58.Z",
		"2026-11-22T10:24:58.1234567890",
		"2026-11-22T25:00",
		"2026-11-22T10:24:58+24:00",
		"2026-11-22T10:24:58+02:60",
		"2026-11-22T10:24:58+0200",
		"2026-11-22T10:24:58+02",
		"2026-11-22T10:24:58+02:00x",
		"2026-11-22Z",
		"2026-11-22T10:24:58Zx",
		"1970-01-01T00:00+01:00",
		"1969-12-31",
		"2262-01-01",
	};
	int64_t first = 7, last = 7;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (sfs_time_parse_user(bad[i], &first, &last))
			fail_msg("'%s' is taken", bad[i]);
	assert_int_equal(first, 7);
	assert_int_equal(last, 7);
}

/* What the mount shows can be pasted. */
static void names_of_the_mount_can_be_pasted(void **state)
{
	static const int64_t ns[] = { 0, 1, 123000000, 999999999 };
	int64_t first, last;
	char s[SFS_TIME_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ns) / sizeof(*ns); i++) {
		sfs_time_format_name(THEN + ns[i], s);
		assert_true(sfs_time_parse_user(s, &first, &last));
		assert_int_equal(first, THEN + ns[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_form_is_as_told),
		cmocka_unit_test(every_day_comes_back),
		cmocka_unit_test(fractions_come_back),
		cmocka_unit_test(other_spellings_are_refused),
		cmocka_unit_test(users_may_write_less),
		cmocka_unit_test(zones_are_understood),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(names_of_the_mount_can_be_pasted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
