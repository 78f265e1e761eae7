/* SPDX-License-Identifier: GPL-2.0-or-later */

/* How qemu is called, from a program and from a script. */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "format/name.h"
#include "src/machine.h"

/* ---- lists of words ---- */

void sfs_words_free(char **words)
{
	char **word;

	for (word = words; word && *word; word++)
		free(*word);
	free(words);
}

/* Errors stick, so that a command can be written down as one would type it. */
struct words {
	char **words;
	size_t count, capacity;
	bool failed;
};

static void words_done(struct words *list)
{
	sfs_words_free(list->words);
}

/* Takes @word, which may be NULL when memory ran out. */
static void add_taken(struct words *list, char *word)
{
	/* Room for the NULL at the end as well. */
	if (!word || list->failed ||
	    sfs_grow(&list->words, &list->capacity, list->count + 1,
		     sizeof(*list->words)) < 0) {
		free(word);
		list->failed = true;
		return;
	}
	list->words[list->count++] = word;
	list->words[list->count] = NULL;
}

static void add(struct words *list, const char *word)
{
	add_taken(list, sfs_strdup(word));
}

static void add_pair(struct words *list, const char *option, const char *value)
{
	add(list, option);
	add(list, value);
}

__attribute__((format(printf, 3, 4))) static void
add_option(struct words *list, const char *option, const char *format, ...)
{
	char *value = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&value, format, args);
	va_end(args);
	add(list, option);
	add_taken(list, n < 0 ? NULL : value);
}

/* ---- qemu ---- */

/* @text within an option: there a comma ends a value, and two are one. */
static char *in_option(const char *text)
{
	char *escaped = sfs_malloc(2 * strlen(text) + 1), *to = escaped;

	if (!escaped)
		return NULL;
	for (; *text; text++) {
		if (*text == ',')
			*to++ = ',';
		*to++ = *text;
	}
	*to = '\0';
	return escaped;
}

/* @before ends in the "key=" that @text is the value of. */
static void add_text(struct words *list, const char *option, const char *before,
		     const char *text)
{
	CLEANUP_FREE char *escaped = in_option(text);

	if (escaped)
		add_option(list, option, "%s%s", before, escaped);
	else
		list->failed = true;
}

static void add_firmware(struct words *list, const struct sfs_machine *machine,
			 const struct sfs_machine_files *files)
{
	if (machine->loader)
		add_pair(list, "-kernel", machine->loader);
	if (!machine->code)
		return;
	add_text(
		list, "-drive",
		"if=pflash,unit=0,format=raw,readonly=on,file=", machine->code);
	add_text(list, "-drive",
		 "if=pflash,unit=1,format=raw,file=", files->vars);
}

/* With more disks than there are slots, eight share one. */
#define SLOTS_FREE  20
#define SLOT_FIRST  4
#define SLOT_SHARED 8

static size_t count_disks(const struct sfs_machine *machine,
			  const struct sfs_machine_files *files)
{
	size_t i, count = 0;

	for (i = 0; i < machine->image->mapping_count; i++)
		count += sfs_machine_has_disk(machine, files, i);
	return count;
}

/* Disk @n, a file in @dir. */
static void add_drive(struct words *list, const struct sfs_mapping *mapping,
		      const char *dir, size_t n)
{
	CLEANUP_FREE char *path = NULL;
	char name[SFS_MACHINE_DISK_SIZE], before[64];

	sfs_machine_disk(mapping, name);
	path = sfs_asprintf("%s%s%s", dir ? dir : "", dir ? "/" : "", name);
	snprintf(before, sizeof(before),
		 "if=none,id=disk%zu,format=raw,discard=unmap,file=", n);
	if (path)
		add_text(list, "-drive", before, path);
	else
		list->failed = true;
}

static void add_device(struct words *list, const struct sfs_mapping *mapping,
		       size_t n, bool root, bool shared)
{
	char name[SFS_DEVICE_FILE_SIZE], where[48] = "";

	if (shared)
		snprintf(where, sizeof(where), ",addr=%zx.%zx%s",
			 SLOT_FIRST + n / SLOT_SHARED, n % SLOT_SHARED,
			 n % SLOT_SHARED == 0 ? ",multifunction=on" : "");
	sfs_name_device_file(mapping->device, name);
	add_option(list, "-device",
		   "virtio-blk-pci,drive=disk%zu,serial=%s%s%s", n, name,
		   root ? ",bootindex=1" : "", where);
}

static void add_disks(struct words *list, const struct sfs_machine *machine,
		      const struct sfs_machine_files *files)
{
	const struct sfs_image *image = machine->image;
	const struct sfs_mapping *root = sfs_image_root(image), *mapping;
	bool shared = count_disks(machine, files) > SLOTS_FREE;
	size_t i, n = 0;

	for (i = 0; i < image->mapping_count; i++) {
		if (!sfs_machine_has_disk(machine, files, i))
			continue;
		mapping = &image->mappings[i];
		add_drive(list, mapping, files->dir, n);
		add_device(list, mapping, n, mapping == root, shared);
		n++;
	}
}

/* A copy of a machine that is in service must not speak in its name, so it
 * has no network unless asked for. */
