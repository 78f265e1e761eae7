/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The statements, and the rows of meta and record.  Each row holds a check of
 * all of its values; meta holds the sum of the checks of all rows, so that a
 * row that a damaged tree hides is missed as well.
 */

#include <errno.h>
#include <string.h>

#include "src/catalog-impl.h"
#include "src/catalog-values.h"

/* The parameters and columns of snapshot are numbered by their place here:
 * time 1, id 2, ... sum 18. */
#define SNAPSHOT_COLUMNS                                                       \
	"time, id, volume_id, volume, parent, set_id, completed, size, "       \
	"data, bad, stored, consistency, source, description, tags, owner, "   \
	"grants, sum"

#define RECORD_COLUMNS                                                         \
	"name, version0, version1, version2, kind, time, label, sum"

static const char *const query_sql[SFS_QUERY_COUNT] = {
	[SFS_QUERY_META_GET] =
		"SELECT repository, stamp0, stamp1, stamp2, settled,"
		" generation, total, sum FROM meta WHERE one = 1",
	[SFS_QUERY_META_PUT] =
		"INSERT OR REPLACE INTO meta (one, repository, stamp0, stamp1,"
		" stamp2, settled, generation, total, sum)"
		" VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SFS_QUERY_RECORDS] =
		"SELECT " RECORD_COLUMNS " FROM record ORDER BY name",
	/* '.' is the character behind '-'. */
	[SFS_QUERY_IMAGES] =
		"SELECT " RECORD_COLUMNS " FROM record"
		" WHERE name > 'img-' AND name < 'img.' ORDER BY name",
	[SFS_QUERY_RECORD_PUT] = "INSERT INTO record (" RECORD_COLUMNS
				 ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SFS_QUERY_RECORD_DELETE] =
		"DELETE FROM record WHERE name = ?1 RETURNING sum",
	/* The set's record need not be readable: its rename was the commit. */
	[SFS_QUERY_SNAPSHOTS] =
		"SELECT " SNAPSHOT_COLUMNS ", set_id = '' OR EXISTS"
		" (SELECT 1 FROM record WHERE name = set_id)"
		" FROM snapshot WHERE (time, id) > (?1, ?2)"
		" ORDER BY time, id",
	[SFS_QUERY_SNAPSHOT_PUT] =
		"INSERT INTO snapshot (" SNAPSHOT_COLUMNS ") VALUES (?1, ?2,"
		" ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
		" ?16, ?17, ?18)",
	[SFS_QUERY_SNAPSHOT_DELETE] =
		"DELETE FROM snapshot WHERE time = ?1 AND id = ?2"
		" RETURNING sum",
	[SFS_QUERY_PACKS] = "SELECT id FROM pack ORDER BY id",
	[SFS_QUERY_PACK_PUT] = "INSERT OR IGNORE INTO pack (id) VALUES (?1)"
			       " RETURNING pack_row",
	[SFS_QUERY_PACK_DELETE] = "DELETE FROM pack WHERE id = ?1",
	[SFS_QUERY_CHUNK_PUT] =
		"INSERT OR IGNORE INTO chunk (hash, pack_row, slot)"
		" VALUES (?1, ?2, ?3)",
	[SFS_QUERY_CHUNK_FIND] =
		"SELECT pack.id, chunk.slot FROM chunk CROSS JOIN pack"
		" ON pack.pack_row = chunk.pack_row WHERE chunk.hash = ?1",
	[SFS_QUERY_CHUNK_ANY] = "SELECT 1 FROM chunk LIMIT 1",
	[SFS_QUERY_CHUNK_SWEEP] =
		"DELETE FROM chunk"
		" WHERE pack_row NOT IN (SELECT pack_row FROM pack)",
};

int sfs_catalog_query(struct sfs_catalog *catalog, enum sfs_query query,
		      struct sfs_stmt **ret)
{
	int r;

	if (!catalog->queries[query]) {
		r = sfs_db_prepare(catalog->db, query_sql[query],
				   &catalog->queries[query]);
		if (r < 0)
			return r;
	}
	*ret = catalog->queries[query];
	return 0;
}

/* ---- meta and record ---- */

static int check_meta(struct sfs_catalog *catalog, const struct sfs_meta *meta,
		      const char *uuid, uint64_t *ret)
{
	CLEANUP_VALUES struct sfs_values v;
	size_t i;

	sfs_values_init(&v, 'm');
	sfs_values_add_text(&v, uuid);
	for (i = 0; i < SFS_ARRAY_SIZE(meta->stamp.words); i++)
		sfs_values_add_int(&v, meta->stamp.words[i]);
	sfs_values_add_int(&v, meta->stamp.settled);
	sfs_values_add_int(&v, meta->generation);
	sfs_values_add_int(&v, meta->total);
	return sfs_values_check(&v, catalog->config, ret);
}

