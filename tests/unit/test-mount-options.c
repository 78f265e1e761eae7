/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "fuse/options.h"
#include "src/log.h"

static void to_nowhere(enum sfs_level level, const char *text)
{
	(void)level;
	(void)text;
}

/* Parse "mount.snapfs repo dir" and the arguments up to NULL. */
static int parse(struct sfs_mount_options *options, ...)
{
	const char *argv[16] = { "mount.snapfs", "repo", "dir" };
	int argc = 3;
	va_list args;

	va_start(args, options);
	while ((argv[argc] = va_arg(args, const char *)))
		argc++;
	va_end(args);
	optind = 0; /* begin anew */
	return sfs_mount_options_parse(options, argc, (char **)argv);
}

static void assert_words(const char *words, int want)
{
	CLEANUP_MOUNT_OPTIONS struct sfs_mount_options options;

	assert_int_equal(parse(&options, "-o", words, NULL), want);
}

static void test_defaults(void **state)
{
	CLEANUP_MOUNT_OPTIONS struct sfs_mount_options options;

	(void)state;
	assert_int_equal(parse(&options, NULL), 0);
	assert_string_equal(options.repository, "repo");
	assert_string_equal(options.directory, "dir");
	assert_int_equal(options.uid, getuid());
	assert_int_equal(options.gid, getgid());
	assert_int_equal(options.umask, 0);
	assert_int_equal(options.cache_size, 0);
	assert_null(options.log);
	assert_null(options.scratch_dir);
	assert_false(options.uid_given);
	assert_false(options.noscratch);
	assert_false(options.allow_other);
	assert_false(options.foreground);
}

static void test_values(void **state)
{
	CLEANUP_MOUNT_OPTIONS struct sfs_mount_options options;

	(void)state;
	assert_int_equal(
		parse(&options, "-sfnv", "-t", "fuse.snapfs", "-o",
		      "uid=7,gid=8,umask=027,cache_size=3G,,foreground", "-o",
		      "log=/a b,allow_other,scratch_dir=/c d", NULL),
		0);
	assert_int_equal(options.uid, 7);
	assert_int_equal(options.gid, 8);
	assert_int_equal(options.umask, 027);
	assert_int_equal(options.cache_size, (size_t)3 << 30);
	assert_true(options.uid_given);
	assert_string_equal(options.log, "/a b");
	assert_string_equal(options.scratch_dir, "/c d");
	assert_true(options.foreground && options.allow_other);
	assert_true(options.sloppy && options.fake && options.verbose);
}

static void test_mount_words_are_dropped(void **state)
{
	(void)state;
	assert_words("rw,defaults,noauto,nofail,user,_netdev,noatime", 0);
	assert_words("x-systemd.automount,x-foo=1,X-bar,user=me,comment=a", 0);
	assert_words("", 0);
	assert_words(",", 0);
}

static void test_without_scratch(void **state)
{
	static const char *const words[] = { "noscratch", "ro", "rw,ro",
					     "scratch_dir=/x,ro" };
	size_t i;

	(void)state;
	for (i = 0; i < SFS_ARRAY_SIZE(words); i++) {
		CLEANUP_MOUNT_OPTIONS struct sfs_mount_options options;

		assert_int_equal(parse(&options, "-o", words[i], NULL), 0);
		assert_true(options.noscratch);
	}
}

static void test_unknown_words_are_refused(void **state)
{
	(void)state;
	assert_words("nonsense", -EINVAL);
	assert_words("nonsense=1", -EINVAL);
	assert_words("remount", -EINVAL);
	assert_words("files", -EINVAL);
	assert_words("noscratch=1", -EINVAL);
	assert_words("scratch_dir", -EINVAL);
	assert_words("fsname=x", -EINVAL);
	assert_words("allow_other=1", -EINVAL);
	assert_words("uid", -EINVAL);
}

static void test_sloppy_wherever_it_stands(void **state)
{
	CLEANUP_MOUNT_OPTIONS struct sfs_mount_options options;

	(void)state;
	assert_int_equal(parse(&options, "-o", "nonsense", "-s", NULL), 0);
}

static void test_bad_values_are_refused(void **state)
{
	(void)state;
	assert_words("uid=-1", -EINVAL);
	assert_words("uid=4294967295", -EINVAL);
	assert_words("uid=", -EINVAL);
	assert_words("gid=5x", -EINVAL);
	assert_words("umask=8", -EINVAL);
	assert_words("umask=1000", -EINVAL);
	assert_words("cache_size=", -EINVAL);
	assert_words("cache_size=0", -EINVAL);
	assert_words("cache_size=-1G", -EINVAL);
	assert_words("cache_size=1MB", -EINVAL);
	assert_words("cache_size=99999999999999999999", -EINVAL);
	assert_words("cache_size=18446744073709551615K", -EINVAL);
	assert_words("log=", -EINVAL);
	assert_words("scratch_dir=", -EINVAL);
}

static void test_operands(void **state)
{
	CLEANUP_MOUNT_OPTIONS struct sfs_mount_options options;
	const char *one[] = { "mount.snapfs", "repo", NULL };

	(void)state;
	assert_int_equal(parse(&options, "more", NULL), -EINVAL);
	sfs_mount_options_done(&options);
	optind = 0;
	assert_int_equal(sfs_mount_options_parse(&options, 2, (char **)one),
			 -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_mount_words_are_dropped),
		cmocka_unit_test(test_without_scratch),
		cmocka_unit_test(test_unknown_words_are_refused),
		cmocka_unit_test(test_sloppy_wherever_it_stands),
		cmocka_unit_test(test_bad_values_are_refused),
		cmocka_unit_test(test_operands),
	};

	sfs_log_set_sink(to_nowhere);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
