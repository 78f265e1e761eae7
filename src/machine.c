/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "src/log.h"

/* A UEFI: code NULL ends a list. */
struct sfs_machine_firmware {
	const char *code;
	const char *vars;
};

/* Where Debian has them; variables belong to the code beside them. */
static const struct sfs_machine_firmware firmware_x86_64[] = {
	{ "/usr/share/OVMF/OVMF_CODE_4M.fd",
	  "/usr/share/OVMF/OVMF_VARS_4M.fd" },
	{ "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd" },
	{ NULL, NULL },
};
static const struct sfs_machine_firmware firmware_i386[] = {
	{ "/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd",
	  "/usr/share/OVMF/OVMF32_VARS_4M.fd" },
	{ NULL, NULL },
};
static const struct sfs_machine_firmware firmware_arm64[] = {
	{ "/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd" },
	{ "/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd",
	  "/usr/share/AAVMF/AAVMF_VARS.fd" },
	{ NULL, NULL },
};

static const struct sfs_machine_kind kinds[] = {
	{ .architecture = "x86_64",
	  .emulators = { "qemu-system-x86_64" },
	  .package = "qemu-system-x86",
	  .model = "q35",
	  .libvirt = "x86_64",
	  .bios = true,
	  .firmware = firmware_x86_64,
	  .firmware_package = "ovmf" },
	{ .architecture = "i386",
	  .emulators = { "qemu-system-i386", "qemu-system-x86_64" },
	  .package = "qemu-system-x86",
	  .model = "q35",
	  .libvirt = "i686",
	  .bios = true,
	  .firmware = firmware_i386,
	  .firmware_package = "ovmf-ia32" },
	{ .architecture = "arm64",
	  .emulators = { "qemu-system-aarch64" },
	  .package = "qemu-system-arm",
	  .model = "virt",
	  .libvirt = "aarch64",
	  .firmware = firmware_arm64,
	  .firmware_package = "qemu-efi-aarch64" },
	{ .architecture = "riscv64",
	  .emulators = { "qemu-system-riscv64" },
	  .package = "qemu-system-misc",
	  .model = "virt",
	  .libvirt = "riscv64",
	  .loader = "/usr/lib/u-boot/qemu-riscv64_smode/uboot.elf",
	  .firmware_package = "u-boot-qemu" },
};

/* ---- the host ---- */

static const char *host_architecture(void)
{
	static const char *const names[][2] = {
		{ "x86_64", "x86_64" },	  { "i686", "i386" },
		{ "i586", "i386" },	  { "aarch64", "arm64" },
		{ "riscv64", "riscv64" },
	};
	struct utsname name;
	size_t i;

	if (uname(&name) < 0)
		return "";
	for (i = 0; i < SFS_ARRAY_SIZE(names); i++)
		if (strcmp(name.machine, names[i][0]) == 0)
			return names[i][1];
	return "";
}

static bool is_x86(const char *architecture)
{
	return strcmp(architecture, "x86_64") == 0 ||
	       strcmp(architecture, "i386") == 0;
}

/* Whether the words from @s to the end of its line have @word. */
static bool line_has(const char *s, const char *word)
{
	size_t length;

	for (; *s && *s != '\n'; s += length) {
		s += strspn(s, " \t:");
		length = strcspn(s, " \t\n");
		if (length == strlen(word) && strncmp(s, word, length) == 0)
			return true;
	}
	return false;
}

bool sfs_machine_kvm_cpu(const char *architecture, const char *cpuinfo)
{
	const char *flags;

	if (!is_x86(architecture))
		return true;
	/* At the start of a line; there are "vmx flags" as well. */
	if (strncmp(cpuinfo, "flags", 5) != 0) {
		flags = strstr(cpuinfo, "\nflags");
		cpuinfo = flags ? flags + 1 : "";
	}
	return line_has(cpuinfo, "vmx") || line_has(cpuinfo, "svm");
}

/* The first processor's part, which is all that we ask. */
static void read_cpuinfo(char *text, size_t size)
{
	CLEANUP_CLOSE int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	n = fd < 0 ? -1 : read(fd, text, size - 1);
	text[n < 0 ? 0 : n] = '\0';
}