static int check_record(struct sfs_catalog *catalog,
			const struct sfs_record_row *row, uint64_t *ret)
{
	CLEANUP_VALUES struct sfs_values v;
	size_t i;

	sfs_values_init(&v, 'r');
	sfs_values_add_text(&v, row->name);
	for (i = 0; i < SFS_ARRAY_SIZE(row->version); i++)
		sfs_values_add_int(&v, row->version[i]);
	sfs_values_add_int(&v, row->kind);
	sfs_values_add_int(&v, (uint64_t)row->time_ns);
	sfs_values_add_text(&v, row->label);
	return sfs_values_check(&v, catalog->config, ret);
}

int sfs_catalog_get_meta(struct sfs_catalog *catalog, struct sfs_meta *ret)
{
	CLEANUP_RESET struct sfs_stmt *stmt = NULL;
	char uuid[SFS_UUID_SIZE];
	struct sfs_meta meta;
	uint64_t check;
	bool ok = true;
	int r, i;

	r = sfs_catalog_query(catalog, SFS_QUERY_META_GET, &stmt);
	if (r < 0)
		return r;
	r = sfs_stmt_step(stmt);
	if (r < 0)
		return r;
	if (r == 0)
		return sfs_db_distrust(catalog->db);
	sfs_uuid_format(catalog->config->uuid, uuid);
	ok = strcmp(sfs_values_get_text(stmt, 0, &ok), uuid) == 0 && ok;
	for (i = 0; i < 3; i++)
		meta.stamp.words[i] = sfs_values_get_int(stmt, 1 + i, &ok);
	meta.stamp.settled = sfs_values_get_int(stmt, 4, &ok) == 1;
	meta.generation = sfs_values_get_int(stmt, 5, &ok);
	meta.total = sfs_values_get_int(stmt, 6, &ok);
	r = check_meta(catalog, &meta, uuid, &check);
	if (r < 0)
		return r;
	if (sfs_values_get_int(stmt, 7, &ok) != check || !ok)
		return sfs_db_distrust(catalog->db);
	*ret = meta;
	return 0;
}

int sfs_catalog_put_meta(struct sfs_catalog *catalog,
			 const struct sfs_meta *meta)
{
	struct sfs_stmt *stmt;
	char uuid[SFS_UUID_SIZE];
	uint64_t check;
	int r, i;

	sfs_uuid_format(catalog->config->uuid, uuid);
	r = check_meta(catalog, meta, uuid, &check);
	if (r < 0)
		return r;
	r = sfs_catalog_query(catalog, SFS_QUERY_META_PUT, &stmt);
	if (r < 0)
		return r;
	sfs_values_bind_text(stmt, 1, uuid);
	for (i = 0; i < 3; i++)
		sfs_values_bind_int(stmt, 2 + i, meta->stamp.words[i]);
	sfs_values_bind_int(stmt, 5, meta->stamp.settled);
	sfs_values_bind_int(stmt, 6, meta->generation);
	sfs_values_bind_int(stmt, 7, meta->total);
	sfs_values_bind_int(stmt, 8, check);
	return sfs_stmt_run(stmt);
}

int sfs_catalog_read_record(struct sfs_catalog *catalog, struct sfs_stmt *stmt,
			    struct sfs_record_row *ret)
{
	struct sfs_record_row row;
	uint64_t check;
	bool ok = true;
	int r, i;

	row.name = sfs_values_get_text(stmt, 0, &ok);
	for (i = 0; i < 3; i++)
		row.version[i] = sfs_values_get_int(stmt, 1 + i, &ok);
	row.kind = (enum sfs_record_kind)sfs_values_get_int(stmt, 4, &ok);
	row.time_ns = (int64_t)sfs_values_get_int(stmt, 5, &ok);
	row.label = sfs_values_get_text(stmt, 6, &ok);
	row.check = sfs_values_get_int(stmt, 7, &ok);
	r = check_record(catalog, &row, &check);
	if (r < 0)
		return r;
	if (!ok || row.check != check)
		return sfs_db_distrust(catalog->db);
	*ret = row;
	return 0;
}

int sfs_catalog_put_record(struct sfs_catalog *catalog,
			   struct sfs_record_row *row)
{
	struct sfs_stmt *stmt;
	int r, i;

	r = check_record(catalog, row, &row->check);
	if (r < 0)
		return r;
	r = sfs_catalog_query(catalog, SFS_QUERY_RECORD_PUT, &stmt);
	if (r < 0)
		return r;
	sfs_values_bind_text(stmt, 1, row->name);
	for (i = 0; i < 3; i++)
		sfs_values_bind_int(stmt, 2 + i, row->version[i]);
	sfs_values_bind_int(stmt, 5, row->kind);
	sfs_values_bind_int(stmt, 6, (uint64_t)row->time_ns);
	sfs_values_bind_text(stmt, 7, row->label);
	sfs_values_bind_int(stmt, 8, row->check);
	return sfs_stmt_run(stmt);
}
