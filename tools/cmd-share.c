/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Sharing images and snapshots. */

#include <errno.h>
#include <stdlib.h>

#include "src/images.h"
#include "src/log.h"
#include "src/tag.h"
#include "tools/cmd.h"
#include "tools/image-output.h"
#include "tools/output.h"
#include "tools/people.h"

/* One grantee, and whether all was as it should be before. */
struct grantee {
	struct sfs_grant grant;
	bool already;
};

struct change {
	bool share; /* or unshare */
	struct grantee *grantees;
	size_t count;
};

static void change_done(struct change *change)
{
	free(change->grantees);
}
#define CLEANUP_CHANGE __attribute__((cleanup(change_done)))

static int parse(const struct sfs_cmd *cmd, struct change *change)
{
	size_t i, count = cmd->args.word_count - 1;
	int r;

	change->grantees = sfs_calloc(count, sizeof(*change->grantees));
	if (!change->grantees)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		r = sfs_people_parse(cmd, cmd->args.words[1 + i],
				     &change->grantees[i].grant);
		if (r < 0)
			return r;
	}
	change->count = count;
	return 0;
}

static int apply(struct change *change, struct sfs_grants *grants)
{
	struct grantee *one;
	size_t i;
	int r;

	for (i = 0; i < change->count; i++) {
		one = &change->grantees[i];
		if (!change->share) {
			one->already = !sfs_grants_remove(grants, one->grant);
			continue;
		}
		r = sfs_grants_add(grants, one->grant);
		if (r < 0)
			return r;
		one->already = r == 0;
	}
	return 0;
}

static int edit_image(struct sfs_image *image, void *context)
{
	return apply(context, &image->grants);
}

static int edit_snapshot(struct sfs_snapshot *snapshot, void *context)
{
	return apply(context, &snapshot->grants);
}

static int change_image(const struct sfs_cmd *cmd, struct change *change)
{
	return sfs_image_output_edit(cmd, edit_image, change);
}

static int change_snapshot(const struct sfs_cmd *cmd, struct change *change)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	CLEANUP_SNAPSHOT struct sfs_snapshot *edited = NULL;
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = sfs_catalog_select(repo->catalog, cmd->args.words[0], &snapshot);
	if (r < 0)
		return r;
	r = sfs_snapshot_edit(repo, snapshot->id, edit_snapshot, change,
			      &edited);
	if (r < 0 || !cmd->json)
		return r;
	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_output_json_snapshot(w, NULL, edited);
	return sfs_output_json(w);
}

static void tell(const struct sfs_cmd *cmd, const struct change *change)
{
	static const char *const texts[2][2] = {
		{ "is no longer shared with", "was not shared with" },
		{ "is shared with", "is shared already with" },
	};
	char who[SFS_PEOPLE_SIZE];
	size_t i;

	for (i = 0; i < change->count; i++) {
		sfs_people_grant(change->grantees[i].grant, who);
		sfs_info("'%s': %s %s", cmd->args.words[0],
			 texts[change->share][change->grantees[i].already],
			 who);
	}
}

static int run(const struct sfs_cmd *cmd, bool share,
	       int (*make)(const struct sfs_cmd *cmd, struct change *change))
{
	CLEANUP_CHANGE struct change change = { .share = share };
	int r;

	r = parse(cmd, &change);
	if (r < 0)
		return r;
	r = make(cmd, &change);
	if (r == 0)
		tell(cmd, &change);
	return r;
}

static int run_snapshot_share(struct sfs_cmd *cmd)
{
	return run(cmd, true, change_snapshot);
}

static int run_snapshot_unshare(struct sfs_cmd *cmd)
{
	return run(cmd, false, change_snapshot);
}

static int run_image_share(struct sfs_cmd *cmd)
{
	return run(cmd, true, change_image);
}

static int run_image_unshare(struct sfs_cmd *cmd)
{
	return run(cmd, false, change_image);
}

#define SHARE_TEXT                                                             \
	"U and G are names or numbers. This counts in mounts with "            \
	"allow_other; whoever can read the repository's directory can read "   \
	"all of it."

const struct sfs_verb sfs_verb_snapshot_share = {
	.noun = "snapshot",
	.name = "share",
	.words = "SNAP user:U|group:G|all...",
	.summary = "Let others read a snapshot in a mount.",
	.text = SHARE_TEXT,
	.min_words = 2,
	.max_words = SFS_WORDS_ANY,
	.complete = SFS_COMPLETE_SNAPSHOT,
	.more = SFS_COMPLETE_GRANTEE,
	.run = run_snapshot_share,
};

const struct sfs_verb sfs_verb_snapshot_unshare = {
	.noun = "snapshot",
	.name = "unshare",
	.words = "SNAP user:U|group:G|all...",
	.summary = "Undo share.",
	.min_words = 2,
	.max_words = SFS_WORDS_ANY,
	.complete = SFS_COMPLETE_SNAPSHOT,
	.more = SFS_COMPLETE_GRANTEE,
	.run = run_snapshot_unshare,
};

const struct sfs_verb sfs_verb_image_share = {
	.noun = "image",
	.name = "share",
	.words = "NAME user:U|group:G|all...",
	.summary = "Let others see, read and launch an image in a mount.",
	.text = SHARE_TEXT,
	.min_words = 2,
	.max_words = SFS_WORDS_ANY,
	.complete = SFS_COMPLETE_IMAGE,
	.more = SFS_COMPLETE_GRANTEE,
	.run = run_image_share,
};

const struct sfs_verb sfs_verb_image_unshare = {
	.noun = "image",
	.name = "unshare",
	.words = "NAME user:U|group:G|all...",
	.summary = "Undo share.",
	.min_words = 2,
	.max_words = SFS_WORDS_ANY,
	.complete = SFS_COMPLETE_IMAGE,
	.more = SFS_COMPLETE_GRANTEE,
	.run = run_image_unshare,
};
