/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fault/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/check.h"
#include "src/delete.h"
#include "src/repo.h"
#include "src/view.h"
#include "tests/fault/digest.h"
#include "tests/fault/fault.h"

#define PIECE ((size_t)256 << 10)

static char wrong[1024];

struct reading {
	struct sfs_repo *repo;
	const struct state *known;
	struct state *state;
	char **ids; /* of the snapshots */
	size_t id_count;
};

/* ---- lines ---- */

static void add_line(struct state *state, char *line)
{
	must_alloc(line);
	state->lines = must_alloc(realloc(
		state->lines, (state->count + 1) * sizeof(*state->lines)));
	state->lines[state->count++] = line;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct state *state)
{
	if (state->count)
		qsort(state->lines, state->count, sizeof(*state->lines),
		      compare_lines);
}

void state_done(struct state *state)
{
	while (state->count > 0)
		free(state->lines[--state->count]);
	free(state->lines);
	state->lines = NULL;
}

const char *state_value(const struct state *state, const char *key, size_t size)
{
	size_t i;

	for (i = 0; i < state->count; i++)
		if (strncmp(state->lines[i], key, size) == 0 &&
		    state->lines[i][size] == '\t')
			return state->lines[i] + size + 1;
	return NULL;
}

bool state_equal(const struct state *a, const struct state *b)
{
	size_t i;

	for (i = 0; i < a->count && i < b->count; i++)
		if (strcmp(a->lines[i], b->lines[i]) != 0)
			return false;
	return a->count == b->count;
}

static const char *say(const char *what, const char *line)
{
	snprintf(wrong, sizeof(wrong), "%s: %s", what, line);
	return wrong;
}

/* Of a line of @before: it must still be there, unless it was to go or to
 * become another. */
static const char *check_kept(const char *line, const struct state *now,
			      const struct state *after)
{
	size_t key = strcspn(line, "\t");
	const char *old = line + key + 1;
	const char *value = state_value(now, line, key);
	const char *new = state_value(after, line, key);

	if (!value)
		return new ? say("lost", line) : NULL;
	if (strcmp(value, old) == 0 || (new &&strcmp(value, new) == 0))
		return NULL;
	say("changed", line);
	snprintf(wrong + strlen(wrong), sizeof(wrong) - strlen(wrong),
		 " became %.300s", value);
	return wrong;
}

static const char *check_new(const char *line, const struct state *before,
			     const struct state *after)
{
	size_t key = strcspn(line, "\t");
	const char *new = state_value(after, line, key);

	if (state_value(before, line, key))
		return NULL;
	if (!new)
		return say("should not be there", line);
	return strcmp(new, line + key + 1) == 0 ? NULL : say("half", line);
}

static bool excepted(const char *line, const char *except)
{
	return except && strncmp(line, except, strlen(except)) == 0;
}

const char *state_between(const struct state *now, const struct state *before,
			  const struct state *after, const char *except)
{
	const char *what = NULL;
	size_t i;

	for (i = 0; i < before->count && !what; i++)
		if (!excepted(before->lines[i], except))
			what = check_kept(before->lines[i], now, after);
	for (i = 0; i < now->count && !what; i++)
		if (!excepted(now->lines[i], except))
			what = check_new(now->lines[i], before, after);
	return what;
}

/* ---- reading a repository ---- */

static void key_of(const struct reading *reading, const char *id,
		   const char *volume, char *ret, size_t size)
{
	char key[64];

	snprintf(key, sizeof(key), "snapshot %s", id);
	if (!reading->known || state_value(reading->known, key, strlen(key)))
		snprintf(ret, size, "%s", id);
	else
		snprintf(ret, size, "new/%s", volume);
}

static int note_id(const struct sfs_snapshot *snapshot, void *context)
{
	struct reading *reading = context;

	reading->ids = must_alloc(realloc(
		reading->ids, (reading->id_count + 1) * sizeof(*reading->ids)));
	reading->ids[reading->id_count++] = must_alloc(strdup(snapshot->id));
	return 0;
}

