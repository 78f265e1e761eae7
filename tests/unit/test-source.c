/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "src/source.h"
#include "tests/unit/scratch-disk.h"

#define KIB	1024u
#define MIB	(1024u * KIB)
#define SIZE	(64u * KIB)
#define XFS_NEW "truncate -s 320M xfs && mkfs.xfs -q -m reflink=1 xfs"

static uint8_t buffer[MIB] __attribute__((aligned(SFS_SOURCE_ALIGN)));

static const struct sfs_source_options plain;
static const struct sfs_source_options fuzzy = { .allow_fuzzy = true };

static struct sfs_source *open_source(const char *path,
				      const struct sfs_source_options *options)
{
	struct sfs_source *source = NULL;
	int r;

	r = sfs_source_open(path, options, &source);
	if (r < 0)
		fail_msg("%d: %s", r, scratch_log);
	return source;
}

/* Refused, saying why. */
static void refused(const char *path, const struct sfs_source_options *options,
		    int error, const char *why)
{
	struct sfs_source *source;

	scratch_log[0] = '\0';
	assert_int_equal(sfs_source_open(path, options, &source), error);
	assert_non_null(strstr(scratch_log, path));
	assert_non_null(strstr(scratch_log, why));
}

/* Finish, and say what was achieved; or the error. */
static int finish(struct sfs_source *source)
{
	enum sfs_consistency consistency;
	int r;

	scratch_log[0] = '\0';
	r = sfs_source_finish(source, &consistency);
	sfs_source_close(source);
	return r < 0 ? r : (int)consistency;
}

static void reads(struct sfs_source *source, size_t size, uint64_t offset,
		  char byte)
{
	memset(buffer, ~byte, sizeof(buffer));
	assert_int_equal(sfs_source_read(source, buffer, size, offset), 0);
	for (size_t i = 0; i < size; i++)
		assert_int_equal((char)buffer[i], byte);
}

/* Refused because of this very process. */
static void refused_for_us(const char *path)
{
	char who[64];

	snprintf(who, sizeof(who), "(process %d)", getpid());
	refused(path, &plain, -EBUSY, who);
	assert_non_null(strstr(scratch_log, "open for writing by '"));
}

static struct sfs_freeze *freeze(const char *dir)
{
	char *dirs[] = { (char *)(uintptr_t)dir };
	struct sfs_freeze *freeze = NULL;

	assert_int_equal(sfs_freeze_start(dirs, 1, NULL, &freeze), 0);
	return freeze;
}

/* ---- files ---- */

static void unused_file_is_offline(void **state)
{
	struct sfs_source *source;

	(void)state;
	fill("file", 'a', SIZE + 5);
	source = open_source("file", &plain);
	assert_int_equal(sfs_source_size(source), SIZE + 5);
	assert_false(sfs_source_is_stream(source));
	assert_false(sfs_source_is_clone(source));
	reads(source, SIZE, 0, 'a');
	reads(source, 5, SIZE, 'a');
	assert_int_equal(finish(source), SFS_CONSISTENCY_OFFLINE);
}

static void name_is_absolute(void **state)
{
	char expected[4200];
	struct sfs_source *source;

	(void)state;
	fill("file", 'a', 1);
	snprintf(expected, sizeof(expected), "%s/file", scratch_dir);
	source = open_source("file", &plain);
	assert_string_equal(sfs_source_name(source), expected);
	sfs_source_close(source);
	source = open_source(expected, &plain);
	assert_string_equal(sfs_source_name(source), expected);
	sfs_source_close(source);
}

static void other_objects_are_refused(void **state)
{
	(void)state;
	shell("mkdir dir && mkfifo fifo");
	refused("dir", &plain, -EISDIR, "not a file");
	refused("fifo", &plain, -EINVAL, "not a file");
	refused("/dev/null", &plain, -EINVAL, "not a file");
	refused("absent", &plain, -ENOENT, "No such file");
}

