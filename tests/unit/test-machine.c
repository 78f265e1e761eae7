/* SPDX-License-Identifier: GPL-2.0-or-later */

/* How machines are started: decisions, the command, the script, the domain. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/machine.h"
#include "tests/unit/records.h"

/* ---- a host that is a directory ---- */

struct fixture {
	char root[64];
	char bin[80];
	struct sfs_machine_host host;
};

static void put_file(const struct fixture *f, const char *path, mode_t mode)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "mkdir -p \"$(dirname '%s%s')\" && : >'%s%s' && "
		 "chmod %o '%s%s'",
		 f->root, path, f->root, path, (unsigned)mode, f->root, path);
	assert_int_equal(system(command), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->root, "/tmp/snapfs-test-XXXXXX");
	if (!mkdtemp(f->root))
		return -1;
	snprintf(f->bin, sizeof(f->bin), "/nowhere::%s/bin", f->root);
	f->host = (struct sfs_machine_host){ .architecture = "x86_64",
					     .root = f->root,
					     .path = f->bin };
	put_file(f, "/bin/qemu-system-x86_64", 0755);
	sfs_log_set_sink(records_sink);
	records_forget_log();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	nftw(f->root, records_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void put_ovmf(const struct fixture *f)
{
	put_file(f, "/usr/share/OVMF/OVMF_CODE_4M.fd", 0644);
	put_file(f, "/usr/share/OVMF/OVMF_VARS_4M.fd", 0644);
}

/* ---- images ---- */

static struct sfs_mapping mappings[SFS_MAPPINGS_MAX];

/* With a root that is the second mapping, behind one without a file. */
static struct sfs_image image_of(const char *name, const char *architecture,
				 const char *boot_mode)
{
	struct sfs_image image;

	mappings[0] = records_mapping("/dev/sdb", 1);
	mappings[0].kind = SFS_MAPPING_EPHEMERAL;
	mappings[1] = records_mapping("/dev/xvda", 1);
	mappings[2] = records_mapping("/dev/disk/two", 2);
	mappings[2].kind = SFS_MAPPING_EMPTY;
	image = records_image(7, name, mappings, 3);
	strcpy(image.root, "/dev/xvda");
	strcpy(image.architecture, architecture);
	strcpy(image.boot_mode, boot_mode);
	return image;
}

static const struct sfs_machine_options plain;

/* The command as one line, as a shell would be given it; the caller frees. */
static char *command_of(const struct sfs_machine *machine,
			const struct sfs_machine_files *files,
			char *const *more)
{
	char **words, **word, *text;
	size_t size;
	FILE *file;

	assert_int_equal(sfs_machine_command(machine, files, more, &words), 0);
	file = open_memstream(&text, &size);
	assert_non_null(file);
	for (word = words; *word; word++) {
		fputs(word == words ? "" : " ", file);
		sfs_machine_quote(file, *word);
	}
	fclose(file);
	sfs_words_free(words);
	return text;
}

static void assert_has(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text ? text : "nothing");
}

static void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in: %s", part, text);
}

/* @text with each @from replaced by @to; frees it. */
static char *replace(char *text, const char *from, const char *to)
{
	char *at, *next;

	while ((at = strstr(text, from))) {
		next = sfs_asprintf("%.*s%s%s", (int)(at - text), text, to,
				    at + strlen(from));
		assert_non_null(next);
		free(text);
		text = next;
	}
	return text;
}

/* ---- KVM ---- */

static void kvm_needs_a_processor_that_has_it(void **state)
{
	static const char intel[] = "processor\t: 0\nflags\t\t: fpu vmx ssse3\n"
				    "vmx flags\t: vnmi\n";

	(void)state;
	assert_true(sfs_machine_kvm_cpu("x86_64", intel));
	assert_true(sfs_machine_kvm_cpu("i386", "flags\t: svm\n"));
	assert_true(sfs_machine_kvm_cpu("x86_64", "a\nflags : fpu svm"));
	assert_false(sfs_machine_kvm_cpu("x86_64", "flags\t: fpu de pse\n"));
	assert_false(sfs_machine_kvm_cpu("x86_64", "flags: xvmx vmxx svm_\n"));
	assert_false(sfs_machine_kvm_cpu("x86_64", "vmx flags\t: vmx\n"));
	assert_false(sfs_machine_kvm_cpu("x86_64", "flags: fpu\nbugs: svm\n"));
	assert_false(sfs_machine_kvm_cpu("x86_64", ""));
	/* Others do not tell there. */
	assert_true(sfs_machine_kvm_cpu("arm64", "Features : fp asimd\n"));
}

