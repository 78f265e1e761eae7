/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "format/record.h"
#include "src/delete.h"
#include "src/image-json.h"
#include "tests/unit/scratch-repo.h"

/* Taking libc's place: the @fail_fsync-th fsync from now fails; how many there
 * were since. */
static unsigned fail_fsync, later_fsyncs;

int fsync(int fd)
{
	if (fail_fsync == 0)
		later_fsyncs++;
	else if (--fail_fsync == 0) {
		later_fsyncs = 0;
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static struct sfs_snapshot *a, *b; /* of 10 chunks, and of 5 */

static int setup(void **state)
{
	if (repo_setup(state) < 0)
		return -1;
	put_noise("disk", 0, 10 * CHUNK, 1);
	put_noise("data", 0, 5 * CHUNK, 2);
	a = take("root", "disk");
	b = take("data", "data");
	return 0;
}

static int teardown(void **state)
{
	sfs_snapshot_free(TAKE_PTR(a));
	sfs_snapshot_free(TAKE_PTR(b));
	return repo_teardown(state);
}

static void assert_said(const char *text)
{
	if (!strstr(scratch_log, text))
		fail_msg("'%s' was not said: %s", text, scratch_log);
}

static struct sfs_mapping *map(struct sfs_image *image, const char *device,
			       const char *snapshot)
{
	struct sfs_mapping *mapping;

	mapping = add_mapping(image, device, SFS_MAPPING_SNAPSHOT);
	snprintf(mapping->snapshot, sizeof(mapping->snapshot), "%s", snapshot);
	return mapping;
}

/* An image of both, as register_image() makes one. */
static struct sfs_image *register_both(const char *name)
{
	struct sfs_image *image = new_image(name);

	map(image, "/dev/sda1", a->id);
	map(image, "/dev/sdf", b->id);
	assert_int_equal(sfs_image_register(repo, image), 0);
	return image;
}

static unsigned count_records(const char *kind)
{
	return (unsigned)atoi(
		shell("ls repo/records | grep -c '^%s-' || :", kind));
}

static void move_away(const char *id)
{
	shell("mv repo/records/%s.json away", id);
}

/* ---- registering ---- */

static void what_is_registered_is_found(void **state)
{
	struct sfs_image *image = new_image("web"), *found;
	struct sfs_mapping *mapping;
	int64_t before = sfs_now_ns();

	(void)state;
	map(image, "/dev/sda1", a->id)->delete_on_termination = true;
	map(image, "/dev/sdf", b->id)->size = 100 * CHUNK;
	mapping = add_mapping(image, "/dev/sdg", SFS_MAPPING_EMPTY);
	mapping->size = 1 << 30;
	mapping = add_mapping(image, "/dev/sdb", SFS_MAPPING_EPHEMERAL);
	mapping->ephemeral = 3;
	add_mapping(image, "/dev/sdc", SFS_MAPPING_NONE);
	assert_int_equal(sfs_image_register(repo, image), 0);
	reopen();
	assert_int_equal(sfs_catalog_select_image(repo->catalog, "web", &found),
			 0);
	assert_string_equal(found->id, image->id);
	assert_string_equal(found->set, "");
	assert_int_equal(found->owner, geteuid());
	assert_true(found->time_ns >= before - INT64_C(1000000000));
	assert_int_equal(found->mapping_count, 5);
	assert_int_equal(found->mappings[0].size, 10 * CHUNK);
	assert_true(found->mappings[0].delete_on_termination);
	assert_int_equal(found->mappings[1].size, 100 * CHUNK);
	assert_int_equal(found->mappings[2].size, 1 << 30);
	assert_int_equal(found->mappings[3].ephemeral, 3);
	sfs_image_free(image);
	sfs_image_free(found);
}

static void assert_register_fails(struct sfs_image *image, int error,
				  const char *said)
{
	assert_int_equal(sfs_image_register(repo, image), error);
	assert_said(image->name);
	assert_said(said);
	assert_int_equal(count_records("img"), 0);
	sfs_image_free(image);
}

static void what_breaks_a_rule_is_refused(void **state)
{
	struct sfs_image *image;
	char said[128];

	(void)state;
	image = new_image("small");
	map(image, "/dev/sda1", a->id)->size = 10 * CHUNK - 1;
	snprintf(said, sizeof(said),
		 "a volume of 40959 bytes has no room for "
		 "the 40960 of 'snap-");
	assert_register_fails(image, -EINVAL, said);
	image = new_image("missing");
	map(image, "/dev/sda1", "snap-0123456789abcdef0");
	assert_register_fails(image, -ENOENT,
			      "there is no snapshot "
			      "'snap-0123456789abcdef0'");
	image = new_image("rootless");
	map(image, "/dev/sdf", a->id);
	assert_register_fails(image, -EINVAL, "/dev/sda1");
	image = new_image("empty");
	add_mapping(image, "/dev/sda1", SFS_MAPPING_EMPTY)->size = 1;
	assert_register_fails(image, -EINVAL, "not from a snapshot");
	image = new_image("twice");
	map(image, "/dev/sda1", a->id);
	map(image, "/dev/sda1", b->id);
	assert_register_fails(image, -EINVAL, "mapped twice");
	image = new_image(".dot");
	map(image, "/dev/sda1", a->id);
	assert_register_fails(image, -EINVAL, "starts with a dot");
}

static void one_snapshot_serves_several_images(void **state)
{
	struct sfs_image *x = register_both("web"), *y = register_both("db1");

	(void)state;
	assert_string_not_equal(x->id, y->id);
	assert_int_equal(count_records("img"), 2);
	sfs_image_free(x);
	sfs_image_free(y);
}

static void a_name_is_taken_once(void **state)
{
	struct sfs_image *x = register_image("web", a), *y = new_image("web");

	(void)state;
	map(y, "/dev/sda1", b->id);
	assert_int_equal(sfs_image_register(repo, y), -EEXIST);
	assert_said(x->id);
	assert_int_equal(count_records("img"), 1);
	sfs_image_free(x);
	sfs_image_free(y);
}

static void say_nothing(enum sfs_level level, const char *text)
{
	(void)level;
	(void)text;
}

static void *race(void *context)
{
	CLEANUP_REPO struct sfs_repo *mine = NULL;
	struct sfs_image *image = context;

	if (sfs_repo_open("repo", 0, &mine) < 0)
		return (void *)1;
	return sfs_image_register(mine, image) < 0 ? (void *)1 : NULL;
}

/* From as many repository handles, as processes would. */
static void only_one_wins_a_name(void **state)
{
	struct sfs_image *images[6];
	pthread_t threads[6];
	unsigned i, won = 0;
	void *result;

	(void)state;
	sfs_log_set_sink(say_nothing); /* the other one is not for threads */
	for (i = 0; i < 6; i++) {
		images[i] = new_image("web");
		map(images[i], "/dev/sda1", a->id);
	}
	for (i = 0; i < 6; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, race, images[i]), 0);
	for (i = 0; i < 6; i++) {
		pthread_join(threads[i], &result);
		won += result == NULL;
		sfs_image_free(images[i]);
	}
	assert_int_equal(won, 1);
	assert_int_equal(count_records("img"), 1);
}

static void a_read_only_repository_is_not_written(void **state)
{
	struct sfs_image *image = register_image("web", a), *y = new_image("y");
	struct sfs_released *released;
	size_t count;

	(void)state;
	map(y, "/dev/sda1", a->id);
	repo->config.read_only = true;
	assert_int_equal(sfs_image_register(repo, y), -EROFS);
	assert_int_equal(sfs_image_deregister(repo, image->id, false, false,
					      &released, &count),
			 -EROFS);
	assert_int_equal(sfs_image_deregister(repo, image->id, false, true,
					      &released, &count),
			 0);
	free(released);
	sfs_image_free(image);
	sfs_image_free(y);
}

/* ---- editing ---- */

static int rename_to(struct sfs_image *image, void *context)
{
	snprintf(image->name, sizeof(image->name), "%s", (char *)context);
	return 0;
}

static int protect(struct sfs_image *image, void *context)
{
	image->is_protected = context != NULL;
	return 0;
}

static int refuse(struct sfs_image *image, void *context)
{
	(void)context;
	image->disabled = true;
	return -EPERM;
}

static int rename_image(const struct sfs_image *image, const char *name)
{
	return sfs_image_edit(repo, image->id, rename_to,
			      (void *)(uintptr_t)name, NULL);
}

static void renaming_keeps_names_unique(void **state)
{
	struct sfs_image *x = register_image("web", a), *found;
	struct sfs_image *y = register_image("db1", a);

	(void)state;
	assert_int_equal(rename_image(x, "db1"), -EEXIST);
	assert_said(y->id);
	assert_int_equal(rename_image(x, "x"), -EINVAL);
	assert_int_equal(rename_image(x, "web"), 0);
	assert_int_equal(rename_image(x, "old"), 0);
	assert_int_equal(rename_image(y, "web"), 0);
	assert_int_equal(sfs_catalog_select_image(repo->catalog, "web", &found),
			 0);
	assert_string_equal(found->id, y->id);
	sfs_image_free(found);
	sfs_image_free(x);
	sfs_image_free(y);
}

static void a_refused_edit_changes_nothing(void **state)
{
	struct sfs_image *image = register_image("web", a), *after;

	(void)state;
	assert_int_equal(sfs_image_edit(repo, image->id, refuse, NULL, NULL),
			 -EPERM);
	assert_int_equal(
		sfs_catalog_load_image(repo->catalog, image->id, &after), 0);
	assert_false(after->disabled);
	sfs_image_free(after);
	assert_int_equal(
		sfs_image_edit(repo, image->id, protect, image, &after), 0);
	assert_true(after->is_protected);
	sfs_image_free(after);
	assert_int_equal(sfs_image_edit(repo, "img-0123456789abcdef0", protect,
					NULL, &after),
			 -ENOENT);
	sfs_image_free(image);
}

/* Written by a newer version: what this one does not know must not be lost. */
static void unknown_members_are_not_lost(void **state)
{
	struct sfs_image *image = register_image("web", a);
	char *file, *at;
	size_t size;

	(void)state;
	assert_int_equal(sfs_store_get(repo->store, SFS_AREA_RECORDS, image->id,
				       &file, &size),
			 0);
	at = strstr(file, "\"Format\"");
	assert_non_null(at);
	at = sfs_asprintf("%.*s\"Later\": 7, %s", (int)(at - file), file, at);
	sfs_record_seal(at, strlen(at));
	assert_int_equal(sfs_store_put(repo->store, SFS_AREA_RECORDS, image->id,
				       at, strlen(at), true),
			 0);
	assert_int_equal(rename_image(image, "other"), -EOPNOTSUPP);
	assert_string_equal(
		shell("grep -c Later repo/records/%s.json", image->id), "1");
	free(file);
	free(at);
	sfs_image_free(image);
}

/* ---- deleting what images use ---- */

static unsigned told;

static void tell(const struct sfs_image *image, void *context)
{
	assert_string_equal(image->name, context);
	told++;
}

static void what_images_use_is_not_deleted(void **state)
{
	struct sfs_image *x = register_both("web"),
			 *y = register_image("db1", a);
	char *ids[] = { b->id, a->id };
	char said[128];

	(void)state;
	sfs_image_free(y);
	assert_int_equal(sfs_delete(repo, ids, 2), -EPERM);
	snprintf(said, sizeof(said), "image 'web' (%s) as /dev/sda1", x->id);
	assert_said(said);
	assert_said("image 'db1' (");
	assert_said("--cascade");
	assert_said(a->id);
	assert_int_equal(count_records("snap"), 2);
	sfs_image_free(x);
}

static void images_go_first_when_asked(void **state)
{
	struct sfs_image *x = register_both("web");
	char name[] = "web", *ids[] = { b->id };
	struct sfs_delete_options options = { .cascade = true,
					      .dry_run = true,
					      .deregistered = tell,
					      .context = name };

	(void)state;
	told = 0;
	assert_int_equal(sfs_delete_with(repo, ids, 1, &options), 0);
	assert_int_equal(told, 1);
	assert_int_equal(count_records("img"), 1);
	assert_int_equal(count_records("snap"), 2);
	options.dry_run = false;
	assert_int_equal(sfs_delete_with(repo, ids, 1, &options), 0);
	assert_int_equal(told, 2);
	assert_int_equal(count_records("img"), 0);
	assert_int_equal(count_records("snap"), 1);
	assert_int_equal(sfs_catalog_look(repo->catalog, a->id), 0);
	sfs_image_free(x);
}

static void protected_images_keep_everything(void **state)
{
	struct sfs_image *x = register_both("web"),
			 *y = register_image("db1", a);
	struct sfs_delete_options options = { .cascade = true };
	char *ids[] = { a->id, b->id };

	(void)state;
	assert_int_equal(sfs_image_edit(repo, y->id, protect, y, NULL), 0);
	assert_int_equal(sfs_delete_with(repo, ids, 2, &options), -EPERM);
	assert_said("'db1'");
	assert_said("is protected");
	assert_int_equal(count_records("img"), 2);
	assert_int_equal(count_records("snap"), 2);
	sfs_image_free(x);
	sfs_image_free(y);
}

static void an_unreadable_image_keeps_everything(void **state)
{
	struct sfs_image *x = register_image("web", a);
	struct sfs_delete_options options = { .cascade = true };
	char path[64], *ids[] = { b->id };

	(void)state;
	snprintf(path, sizeof(path), "repo/records/%s.json", x->id);
	flip(path, 300);
	assert_int_equal(sfs_delete(repo, ids, 1), -EBADMSG);
	assert_said(x->id);
	assert_int_equal(sfs_delete_with(repo, ids, 1, &options), -EBADMSG);
	assert_int_equal(count_records("snap"), 2);
	sfs_image_free(x);
}

static int count_image(const struct sfs_image *image, void *context)
{
	(void)image;
	++*(unsigned *)context;
	return 0;
}

static void users_are_found_in_any_state(void **state)
{
	struct sfs_image *x = register_both("web"),
			 *y = register_image("db1", a);
	char *ids[] = { a->id, b->id };
	unsigned count = 0;

	(void)state;
	assert_int_equal(
		sfs_images_using(repo, ids, 1, count_image, NULL, &count), 0);
	assert_int_equal(count, 2);
	count = 0;
	assert_int_equal(
		sfs_images_using(repo, ids + 1, 1, count_image, NULL, &count),
		0);
	assert_int_equal(count, 1);
	count = 0;
	assert_int_equal(
		sfs_images_using(repo, ids, 2, count_image, NULL, &count), 0);
	assert_int_equal(count, 2);
	sfs_image_free(x);
	sfs_image_free(y);
}

/* ---- deregistering ---- */

static void assert_released(const struct sfs_image *image, bool delete,
			    bool dry_run, enum sfs_release root,
			    enum sfs_release data)
{
	struct sfs_released *released = NULL;
	size_t count = 0;

	assert_int_equal(sfs_image_deregister(repo, image->id, delete, dry_run,
					      &released, &count),
			 0);
	assert_int_equal(count, 2);
	assert_string_equal(released[0].snapshot, a->id);
	assert_string_equal(released[1].snapshot, b->id);
	assert_int_equal(released[0].fate, root);
	assert_int_equal(released[1].fate, data);
	free(released);
}

static void deregistering_tells_of_orphans(void **state)
{
	struct sfs_image *x = register_both("web"),
			 *y = register_image("db1", a);

	(void)state;
	assert_released(x, false, true, SFS_RELEASE_USED, SFS_RELEASE_ORPHAN);
	assert_released(x, true, true, SFS_RELEASE_USED, SFS_RELEASE_DELETED);
	assert_int_equal(count_records("img"), 2);
	assert_released(x, false, false, SFS_RELEASE_USED, SFS_RELEASE_ORPHAN);
	assert_int_equal(count_records("img"), 1);
	assert_int_equal(count_records("snap"), 2);
	/* The name is free. */
	sfs_image_free(x);
	x = register_both("web");
	assert_released(x, true, false, SFS_RELEASE_USED, SFS_RELEASE_DELETED);
	assert_int_equal(count_records("snap"), 1);
	assert_int_equal(sfs_catalog_look(repo->catalog, a->id), 0);
	sfs_image_free(x);
	sfs_image_free(y);
}

static void a_snapshot_mapped_twice_is_told_once(void **state)
{
	struct sfs_image *image = new_image("web");
	struct sfs_released *released;
	size_t count;

	(void)state;
	map(image, "/dev/sda1", a->id);
	map(image, "/dev/sdf", a->id);
	add_mapping(image, "/dev/sdg", SFS_MAPPING_NONE);
	assert_int_equal(sfs_image_register(repo, image), 0);
	assert_int_equal(sfs_image_deregister(repo, image->id, true, false,
					      &released, &count),
			 0);
	assert_int_equal(count, 1);
	assert_int_equal(released[0].fate, SFS_RELEASE_DELETED);
	free(released);
	sfs_image_free(image);
}

static void a_protected_image_stays(void **state)
{
	struct sfs_image *image = register_image("web", a);
	struct sfs_released *released = NULL;
	size_t count;

	(void)state;
	assert_int_equal(sfs_image_edit(repo, image->id, protect, image, NULL),
			 0);
	assert_int_equal(sfs_image_deregister(repo, image->id, true, true,
					      &released, &count),
			 -EPERM);
	assert_int_equal(sfs_image_deregister(repo, image->id, true, false,
					      &released, &count),
			 -EPERM);
	assert_null(released);
	assert_int_equal(count_records("img"), 1);
	assert_int_equal(sfs_image_edit(repo, image->id, protect, NULL, NULL),
			 0);
	assert_int_equal(sfs_image_deregister(repo, image->id, false, false,
					      &released, &count),
			 0);
	free(released);
	assert_int_equal(sfs_image_deregister(repo, image->id, false, false,
					      &released, &count),
			 -ENOENT);
	sfs_image_free(image);
}

static void flip_record(const char *id)
{
	char path[64];

	snprintf(path, sizeof(path), "repo/records/%s.json", id);
	flip(path, 300);
}

/* It may be the other one that needs them. */
static void a_damaged_image_keeps_the_snapshots_of_others(void **state)
{
	struct sfs_image *x = register_both("web"), *y = register_both("db1"),
			 *z = register_image("hurt", a);

	(void)state;
	flip_record(z->id);
	assert_released(x, true, true, SFS_RELEASE_USED, SFS_RELEASE_USED);
	assert_released(x, true, false, SFS_RELEASE_USED, SFS_RELEASE_USED);
	assert_released(y, false, true, SFS_RELEASE_UNKNOWN,
			SFS_RELEASE_UNKNOWN);
	log_all();
	assert_released(y, true, false, SFS_RELEASE_UNKNOWN,
			SFS_RELEASE_UNKNOWN);
	assert_non_null(strstr(all_log, z->id));
	assert_int_equal(count_records("img"), 1);
	assert_int_equal(count_records("snap"), 2);
	sfs_image_free(x);
	sfs_image_free(y);
	sfs_image_free(z);
}

static void an_image_may_go_without_certainty(void **state)
{
	struct sfs_image *image = register_both("web");
	struct sfs_released *released;
	size_t count;

	(void)state;
	log_all();
	fail_fsync = 2;
	assert_int_equal(sfs_image_deregister(repo, image->id, true, false,
					      &released, &count),
			 -EIO);
	assert_int_equal(later_fsyncs, 0);
	assert_non_null(strstr(all_log, "outcome uncertain"));
	assert_non_null(strstr(all_log, "is gone, its snapshots stay"));
	assert_int_equal(count_records("img"), 0);
	assert_int_equal(count_records("snap"), 2);
	sfs_image_free(image);
}

static void uncertainty_stops_the_deleting(void **state)
{
	struct sfs_image *image = register_both("web");

	(void)state;
	log_all();
	fail_fsync = 3; /* two were for the image */
	assert_released(image, true, false, SFS_RELEASE_UNCERTAIN,
			SFS_RELEASE_FAILED);
	assert_int_equal(later_fsyncs, 0);
	assert_non_null(strstr(all_log, "outcome uncertain"));
	assert_int_equal(count_records("img"), 0);
	assert_int_equal(count_records("snap"), 1);
	sfs_image_free(image);
}

static void note_deleted(const char *id, void *context)
{
	assert_string_equal(id, context);
	told++;
}

/* What went before a failure is told. */
static void a_cascade_tells_how_far_it_went(void **state)
{
	struct sfs_image *image = register_both("web");
	char *ids[] = { a->id, b->id };
	struct sfs_delete_options options = { .cascade = true,
					      .deleted = note_deleted,
					      .context = a->id };

	(void)state;
	told = 0;
	fail_fsync = 5;
	assert_int_equal(sfs_delete_with(repo, ids, 2, &options), -EIO);
	assert_int_equal(told, 1);
	assert_int_equal(later_fsyncs, 0);
	assert_int_equal(count_records("img"), 0);
	assert_int_equal(count_records("snap"), 0);
	sfs_image_free(image);
}

/* ---- snapshots that are not there ---- */

static void missing_and_damaged_snapshots_show(void **state)
{
	struct sfs_image *image = register_both("web"), *found;
	enum sfs_mapping_state *states;
	char path[64];

	(void)state;
	assert_int_equal(sfs_image_states(repo, image, &states), 0);
	assert_int_equal(states[0], SFS_MAPPING_OK);
	assert_int_equal(states[1], SFS_MAPPING_OK);
	free(states);
	move_away(a->id);
	snprintf(path, sizeof(path), "repo/records/%s.json", b->id);
	flip(path, 200);
	assert_int_equal(sfs_catalog_select_image(repo->catalog, "web", &found),
			 0);
	assert_int_equal(sfs_image_states(repo, found, &states), 0);
	assert_int_equal(states[0], SFS_MAPPING_MISSING);
	assert_int_equal(states[1], SFS_MAPPING_DAMAGED);
	free(states);
	/* It can be edited, and goes; the damaged record stays where it is. */
	assert_int_equal(rename_image(image, "hurt"), 0);
	assert_released(image, true, true, SFS_RELEASE_MISSING,
			SFS_RELEASE_FAILED);
	assert_released(image, true, false, SFS_RELEASE_MISSING,
			SFS_RELEASE_FAILED);
	assert_int_equal(count_records("img"), 0);
	assert_int_equal(count_records("snap"), 1);
	sfs_image_free(image);
	sfs_image_free(found);
}

static void a_volume_too_small_for_its_snapshot_is_damaged(void **state)
{
	struct sfs_image *image = register_both("web");
	CLEANUP_FREE enum sfs_mapping_state *states = NULL;
	CLEANUP_FREE char *file = NULL;
	size_t size;

	(void)state;
	image->mappings[1].size = 5 * CHUNK - 1;
	assert_int_equal(
		sfs_record_encode_image(&repo->config, image, &file, &size), 0);
	assert_int_equal(sfs_store_put(repo->store, SFS_AREA_RECORDS, image->id,
				       file, size, true),
			 0);
	assert_int_equal(sfs_image_states(repo, image, &states), 0);
	assert_int_equal(states[0], SFS_MAPPING_OK);
	assert_int_equal(states[1], SFS_MAPPING_DAMAGED);
	sfs_image_free(image);
}

/* ---- for programs ---- */

static void assert_holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in %s", part, text);
}

