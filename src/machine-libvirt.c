/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What libvirt is told. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "format/name.h"
#include "src/log.h"
#include "src/machine.h"

/* XML has no way at all to write other control characters, nor bytes that are
 * not UTF-8. */
static bool can_hold(const char *s)
{
	size_t left = strlen(s), n;
	unsigned code;

	for (; left > 0; s += n, left -= n) {
		n = sfs_utf8_decode((const unsigned char *)s, left, &code);
		if (n == 0 || code == 0xfffe || code == 0xffff)
			return false;
		if (code < ' ' && code != '\t' && code != '\n' && code != '\r')
			return false;
	}
	return true;
}

/* White space in attributes becomes a plain space unless it is escaped. */
static void put_escaped(FILE *file, const char *s)
{
	for (; *s; s++) {
		if (strchr("&<>'\"\t\n\r", *s))
			fprintf(file, "&#%d;", *s);
		else
			fputc(*s, file);
	}
}

/* One value between @before and @after. */
static void put(FILE *file, const char *before, const char *value,
		const char *after)
{
	fputs(before, file);
	put_escaped(file, value);
	fputs(after, file);
}

/* libvirt makes names of files of it. */
static void put_name(FILE *file, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789+-._";

	fputs("  <name>", file);
	for (; *name; name++)
		fputc(strchr(plain, *name) ? *name : '_', file);
	fputs("</name>\n", file);
}

static void put_os(FILE *file, const struct sfs_machine *machine,
		   const struct sfs_machine_files *files)
{
	fprintf(file,
		"  <os>\n"
		"    <type arch='%s' machine='%s'>hvm</type>\n",
		machine->kind->libvirt, machine->kind->model);
	if (machine->code) {
		put(file, "    <loader readonly='yes' type='pflash'>",
		    machine->code, "</loader>\n");
		put(file, "    <nvram template='", machine->vars, "'>");
		put(file, "", files->vars, "</nvram>\n");
	}
	if (machine->loader)
		put(file, "    <kernel>", machine->loader, "</kernel>\n");
	fputs("  </os>\n", file);
	if (machine->kind->bios)
		fputs("  <features>\n    <acpi/>\n    <apic/>\n  </features>\n",
		      file);
	else if (machine->code)
		fputs("  <features>\n    <acpi/>\n  </features>\n", file);
}

/* vda to vdz, vdaa to vdzz. */
static void target(size_t n, char ret[8])
{
	if (n < 26)
		snprintf(ret, 8, "vd%c", (char)('a' + n));
	else
		snprintf(ret, 8, "vd%c%c", (char)('a' + n / 26 - 1),
			 (char)('a' + n % 26));
}

static void put_disk(FILE *file, const struct sfs_mapping *mapping,
		     const char *dir, size_t n, bool root)
{
	char name[SFS_DEVICE_FILE_SIZE], disk[SFS_MACHINE_DISK_SIZE], dev[8];

	target(n, dev);
	sfs_name_device_file(mapping->device, name);
	sfs_machine_disk(mapping, disk);
	fputs("    <disk type='file' device='disk'>\n"
	      "      <driver name='qemu' type='raw' discard='unmap'/>\n",
	      file);
	put(file, "      <source file='", dir, "/");
	put(file, "", disk, "'/>\n");
	fprintf(file,
		"      <target dev='%s' bus='virtio'/>\n"
		"      <serial>%s</serial>\n",
		dev, name);
	if (root)
		fputs("      <boot order='1'/>\n", file);
	fputs("    </disk>\n", file);
}

static void put_disks(FILE *file, const struct sfs_machine *machine,
		      const struct sfs_machine_files *files)
{
	const struct sfs_image *image = machine->image;
	const struct sfs_mapping *root = sfs_image_root(image);
	size_t i, n = 0;

	for (i = 0; i < image->mapping_count; i++)
		if (sfs_machine_has_disk(machine, files, i))
			put_disk(file, &image->mappings[i], files->dir, n++,
				 &image->mappings[i] == root);
}

static void put_domain(FILE *file, const struct sfs_machine *machine,
		       const struct sfs_machine_files *files)
{
	fprintf(file, "<domain type='%s'>\n", machine->kvm ? "kvm" : "qemu");
	put_name(file, machine->image->name);
	put(file, "  <title>", machine->image->name, "</title>\n");
	fprintf(file,
		"  <memory unit='KiB'>%" PRIu64 "</memory>\n"
		"  <vcpu>%u</vcpu>\n",
		machine->memory >> 10, machine->cpus);
	put_os(file, machine, files);
	fprintf(file, "  <cpu mode='%s'/>\n",
		machine->kvm ? "host-passthrough" : "maximum");
	fputs("  <devices>\n", file);
	put_disks(file, machine, files);
	if (machine->network)
		fputs("    <interface type='user'>\n"
		      "      <model type='virtio'/>\n"
		      "    </interface>\n",
		      file);
	fputs("    <serial type='pty'/>\n"
	      "    <console type='pty'/>\n"
	      "  </devices>\n"
	      "</domain>\n",
	      file);
}

static int check_dir(const char *dir)
{
	if (can_hold(dir))
		return 0;
	sfs_err("'%s': a libvirt domain cannot name files in it; use a "
		"directory whose name is UTF-8 without control characters",
		dir);
	return -EINVAL;
}

int sfs_machine_domain(const struct sfs_machine *machine,
		       const struct sfs_machine_files *files, char **ret)
{
	CLEANUP_FREE char *text = NULL;
	FILE *file;
	size_t size;
	int r;

	r = check_dir(files->dir);
	if (r < 0)
		return r;
	file = open_memstream(&text, &size);
	if (!file)
		return -ENOMEM;
	put_domain(file, machine, files);
	if (fclose(file) != 0)
		return -ENOMEM;
	*ret = TAKE_PTR(text);
	return 0;
}