static void kvm_needs_the_same_processor(void **state)
{
	static const struct {
		const char *guest, *host;
		bool kvm;
	} cases[] = {
		{ "x86_64", "x86_64", true }, { "i386", "x86_64", true },
		{ "x86_64", "i386", false },  { "arm64", "x86_64", false },
		{ "x86_64", "arm64", false }, { "arm64", "arm64", true },
		{ "riscv64", "", false },
	};
	struct fixture *f = *state;
	const struct sfs_machine_options options = { .elsewhere = true };
	struct sfs_machine machine;
	struct sfs_image image;
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(cases); i++) {
		image = image_of("web", cases[i].guest, "");
		strcpy(f->host.architecture, cases[i].host);
		f->host.kvm = true;
		assert_int_equal(
			sfs_machine_plan(&image, &options, &f->host, &machine),
			0);
		assert_int_equal(machine.kvm, cases[i].kvm);
		sfs_machine_done(&machine);
		f->host.kvm = false;
		assert_int_equal(
			sfs_machine_plan(&image, &options, &f->host, &machine),
			0);
		assert_false(machine.kvm);
		sfs_machine_done(&machine);
	}
}

/* ---- the command ---- */

static void bios_command(void **state)
{
	const struct sfs_machine_files files = { .dir = "/d" };
	char *const more[] = { (char *)"-snapshot", (char *)"a b", NULL };
	struct sfs_image image = image_of("web", "x86_64", "legacy-bios");
	struct fixture *f = *state;
	struct sfs_machine machine;
	char *text;

	assert_int_equal(sfs_machine_plan(&image, &plain, &f->host, &machine),
			 0);
	text = replace(command_of(&machine, &files, more), f->root, "");
	assert_string_equal(
		text,
		"/bin/qemu-system-x86_64 -name guest=web -M q35 -accel tcg "
		"-cpu max -m 2048M -smp 2 "
		"-drive if=none,id=disk0,format=raw,discard=unmap,"
		"file=/d/xvda.img "
		"-device virtio-blk-pci,drive=disk0,serial=xvda,bootindex=1 "
		"-drive if=none,id=disk1,format=raw,discard=unmap,"
		"file=/d/disk_two.img "
		"-device virtio-blk-pci,drive=disk1,serial=disk_two "
		"-nic none -display none -serial stdio -no-reboot "
		"-snapshot 'a b'");
	free(text);
	sfs_machine_done(&machine);
	assert_string_equal(records_log, "");
}

static void uefi_command(void **state)
{
	const struct sfs_machine_files files = { .dir = "/d",
						 .vars = "/d/vars" };
	const struct sfs_machine_options options = { .memory = 768 << 20,
						     .cpus = 3,
						     .network = true,
						     .terminal = true };
	struct sfs_image image = image_of("web", "x86_64", "uefi");
	struct fixture *f = *state;
	struct sfs_machine machine;
	char *text;

	put_ovmf(f);
	f->host.kvm = true;
	assert_int_equal(sfs_machine_plan(&image, &options, &f->host, &machine),
			 0);
	text = replace(command_of(&machine, &files, NULL), f->root, "");
	assert_has(text, " -accel kvm -cpu host -m 768M -smp 3 "
			 "-drive if=pflash,unit=0,format=raw,readonly=on,"
			 "file=/usr/share/OVMF/OVMF_CODE_4M.fd "
			 "-drive if=pflash,unit=1,format=raw,file=/d/vars "
			 "-drive if=none,id=disk0,");
	assert_has(text, " -nic user,model=virtio-net-pci -display none "
			 "-serial mon:stdio -no-reboot");
	free(text);
	sfs_machine_done(&machine);
}

static void arm_command(void **state)
{
	const struct sfs_machine_files files = { .dir = "/d",
						 .vars = "/d/vars" };
	struct sfs_image image = image_of("web", "arm64", "");
	struct fixture *f = *state;
	struct sfs_machine machine;
	char *text;

	put_file(f, "/bin/qemu-system-aarch64", 0755);
	put_file(f, "/usr/share/AAVMF/AAVMF_CODE.fd", 0644);
	put_file(f, "/usr/share/AAVMF/AAVMF_VARS.fd", 0644);
	assert_int_equal(sfs_machine_plan(&image, &plain, &f->host, &machine),
			 0);
	text = replace(command_of(&machine, &files, NULL), f->root, "");
	assert_has(text, "/bin/qemu-system-aarch64 -name guest=web -M virt "
			 "-accel tcg -cpu max ");
	assert_has(text, "file=/usr/share/AAVMF/AAVMF_CODE.fd ");
	free(text);
	sfs_machine_done(&machine);
}

