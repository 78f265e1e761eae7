/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/golden/golden.h"

#include <assert.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "format/le.h"
#include "format/time.h"

#define T0 INT64_C(1795343098) /* 2026-11-22T10:24:58Z */

static const char *const paths[SFS_GOLDEN_FILES] = {
	[SFS_GOLDEN_CONFIG] = "snapfs.json",
	[SFS_GOLDEN_PACK_DATA_1] = "packs/01/0123456789abcdef.pack",
	[SFS_GOLDEN_PACK_NODES_1] = "packs/fe/fedcba9876543210.pack",
	[SFS_GOLDEN_PACK_DATA_2] = "packs/11/1111111111111111.pack",
	[SFS_GOLDEN_PACK_NODES_2] = "packs/22/2222222222222222.pack",
	[SFS_GOLDEN_SNAPSHOT_1] = "records/snap-00000000000000001.json",
	[SFS_GOLDEN_SNAPSHOT_2] = "records/snap-00000000000000002.json",
	[SFS_GOLDEN_SNAPSHOT_3] = "records/snap-00000000000000003.json",
	[SFS_GOLDEN_SNAPSHOT_4] = "bin/snap-00000000000000004.json",
	[SFS_GOLDEN_SET_1] = "records/set-00000000000000001.json",
	[SFS_GOLDEN_LOCK] = "lock",
	[SFS_GOLDEN_SNAPSHOT_5] = "records/snap-00000000000000005.json",
	[SFS_GOLDEN_IMAGE_1] = "records/img-00000000000000001.json",
	[SFS_GOLDEN_IMAGE_2] = "records/img-00000000000000002.json",
};

const char *sfs_golden_path(enum sfs_golden_name name)
{
	return paths[name];
}

bool sfs_golden_is_pack(enum sfs_golden_name name)
{
	return name >= SFS_GOLDEN_PACK_DATA_1 &&
	       name <= SFS_GOLDEN_PACK_NODES_2;
}

bool sfs_golden_is_record(enum sfs_golden_name name)
{
	return name != SFS_GOLDEN_LOCK && !sfs_golden_is_pack(name);
}

void sfs_golden_config(struct sfs_config *ret)
{
	unsigned i;

	*ret = (struct sfs_config){
		.chunk_size = SFS_GOLDEN_CHUNK,
		.compression = "lz4",
		.created_ns = T0 * SFS_SECOND - 60 * SFS_SECOND,
	};
	for (i = 0; i < sizeof(ret->uuid); i++)
		ret->uuid[i] = (uint8_t)(0x11 * i);
	for (i = 0; i < sizeof(ret->secret); i++)
		ret->secret[i] = (uint8_t)(i * 167 + 13);
}

static struct sfs_tag tags[] = { { (char *)"Name", (char *)"web" },
				 { (char *)"caf\xc3\xa9", (char *)"" } };
static struct sfs_grant grants[] = { { SFS_GRANT_USER, 1000 },
				     { SFS_GRANT_GROUP, 4 },
				     { SFS_GRANT_ALL, 0 } };