static int digest_view(struct sfs_view *view, uint64_t *ret)
{
	static uint8_t buffer[PIECE];
	uint64_t offset = 0, digest = DIGEST_START;
	size_t n;
	int r;

	do {
		r = sfs_view_pread(view, buffer, sizeof(buffer), offset, &n);
		if (r < 0)
			return r;
		digest = digest_add(digest, buffer, n);
		offset += n;
	} while (n > 0);
	*ret = digest;
	return 0;
}

static char *tags_text(const struct sfs_tags *tags)
{
	char *text = must_alloc(strdup("")), *longer;
	size_t i;

	for (i = 0; i < tags->count; i++) {
		longer = sfs_asprintf("%s%s=%s,", text, tags->tags[i].key,
				      tags->tags[i].value);
		free(text);
		text = must_alloc(longer);
	}
	return text;
}

static char *grants_text(const struct sfs_grants *grants)
{
	char *text;

	if (sfs_grants_format(grants, &text) < 0)
		die("grants cannot be shown");
	return text;
}

static int read_snapshot(struct reading *reading, const char *id)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;
	CLEANUP_FREE char *tags = NULL;
	CLEANUP_FREE char *grants = NULL;
	const struct sfs_snapshot *snapshot;
	char key[128];
	uint64_t digest = 0;
	int r;

	r = sfs_view_open(reading->repo, id, &view);
	if (r == 0)
		r = digest_view(view, &digest);
	if (r < 0)
		return r;
	snapshot = sfs_view_snapshot(view);
	key_of(reading, id, snapshot->volume, key, sizeof(key));
	tags = tags_text(&snapshot->tags);
	grants = grants_text(&snapshot->grants);
	add_line(reading->state,
		 sfs_asprintf("snapshot %s\t%s %" PRIu64 " %016" PRIx64
			      " [%s] [%s] [%s] %d%s",
			      key, snapshot->volume, snapshot->size, digest,
			      tags, grants, snapshot->description,
			      (int)snapshot->consistency,
			      *snapshot->set ? " in a set" : ""));
	return 0;
}

static char *mapping_text(const struct reading *reading,
			  const struct sfs_mapping *mapping)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	char key[128] = "missing";

	if (mapping->kind == SFS_MAPPING_SNAPSHOT &&
	    sfs_catalog_load(reading->repo->catalog, mapping->snapshot,
			     &snapshot) == 0)
		key_of(reading, mapping->snapshot, snapshot->volume, key,
		       sizeof(key));
	return must_alloc(sfs_asprintf("%s=%d,%s,%" PRIu64, mapping->device,
				       (int)mapping->kind, key, mapping->size));
}

static int note_image(const struct sfs_image *image, void *context)
{
	struct sfs_image ***next = context, *copy;

	if (sfs_image_copy(image, &copy) < 0)
		die("out of memory");
	*(*next)++ = copy;
	return 0;
}

static void read_image(struct reading *reading, const struct sfs_image *image)
{
	CLEANUP_FREE char *tags = tags_text(&image->tags);
	CLEANUP_FREE char *grants = grants_text(&image->grants);
	char *line, *longer, *mapping;
	size_t i;

	line = sfs_asprintf("image %s\t[%s] [%s] [%s] %s %s %d %d", image->name,
			    tags, grants, image->description, image->root,
			    image->architecture, image->disabled,
			    image->is_protected);
	for (i = 0; i < image->mapping_count; i++) {
		mapping = mapping_text(reading, &image->mappings[i]);
		longer = sfs_asprintf("%s %s", line, mapping);
		free(mapping);
		free(line);
		line = must_alloc(longer);
	}
	add_line(reading->state, line);
}

#define IMAGES_MAX 64

