/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "src/db.h"
#include "tests/unit/records.h"

#define SET "set-0123456789abcdef0"

struct fixture {
	struct records *repo;
	struct sfs_catalog *catalog;
};

static void add_image(struct fixture *f, unsigned n, const char *name,
		      const char *set)
{
	struct sfs_mapping mapping = records_mapping("/dev/sda1", 1);
	struct sfs_image image = records_image(n, name, &mapping, 1);

	strcpy(image.set, set);
	records_put_image(f->repo, &image);
}

static void put_set(struct fixture *f)
{
	struct sfs_set set = { .id = SET,
			       .time_ns = RECORDS_TIME,
			       .members = 1 };
	size_t size;
	char *file;

	assert_int_equal(
		sfs_record_encode_set(&f->repo->config, &set, &file, &size), 0);
	records_write(f->repo, SET, file, size, true);
	free(file);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->repo = records_new();
	records_add(f->repo, 1, "web");
	assert_int_equal(
		sfs_catalog_open(f->repo->store, &f->repo->config, &f->catalog),
		0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sfs_catalog_close(f->catalog);
	records_free(f->repo);
	free(f);
	return 0;
}

/* The names of the listed images, such as "db web". */
static int note_name(const struct sfs_image *image, void *context)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(text + used, 1024 - used, "%s%s", used ? " " : "",
		 image->name);
	return 0;
}

static void assert_listed(struct fixture *f, const char *expected)
{
	char text[1024] = "";

	assert_int_equal(sfs_catalog_list_images(f->catalog, note_name, text),
			 0);
	assert_string_equal(text, expected);
}

static int load(struct fixture *f, unsigned n)
{
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	char id[SFS_ID_SIZE];

	snprintf(id, sizeof(id), "img-%017x", n);
	return sfs_catalog_load_image(f->catalog, id, &image);
}

static void assert_selects(struct fixture *f, const char *selector, unsigned n)
{
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	char id[SFS_ID_SIZE];

	snprintf(id, sizeof(id), "img-%017x", n);
	records_forget_log();
	if (sfs_catalog_select_image(f->catalog, selector, &image) < 0)
		fail_msg("%s: %s", selector, records_log);
	assert_string_equal(image->id, id);
	assert_string_equal(records_log, "");
}

static void assert_refuses(struct fixture *f, const char *selector, int error,
			   const char *said)
{
	struct sfs_image *image = NULL;

	records_forget_log();
	assert_int_equal(sfs_catalog_select_image(f->catalog, selector, &image),
			 error);
	assert_null(image);
	records_assert_logged(selector);
	records_assert_logged(said);
}

/* ---- listing ---- */

static void lists_in_order_of_names(void **state)
{
	struct fixture *f = *state;

	assert_listed(f, "");
	add_image(f, 1, "web", "");
	add_image(f, 3, "db (old)", "");
	add_image(f, 2, "app", "");
	assert_int_equal(sfs_catalog_refresh(f->catalog), 1);
	assert_listed(f, "app db (old) web");
}

static int call_back(const struct sfs_image *image, void *context)
{
	struct fixture *f = context;

	assert_string_equal(image->mappings[0].device, "/dev/sda1");
	assert_listed(f, "web");
	return 42;
}

/* The mutex is not held meanwhile. */
static void who_is_told_may_ask(void **state)
{
	struct fixture *f = *state;

	add_image(f, 1, "web", "");
	assert_int_equal(sfs_catalog_list_images(f->catalog, call_back, f), 42);
}

static void images_wait_for_their_set(void **state)
{
	struct fixture *f = *state;

	add_image(f, 1, "web", SET);
	add_image(f, 2, "db1", "");
	assert_listed(f, "db1");
	assert_int_equal(load(f, 1), -ENOENT);
	assert_refuses(f, "web", -ENOENT, "no such image");
	put_set(f);
	assert_listed(f, "db1 web");
	assert_int_equal(load(f, 1), 0);
	/* Its rename was the commit, whatever became of it since. */
	records_write(f->repo, SET, "x", 1, false);
	assert_listed(f, "db1 web");
}

static int note_damage(const char *name, const char *why, void *context)
{
	(void)context;
	assert_string_equal(name, "img-00000000000000002");
	assert_string_equal(why, "not a record");
	return 0;
}

static void damage_hides_nothing_else(void **state)
{
	struct fixture *f = *state;

	add_image(f, 1, "web", "");
	records_write(f->repo, "img-00000000000000002", "x", 1, true);
	assert_listed(f, "web");
	records_assert_logged("img-00000000000000002.json': record not a "
			      "record");
	assert_int_equal(load(f, 2), -EUCLEAN);
	assert_int_equal(sfs_catalog_damaged(f->catalog, note_damage, NULL), 1);
}

static void names_follow_the_records(void **state)
{
	struct fixture *f = *state;

	add_image(f, 1, "web", "");
	assert_selects(f, "web", 1);
	assert_int_equal(sfs_store_remove(f->repo->store, SFS_AREA_RECORDS,
					  "img-00000000000000001"),
			 0);
	add_image(f, 1, "renamed", "");
	assert_refuses(f, "web", -ENOENT, "no such image");
	assert_selects(f, "renamed", 1);
	assert_listed(f, "renamed");
}