static bool kvm_answers(void)
{
	CLEANUP_CLOSE int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	return fd >= 0 && ioctl(fd, KVM_GET_API_VERSION, 0) == KVM_API_VERSION;
}

void sfs_machine_look(struct sfs_machine_host *ret)
{
	char cpuinfo[16384];

	*ret = (struct sfs_machine_host){ .root = "", .path = getenv("PATH") };
	if (!ret->path)
		ret->path = "/usr/bin:/bin";
	strcpy(ret->architecture, host_architecture());
	read_cpuinfo(cpuinfo, sizeof(cpuinfo));
	ret->kvm = sfs_machine_kvm_cpu(ret->architecture, cpuinfo) &&
		   kvm_answers();
}

/* ---- architecture ---- */

static const struct sfs_machine_kind *find_kind(const char *architecture)
{
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].architecture, architecture) == 0)
			return &kinds[i];
	return NULL;
}

static int choose_kind(struct sfs_machine *machine, const char *wanted)
{
	const char *architecture =
		wanted ? wanted : machine->image->architecture;

	if (!*architecture) {
		sfs_err("'%s': its architecture is not known; give it with "
			"--arch (x86_64, i386, arm64, riscv64)",
			machine->image->name);
		return -EINVAL;
	}
	machine->kind = find_kind(architecture);
	if (machine->kind)
		return 0;
	sfs_err("'%s': cannot start architecture '%s'; there are x86_64, i386, "
		"arm64 and riscv64",
		machine->image->name, architecture);
	return -EINVAL;
}

static bool same_processor(const char *guest, const char *host)
{
	return strcmp(guest, host) == 0 ||
	       (strcmp(guest, "i386") == 0 && strcmp(host, "x86_64") == 0);
}

/* ---- the emulator ---- */

/* *ret is the program @name in the directories @path, or NULL. */
static int find_program(const char *name, const char *path, char **ret)
{
	CLEANUP_FREE char *file = NULL;
	size_t length;

	*ret = NULL;
	for (; *path; path += length + (path[length] == ':')) {
		length = strcspn(path, ":");
		if (path[0] != '/') /* that depends on where one stands */
			continue;
		free(TAKE_PTR(file));
		file = sfs_asprintf("%.*s/%s", (int)length, path, name);
		if (!file)
			return -ENOMEM;
		if (access(file, X_OK) == 0) {
			*ret = TAKE_PTR(file);
			return 0;
		}
	}
	return 0;
}

static int choose_emulator(struct sfs_machine *machine, const char *path,
			   bool elsewhere)
{
	const char *const *name = machine->kind->emulators;
	int r;

	/* By its bare name, since another host may have it anywhere. */
	if (elsewhere) {
		machine->emulator = sfs_strdup(*name);
		return machine->emulator ? 0 : -ENOMEM;
	}
	for (; *name; name++) {
		r = find_program(*name, path, &machine->emulator);
		if (r < 0 || machine->emulator)
			return r;
	}
	sfs_err("'%s': needs '%s', which is not installed; its package is %s",
		machine->image->name, machine->kind->emulators[0],
		machine->kind->package);
	return -ENOENT;
}

/* ---- firmware ---- */

/* *ret is @file below @root, or NULL when it is not there and must be. */
static int find_file(const char *root, const char *file, bool assume,
		     char **ret)
{
	CLEANUP_FREE char *path = sfs_asprintf("%s%s", root, file);

	if (!path)
		return -ENOMEM;
	*ret = assume || access(path, R_OK) == 0 ? TAKE_PTR(path) : NULL;
	return 0;
}

static int try_firmware(struct sfs_machine *machine,
			const struct sfs_machine_firmware *firmware,
			const char *root, bool assume)
{
	CLEANUP_FREE char *code = NULL;
	CLEANUP_FREE char *vars = NULL;
	int r;

	r = find_file(root, firmware->code, assume, &code);
	if (r < 0)
		return r;
	r = find_file(root, firmware->vars, assume, &vars);
	if (r < 0 || !code || !vars)
		return r;
	machine->code = TAKE_PTR(code);
	machine->vars = TAKE_PTR(vars);
	return 0;
}