static void commas_are_doubled(void **state)
{
	const struct sfs_machine_files files = { .dir = "/a,b=c,,d",
						 .vars = "/v,w" };
	struct sfs_image image = image_of("it's (a) [b]@c", "x86_64", "uefi");
	struct fixture *f = *state;
	struct sfs_machine machine;
	char *text;

	put_ovmf(f);
	assert_int_equal(sfs_machine_plan(&image, &plain, &f->host, &machine),
			 0);
	text = command_of(&machine, &files, NULL);
	assert_has(text, ",file=/a,,b=c,,,,d/xvda.img ");
	assert_has(text, ",file=/v,,w ");
	assert_has(text, " 'guest=it'\\''s (a) [b]@c' ");
	free(text);
	sfs_machine_done(&machine);
}

static void skipped_disks_are_left_out(void **state)
{
	const bool skipped[] = { false, false, true };
	const struct sfs_machine_files files = { .dir = "/d",
						 .skipped = skipped };
	struct sfs_image image = image_of("web", "x86_64", "legacy-bios");
	struct fixture *f = *state;
	struct sfs_machine machine;
	char *text;

	assert_int_equal(sfs_machine_plan(&image, &plain, &f->host, &machine),
			 0);
	text = command_of(&machine, &files, NULL);
	assert_has(text, "xvda.img");
	assert_lacks(text, "disk_two");
	free(text);
	assert_int_equal(sfs_machine_domain(&machine, &files, &text), 0);
	assert_has(text, "xvda.img");
	assert_lacks(text, "disk_two");
	free(text);
	sfs_machine_done(&machine);
}

/* As many as an image can have: each at a place of its own, in order. */
static void many_disks_have_places(void **state)
{
	const struct sfs_machine_files files = { .dir = "/d" };
	struct fixture *f = *state;
	struct sfs_machine machine;
	struct sfs_image image;
	char device[32];
	unsigned i;
	char *text;

	for (i = 0; i < SFS_MAPPINGS_MAX; i++) {
		snprintf(device, sizeof(device), "d%u", i);
		mappings[i] = records_mapping(device, i);
	}
	image = records_image(7, "web", mappings, SFS_MAPPINGS_MAX);
	strcpy(image.architecture, "x86_64");
	assert_int_equal(sfs_machine_plan(&image, &plain, &f->host, &machine),
			 0);
	text = command_of(&machine, &files, NULL);
	assert_has(text, "serial=d0,bootindex=1,addr=4.0,multifunction=on ");
	assert_has(text, "serial=d7,addr=4.7 ");
	assert_has(text, "serial=d8,addr=5.0,multifunction=on ");
	assert_has(text, "serial=d127,addr=13.7 ");
	free(text);
	assert_int_equal(sfs_machine_domain(&machine, &files, &text), 0);
	assert_has(text, "<target dev='vda' ");
	assert_has(text, "<target dev='vdz' ");
	assert_has(text, "<target dev='vdaa' ");
	assert_has(text, "<target dev='vddx' bus='virtio'/>\n"
			 "      <serial>d127</serial>");
	free(text);
	sfs_machine_done(&machine);
}

/* ---- what is not there ---- */

static int plan_fails(const struct fixture *f, const char *architecture,
		      const char *boot_mode)
{
	struct sfs_image image = image_of("web", architecture, boot_mode);
	struct sfs_machine machine;

	records_forget_log();
	return sfs_machine_plan(&image, &plain, &f->host, &machine);
}

static void packages_are_named(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(plan_fails(f, "arm64", ""), -ENOENT);
	records_assert_logged("its package is qemu-system-arm");
	assert_int_equal(plan_fails(f, "riscv64", ""), -ENOENT);
	records_assert_logged("its package is qemu-system-misc");
	assert_int_equal(plan_fails(f, "x86_64", "uefi"), -ENOENT);
	records_assert_logged("its package is ovmf");
	put_file(f, "/bin/qemu-system-aarch64", 0755);
	assert_int_equal(plan_fails(f, "arm64", "uefi"), -ENOENT);
	records_assert_logged("its package is qemu-efi-aarch64");
	put_file(f, "/bin/qemu-system-riscv64", 0755);
	assert_int_equal(plan_fails(f, "riscv64", ""), -ENOENT);
	records_assert_logged("its package is u-boot-qemu");
	f->host.path = "";
	assert_int_equal(plan_fails(f, "x86_64", ""), -ENOENT);
	records_assert_logged("'qemu-system-x86_64'");
	records_assert_logged("its package is qemu-system-x86");
}

