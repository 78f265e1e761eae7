/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/name.h"

#include <string.h>

#include "format/id.h"
#include "format/limits.h"

static bool fail(const char **reterr_why, const char *why)
{
	*reterr_why = why;
	return false;
}

bool sfs_name_volume_ok(const char *s, const char **reterr_why)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	if (!*s)
		return fail(reterr_why, "is empty");
	if (strlen(s) > SFS_VOLUME_NAME_MAX)
		return fail(reterr_why, "is longer than 64 bytes");
	if (*s == '.' || *s == '-')
		return fail(reterr_why, "starts with a dot or a dash");
	if (s[strspn(s, allowed)])
		return fail(reterr_why,
			    "holds a character other than A-Z a-z 0-9 . _ -");
	return true;
}

bool sfs_name_image_ok(const char *s, const char **reterr_why)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789 ()[].-_'@";
	size_t size = strlen(s);

	if (size < SFS_IMAGE_NAME_MIN)
		return fail(reterr_why, "is shorter than 3 bytes");
	if (size > SFS_IMAGE_NAME_MAX)
		return fail(reterr_why, "is longer than 128 bytes");
	if (*s == '.' || *s == '-')
		return fail(reterr_why, "starts with a dot or a dash");
	if (*s == ' ' || s[size - 1] == ' ')
		return fail(reterr_why, "starts or ends with a space");
	if (s[strspn(s, allowed)])
		return fail(reterr_why, "holds a character other than "
					"A-Z a-z 0-9 space ()[].-_'@");
	if (sfs_id_valid(s, SFS_ID_IMAGE))
		return fail(reterr_why, "has the form of an image's id");
	return true;
}

/* What the file name of @device is made of. */
static const char *device_path(const char *device)
{
	static const char dev[] = "/dev/";

	return strncmp(device, dev, sizeof(dev) - 1) == 0
		       ? device + sizeof(dev) - 1
		       : device;
}

/* Whether a part of @path between slashes is "." or "..". */
static bool has_dot_part(const char *path)
{
	size_t n;

	for (; *path; path += n + (path[n] == '/')) {
		n = strcspn(path, "/");
		if (n >= 1 && n <= 2 && strspn(path, ".") >= n)
			return true;
	}
	return false;
}

bool sfs_name_device_ok(const char *s, const char **reterr_why)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._/-";
	const char *path = device_path(s);

	if (!*path)
		return fail(reterr_why, "is empty");
	if (strlen(s) > SFS_DEVICE_NAME_MAX)
		return fail(reterr_why, "is longer than 64 bytes");
	if (s[strspn(s, allowed)])
		return fail(reterr_why,
			    "holds a character other than A-Z a-z 0-9 . _ / -");
	if (strstr(s, "//") || s[strlen(s) - 1] == '/' || has_dot_part(s))
		return fail(reterr_why, "has a part that is empty, . or ..");
	if (*path == '.' || *path == '-')
		return fail(reterr_why, "starts with a dot or a dash");
	if (strcmp(path, "root") == 0)
		return fail(reterr_why,
			    "is root, which is the root device's file");
	return true;
}

void sfs_name_device_file(const char *device, char ret[SFS_DEVICE_FILE_SIZE])
{
	const char *path = device_path(device);
	size_t i;

	for (i = 0; path[i]; i++)
		ret[i] = path[i] == '/' ? '_' : path[i];
	ret[i] = '\0';
}

size_t sfs_utf8_decode(const unsigned char *s, size_t size, unsigned *ret_code)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n, i;
	unsigned c;

	if (size == 0)
		return 0;
	if (s[0] < 0x80) {
		*ret_code = s[0];
		return 1;
	}
	n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n > size)
		return 0;
	c = s[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_code = c;
	return n;
}

/* Characters that change how a line looks without being seen in it. */
static bool deceptive(unsigned c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

bool sfs_name_text_ok(const char *s, size_t max, const char **reterr_why)
{
	size_t size = strlen(s), n;
	unsigned c;

	if (size > max)
		return fail(reterr_why, "is too long");
	for (; size > 0; s += n, size -= n) {
		n = sfs_utf8_decode((const unsigned char *)s, size, &c);
		if (n == 0)
			return fail(reterr_why, "is not valid UTF-8");
		if (deceptive(c))
			return fail(reterr_why,
				    "holds a control or invisible character");
	}
	return true;
}

bool sfs_name_tag_key_ok(const char *s, const char **reterr_why)
{
	if (!*s)
		return fail(reterr_why, "is empty");
	if (strchr(s, '='))
		return fail(reterr_why, "holds '='");
	return sfs_name_text_ok(s, SFS_TAG_KEY_MAX, reterr_why);
}
