/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/deregister.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/delete.h"
#include "src/log.h"
#include "tools/output.h"

void sfs_deregister_done(struct sfs_deregister *plan)
{
	size_t i, j;

	for (i = 0; i < plan->count; i++)
		sfs_image_free(plan->images[i]);
	for (i = 0; i < plan->fate_count; i++) {
		for (j = 0; j < plan->fates[i].user_count; j++)
			free(plan->fates[i].users[j]);
		free(plan->fates[i].users);
	}
	free(plan->images);
	free(plan->fates);
}

static bool goes(const struct sfs_deregister *plan, const char *id)
{
	size_t i;

	for (i = 0; i < plan->count; i++)
		if (strcmp(plan->images[i]->id, id) == 0)
			return true;
	return false;
}

static int resolve(struct sfs_repo *repo, char *const *names, size_t count,
		   struct sfs_deregister *plan)
{
	size_t i;
	int r;

	plan->images = sfs_calloc(count, sizeof(struct sfs_image *));
	if (!plan->images)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		CLEANUP_IMAGE struct sfs_image *image = NULL;

		r = sfs_catalog_select_image(repo->catalog, names[i], &image);
		if (r < 0)
			return r;
		if (!goes(plan, image->id))
			plan->images[plan->count++] = TAKE_PTR(image);
	}
	return 0;
}

/* Take over what was said of a snapshot: the last word counts, since an image
 * that still used it may have gone by then. */
static int merge_one(struct sfs_deregister *plan,
		     const struct sfs_released *released, bool done)
{
	size_t i;
	int r;

	for (i = 0; i < plan->fate_count; i++)
		if (strcmp(plan->fates[i].released.snapshot,
			   released->snapshot) == 0) {
			plan->fates[i].released = *released;
			plan->fates[i].done = done;
			return 0;
		}
	r = sfs_grow(&plan->fates, &plan->fate_capacity, plan->fate_count,
		     sizeof(*plan->fates));
	if (r < 0)
		return r;
	plan->fates[plan->fate_count++] =
		(struct sfs_fate){ .released = *released, .done = done };
	return 0;
}

/* Deregister @image, or only ask what that would do.  Returns 1 when it is not
 * certain that a snapshot went for good. */
static int deregister_one(struct sfs_repo *repo, struct sfs_deregister *plan,
			  const struct sfs_image *image, bool dry_run)
{
	CLEANUP_FREE struct sfs_released *released = NULL;
	bool uncertain = false;
	size_t i, count;
	int r;

	r = sfs_image_deregister(repo, image->id, plan->delete_snapshots,
				 dry_run, &released, &count);
	if (r < 0)
		return r;
	plan->gone += !dry_run;
	for (i = 0; i < count; i++) {
		r = merge_one(plan, &released[i], !dry_run);
		if (r < 0)
			return r;
		uncertain |= released[i].fate == SFS_RELEASE_UNCERTAIN;
	}
	return uncertain;
}

static int deregister_all(struct sfs_repo *repo, struct sfs_deregister *plan,
			  bool dry_run)
{
	size_t i;
	int r = 0;

	for (i = 0; i < plan->count && r == 0; i++)
		r = deregister_one(repo, plan, plan->images[i], dry_run);
	return r;
}

static void note_unknown(const char *id, const char *why, void *context)
{
	struct sfs_deregister *plan = context;

	(void)why;
	if (!goes(plan, id))
		plan->unclear = true;
}

/* What becomes of a snapshot that nobody is known to use. */
static enum sfs_release unused_fate(const struct sfs_deregister *plan)
{
	if (plan->unclear)
		return SFS_RELEASE_UNKNOWN;
	return plan->delete_snapshots ? SFS_RELEASE_DELETED
				      : SFS_RELEASE_ORPHAN;
}

/* The snapshots with @either fate; the caller frees *ret. */
static int ids_of(const struct sfs_deregister *plan, enum sfs_release either,
		  enum sfs_release or, char ***ret, size_t *ret_count)
{
	enum sfs_release fate;
	size_t i, count = 0;
	char **ids;

