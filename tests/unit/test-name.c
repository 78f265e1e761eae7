/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "format/limits.h"
#include "format/name.h"

static void volume_names(void **state)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"
				      "OPQRSTUVWXYZ0123456789._-";
	static const char *const good[] = { "a", "db.data", "_x", "9",
					    "web-1_root.old" };
	static const char *const bad[] = { "",	       ".",   "..",	 ".a",
					   "-a",       "a/b", "a b",	 "a\n",
					   "a@latest", "a=b", "\xc3\xa4" };
	const char *why = NULL;
	char name[] = "a?";
	unsigned i;
	int c;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(sfs_name_volume_ok(good[i], &why));
	assert_null(why);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		why = NULL;
		assert_false(sfs_name_volume_ok(bad[i], &why));
		assert_non_null(why);
	}
	for (c = 1; c < 256; c++) {
		name[1] = (char)c;
		assert_int_equal(sfs_name_volume_ok(name, &why),
				 strchr(allowed, c) != NULL);
	}
}

static void volume_names_have_64_bytes_at_most(void **state)
{
	char name[66];
	const char *why;

	(void)state;
	memset(name, 'a', 65);
	name[65] = '\0';
	assert_false(sfs_name_volume_ok(name, &why));
	assert_string_equal(why, "is longer than 64 bytes");
	name[64] = '\0';
	assert_true(sfs_name_volume_ok(name, &why));
}

static void image_names(void **state)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"
				      "OPQRSTUVWXYZ0123456789 ()[].-_'@";
	static const char *const good[] = {
		"web",	      "web-2026-11", "Web (old) [2].img",
		"it's 5@x_y", "(a)",	     "img-1234",
		"_..",	      "a-.",	     "img-0123456789abcdeg0",
	};
	static const char *const bad[] = {
		"",
		"a",
		"ab",
		".ab",
		"-ab",
		" ab",
		"ab ",
		"a/b",
		"../",
		"a\nb",
		"a\tb",
		"a\xc3\xa4",
		"a=b",
		"a:b",
		"a\"b",
		"a,b",
		"a\\b",
		"...",
		"img-0123456789abcdef0",
	};
	const char *why = NULL;
	char name[] = "a?b";
	unsigned i;
	int c;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!sfs_name_image_ok(good[i], &why))
			fail_msg("'%s' %s", good[i], why);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		why = NULL;
		if (sfs_name_image_ok(bad[i], &why))
			fail_msg("'%s' passes", bad[i]);
		assert_non_null(why);
	}
	for (c = 1; c < 256; c++) {
		name[1] = (char)c;
		assert_int_equal(sfs_name_image_ok(name, &why),
				 strchr(allowed, c) != NULL);
	}
}

static void image_names_have_128_bytes_at_most(void **state)
{
	char name[SFS_IMAGE_NAME_MAX + 2];
	const char *why;

	(void)state;
	memset(name, 'a', sizeof(name));
	name[SFS_IMAGE_NAME_MAX + 1] = '\0';
	assert_false(sfs_name_image_ok(name, &why));
	assert_string_equal(why, "is longer than 128 bytes");
	name[SFS_IMAGE_NAME_MAX] = '\0';
	assert_true(sfs_name_image_ok(name, &why));
}

static void devices_have_file_names(void **state)
{
	static const struct {
		const char *device, *file;
	} good[] = {
		{ "/dev/sda1", "sda1" },
		{ "xvda", "xvda" },
		{ "/dev/disk/by-id/x.1", "disk_by-id_x.1" },
		{ "/srv/disk", "_srv_disk" },
		{ "/dev", "_dev" },
		{ "dev/sda", "dev_sda" },
		{ "/dev/a/root", "a_root" },
		{ "root1", "root1" },
		{ "/root", "_root" },
		{ "Root", "Root" },
		{ "a/.b", "a_.b" },
		{ "a/...", "a_..." },
	};
	static const char *const bad[] = {
		"",	     "/",	  "/dev/",    "/dev//sda", "//dev/sda",
		"/dev/sda/", "/dev/../x", "/dev/./x", "..",	   ".",
		"a/..",	     "a/./b",	  "/dev/.x",  ".x",	   "-x",
		"/dev/-x",   "/dev/root", "root",     "/dev/a b",  "sda:1",
		"/dev/a\nb", "\xc3\xa4",  "a=b",      "a,b",
	};
	char file[SFS_DEVICE_FILE_SIZE];
	const char *why = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		if (!sfs_name_device_ok(good[i].device, &why))
			fail_msg("'%s' %s", good[i].device, why);
		sfs_name_device_file(good[i].device, file);
		assert_string_equal(file, good[i].file);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		why = NULL;
		if (sfs_name_device_ok(bad[i], &why))
			fail_msg("'%s' passes", bad[i]);
		assert_non_null(why);
	}
}