static void add_devices(struct words *list, const struct sfs_machine *machine)
{
	add_pair(list, "-nic",
		 machine->network ? "user,model=virtio-net-pci" : "none");
	add_pair(list, "-display", "none");
	add_pair(list, "-serial", machine->terminal ? "mon:stdio" : "stdio");
	add(list, "-no-reboot");
}

static void add_all(struct words *list, const struct sfs_machine *machine,
		    const struct sfs_machine_files *files, char *const *more)
{
	add(list, machine->emulator);
	add_text(list, "-name", "guest=", machine->image->name);
	add_pair(list, "-M", machine->kind->model);
	add_pair(list, "-accel", machine->kvm ? "kvm" : "tcg");
	add_pair(list, "-cpu", machine->kvm ? "host" : "max");
	add_option(list, "-m", "%" PRIu64 "M", machine->memory >> 20);
	add_option(list, "-smp", "%u", machine->cpus);
	add_firmware(list, machine, files);
	add_disks(list, machine, files);
	add_devices(list, machine);
	for (; more && *more; more++)
		add(list, *more);
}

int sfs_machine_command(const struct sfs_machine *machine,
			const struct sfs_machine_files *files,
			char *const *more, char ***ret)
{
	__attribute__((
		cleanup(words_done))) struct words list = { .words = NULL };

	add_all(&list, machine, files, more);
	if (list.failed)
		return -ENOMEM;
	*ret = TAKE_PTR(list.words);
	return 0;
}

/* ---- for a shell ---- */

void sfs_machine_quote(FILE *file, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789%+,-./:=@_";

	if (*word && word[strspn(word, plain)] == '\0') {
		fputs(word, file);
		return;
	}
	fputc('\'', file);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", file);
		else
			fputc(*word, file);
	}
	fputc('\'', file);
}

/* What depends on the host and the terminal that the script meets. */
static const char *variable_of(const char *option)
{
	static const char *const variables[][2] = {
		{ "-accel", "\"$accel\"" },
		{ "-cpu", "\"$cpu\"" },
		{ "-serial", "\"$serial\"" },
	};
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(variables); i++)
		if (strcmp(option, variables[i][0]) == 0)
			return variables[i][1];
	return NULL;
}

/* The command, one option a line. */
static void put_command(FILE *file, char *const *words)
{
	const char *variable = NULL;
	char *const *word;

	fputs("exec", file);
	for (word = words; *word; word++) {
		fputs(**word == '-' && word > words ? " \\\n\t" : " ", file);
		if (variable)
			fputs(variable, file);
		else
			sfs_machine_quote(file, *word);
		variable = variable_of(*word);
	}
	fputs(" \\\n\t\"$@\"\n", file);
}

static void put_accel(FILE *file, const struct sfs_machine *machine)
{
	const char *architecture = machine->kind->architecture;

	fputs("# KVM where the processor has it: /dev/kvm may be there "
	      "without.\naccel=tcg cpu=max\n",
	      file);
	if (machine->kind->bios)
		fprintf(file,
			"case $(uname -m) in x86_64%s)\n"
			"\tif [ -w /dev/kvm ] &&\n"
			"\t   grep -Eqw 'vmx|svm' /proc/cpuinfo; then\n"
			"\t\taccel=kvm cpu=host\n"
			"\tfi ;;\nesac\n",
			strcmp(architecture, "i386") == 0 ? " | i?86" : "");
	else
		fprintf(file,
			"if [ \"$(uname -m)\" = %s ] && [ -w /dev/kvm ]; then\n"
			"\taccel=kvm cpu=host\nfi\n",
			machine->kind->libvirt);
}

static void put_vars(FILE *file, const char *from, const char *to)
{
	fputs("if ! [ -e ", file);
	sfs_machine_quote(file, to);
	fputs(" ]; then\n\tcp -- ", file);
	sfs_machine_quote(file, from);
	fputc(' ', file);
	sfs_machine_quote(file, to);
	fputs("\nfi\n", file);
}

static void put_script(FILE *file, const struct sfs_machine *machine,
		       const struct sfs_machine_files *files,
		       char *const *words)
{
	fprintf(file,
		"#!/bin/sh\n"
		"# Starts machine image %s (%s) from the disks beside this\n"
		"# file, which keep what it writes.  Arguments go to qemu.\n"
		"set -eu\n"
		"CDPATH='' cd -- \"$(dirname -- \"$0\")\"\n",
		machine->image->name, machine->image->id);
	put_accel(file, machine);
	fputs("serial=stdio\n"
	      "if [ -t 0 ]; then\n\tserial=mon:stdio\nfi\n",
	      file);
	if (machine->vars)
		put_vars(file, machine->vars, files->vars);
	put_command(file, words);
}

int sfs_machine_script(const struct sfs_machine *machine,
		       const struct sfs_machine_files *files, char **ret)
{
	CLEANUP_WORDS char **words = NULL;
	CLEANUP_FREE char *text = NULL;
	FILE *file;
	size_t size;
	int r;

	r = sfs_machine_command(machine, files, NULL, &words);
	if (r < 0)
		return r;
	file = open_memstream(&text, &size);
	if (!file)
		return -ENOMEM;
	put_script(file, machine, files, words);
	if (fclose(file) != 0)
		return -ENOMEM;
	*ret = TAKE_PTR(text);
	return 0;
}
