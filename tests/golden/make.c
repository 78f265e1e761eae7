/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * golden-make good DIR		write the golden repository "images"
 * golden-make bad DEFECT DIR	write it with one defect
 * golden-make list		list the defects and the error of each
 * golden-make corpus DIR	write seeds for the fuzz targets
 *
 * The output depends on nothing but this source: LZ4 blocks are put together
 * by hand, since another release of liblz4 may choose other matches.
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "src/util.h"
#include "tests/golden/corpus.h"
#include "tests/golden/defects.h"
#include "tests/golden/golden.h"

#define TAIL 5 /* LZ4 ends a block in at least five literals */

static uint8_t *put_length(uint8_t *p, size_t rest)
{
	for (; rest >= 255; rest -= 255)
		*p++ = 255;
	*p++ = (uint8_t)rest;
	return p;
}

static uint8_t *put_literals(uint8_t *p, const uint8_t *from, size_t size,
			     unsigned match)
{
	*p++ = (uint8_t)((size < 15 ? size : 15) << 4 | match);
	if (size >= 15)
		p = put_length(p, size - 15);
	memcpy(p, from, size);
	return p + size;
}

/* An LZ4 block of @bytes, which after the first @head repeat themselves every
 * @period: those literals, one match, the last literals. */
static uint32_t squeeze(const uint8_t *bytes, size_t size, size_t head,
			unsigned period, uint8_t *ret)
{
	uint8_t *p;

	p = put_literals(ret, bytes, head, 15);
	*p++ = (uint8_t)period;
	*p++ = 0;
	p = put_length(p, size - head - TAIL - 4 - 15);
	p = put_literals(p, bytes + size - TAIL, TAIL, 0);
	return (uint32_t)(p - ret);
}

struct pack {
	struct sfs_golden_file *file;
	uint64_t id;
	uint32_t size;
	uint32_t slots;
	struct sfs_row rows[SFS_GOLDEN_SLOTS_MAX];
};

static void pack_begin(struct pack *pack, const struct sfs_config *config,
		       struct sfs_golden_file *file, uint64_t id)
{
	struct sfs_pack_header header = { .id = id,
					  .chunk_size = config->chunk_size };

	memcpy(header.repository, config->uuid, sizeof(header.repository));
	*pack = (struct pack){ .file = file, .id = id };
	file->bytes = sfs_golden_alloc(4 * SFS_GOLDEN_CHUNK);
	sfs_pack_header_encode(&header, file->bytes);
	pack->size = SFS_PACK_HEADER_SIZE;
}

/* Add a slot; @head 0 stores the bytes raw. */
static void pack_add(struct pack *pack, const struct sfs_config *config,
		     uint8_t kind, const uint8_t *bytes, size_t head,
		     unsigned period, struct sfs_entry *ret)
{
	uint8_t *at = pack->file->bytes + pack->size;
	struct sfs_slot slot = { .length = SFS_GOLDEN_CHUNK, .kind = kind };
	XXH128_canonical_t canonical;

	_Static_assert(SFS_GOLDEN_CHUNK == SFS_NODE_SIZE, "one buffer");
	if (head > 0) {
		slot.codec = SFS_CODEC_LZ4;
		slot.stored = squeeze(bytes, SFS_GOLDEN_CHUNK, head, period,
				      at + SFS_SLOT_HEADER_SIZE);
	} else {
		slot.stored = SFS_GOLDEN_CHUNK;
		memcpy(at + SFS_SLOT_HEADER_SIZE, bytes, SFS_GOLDEN_CHUNK);
	}
	sfs_slot_encode(at, pack->id, pack->size, &slot);
	XXH128_canonicalFromHash(
		&canonical,
		XXH3_128bits_withSecret(bytes, SFS_GOLDEN_CHUNK, config->secret,
					sizeof(config->secret)));
	*ret = (struct sfs_entry){ .pack = pack->id,
				   .offset = pack->size,
				   .stored = slot.stored,
				   .kind = kind };
	memcpy(&ret->hash, canonical.digest, sizeof(ret->hash));
	pack->rows[pack->slots++] = (struct sfs_row){ .offset = pack->size,
						      .stored = slot.stored,
						      .kind = kind,
						      .hash = ret->hash };
	pack->size += SFS_SLOT_HEADER_SIZE + slot.stored;
}

static void pack_end(struct pack *pack)
{
	sfs_pack_table_encode(pack->id, pack->rows, pack->slots,
			      pack->file->bytes + pack->size);
	pack->file->size = pack->size + sfs_pack_table_size(pack->slots);
}

static void make_data(struct sfs_golden *golden,
		      const struct sfs_config *config,
		      struct sfs_entry chunks[SFS_GOLDEN_CHUNKS])
{
	/* Literals before the match: none for raw; the text once; the hundred
	 * bytes and a zero. */
	static const size_t head[] = { 0, 16, 101, 16 };
	static const unsigned period[] = { 0, 16, 1, 16 };
	uint8_t bytes[SFS_GOLDEN_CHUNK];
	struct pack pack;
	unsigned i;

	pack_begin(&pack, config, &golden->files[SFS_GOLDEN_PACK_DATA_1],
		   SFS_GOLDEN_DATA_1);
	for (i = 0; i < SFS_GOLDEN_CHUNKS; i++) {
		if (i == 3) {
			pack_end(&pack);
			pack_begin(&pack, config,
				   &golden->files[SFS_GOLDEN_PACK_DATA_2],
				   SFS_GOLDEN_DATA_2);
		}
		sfs_golden_chunk(i, bytes);
		pack_add(&pack, config, SFS_KIND_DATA, bytes, head[i],
			 period[i], &chunks[i]);
	}
	pack_end(&pack);
}

