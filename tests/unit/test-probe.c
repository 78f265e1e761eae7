/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "src/probe-confine.h"
#include "src/probe-run.h"
#include "src/probe.h"
#include "tests/unit/scratch-repo.h"

#define MIB (UINT64_C(1) << 20)

/* ---- what stands on the disks ---- */

static void put_bytes(const char *path, uint64_t offset, const void *bytes,
		      size_t size)
{
	int fd = open_disk(path);

	assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), size);
	close(fd);
}

static void put_text(const char *path, const char *text)
{
	put_bytes(path, 0, text, strlen(text));
}

/* A Linux kernel's first bytes: version and flags of x86's boot protocol. */
static void put_x86_kernel(const char *path, unsigned version, unsigned flags)
{
	uint8_t head[4096] = { 0 };

	memcpy(head + 0x202, "HdrS", 4);
	head[0x206] = (uint8_t)version;
	head[0x207] = (uint8_t)(version >> 8);
	head[0x236] = (uint8_t)flags;
	put_bytes(path, 0, head, sizeof(head));
}

static void put_program(const char *path, unsigned class, unsigned machine)
{
	uint8_t head[64] = { 0x7f, 'E', 'L', 'F' };

	head[EI_CLASS] = (uint8_t) class;
	head[EI_DATA] = ELFDATA2LSB;
	head[0x12] = (uint8_t)machine;
	put_bytes(path, 0, head, sizeof(head));
}

#define DEBIAN "Debian GNU/Linux 12 (bookworm)"

/* The files of a small Debian, in the directory root/. */
static void make_tree(void)
{
	shell("rm -rf root && mkdir -p root/etc root/usr/lib root/usr/bin "
	      "root/boot && ln -s usr/bin root/bin && "
	      "ln -s ../usr/lib/os-release root/etc/os-release && "
	      "ln -s dash root/usr/bin/sh");
	put_text("root/usr/lib/os-release",
		 "ID=debian\nPRETTY_NAME=\"" DEBIAN "\"\nVERSION_ID=\"12\"\n");
	put_program("root/usr/bin/dash", ELFCLASS64, EM_X86_64);
}

static void put_kernels(void)
{
	put_x86_kernel("root/boot/vmlinuz-6.1.0-9-686", 0x20f, 0);
	put_x86_kernel("root/boot/vmlinuz-6.1.0-18-amd64", 0x20f, 0x3f);
}

/* The file system of root/ in a file of its own. */
static void make_ext4(const char *path, unsigned mib, const char *options)
{
	shell("rm -f %s && truncate -s %uM %s && "
	      "mke2fs -q -F -t ext4 -b 1024 %s -d root %s",
	      path, mib, path, options, path);
}

/* Put the file @part into @disk at @mib. */
static void put_part(const char *disk, const char *part, unsigned mib)
{
	shell("dd if=%s of=%s bs=1M seek=%u conv=notrunc,sparse status=none",
	      part, disk, mib);
}

static void put_boot_code(const char *path)
{
	static const uint8_t code[] = { 0xfa, 0x31, 0xc0, 0x8e, 0xd8 };

	put_bytes(path, 0, code, sizeof(code));
}

/* Without boot code: GPT, EFI system, BIOS boot, Debian on the second. */
static void make_gpt(const char *disk)
{
	shell("rm -f %s && truncate -s 24M %s && printf '%%s\\n' "
	      "'label: gpt' "
	      "'1: start=2048, size=1MiB, type=21686148-6449-6E6F-744E-"
	      "656564454649' "
	      "'15: start=4096, size=8MiB, type=U' "
	      "'2: start=20480, size=10MiB, type=L' | sfdisk -q %s",
	      disk, disk, disk);
	make_tree();
	put_kernels();
	make_ext4("part", 10, "");
	put_part(disk, "part", 10);
	shell("rm -f esp && truncate -s 8M esp && mkfs.vfat esp >esp.log");
	put_part(disk, "esp", 2);
}

/* ---- asking ---- */

