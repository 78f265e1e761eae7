/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/probe-run.h"

/*
 * Partition tables and what stands in partitions, as libblkid sees them.  It
 * wants a file: it gets a sparse one of the disk's size, with what it looks at
 * copied in.  Where that is, is found here; what it means, is not.
 */

#include <blkid/blkid.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "format/le.h"

#define SECTOR UINT64_C(512)

/* Tables lie at the disk's start, and a GPT's twin at its end. */
#define TABLE_SIZE (UINT64_C(1) << 20)

/* Superblocks of what can hold a root or an EFI system lie within. */
#define HEAD_SIZE (UINT64_C(256) << 10)

/* libblkid follows no more of them either. */
#define LOGICAL_MAX 128

#define GPT_EFI	      "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
#define GPT_BIOS_BOOT "21686148-6449-6e6f-744e-656564454649"
#define MBR_EFI	      0xef

/* "Legacy BIOS bootable": what the boot code of syslinux looks for. */
#define GPT_FLAG_BOOTABLE (UINT64_C(1) << 2)

/* ---- the first sector ---- */

/* What a BIOS loads and, with that signature, runs; PC partition tables stand
 * between. */
#define BOOT_CODE_SIZE 440

struct mbr_entry {
	uint8_t flag;
	uint8_t chs_first[3];
	uint8_t type;
	uint8_t chs_last[3];
	le32 start; /* in sectors, from the chain's start or the disk's */
	le32 count;
};

struct mbr {
	uint8_t code[446];
	struct mbr_entry entries[4];
	uint8_t signature[2];
};

_Static_assert(sizeof(struct mbr) == SECTOR, "a master boot record");

static bool is_signed(const struct mbr *mbr)
{
	return mbr->signature[0] == 0x55 && mbr->signature[1] == 0xaa;
}

static bool has_code(const struct mbr *mbr)
{
	uint8_t all = 0;

	for (size_t i = 0; i < BOOT_CODE_SIZE; i++)
		all |= mbr->code[i];
	return is_signed(mbr) && all != 0;
}

/* Where the extended partition starts that @mbr speaks of, in sectors; 0:
 * there is none. */
static uint32_t next_of_chain(const struct mbr *mbr)
{
	for (size_t i = 0; i < SFS_ARRAY_SIZE(mbr->entries); i++)
		switch (mbr->entries[i].type) {
		case 0x05:
		case 0x0f:
		case 0x85:
			return le32_get(mbr->entries[i].start);
		}
	return 0;
}

/* Copy the sectors of the chain of logical partitions. */
static int copy_chain(struct sfs_disk *disk, const struct mbr *first)
{
	const uint64_t start = next_of_chain(first);
	uint64_t sector = start;
	struct mbr mbr;
	uint32_t next;
	int r;

	for (int i = 0; i < LOGICAL_MAX && sector > 0; i++) {
		r = sfs_disk_copy(disk, sector * SECTOR, SECTOR);
		if (r < 0)
			return r;
		/* libblkid will say what a chain is that breaks off here. */
		if (sfs_disk_read(disk, &mbr, sizeof(mbr), sector * SECTOR) <
			    0 ||
		    !is_signed(&mbr))
			break;
		next = next_of_chain(&mbr);
		sector = next > 0 ? start + next : 0;
	}
	return 0;
}

/* ---- the table ---- */

static bool has_type(blkid_partition partition, const char *table, int mbr,
		     const char *gpt)
{
	const char *type = blkid_partition_get_type_string(partition);

	if (strcmp(table, "dos") == 0)
		return blkid_partition_get_type(partition) == mbr;
	return strcmp(table, "gpt") == 0 && type && strcasecmp(type, gpt) == 0;
}

/* Of @count sectors from @start on, as far as the disk reaches. */
static void place_partition(const struct sfs_disk *disk, uint64_t start,
			    uint64_t count, struct sfs_partition *p)
{
	const uint64_t sectors = disk->size / SECTOR;

	p->offset = sfs_min(start, sectors) * SECTOR;
	p->size = sfs_min(count, sectors - sfs_min(start, sectors)) * SECTOR;
	p->is_cut = p->size < count * SECTOR;
}

static void add_partition(const struct sfs_disk *disk,
			  blkid_partition partition, struct sfs_table *table)
{
	const blkid_loff_t start = blkid_partition_get_start(partition);
	const blkid_loff_t count = blkid_partition_get_size(partition);
	struct sfs_partition *p = &table->partitions[table->count];

	if (table->count == SFS_PARTITIONS_MAX || start <= 0 || count <= 0 ||
	    blkid_partition_is_extended(partition))
		return;
	p->number = blkid_partition_get_partno(partition);
	place_partition(disk, (uint64_t)start, (uint64_t)count, p);
	p->is_efi = has_type(partition, table->type, MBR_EFI, GPT_EFI);
	p->boots_bios =
		has_type(partition, table->type, -1, GPT_BIOS_BOOT) ||
		(strcmp(table->type, "gpt") == 0 &&
		 blkid_partition_get_flags(partition) & GPT_FLAG_BOOTABLE);
	table->count++;
}