static void devices_have_64_bytes_at_most(void **state)
{
	char device[SFS_DEVICE_NAME_MAX + 2], file[SFS_DEVICE_FILE_SIZE];
	const char *why;

	(void)state;
	memset(device, 'a', sizeof(device));
	device[SFS_DEVICE_NAME_MAX + 1] = '\0';
	assert_false(sfs_name_device_ok(device, &why));
	assert_string_equal(why, "is longer than 64 bytes");
	device[SFS_DEVICE_NAME_MAX] = '\0';
	assert_true(sfs_name_device_ok(device, &why));
	sfs_name_device_file(device, file);
	assert_string_equal(file, device);
}

static size_t encode(unsigned c, unsigned char ret[5])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, i;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (i = n - 1; i > 0; i--, c >>= 6)
		ret[i] = (unsigned char)(0x80 | (c & 0x3f));
	ret[0] = (unsigned char)(lead[n] | c);
	ret[n] = '\0';
	return n;
}

static void every_code_point_decodes(void **state)
{
	unsigned char s[5];
	unsigned c, back;
	size_t n;

	(void)state;
	for (c = 0; c < 0x110100; c++) {
		n = encode(c, s);
		back = 0xffffffff;
		if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
			assert_int_equal(sfs_utf8_decode(s, n, &back), 0);
			continue;
		}
		assert_int_equal(sfs_utf8_decode(s, n, &back), n);
		assert_int_equal(back, c);
		/* Cut short, it is nothing. */
		assert_int_equal(sfs_utf8_decode(s, n - 1, &back), 0);
	}
}

/* Of all pairs and triples of bytes, only those that the encoder makes. */
static void nothing_else_decodes(void **state)
{
	unsigned char s[3], again[5];
	unsigned i, c;
	size_t n;

	(void)state;
	for (i = 0; i < 1 << 24; i++) {
		s[0] = (unsigned char)(i >> 16);
		s[1] = (unsigned char)(i >> 8);
		s[2] = (unsigned char)i;
		if (s[0] < 0x80)
			i += 0xffff;
		n = sfs_utf8_decode(s, sizeof(s), &c);
		if (n > 0 && (encode(c, again) != n || memcmp(s, again, n)))
			fail_msg("%02x%02x%02x decodes", s[0], s[1], s[2]);
	}
	/* Longer forms: overlong, too large, and those of old. */
	assert_int_equal(sfs_utf8_decode((const unsigned char *)"\xf0\x8f\xbf"
								"\xbf",
					 4, &c),
			 0);
	assert_int_equal(sfs_utf8_decode((const unsigned char *)"\xf4\x90\x80"
								"\x80",
					 4, &c),
			 0);
	assert_int_equal(sfs_utf8_decode((const unsigned char *)"\xf8\x88\x80"
								"\x80\x80",
					 5, &c),
			 0);
}

static bool listed(unsigned c)
{
	return c <= 0x1f || (c >= 0x7f && c <= 0x9f) || c == 0x61c ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

/* FORMAT.md, Conventions, has the list. */
static void text_holds_nothing_invisible(void **state)
{
	unsigned char s[5];
	const char *why;
	unsigned c;

	(void)state;
	for (c = 1; c <= 0x10ffff; c++) {
		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		encode(c, s);
		if (sfs_name_text_ok((const char *)s, 4, &why) == listed(c))
			fail_msg("U+%04X is misjudged", c);
	}
}

static void text_is_bounded_in_bytes(void **state)
{
	const char *why = NULL;

	(void)state;
	assert_true(sfs_name_text_ok("", 0, &why));
	assert_true(sfs_name_text_ok("Tür", 4, &why));
	assert_false(sfs_name_text_ok("Tür", 3, &why));
	assert_string_equal(why, "is too long");
	assert_false(sfs_name_text_ok("T\xc3", 9, &why));
	assert_string_equal(why, "is not valid UTF-8");
	assert_false(sfs_name_text_ok("T\x1b[2J", 9, &why));
	assert_string_equal(why, "holds a control or invisible character");
}

static void tag_keys(void **state)
{
	char key[SFS_TAG_KEY_MAX + 2];
	const char *why = NULL;

	(void)state;
	assert_true(sfs_name_tag_key_ok("Name", &why));
	assert_true(sfs_name_tag_key_ok("cost centre: 7/ä", &why));
	assert_false(sfs_name_tag_key_ok("", &why));
	assert_false(sfs_name_tag_key_ok("a=b", &why));
	assert_false(sfs_name_tag_key_ok("a\tb", &why));
	memset(key, 'k', sizeof(key));
	key[sizeof(key) - 1] = '\0';
	assert_false(sfs_name_tag_key_ok(key, &why));
	key[SFS_TAG_KEY_MAX] = '\0';
	assert_true(sfs_name_tag_key_ok(key, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(volume_names),
		cmocka_unit_test(volume_names_have_64_bytes_at_most),
		cmocka_unit_test(image_names),
		cmocka_unit_test(image_names_have_128_bytes_at_most),
		cmocka_unit_test(devices_have_file_names),
		cmocka_unit_test(devices_have_64_bytes_at_most),
		cmocka_unit_test(every_code_point_decodes),
		cmocka_unit_test(nothing_else_decodes),
		cmocka_unit_test(text_holds_nothing_invisible),
		cmocka_unit_test(text_is_bounded_in_bytes),
		cmocka_unit_test(tag_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