void sfs_golden_snapshot(unsigned number, struct sfs_snapshot *ret)
{
	*ret = (struct sfs_snapshot){
		.time_ns = (T0 + number * INT64_C(3600)) * SFS_SECOND,
		.consistency = SFS_CONSISTENCY_OFFLINE,
		.source = (char *)"/dev/vg0/root",
		.description = (char *)"",
		.owner = SFS_OWNER_NONE,
	};
	snprintf(ret->id, sizeof(ret->id), "snap-%017u", number);
	ret->completed_ns = ret->time_ns + 1500 * INT64_C(1000000);
	strcpy(ret->volume, number <= 2 ? "root" : "data");
	strcpy(ret->volume_id,
	       number <= 2 ? "vol-00000000000000001" : "vol-00000000000000002");
	switch (number) {
	case 1:
		ret->description = (char *)"the first \"one\", \xe2\x82\xac 1";
		break;
	case 2:
		strcpy(ret->parent, "snap-00000000000000001");
		ret->consistency = SFS_CONSISTENCY_FILESYSTEM;
		ret->tags = (struct sfs_tags){ tags, SFS_ARRAY_SIZE(tags) };
		break;
	case 3:
		ret->time_ns -= 3600 * SFS_SECOND; /* the set's moment */
		ret->source = (char *)"";
		break;
	case SFS_GOLDEN_OWNED:
		ret->owner = 1000;
		ret->grants =
			(struct sfs_grants){ grants, SFS_ARRAY_SIZE(grants) };
		ret->consistency = SFS_CONSISTENCY_CRASH;
		break;
	default:
		ret->consistency = SFS_CONSISTENCY_FUZZY;
	}
	if (number == 2 || number == 3)
		strcpy(ret->set, "set-00000000000000001");
	ret->size = number <= 2	  ? 5 * SFS_GOLDEN_CHUNK + 100
		    : number == 3 ? SFS_GOLDEN_CHUNK
				  : 200 * SFS_GOLDEN_CHUNK;
	ret->data_bytes = number <= 2	? 3 * SFS_GOLDEN_CHUNK
			  : number == 3 ? SFS_GOLDEN_CHUNK
					: 0;
	ret->bad_bytes = number <= 2 ? SFS_GOLDEN_CHUNK : 0;
	ret->height = number <= 2 ? 1 : number == 3 ? 0 : 2;
}

void sfs_golden_set(struct sfs_set *ret)
{
	*ret = (struct sfs_set){ .id = "set-00000000000000001",
				 .time_ns = (T0 + 2 * 3600) * SFS_SECOND,
				 .members = 2 };
}

/* One mapping of each kind, one with a zero tail. */
static struct sfs_mapping mappings[] = {
	{ .device = "/dev/sda1",
	  .kind = SFS_MAPPING_SNAPSHOT,
	  .snapshot = "snap-00000000000000001",
	  .size = 8 * SFS_GOLDEN_CHUNK,
	  .delete_on_termination = true },
	{ .device = "/dev/sdf",
	  .kind = SFS_MAPPING_EMPTY,
	  .size = 2 * SFS_GOLDEN_CHUNK },
	{ .device = "/dev/sdb",
	  .kind = SFS_MAPPING_EPHEMERAL,
	  .ephemeral = SFS_EPHEMERAL_MAX },
	{ .device = "sdc", .kind = SFS_MAPPING_NONE },
};

/* The set's two snapshots. */
static struct sfs_mapping set_mappings[] = {
	{ .device = "xvdf",
	  .kind = SFS_MAPPING_SNAPSHOT,
	  .snapshot = "snap-00000000000000003",
	  .size = SFS_GOLDEN_CHUNK },
	{ .device = "xvda",
	  .kind = SFS_MAPPING_SNAPSHOT,
	  .snapshot = "snap-00000000000000002",
	  .size = 5 * SFS_GOLDEN_CHUNK + 100,
	  .delete_on_termination = true },
};

void sfs_golden_image(unsigned number, struct sfs_image *ret)
{
	if (number == 1) {
		*ret = (struct sfs_image){
			.id = "img-00000000000000001",
			.name = "web (1) [old].x-_'@",
			.origin = "img-0123456789abcdef0",
			.time_ns = (T0 + 4 * 3600) * SFS_SECOND,
			.owner = 1000,
			.grants = { grants, SFS_ARRAY_SIZE(grants) },
			.architecture = "x86_64",
			.boot_mode = "uefi",
			.platform = (char *)"Debian GNU/Linux 12 (bookworm)",
			.description = (char *)"all of it, \xe2\x82\xac 1",
			.tags = { tags, SFS_ARRAY_SIZE(tags) },
			.disabled = true,
			.is_protected = true,
			.deprecated_ns = (T0 + 5 * 3600) * SFS_SECOND + 1,
			.root = "/dev/sda1",
			.mappings = mappings,
			.mapping_count = SFS_ARRAY_SIZE(mappings),
		};
		return;
	}
	*ret = (struct sfs_image){
		.id = "img-00000000000000002",
		.name = "web-2",
		.set = "set-00000000000000001",
		.time_ns = (T0 + 2 * 3600) * SFS_SECOND,
		.owner = SFS_OWNER_NONE,
		.platform = (char *)"",
		.description = (char *)"",
		.root = "xvda",
		.mappings = set_mappings,
		.mapping_count = SFS_ARRAY_SIZE(set_mappings),
	};
}

