/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Taking a set of snapshots: FORMAT.md, "Commit protocol", has the steps.
 * Here: locks, hooks, freeze, cut, then each member's content.
 */

#include "src/ingest.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "format/name.h"
#include "format/time.h"
#include "src/hook.h"
#include "src/ingest-run.h"
#include "src/log.h"

static void ingest_done(struct sfs_ingest_run *ingest)
{
	size_t i;

	sfs_freeze_free(ingest->freeze);
	for (i = 0; ingest->members && i < ingest->count; i++) {
		if (!ingest->members[i].wanted->opened)
			sfs_source_close(ingest->members[i].source);
		sfs_snapshot_free(ingest->members[i].latest);
		sfs_snapshot_free(ingest->members[i].parent);
		sfs_snapshot_free(ingest->members[i].snapshot);
		sfs_lock_release(ingest->members[i].lock);
	}
	free(ingest->members);
	free(ingest->taken);
	sfs_pack_writer_free(ingest->work.chunks);
	sfs_pack_writer_free(ingest->work.nodes);
	sfs_share_free(ingest->work.share);
	sfs_codec_free(ingest->work.node_codec);
	sfs_lock_release(ingest->structure);
}
#define CLEANUP_INGEST __attribute__((cleanup(ingest_done)))

/* ---- what was asked for ---- */

/* A file of this repository's own mount says which snapshot it is. */
static int check_not_own(const struct sfs_ingest_run *ingest,
			 const char *source)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	char id[SFS_ID_SIZE] = "";

	if (getxattr(source, "user.snapfs.id", id, sizeof(id) - 1) < 0 ||
	    !sfs_id_valid(id, SFS_ID_SNAPSHOT) ||
	    sfs_catalog_load(ingest->repo->catalog, id, &snapshot) < 0)
		return 0;
	sfs_err("'%s': is '%s' of this very repository, seen through a mount; "
		"it needs no snapshot of its own",
		source, id);
	return -EINVAL;
}

static int check_member(const struct sfs_ingest_run *ingest, size_t i)
{
	const struct sfs_ingest_member *wanted = ingest->members[i].wanted;
	const char *why;
	size_t j;

	if (!sfs_name_volume_ok(wanted->volume, &why)) {
		sfs_err("volume name '%s': %s", wanted->volume, why);
		return -EINVAL;
	}
	for (j = 0; j < i; j++) {
		if (strcmp(ingest->members[j].wanted->volume, wanted->volume) ==
		    0) {
			sfs_err("volume '%s': named twice in one set",
				wanted->volume);
			return -EINVAL;
		}
	}
	if (wanted->opened || strcmp(wanted->source, "-") == 0)
		return 0;
	if (sfs_store_contains(ingest->repo->store, wanted->source)) {
		sfs_err("'%s': lies inside the repository '%s'", wanted->source,
			sfs_store_path(ingest->repo->store));
		return -EINVAL;
	}
	return check_not_own(ingest, wanted->source);
}

static int check_options(const struct sfs_ingest_options *options)
{
	const char *why;

	if (options->description &&
	    !sfs_name_text_ok(options->description, SFS_DESCRIPTION_MAX,
			      &why)) {
		sfs_err("description '%.40s': %s (at most %u bytes)",
			options->description, why, SFS_DESCRIPTION_MAX);
		return -EINVAL;
	}
	return 0;
}

static int check(const struct sfs_ingest_run *ingest)
{
	size_t i;
	int r;

	r = sfs_repo_check_writable(ingest->repo);
	if (r < 0)
		return r;
	for (i = 0; i < ingest->count; i++) {
		r = check_member(ingest, i);
		if (r < 0)
			return r;
	}
	return check_options(ingest->options);
}

/* ---- locks ---- */

static int lock_volume(struct sfs_ingest_run *ingest,
		       struct sfs_ingested *member)
{
	int r;

