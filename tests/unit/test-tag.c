/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/record.h"
#include "src/delete.h"
#include "src/tag.h"
#include "tests/unit/scratch-repo.h"

static int tag(const char *id, const char *key, const char *value)
{
	struct sfs_tag one = { (char *)(uintptr_t)key,
			       (char *)(uintptr_t)value };
	struct sfs_tags set = { &one, 1 };
	struct sfs_snapshot *after = NULL;
	int r;

	r = sfs_tag(repo, id, &set, NULL, 0, &after);
	sfs_snapshot_free(after);
	return r;
}

static void tags_are_kept(void **state)
{
	struct sfs_snapshot *a, *b;

	(void)state;
	resize("disk", CHUNK);
	a = take("v", "disk");
	assert_int_equal(tag(a->id, "env", "prod"), 0);
	assert_int_equal(tag(a->id, "tier", "web"), 0);
	reopen();
	assert_int_equal(sfs_catalog_load(repo->catalog, a->id, &b), 0);
	assert_string_equal(sfs_tags_get(&b->tags, "env"), "prod");
	assert_string_equal(sfs_tags_get(&b->tags, "tier"), "web");
	assert_int_equal(b->time_ns, a->time_ns);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
}

static void a_deleted_snapshot_does_not_come_back(void **state)
{
	struct sfs_snapshot *a;
	char *ids[1];

	(void)state;
	resize("disk", CHUNK);
	a = take("v", "disk");
	ids[0] = a->id;
	assert_int_equal(sfs_delete(repo, ids, 1), 0);
	assert_int_equal(tag(a->id, "env", "prod"), -ENOENT);
	assert_string_equal(shell("ls repo/records | wc -l"), "0");
	sfs_snapshot_free(a);
}

/* Written by a newer version: what this one does not know must not be lost. */
static void unknown_members_are_not_lost(void **state)
{
	char path[64], *file, *at;
	struct sfs_snapshot *a;
	size_t size;

	(void)state;
	resize("disk", CHUNK);
	a = take("v", "disk");
	assert_int_equal(sfs_store_get(repo->store, SFS_AREA_RECORDS, a->id,
				       &file, &size),
			 0);
	at = strstr(file, "\"Format\"");
	assert_non_null(at);
	at = sfs_asprintf("%.*s\"Later\": 7, %s", (int)(at - file), file, at);
	sfs_record_seal(at, strlen(at));
	assert_int_equal(sfs_store_put(repo->store, SFS_AREA_RECORDS, a->id, at,
				       strlen(at), true),
			 0);
	assert_int_equal(tag(a->id, "env", "prod"), -EOPNOTSUPP);
	snprintf(path, sizeof(path), "grep -c Later repo/records/%s.json",
		 a->id);
	assert_string_equal(shell("%s", path), "1");
	free(file);
	free(at);
	sfs_snapshot_free(a);
}

static void a_newer_repository_is_not_written(void **state)
{
	struct sfs_snapshot *a;
	char *ids[1];

	(void)state;
	resize("disk", CHUNK);
	a = take("v", "disk");
	ids[0] = a->id;
	repo->config.read_only = true;
	assert_int_equal(tag(a->id, "env", "prod"), -EROFS);
	assert_int_equal(sfs_delete(repo, ids, 1), -EROFS);
	assert_int_equal(
		sfs_gc(repo, false, NULL, &(struct sfs_gc_result){ 0 }),
		-EROFS);
	sfs_snapshot_free(a);
}

static int share(struct sfs_snapshot *snapshot, void *context)
{
	return sfs_grants_add(&snapshot->grants,
			      *(const struct sfs_grant *)context) < 0
		       ? -ENOMEM
		       : 0;
}

static int refuse(struct sfs_snapshot *snapshot, void *context)
{
	(void)context;
	strcpy(snapshot->volume, "other");
	return -EPERM;
}

static int compare_grants(const struct sfs_snapshot *snapshot, void *context)
{
	const struct sfs_snapshot *want = context;

	assert_int_equal(snapshot->owner, want->owner);
	assert_int_equal(snapshot->grants.count, 1);
	assert_int_equal(snapshot->grants.grants[0].id, 1000);
	return 42;
}

static void edits_are_kept_and_listed(void **state)
{
	struct sfs_grant grant = { SFS_GRANT_USER, 1000 };
	struct sfs_snapshot *a, *b;

	(void)state;
	resize("disk", CHUNK);
	a = take("v", "disk");
	assert_int_equal(a->owner, geteuid());
	assert_int_equal(sfs_snapshot_edit(repo, a->id, refuse, NULL, NULL),
			 -EPERM);
	assert_int_equal(sfs_snapshot_edit(repo, a->id, share, &grant, &b), 0);
	assert_string_equal(b->volume, "v");
	assert_int_equal(
		sfs_catalog_list(repo->catalog, NULL, compare_grants, b), 42);
	sfs_snapshot_free(b);
	assert_int_equal(sfs_catalog_load(repo->catalog, a->id, &b), 0);
	assert_true(sfs_grants_has(&b->grants, grant));
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, repo_setup, repo_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tags_are_kept),
		TEST(a_deleted_snapshot_does_not_come_back),
		TEST(unknown_members_are_not_lost),
		TEST(a_newer_repository_is_not_written),
		TEST(edits_are_kept_and_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
