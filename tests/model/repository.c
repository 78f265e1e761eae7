/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Deleting, collecting, rebuilding, checking; and that lists are right. */

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/check.h"
#include "src/delete.h"
#include "tests/model/model.h"

#define DELETE_MAX 3

/* ---- lists ---- */

static int listed_snapshot(const struct sfs_snapshot *snapshot, void *context)
{
	const struct kept *k = find_kept(snapshot->id);

	if (!k || k->size != snapshot->size)
		die("%s is listed with %" PRIu64 " bytes", snapshot->id,
		    snapshot->size);
	++*(unsigned *)context;
	return 0;
}

static int listed_image(const struct sfs_image *image, void *context)
{
	compare_image(image);
	++*(unsigned *)context;
	return 0;
}

void compare_lists(void)
{
	unsigned snapshots = 0, found = 0;

	must(sfs_catalog_list(repo->catalog, NULL, listed_snapshot,
			      &snapshots));
	must(sfs_catalog_list_images(repo->catalog, listed_image, &found));
	if (snapshots != kept_count || found != image_count)
		die("%u snapshots and %u images are listed, not %u and %u",
		    snapshots, found, kept_count, image_count);
}

/* ---- space ---- */

/* What creators that were interrupted left. */
static uint64_t temporary_bytes(void)
{
	DIR *dir = opendir("repo/tmp");
	struct dirent *entry;
	uint64_t bytes = 0;
	struct stat st;

	if (!dir)
		die("repo/tmp: %s", strerror(errno));
	while ((entry = readdir(dir)))
		if (fstatat(dirfd(dir), entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			bytes += (uint64_t)st.st_size;
	closedir(dir);
	return bytes;
}

static void compare_stats(const struct sfs_gc_result *dry)
{
	struct sfs_stats stats;

	must(sfs_stats(repo, &stats));
	if (stats.snapshots != kept_count || stats.images != image_count)
		die("stats tell of %" PRIu64 " snapshots and %" PRIu64
		    " images, not %u and %u",
		    stats.snapshots, stats.images, kept_count, image_count);
	if (!arg_mount && stats.deleted_snapshots != binned_count)
		die("stats tell of %" PRIu64 " deleted snapshots, not %u",
		    stats.deleted_snapshots, binned_count);
	if (!arg_mount && stats.freeable_bytes != dry->freed_bytes)
		die("stats foretell %" PRIu64 " bytes, gc %" PRIu64,
		    stats.freeable_bytes, dry->freed_bytes);
}

static void compare_collected(const struct sfs_gc_result *dry,
			      const struct sfs_gc_result *real, uint64_t extra)
{
	/* The mount may have let go of something meanwhile. */
	if (arg_mount && real->pinned != dry->pinned)
		return;
	if (real->packs_removed != dry->packs_removed ||
	    real->freed_bytes != dry->freed_bytes + extra ||
	    real->kept_bytes != dry->kept_bytes ||
	    real->dead_bytes != dry->dead_bytes)
		die("gc removed %" PRIu64 " packs and %" PRIu64
		    " bytes, foretold %" PRIu64 " and %" PRIu64 " with %" PRIu64
		    " temporary ones",
		    real->packs_removed, real->freed_bytes, dry->packs_removed,
		    dry->freed_bytes, extra);
}

/* What gc foretells is what it does, and then there is nothing left. */
void op_gc(void)
{
	struct sfs_gc_result dry, real, after;
	uint64_t extra = temporary_bytes();

	must(sfs_gc(repo, true, NULL, &dry));
	compare_stats(&dry);
	must(sfs_gc(repo, false, NULL, &real));
	compare_collected(&dry, &real, extra);
	binned_count = 0;
	must(sfs_gc(repo, true, NULL, &after));
	if (real.pinned == 0 && (after.freed_bytes || after.records_removed))
		die("gc left %" PRIu64 " bytes and %" PRIu64 " records",
		    after.freed_bytes, after.records_removed);
	compare_lists();
}

/* ---- deleting ---- */

struct deletion {
	char *ids[DELETE_MAX];
	unsigned count;
	struct sfs_delete_options options;
	bool used[IMAGES_MAX]; /* images by what is to be deleted */
	unsigned told;
	unsigned wrong;
};

/* What is to be given back before it is deleted, and what more then. */
struct space {
	uint64_t freed;
	uint64_t pinned;
	uint64_t foretold;
};

/* Often one that an image may need. */
static char *draw_snapshot(void)
{
	const struct model_image *image;
	const struct sfs_mapping *mapping;

	if (image_count == 0 || !rarely(4))
		return kept[below(kept_count)].id;
	image = &images[below(image_count)];
	mapping = &image->mappings[below(image->mapping_count)];
	if (mapping->kind != SFS_MAPPING_SNAPSHOT)
		return kept[below(kept_count)].id;
	return kept[find_kept(mapping->snapshot) - kept].id;
}

static void draw_deletion(struct deletion *deletion)
{
	unsigned i, n = 1 + (below(2) ? 0 : (unsigned)below(DELETE_MAX));
	char *id;

	while (n-- > 0) {
		id = draw_snapshot();
		for (i = 0; i < deletion->count; i++)
			if (deletion->ids[i] == id)
				break;
		deletion->ids[i] = id;
		deletion->count = sfs_max(deletion->count, i + 1);
	}
	deletion->options.cascade = rarely(3);
}

/* Whether images are in the way. */
static unsigned judge_deletion(struct deletion *deletion)
{
	unsigned i, j, wrong = 0;

	for (i = 0; i < image_count; i++) {
		for (j = 0; j < deletion->count; j++)
			if (uses(&images[i], deletion->ids[j]))
				deletion->used[i] = true;
		if (deletion->used[i] &&
		    (!deletion->options.cascade || images[i].is_protected))
			wrong = WRONG_EPERM;
	}
	return wrong;
}

static void deregistered(const struct sfs_image *image, void *context)
{
	struct deletion *deletion = context;
	const struct model_image *found = find_image(image->id);

	if (!found || !deletion->used[found - images])
		die("%s goes with snapshots that it does not use", image->id);
	deletion->told++;
}

static bool delete_once(struct deletion *deletion)
{
	unsigned i, expected = 0;
	int r;

	deletion->told = 0;
	r = sfs_delete_with(repo, deletion->ids, deletion->count,
			    &deletion->options);
	if (!was_done("delete", r, deletion->wrong))
		return false;
	for (i = 0; i < image_count; i++)
		expected += deletion->used[i];
	if (deletion->told != expected)
		die("delete --cascade told of %u images, not %u",
		    deletion->told, expected);
	return true;
}

/* From the last, for those behind move up. */
static void drop_deleted(const struct deletion *deletion)
{
	char ids[DELETE_MAX][SFS_ID_SIZE];
	unsigned i;

	for (i = image_count; i-- > 0;)
		if (deletion->used[i])
			drop_image(images[i].id);
	for (i = 0; i < deletion->count; i++)
		memcpy(ids[i], deletion->ids[i], SFS_ID_SIZE);
	for (i = 0; i < deletion->count; i++)
		drop_kept(ids[i]);
}

static void delete_missing(void)
{
	char id[SFS_ID_SIZE], *ids[] = { id };

	memcpy(id, gone_snapshot(), sizeof(id));
	was_done("delete what is gone", sfs_delete(repo, ids, 1), WRONG_ENOENT);
}

static void measure(struct deletion *deletion, struct space *space)
{
	struct sfs_gc_result dry;

	must(sfs_delete_would_free(repo, deletion->ids, deletion->count,
				   &space->foretold));
	must(sfs_gc(repo, true, NULL, &dry));
	space->freed = dry.freed_bytes;
	space->pinned = dry.pinned;
}

static void compare_space(const struct space *before)
{
	struct sfs_gc_result dry;

	must(sfs_gc(repo, true, NULL, &dry));
	if (!arg_mount && (before->pinned || dry.pinned))
		die("%" PRIu64 " snapshots are pinned", dry.pinned);
	if (before->pinned == 0 && dry.pinned == 0 &&
	    dry.freed_bytes - before->freed != before->foretold)
		die("delete foretold %" PRIu64 " bytes, gc %" PRIu64,
		    before->foretold, dry.freed_bytes - before->freed);
}

void op_delete(void)
{
	struct deletion deletion = {
		.options = { .deregistered = deregistered,
			     .context = &deletion },
	};
	struct space before = { 0 };
	bool measured = below(2);

	if (rarely(20))
		delete_missing();
	draw_deletion(&deletion);
	deletion.wrong = judge_deletion(&deletion);
	if (measured)
		measure(&deletion, &before);
	deletion.options.dry_run = true;
	delete_once(&deletion);
	compare_lists();
	deletion.options.dry_run = false;
	if (delete_once(&deletion)) {
		drop_deleted(&deletion);
		if (measured)
			compare_space(&before);
	}
	compare_lists();
}

/* ---- the catalog ---- */

void op_reopen(void)
{
	static const char junk[] = "not a database";
	unsigned kind = (unsigned)below(5);
	int fd;

	if (kind == 4) {
		must(sfs_catalog_rebuild(repo->catalog));
		compare_lists();
		return;
	}
	sfs_repo_close(repo);
	switch (kind) {
	case 0:
		unlink("repo/catalog.db");
		unlink("repo/catalog.db-wal");
		unlink("repo/catalog.db-shm");
		break;
	case 1:
		must(fd = open("repo/catalog.db",
			       O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		must(pwrite(fd, junk, sizeof(junk), (off_t)below(20000)));
		close(fd);
		break;
	default:
		break;
	}
	must(sfs_repo_open("repo", 0, &repo));
	compare_lists();
}

/* ---- checking ---- */

static void print_damage(const struct sfs_damage *damage, void *context)
{
	(void)context;
	fprintf(stderr, "damage %d: %s %s: %s\n", damage->kind,
		damage->name ? damage->name : "-",
		damage->volume ? damage->volume : "-",
		damage->why ? damage->why : "-");
}

void op_check(void)
{
	struct sfs_check_options options = { .read_data = true, .threads = 2 };
	struct sfs_check_result result;

	must(sfs_check(repo, &options, print_damage, NULL, &result));
	if (result.damages || result.snapshots != kept_count ||
	    result.images != image_count)
		die("check: %" PRIu64 " damages, %" PRIu64
		    " snapshots of %u, %" PRIu64 " images of %u",
		    result.damages, result.snapshots, kept_count, result.images,
		    image_count);
}