static void code_without_variables_is_not_enough(void **state)
{
	struct fixture *f = *state;

	put_file(f, "/usr/share/OVMF/OVMF_CODE_4M.fd", 0644);
	assert_int_equal(plan_fails(f, "x86_64", "uefi"), -ENOENT);
}

static void architecture_must_be_known(void **state)
{
	struct fixture *f = *state;
	const struct sfs_machine_options options = { .architecture = "i386" };
	struct sfs_image image = image_of("web", "", "legacy-bios");
	struct sfs_machine machine;

	assert_int_equal(plan_fails(f, "", ""), -EINVAL);
	records_assert_logged("--arch");
	assert_int_equal(plan_fails(f, "vax", ""), -EINVAL);
	records_assert_logged("'vax'");
	/* Given, and with the emulator that can do it as well. */
	assert_int_equal(sfs_machine_plan(&image, &options, &f->host, &machine),
			 0);
	assert_has(machine.emulator, "/bin/qemu-system-x86_64");
	sfs_machine_done(&machine);
}

static void firmware_follows_the_boot_mode(void **state)
{
	struct fixture *f = *state;
	struct sfs_image image = image_of("web", "x86_64", "uefi-preferred");
	struct sfs_machine machine;

	assert_int_equal(sfs_machine_plan(&image, &plain, &f->host, &machine),
			 0);
	assert_null(machine.code);
	sfs_machine_done(&machine);
	put_ovmf(f);
	assert_int_equal(sfs_machine_plan(&image, &plain, &f->host, &machine),
			 0);
	assert_non_null(machine.code);
	assert_non_null(machine.vars);
	sfs_machine_done(&machine);
	assert_string_equal(records_log, "");
	image.boot_mode[0] = '\0';
	assert_int_equal(sfs_machine_plan(&image, &plain, &f->host, &machine),
			 0);
	assert_null(machine.code);
	sfs_machine_done(&machine);
	records_assert_logged("boot mode is not known");
}

static void elsewhere_nothing_is_needed(void **state)
{
	const struct sfs_machine_options options = { .elsewhere = true };
	struct sfs_image image = image_of("web", "arm64", "uefi");
	struct fixture *f = *state;
	struct sfs_machine machine;

	assert_int_equal(sfs_machine_plan(&image, &options, &f->host, &machine),
			 0);
	assert_string_equal(machine.emulator, "qemu-system-aarch64");
	assert_has(machine.code, "/usr/share/AAVMF/AAVMF_CODE.fd");
	records_assert_logged("qemu-efi-aarch64");
	sfs_machine_done(&machine);
}

/* ---- the script ---- */

static void script_keeps_words_whole(void **state)
{
	const struct sfs_machine_files files = { .vars = "uefi-vars.fd" };
	const struct sfs_machine_options options = { .elsewhere = true };
	struct sfs_image image = image_of("it's $(x) `y`", "x86_64", "uefi");
	struct fixture *f = *state;
	struct sfs_machine machine;
	char *text;

	put_ovmf(f);
	assert_int_equal(sfs_machine_plan(&image, &options, &f->host, &machine),
			 0);
	assert_int_equal(sfs_machine_script(&machine, &files, &text), 0);
	assert_has(text, "\t-name 'guest=it'\\''s $(x) `y`' \\\n");
	assert_has(text, "\t-accel \"$accel\" \\\n\t-cpu \"$cpu\" \\\n");
	assert_has(text, "\t-serial \"$serial\" \\\n");
	assert_has(text, ",file=xvda.img \\\n");
	assert_has(text, "/usr/share/OVMF/OVMF_VARS_4M.fd uefi-vars.fd\n");
	assert_has(text, "\t\"$@\"\n");
	free(text);
	sfs_machine_done(&machine);
}

/* ---- the domain ---- */

