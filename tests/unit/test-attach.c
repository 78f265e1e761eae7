/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/attach.h"
#include "src/log.h"
#include "src/probe-run.h"

#define MIB (UINT64_C(1) << 20)

/* Everything that was said. */
static char said[8192];

static void note(enum sfs_level level, const char *text)
{
	const size_t length = strlen(said);

	(void)level;
	snprintf(said + length, sizeof(said) - length, "%s\n", text);
}

static int setup(void **state)
{
	(void)state;
	said[0] = '\0';
	sfs_log_set_sink(note);
	return 0;
}

/* Partition @number of @mib, behind those before it. */
static struct sfs_probe_partition *add(struct sfs_probe_disk *disk, int number,
				       const char *usage, const char *type,
				       unsigned mib)
{
	struct sfs_probe_partition *p = &disk->partitions[disk->count];
	const struct sfs_probe_partition *last = p - 1;

	p->number = number;
	p->offset = disk->count > 0 ? last->offset + last->size : MIB;
	p->size = mib * MIB;
	strcpy(p->usage, usage);
	strcpy(p->type, type);
	disk->count++;
	if (number > 0) {
		strcpy(disk->table, "gpt");
		disk->sector_size = 512;
	}
	return p;
}

static int pick(const struct sfs_probe_disk *disk, int number)
{
	const struct sfs_probe_partition *p;
	int r;

	r = sfs_attach_pick("disk", disk, number, &p);
	return r < 0 ? r : p->number;
}

/* ---- which ---- */

static void takes_the_largest_of_linux(void **state)
{
	struct sfs_probe_disk disk = { 0 };

	(void)state;
	add(&disk, 1, "filesystem", "vfat", 100);
	add(&disk, 2, "filesystem", "ext4", 10);
	add(&disk, 5, "filesystem", "xfs", 20);
	add(&disk, 6, "filesystem", "ntfs", 500);
	add(&disk, 7, "crypto", "crypto_LUKS", 900);
	add(&disk, 8, "filesystem", "ext4", 20);
	assert_int_equal(pick(&disk, 0), 5);
	assert_non_null(strstr(said, "partition 5: xfs; others: 1 vfat"));
}

static void takes_the_largest_other(void **state)
{
	struct sfs_probe_disk disk = { 0 };

	(void)state;
	add(&disk, 1, "filesystem", "vfat", 100);
	add(&disk, 2, "other", "swap", 1000);
	add(&disk, 3, "filesystem", "ntfs", 500);
	assert_int_equal(pick(&disk, 0), 3);
}

static void takes_the_one_asked_for(void **state)
{
	struct sfs_probe_disk disk = { 0 };

	(void)state;
	add(&disk, 1, "filesystem", "vfat", 100);
	add(&disk, 2, "filesystem", "ext4", 10);
	assert_int_equal(pick(&disk, 1), 1);
	assert_int_equal(pick(&disk, 3), -ENOENT);
	assert_non_null(strstr(said, "no partition 3; there are: 1, 2"));
}

static void takes_no_other_for_it(void **state)
{
	struct sfs_probe_disk disk = { 0 };

	(void)state;
	add(&disk, 1, "raid", "LVM2_member", 100);
	add(&disk, 2, "filesystem", "zfs_member", 100);
	add(&disk, 3, "", "", 100);
	add(&disk, 4, "", "ambiguous content", 100);
	add(&disk, 5, "filesystem", "ext4", 0);
	for (int i = 1; i <= 5; i++)
		assert_int_equal(pick(&disk, i), -ENXIO);
	said[0] = '\0';
	assert_int_equal(pick(&disk, 0), -ENXIO);
	for (const char *s = said, *end; *s; s = end + 1) {
		end = strchr(s, '\n');
		assert_int_equal(strncmp(s, "'disk': partition ", 18), 0);
	}
	assert_non_null(strstr(said, "partition 1 is part of an LVM"));
	assert_non_null(strstr(said, "partition 4 is of type ambiguous"));
	assert_non_null(strstr(said, "partition 5 starts beyond"));
}

static void says_what_is_odd(void **state)
{
	struct sfs_probe_disk disk = { .from_backup = true };
	struct sfs_probe_partition *second;

	(void)state;
	add(&disk, 1, "filesystem", "ext4", 20);
	second = add(&disk, 2, "filesystem", "ext4", 10);
	add(&disk, 3, "filesystem", "ext4", 10)->is_cut = true;
	assert_int_equal(pick(&disk, 1), 1);
	assert_non_null(strstr(said, "first copy of its GPT is damaged"));
	assert_null(strstr(said, "overlap"));
	assert_null(strstr(said, "reaches beyond"));
	second->offset -= 1;
	assert_int_equal(pick(&disk, 1), 1);
	assert_non_null(strstr(said, "partitions 1 and 2 overlap"));
	assert_int_equal(pick(&disk, 3), 3);
	assert_non_null(strstr(said, "partition 3 reaches beyond"));
}

/* All numbers and names are as long as can be. */
static void says_it_of_full_tables(void **state)
{
	struct sfs_probe_disk disk = { 0 };

	(void)state;
	for (int i = 0; i < SFS_PROBE_PARTITIONS_MAX; i++)
		add(&disk, INT32_MAX - i, "filesystem",
		    "a_type_of_23_characters", 1);
	assert_int_equal(pick(&disk, 0), INT32_MAX);
	assert_int_equal(pick(&disk, 1), -ENOENT);
}

/* ---- what the process may say ---- */

static void believes_what_can_be(void **state)
{
	struct sfs_probe_disk disk = { 0 };
	struct sfs_probe_partition *p;
	const uint64_t size = 100 * MIB;

	(void)state;
	assert_false(sfs_probe_disk_is_sound(&disk, size));
	p = add(&disk, 0, "filesystem", "btrfs", 99);
	strcpy(p->uuid, "6e0b1d5c-2f0f-4a53-8a3b-0c8c9e6c2d11");
	assert_true(sfs_probe_disk_is_sound(&disk, size));
	strcpy(p->uuid, "../../../../etc");
	assert_false(sfs_probe_disk_is_sound(&disk, size));
	memset(p->uuid, 'a', sizeof(p->uuid));
	assert_false(sfs_probe_disk_is_sound(&disk, size));
	p->uuid[0] = '\0';
	strcpy(p->label, "\033[2J");
	assert_false(sfs_probe_disk_is_sound(&disk, size));
	p->label[0] = '\0';
	strcpy(p->type, "ext4/x");
	assert_false(sfs_probe_disk_is_sound(&disk, size));
	strcpy(p->type, "ext4");
	p->size += 1;
	assert_false(sfs_probe_disk_is_sound(&disk, size));
	p->size -= 1;
	p->number = 1; /* without a table */
	assert_false(sfs_probe_disk_is_sound(&disk, size));
	p->number = 0;
	disk.count = SFS_PROBE_PARTITIONS_MAX + 1;
	assert_false(sfs_probe_disk_is_sound(&disk, size));
	disk.count = 1;
	assert_true(sfs_probe_disk_is_sound(&disk, size));
	disk.sector_size = 1024;
	assert_false(sfs_probe_disk_is_sound(&disk, size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(takes_the_largest_of_linux, setup),
		cmocka_unit_test_setup(takes_the_largest_other, setup),
		cmocka_unit_test_setup(takes_the_one_asked_for, setup),
		cmocka_unit_test_setup(takes_no_other_for_it, setup),
		cmocka_unit_test_setup(says_what_is_odd, setup),
		cmocka_unit_test_setup(says_it_of_full_tables, setup),
		cmocka_unit_test_setup(believes_what_can_be, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
