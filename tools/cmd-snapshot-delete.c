/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "format/time.h"
#include "src/delete.h"
#include "src/log.h"
#include "tools/cmd.h"
#include "tools/output.h"

/* An image that goes first. */
struct gone {
	char id[SFS_ID_SIZE];
	char name[SFS_IMAGE_NAME_MAX + 1];
};

/* What is to be deleted, each once. */
struct doomed {
	struct sfs_snapshot **snapshots;
	char **ids; /* borrowed from the snapshots */
	size_t count;
	struct gone *images;
	size_t image_count;
	size_t image_capacity;
	size_t gone; /* of the snapshots, in their order */
};

static void doomed_done(struct doomed *doomed)
{
	size_t i;

	for (i = 0; i < doomed->count; i++)
		sfs_snapshot_free(doomed->snapshots[i]);
	free(doomed->snapshots);
	free(doomed->ids);
	free(doomed->images);
}

static bool has(const struct doomed *doomed, const char *id)
{
	size_t i;

	for (i = 0; i < doomed->count; i++)
		if (strcmp(doomed->ids[i], id) == 0)
			return true;
	return false;
}

/* What a selector may mean though it is not in any list. */
struct hidden {
	const char *selector;
	char id[SFS_ID_SIZE];
};

static int match_hidden(const char *name, const char *why, void *context)
{
	static const char kind[] = SFS_ID_SNAPSHOT;
	struct hidden *hidden = context;
	const char *digits = hidden->selector;

	(void)why;
	if (!sfs_id_valid(name, kind))
		return 0;
	if (strncmp(digits, kind, sizeof(kind) - 1) == 0)
		digits += sizeof(kind) - 1;
	if (!strchr(digits, '@') &&
	    strncmp(name + sizeof(kind) - 1, digits, strlen(digits)) != 0)
		return 0;
	strcpy(hidden->id, name);
	return 1;
}

/* A snapshot whose record is damaged, or cannot be read, is not in any list,
 * so that what is not an id would name another one. */
static int check_hidden(struct sfs_repo *repo, const char *selector)
{
	struct hidden hidden = { .selector = selector };
	int r;

	if (sfs_id_valid(selector, SFS_ID_SNAPSHOT))
		return 0;
	r = sfs_catalog_damaged(repo->catalog, match_hidden, &hidden);
	if (r < 0 || !*hidden.id)
		return r < 0 ? r : 0;
	sfs_err("'%s': may mean %s, whose record is damaged or cannot be read; "
		"name the snapshot by its id, and see 'snapfs check'",
		selector, hidden.id);
	return -EUCLEAN;
}

/* All selectors are resolved before anything goes: after a deletion
 * VOLUME@-1 would name another snapshot. */
static int resolve(const struct sfs_cmd *cmd, struct sfs_repo *repo,
		   struct doomed *doomed)
{
	size_t i, count = cmd->args.word_count;
	int r;

	doomed->snapshots = sfs_calloc(count, sizeof(*doomed->snapshots));
	doomed->ids = sfs_calloc(count, sizeof(*doomed->ids));
	if (!doomed->snapshots || !doomed->ids)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;

		r = check_hidden(repo, cmd->args.words[i]);
		if (r == 0)
			r = sfs_catalog_select(repo->catalog,
					       cmd->args.words[i], &snapshot);
		if (r < 0)
			return r;
		if (has(doomed, snapshot->id))
			continue;
		doomed->ids[doomed->count] = snapshot->id;
		doomed->snapshots[doomed->count++] = TAKE_PTR(snapshot);
	}
	return 0;
}

static void note_image(const struct sfs_image *image, void *context)
{
	struct doomed *doomed = context;
	struct gone *gone;
	int r;

	r = sfs_grow(&doomed->images, &doomed->image_capacity,
		     doomed->image_count, sizeof(*doomed->images));
	if (r < 0) {
		sfs_warn("image '%s': is deregistered", image->name);
		return;
	}
	gone = &doomed->images[doomed->image_count++];
	strcpy(gone->id, image->id);
	strcpy(gone->name, image->name);
}

static void note_snapshot(const char *id, void *context)
{
	struct doomed *doomed = context;

	(void)id;
	doomed->gone++;
}