static void holes_are_found(void **state)
{
	struct sfs_source *source;
	uint64_t start, end;

	(void)state;
	shell("truncate -s 1M file && printf x | "
	      "dd of=file bs=1 seek=%u conv=notrunc status=none",
	      SIZE);
	source = open_source("file", &plain);
	assert_int_equal(sfs_source_data(source, 0, &start, &end), 0);
	assert_int_equal(start, SIZE);
	assert_in_range(end, SIZE + 1, 2 * SIZE);
	assert_int_equal(sfs_source_data(source, end, &start, &end), 0);
	assert_int_equal(start, MIB);
	assert_int_equal(end, MIB);
	assert_int_equal(sfs_source_data(source, MIB, &start, &end), 0);
	assert_int_equal(start, MIB);
	sfs_source_close(source);
}

static void open_writer_is_refused(void **state)
{
	struct sfs_source *source;
	int fd;

	(void)state;
	fill("file", 'a', SIZE);
	fd = open("file", O_WRONLY | O_CLOEXEC);
	refused_for_us("file");
	source = open_source("file", &fuzzy);
	assert_int_equal(finish(source), SFS_CONSISTENCY_FUZZY);
	close(fd);
}

static void late_writer_is_noticed(void **state)
{
	struct sfs_source *source;
	int fd;

	(void)state;
	fill("file", 'a', SIZE);
	source = open_source("file", &plain);
	fd = open("file", O_WRONLY | O_CLOEXEC);
	assert_int_equal(finish(source), -EBUSY);
	assert_non_null(strstr(scratch_log, "changed while it was read"));
	close(fd);
}

/* Right after it was written, when the clock of time stamps may not have
 * moved yet; the writer is gone again at the end. */
static void change_is_noticed(void **state)
{
	struct sfs_source *source;

	(void)state;
	for (int i = 0; i < 50; i++) {
		fill("file", 'a', SIZE);
		source = open_source("file", &plain);
		fill("file", 'b', SIZE);
		assert_int_equal(finish(source), -EBUSY);
	}
	source = open_source("file", &fuzzy);
	fill("file", 'b', SIZE);
	assert_int_equal(finish(source), SFS_CONSISTENCY_FUZZY);
}

static void truncated_file_is_no_data(void **state)
{
	struct sfs_source *source;

	(void)state;
	fill("file", 'a', SIZE);
	source = open_source("file", &fuzzy);
	assert_int_equal(truncate("file", 4096), 0);
	assert_int_equal(sfs_source_read(source, buffer, SIZE, 0), -ENODATA);
	assert_non_null(strstr(scratch_log, "ends at 4096"));
	assert_int_equal(finish(source), SFS_CONSISTENCY_FUZZY);
}

/* A process's own memory has no page at 0: a file that fails to be read. */
static void unreadable_place_is_named(void **state)
{
	struct sfs_source_options options = { .allow_fuzzy = true };
	struct sfs_source *source;

	(void)state;
	source = open_source("/proc/self/mem", &options);
	assert_int_equal(sfs_source_read(source, buffer, 4096, 4096), -EIO);
	assert_non_null(strstr(scratch_log, "at offset 4096"));
	sfs_source_close(source);

	options.quiet_bad = true;
	scratch_log[0] = '\0';
	source = open_source("/proc/self/mem", &options);
	assert_int_equal(sfs_source_read(source, buffer, 4096, 4096), -EIO);
	assert_string_equal(scratch_log, "");
	sfs_source_close(source);
}

static atomic_bool stop;