	r = sfs_store_lock(ingest->repo->store, SFS_LOCK_VOLUME,
			   member->wanted->volume, true, false, &member->lock);
	if (r == -EBUSY)
		sfs_err("volume '%s': another 'snapshot create' of it is "
			"running; try again when it is done",
			member->wanted->volume);
	return r;
}

static int lock_structure(struct sfs_ingest_run *ingest)
{
	struct sfs_store *store = ingest->repo->store;
	int r;

	r = sfs_store_lock(store, SFS_LOCK_STRUCTURE, NULL, false, false,
			   &ingest->structure);
	if (r != -EBUSY)
		return r;
	sfs_info("'%s': waiting for 'snapfs gc' to end", sfs_store_path(store));
	return sfs_store_lock(store, SFS_LOCK_STRUCTURE, NULL, false, true,
			      &ingest->structure);
}

static int lock_all(struct sfs_ingest_run *ingest)
{
	size_t i;
	int r;

	for (i = 0; i < ingest->count; i++) {
		r = lock_volume(ingest, &ingest->members[i]);
		if (r < 0)
			return r;
	}
	return lock_structure(ingest);
}

/* ---- parents and times ---- */

static int find_parent(struct sfs_ingest_run *ingest,
		       struct sfs_ingested *member)
{
	struct sfs_catalog *catalog = ingest->repo->catalog;
	const char *asked = ingest->options->parent;
	int r;

	r = sfs_catalog_latest(catalog, member->wanted->volume,
			       &member->latest);
	if (r < 0 && r != -ENOENT)
		return r;
	if (asked && strcmp(asked, "none") == 0)
		return 0;
	if (asked)
		return sfs_catalog_select(catalog, asked, &member->parent);
	return member->latest
		       ? sfs_snapshot_copy(member->latest, &member->parent)
		       : 0;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The moment in whole seconds, which is what people want to see in a name;
 * in milliseconds where a volume has a snapshot of this second already. */
static int64_t pick_time(const struct sfs_ingest_run *ingest)
{
	const int64_t ms = SFS_SECOND / 1000, now = sfs_now_ns();
	int64_t time = now - now % SFS_SECOND, last;
	const struct sfs_snapshot *latest;
	size_t i;

	for (i = 0; i < ingest->count; i++) {
		latest = ingest->members[i].latest;
		if (!latest || latest->time_ns / SFS_SECOND != now / SFS_SECOND)
			continue;
		last = latest->time_ns - latest->time_ns % ms;
		time = later(time, later(now - now % ms, last + ms));
	}
	return time;
}

static void new_id(const char *prefix, char ret[SFS_ID_SIZE])
{
	uint8_t random[9];

	sfs_random(random, sizeof(random));
	sfs_id_format(prefix, random, ret);
}

/* ---- the cut ---- */

static int open_source(struct sfs_ingested *member,
		       const struct sfs_source_options *options)
{
	member->source = member->wanted->opened;
	if (member->source)
		return 0;
	return sfs_source_open(member->wanted->source, options,
			       &member->source);
}

static int open_sources(struct sfs_ingest_run *ingest)
{
	const struct sfs_source_options options = {
		.freeze = ingest->freeze,
		.allow_fuzzy = ingest->options->allow_fuzzy,
		.quiet_bad = ingest->options->skip_bad,
	};
	struct sfs_progress *progress = ingest->options->progress;
	struct sfs_source *source;
	size_t i;
	int r;

	for (i = 0; i < ingest->count; i++) {
		r = open_source(&ingest->members[i], &options);
		if (r < 0)
			return r;
		source = ingest->members[i].source;
		if (progress && !sfs_source_is_stream(source))
			progress->total_bytes += sfs_source_size(source);
	}
	return 0;
}

static bool all_clones(const struct sfs_ingest_run *ingest)
{
	size_t i;

	for (i = 0; i < ingest->count; i++)
		if (!sfs_source_is_clone(ingest->members[i].source))
			return false;
	return true;
}

static int freeze(struct sfs_ingest_run *ingest)
{
	const struct sfs_ingest_options *options = ingest->options;

	if (options->freeze_count == 0)
		return 0;
	/* Our own log may lie on what is frozen. */
	sfs_log_hold();
	return sfs_freeze_start(options->freeze, options->freeze_count,
				sfs_store_path(ingest->repo->store),
				&ingest->freeze);
}

static int thaw(struct sfs_ingest_run *ingest)
{
	int r;

	r = ingest->freeze ? sfs_freeze_thaw(TAKE_PTR(ingest->freeze)) : 0;
	sfs_log_release();
	return r;
}

/* After this every source shows one moment, as far as it ever will. */
static int cut(struct sfs_ingest_run *ingest)
{
	int r;

	r = freeze(ingest);
	if (r < 0)
		return r;
	ingest->time_ns = pick_time(ingest);
	r = open_sources(ingest);
	if (r < 0)
		return r;
	return all_clones(ingest) ? thaw(ingest) : 0;
}

/* ---- content ---- */

/* What people say of it. */
static int describe(const struct sfs_ingest_run *ingest,
		    struct sfs_ingested *member)
{
	const struct sfs_ingest_options *options = ingest->options;
	const struct sfs_ingest_member *wanted = member->wanted;
	const struct sfs_tags *tags =
		wanted->tags ? wanted->tags : options->tags;
	const char *description = wanted->description ? wanted->description
						      : options->description;
	struct sfs_snapshot *snapshot = member->snapshot;

