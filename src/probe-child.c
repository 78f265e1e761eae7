/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/probe-child.h"

/* What follows from what is on the disk, and the sentence that says so. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/name.h"
#include "src/cleanup.h"
#include "src/probe-run.h"
#include "src/probe.h"

struct look {
	struct sfs_disk *disk;
	struct sfs_table table;
	struct sfs_probe *result;
	char unread[200]; /* "; xfs on partition 1 is not read here" */
};

/* ---- text ---- */

/* Add to what @text holds.  A longer one is cut between two characters. */
__attribute__((format(printf, 3, 4))) static void add(char *text, size_t size,
						      const char *format, ...)
{
	size_t length = strlen(text);
	const char *why;
	va_list args;

	va_start(args, format);
	vsnprintf(text + length, size - length, format, args);
	va_end(args);
	length = strlen(text);
	while (length > 0 && !sfs_name_text_ok(text, size - 1, &why))
		text[--length] = '\0';
}

#define say(look, ...)                                                         \
	add((look)->result->found, sizeof((look)->result->found), __VA_ARGS__)
#define say_unread(look, ...)                                                  \
	add((look)->unread, sizeof((look)->unread), __VA_ARGS__)

#define PLACE_SIZE 32

static const char *place(const struct sfs_partition *partition,
			 char buffer[PLACE_SIZE])
{
	if (partition->number == 0)
		return "the whole disk";
	snprintf(buffer, PLACE_SIZE, "partition %d", partition->number);
	return buffer;
}

/* ---- boot mode ---- */

static const struct sfs_partition *efi_system(const struct sfs_table *table)
{
	for (unsigned i = 0; i < table->count; i++)
		if (table->partitions[i].is_efi &&
		    strcmp(table->partitions[i].type, "vfat") == 0)
			return &table->partitions[i];
	return NULL;
}

/* Whether a BIOS gets anywhere with the boot code. */
static bool boots_bios(const struct sfs_table *table)
{
	if (!table->boot_code)
		return false;
	if (strcmp(table->type, "gpt") != 0)
		return table->type[0] == '\0' ||
		       strcmp(table->type, "dos") == 0;
	for (unsigned i = 0; i < table->count; i++)
		if (table->partitions[i].boots_bios)
			return true;
	return false;
}

static const char *table_name(const struct sfs_table *table)
{
	if (strcmp(table->type, "gpt") == 0)
		return "GPT";
	if (strcmp(table->type, "dos") == 0)
		return "MBR";
	return table->type[0] == '\0' ? "no partition table" : table->type;
}

static void judge_boot_mode(struct look *look)
{
	const struct sfs_partition *efi = efi_system(&look->table);
	const bool bios = boots_bios(&look->table);
	const char *mode = "";

	if (efi)
		mode = bios ? "uefi-preferred" : "uefi";
	else if (bios)
		mode = "legacy-bios";
	snprintf(look->result->boot_mode, sizeof(look->result->boot_mode), "%s",
		 mode);
	say(look, "%s", table_name(&look->table));
	if (efi)
		say(look, " with an EFI system partition (%d)", efi->number);
	if (bios)
		say(look, " %s BIOS boot code", efi ? "and" : "with");
}

/* ---- the root file system ---- */

/* Largest first, and in the table's order. */
static int compare_size(const void *a, const void *b)
{
	const struct sfs_partition *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* What might hold a root, but cannot be looked into. */
static bool is_closed(const struct sfs_partition *partition)
{
	return partition->type[0] != '\0' &&
	       strcmp(partition->type, "vfat") != 0 &&
	       strcmp(partition->type, "swap") != 0;
}

/* True if it is the root. */
static bool look_into(struct look *look, const struct sfs_partition *partition,
		      struct sfs_probe_root *ret)
{
	char buffer[PLACE_SIZE];
	const char *where = place(partition, buffer), *why;

	if (!sfs_probe_is_ext(partition)) {
		if (is_closed(partition))
			say_unread(look, "; %s on %s cannot be looked into",
				   partition->type, where);
		return false;
	}
	if (sfs_probe_root(look->disk, partition, ret, &why) < 0) {
		say_unread(look, "; %s on %s cannot be read: %s",
			   partition->type, where, why);
		return false;
	}
	return ret->found;
}

static void take_root(struct look *look, const struct sfs_partition *partition,
		      const struct sfs_probe_root *root)
{
	struct sfs_probe *result = look->result;
	char buffer[PLACE_SIZE];

	memcpy(result->platform, root->platform, sizeof(result->platform));
	memcpy(result->architecture, root->architecture,
	       sizeof(result->architecture));
	say(look, "; %s root on %s: %s", partition->type,
	    place(partition, buffer),
	    root->platform[0] ? root->platform : "no fit name in os-release");
	if (root->architecture[0])
		say(look, ", %s %s %s", root->architecture,
		    root->is_kernel ? "kernel" : "program", root->program);
	else
		say(look, ", no kernel or program of a known architecture");
}

static void judge_root(struct look *look)
{
	struct sfs_table *table = &look->table;
	struct sfs_probe_root root;

	qsort(table->partitions, table->count, sizeof(table->partitions[0]),
	      compare_size);
	for (unsigned i = 0; i < table->count; i++)
		if (look_into(look, &table->partitions[i], &root)) {
			take_root(look, &table->partitions[i], &root);
			return;
		}
	say(look, "; no os-release found%s", look->unread);
}

int sfs_probe_look(struct sfs_disk *disk, void *result)
{
	CLEANUP_FREE struct look *look = sfs_calloc(1, sizeof(*look));
	int r;

	if (!look)
		return -ENOMEM;
	look->disk = disk;
	look->result = result;
	r = sfs_probe_table(disk, &look->table);
	if (r < 0)
		return r;
	judge_boot_mode(look);
	judge_root(look);
	if (disk->incomplete)
		say(look, "; parts of the disk could not be read");
	return 0;
}
