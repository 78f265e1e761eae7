/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The list of what stands on a disk: made in the confined process, judged in
 * this one. */

#include <blkid/blkid.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format/name.h"
#include "src/log.h"
#include "src/probe-child.h"
#include "src/probe-run.h"
#include "src/probe-serve.h"
#include "src/probe.h"

#define LIST_NS (INT64_C(20) * 1000000000)

/* Some members of a RAID say so at their end only. */
#define TAIL_SIZE (UINT64_C(128) << 10)

#define GPT_MAGIC "EFI PART"

/* ---- in the confined process ---- */

static void take_value(blkid_probe probe, const char *name, char *ret,
		       size_t size)
{
	const char *value;

	if (blkid_probe_lookup_value(probe, name, &value, NULL) == 0)
		snprintf(ret, size, "%s", value);
}

static void take_label(blkid_probe probe, char *ret, size_t size)
{
	const char *why;

	take_value(probe, "LABEL", ret, size);
	if (!sfs_name_text_ok(ret, size - 1, &why))
		ret[0] = '\0';
}

static void take_values(blkid_probe probe, struct sfs_probe_partition *ret)
{
	take_value(probe, "USAGE", ret->usage, sizeof(ret->usage));
	take_value(probe, "TYPE", ret->type, sizeof(ret->type));
	take_value(probe, "UUID", ret->uuid, sizeof(ret->uuid));
	take_label(probe, ret->label, sizeof(ret->label));
}

/* libblkid's answer that signatures of several things are there. */
#define AMBIVALENT (-2)

static void ask(const struct sfs_disk *disk, blkid_probe probe,
		struct sfs_probe_partition *ret)
{
	const int wanted = BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE |
			   BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID;
	int r;

	if (blkid_probe_set_device(probe, disk->copy, (blkid_loff_t)ret->offset,
				   (blkid_loff_t)ret->size) != 0 ||
	    blkid_probe_enable_superblocks(probe, 1) != 0 ||
	    blkid_probe_set_superblocks_flags(probe, wanted) != 0)
		return;
	r = blkid_do_safeprobe(probe);
	if (r == 0)
		take_values(probe, ret);
	else if (r == AMBIVALENT)
		snprintf(ret->type, sizeof(ret->type), "ambiguous content");
}

static int describe(struct sfs_disk *disk,
		    const struct sfs_partition *partition,
		    struct sfs_probe_partition *ret)
{
	const uint64_t tail = sfs_min(partition->size, TAIL_SIZE);
	blkid_probe probe;
	int r;

	*ret = (struct sfs_probe_partition){
		.number = partition->number,
		.is_cut = partition->is_cut,
		.offset = partition->offset,
		.size = partition->size,
	};
	if (partition->size == 0)
		return 0;
	r = sfs_disk_copy(disk, partition->offset + partition->size - tail,
			  tail);
	if (r < 0)
		return r;
	probe = blkid_new_probe();
	if (!probe)
		return -ENOMEM;
	ask(disk, probe, ret);
	blkid_free_probe(probe);
	return 0;
}

static bool has_magic(struct sfs_disk *disk, uint64_t offset)
{
	char magic[sizeof(GPT_MAGIC) - 1];

	return sfs_disk_read(disk, magic, sizeof(magic), offset) == 0 &&
	       memcmp(magic, GPT_MAGIC, sizeof(magic)) == 0;
}

static bool has_remains(struct sfs_disk *disk)
{
	static const unsigned sizes[] = { 512, 4096 };

	for (size_t i = 0; i < SFS_ARRAY_SIZE(sizes); i++)
		if (disk->size > sizes[i] &&
		    (has_magic(disk, sizes[i]) ||
		     has_magic(disk, disk->size - sizes[i])))
			return true;
	return false;
}

int sfs_probe_list(struct sfs_disk *disk, void *result)
{
	CLEANUP_FREE struct sfs_table *table = sfs_calloc(1, sizeof(*table));
	struct sfs_probe_disk *ret = result;
	int r;

	_Static_assert(SFS_PROBE_PARTITIONS_MAX >= SFS_PARTITIONS_MAX,
		       "all of a table");
	if (!table)
		return -ENOMEM;
	r = sfs_probe_table(disk, table);
	if (r < 0)
		return r;
	memcpy(ret->table, table->type, sizeof(ret->table));
	ret->sector_size = table->sector_size;
	ret->from_backup = table->from_backup;
	ret->has_remains = table->type[0] == '\0' && has_remains(disk);
	ret->count = table->count;
	for (unsigned i = 0; i < table->count && r == 0; i++)
		r = describe(disk, &table->partitions[i], &ret->partitions[i]);
	ret->is_incomplete = disk->incomplete;
	return r;
}

/* ---- in this one ---- */

static bool is_text(const char *text, size_t size)
{
	const char *why;

	return memchr(text, '\0', size) &&
	       sfs_name_text_ok(text, size - 1, &why);
}

/* It becomes part of a path. */
static bool is_uuid(const char *text, size_t size)
{
	return memchr(text, '\0', size) &&
	       strspn(text, "0123456789abcdefABCDEF-") == strlen(text);
}

static bool is_sound(const struct sfs_probe_partition *p, uint64_t size)
{
	return p->number >= 0 && p->offset <= size &&
	       p->size <= size - p->offset &&
	       is_text(p->usage, sizeof(p->usage)) &&
	       is_text(p->type, sizeof(p->type)) && !strchr(p->type, '/') &&
	       is_text(p->label, sizeof(p->label)) &&
	       is_uuid(p->uuid, sizeof(p->uuid));
}

bool sfs_probe_disk_is_sound(const struct sfs_probe_disk *found, uint64_t size)
{
	if (!is_text(found->table, sizeof(found->table)) ||
	    found->count > SFS_PROBE_PARTITIONS_MAX ||
	    (found->sector_size != 0 && found->sector_size != 512 &&
	     found->sector_size != 4096) ||
	    (found->sector_size == 0) != (found->table[0] == '\0') ||
	    (found->table[0] == '\0' && found->count != 1))
		return false;
	for (unsigned i = 0; i < found->count; i++)
		if (!is_sound(&found->partitions[i], size) ||
		    (found->partitions[i].number == 0) !=
			    (found->table[0] == '\0'))
			return false;
	return true;
}

int sfs_probe_disk(struct sfs_view *view, struct sfs_probe_disk *ret)
{
	const struct sfs_snapshot *snapshot = sfs_view_snapshot(view);
	CLEANUP_FREE struct sfs_probe_disk *found = NULL;
	char why[SFS_DISK_WHY_SIZE];
	int r;

	_Static_assert(sizeof(*found) <= SFS_DISK_RESULT_MAX, "one message");
	found = sfs_malloc(sizeof(*found));
	if (!found)
		return -ENOMEM;
	r = sfs_disk_serve(view, sfs_probe_list, LIST_NS, found, sizeof(*found),
			   why);
	if (r < 0)
		return r;
	if (r > 0 && !sfs_probe_disk_is_sound(found, snapshot->size)) {
		snprintf(why, sizeof(why), "said what cannot be");
		r = 0;
	}
	if (r == 0) {
		sfs_err("'%s': the process that looked at the disk %s",
			snapshot->id, why);
		return -EIO;
	}
	*ret = *found;
	return 0;
}
