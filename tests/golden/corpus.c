/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Seeds: what the golden repository holds, cut to what each target takes, and
 * a few odd ones.  Fuzz finds are added by hand beside them.
 */

#include "tests/golden/corpus.h"

#include <stdio.h>
#include <string.h>

#include "src/util.h"

static void put(const char *dir, const char *target, const char *name,
		const void *bytes, size_t size)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", target, name);
	sfs_golden_write(dir, path, bytes, size);
}

static void put_strings(const char *dir, const char *target,
			const char *const *strings, size_t count)
{
	char name[24];
	size_t i;

	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%02zu", i);
		put(dir, target, name, strings[i], strlen(strings[i]));
	}
}

static void put_packs(const struct sfs_golden *golden, const char *dir)
{
	const struct sfs_golden_file *data =
		&golden->files[SFS_GOLDEN_PACK_DATA_1];
	const struct sfs_golden_file *nodes =
		&golden->files[SFS_GOLDEN_PACK_NODES_1];
	uint8_t entries[SFS_NODE_SIZE] = { 0 };

	put(dir, "pack-header", "data", data->bytes, SFS_PACK_HEADER_SIZE);
	put(dir, "pack-header", "short", data->bytes, SFS_PACK_HEADER_SIZE - 1);
	put(dir, "slot", "lz4", data->bytes + data->rows[1].offset,
	    SFS_SLOT_HEADER_SIZE + data->rows[1].stored);
	put(dir, "slot", "node", nodes->bytes + nodes->rows[0].offset,
	    SFS_SLOT_HEADER_SIZE + nodes->rows[0].stored);
	put(dir, "pack-table", "data", data->bytes + data->table_offset,
	    data->size - data->table_offset);
	put(dir, "pack-table", "nodes", nodes->bytes + nodes->table_offset,
	    nodes->size - nodes->table_offset);
	/* The height, then one entry or a node; see make.c for the literals
	 * of the stored node. */
	memcpy(entries + 1, nodes->bytes + nodes->rows[0].offset + 18, 192);
	put(dir, "map", "entry", entries, 1 + SFS_ENTRY_SIZE);
	entries[0] = 1;
	put(dir, "map", "node", entries, sizeof(entries));
}

static void put_records(const struct sfs_golden *golden, const char *dir)
{
	static const char *const json[] = {
		"[]",
		"{\"a\":[1,-2,3.5,true,null,\"\\u20ac\"],\"b\":{}}",
		"{\"a\":1,\"a\":2}",
		"\"\\ud800\"",
		"{\"a\":9223372036854775808}",
		"[[[[[[[[[[]]]]]]]]]]",
	};
	unsigned i;
	char name[24];

	for (i = 0; i < SFS_GOLDEN_SNAPSHOTS; i++) {
		const struct sfs_golden_file *file =
			&golden->files[SFS_GOLDEN_SNAPSHOT_1 + i];

		snprintf(name, sizeof(name), "snapshot-%u", i + 1);
		put(dir, "snapshot", name, file->bytes, file->size);
	}
	put(dir, "snapshot", "set", golden->files[SFS_GOLDEN_SET_1].bytes,
	    golden->files[SFS_GOLDEN_SET_1].size);
	for (i = 0; i < SFS_GOLDEN_IMAGES; i++) {
		const struct sfs_golden_file *file =
			&golden->files[SFS_GOLDEN_IMAGE_1 + i];

		snprintf(name, sizeof(name), "image-%u", i + 1);
		put(dir, "image", name, file->bytes, file->size);
	}
	put(dir, "snapshot", "owned",
	    golden->files[SFS_GOLDEN_SNAPSHOT_5].bytes,
	    golden->files[SFS_GOLDEN_SNAPSHOT_5].size);
	put(dir, "config", "config", golden->files[SFS_GOLDEN_CONFIG].bytes,
	    golden->files[SFS_GOLDEN_CONFIG].size);
	put(dir, "record", "set", golden->files[SFS_GOLDEN_SET_1].bytes,
	    golden->files[SFS_GOLDEN_SET_1].size);
	put_strings(dir, "json", json, SFS_ARRAY_SIZE(json));
}

