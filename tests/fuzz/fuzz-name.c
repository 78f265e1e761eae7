/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Names, texts, permissions and ids. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/id.h"
#include "format/limits.h"
#include "format/name.h"
#include "src/grants.h"
#include "tests/fuzz/fuzz.h"

static void check_names(const char *s)
{
	const char *why = NULL;
	size_t i;

	if (sfs_name_volume_ok(s, &why)) {
		assert(strlen(s) <= SFS_VOLUME_NAME_MAX && *s != '.');
		assert(!strchr(s, '/') && sfs_name_text_ok(s, 64, &why));
	} else {
		assert(why);
	}
	if (sfs_name_image_ok(s, &why)) {
		assert(strlen(s) >= 3 && strlen(s) <= SFS_IMAGE_NAME_MAX);
		assert(*s != '.' && !strchr(s, '/'));
		assert(!sfs_id_valid(s, SFS_ID_IMAGE));
	}
	if (sfs_name_text_ok(s, SFS_DESCRIPTION_MAX, &why)) {
		assert(strlen(s) <= SFS_DESCRIPTION_MAX);
		for (i = 0; s[i]; i++)
			assert((unsigned char)s[i] >= 0x20 && s[i] != 0x7f);
	}
	if (sfs_name_tag_key_ok(s, &why))
		assert(*s && !strchr(s, '='));
}

static void check_devices(const char *s)
{
	char file[SFS_DEVICE_FILE_SIZE];
	const char *why = NULL;

	if (!sfs_name_device_ok(s, &why)) {
		assert(why);
		return;
	}
	sfs_name_device_file(s, file);
	/* Letters, digits, dots, dashes and underscores, as volumes have. */
	assert(*file == '_' || sfs_name_volume_ok(file, &why));
	assert(!strchr(file, '/') && strcmp(file, "root") != 0);
}

static void check_grants(const char *s)
{
	struct sfs_grants grants;
	char *again;

	if (sfs_grants_parse(s, &grants) < 0)
		return;
	assert(grants.count <= SFS_GRANTS_MAX);
	if (sfs_grants_format(&grants, &again) < 0)
		abort();
	assert(strcmp(again, s) == 0);
	free(again);
	sfs_grants_done(&grants);
}

static void check_ids(const char *s)
{
	uint8_t bytes[SFS_UUID_LEN];
	char again[SFS_UUID_SIZE];

	if (sfs_id_valid(s, SFS_ID_SNAPSHOT))
		assert(strlen(s) == 22 && !sfs_id_valid(s, SFS_ID_SET));
	if (sfs_uuid_parse(s, bytes)) {
		sfs_uuid_format(bytes, again);
		assert(strcmp(again, s) == 0);
	}
	if (sfs_hex_parse(s, bytes, sizeof(bytes))) {
		sfs_hex_format(bytes, sizeof(bytes), again);
		assert(strcmp(again, s) == 0);
	}
}

static void check_utf8(const uint8_t *bytes, size_t size)
{
	unsigned code;
	size_t n;

	for (; size > 0; bytes += n, size -= n) {
		n = sfs_utf8_decode(bytes, size, &code);
		assert(n <= 4 && n <= size);
		if (n == 0)
			return;
		assert(code <= 0x10ffff && (code < 0xd800 || code > 0xdfff));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *s = sfs_fuzz_string(bytes, size);

	check_utf8(bytes, size);
	check_names(s);
	check_devices(s);
	check_grants(s);
	check_ids(s);
	free(s);
	return 0;
}
