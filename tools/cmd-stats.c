/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "src/delete.h"
#include "tools/cmd.h"
#include "tools/output.h"

static int print_json(const struct sfs_stats *stats)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_uint(w, "Snapshots", stats->snapshots);
	sfs_jsonw_uint(w, "Images", stats->images);
	sfs_jsonw_uint(w, "Volumes", stats->volumes);
	sfs_jsonw_uint(w, "VolumeSizeInBytes", stats->volume_bytes);
	sfs_jsonw_uint(w, "FullSnapshotSizeInBytes", stats->data_bytes);
	sfs_jsonw_uint(w, "UniqueInBytes", stats->unique_bytes);
	sfs_jsonw_uint(w, "Packs", stats->packs);
	sfs_jsonw_uint(w, "PacksInBytes", stats->pack_bytes);
	sfs_jsonw_uint(w, "Chunks", stats->chunks);
	sfs_jsonw_uint(w, "ChunksInBytes", stats->chunk_bytes);
	sfs_jsonw_uint(w, "Nodes", stats->nodes);
	sfs_jsonw_uint(w, "NodesInBytes", stats->node_bytes);
	sfs_jsonw_uint(w, "RecordsInBytes", stats->record_bytes);
	sfs_jsonw_uint(w, "CatalogInBytes", stats->catalog_bytes);
	sfs_jsonw_uint(w, "DeletedSnapshots", stats->deleted_snapshots);
	if (stats->freeable_bytes == UINT64_MAX)
		sfs_jsonw_null(w, "FreeableInBytes");
	else
		sfs_jsonw_uint(w, "FreeableInBytes", stats->freeable_bytes);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

static void print_ratio(const char *key, uint64_t of, uint64_t to,
			const char *what)
{
	char text[64];

	if (to == 0)
		return;
	snprintf(text, sizeof(text), "%.2f %s", (double)of / (double)to, what);
	sfs_output_field(key, text);
}

static void print(const struct sfs_stats *stats)
{
	sfs_output_field_count("Snapshots", stats->snapshots);
	sfs_output_field_count("Images", stats->images);
	sfs_output_field_count("Volumes", stats->volumes);
	sfs_output_field_size("Volume bytes", stats->volume_bytes);
	sfs_output_field_size("Data in them", stats->data_bytes);
	sfs_output_field_size("Unique data", stats->unique_bytes);
	sfs_output_field_size("Packs", stats->pack_bytes);
	sfs_output_field_count("  files", stats->packs);
	sfs_output_field_size("  chunks", stats->chunk_bytes);
	sfs_output_field_count("    number", stats->chunks);
	sfs_output_field_size("  map nodes", stats->node_bytes);
	sfs_output_field_count("    number", stats->nodes);
	sfs_output_field_size("Records", stats->record_bytes);
	sfs_output_field_size("Catalog", stats->catalog_bytes);
	print_ratio("Compression", stats->unique_bytes, stats->chunk_bytes,
		    "(unique data to stored chunks)");
	print_ratio("Ratio", stats->data_bytes, stats->pack_bytes,
		    "(data in all snapshots to packs)");
	sfs_output_field_count("Deleted", stats->deleted_snapshots);
	if (stats->freeable_bytes == UINT64_MAX)
		sfs_output_field("Freeable", "unknown, because of damage");
	else
		sfs_output_field_size("Freeable", stats->freeable_bytes);
}

static int run(struct sfs_cmd *cmd)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	struct sfs_stats stats;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = sfs_stats(repo, &stats);
	if (r < 0)
		return r;
	if (cmd->json)
		r = print_json(&stats);
	else
		print(&stats);
	if (r < 0)
		return r;
	return stats.freeable_bytes == UINT64_MAX ? SFS_EXIT_DAMAGE : 0;
}

const struct sfs_verb sfs_verb_stats = {
	.name = "stats",
	.summary = "Show what is stored and what it takes.",
	.run = run,
};