enum sfs_golden_name sfs_golden_snapshot_file(unsigned number)
{
	return number == SFS_GOLDEN_OWNED ? SFS_GOLDEN_SNAPSHOT_5
					  : SFS_GOLDEN_SNAPSHOT_1 + number - 1;
}

void sfs_golden_chunk(unsigned number, uint8_t ret[SFS_GOLDEN_CHUNK])
{
	static const char *const lines[] = { "snapfs raw chunk",
					     "snapfs lz4 chunk", NULL,
					     "snapfs new chunk" };
	static const char last[] = "The last chunk of this volume is here "
				   "in part: of its bytes, these hundred "
				   "are all that it has......";
	unsigned i;

	_Static_assert(sizeof(last) - 1 == 100, "the volume's odd end");
	assert(number < SFS_GOLDEN_CHUNKS);
	memset(ret, 0, SFS_GOLDEN_CHUNK);
	if (!lines[number])
		memcpy(ret, last, sizeof(last) - 1);
	else
		for (i = 0; i < SFS_GOLDEN_CHUNK; i += 16)
			memcpy(ret + i, lines[number], 16);
}

uint8_t sfs_golden_content(unsigned snapshot, uint64_t chunk,
			   unsigned *ret_number)
{
	static const struct {
		uint8_t kind, number;
	} root[] = { { SFS_KIND_DATA, 0 }, { SFS_KIND_DATA, 1 },
		     { SFS_KIND_HOLE, 0 }, { SFS_KIND_ZERO, 0 },
		     { SFS_KIND_BAD, 0 },  { SFS_KIND_DATA, 2 } };

	*ret_number = 0;
	if (snapshot == 3)
		return chunk == 0 ? SFS_KIND_DATA : SFS_KIND_HOLE;
	if (snapshot > 3 || chunk >= SFS_ARRAY_SIZE(root))
		return SFS_KIND_HOLE;
	*ret_number = snapshot == 2 && chunk == 0 ? 3 : root[chunk].number;
	return root[chunk].kind;
}

void *sfs_golden_alloc(size_t size)
{
	void *bytes = calloc(1, size + 1);

	if (!bytes)
		err(2, "golden data");
	return bytes;
}

static void read_file(const char *dir, const char *path,
		      struct sfs_golden_file *ret)
{
	char name[4096];
	FILE *file;
	struct stat st;

	snprintf(name, sizeof(name), "%s/%s", dir, path);
	file = fopen(name, "rbe");
	if (!file || fstat(fileno(file), &st) < 0)
		err(2, "'%s'", name);
	ret->size = (size_t)st.st_size;
	ret->bytes = sfs_golden_alloc(ret->size);
	if (fread(ret->bytes, 1, ret->size, file) != ret->size)
		errx(2, "'%s': short read", name);
	fclose(file);
}