static struct sfs_probe probe_view(struct sfs_view *view)
{
	struct sfs_probe probe;

	memset(&probe, 0xa5, sizeof(probe));
	assert_int_equal(sfs_probe(view, &probe), 0);
	assert_true(sfs_probe_is_sound(&probe));
	/* No child is left, and it did not end by a sanitizer or an error of
	 * ours. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	if (strstr(probe.found, "ended with status"))
		fail_msg("%s", probe.found);
	return probe;
}

static struct sfs_probe probe_disk(const char *path)
{
	CLEANUP_VIEW struct sfs_view *view = take_view("disk", path);

	return probe_view(view);
}

static void assert_probe(const struct sfs_probe *probe, const char *platform,
			 const char *architecture, const char *boot_mode)
{
	if (strcmp(probe->platform, platform) != 0 ||
	    strcmp(probe->architecture, architecture) != 0 ||
	    strcmp(probe->boot_mode, boot_mode) != 0)
		fail_msg("'%s' '%s' '%s' from: %s", probe->platform,
			 probe->architecture, probe->boot_mode, probe->found);
}

static void assert_found(const struct sfs_probe *probe, const char *part)
{
	if (!strstr(probe->found, part))
		fail_msg("no '%s' in: %s", part, probe->found);
}

/* ---- tables and boot modes ---- */

static void a_gpt_disk_with_an_efi_system_boots_uefi(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_gpt("disk");
	probe = probe_disk("disk");
	assert_probe(&probe, DEBIAN, "x86_64", "uefi");
	assert_string_equal(probe.found,
			    "GPT with an EFI system partition (15); ext4 root "
			    "on partition 2: " DEBIAN
			    ", x86_64 kernel /boot/vmlinuz-6.1.0-18-amd64");
}

static void with_boot_code_too_it_prefers_uefi(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_gpt("disk");
	put_boot_code("disk");
	probe = probe_disk("disk");
	assert_probe(&probe, DEBIAN, "x86_64", "uefi-preferred");
	assert_found(&probe, "(15) and BIOS boot code; ");
}

static void an_efi_system_without_fat_is_none(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_gpt("disk");
	put_boot_code("disk");
	put_zeros("disk", 2 * MIB, 8 * MIB);
	probe = probe_disk("disk");
	assert_probe(&probe, DEBIAN, "x86_64", "legacy-bios");
	assert_found(&probe, "GPT with BIOS boot code; ");
}

static void boot_code_without_a_partition_for_it_is_none(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_gpt("disk");
	put_boot_code("disk");
	put_zeros("disk", 2 * MIB, 8 * MIB);
	shell("sfdisk -q --part-type disk 1 L");
	probe = probe_disk("disk");
	assert_probe(&probe, DEBIAN, "x86_64", "");
	assert_found(&probe, "GPT; ");
}

static void a_bootable_gpt_partition_is_one_for_it(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_gpt("disk");
	put_boot_code("disk");
	put_zeros("disk", 2 * MIB, 8 * MIB);
	shell("sfdisk -q --part-type disk 1 L && "
	      "sfdisk -q --part-attrs disk 2 LegacyBIOSBootable");
	probe = probe_disk("disk");
	assert_probe(&probe, DEBIAN, "x86_64", "legacy-bios");
}

static void a_gpt_is_read_from_its_twin_at_the_end(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_gpt("disk");
	put_zeros("disk", 512, 33 * 512);
	probe = probe_disk("disk");
	assert_probe(&probe, DEBIAN, "x86_64", "uefi");
}

static void a_gpt_may_count_in_sectors_of_4k(void **state)
{
	struct sfs_probe probe;
	const char *loop;

	(void)state;
	needs_disks();
	make_gpt("small");
	shell("truncate -s 24M disk");
	loop = attach("disk", "-b 4096");
	shell("printf '%%s\\n' 'label: gpt' "
	      "'1: start=512, size=8MiB, type=U' "
	      "'2: start=2560, size=10MiB, type=L' | sfdisk -q "
	      "--no-tell-kernel %s && "
	      "losetup -d %s",
	      loop, loop);
	put_part("disk", "esp", 2);
	put_part("disk", "part", 10);
	probe = probe_disk("disk");
	assert_probe(&probe, DEBIAN, "x86_64", "uefi");
}

static void make_mbr(const char *disk)
{
	shell("rm -f %s && truncate -s 40M %s && printf '%%s\\n' "
	      "'label: dos' "
	      "'1: start=2048, size=2MiB, type=83' "
	      "'2: start=8192, size=32MiB, type=5' "
	      "'5: start=10240, size=4MiB, type=82' "
	      "'6: start=20480, size=4MiB, type=83' "
	      "'7: start=30720, size=10MiB, type=83' | sfdisk -q %s",
	      disk, disk, disk);
	make_tree();
	put_kernels();
	make_ext4("part", 10, "");
	put_part(disk, "part", 15);
}

static void a_root_may_be_a_logical_partition(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_mbr("disk");
	put_boot_code("disk");
	probe = probe_disk("disk");
	assert_probe(&probe, DEBIAN, "x86_64", "legacy-bios");
	assert_found(&probe,
		     "MBR with BIOS boot code; ext4 root on partition 7: ");
}

static void an_mbr_without_boot_code_does_not_boot(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_mbr("disk");
	probe = probe_disk("disk");
	assert_probe(&probe, DEBIAN, "x86_64", "");
}

static void an_mbr_may_have_an_efi_system(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_mbr("disk");
	shell("sfdisk -q --part-type disk 6 ef && truncate -s 4M esp && "
	      "mkfs.vfat esp >log");
	put_part("disk", "esp", 10);
	probe = probe_disk("disk");
	assert_probe(&probe, DEBIAN, "x86_64", "uefi");
	put_boot_code("disk");
	probe = probe_disk("disk");
	assert_probe(&probe, DEBIAN, "x86_64", "uefi-preferred");
}

static void ambiguous_content_is_not_believed(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_tree();
	make_ext4("disk", 8, "-b 4096");
	/* A btrfs superblock's number, in what ext4 does not use. */
	shell("truncate -s 200M btrfs && mkfs.btrfs -q btrfs && "
	      "dd if=btrfs of=disk bs=4096 skip=16 seek=16 count=1 "
	      "conv=notrunc status=none");
	probe = probe_disk("disk");
	assert_probe(&probe, "", "", "");
	assert_found(&probe, "; ambiguous content on the whole disk cannot be");
}

static void a_chain_of_logical_partitions_may_be_a_ring(void **state)
{
	uint8_t ebr[512];
	int fd;

	(void)state;
	make_mbr("disk");
	/* The first link points at itself. */
	fd = open_disk("disk");
	assert_int_equal(pread(fd, ebr, sizeof(ebr), 8192 * 512), sizeof(ebr));
	memset(ebr + 446 + 16 + 8, 0, 4);
	ebr[446 + 16 + 4] = 5;
	ebr[446 + 16 + 8] = 1;
	assert_int_equal(pwrite(fd, ebr, sizeof(ebr), 8192 * 512), sizeof(ebr));
	assert_int_equal(pwrite(fd, ebr, sizeof(ebr), 8193 * 512), sizeof(ebr));
	close(fd);
	probe_disk("disk");
}

static void a_disk_may_be_one_file_system(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_tree();
	make_ext4("disk", 8, "");
	probe = probe_disk("disk");
	assert_probe(&probe, DEBIAN, "x86_64", "");
	assert_string_equal(
		probe.found,
		"no partition table; ext4 root on the whole disk: " DEBIAN
		", x86_64 program /bin/sh");
	put_boot_code("disk");
	put_bytes("disk", 510, "\x55\xaa", 2);
	probe = probe_disk("disk");
	assert_probe(&probe, DEBIAN, "x86_64", "legacy-bios");
}

static void a_fat_boot_sector_is_not_boot_code(void **state)
{
	struct sfs_probe probe;

	(void)state;
	shell("truncate -s 8M disk && mkfs.vfat disk >log");
	probe = probe_disk("disk");
	assert_probe(&probe, "", "", "");
}

static void ext2_and_ext3_are_read_too(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_tree();
	for (int i = 2; i <= 3; i++) {
		shell("rm -f disk && truncate -s 8M disk && "
		      "mke2fs -q -F -t ext%d -d root disk",
		      i);
		probe = probe_disk("disk");
		assert_probe(&probe, DEBIAN, "x86_64", "");
	}
}

/* ---- what is not found ---- */

static void other_file_systems_are_named(void **state)
{
	struct sfs_probe probe;

	(void)state;
	shell("truncate -s 320M xfs && mkfs.xfs -q xfs && "
	      "truncate -s 700M disk && printf '%%s\\n' 'label: gpt' "
	      "'1: start=2048, size=320MiB, type=L' "
	      "'2: start=1MiB, start=400MiB, size=200MiB, type=L' | "
	      "sfdisk -q disk");
	put_part("disk", "xfs", 1);
	shell("truncate -s 200M btrfs && mkfs.btrfs -q btrfs");
	put_part("disk", "btrfs", 400);
	probe = probe_disk("disk");
	assert_probe(&probe, "", "", "");
	assert_string_equal(probe.found,
			    "GPT; no os-release found; xfs on partition 1 "
			    "cannot be looked into; btrfs on partition 2 "
			    "cannot be looked into");
}

static void nothing_is_found_on_zeros_and_on_noise(void **state)
{
	struct sfs_probe probe;

	(void)state;
	resize("disk", 5 * MIB + 7);
	probe = probe_disk("disk");
	assert_probe(&probe, "", "", "");
	assert_string_equal(probe.found,
			    "no partition table; no os-release found");
	for (uint64_t seed = 1; seed <= 20; seed++) {
		put_noise("disk", 0, 5 * MIB, seed);
		put_bytes("disk", 510, "\x55\xaa", 2);
		probe = probe_disk("disk");
		assert_probe(&probe, "", "", "");
	}
}

static void tiny_disks_hold_nothing(void **state)
{
	static const uint64_t sizes[] = { 1, 511, 512, 513, 4096, 70000 };
	struct sfs_probe probe;

	(void)state;
	for (size_t i = 0; i < SFS_ARRAY_SIZE(sizes); i++) {
		resize("disk", sizes[i]);
		probe = probe_disk("disk");
		assert_probe(&probe, "", "", "");
	}
}

static void a_disk_may_be_huge(void **state)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	CLEANUP_VIEW struct sfs_view *view = NULL;
	struct sfs_probe probe;