static void bios_domain(void **state)
{
	const struct sfs_machine_files files = { .dir = "/a &<b>'c\"" };
	struct sfs_image image = image_of("it's (a)", "x86_64", "");
	struct fixture *f = *state;
	struct sfs_machine machine;
	char *text;

	assert_int_equal(sfs_machine_plan(&image, &plain, &f->host, &machine),
			 0);
	assert_int_equal(sfs_machine_domain(&machine, &files, &text), 0);
	assert_string_equal(
		text, "<domain type='qemu'>\n"
		      "  <name>it_s__a_</name>\n"
		      "  <title>it&#39;s (a)</title>\n"
		      "  <memory unit='KiB'>2097152</memory>\n"
		      "  <vcpu>2</vcpu>\n"
		      "  <os>\n"
		      "    <type arch='x86_64' machine='q35'>hvm</type>\n"
		      "  </os>\n"
		      "  <features>\n"
		      "    <acpi/>\n"
		      "    <apic/>\n"
		      "  </features>\n"
		      "  <cpu mode='maximum'/>\n"
		      "  <devices>\n"
		      "    <disk type='file' device='disk'>\n"
		      "      <driver name='qemu' type='raw' discard='unmap'/>\n"
		      "      <source file='/a &#38;&#60;b&#62;&#39;c&#34;"
		      "/xvda.img'/>\n"
		      "      <target dev='vda' bus='virtio'/>\n"
		      "      <serial>xvda</serial>\n"
		      "      <boot order='1'/>\n"
		      "    </disk>\n"
		      "    <disk type='file' device='disk'>\n"
		      "      <driver name='qemu' type='raw' discard='unmap'/>\n"
		      "      <source file='/a &#38;&#60;b&#62;&#39;c&#34;"
		      "/disk_two.img'/>\n"
		      "      <target dev='vdb' bus='virtio'/>\n"
		      "      <serial>disk_two</serial>\n"
		      "    </disk>\n"
		      "    <serial type='pty'/>\n"
		      "    <console type='pty'/>\n"
		      "  </devices>\n"
		      "</domain>\n");
	free(text);
	sfs_machine_done(&machine);
}

static void uefi_domain(void **state)
{
	const struct sfs_machine_files files = { .dir = "/d",
						 .vars = "/d/v'&" };
	struct sfs_image image = image_of("web", "arm64", "uefi");
	const struct sfs_machine_options options = { .elsewhere = true };
	struct fixture *f = *state;
	struct sfs_machine machine;
	char *text;

	strcpy(f->host.architecture, "arm64");
	f->host.kvm = true;
	assert_int_equal(sfs_machine_plan(&image, &options, &f->host, &machine),
			 0);
	assert_int_equal(sfs_machine_domain(&machine, &files, &text), 0);
	text = replace(text, f->root, "");
	assert_has(text, "<domain type='kvm'>");
	assert_has(text, "<type arch='aarch64' machine='virt'>hvm</type>");
	assert_has(text, "<loader readonly='yes' type='pflash'>"
			 "/usr/share/AAVMF/AAVMF_CODE.fd</loader>");
	assert_has(text, "<nvram template='/usr/share/AAVMF/AAVMF_VARS.fd'>"
			 "/d/v&#39;&#38;</nvram>");
	assert_has(text, "<cpu mode='host-passthrough'/>");
	assert_lacks(text, "<apic/>");
	free(text);
	sfs_machine_done(&machine);
}

static void xml_cannot_hold_everything(void **state)
{
	static const char *const bad[] = { "/a\001b", "/\xff", "/\x1b[1m" };
	struct sfs_machine_files files = { .dir = "/new\nline" };
	struct sfs_image image = image_of("web", "x86_64", "legacy-bios");
	struct fixture *f = *state;
	struct sfs_machine machine;
	char *text;
	size_t i;

	assert_int_equal(sfs_machine_plan(&image, &plain, &f->host, &machine),
			 0);
	assert_int_equal(sfs_machine_domain(&machine, &files, &text), 0);
	assert_has(text, "'/new&#10;line/xvda.img'");
	free(text);
	for (i = 0; i < SFS_ARRAY_SIZE(bad); i++) {
		files.dir = bad[i];
		assert_int_equal(sfs_machine_domain(&machine, &files, &text),
				 -EINVAL);
	}
	sfs_machine_done(&machine);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kvm_needs_a_processor_that_has_it),
		TEST(kvm_needs_the_same_processor),
		TEST(bios_command),
		TEST(uefi_command),
		TEST(arm_command),
		TEST(commas_are_doubled),
		TEST(skipped_disks_are_left_out),
		TEST(many_disks_have_places),
		TEST(packages_are_named),
		TEST(code_without_variables_is_not_enough),
		TEST(architecture_must_be_known),
		TEST(firmware_follows_the_boot_mode),
		TEST(elsewhere_nothing_is_needed),
		TEST(script_keeps_words_whole),
		TEST(bios_domain),
		TEST(uefi_domain),
		TEST(xml_cannot_hold_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