static int find_firmware(struct sfs_machine *machine, const char *root)
{
	const struct sfs_machine_firmware *firmware = machine->kind->firmware;
	int r = 0;

	for (; r == 0 && firmware->code && !machine->code; firmware++)
		r = try_firmware(machine, firmware, root, false);
	return r;
}

static int no_firmware(const struct sfs_machine *machine, const char *what)
{
	sfs_err("'%s': needs %s, which is not installed; its package is %s",
		machine->image->name, what, machine->kind->firmware_package);
	return -ENOENT;
}

static void note_assumed(const struct sfs_machine *machine, const char *path)
{
	sfs_warn("'%s': is not installed here; where the image is to start, "
		 "package %s has to be",
		 path, machine->kind->firmware_package);
}

static int choose_uefi(struct sfs_machine *machine, const char *root,
		       bool elsewhere)
{
	int r;

	r = find_firmware(machine, root);
	if (r < 0 || machine->code)
		return r;
	if (!elsewhere)
		return no_firmware(machine, "UEFI firmware");
	r = try_firmware(machine, machine->kind->firmware, root, true);
	if (r == 0)
		note_assumed(machine, machine->code);
	return r;
}

static int choose_loader(struct sfs_machine *machine, const char *root,
			 bool elsewhere)
{
	const char *loader = machine->kind->loader;
	int r;

	r = find_file(root, loader, false, &machine->loader);
	if (r < 0 || machine->loader)
		return r;
	if (!elsewhere)
		return no_firmware(machine, loader);
	r = find_file(root, loader, true, &machine->loader);
	if (r == 0)
		note_assumed(machine, loader);
	return r;
}

static int choose_firmware(struct sfs_machine *machine, const char *root,
			   bool elsewhere)
{
	const char *mode = machine->image->boot_mode;

	if (machine->kind->loader)
		return choose_loader(machine, root, elsewhere);
	if (!machine->kind->bios || strcmp(mode, "uefi") == 0)
		return choose_uefi(machine, root, elsewhere);
	if (strcmp(mode, "uefi-preferred") == 0)
		return find_firmware(machine, root);
	if (!*mode)
		sfs_info("'%s': its boot mode is not known; trying legacy-bios",
			 machine->image->name);
	return 0;
}

/* ---- all of it ---- */

static int plan(struct sfs_machine *machine,
		const struct sfs_machine_options *options,
		const struct sfs_machine_host *host)
{
	int r;

	r = choose_kind(machine, options->architecture);
	if (r < 0)
		return r;
	r = choose_emulator(machine, host->path, options->elsewhere);
	if (r < 0)
		return r;
	machine->kvm = host->kvm && same_processor(machine->kind->architecture,
						   host->architecture);
	return choose_firmware(machine, host->root, options->elsewhere);
}

int sfs_machine_plan(const struct sfs_image *image,
		     const struct sfs_machine_options *options,
		     const struct sfs_machine_host *host,
		     struct sfs_machine *ret)
{
	CLEANUP_MACHINE struct sfs_machine machine = {
		.image = image,
		.memory =
			options->memory ? options->memory : SFS_MACHINE_MEMORY,
		.cpus = options->cpus ? options->cpus : SFS_MACHINE_CPUS,
		.network = options->network,
		.terminal = options->terminal,
	};
	int r;

	r = plan(&machine, options, host);
	if (r < 0)
		return r;
	*ret = machine;
	machine = (struct sfs_machine){ .image = NULL };
	return 0;
}

void sfs_machine_disk(const struct sfs_mapping *mapping,
		      char ret[SFS_MACHINE_DISK_SIZE])
{
	char name[SFS_DEVICE_FILE_SIZE];

	sfs_name_device_file(mapping->device, name);
	snprintf(ret, SFS_MACHINE_DISK_SIZE, "%s.img", name);
}

bool sfs_machine_has_disk(const struct sfs_machine *machine,
			  const struct sfs_machine_files *files, size_t i)
{
	return sfs_mapping_is_volume(&machine->image->mappings[i]) &&
	       !(files->skipped && files->skipped[i]);
}

void sfs_machine_done(struct sfs_machine *machine)
{
	free(machine->emulator);
	free(machine->code);
	free(machine->vars);
	free(machine->loader);
	*machine = (struct sfs_machine){ .image = NULL };
}