	(void)state;
	make_gpt("disk");
	snapshot = take("disk", "disk");
	assert_int_equal(sfs_view_open_volume(repo, snapshot->id,
					      SFS_VOLUME_SIZE_MAX, &view),
			 0);
	probe = probe_view(view);
	assert_probe(&probe, DEBIAN, "x86_64", "uefi");
}

static void a_root_without_os_release_is_none(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_tree();
	shell("rm root/usr/lib/os-release");
	make_ext4("disk", 8, "");
	probe = probe_disk("disk");
	assert_probe(&probe, "", "", "");
	assert_found(&probe, "no os-release found");
}

static void the_largest_root_is_taken(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_mbr("disk");
	put_text("root/usr/lib/os-release", "PRETTY_NAME='Rescue system'\n");
	make_ext4("part", 4, "");
	put_part("disk", "part", 10);
	probe = probe_disk("disk");
	assert_probe(&probe, DEBIAN, "x86_64", "");
}

/* ---- os-release ---- */

static struct sfs_probe probe_tree(void)
{
	make_ext4("disk", 8, "");
	return probe_disk("disk");
}

static void a_loop_of_links_ends(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_tree();
	shell("ln -sf os-release root/etc/os-release");
	probe = probe_tree();
	/* The other one is there. */
	assert_probe(&probe, DEBIAN, "x86_64", "");
	shell("ln -sf ../../etc/os-release root/usr/lib/os-release");
	probe = probe_tree();
	assert_probe(&probe, "", "", "");
}

