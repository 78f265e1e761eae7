/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/name.h"
#include "src/log.h"
#include "src/view.h"
#include "tools/attach.h"
#include "tools/cmd.h"
#include "tools/message.h"
#include "tools/output.h"
#include "tools/table.h"

/* ---- listing ---- */

static const char *const headings[] = { "SNAPSHOT", "VOLUME", "PARTITION",
					"TYPE",	    "MODE",   "DEVICE",
					"DIRECTORY" };

static const char *mode(const struct sfs_attachment *a)
{
	switch (a->state) {
	case SFS_ATTACHMENT_BUSY:
		return "busy";
	case SFS_ATTACHMENT_BROKEN:
		return "broken";
	case SFS_ATTACHMENT_WHOLE:
		break;
	}
	return a->writable ? "rw" : "ro";
}

static const char *state(const struct sfs_attachment *a)
{
	return a->state == SFS_ATTACHMENT_WHOLE ? "attached" : mode(a);
}

static void put_known(struct sfs_jsonw *w, const char *key, const char *s)
{
	if (*s)
		sfs_jsonw_string(w, key, s);
	else
		sfs_jsonw_null(w, key);
}

static void put_json(struct sfs_jsonw *w, const struct sfs_attachment *a)
{
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "SnapshotId", a->snapshot);
	put_known(w, "ImageId", a->image);
	put_known(w, "DeviceName", a->device);
	sfs_jsonw_string(w, "VolumeName", a->volume);
	if (a->partition > 0)
		sfs_jsonw_uint(w, "Partition", (uint64_t)a->partition);
	else
		sfs_jsonw_null(w, "Partition");
	sfs_jsonw_string(w, "FileSystem", a->type);
	sfs_jsonw_string(w, "Directory", a->directory);
	put_known(w, "Device", a->node);
	sfs_jsonw_bool(w, "ReadOnly", !a->writable);
	sfs_jsonw_string(w, "State", state(a));
	sfs_jsonw_end(w);
}

static int list_json(const struct sfs_attachments *all)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	size_t i;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_array(w, "Attachments");
	for (i = 0; i < all->count; i++)
		if (all->list[i].directory)
			put_json(w, &all->list[i]);
	sfs_jsonw_end(w);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

static int add_row(struct sfs_table *table, const struct sfs_attachment *a)
{
	char partition[16] = "-";
	int r;

	if (a->partition > 0)
		snprintf(partition, sizeof(partition), "%d", a->partition);
	r = sfs_table_add(table, a->snapshot);
	if (r == 0)
		r = sfs_table_add(table, a->volume);
	if (r == 0)
		r = sfs_table_add(table, partition);
	if (r == 0)
		r = sfs_table_add(table, a->type);
	if (r == 0)
		r = sfs_table_add(table, mode(a));
	if (r == 0)
		r = sfs_table_add(table, *a->node ? a->node : "-");
	if (r == 0)
		r = sfs_table_add(table, a->directory);
	return r;
}

static int list_table(const struct sfs_attachments *all)
{
	CLEANUP_TABLE struct sfs_table table = {
		.headings = headings,
		.columns = SFS_ARRAY_SIZE(headings),
	};
	size_t i;
	int r;

	for (i = 0; i < all->count; i++) {
		if (!all->list[i].directory) /* the next attach removes it */
			continue;
		r = add_row(&table, &all->list[i]);
		if (r < 0)
			return r;
	}
	if (table.count > 0)
		sfs_table_print(&table);
	else
		sfs_info("nothing is attached");
	return 0;
}

static int list(const struct sfs_cmd *cmd)
{
	CLEANUP_ATTACHMENTS struct sfs_attachments all = { 0 };
	CLEANUP_CLOSE int lock = -1;
	int r;

	r = sfs_attach_lock(&lock);
	if (r == 0)
		r = sfs_attachments_read(&all);
	if (r < 0)
		return r;
	return cmd->json ? list_json(&all) : list_table(&all);
}

/* ---- what is to be attached ---- */

struct target {
	struct sfs_view *view;
	char *name; /* for messages */
	char *file; /* within a mount */
};

static void target_done(struct target *target)
{
	sfs_view_close(target->view);
	free(target->name);
	free(target->file);
}

