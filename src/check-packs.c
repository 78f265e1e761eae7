/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/check-run.h"

/* Tables in memory: a few hundred packs' worth, so that a walk along a chain
 * does not read the same ones again and again. */
#define TABLES_MAX ((size_t)48 << 20)

/* ---- the tables in memory, by use ---- */

static uint32_t number(const struct sfs_check *check,
		       const struct sfs_check_pack *pack)
{
	return (uint32_t)(pack - check->packs) + 1;
}

static void unlink_pack(struct sfs_check *check, struct sfs_check_pack *pack)
{
	if (pack->newer)
		check->packs[pack->newer - 1].older = pack->older;
	else
		check->newest = pack->older;
	if (pack->older)
		check->packs[pack->older - 1].newer = pack->newer;
	else
		check->oldest = pack->newer;
	pack->newer = pack->older = 0;
}

static void push_pack(struct sfs_check *check, struct sfs_check_pack *pack)
{
	pack->older = check->newest;
	if (check->newest)
		check->packs[check->newest - 1].newer = number(check, pack);
	else
		check->oldest = number(check, pack);
	check->newest = number(check, pack);
}

static size_t table_memory(const struct sfs_check_pack *pack)
{
	return pack->count * sizeof(*pack->rows);
}

static void drop_table(struct sfs_check *check, struct sfs_check_pack *pack)
{
	unlink_pack(check, pack);
	check->table_bytes -= table_memory(pack);
	free(TAKE_PTR(pack->rows));
}

static void keep_table(struct sfs_check *check, struct sfs_check_pack *pack,
		       struct sfs_row *rows, uint32_t count)
{
	pack->rows = rows;
	pack->count = count;
	push_pack(check, pack);
	check->table_bytes += table_memory(pack);
	while (check->table_bytes > TABLES_MAX &&
	       check->oldest != number(check, pack))
		drop_table(check, &check->packs[check->oldest - 1]);
}

/* ---- reading ---- */

static int read_part(struct sfs_check *check, const struct sfs_check_pack *pack,
		     void *buffer, size_t size, uint64_t offset,
		     const char **reterr_why)
{
	int r;

	r = sfs_store_read_pack(check->repo->store, pack->id, buffer, size,
				offset);
	if (r < 0)
		*reterr_why =
			r == -EUCLEAN ? "is truncated" : sfs_damage_text(r);
	return r;
}

static int check_header(struct sfs_check *check,
			const struct sfs_check_pack *pack,
			const char **reterr_why)
{
	const struct sfs_config *config = &check->repo->config;
	uint8_t bytes[SFS_PACK_HEADER_SIZE];
	struct sfs_pack_header header;
	int r;

	r = read_part(check, pack, bytes, sizeof(bytes), 0, reterr_why);
	if (r < 0)
		return r;
	r = sfs_pack_header_decode(bytes, sizeof(bytes), &header, reterr_why);
	if (r < 0)
		return r;
	if (header.id != pack->id)
		*reterr_why = "its header has another id than its name";
	else if (memcmp(header.repository, config->uuid, SFS_UUID_LEN) != 0)
		*reterr_why = "it belongs to another repository";
	else if (header.chunk_size != config->chunk_size)
		*reterr_why = "its chunk size is not the repository's";
	else
		return 0;
	return -EUCLEAN;
}

static int read_footer(struct sfs_check *check,
		       const struct sfs_check_pack *pack,
		       struct sfs_pack_footer *ret, const char **reterr_why)
{
	uint8_t bytes[SFS_PACK_FOOTER_SIZE];
	int r;

	if (pack->size < SFS_PACK_SIZE_MIN) {
		*reterr_why = "is shorter than any pack";
		return -EUCLEAN;
	}
	r = read_part(check, pack, bytes, sizeof(bytes),
		      pack->size - sizeof(bytes), reterr_why);
	if (r < 0)
		return r;
	r = sfs_pack_footer_decode(bytes, sizeof(bytes), pack->size, ret,
				   reterr_why);
	if (r < 0)
		return r;
	if (ret->id != pack->id) {
		*reterr_why = "its footer has another id than its name";
		return -EUCLEAN;
	}
	return 0;
}

static int read_table(struct sfs_check *check, struct sfs_check_pack *pack,
		      const char **reterr_why)
{
	CLEANUP_FREE struct sfs_row *rows = NULL;
	CLEANUP_FREE uint8_t *bytes = NULL;
	struct sfs_pack_footer footer;
	size_t size;
	int r;

	r = read_footer(check, pack, &footer, reterr_why);
	if (r < 0)
		return r;
	size = sfs_pack_table_size(footer.slots);
	bytes = sfs_malloc(size);
	rows = sfs_calloc(footer.slots, sizeof(*rows));
	if (!bytes || !rows)
		return -ENOMEM;
	r = read_part(check, pack, bytes, size, footer.table_offset,
		      reterr_why);
	if (r < 0)
		return r;
	r = sfs_pack_table_decode(bytes, size, &footer,
				  check->repo->config.chunk_size, rows,
				  reterr_why);
	if (r < 0)
		return r;
	/* live and memo have a place for as many rows as there first were. */
	if (pack->state == SFS_PACK_WHOLE && footer.slots != pack->count) {
		*reterr_why = "its table changed while it was checked";
		return -EUCLEAN;
	}
	keep_table(check, pack, TAKE_PTR(rows), footer.slots);
	return sfs_check_step(check, size);
}