static void links_do_not_leave_the_disk(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_tree();
	shell("rm root/usr/lib/os-release && "
	      "ln -sf /../../../etc/real root/etc/os-release");
	put_text("root/etc/real", "PRETTY_NAME=Inside\n");
	probe = probe_tree();
	assert_probe(&probe, "Inside", "x86_64", "");
}

static void a_gigantic_os_release_names_nothing(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_tree();
	resize("root/usr/lib/os-release", UINT64_C(1) << 33);
	probe = probe_tree();
	assert_probe(&probe, "", "x86_64", "");
	assert_found(&probe, "no fit name in os-release");
}

static void an_unfit_name_is_none(void **state)
{
	static const char *const bad[] = {
		"PRETTY_NAME=\"Evil \033[2J\"\n",
		"PRETTY_NAME=\"a\tb\"\n",
		"PRETTY_NAME=\"\xff\xfe\"\n",
		"PRETTY_NAME=\"open\n",
		"PRETTY_NAME=\n",
		"PRETTY_NAME=\"\"\n",
		"XPRETTY_NAME=a\n",
		"",
	};
	struct sfs_probe probe;

	(void)state;
	for (size_t i = 0; i < SFS_ARRAY_SIZE(bad); i++) {
		make_tree();
		shell("rm root/usr/lib/os-release");
		put_text("root/usr/lib/os-release", bad[i]);
		probe = probe_tree();
		assert_probe(&probe, "", "x86_64", "");
	}
}