/* A catalog that lies about a name is replaced. */
static void a_changed_name_in_a_row_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct sfs_db *db;
	char path[128];

	add_image(f, 1, "web", "");
	assert_listed(f, "web");
	sfs_catalog_close(f->catalog);
	snprintf(path, sizeof(path), "%s/catalog.db", f->repo->dir);
	assert_int_equal(sfs_db_open(path, &db), 0);
	assert_int_equal(sfs_db_exec(db, "UPDATE record SET label = 'other'"
					 " WHERE kind = 4"),
			 0);
	sfs_db_close(db);
	assert_int_equal(
		sfs_catalog_open(f->repo->store, &f->repo->config, &f->catalog),
		0);
	assert_selects(f, "web", 1);
	assert_refuses(f, "other", -ENOENT, "no such image");
}

/* ---- selecting ---- */

static void names_ids_and_prefixes_select(void **state)
{
	struct fixture *f = *state;

	add_image(f, 0xabcd1, "web", "");
	add_image(f, 0xabcd2, "img-0000", ""); /* a name nevertheless */
	add_image(f, 0xabce3, "db [2]", "");
	assert_selects(f, "web", 0xabcd1);
	assert_selects(f, "db [2]", 0xabce3);
	assert_selects(f, "img-0000", 0xabcd2);
	assert_selects(f, "img-000000000000abcd1", 0xabcd1);
	assert_selects(f, "img-000000000000abce", 0xabce3);
	assert_refuses(f, "img-000000000000abcd", -EEXIST,
		       "img-000000000000abcd2 (img-0000), "
		       "img-000000000000abcd1 (web)");
	assert_refuses(f, "img-ffff", -ENOENT, "no such image");
	assert_refuses(f, "abcd1", -ENOENT, "no such image");
	assert_refuses(f, "we", -EINVAL, "is shorter than 3 bytes");
	assert_refuses(f, "a/b", -EINVAL, "not an image");
	assert_refuses(f, "img-", -ENOENT, "no such image");
}

static void what_was_deregistered_is_said(void **state)
{
	struct fixture *f = *state;

	add_image(f, 0xabcd1, "web", "");
	assert_int_equal(sfs_store_move(f->repo->store, SFS_AREA_RECORDS,
					SFS_AREA_BIN, "img-000000000000abcd1"),
			 0);
	assert_refuses(f, "web", -ENOENT,
		       "image img-000000000000abcd1 was deregistered");
	assert_refuses(f, "img-000000000000abcd1", -ENOENT, "was deregistered");
	assert_refuses(f, "img-00000000", -ENOENT, "was deregistered");
	assert_refuses(f, "db1", -ENOENT, "no such image");
	/* Another of that name is found. */
	add_image(f, 2, "web", "");
	assert_selects(f, "web", 2);
}

/* As two machines that shared a repository by copying it may do. */
static void one_name_twice_is_ambiguous(void **state)
{
	struct fixture *f = *state;

	add_image(f, 1, "web", "");
	add_image(f, 2, "web", "");
	assert_listed(f, "web web");
	assert_refuses(f, "web", -EEXIST,
		       "img-00000000000000001 (web), img-00000000000000002");
	add_image(f, 3, "db1", SET);
	add_image(f, 4, "db1", "");
	assert_selects(f, "db1", 4);
}

/* ---- snapshots ---- */

static void volumes_are_found_by_source(void **state)
{
	struct fixture *f = *state;
	char volume[SFS_VOLUME_NAME_MAX + 1];
	struct sfs_snapshot s = records_snapshot(2, "old");

	s.source = (char *)(uintptr_t) "/dev/vda";
	records_put(f->repo, &s);
	s = records_snapshot(3, "new");
	s.source = (char *)(uintptr_t) "/dev/vda";
	records_put(f->repo, &s);
	s = records_snapshot(4, "uncommitted");
	s.source = (char *)(uintptr_t) "/dev/vda";
	strcpy(s.set, SET);
	records_put(f->repo, &s);
	assert_int_equal(
		sfs_catalog_volume_of_source(f->catalog, "/dev/vda", volume),
		0);
	assert_string_equal(volume, "new");
	assert_int_equal(
		sfs_catalog_volume_of_source(f->catalog, "/dev/vd", volume),
		-ENOENT);
}

static void looking_says_nothing(void **state)
{
	struct fixture *f = *state;

	records_write(f->repo, "snap-00000000000000003", "x", 1, true);
	records_forget_log();
	assert_int_equal(sfs_catalog_look(f->catalog, "snap-00000000000000001"),
			 0);
	assert_int_equal(sfs_catalog_look(f->catalog, "snap-00000000000000002"),
			 -ENOENT);
	assert_int_equal(sfs_catalog_look(f->catalog, "snap-00000000000000003"),
			 -EUCLEAN);
	assert_string_equal(records_log, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lists_in_order_of_names),
		TEST(who_is_told_may_ask),
		TEST(images_wait_for_their_set),
		TEST(damage_hides_nothing_else),
		TEST(names_follow_the_records),
		TEST(a_changed_name_in_a_row_is_noticed),
		TEST(names_ids_and_prefixes_select),
		TEST(what_was_deregistered_is_said),
		TEST(one_name_twice_is_ambiguous),
		TEST(volumes_are_found_by_source),
		TEST(looking_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
