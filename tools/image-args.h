/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_IMAGE_ARGS_H
#define SNAPFS_TOOLS_IMAGE_ARGS_H

/*
 * A new image as its maker describes it: NAME, and for each device
 *
 *	DEVICE=FROM[,volume=NAME][,size=N][,delete-on-termination=yes|no]
 *	DEVICE=empty,size=N[,delete-on-termination=yes|no]
 *	DEVICE=ephemeralN
 *	DEVICE=none
 *
 * FROM is a source or a snapshot.  A setting is what its key says only at the
 * end; any other text with commas and equals signs belongs to FROM.
 */

#include "src/image.h"
#include "src/util.h"
#include "tools/cmd.h"

/* For the tables of verbs, beside SFS_LABEL_OPTIONS. */
#define SFS_IMAGE_OPTIONS                                                      \
	{ .name = "root",                                                      \
	  .argument = "DEVICE",                                                \
	  .help = "the device that it boots from; else the first" },           \
		{ .name = "arch",                                              \
		  .argument = "ARCH",                                          \
		  .complete = SFS_COMPLETE_CHOICE,                             \
		  .choices = "x86_64 arm64 i386 riscv64",                      \
		  .help = "x86_64, arm64, i386 or riscv64; else what the "     \
			  "root disk "                                         \
			  "tells" },                                           \
		{ .name = "boot-mode",                                         \
		  .argument = "MODE",                                          \
		  .complete = SFS_COMPLETE_CHOICE,                             \
		  .choices = "legacy-bios uefi uefi-preferred",                \
		  .help = "legacy-bios, uefi or uefi-preferred; else what "    \
			  "the root "                                          \
			  "disk tells" },                                      \
	{                                                                      \
		.name = "platform", .argument = "TEXT",                        \
		.help = "the operating system, for people; else what the "     \
			"root disk tells"                                      \
	}

/* What a word has beside its mapping; texts are borrowed from the word. */
struct sfs_disk {
	const char *from;   /* of a SNAPSHOT mapping */
	const char *volume; /* or NULL */
};

struct sfs_image_args {
	struct sfs_image *image;
	struct sfs_disk *disks; /* one for each mapping */
};

/* With @sources each FROM is a source, else a snapshot, of which volume= says
 * nothing.  The mappings' snapshots are not filled in.  -EINVAL, with the
 * reason told. */
SFS_MUST_CHECK int sfs_image_args_parse(const struct sfs_cmd *cmd, bool sources,
					struct sfs_image_args *ret);
void sfs_image_args_done(struct sfs_image_args *args);
#define CLEANUP_IMAGE_ARGS __attribute__((cleanup(sfs_image_args_done)))

#endif