static void names_are_quoted_as_in_a_shell(void **state)
{
	static const struct {
		const char *text;
		const char *name;
	} cases[] = {
		{ "PRETTY_NAME=Plain", "Plain" },
		{ "PRETTY_NAME=Plain two\n", "Plain" },
		{ "PRETTY_NAME='It is \\ it'\n", "It is \\ it" },
		{ "PRETTY_NAME=\"a \\\"b\\\" \\$c \\`d\\` \\\\ \\e\"\n",
		  "a \"b\" $c `d` \\ \\e" },
		{ "PRETTY_NAME=a\\ b'c d'\"e f\"\n", "a bc de f" },
		{ "#PRETTY_NAME=x\nPRETTY_NAME=one\nPRETTY_NAME=two\n", "two" },
		{ "PRETTY_NAME=\"Größe\"\r\n", "Größe" },
		{ "PRETTY_NAME=one\nPRETTY_NAME=\"\n", "" },
		{ "PRETTY_NAME=a\\", "" },
		{ "PRETTY_NAME=\"a\\", "" },
	};
	char name[SFS_DESCRIPTION_MAX + 1];
	char text[600];

	(void)state;
	for (size_t i = 0; i < SFS_ARRAY_SIZE(cases); i++) {
		assert_int_equal(sfs_probe_pretty_name(cases[i].text, name),
				 cases[i].name[0] != '\0');
		assert_string_equal(name, cases[i].name);
	}
	for (int length = 254; length <= 257; length++) {
		snprintf(text, sizeof(text), "PRETTY_NAME=%0*d\n", length, 0);
		assert_int_equal(sfs_probe_pretty_name(text, name),
				 length <= SFS_DESCRIPTION_MAX);
	}
}

/* ---- architecture ---- */

static void kernels_say_their_architecture(void **state)
{
	uint8_t head[SFS_PROBE_HEAD_SIZE] = { 0 };

	(void)state;
	assert_null(sfs_probe_kernel_architecture(head, sizeof(head)));
	memcpy(head + 0x38, "ARM\x64", 4);
	assert_string_equal(sfs_probe_kernel_architecture(head, 60), "arm64");
	assert_null(sfs_probe_kernel_architecture(head, 59));
	memcpy(head + 0x38, "RSC\x05", 4);
	assert_string_equal(sfs_probe_kernel_architecture(head, 60), "riscv64");
	memcpy(head + 0x202, "HdrS", 4);
	head[0x206] = 0x0c;
	head[0x207] = 0x02;
	assert_string_equal(sfs_probe_kernel_architecture(head, sizeof(head)),
			    "i386");
	head[0x236] = 1;
	assert_string_equal(sfs_probe_kernel_architecture(head, sizeof(head)),
			    "x86_64");
	head[0x206] = 0x0b;
	assert_null(sfs_probe_kernel_architecture(head, sizeof(head)));
}

