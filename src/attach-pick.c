/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which file system of a disk is meant.  Pure but for messages. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/attach.h"
#include "src/log.h"

#define BY_HAND                                                                \
	"by hand: 'losetup' on the disk's file below scratch/ of a mount, "    \
	"then "

/* What is not mounted, and what to do. */
static const struct {
	const char *type;
	const char *is;
} obstacles[] = {
	{ "crypto_LUKS", "is encrypted (LUKS): " BY_HAND "'cryptsetup open'" },
	{ "BitLocker",
	  "is encrypted (BitLocker): " BY_HAND "'cryptsetup bitlkOpen'" },
	{ "LVM2_member",
	  "is part of an LVM volume group, which would have to be activated on "
	  "this host; " BY_HAND "'vgimportclone' and 'vgchange -ay'" },
	{ "linux_raid_member",
	  "is part of a Linux RAID, which would have to be activated on this "
	  "host; " BY_HAND "'mdadm --assemble --readonly'" },
	{ "swap", "is swap space" },
	{ "swsuspend", "is the memory of a suspended machine" },
	{ "", "holds nothing that is known here" },
};

/* Where a system keeps its files. */
static bool is_of_linux(const struct sfs_probe_partition *p)
{
	static const char *const types[] = {
		"ext2", "ext3",	    "ext4",   "xfs",	  "btrfs", "f2fs",
		"jfs",	"reiserfs", "nilfs2", "bcachefs", "erofs", "squashfs",
	};

	for (size_t i = 0; i < SFS_ARRAY_SIZE(types); i++)
		if (strcmp(p->type, types[i]) == 0)
			return true;
	return false;
}

static bool is_member(const struct sfs_probe_partition *p)
{
	const size_t length = strlen(p->type);

	return length > 7 && strcmp(p->type + length - 7, "_member") == 0;
}

static bool is_mountable(const struct sfs_probe_partition *p)
{
	return p->size > 0 && strcmp(p->usage, "filesystem") == 0 &&
	       !is_member(p);
}

#define WHERE_SIZE 32

static const char *where(const struct sfs_probe_partition *p,
			 char buffer[WHERE_SIZE])
{
	if (p->number == 0)
		return "the whole disk";
	snprintf(buffer, WHERE_SIZE, "partition %d", p->number);
	return buffer;
}

static void explain(const char *name, const struct sfs_probe_partition *p)
{
	char buffer[WHERE_SIZE];

	if (p->size == 0) {
		sfs_err("'%s': %s starts beyond the disk's end", name,
			where(p, buffer));
		return;
	}
	for (size_t i = 0; i < SFS_ARRAY_SIZE(obstacles); i++)
		if (strcmp(p->type, obstacles[i].type) == 0) {
			sfs_err("'%s': %s %s", name, where(p, buffer),
				obstacles[i].is);
			return;
		}
	sfs_err("'%s': %s is of type %s, which is no file system to mount",
		name, where(p, buffer), p->type);
}

static int explain_all(const char *name, const struct sfs_probe_disk *disk)
{
	if (disk->has_remains)
		sfs_err("'%s': has a damaged GPT, or one of a larger disk, and "
			"no file system; 'sgdisk --verify' on a restored copy "
			"says more",
			name);
	else if (disk->table[0] == '\0' && disk->partitions[0].type[0] == '\0')
		sfs_err("'%s': has neither a partition table nor a file system "
			"that is known here",
			name);
	else if (disk->count == 0)
		sfs_err("'%s': its partition table (%s) has no partitions",
			name, disk->table);
	else
		for (unsigned i = 0; i < disk->count; i++)
			explain(name, &disk->partitions[i]);
	if (disk->is_incomplete)
		sfs_err("'%s': parts of the disk could not be read", name);
	return -ENXIO;
}

static int find_number(const char *name, const struct sfs_probe_disk *disk,
		       int number, const struct sfs_probe_partition **ret)
{
	char text[SFS_PROBE_PARTITIONS_MAX * 12] = "none";
	size_t used = 0;

	for (unsigned i = 0; i < disk->count; i++) {
		if (disk->partitions[i].number == number) {
			*ret = &disk->partitions[i];
			return 0;
		}
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%s%d", i > 0 ? ", " : "",
					 disk->partitions[i].number);
	}
	if (disk->table[0] == '\0')
		sfs_err("'%s': has no partition table that can be read, and so "
			"no partition %d",
			name, number);
	else
		sfs_err("'%s': has no partition %d; there are: %s", name,
			number, text);
	return -ENOENT;
}

/* Linux first, then the larger, then the first. */
static bool is_better(const struct sfs_probe_partition *p,
		      const struct sfs_probe_partition *than)
{
	if (!than || is_of_linux(p) != is_of_linux(than))
		return !than || is_of_linux(p);
	return p->size > than->size;
}

static const struct sfs_probe_partition *
find_best(const struct sfs_probe_disk *disk)
{
	const struct sfs_probe_partition *best = NULL;

	for (unsigned i = 0; i < disk->count; i++)
		if (is_mountable(&disk->partitions[i]) &&
		    is_better(&disk->partitions[i], best))
			best = &disk->partitions[i];
	return best;
}

/* What else is there, for who meant another. */
static void say_taken(const char *name, const struct sfs_probe_disk *disk,
		      const struct sfs_probe_partition *taken)
{
	char others[400] = "", buffer[WHERE_SIZE];
	size_t used = 0;

	for (unsigned i = 0; i < disk->count && used < sizeof(others); i++) {
		const struct sfs_probe_partition *p = &disk->partitions[i];

		if (p != taken)
			used += (size_t)snprintf(
				others + used, sizeof(others) - used, "%s%d %s",
				used > 0 ? ", " : "; others: ", p->number,
				p->type[0] ? p->type : "unknown");
	}
	sfs_info("'%s': %s: %s%s%s%s%s", name, where(taken, buffer),
		 taken->type, taken->label[0] ? " '" : "", taken->label,
		 taken->label[0] ? "'" : "", others);
}

static void warn_overlap(const char *name, const struct sfs_probe_disk *disk,
			 const struct sfs_probe_partition *taken)
{
	for (unsigned i = 0; i < disk->count; i++) {
		const struct sfs_probe_partition *p = &disk->partitions[i];

		if (p != taken && p->offset < taken->offset + taken->size &&
		    taken->offset < p->offset + p->size)
			sfs_warn("'%s': partitions %d and %d overlap; one of "
				 "them is not what its entry says",
				 name, taken->number, p->number);
	}
}

static void warn_of(const char *name, const struct sfs_probe_disk *disk,
		    const struct sfs_probe_partition *taken)
{
	if (disk->from_backup)
		sfs_warn("'%s': the first copy of its GPT is damaged; the one "
			 "at the disk's end is used",
			 name);
	if (taken->is_cut)
		sfs_warn("'%s': partition %d reaches beyond the disk's end, "
			 "and what is there is missing",
			 name, taken->number);
	warn_overlap(name, disk, taken);
}

int sfs_attach_pick(const char *name, const struct sfs_probe_disk *disk,
		    int number, const struct sfs_probe_partition **ret)
{
	const struct sfs_probe_partition *p = NULL;
	int r;

	if (number == 0) {
		p = find_best(disk);
		if (!p)
			return explain_all(name, disk);
	} else {
		r = find_number(name, disk, number, &p);
		if (r < 0)
			return r;
	}
	if (!is_mountable(p)) {
		explain(name, p);
		return -ENXIO;
	}
	say_taken(name, disk, p);
	warn_of(name, disk, p);
	*ret = p;
	return 0;
}