/* Where IMAGE ends in IMAGE:DEVICE, or NULL in a snapshot's selector: in a
 * time, and only there, a colon stands before a digit. */
static const char *find_device(const char *word)
{
	const char *colon = strchr(word, ':');

	return colon && (colon[1] < '0' || colon[1] > '9') ? colon : NULL;
}

/* By its name in the mapping, or that without /dev/. */
static const struct sfs_mapping *find_mapping(const struct sfs_image *image,
					      const char *device)
{
	const struct sfs_mapping *mapping = sfs_image_mapping(image, device);
	CLEANUP_FREE char *full = NULL;

	if (mapping)
		return mapping;
	full = sfs_asprintf("/dev/%s", device);
	return full ? sfs_image_mapping(image, full) : NULL;
}

static int refuse_device(const struct sfs_image *image, const char *device)
{
	sfs_err("image '%s': has no disk '%s' made from a snapshot",
		image->name, device);
	for (size_t i = 0; i < image->mapping_count; i++)
		if (image->mappings[i].kind == SFS_MAPPING_SNAPSHOT)
			sfs_err("image '%s': has '%s'", image->name,
				image->mappings[i].device);
	return -ENOENT;
}

static int check_image(const struct sfs_image *image)
{
	if (!image->disabled)
		return 0;
	sfs_err("image '%s': is disabled; 'snapfs image enable' makes its "
		"disks available again, and its snapshots can be attached by "
		"themselves",
		image->name);
	return -EPERM;
}

static int take_mapping(struct sfs_repo *repo, const struct sfs_image *image,
			const struct sfs_mapping *mapping,
			struct target *target)
{
	char file[SFS_DEVICE_FILE_SIZE];
	int r;

	sfs_name_device_file(mapping->device, file);
	target->name = sfs_asprintf("%s:%s", image->name, mapping->device);
	target->file =
		sfs_asprintf("scratch/images/%s/%s.img", image->name, file);
	if (!target->name || !target->file)
		return -ENOMEM;
	r = sfs_view_open_volume(repo, mapping->snapshot, mapping->size,
				 &target->view);
	if (r == -ENOENT)
		sfs_err("'%s': its snapshot '%s' is missing", target->name,
			mapping->snapshot);
	return r;
}

static int select_device(struct sfs_repo *repo, const char *word,
			 const char *colon, struct sfs_attachment *a,
			 struct target *target)
{
	CLEANUP_FREE char *name =
		sfs_asprintf("%.*s", (int)(colon - word), word);
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	const struct sfs_mapping *mapping;
	int r;

	if (!name)
		return -ENOMEM;
	r = sfs_catalog_select_image(repo->catalog, name, &image);
	if (r == 0)
		r = check_image(image);
	if (r < 0)
		return r;
	mapping = find_mapping(image, colon + 1);
	if (!mapping || mapping->kind != SFS_MAPPING_SNAPSHOT)
		return refuse_device(image, colon + 1);
	strcpy(a->image, image->id);
	strcpy(a->device, mapping->device);
	return take_mapping(repo, image, mapping, target);
}

static int select_snapshot(struct sfs_repo *repo, const char *word,
			   struct target *target)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	int r;

	r = sfs_catalog_select(repo->catalog, word, &snapshot);
	if (r < 0)
		return r;
	target->name = sfs_strdup(snapshot->id);
	target->file = sfs_asprintf("scratch/snapshots/%s.img", snapshot->id);
	if (!target->name || !target->file)
		return -ENOMEM;
	return sfs_view_open(repo, snapshot->id, &target->view);
}

static int select_disk(struct sfs_repo *repo, const char *word,
		       struct sfs_attachment *a, struct target *target)
{
	const char *colon = find_device(word);
	const struct sfs_snapshot *snapshot;
	int r;

	r = colon ? select_device(repo, word, colon, a, target)
		  : select_snapshot(repo, word, target);
	if (r < 0)
		return r;
	snapshot = sfs_view_snapshot(target->view);
	strcpy(a->snapshot, snapshot->id);
	strcpy(a->volume, snapshot->volume);
	return 0;
}

/* ---- attaching ---- */