static void programs_say_their_architecture(void **state)
{
	static const struct {
		unsigned class, machine;
		const char *name;
	} cases[] = {
		{ ELFCLASS32, EM_386, "i386" },
		{ ELFCLASS64, EM_X86_64, "x86_64" },
		{ ELFCLASS64, EM_AARCH64, "arm64" },
		{ ELFCLASS64, EM_RISCV, "riscv64" },
		{ ELFCLASS32, EM_RISCV, "" },
		{ ELFCLASS32, EM_ARM, "" },
		{ ELFCLASS64, EM_386, "" },
	};
	struct sfs_probe probe;

	(void)state;
	for (size_t i = 0; i < SFS_ARRAY_SIZE(cases); i++) {
		make_tree();
		put_program("root/usr/bin/dash", cases[i].class,
			    cases[i].machine);
		probe = probe_tree();
		assert_probe(&probe, DEBIAN, cases[i].name, "");
	}
}

static void a_kernel_goes_before_programs(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_tree();
	put_kernels();
	put_x86_kernel("root/boot/vmlinuz-6.1.0-20-686", 0x20f, 0);
	probe = probe_tree();
	assert_probe(&probe, DEBIAN, "i386", "");
	shell("ln -s boot/vmlinuz-6.1.0-18-amd64 root/vmlinuz");
	probe = probe_tree();
	assert_probe(&probe, DEBIAN, "x86_64", "");
	assert_found(&probe, "x86_64 kernel /vmlinuz");
}

static void a_strange_kernel_leaves_it_to_programs(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_tree();
	put_text("root/boot/vmlinuz-9", "\x1f\x8b compressed");
	shell("touch 'root/boot/vmlinuz-99\033[2J'");
	probe = probe_tree();
	assert_probe(&probe, DEBIAN, "x86_64", "");
	assert_found(&probe, "x86_64 program /bin/sh");
}

static void the_sentence_is_cut_between_characters(void **state)
{
	char name[600] = "PRETTY_NAME=\"";
	struct sfs_probe probe;

	(void)state;
	make_tree();
	for (int i = 0; i < 127; i++)
		strcat(name, "ä");
	strcat(name, "\"\n");
	put_text("root/usr/lib/os-release", name);
	memset(name, 0, sizeof(name));
	strcpy(name, "root/boot/vmlinuz-1");
	for (int i = 0; i < 117; i++)
		strcat(name, "ö");
	put_x86_kernel(name, 0x20f, 1);
	probe = probe_tree();
	assert_string_equal(probe.architecture, "x86_64");
	assert_in_range(strlen(probe.found), 509, 511);
}

/* ---- damage ---- */

static void a_file_system_may_be_cut_off(void **state)
{
	struct sfs_probe probe;

	(void)state;
	make_tree();
	make_ext4("disk", 8, "");
	resize("disk", 6 * MIB);
	probe = probe_disk("disk");
	assert_probe(&probe, DEBIAN, "x86_64", "");
	resize("disk", 40 * 1024);
	probe = probe_disk("disk");
	assert_probe(&probe, "", "", "");
	assert_found(&probe, "ext4 on the whole disk cannot be read: ");
}

/* Make the pack with the chunk at @offset of @view unreadable there. */
static void damage(const struct sfs_view *view, uint64_t offset)
{
	const struct sfs_entry entry = entry_at(view, offset / CHUNK);

	for (uint32_t i = 0; i < 8; i++)
		flip(pack_path(&entry), entry.offset + i);
}

