/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Records of images, as such and with their checks put right. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/name.h"
#include "src/record.h"
#include "tests/fuzz/fuzz.h"
#include "tests/golden/golden.h"

/* The id in the text, which the file would have to be named after. */
static void find_id(const char *file, size_t size, char ret[SFS_ID_SIZE])
{
	static const char key[] = "\"ImageId\": \"";
	const char *at = memmem(file, size, key, sizeof(key) - 1);

	memset(ret, 0, SFS_ID_SIZE);
	if (at && (size_t)(file + size - at) >= sizeof(key) - 1 + 21)
		memcpy(ret, at + sizeof(key) - 1, 21);
}

/* What the mount and whoever restores it may count on. */
static void check_image(const struct sfs_image *image)
{
	char files[SFS_MAPPINGS_MAX][SFS_DEVICE_FILE_SIZE];
	const char *what, *why;
	size_t i, j;
	int r;

	r = sfs_image_check(image, &what, &why);
	assert(r == 0);
	assert(!strchr(image->name, '/') && *image->name != '.');
	assert(sfs_image_root(image)->kind == SFS_MAPPING_SNAPSHOT);
	assert(sfs_image_uses(image, sfs_image_root(image)->snapshot));
	assert(image->mapping_count <= SFS_MAPPINGS_MAX);
	for (i = 0; i < image->mapping_count; i++) {
		sfs_name_device_file(image->mappings[i].device, files[i]);
		assert(*files[i] && !strchr(files[i], '/'));
		assert(*files[i] != '.' && strcmp(files[i], "root") != 0);
		for (j = 0; j < i; j++)
			assert(strcmp(files[i], files[j]) != 0);
	}
}

static void check_grants(const struct sfs_grants *grants)
{
	struct sfs_grants back;
	char *text, *again;
	int r;

	r = sfs_grants_format(grants, &text);
	if (r < 0)
		abort();
	r = sfs_grants_parse(text, &back);
	assert(r == 0 && back.count == grants->count);
	r = sfs_grants_format(&back, &again);
	if (r < 0)
		abort();
	assert(strcmp(text, again) == 0);
	sfs_grants_done(&back);
	free(again);
	free(text);
}

static void decode_image(const struct sfs_config *config, const char *file,
			 size_t size)
{
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	CLEANUP_IMAGE struct sfs_image *back = NULL;
	CLEANUP_FREE char *once = NULL;
	CLEANUP_FREE char *twice = NULL;
	char id[SFS_ID_SIZE], buffer[SFS_RECORD_WHY_SIZE];
	size_t once_size, twice_size;
	const char *why = NULL;
	int r;

	find_id(file, size, id);
	r = sfs_record_decode_image(config, id, file, size, &image, buffer,
				    &why);
	if (r < 0) {
		assert(why);
		return;
	}
	check_image(image);
	check_grants(&image->grants);
	r = sfs_record_encode_image(config, image, &once, &once_size);
	assert(r == 0);
	r = sfs_record_decode_image(config, id, once, once_size, &back, buffer,
				    &why);
	assert(r == 0 && !back->newer);
	r = sfs_record_encode_image(config, back, &twice, &twice_size);
	assert(r == 0 && once_size == twice_size &&
	       memcmp(once, twice, once_size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sfs_config config;
	char *sealed;

	sfs_fuzz_quiet();
	sfs_golden_config(&config);
	decode_image(&config, (const char *)bytes, size);
	sealed = sfs_fuzz_record(bytes, size);
	decode_image(&config, sealed, size);
	free(sealed);
	return 0;
}