static void report_pack(struct sfs_check *check, uint64_t id, const char *why)
{
	const struct sfs_damage damage = {
		.kind = SFS_DAMAGE_PACK,
		.pack = id,
		.why = why,
	};

	sfs_check_report(check, &damage);
}

static int first_look(struct sfs_check *check, struct sfs_check_pack *pack)
{
	const char *why = NULL;
	int r;

	check->result.packs++;
	pack->state = SFS_PACK_NOTABLE;
	r = check_header(check, pack, &why);
	if (sfs_check_is_damage(r))
		report_pack(check, pack->id, why);
	else if (r < 0)
		return r;
	r = read_table(check, pack, &why);
	if (sfs_check_is_damage(r)) {
		report_pack(check, pack->id, why);
		return 0;
	}
	if (r != 0)
		return r;
	pack->state = SFS_PACK_WHOLE;
	return 0;
}

int sfs_check_load_pack(struct sfs_check *check, struct sfs_check_pack *pack)
{
	const char *why;
	int r;

	if (pack->rows) {
		if (check->newest != number(check, pack)) {
			unlink_pack(check, pack);
			push_pack(check, pack);
		}
		return 0;
	}
	if (pack->state == SFS_PACK_UNSEEN)
		return first_look(check, pack);
	if (pack->state == SFS_PACK_NOTABLE)
		return 0;
	r = read_table(check, pack, &why);
	if (!sfs_check_is_damage(r))
		return r;
	pack->state = SFS_PACK_NOTABLE;
	report_pack(check, pack->id, why);
	return 0;
}

/* ---- finding ---- */

static struct sfs_check_pack *find_pack(const struct sfs_check *check,
					uint64_t id)
{
	size_t low = 0, high = check->pack_count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (check->packs[middle].id == id)
			return &check->packs[middle];
		if (check->packs[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool find_row(struct sfs_check *check, const struct sfs_check_pack *pack,
		     uint32_t offset, uint32_t *ret)
{
	uint32_t low = 0, high = pack->count, middle;

	middle = check->last_row + 1; /* packs are filled in volume order */
	while (low < high) {
		if (middle < low || middle >= high)
			middle = low + (high - low) / 2;
		if (pack->rows[middle].offset == offset) {
			*ret = check->last_row = middle;
			return true;
		}
		if (pack->rows[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

int sfs_check_find(struct sfs_check *check, const struct sfs_entry *entry,
		   struct sfs_check_pack **ret_pack, uint32_t *ret_row)
{
	struct sfs_check_pack *pack = check->last_pack;
	const struct sfs_row *row;
	uint32_t i;
	int r;

	if (!pack || pack->id != entry->pack) {
		pack = find_pack(check, entry->pack);
		if (!pack)
			return SFS_FIND_NO_PACK;
		check->last_pack = pack;
	}
	r = sfs_check_load_pack(check, pack);
	if (r != 0)
		return r;
	if (pack->state == SFS_PACK_NOTABLE)
		return SFS_FIND_NOTABLE;
	if (!find_row(check, pack, entry->offset, &i))
		return SFS_FIND_NO_ROW;
	row = &pack->rows[i];
	if (row->stored != entry->stored || row->kind != entry->kind ||
	    memcmp(&row->hash, &entry->hash, sizeof(row->hash)) != 0)
		return SFS_FIND_NO_ROW;
	*ret_pack = pack;
	*ret_row = i;
	return SFS_FIND_ROW;
}

/* ---- listing ---- */

static int add_pack(uint64_t id, uint64_t size, uint64_t allocated,
		    void *context)
{
	struct sfs_check *check = context;
	int r;

	(void)allocated;
	r = sfs_grow(&check->packs, &check->pack_capacity, check->pack_count,
		     sizeof(*check->packs));
	if (r < 0)
		return r;
	check->packs[check->pack_count++] =
		(struct sfs_check_pack){ .id = id, .size = size };
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct sfs_check_pack *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

int sfs_check_list_packs(struct sfs_check *check)
{
	int r;

	r = sfs_store_list_packs(check->repo->store, add_pack, check);
	if (r < 0)
		return r;
	if (check->pack_count > 0)
		qsort(check->packs, check->pack_count, sizeof(*check->packs),
		      by_id);
	return 0;
}

void sfs_check_packs_done(struct sfs_check *check)
{
	size_t i;

	for (i = 0; i < check->pack_count; i++) {
		free(check->packs[i].rows);
		free(check->packs[i].live);
		free(check->packs[i].memo);
	}
	free(check->packs);
}