static void a_damaged_superblock_is_told(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;
	struct sfs_probe probe;

	(void)state;
	make_gpt("disk");
	view = take_view("disk", "disk");
	damage(view, 10 * MIB);
	probe = probe_view(view);
	assert_probe(&probe, "", "", "uefi");
	assert_found(&probe, "; parts of the disk could not be read");
}

static void damage_elsewhere_does_not_matter(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;
	struct sfs_probe probe;

	(void)state;
	make_gpt("disk");
	put_noise("disk", 512 * 1024, CHUNK, 1);
	view = take_view("disk", "disk");
	damage(view, 512 * 1024);
	probe = probe_view(view);
	assert_probe(&probe, DEBIAN, "x86_64", "uefi");
	assert_found(&probe, "; parts of the disk could not be read");
}

/* The places of bytes that are not zero, being metadata or what names lead
 * to. */
static size_t used_bytes(const uint8_t *bytes, size_t size, uint32_t *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			ret[count++] = (uint32_t)i;
	return count;
}

/* However a file system is broken: an answer, soon, and never an odd one. */
static void broken_file_systems_do_no_harm(void **state)
{
	static uint8_t sound[2 * MIB], broken[2 * MIB];
	static uint32_t places[2 * MIB];
	struct sfs_probe probe;
	uint64_t random[16];
	size_t count;
	int fd, unlike = 0;

	(void)state;
	make_tree();
	/* Without checksums, so that nobody stops at them. */
	make_ext4("disk", 2, "-O ^metadata_csum,^has_journal -N 64");
	fd = open_disk("disk");
	assert_int_equal(pread(fd, sound, sizeof(sound), 0), sizeof(sound));
	close(fd);
	count = used_bytes(sound, sizeof(sound), places);
	for (uint64_t i = 0; i < 80; i++) {
		noise((uint8_t *)random, sizeof(random), i + 1);
		memcpy(broken, sound, sizeof(sound));
		for (size_t k = 0; k <= i % 8; k++)
			broken[places[random[2 * k] % count]] ^=
				(uint8_t)(random[2 * k + 1] | 1);
		put_bytes("disk", 0, broken, sizeof(broken));
		probe = probe_disk("disk");
		assert_string_equal(probe.boot_mode, "");
		unlike += probe.platform[0] == '\0';
	}
	assert_in_range(unlike, 1, 79);
}

/* The same of partition tables: every byte that says something. */
static void broken_tables_do_no_harm(void **state)
{
	static const uint64_t mbr[] = {
		446, 450, 454, 457, 458, 459, 461, 462,
		466, 470, 473, 474, 475, 477, 510, 511
	};
	static const uint64_t gpt[] = { 450,  454,  520,  524,	536,
					544,  552,  560,  584,	592,
					596,  600,  1024, 1056, 1064,
					1072, 1100, 1152, 1184, 1192 };

	(void)state;
	make_mbr("disk");
	for (size_t i = 0; i < SFS_ARRAY_SIZE(mbr); i++) {
		flip("disk", mbr[i]);
		probe_disk("disk");
		flip("disk", mbr[i]);
		flip("disk", 8192 * 512 + mbr[i]);
		probe_disk("disk");
		flip("disk", 8192 * 512 + mbr[i]);
	}
	make_gpt("disk");
	for (size_t i = 0; i < SFS_ARRAY_SIZE(gpt); i++) {
		flip("disk", gpt[i]);
		probe_disk("disk");
		flip("disk", gpt[i]);
	}
}

/* ---- the process ---- */

static size_t open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void a_probe_leaves_no_descriptors(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;
	size_t before;

	(void)state;
	make_gpt("disk");
	view = take_view("disk", "disk");
	probe_view(view);
	before = open_descriptors();
	probe_view(view);
	assert_int_equal(open_descriptors(), before);
}

static void *allocate(void *stop)
{
	while (!atomic_load((atomic_bool *)stop))
		free(malloc(100));
	return NULL;
}