/* The one node of snapshot @number. */
static void make_node(struct sfs_golden_file *file, uint64_t id,
		      const struct sfs_config *config,
		      const struct sfs_entry chunks[SFS_GOLDEN_CHUNKS],
		      unsigned number, struct sfs_entry *ret)
{
	struct sfs_entry entries[SFS_NODE_ENTRIES] = { 0 };
	uint8_t bytes[SFS_NODE_SIZE];
	struct pack pack;
	unsigned i, chunk;
	uint8_t kind;

	for (i = 0; i < SFS_NODE_ENTRIES; i++) {
		kind = sfs_golden_content(number, i, &chunk);
		if (kind == SFS_KIND_DATA)
			entries[i] = chunks[chunk];
		else
			entries[i].kind = kind;
	}
	sfs_node_encode(entries, bytes);
	pack_begin(&pack, config, file, id);
	pack_add(&pack, config, SFS_KIND_NODE + 1, bytes,
		 6 * SFS_ENTRY_SIZE + 1, 1, ret);
	pack_end(&pack);
}

static void check(int r, const char *what)
{
	if (r < 0)
		errx(2, "%s: error %d", what, r);
}

static void make_snapshot(struct sfs_golden *golden,
			  const struct sfs_config *config, unsigned number,
			  const struct sfs_entry *root)
{
	struct sfs_golden_file *file = golden->files;
	struct sfs_golden_file *out = &file[sfs_golden_snapshot_file(number)];
	unsigned packs = 2 * (number - 1);
	struct sfs_snapshot snapshot;

	sfs_golden_snapshot(number, &snapshot);
	snapshot.root = *root;
	if (number <= 2)
		snapshot.stored_bytes =
			file[SFS_GOLDEN_PACK_DATA_1 + packs].size +
			file[SFS_GOLDEN_PACK_NODES_1 + packs].size;
	check(sfs_record_encode_snapshot(config, &snapshot,
					 (char **)&out->bytes, &out->size),
	      "snapshot");
}

static void make_records(struct sfs_golden *golden,
			 const struct sfs_config *config,
			 const struct sfs_entry roots[SFS_GOLDEN_OWNED])
{
	struct sfs_golden_file *file = golden->files;
	struct sfs_image image;
	struct sfs_set set;
	unsigned i;

	for (i = 0; i < SFS_GOLDEN_OWNED; i++)
		make_snapshot(golden, config, i + 1, &roots[i]);
	for (i = 0; i < SFS_GOLDEN_IMAGES; i++) {
		sfs_golden_image(i + 1, &image);
		check(sfs_record_encode_image(
			      config, &image,
			      (char **)&file[SFS_GOLDEN_IMAGE_1 + i].bytes,
			      &file[SFS_GOLDEN_IMAGE_1 + i].size),
		      "image");
	}
	sfs_golden_set(&set);
	check(sfs_record_encode_set(config, &set,
				    (char **)&file[SFS_GOLDEN_SET_1].bytes,
				    &file[SFS_GOLDEN_SET_1].size),
	      "set");
	check(sfs_record_encode_config(config,
				       (char **)&file[SFS_GOLDEN_CONFIG].bytes,
				       &file[SFS_GOLDEN_CONFIG].size),
	      "snapfs.json");
}

static void make_good(struct sfs_golden *ret)
{
	struct sfs_entry chunks[SFS_GOLDEN_CHUNKS];
	struct sfs_entry roots[SFS_GOLDEN_OWNED] = { 0 };
	struct sfs_config config;

	memset(ret, 0, sizeof(*ret));
	ret->count = SFS_GOLDEN_FILES;
	sfs_golden_config(&config);
	make_data(ret, &config, chunks);
	make_node(&ret->files[SFS_GOLDEN_PACK_NODES_1], SFS_GOLDEN_NODES_1,
		  &config, chunks, 1, &roots[0]);
	make_node(&ret->files[SFS_GOLDEN_PACK_NODES_2], SFS_GOLDEN_NODES_2,
		  &config, chunks, 2, &roots[1]);
	roots[2] = chunks[0];
	make_records(ret, &config, roots);
}

/* The golden repository anew, with the layout that loading it gives. */
static void make_loaded(const char *dir, struct sfs_golden *ret)
{
	struct sfs_golden golden;

	make_good(&golden);
	sfs_golden_store(&golden, dir);
	sfs_golden_done(&golden);
	sfs_golden_load(dir, SFS_GOLDEN_FILES, ret);
}

static void make_bad(const char *name, const char *dir)
{
	const struct sfs_defect *defect = sfs_defect_find(name);
	struct sfs_golden golden;

	if (!defect)
		errx(2, "'%s': no such defect, try list", name);
	make_loaded(dir, &golden);
	sfs_defect_apply(defect, &golden);
	sfs_golden_store(&golden, dir);
	sfs_golden_done(&golden);
}

int main(int argc, char **argv)
{
	struct sfs_golden golden = { 0 };

	if (argc == 3 && strcmp(argv[1], "good") == 0) {
		make_loaded(argv[2], &golden);
	} else if (argc == 4 && strcmp(argv[1], "bad") == 0) {
		make_bad(argv[2], argv[3]);
	} else if (argc == 2 && strcmp(argv[1], "list") == 0) {
		sfs_defect_list();
	} else if (argc == 4 && strcmp(argv[1], "corpus") == 0) {
		sfs_golden_load(argv[2], SFS_GOLDEN_FILES, &golden);
		sfs_golden_corpus(&golden, argv[3]);
	} else {
		fputs("usage: golden-make good DIR | bad DEFECT DIR | list | "
		      "corpus REPOSITORY DIR\n",
		      stderr);
		return 2;
	}
	sfs_golden_done(&golden);
	return 0;
}