/* A GPT's first copy is in the second sector. */
static void note_table(blkid_parttable found, unsigned sector_size,
		       struct sfs_table *table)
{
	const char *type = blkid_parttable_get_type(found);

	snprintf(table->type, sizeof(table->type), "%s", type ? type : "");
	table->sector_size = sector_size;
	table->from_backup =
		strcmp(table->type, "gpt") == 0 &&
		blkid_parttable_get_offset(found) > (blkid_loff_t)sector_size;
}

/* What libblkid makes of the copy, if sectors are of @sector_size. */
static int read_table(struct sfs_disk *disk, unsigned sector_size,
		      struct sfs_table *ret)
{
	blkid_probe probe = blkid_new_probe();
	blkid_partlist list = NULL;

	if (!probe)
		return -ENOMEM;
	if (blkid_probe_set_device(probe, disk->copy, 0, 0) == 0 &&
	    blkid_probe_set_sectorsize(probe, sector_size) == 0 &&
	    blkid_probe_enable_superblocks(probe, 0) == 0 &&
	    blkid_probe_enable_partitions(probe, 1) == 0)
		list = blkid_probe_get_partitions(probe);
	if (list && blkid_partlist_get_table(list)) {
		note_table(blkid_partlist_get_table(list), sector_size, ret);
		for (int i = 0; i < blkid_partlist_numof_partitions(list); i++)
			add_partition(disk,
				      blkid_partlist_get_partition(list, i),
				      ret);
	}
	blkid_free_probe(probe);
	return 0;
}

/* A PC's table without partitions is the first sector of something else, which
 * ends in the same two bytes. */
static bool is_no_table(const struct sfs_table *table)
{
	return table->count == 0 && strcmp(table->type, "dos") == 0;
}

static int find_table(struct sfs_disk *disk, struct sfs_table *ret)
{
	/* Disks with sectors of 4 KiB count in them. */
	static const unsigned sizes[] = { 512, 4096 };
	int r = 0;

	for (size_t i = 0; i < SFS_ARRAY_SIZE(sizes) && r == 0; i++)
		if (ret->type[0] == '\0')
			r = read_table(disk, sizes[i], ret);
	if (is_no_table(ret))
		memset(ret, 0, sizeof(*ret));
	return r;
}

/* ---- what is on it ---- */

/* libblkid's answer that signatures of several things are there. */
#define AMBIVALENT (-2)

static void read_type(const struct sfs_disk *disk,
		      struct sfs_partition *partition, blkid_probe probe)
{
	const char *type = "";
	int r;

	if (blkid_probe_set_device(probe, disk->copy,
				   (blkid_loff_t)partition->offset,
				   (blkid_loff_t)partition->size) != 0 ||
	    blkid_probe_enable_superblocks(probe, 1) != 0 ||
	    blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE) != 0)
		return;
	r = blkid_do_safeprobe(probe);
	if (r == AMBIVALENT)
		type = "ambiguous content";
	else if (r == 0 &&
		 blkid_probe_lookup_value(probe, "TYPE", &type, NULL) != 0)
		type = "";
	snprintf(partition->type, sizeof(partition->type), "%s", type);
}

static int find_type(struct sfs_disk *disk, struct sfs_partition *partition)
{
	blkid_probe probe;
	int r;

	if (partition->size == 0) /* which libblkid takes for all of it */
		return 0;
	r = sfs_disk_copy(disk, partition->offset,
			  sfs_min(partition->size, HEAD_SIZE));
	if (r < 0)
		return r;
	probe = blkid_new_probe();
	if (!probe)
		return -ENOMEM;
	read_type(disk, partition, probe);
	blkid_free_probe(probe);
	return 0;
}

/* Without a table the first sector belongs to the file system, and only these
 * leave it to boot code; FAT and NTFS have their own there always. */
static bool leaves_boot_sector(const struct sfs_partition *whole)
{
	return sfs_probe_is_ext(whole) || strcmp(whole->type, "btrfs") == 0;
}

int sfs_probe_table(struct sfs_disk *disk, struct sfs_table *ret)
{
	struct mbr mbr = { 0 };
	int r;

	r = sfs_disk_copy(disk, 0, TABLE_SIZE);
	if (r == 0 && disk->size > TABLE_SIZE)
		r = sfs_disk_copy(disk, disk->size - TABLE_SIZE, TABLE_SIZE);
	if (r < 0)
		return r;
	/* Unreadable or not there: as if of zeros. */
	if (sfs_disk_read(disk, &mbr, sizeof(mbr), 0) == 0 && is_signed(&mbr))
		r = copy_chain(disk, &mbr);
	if (r == 0)
		r = find_table(disk, ret);
	if (r == 0 && ret->type[0] == '\0')
		ret->partitions[ret->count++].size = disk->size;
	for (unsigned i = 0; i < ret->count && r == 0; i++)
		r = find_type(disk, &ret->partitions[i]);
	ret->boot_code =
		has_code(&mbr) && (ret->type[0] != '\0' ||
				   leaves_boot_sector(&ret->partitions[0]));
	return r;
}