static void read_layout(struct sfs_golden_file *file)
{
	struct sfs_pack_footer footer;
	const char *why = "too many slots";
	size_t size;

	if (file->size < SFS_PACK_SIZE_MIN ||
	    sfs_pack_footer_decode(
		    file->bytes + file->size - SFS_PACK_FOOTER_SIZE,
		    SFS_PACK_FOOTER_SIZE, file->size, &footer, &why) < 0 ||
	    footer.slots > SFS_GOLDEN_SLOTS_MAX)
		errx(2, "golden pack: %s", why);
	size = sfs_pack_table_size(footer.slots);
	if (sfs_pack_table_decode(file->bytes + file->size - size, size,
				  &footer, SFS_GOLDEN_CHUNK, file->rows,
				  &why) < 0)
		errx(2, "golden pack: %s", why);
	file->pack = footer.id;
	file->slots = footer.slots;
	file->table_offset = footer.table_offset;
}

void sfs_golden_load(const char *dir, unsigned count, struct sfs_golden *ret)
{
	unsigned i;

	memset(ret, 0, sizeof(*ret));
	ret->count = count;
	for (i = 0; i < count; i++) {
		read_file(dir, paths[i], &ret->files[i]);
		if (sfs_golden_is_pack(i))
			read_layout(&ret->files[i]);
	}
}

void sfs_golden_done(struct sfs_golden *golden)
{
	unsigned i;

	for (i = 0; i < golden->count; i++)
		free(golden->files[i].bytes);
}

static void make_directory(const char *name)
{
	if (mkdir(name, 0700) < 0 && errno != EEXIST)
		err(2, "'%s'", name);
}

void sfs_golden_write(const char *dir, const char *path, const void *bytes,
		      size_t size)
{
	char name[4096], *slash;
	FILE *file;

	snprintf(name, sizeof(name), "%s/%s", dir, path);
	for (slash = strchr(name + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		make_directory(name);
		*slash = '/';
	}
	file = fopen(name, "wbe");
	if (!file || (size > 0 && fwrite(bytes, size, 1, file) != 1) ||
	    fclose(file) != 0)
		err(2, "'%s'", name);
}

void sfs_golden_store(const struct sfs_golden *golden, const char *dir)
{
	char name[4096];
	unsigned i;

	for (i = 0; i < golden->count; i++)
		sfs_golden_write(dir, paths[i], golden->files[i].bytes,
				 golden->files[i].size);
	snprintf(name, sizeof(name), "%s/tmp", dir);
	make_directory(name);
}

static void put_check(uint8_t *at, uint64_t check)
{
	le64 disk = le64_put(check);

	memcpy(at, &disk, sizeof(disk));
}

/* Written from FORMAT.md, not from format/pack.c: the two must agree. */
static void reseal_pack(struct sfs_golden_file *file)
{
	uint8_t *bytes = file->bytes, *at;
	const struct sfs_row *row;
	uint32_t i;

	if (file->size >= 64)
		put_check(bytes + 56, XXH3_64bits(bytes, 56));
	for (i = 0; i < file->slots; i++) {
		row = &file->rows[i];
		at = bytes + row->offset;
		if (file->size >= (size_t)row->offset + 16 + row->stored)
			put_check(at,
				  XXH3_64bits_withSeed(
					  at + 8, row->stored + 8,
					  file->pack ^
						  row->offset *
							  0x9e3779b97f4a7c15u));
	}
	if (file->size >= (size_t)file->table_offset + 8)
		put_check(bytes + file->size - 8,
			  XXH3_64bits(bytes + file->table_offset,
				      file->size - file->table_offset - 8));
}

static void reseal_record(struct sfs_golden_file *file)
{
	char check[17];

	if (file->size <= 28)
		return;
	snprintf(check, sizeof(check), "%016llx",
		 (unsigned long long)XXH3_64bits(file->bytes + 28,
						 file->size - 28));
	memcpy(file->bytes + 10, check, 16);
}

void sfs_golden_reseal(enum sfs_golden_name name, struct sfs_golden_file *file)
{
	if (sfs_golden_is_pack(name))
		reseal_pack(file);
	else if (sfs_golden_is_record(name))
		reseal_record(file);
}