static void put_texts(const char *dir)
{
	static const char *const times[] = {
		"1970-01-01T00:00:00Z",
		"2026-11-22T10:24:58Z",
		"2026-11-22T10:24:58.123Z",
		"2261-12-31T23:59:59.999999999Z",
		"2024-02-29T00:00:00.000Z",
		"2262-01-01T00:00:00Z",
		"2026-11-22T10:24:58.100000000Z",
	};
	static const char *const selectors[] = {
		"2026-11-22",
		"2026-11-22T09:00Z",
		"2026-11-22 09:00",
		"2026-11-22T09:00:01.5+01:30",
		"2026-11-22T10-24-58Z",
		"2026-11-22t10:24-05:30",
		"1970-01-01T00:00+23:59",
		"2261-12-31T23:59:59.999999999-23:59",
		"2026-11-22T10:24:58.123456789012Z",
	};
	static const char *const names[] = {
		"root",
		".hidden",
		"../x",
		"caf\xc3\xa9",
		"Na=e",
		"\xe2\x80\xae",
		"\xed\xa0\x80",
		"\xf4\x90\x80\x80",
		"\xc0\xaf",
		"snap-0123456789abcdef0",
		"00112233-4455-6677-8899-aabbccddeeff",
		"web (1) [old].x-_'@",
		"img-0123456789abcdef0",
		"/dev/disk/by-id/x.1",
		"/dev/../sda",
		"user:0 user:1000 group:4294967294 all",
		"user:4294967295",
	};

	put_strings(dir, "time", times, SFS_ARRAY_SIZE(times));
	put_strings(dir, "selector-time", selectors, SFS_ARRAY_SIZE(selectors));
	put_strings(dir, "name", names, SFS_ARRAY_SIZE(names));
}

/* Scripts of fuzz-repo.c: flags, then steps of file, offset and value. */
static void put_scripts(const char *dir)
{
	static const uint8_t scripts[][5] = {
		{ 0, 1, 0x60, 0x00, 0x01 }, /* a bit of a chunk */
		{ 1, 2, 0x61, 0x00, 0x13 }, /* a leaf as a node */
		{ 1, 2, 0x5e, 0x00, 0x08 }, /* its stored length */
		{ 0, 0x81, 0x00, 0x10, 0 }, /* a pack cut short */
		{ 1, 5, 0x40, 0x01, 0x04 }, /* a record */
		{ 0, 0x89, 0x00, 0x00, 0 }, /* an empty set */
		{ 4, 3, 0x45, 0x00, 0x01 }, /* a bit, and gc */
		{ 6, 9, 0x30, 0x00, 0x01 }, /* a bit of the set, and gc */
		{ 5, 2, 0x6f, 0x00, 0xff }, /* a hash, sealed, and gc */
		{ 4, 12, 0x40, 0x01, 1 },   /* a bit of an image, and gc */
		{ 4, 0x8d, 0x00, 0x01, 0 }, /* one of a set cut short, and gc */
		{ 5, 13, 0x43, 0x02, 1 },   /* its snapshot's id, sealed */
	};
	static const uint8_t flags[] = { 0, 2, 4, 6 };
	char name[24];
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(scripts); i++) {
		snprintf(name, sizeof(name), "%02zu", i);
		put(dir, "repo", name, scripts[i], sizeof(scripts[i]));
	}
	for (i = 0; i < SFS_ARRAY_SIZE(flags); i++) {
		snprintf(name, sizeof(name), "whole-%u", flags[i]);
		put(dir, "repo", name, &flags[i], 1);
	}
}

void sfs_golden_corpus(const struct sfs_golden *golden, const char *dir)
{
	put_packs(golden, dir);
	put_records(golden, dir);
	put_texts(dir);
	put_scripts(dir);
}