static void json_says_it_all(void **state)
{
	struct sfs_image *image = new_image("web");
	enum sfs_mapping_state states[5] = { [1] = SFS_MAPPING_MISSING };
	struct sfs_jsonw *w;
	char *text;

	(void)state;
	map(image, "/dev/sda1", a->id);
	map(image, "xvda/b", b->id);
	add_mapping(image, "/dev/sdg", SFS_MAPPING_EMPTY)->size = 77;
	add_mapping(image, "/dev/sdb", SFS_MAPPING_EPHEMERAL)->ephemeral = 3;
	add_mapping(image, "/dev/sdc", SFS_MAPPING_NONE);
	image->deprecated_ns = 1;
	assert_int_equal(sfs_tags_set(&image->tags, "env", "prod"), 0);
	assert_int_equal(sfs_grants_parse("user:1000 all", &image->grants), 0);
	assert_int_equal(sfs_image_register(repo, image), 0);
	assert_int_equal(sfs_jsonw_new(&w), 0);
	sfs_image_json(w, NULL, image, states);
	assert_int_equal(sfs_jsonw_finish(w, false, &text, NULL), 0);
	assert_holds(text, "\"Name\":\"web\",\"State\":\"available\"");
	assert_holds(text, "\"SetId\":null");
	assert_holds(text, "\"Architecture\":\"x86_64\"");
	assert_holds(text, "\"Deprecated\":true");
	assert_holds(text, "\"DeregistrationProtection\":\"disabled\"");
	assert_holds(text, "\"FileName\":\"sda1.img\","
			   "\"SnapshotState\":\"completed\"}");
	assert_holds(text, "\"FileName\":\"xvda_b.img\","
			   "\"SnapshotState\":\"missing\"}");
	assert_holds(text, "{\"DeviceName\":\"/dev/sdg\",\"Ebs\":{"
			   "\"VolumeSizeInBytes\":77,"
			   "\"DeleteOnTermination\":false},"
			   "\"FileName\":\"sdg.img\"}");
	assert_holds(text, "\"VirtualName\":\"ephemeral3\"}");
	assert_holds(text, "{\"DeviceName\":\"/dev/sdc\",\"NoDevice\":\"\"}");
	assert_holds(text, "\"Tags\":[{\"Key\":\"env\",\"Value\":\"prod\"}]");
	free(text);
	sfs_jsonw_free(w);
	sfs_image_free(image);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_registered_is_found),
		TEST(what_breaks_a_rule_is_refused),
		TEST(one_snapshot_serves_several_images),
		TEST(a_name_is_taken_once),
		TEST(only_one_wins_a_name),
		TEST(a_read_only_repository_is_not_written),
		TEST(renaming_keeps_names_unique),
		TEST(a_refused_edit_changes_nothing),
		TEST(unknown_members_are_not_lost),
		TEST(what_images_use_is_not_deleted),
		TEST(images_go_first_when_asked),
		TEST(protected_images_keep_everything),
		TEST(an_unreadable_image_keeps_everything),
		TEST(users_are_found_in_any_state),
		TEST(deregistering_tells_of_orphans),
		TEST(a_snapshot_mapped_twice_is_told_once),
		TEST(a_protected_image_stays),
		TEST(a_damaged_image_keeps_the_snapshots_of_others),
		TEST(an_image_may_go_without_certainty),
		TEST(uncertainty_stops_the_deleting),
		TEST(a_cascade_tells_how_far_it_went),
		TEST(missing_and_damaged_snapshots_show),
		TEST(a_volume_too_small_for_its_snapshot_is_damaged),
		TEST(json_says_it_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