	snapshot->source = sfs_strdup(sfs_source_name(member->source));
	snapshot->description = sfs_strdup(description ? description : "");
	if (!snapshot->source || !snapshot->description)
		return -ENOMEM;
	return tags ? sfs_tags_copy(&snapshot->tags, tags) : 0;
}

static int fill_in(const struct sfs_ingest_run *ingest,
		   struct sfs_ingested *member)
{
	const struct sfs_ingest_member *wanted = member->wanted;
	struct sfs_snapshot *snapshot;

	snapshot = member->snapshot = sfs_calloc(1, sizeof(*snapshot));
	if (!snapshot)
		return -ENOMEM;
	new_id(SFS_ID_SNAPSHOT, snapshot->id);
	if (member->latest)
		strcpy(snapshot->volume_id, member->latest->volume_id);
	else
		new_id(SFS_ID_VOLUME, snapshot->volume_id);
	strcpy(snapshot->volume, wanted->volume);
	strcpy(snapshot->set, ingest->set);
	if (member->parent)
		strcpy(snapshot->parent, member->parent->id);
	snapshot->time_ns = wanted->time_ns ? wanted->time_ns : ingest->time_ns;
	snapshot->owner = geteuid();
	return describe(ingest, member);
}

static int read_member(struct sfs_ingest_run *ingest,
		       struct sfs_ingested *member)
{
	bool trusted;
	int r;

	r = fill_in(ingest, member);
	if (r < 0)
		return r;
	trusted = member->parent && strcmp(member->parent->volume_id,
					   member->snapshot->volume_id) == 0;
	r = sfs_ingest_volume(&ingest->work, member->source, member->parent,
			      trusted, member->snapshot);
	if (r < 0)
		return r;
	return sfs_source_finish(member->source,
				 &member->snapshot->consistency);
}

static int read_all(struct sfs_ingest_run *ingest)
{
	size_t i;
	int r;

	for (i = 0; i < ingest->count; i++) {
		r = read_member(ingest, &ingest->members[i]);
		if (r < 0)
			return r;
	}
	r = thaw(ingest);
	if (r == 0 || !ingest->options->allow_fuzzy)
		return r;
	for (i = 0; i < ingest->count; i++)
		ingest->members[i].snapshot->consistency =
			SFS_CONSISTENCY_FUZZY;
	return 0;
}

/* ---- all of it ---- */

static int read_table(uint64_t pack, struct sfs_row **ret_rows,
		      uint32_t *ret_count, void *context)
{
	struct sfs_repo *repo = context;

	return sfs_chunks_table(repo->chunks, pack, ret_rows, ret_count);
}

static unsigned processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0
		       ? (unsigned)CPU_COUNT(&set)
		       : 1;
}