static void *open_again_and_again(void *context)
{
	int fd;

	(void)context;
	while (!atomic_load(&stop)) {
		fd = open("file", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

/* A lease that is broken as it is asked for must not kill us. */
static void writers_coming_and_going_do_no_harm(void **state)
{
	struct sfs_source *source;
	pthread_t thread;

	(void)state;
	fill("file", 'a', SIZE);
	source = open_source("file", &fuzzy);
	atomic_store(&stop, false);
	assert_int_equal(
		pthread_create(&thread, NULL, open_again_and_again, NULL), 0);
	for (int i = 0; i < 100000; i++) {
		enum sfs_consistency consistency;

		assert_int_equal(sfs_source_finish(source, &consistency), 0);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	sfs_source_close(source);
}

/* ---- files on loop devices ---- */

static void mounted_file_is_refused(void **state)
{
	char *dir = NULL;
	bool writable = false;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	refused("disk", &plain, -EBUSY, "mounted read-write at '");
	assert_non_null(strstr(scratch_log, "--freeze"));
	assert_int_equal(finish(open_source("disk", &fuzzy)),
			 SFS_CONSISTENCY_FUZZY);
	assert_int_equal(sfs_source_mounted("disk", &dir, &writable), 1);
	assert_non_null(strstr(dir, "/mnt"));
	assert_true(writable);
	free(dir);

	shell("umount mnt");
	assert_int_equal(finish(open_source("disk", &plain)),
			 SFS_CONSISTENCY_OFFLINE);
	assert_int_equal(sfs_source_mounted("disk", &dir, &writable), 0);
	assert_int_equal(sfs_source_mounted("absent", &dir, &writable), 0);
}

/* A read-only mount of a file system that is writable elsewhere is no
 * protection. */
static void readonly_mount_must_be_all(void **state)
{
	char *dir = NULL;
	bool writable = true;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	shell("mount -o remount,ro,bind mnt");
	refused("disk", &plain, -EBUSY, "mounted read-write at '");
	shell("mount -o remount,ro mnt");
	assert_int_equal(finish(open_source("disk", &plain)),
			 SFS_CONSISTENCY_FILESYSTEM);
	assert_int_equal(sfs_source_mounted("disk", &dir, &writable), 1);
	assert_false(writable);
	free(dir);
}

static void frozen_file_is_filesystem(void **state)
{
	struct sfs_source_options options = { 0 };
	struct sfs_source *source;
	struct sfs_freeze *held;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	held = freeze("mnt");
	options.freeze = held;
	source = open_source("disk", &options);
	assert_int_equal(finish(source), SFS_CONSISTENCY_FILESYSTEM);
	assert_int_equal(sfs_freeze_thaw(held), 0);
}

static void foreign_freeze_does_not_count(void **state)
{
	struct sfs_source_options options = { 0 };
	struct sfs_freeze *held;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	mount_new("other", "ext4", "mnt2");
	held = freeze("mnt2");
	options.freeze = held;
	refused("disk", &options, -EBUSY, "mounted read-write at '");
	sfs_freeze_free(held);
}

static void attached_file_is_refused(void **state)
{
	const char *loop;

	(void)state;
	needs_disks();
	fill("disk", 'a', MIB);
	loop = attach("disk", "");
	refused("disk", &plain, -EBUSY, "losetup -d");
	shell("losetup -d %s", loop);
	attach("disk", "-r");
	assert_int_equal(finish(open_source("disk", &plain)),
			 SFS_CONSISTENCY_OFFLINE);
}

/* Put two partitions on the loop device of a new @disk; skip if this kernel
 * has none.  Returns the device. */
static const char *partitioned(const char *disk)
{
	static char loop[64];

	shell("truncate -s 256M %s && printf 'label: gpt\\nsize=128M\\n"
	      "size=64M\\n' | sfdisk -q %s",
	      disk, disk);
	snprintf(loop, sizeof(loop), "%s", attach(disk, ""));
	shell("partx -a %s 2>/dev/null || true; udevadm settle 2>/dev/null "
	      "|| true",
	      loop);
	if (!*shell("ls %sp2 2>/dev/null || true", loop)) {
		print_message("SKIP: no partitions on loop devices here\n");
		skip();
	}
	return loop;
}

static void mounted_partition_is_found(void **state)
{
	struct sfs_source_options options = { 0 };
	struct sfs_freeze *held;
	char part[80], *dir = NULL;
	const char *loop;
	bool writable;

	(void)state;
	needs_disks();
	loop = partitioned("disk");
	snprintf(part, sizeof(part), "%sp1", loop);
	shell("mkfs.ext4 -q %s && mkdir mnt && mount %s mnt", part, part);
	refused("disk", &plain, -EBUSY, "/mnt'");
	refused(loop, &plain, -EBUSY, "/mnt'");
	refused(part, &plain, -EBUSY, "/mnt'");
	assert_int_equal(sfs_source_mounted(loop, &dir, &writable), 1);
	assert_non_null(strstr(dir, "/mnt"));
	free(dir);

	/* The one beside it is nobody's. */
	snprintf(part, sizeof(part), "%sp2", loop);
	assert_int_equal(finish(open_source(part, &plain)),
			 SFS_CONSISTENCY_OFFLINE);
	held = freeze("mnt");
	options.freeze = held;
	assert_int_equal(finish(open_source(loop, &options)),
			 SFS_CONSISTENCY_FILESYSTEM);
	assert_int_equal(finish(open_source("disk", &options)),
			 SFS_CONSISTENCY_FILESYSTEM);
	assert_int_equal(sfs_freeze_thaw(held), 0);
}

/* As left over from before the whole was formatted. */
static void partitions_of_a_used_whole_are_void(void **state)
{
	struct sfs_source_options options = { 0 };
	struct sfs_freeze *held;
	const char *loop;

	(void)state;
	needs_disks();
	loop = partitioned("disk");
	shell("mkfs.ext4 -q -F %s && mkdir mnt && mount %s mnt", loop, loop);
	held = freeze("mnt");
	options.freeze = held;
	assert_int_equal(finish(open_source(loop, &options)),
			 SFS_CONSISTENCY_FILESYSTEM);
	assert_int_equal(sfs_freeze_thaw(held), 0);
}

/* Nobody misses what is in it, but it is not free for restoring either. */
static void swap_beside_does_no_harm(void **state)
{
	char *dir = NULL, part[80];
	const char *loop;
	bool writable;

	(void)state;
	needs_disks();
	loop = partitioned("disk");
	snprintf(part, sizeof(part), "%sp2", loop);
	shell("mkswap -q %s && swapon %s", part, part);
	assert_int_equal(finish(open_source(loop, &plain)),
			 SFS_CONSISTENCY_FILESYSTEM);
	refused(part, &plain, -EBUSY, "swapoff");
	assert_int_equal(sfs_source_mounted("disk", &dir, &writable), 1);
	assert_string_equal(dir, "[SWAP]");
	free(dir);
	shell("swapoff %s", part);
	assert_int_equal(finish(open_source(loop, &plain)),
			 SFS_CONSISTENCY_OFFLINE);
}

/* ---- devices ---- */

/* 512 bytes more than whole pages. */
static void unused_device_is_offline(void **state)
{
	struct sfs_source *source;
	uint64_t start, end;
	const char *loop;

	(void)state;
	needs_disks();
	fill("disk", 'a', SIZE + 512);
	loop = attach("disk", "");
	source = open_source(loop, &plain);
	assert_int_equal(sfs_source_size(source), SIZE + 512);
	assert_int_equal(sfs_source_data(source, 4096, &start, &end), 0);
	assert_int_equal(start, 4096);
	assert_int_equal(end, SIZE + 512);
	reads(source, SIZE, 0, 'a');
	reads(source, 512, SIZE, 'a');
	reads(source, 4096 + 512, SIZE - 4096, 'a');
	assert_int_equal(sfs_source_read(source, buffer, 4096, SIZE), -ENODATA);
	assert_int_equal(finish(source), SFS_CONSISTENCY_OFFLINE);
}

static void device_is_not_mounted_while_read(void **state)
{
	struct sfs_source *source;
	char loop[64];

	(void)state;
	needs_disks();
	shell("truncate -s 16M disk && mkfs.ext4 -q disk && mkdir mnt");
	snprintf(loop, sizeof(loop), "%s", attach("disk", ""));
	source = open_source(loop, &plain);
	shell("! mount %s mnt 2>/dev/null", loop);
	assert_int_equal(finish(source), SFS_CONSISTENCY_OFFLINE);
	shell("mount %s mnt", loop);
}

static void mounted_device_is_refused(void **state)
{
	struct sfs_source_options options = { 0 };
	struct sfs_freeze *held;
	char loop[64];

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	snprintf(loop, sizeof(loop), "%s", shell("findmnt -no SOURCE mnt"));
	refused(loop, &plain, -EBUSY, "/mnt'");
	assert_int_equal(finish(open_source(loop, &fuzzy)),
			 SFS_CONSISTENCY_FUZZY);
	held = freeze("mnt");
	options.freeze = held;
	assert_int_equal(finish(open_source(loop, &options)),
			 SFS_CONSISTENCY_FILESYSTEM);
	assert_int_equal(sfs_freeze_thaw(held), 0);
	shell("mount -o remount,ro mnt");
	assert_int_equal(finish(open_source(loop, &plain)),
			 SFS_CONSISTENCY_FILESYSTEM);
}

/* What the device's own cache held from before must not be what is read. */
static void cache_of_device_is_not_believed(void **state)
{
	struct sfs_source_options options = { 0 };
	struct sfs_source *source;
	struct sfs_freeze *held;
	uint64_t block;
	char loop[64];

	(void)state;
	needs_disks();
	shell("truncate -s 64M disk && mkfs.ext4 -q -b 4096 disk && mkdir mnt");
	snprintf(loop, sizeof(loop), "%s", attach("disk", ""));
	shell("mount %s mnt", loop);
	fill("mnt/file", 'a', SIZE);
	block = strtoull(shell("sync mnt/file; filefrag -b4096 -v mnt/file | "
			       "awk '/^ *0:/ { print $4 + 0 }'"),
			 NULL, 10);
	assert_true(block > 0);
	shell("dd if=%s bs=4096 skip=%llu count=16 status=none | tr -d a", loop,
	      (unsigned long long)block);
	fill("mnt/file", 'b', SIZE);
	held = freeze("mnt");
	options.freeze = held;
	source = open_source(loop, &options);
	reads(source, SIZE, block * 4096, 'b');
	assert_int_equal(finish(source), SFS_CONSISTENCY_FILESYSTEM);
	assert_int_equal(sfs_freeze_thaw(held), 0);
}

static void change_of_device_is_noticed(void **state)
{
	struct sfs_source *source;
	char loop[64];

	(void)state;
	needs_disks();
	shell("truncate -s 16M disk");
	snprintf(loop, sizeof(loop), "%s", attach("disk", ""));
	source = open_source(loop, &plain);
	fill(loop, 'b', SIZE); /* and gone again */
	assert_int_equal(finish(source), -EBUSY);
	source = open_source(loop, &fuzzy);
	fill(loop, 'c', SIZE);
	assert_int_equal(finish(source), SFS_CONSISTENCY_FUZZY);
}

static void writer_of_device_is_refused(void **state)
{
	struct sfs_source *source;
	char loop[64];
	int fd;

	(void)state;
	needs_disks();
	shell("truncate -s 16M disk");
	snprintf(loop, sizeof(loop), "%s", attach("disk", ""));
	fd = open(loop, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	refused_for_us(loop);
	close(fd);
	source = open_source(loop, &plain);
	fd = open(loop, O_RDWR | O_CLOEXEC);
	assert_int_equal(finish(source), -EBUSY);
	close(fd);
}

/* Claimed by who is seen nowhere: a volume manager, another namespace. */
static void unexplained_claim_is_refused(void **state)
{
	char loop[64], inside[100];
	int fd;

	(void)state;
	needs_disks();
	snprintf(loop, sizeof(loop), "%s", partitioned("disk"));
	snprintf(inside, sizeof(inside), "%sp1", loop);
	fd = open(inside, O_RDONLY | O_EXCL | O_CLOEXEC);
	assert_true(fd >= 0);
	refused(inside, &plain, -EBUSY, "exclusive use");
	refused(loop, &plain, -EBUSY, "exclusive use");
	refused("disk", &plain, -EBUSY, "exclusive use");
	close(fd);
}

/* ---- clones ---- */

static void mount_xfs(void)
{
	needs_disks();
	needs_filesystem("xfs");
	shell(XFS_NEW " && mkdir x && mount -o loop xfs x");
}

static void file_in_use_is_cloned(void **state)
{
	const struct sfs_source_options no_clone = { .no_clone = true };
	struct sfs_source *source;
	int fd;

	(void)state;
	mount_xfs();
	fill("x/file", 'a', SIZE);
	fd = open("x/file", O_WRONLY | O_CLOEXEC);
	refused("x/file", &no_clone, -EBUSY, "open for writing");
	source = open_source("x/file", &plain);
	assert_true(sfs_source_is_clone(source));
	fill("x/file", 'b', SIZE);
	reads(source, SIZE, 0, 'a');
	assert_int_equal(finish(source), SFS_CONSISTENCY_CRASH);
	close(fd);
	assert_string_equal(shell("ls -A x"), "file");
}

static void unused_file_is_not_cloned(void **state)
{
	struct sfs_source *source;

	(void)state;
	mount_xfs();
	fill("x/file", 'a', SIZE);
	source = open_source("x/file", &plain);
	assert_false(sfs_source_is_clone(source));
	assert_int_equal(finish(source), SFS_CONSISTENCY_OFFLINE);
}

/* So that the freeze ends before anything is read. */
static void clone_outlives_the_freeze(void **state)
{
	struct sfs_source_options options = { 0 };
	struct sfs_source *disk, *idle;
	struct sfs_freeze *held;

	(void)state;
	mount_xfs();
	mount_new("x/disk", "ext4", "mnt");
	fill("x/idle", 'a', SIZE);
	held = freeze("mnt");
	options.freeze = held;
	disk = open_source("x/disk", &options);
	idle = open_source("x/idle", &options);
	assert_true(sfs_source_is_clone(disk));
	assert_true(sfs_source_is_clone(idle));
	assert_int_equal(sfs_freeze_thaw(held), 0);
	fill("mnt/file", 'x', SIZE);
	fill("x/idle", 'b', SIZE);
	reads(idle, SIZE, 0, 'a');
	assert_int_equal(finish(disk), SFS_CONSISTENCY_FILESYSTEM);
	assert_int_equal(finish(idle), SFS_CONSISTENCY_OFFLINE);
}

/* Nothing can be made there, nor changed: it is read in place. */
static void file_on_frozen_filesystem_does_not_hang(void **state)
{
	struct sfs_source_options options = { 0 };
	struct sfs_source *source;
	struct sfs_freeze *held;
	int fd;

	(void)state;
	mount_xfs();
	fill("x/file", 'a', SIZE);
	fd = open("x/file", O_WRONLY | O_CLOEXEC);
	held = freeze("x");
	options.freeze = held;
	source = open_source("x/file", &options);
	assert_false(sfs_source_is_clone(source));
	assert_int_equal(finish(source), SFS_CONSISTENCY_CRASH);
	assert_int_equal(sfs_freeze_thaw(held), 0);
	close(fd);
}

static void file_without_cow_is_cloned(void **state)
{
	struct sfs_source *source;
	int fd;

	(void)state;
	needs_disks();
	mount_new("disk", "btrfs", "b");
	shell("touch b/file && chattr +C b/file");
	fill("b/file", 'a', SIZE);
	fd = open("b/file", O_WRONLY | O_CLOEXEC);
	source = open_source("b/file", &plain);
	assert_true(sfs_source_is_clone(source));
	reads(source, SIZE, 0, 'a');
	assert_int_equal(finish(source), SFS_CONSISTENCY_CRASH);
	close(fd);
}

/* btrfs: no device number of its own, and several devices. */
static void devices_of_btrfs_are_found(void **state)
{
	struct sfs_source_options options = { 0 };
	char loops[2][64];
	struct sfs_freeze *held;

	(void)state;
	needs_disks();
	needs_filesystem("btrfs");
	shell("truncate -s 128M one two && mkdir mnt");
	for (int i = 0; i < 2; i++)
		snprintf(loops[i], sizeof(loops[i]), "%s",
			 attach(i ? "two" : "one", ""));
	shell("mkfs.btrfs -q %s %s && btrfs device scan %s %s >/dev/null && "
	      "mount %s mnt",
	      loops[0], loops[1], loops[0], loops[1], loops[0]);
	for (int i = 0; i < 2; i++)
		refused(loops[i], &plain, -EBUSY, "/mnt'");
	refused("two", &plain, -EBUSY, "/mnt'");
	shell("btrfs subvolume create mnt/sub >/dev/null && mkdir sub && "
	      "mount -o subvol=sub %s sub",
	      loops[0]);
	held = freeze("sub");
	options.freeze = held;
	for (int i = 0; i < 2; i++)
		assert_int_equal(finish(open_source(loops[i], &options)),
				 SFS_CONSISTENCY_FILESYSTEM);
	assert_int_equal(sfs_freeze_thaw(held), 0);
}

/* ---- streams ---- */

static void stream_is_read_to_its_end(void **state)
{
	struct sfs_source *source;
	int ends[2], saved;
	size_t got;

	(void)state;
	saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	dup2(ends[0], STDIN_FILENO);
	assert_int_equal(write(ends[1], "abc", 3), 3);
	assert_int_equal(write(ends[1], "defg", 4), 4);
	close(ends[0]);
	close(ends[1]);
	source = open_source("-", &plain);
	assert_true(sfs_source_is_stream(source));
	assert_string_equal(sfs_source_name(source), "-");
	assert_true(sfs_source_size(source) == UINT64_MAX);
	assert_int_equal(sfs_source_stream(source, buffer, 5, &got), 0);
	assert_int_equal(got, 5);
	assert_memory_equal(buffer, "abcde", 5);
	assert_int_equal(sfs_source_stream(source, buffer, 5, &got), 0);
	assert_int_equal(got, 2);
	assert_int_equal(sfs_source_stream(source, buffer, 5, &got), 0);
	assert_int_equal(got, 0);
	assert_int_equal(finish(source), SFS_CONSISTENCY_FUZZY);
	dup2(saved, STDIN_FILENO);
	close(saved);
}

#define disk_test(f)                                                           \
	cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		disk_test(unused_file_is_offline),
		disk_test(name_is_absolute),
		disk_test(other_objects_are_refused),
		disk_test(holes_are_found),
		disk_test(open_writer_is_refused),
		disk_test(late_writer_is_noticed),
		disk_test(change_is_noticed),
		disk_test(truncated_file_is_no_data),
		disk_test(unreadable_place_is_named),
		disk_test(writers_coming_and_going_do_no_harm),
		disk_test(mounted_file_is_refused),
		disk_test(readonly_mount_must_be_all),
		disk_test(frozen_file_is_filesystem),
		disk_test(foreign_freeze_does_not_count),
		disk_test(attached_file_is_refused),
		disk_test(mounted_partition_is_found),
		disk_test(partitions_of_a_used_whole_are_void),
		disk_test(swap_beside_does_no_harm),
		disk_test(unused_device_is_offline),
		disk_test(device_is_not_mounted_while_read),
		disk_test(mounted_device_is_refused),
		disk_test(cache_of_device_is_not_believed),
		disk_test(change_of_device_is_noticed),
		disk_test(writer_of_device_is_refused),
		disk_test(unexplained_claim_is_refused),
		disk_test(file_in_use_is_cloned),
		disk_test(unused_file_is_not_cloned),
		disk_test(clone_outlives_the_freeze),
		disk_test(file_on_frozen_filesystem_does_not_hang),
		disk_test(file_without_cow_is_cloned),
		disk_test(devices_of_btrfs_are_found),
		disk_test(stream_is_read_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
