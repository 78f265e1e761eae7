/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_MACHINE_H
#define SNAPFS_SRC_MACHINE_H

/*
 * The virtual machine that an image starts in: how qemu is called, and what
 * libvirt is told.  Disks are virtio, in the order of the mapping, so that the
 * guest's vda, vdb, ... are it; each has the name of its device as serial
 * number, by which /dev/disk/by-id/virtio-sda1 finds it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "format/name.h"
#include "src/cleanup.h"
#include "src/image.h"
#include "src/util.h"

/* Where nothing else was asked for. */
#define SFS_MACHINE_MEMORY (UINT64_C(2) << 30)
#define SFS_MACHINE_CPUS   2

/* ---- the host ---- */

struct sfs_machine_host {
	char architecture[SFS_WORD_MAX + 1]; /* "" for one we do not know */
	bool kvm;	  /* the kernel and the processor have it */
	const char *root; /* what stands before paths of firmware: "" */
	const char *path; /* where programs are, as in $PATH; borrowed */
};

/* See what this host has. */
void sfs_machine_look(struct sfs_machine_host *ret);

/* Whether @cpuinfo, the text of /proc/cpuinfo, tells of a processor that runs
 * guests.  Others than x86 do not say it there, and need not: the kernel knows.
 * On x86 /dev/kvm may open without, and then the guest hangs. */
bool sfs_machine_kvm_cpu(const char *architecture, const char *cpuinfo);

/* ---- the machine ---- */

struct sfs_machine_options {
	const char *architecture; /* instead of the image's; or NULL */
	uint64_t memory;	  /* bytes; 0: the default */
	unsigned cpus;		  /* 0: the default */
	bool network;		  /* to the outside, through the host */
	bool terminal;		  /* the console's input is one */
	bool elsewhere;		  /* it need not start on this host: what is not
				     installed is taken to be at its usual place */
};

/* What an architecture starts with; see machine.c. */
struct sfs_machine_kind {
	const char *architecture;
	const char *emulators[3]; /* in order of merit; NULL ends them */
	const char *package;	  /* of the first */
	const char *model;	  /* of the machine, to qemu and libvirt */
	const char *libvirt;	  /* its name for the architecture */
	bool bios;		  /* it can start without UEFI */
	const struct sfs_machine_firmware *firmware; /* the same */
	const char *loader; /* what stands in for firmware; or NULL */
	const char *firmware_package;
};

struct sfs_machine {
	const struct sfs_image *image;	     /* borrowed */
	const struct sfs_machine_kind *kind; /* of the architecture; static */
	char *emulator;			     /* the program */
	char *code;   /* UEFI's firmware; NULL: what qemu brings */
	char *vars;   /* what UEFI's variables are at first; or NULL */
	char *loader; /* started in place of firmware; or NULL */
	bool kvm;
	uint64_t memory;
	unsigned cpus;
	bool network;
	bool terminal;
};

/* Decide what machine starts @image, which must outlive it.  Notes what was
 * assumed.  -EINVAL the architecture is not known; -ENOENT an emulator or
 * firmware is not installed (the message names its package). */
SFS_MUST_CHECK int sfs_machine_plan(const struct sfs_image *image,
				    const struct sfs_machine_options *options,
				    const struct sfs_machine_host *host,
				    struct sfs_machine *ret);
void sfs_machine_done(struct sfs_machine *machine);
#define CLEANUP_MACHINE __attribute__((cleanup(sfs_machine_done)))

/* The files that it runs on. */
struct sfs_machine_files {
	const char *dir;     /* of the disks; NULL: the current one */
	const bool *skipped; /* for each mapping, it is left out; or NULL */
	const char *vars;    /* its own copy of UEFI's variables */
};

/* The name of the file that @mapping, a volume, has there. */
#define SFS_MACHINE_DISK_SIZE (SFS_DEVICE_FILE_SIZE + 4)
void sfs_machine_disk(const struct sfs_mapping *mapping,
		      char ret[SFS_MACHINE_DISK_SIZE]);
/* Whether mapping @i of the machine's image is a disk of it. */
bool sfs_machine_has_disk(const struct sfs_machine *machine,
			  const struct sfs_machine_files *files, size_t i);

/* A list of words that ends in NULL, as execv(3) takes it. */
void sfs_words_free(char **words);
SFS_DEFINE_CLEANUP(char *, sfs_words_free);
#define CLEANUP_WORDS __attribute__((cleanup(sfs_words_freep)))

/* The command that runs it, with @more (or NULL) behind; all words are the
 * caller's. */
SFS_MUST_CHECK int sfs_machine_command(const struct sfs_machine *machine,
				       const struct sfs_machine_files *files,
				       char *const *more, char ***ret);

/* A shell script that runs it in the script's directory, which holds @files:
 * they have no dir. */
SFS_MUST_CHECK int sfs_machine_script(const struct sfs_machine *machine,
				      const struct sfs_machine_files *files,
				      char **ret);

/* A domain for `virsh define`; @files are absolute.  -EINVAL,
 * logged, for a path that XML cannot hold. */
SFS_MUST_CHECK int sfs_machine_domain(const struct sfs_machine *machine,
				      const struct sfs_machine_files *files,
				      char **ret);

/* Write @word so that a shell takes it for one and as it is. */
void sfs_machine_quote(FILE *file, const char *word);

#endif