static int take_number(const struct sfs_cmd *cmd, int *ret)
{
	const char *text = sfs_args_get(&cmd->args, "partition");
	unsigned long value;
	char *end;

	*ret = 0;
	if (!text)
		return 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || value < 1 || value > INT_MAX)
		return sfs_message_usage(cmd->args.context,
					 "--partition '%s': is not a number "
					 "from 1 on",
					 text);
	*ret = (int)value;
	return 0;
}

static int take_directory(const char *word, char **ret)
{
	int r;

	*ret = realpath(word, NULL);
	if (!*ret) {
		r = -errno;
		sfs_err("'%s': %s; the directory to attach to has to be there",
			word, strerror(-r));
		return r;
	}
	return sfs_attach_check_directory(*ret);
}

static int check_outside(const struct sfs_repo *repo, const char *directory)
{
	if (!sfs_store_contains(repo->store, directory))
		return 0;
	sfs_err("'%s': lies inside the repository '%s'; give another directory",
		directory, sfs_store_path(repo->store));
	return -ENOTSUP;
}

static int find_partition(const struct target *target, int number,
			  struct sfs_probe_disk *disk,
			  const struct sfs_probe_partition **ret)
{
	uint64_t data;
	int r;

	r = sfs_view_next_data(target->view, 0, &data);
	if (r == -ENXIO)
		sfs_err("'%s': is empty: all of it is zeros", target->name);
	if (r == 0)
		r = sfs_probe_disk(target->view, disk);
	return r < 0 ? r : sfs_attach_pick(target->name, disk, number, ret);
}

static int attach_disk(struct sfs_repo *repo, const struct target *target,
		       int number, struct sfs_attachment *a)
{
	CLEANUP_FREE struct sfs_probe_disk *disk = sfs_calloc(1, sizeof(*disk));
	CLEANUP_FREE char *repository =
		realpath(sfs_store_path(repo->store), NULL);
	struct sfs_attach_request request = {
		.repository = repository,
		.name = target->name,
		.file = target->file,
	};
	int r;

	if (!disk || !repository)
		return -ENOMEM;
	r = find_partition(target, number, disk, &request.partition);
	if (r < 0)
		return r;
	request.sector_size = disk->sector_size;
	a->partition = request.partition->number;
	strcpy(a->type, request.partition->type);
	return sfs_attach_make(&request, a);
}

static int print(const struct sfs_attachment *a)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	put_json(w, a);
	return sfs_output_json(w);
}

static int attach(const struct sfs_cmd *cmd)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	__attribute__((cleanup(target_done))) struct target target = { 0 };
	CLEANUP_ATTACHMENT struct sfs_attachment a = { 0 };
	int r, number;

	r = take_number(cmd, &number);
	if (r < 0)
		return r;
	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = take_directory(cmd->args.words[1], &a.directory);
	if (r < 0)
		return r;
	r = check_outside(repo, a.directory);
	if (r < 0)
		return r;
	r = select_disk(repo, cmd->args.words[0], &a, &target);
	if (r < 0)
		return r;
	a.writable = sfs_args_has(&cmd->args, "rw");
	r = attach_disk(repo, &target, number, &a);
	if (r < 0)
		return r;
	return cmd->json ? print(&a) : 0;
}

static int run(struct sfs_cmd *cmd)
{
	int r;

	if (cmd->args.word_count == 1)
		return sfs_message_usage(cmd->args.context,
					 "'%s': to which directory?",
					 cmd->args.words[0]);
	r = sfs_attach_check_user();
	if (r < 0)
		return r;
	return cmd->args.word_count == 0 ? list(cmd) : attach(cmd);
}

static const struct sfs_opt options[] = {
	{ .name = "partition",
	  .argument = "N",
	  .help = "which one; else the only or the largest of Linux" },
	{ .name = "rw",
	  .help = "let it be written to; what is written goes with detach" },
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_snapshot_attach = {
	.noun = "snapshot",
	.name = "attach",
	.words = "[SNAP DIR]",
	.summary = "Mount the file system in a snapshot, as root.",
	.text = "SNAP may be IMAGE:DEVICE, a disk of an image. The journal of "
		"a "
		"file system that was in use is replayed, into a throw-away "
		"copy: snapshot and repository stay as they are. Without "
		"arguments, list what is attached.",
	.options = options,
	.max_words = 2,
	.complete = SFS_COMPLETE_SNAPSHOT,
	.more = SFS_COMPLETE_DIR,
	.run = run,
};