	ids = sfs_calloc(plan->fate_count + 1, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	for (i = 0; i < plan->fate_count; i++) {
		fate = plan->fates[i].released.fate;
		if (fate == either || fate == or)
			ids[count++] = plan->fates[i].released.snapshot;
	}
	*ret = ids;
	*ret_count = count;
	return 0;
}

static int add_user(struct sfs_fate *fate, const char *name)
{
	char *copy;
	int r;

	r = sfs_grow(&fate->users, &fate->user_capacity, fate->user_count,
		     sizeof(*fate->users));
	if (r < 0)
		return r;
	copy = sfs_strdup(name);
	if (!copy)
		return -ENOMEM;
	fate->users[fate->user_count++] = copy;
	return 0;
}

static int note_user(const struct sfs_image *image, void *context)
{
	struct sfs_deregister *plan = context;
	size_t i;
	int r;

	if (goes(plan, image->id))
		return 0;
	for (i = 0; i < plan->fate_count; i++) {
		if (!sfs_image_uses(image, plan->fates[i].released.snapshot))
			continue;
		r = add_user(&plan->fates[i], image->name);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Who uses them beside the images that go: what was foretold of each image by
 * itself takes the others of them for users. */
static int find_users(struct sfs_repo *repo, struct sfs_deregister *plan)
{
	CLEANUP_FREE char **ids = NULL;
	struct sfs_released *released;
	size_t i, count;
	int r;

	r = ids_of(plan, SFS_RELEASE_USED, SFS_RELEASE_USED, &ids, &count);
	if (r < 0 || count == 0)
		return r;
	r = sfs_images_using(repo, ids, count, note_user, note_unknown, plan);
	for (i = 0; i < plan->fate_count; i++) {
		released = &plan->fates[i].released;
		if (released->fate == SFS_RELEASE_USED &&
		    plan->fates[i].user_count == 0)
			released->fate = unused_fate(plan);
	}
	return r;
}

static int count_bytes(struct sfs_repo *repo, struct sfs_deregister *plan)
{
	CLEANUP_FREE char **ids = NULL;
	size_t count;
	int r;

	r = ids_of(plan, SFS_RELEASE_ORPHAN, SFS_RELEASE_DELETED, &ids, &count);
	if (r < 0)
		return r;
	plan->known = true;
	if (count == 0)
		return 0;
	r = sfs_delete_would_free(repo, ids, count, &plan->bytes);
	if (r == 0 || plan->dry_run)
		return r;
	/* Damage elsewhere must not keep the image from going. */
	sfs_warn("cannot tell how many bytes deleting the snapshots frees; see "
		 "'snapfs check'");
	plan->known = false;
	return 0;
}

int sfs_deregister_plan(struct sfs_repo *repo, char *const *names, size_t count,
			struct sfs_deregister *plan)
{
	int r;

	r = resolve(repo, names, count, plan);
	if (r == 0)
		r = deregister_all(repo, plan, true);
	if (r == 0)
		r = find_users(repo, plan);
	if (r == 0)
		r = count_bytes(repo, plan);
	return r;
}

/* Whether it stays, or may come back, though it was to go. */
static bool has_failed(const struct sfs_deregister *plan, enum sfs_release fate)
{
	return fate == SFS_RELEASE_FAILED || fate == SFS_RELEASE_UNCERTAIN ||
	       (fate == SFS_RELEASE_UNKNOWN && plan->delete_snapshots);
}

int sfs_deregister_do(struct sfs_repo *repo, struct sfs_deregister *plan)
{
	size_t i;
	int r;

	r = deregister_all(repo, plan, false);
	for (i = 0; i < plan->fate_count; i++)
		if (has_failed(plan, plan->fates[i].released.fate))
			plan->failed = true;
	/* What was counted went for all of them. */
	if (plan->failed || plan->gone < plan->count)
		plan->known = false;
	if (r >= 0 && plan->gone < plan->count)
		sfs_err("image '%s': is not deregistered any more, nor what "
			"was named behind it",
			plan->images[plan->gone]->name);
	return r < 0 ? r : 0;
}

static const char *const fate_names[] = {
	[SFS_RELEASE_ORPHAN] = "orphaned",
	[SFS_RELEASE_DELETED] = "deleted",
	[SFS_RELEASE_USED] = "used",
	[SFS_RELEASE_MISSING] = "missing",
	[SFS_RELEASE_FAILED] = "failed",
	[SFS_RELEASE_UNCERTAIN] = "uncertain",
	[SFS_RELEASE_UNKNOWN] = "unknown",
};

/* Whether the fate is to be told of. */
static bool counts(const struct sfs_deregister *plan,
		   const struct sfs_fate *fate)
{
	return plan->dry_run || fate->done;
}

static size_t count_images(const struct sfs_deregister *plan)
{
	return plan->dry_run ? plan->count : plan->gone;
}

static void print_fate(const struct sfs_deregister *plan,
		       const struct sfs_fate *fate)
{
	static const char *const did[] = {
		[SFS_RELEASE_ORPHAN] = "orphaned",
		[SFS_RELEASE_DELETED] = "deleted",
		[SFS_RELEASE_USED] = "still used",
		[SFS_RELEASE_MISSING] = "missing",
		[SFS_RELEASE_FAILED] = "not deleted",
		[SFS_RELEASE_UNCERTAIN] = "deleted, perhaps not for good,",
		[SFS_RELEASE_UNKNOWN] = "kept",
	};
	static const char *const would[] = {
		[SFS_RELEASE_ORPHAN] = "would be orphaned",
		[SFS_RELEASE_DELETED] = "would delete",
		[SFS_RELEASE_USED] = "still used",
		[SFS_RELEASE_MISSING] = "missing",
		[SFS_RELEASE_FAILED] = "not deleted",
		[SFS_RELEASE_UNKNOWN] = "would keep",
	};
	size_t i;

	printf("%s %s", (plan->dry_run ? would : did)[fate->released.fate],
	       fate->released.snapshot);
	for (i = 0; i < fate->user_count; i++)
		printf("%s'%s'", i == 0 ? "  by image " : ", ", fate->users[i]);
	if (fate->released.fate == SFS_RELEASE_UNKNOWN)
		fputs(": nobody knows whether a damaged image record uses it",
		      stdout);
	putchar('\n');
}

void sfs_deregister_print(const struct sfs_deregister *plan)
{
	char exact[SFS_OUTPUT_EXACT];
	size_t i;

	for (i = 0; i < count_images(plan); i++)
		printf("%s %s  %s\n",
		       plan->dry_run ? "would deregister" : "deregistered",
		       plan->images[i]->id, plan->images[i]->name);
	for (i = 0; i < plan->fate_count; i++)
		if (counts(plan, &plan->fates[i]))
			print_fate(plan, &plan->fates[i]);
	if (!plan->known)
		return;
	sfs_output_exact(plan->bytes, exact);
	if (!plan->delete_snapshots)
		printf("deleting the orphaned would free %s\n", exact);
	else
		printf("%s %s at the next gc\n",
		       plan->dry_run ? "would free" : "frees", exact);
}

static void put_fate(struct sfs_jsonw *w, const struct sfs_fate *fate)
{
	size_t i;

	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "SnapshotId", fate->released.snapshot);
	sfs_jsonw_string(w, "Result", fate_names[fate->released.fate]);
	sfs_jsonw_array(w, "UsedBy");
	for (i = 0; i < fate->user_count; i++)
		sfs_jsonw_string(w, NULL, fate->users[i]);
	sfs_jsonw_end(w);
	sfs_jsonw_end(w);
}

int sfs_deregister_json(const struct sfs_deregister *plan)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	const char *key;
	size_t i;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_bool(w, "DryRun", plan->dry_run);
	sfs_jsonw_array(w, "Images");
	for (i = 0; i < count_images(plan); i++) {
		sfs_jsonw_object(w, NULL);
		sfs_jsonw_string(w, "ImageId", plan->images[i]->id);
		sfs_jsonw_string(w, "Name", plan->images[i]->name);
		sfs_jsonw_end(w);
	}
	sfs_jsonw_end(w);
	sfs_jsonw_array(w, "Snapshots");
	for (i = 0; i < plan->fate_count; i++)
		if (counts(plan, &plan->fates[i]))
			put_fate(w, &plan->fates[i]);
	sfs_jsonw_end(w);
	key = plan->delete_snapshots ? "FreedInBytes" : "OrphanedInBytes";
	if (plan->known)
		sfs_jsonw_uint(w, key, plan->bytes);
	else
		sfs_jsonw_null(w, key);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}