/* In two steps, for listing must not call the catalog again. */
static int read_images(struct reading *reading)
{
	struct sfs_image *images[IMAGES_MAX], **next = images, **image;
	int r;

	r = sfs_catalog_list_images(reading->repo->catalog, note_image, &next);
	for (image = images; image < next; image++) {
		read_image(reading, *image);
		sfs_image_free(*image);
	}
	return r;
}

static int read_repo(struct reading *reading)
{
	size_t i;
	int r;

	add_line(reading->state, strdup("repository\tis there"));
	r = sfs_catalog_list(reading->repo->catalog, NULL, note_id, reading);
	for (i = 0; i < reading->id_count; i++) {
		if (r == 0)
			r = read_snapshot(reading, reading->ids[i]);
		free(reading->ids[i]);
	}
	free(reading->ids);
	if (r == 0)
		r = read_images(reading);
	if (r == 0 && sfs_catalog_damaged(reading->repo->catalog, NULL, NULL))
		r = -EUCLEAN;
	return r;
}

/* ---- the files beside it ---- */

static void add_file(const char *path, const char *name, void *context)
{
	struct state *state = context;
	uint64_t size, digest = digest_file(path, &size);

	if (strstr(name, ".snapfs-"))
		return;
	add_line(state, sfs_asprintf("file %s\t%" PRIu64 " %016" PRIx64, name,
				     size, digest));
}

static const char *fail(const char *what, int r)
{
	snprintf(wrong, sizeof(wrong), "%s: %s: %s", what, strerror(-r),
		 last_message());
	return wrong;
}

const char *state_read(const char *dir, const struct state *known,
		       struct state *ret)
{
	struct reading reading = { .known = known, .state = ret };
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	char path[PATH_SIZE];
	int r;

	*ret = (struct state){ 0 };
	snprintf(path, sizeof(path), "%s/out", dir);
	each_file(path, add_file, ret);
	snprintf(path, sizeof(path), "%s/repo", dir);
	r = sfs_repo_open(path, 0, &repo);
	reading.repo = repo;
	if (r == 0)
		r = read_repo(&reading);
	sort(ret);
	return r < 0 && r != -ENOENT ? fail("cannot read all of it", r) : NULL;
}

/* ---- check and gc ---- */

static void on_damage(const struct sfs_damage *damage, void *context)
{
	(void)context;
	snprintf(wrong, sizeof(wrong), "check: %s: %s",
		 damage->name ? damage->name : "-",
		 damage->why ? damage->why : "-");
}

static int open_repo(const char *dir, struct sfs_repo **ret)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/repo", dir);
	return sfs_repo_open(path, 0, ret);
}

const char *state_check(const char *dir)
{
	const struct sfs_check_options options = { .read_data = true,
						   .threads = 1 };
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	struct sfs_check_result result;
	int r;

	r = open_repo(dir, &repo);
	if (r == -ENOENT)
		return NULL;
	if (r == 0)
		r = sfs_check(repo, &options, on_damage, NULL, &result);
	if (r < 0)
		return fail("check", r);
	return result.damages ? wrong : NULL;
}

static const char *collect(const char *dir, bool dry_run)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	struct sfs_gc_result result = { 0 };
	int r;

	r = open_repo(dir, &repo);
	if (r == -ENOENT) /* what lies there is the next init's */
		return NULL;
	if (r == 0)
		r = sfs_gc(repo, dry_run, NULL, &result);
	if (r < 0)
		return fail("gc", r);
	if (result.pinned)
		return "something deleted is pinned";
	if (!dry_run)
		return NULL;
	if (result.freed_bytes || result.records_removed)
		return "gc left something to collect";
	return count_names(dir, "repo/tmp") || count_names(dir, "repo/bin")
		       ? "gc left files in tmp/ or bin/"
		       : NULL;
}

const char *state_collect(const char *dir)
{
	return collect(dir, false);
}

const char *state_leftover(const char *dir)
{
	return collect(dir, true);
}
