/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/images.h"
#include "tools/cmd.h"
#include "tools/image-output.h"
#include "tools/output.h"
#include "tools/people.h"
#include "tools/table.h"

static const char *const headings[] = {
	"DEVICE", "SNAPSHOT", "VOLUME", ">SIZE", "DELETE ON TERMINATION",
	"STATE"
};

static const char *const state_names[] = {
	[SFS_MAPPING_OK] = "completed",
	[SFS_MAPPING_MISSING] = "missing",
	[SFS_MAPPING_DAMAGED] = "damaged",
};

static void print_known(const char *key, const char *value)
{
	sfs_output_field(key, value && *value ? value : "-");
}

static void print(const struct sfs_image *image,
		  const enum sfs_mapping_state *states)
{
	print_known("Image", image->id);
	print_known("Name", image->name);
	sfs_output_field_time("Created", image->time_ns);
	sfs_output_field("State", sfs_image_output_state(image, states));
	print_known("Architecture", image->architecture);
	print_known("Boot mode", image->boot_mode);
	print_known("Platform", image->platform);
	print_known("Root device", image->root);
	print_known("Set", image->set);
	if (*image->origin)
		sfs_output_field("Imported from", image->origin);
	if (image->deprecated_ns)
		sfs_output_field_time("Deprecated", image->deprecated_ns);
	sfs_output_field("Protected", image->is_protected ? "yes" : "no");
	print_known("Description", image->description);
	sfs_output_field_tags(&image->tags);
	sfs_people_print(image->owner, &image->grants);
	if (image->disabled && image->grants.count > 0)
		sfs_output_field("", "suspended while it is disabled");
}

static int add_what(struct sfs_table *table, const struct sfs_mapping *mapping)
{
	char text[24];

	switch (mapping->kind) {
	case SFS_MAPPING_SNAPSHOT:
		return sfs_table_add(table, mapping->snapshot);
	case SFS_MAPPING_EMPTY:
		return sfs_table_add(table, "empty");
	case SFS_MAPPING_EPHEMERAL:
		snprintf(text, sizeof(text), "ephemeral%u", mapping->ephemeral);
		return sfs_table_add(table, text);
	case SFS_MAPPING_NONE:
		break;
	}
	return sfs_table_add(table, "none");
}

/* The name of the volume that the snapshot is of. */
static int add_volume(struct sfs_table *table, struct sfs_repo *repo,
		      const struct sfs_mapping *mapping,
		      enum sfs_mapping_state state)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;

	if (mapping->kind != SFS_MAPPING_SNAPSHOT || state != SFS_MAPPING_OK ||
	    sfs_catalog_load(repo->catalog, mapping->snapshot, &snapshot) < 0)
		return sfs_table_add(table, "-");
	return sfs_table_add(table, snapshot->volume);
}

static int add_row(struct sfs_table *table, struct sfs_repo *repo,
		   const struct sfs_mapping *mapping,
		   enum sfs_mapping_state state)
{
	bool is_volume = sfs_mapping_is_volume(mapping);
	int r;

	r = sfs_table_add(table, mapping->device);
	if (r == 0)
		r = add_what(table, mapping);
	if (r == 0)
		r = add_volume(table, repo, mapping, state);
	if (r == 0 && is_volume)
		r = sfs_table_add_size(table, mapping->size);
	else if (r == 0)
		r = sfs_table_add(table, "-");
	if (r == 0)
		r = sfs_table_add(table, !is_volume ? "-"
					 : mapping->delete_on_termination
						 ? "yes"
						 : "no");
	if (r == 0)
		r = sfs_table_add(table, mapping->kind == SFS_MAPPING_SNAPSHOT
						 ? state_names[state]
						 : "-");
	return r;
}

static int print_mappings(struct sfs_repo *repo, const struct sfs_image *image,
			  const enum sfs_mapping_state *states)
{
	CLEANUP_TABLE struct sfs_table table = {
		.headings = headings,
		.columns = SFS_ARRAY_SIZE(headings),
	};
	size_t i;
	int r;

	for (i = 0; i < image->mapping_count; i++) {
		r = add_row(&table, repo, &image->mappings[i], states[i]);
		if (r < 0)
			return r;
	}
	putchar('\n');
	sfs_table_print(&table);
	return 0;
}

static int run(struct sfs_cmd *cmd)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	CLEANUP_FREE enum sfs_mapping_state *states = NULL;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = sfs_catalog_select_image(repo->catalog, cmd->args.words[0], &image);
	if (r < 0)
		return r;
	if (cmd->json)
		return sfs_image_output_json(repo, image);
	r = sfs_image_states(repo, image, &states);
	if (r < 0)
		return r;
	print(image, states);
	return print_mappings(repo, image, states);
}

const struct sfs_verb sfs_verb_image_show = {
	.noun = "image",
	.name = "show",
	.words = "NAME",
	.summary = "Show all that is known of an image.",
	.min_words = 1,
	.max_words = 1,
	.complete = SFS_COMPLETE_IMAGE,
	.run = run,
};