static void a_probe_may_be_one_of_many_threads(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;
	static atomic_bool stop;
	struct sfs_probe probe;
	pthread_t threads[2];

	(void)state;
	/* A sanitizer's own allocator is not for who forks among threads. */
	if (!sfs_confine_is_strict()) {
		print_message("SKIP: not with a sanitizer\n");
		skip();
	}
	make_gpt("disk");
	view = take_view("disk", "disk");
	for (size_t i = 0; i < SFS_ARRAY_SIZE(threads); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, allocate, &stop), 0);
	for (int i = 0; i < 30; i++) {
		probe = probe_view(view);
		assert_probe(&probe, DEBIAN, "x86_64", "uefi");
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < SFS_ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}

static void results_are_judged(void **state)
{
	static const struct sfs_probe sound = {
		.architecture = "x86_64",
		.boot_mode = "uefi",
		.platform = "Debian",
		.found = "on partition 1",
	};
	struct sfs_probe probe = sound;

	(void)state;
	assert_true(sfs_probe_is_sound(&probe));
	strcpy(probe.architecture, "vax");
	assert_false(sfs_probe_is_sound(&probe));
	probe = sound;
	strcpy(probe.boot_mode, "floppy");
	assert_false(sfs_probe_is_sound(&probe));
	probe = sound;
	strcpy(probe.platform, "\033[2J");
	assert_false(sfs_probe_is_sound(&probe));
	probe = sound;
	strcpy(probe.found, "two\nlines");
	assert_false(sfs_probe_is_sound(&probe));
	probe = sound;
	memset(probe.found, 'x', sizeof(probe.found));
	assert_false(sfs_probe_is_sound(&probe));
	probe = sound;
	memset(probe.platform, 'x', sizeof(probe.platform));
	assert_false(sfs_probe_is_sound(&probe));
	probe = sound;
	memset(probe.architecture, 'x', sizeof(probe.architecture));
	assert_false(sfs_probe_is_sound(&probe));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, repo_setup, repo_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_gpt_disk_with_an_efi_system_boots_uefi),
		TEST(with_boot_code_too_it_prefers_uefi),
		TEST(an_efi_system_without_fat_is_none),
		TEST(boot_code_without_a_partition_for_it_is_none),
		TEST(a_bootable_gpt_partition_is_one_for_it),
		TEST(a_gpt_is_read_from_its_twin_at_the_end),
		TEST(a_gpt_may_count_in_sectors_of_4k),
		TEST(a_root_may_be_a_logical_partition),
		TEST(an_mbr_without_boot_code_does_not_boot),
		TEST(an_mbr_may_have_an_efi_system),
		TEST(ambiguous_content_is_not_believed),
		TEST(a_chain_of_logical_partitions_may_be_a_ring),
		TEST(a_disk_may_be_one_file_system),
		TEST(a_fat_boot_sector_is_not_boot_code),
		TEST(ext2_and_ext3_are_read_too),
		TEST(other_file_systems_are_named),
		TEST(nothing_is_found_on_zeros_and_on_noise),
		TEST(tiny_disks_hold_nothing),
		TEST(a_disk_may_be_huge),
		TEST(a_root_without_os_release_is_none),
		TEST(the_largest_root_is_taken),
		TEST(a_loop_of_links_ends),
		TEST(links_do_not_leave_the_disk),
		TEST(a_gigantic_os_release_names_nothing),
		TEST(an_unfit_name_is_none),
		cmocka_unit_test(names_are_quoted_as_in_a_shell),
		cmocka_unit_test(kernels_say_their_architecture),
		TEST(programs_say_their_architecture),
		TEST(a_kernel_goes_before_programs),
		TEST(a_strange_kernel_leaves_it_to_programs),
		TEST(the_sentence_is_cut_between_characters),
		TEST(a_file_system_may_be_cut_off),
		TEST(a_damaged_superblock_is_told),
		TEST(damage_elsewhere_does_not_matter),
		TEST(broken_file_systems_do_no_harm),
		TEST(broken_tables_do_no_harm),
		TEST(a_probe_leaves_no_descriptors),
		TEST(a_probe_may_be_one_of_many_threads),
		cmocka_unit_test(results_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