static int prepare(struct sfs_ingest_run *ingest)
{
	struct sfs_repo *repo = ingest->repo;
	struct sfs_ingest_work *work = &ingest->work;
	size_t i;
	int r;

	work->repo = repo;
	work->skip_bad = ingest->options->skip_bad;
	work->progress = ingest->options->progress;
	work->threads = ingest->options->threads ? ingest->options->threads
						 : processors();
	r = sfs_catalog_refresh(repo->catalog);
	if (r < 0)
		return r;
	r = sfs_catalog_sync_index(repo->catalog, read_table, repo);
	if (r < 0)
		return r;
	for (i = 0; i < ingest->count; i++) {
		r = find_parent(ingest, &ingest->members[i]);
		if (r < 0)
			return r;
	}
	r = sfs_share_new(repo, &work->share);
	if (r < 0)
		return r;
	return sfs_codec_new(repo->config.compression, &work->node_codec);
}

/* From the cut to the last byte.  The writers' threads start behind the
 * freeze, whose guard is forked. */
static int take(struct sfs_ingest_run *ingest)
{
	int r;

	r = cut(ingest);
	if (r < 0)
		return r;
	r = sfs_pack_writer_new(ingest->repo, &ingest->work.chunks);
	if (r < 0)
		return r;
	r = sfs_pack_writer_new(ingest->repo, &ingest->work.nodes);
	if (r < 0)
		return r;
	return read_all(ingest);
}

static int with_hooks(struct sfs_ingest_run *ingest)
{
	const struct sfs_ingest_options *options = ingest->options;
	int r, post = 0;

	if (options->pre) {
		r = sfs_hook_run("pre", options->pre);
		if (r < 0)
			return r;
	}
	r = take(ingest);
	if (r < 0) /* post may write where we froze */
		sfs_ignore(thaw(ingest));
	if (options->post)
		post = sfs_hook_run("post", options->post);
	return r < 0 ? r : post;
}

static int begin(struct sfs_ingest_run *ingest,
		 const struct sfs_ingest_member *members, size_t count)
{
	size_t i;

	if (count == 0 || count > SFS_SET_MEMBERS_MAX)
		return -EINVAL;
	ingest->members = sfs_calloc(count, sizeof(*ingest->members));
	ingest->taken = sfs_calloc(count, sizeof(struct sfs_snapshot *));
	if (!ingest->members || !ingest->taken)
		return -ENOMEM;
	ingest->count = count;
	for (i = 0; i < count; i++)
		ingest->members[i].wanted = &members[i];
	if (count > 1 || ingest->options->on_publish)
		new_id(SFS_ID_SET, ingest->set);
	return 0;
}

int sfs_ingest(struct sfs_repo *repo, const struct sfs_ingest_member *members,
	       size_t count, const struct sfs_ingest_options *options,
	       struct sfs_snapshot **ret)
{
	CLEANUP_INGEST struct sfs_ingest_run ingest = {
		.repo = repo,
		.options = options,
	};
	size_t i;
	int r;

	r = begin(&ingest, members, count);
	if (r == 0)
		r = check(&ingest);
	if (r == 0)
		r = lock_all(&ingest);
	if (r == 0)
		r = prepare(&ingest);
	if (r == 0)
		r = with_hooks(&ingest);
	if (r == 0)
		r = sfs_ingest_seal(&ingest);
	if (r == 0)
		r = sfs_ingest_commit(&ingest);
	if (r < 0)
		return r;
	for (i = 0; i < count; i++)
		ret[i] = TAKE_PTR(ingest.members[i].snapshot);
	/* The catalog follows; it notices by itself when it could not. */
	sfs_ignore(sfs_catalog_refresh(repo->catalog) < 0);
	return 0;
}