/* After a failure: what went before it. */
static void tell_gone(const struct doomed *doomed)
{
	size_t i;

	for (i = 0; i < doomed->image_count; i++)
		sfs_warn("image '%s' (%s): is deregistered already",
			 doomed->images[i].name, doomed->images[i].id);
	for (i = 0; i < doomed->gone; i++)
		sfs_warn("'%s': is deleted already", doomed->ids[i]);
}

static void print(const struct doomed *doomed, bool dry_run, bool known,
		  uint64_t bytes)
{
	char exact[SFS_OUTPUT_EXACT], time[SFS_TIME_SIZE];
	const struct sfs_snapshot *snapshot;
	size_t i;

	for (i = 0; i < doomed->image_count; i++)
		printf("%s %s  %s\n",
		       dry_run ? "would deregister" : "deregistered",
		       doomed->images[i].id, doomed->images[i].name);
	for (i = 0; i < doomed->count; i++) {
		snapshot = doomed->snapshots[i];
		sfs_time_format(snapshot->time_ns, time);
		printf("%s %s  %s  %s\n", dry_run ? "would delete" : "deleted",
		       snapshot->id, snapshot->volume, time);
	}
	if (!known)
		return;
	sfs_output_exact(bytes, exact);
	printf("%s %s at the next gc\n", dry_run ? "would free" : "frees",
	       exact);
}

static int print_json(const struct doomed *doomed, bool dry_run, bool known,
		      uint64_t bytes)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	size_t i;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_bool(w, "DryRun", dry_run);
	sfs_jsonw_array(w, "Images");
	for (i = 0; i < doomed->image_count; i++) {
		sfs_jsonw_object(w, NULL);
		sfs_jsonw_string(w, "ImageId", doomed->images[i].id);
		sfs_jsonw_string(w, "Name", doomed->images[i].name);
		sfs_jsonw_end(w);
	}
	sfs_jsonw_end(w);
	sfs_jsonw_array(w, "Snapshots");
	for (i = 0; i < doomed->count; i++)
		sfs_output_json_snapshot(w, NULL, doomed->snapshots[i]);
	sfs_jsonw_end(w);
	if (known)
		sfs_jsonw_uint(w, "FreedInBytes", bytes);
	else
		sfs_jsonw_null(w, "FreedInBytes");
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

static int delete_all(const struct sfs_cmd *cmd, struct sfs_repo *repo,
		      struct doomed *doomed)
{
	bool dry_run = sfs_args_has(&cmd->args, "dry-run");
	struct sfs_delete_options how = {
		.cascade = sfs_args_has(&cmd->args, "cascade"),
		.dry_run = dry_run,
		.deregistered = note_image,
		.deleted = note_snapshot,
		.context = doomed,
	};
	uint64_t bytes = 0;
	bool known;
	int r;

	r = sfs_delete_would_free(repo, doomed->ids, doomed->count, &bytes);
	known = r == 0;
	if (!known && dry_run)
		return r;
	/* Damage elsewhere must not keep what is whole from being deleted. */
	if (!known)
		sfs_warn("cannot tell how many bytes this frees; see 'snapfs "
			 "check'");
	r = sfs_delete_with(repo, doomed->ids, doomed->count, &how);
	if (r < 0 && !dry_run)
		tell_gone(doomed);
	if (r < 0)
		return r;
	if (cmd->json)
		return print_json(doomed, dry_run, known, bytes);
	print(doomed, dry_run, known, bytes);
	return 0;
}

static int run(struct sfs_cmd *cmd)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	struct doomed doomed = { .count = 0 };
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = resolve(cmd, repo, &doomed);
	if (r == 0)
		r = delete_all(cmd, repo, &doomed);
	doomed_done(&doomed);
	return r;
}

static const struct sfs_opt options[] = {
	{ .name = "cascade",
	  .help = "deregister the images that use them first" },
	{ .name = "dry-run",
	  .letter = 'n',
	  .help = "delete nothing; say what would go and how many bytes that "
		  "frees" },
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_snapshot_delete = {
	.noun = "snapshot",
	.name = "delete",
	.words = "SNAP...",
	.summary = "Delete snapshots.",
	.text = "They are gone at once, also from mounts; whoever has one open "
		"goes on reading it. The space is given back by 'snapfs gc'. "
		"No other snapshot is changed by this. One that an image uses "
		"is refused without --cascade.",
	.options = options,
	.min_words = 1,
	.max_words = SFS_WORDS_ANY,
	.complete = SFS_COMPLETE_SNAPSHOT,
	.more = SFS_COMPLETE_SNAPSHOT,
	.run = run,
};
