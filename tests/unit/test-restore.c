/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "src/restore.h"
#include "tests/unit/scratch-repo.h"

static struct sfs_restore_result result;

static int restore(struct sfs_view *view, const char *dest, bool force,
		   bool delta, bool verify)
{
	const struct sfs_restore_options options = {
		.force = force,
		.delta = delta,
		.verify = verify,
		.threads = 2,
	};

	scratch_log[0] = '\0';
	return sfs_restore(view, dest, &options, &result);
}

static int restore_with(struct sfs_view *view, const char *dest, bool verify,
			int (*step)(struct sfs_progress *progress))
{
	struct sfs_progress progress = { .what = "test", .step = step };
	const struct sfs_restore_options options = {
		.verify = verify,
		.threads = 2,
		.progress = &progress,
	};

	return sfs_restore(view, dest, &options, &result);
}

static bool said(const char *part)
{
	return strstr(scratch_log, part) != NULL;
}

static void assert_same(const char *a, const char *b)
{
	shell("cmp %s %s", a, b);
}

static unsigned files_in(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static struct stat status(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st;
}

/* Data, zeros, holes, and a last chunk in part. */
static struct sfs_view *mixed(void)
{
	resize("disk", 2000 * CHUNK + 777);
	put_noise("disk", 0, 300 * CHUNK, 1);
	put_zeros("disk", 400 * CHUNK, 50 * CHUNK);
	put_noise("disk", 700 * CHUNK + 9, 10, 2);
	put_noise("disk", 1400 * CHUNK, 500 * CHUNK, 3);
	put_noise("disk", 2000 * CHUNK, 777, 4);
	return take_view("v", "disk");
}

/* ---- new files ---- */

static void new_file_is_the_disk(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();

	(void)state;
	assert_int_equal(mkdir("out", 0700), 0);
	assert_int_equal(restore(view, "out/copy", false, false, true), 0);
	assert_same("disk", "out/copy");
	assert_int_equal(files_in("out"), 1);
	assert_int_equal(result.written_bytes, 801 * CHUNK + 777);
	assert_true((uint64_t)status("out/copy").st_blocks * 512 < 900 * CHUNK);
}

static void new_file_is_its_owners_alone(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();
	mode_t before = umask(0);

	(void)state;
	assert_int_equal(restore(view, "copy", false, false, false), 0);
	umask(before);
	assert_int_equal(status("copy").st_mode & 07777, 0600);
}

static void empty_snapshot(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;

	(void)state;
	resize("disk", 0);
	view = take_view("v", "disk");
	assert_int_equal(restore(view, "copy", false, false, true), 0);
	assert_int_equal(status("copy").st_size, 0);
}

static void huge_hole_is_quick(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;

	(void)state;
	resize("disk", UINT64_C(2) << 40);
	put_noise("disk", UINT64_C(1) << 40, CHUNK, 1);
	view = take_view("v", "disk");
	assert_int_equal(restore(view, "copy", false, false, true), 0);
	assert_int_equal(status("copy").st_size, UINT64_C(2) << 40);
	assert_int_equal(result.written_bytes, CHUNK);
	assert_int_equal(restore(view, "copy", true, true, true), 0);
	assert_int_equal(result.written_bytes, 0);
}

static void long_name(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();
	char name[256];

	(void)state;
	memset(name, 'n', 255);
	name[255] = '\0';
	assert_int_equal(restore(view, name, false, false, false), 0);
	assert_same("disk", name);
}

/* ---- refusals ---- */

static void existing_needs_force(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();

	(void)state;
	fill("copy", 'x', 10);
	assert_int_equal(restore(view, "copy", false, false, false), -EEXIST);
	assert_true(said("'copy'") && said("--force"));
	assert_int_equal(restore(view, "copy", false, true, false), -EEXIST);
	assert_int_equal(status("copy").st_size, 10);
}

static void other_kinds_are_refused(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();

	(void)state;
	assert_int_equal(mkdir("out", 0700), 0);
	assert_int_equal(restore(view, "out", true, false, false), -EISDIR);
	assert_true(said("'out/disk.img'"));
	assert_int_equal(restore(view, "out/new/", true, false, false),
			 -ENOENT);
	assert_int_equal(restore(view, "nodir/new", true, false, false),
			 -ENOENT);
	assert_true(said("'nodir/new'"));
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(restore(view, "fifo", true, false, false), -EINVAL);
	assert_int_equal(restore(view, "/dev/null", true, false, false),
			 -EINVAL);
}

static void repository_is_not_overwritten(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();

	(void)state;
	assert_int_equal(restore(view, "repo/new", true, false, false),
			 -EINVAL);
	assert_int_equal(restore(view, "repo/snapfs.json", true, false, false),
			 -EINVAL);
	assert_true(said("inside the repository"));
	assert_int_equal(symlink("repo/snapfs.json", "link"), 0);
	assert_int_equal(restore(view, "link", true, false, false), -EINVAL);
}

static void too_little_space_is_told_before(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();

	(void)state;
	needs_disks();
	assert_int_equal(mkdir("small", 0700), 0);
	shell("mount -t tmpfs -o size=1M tmpfs small");
	assert_int_equal(restore(view, "small/copy", false, false, false),
			 -ENOSPC);
	assert_true(said("needs 3284992 bytes") && said("1048576 free"));
	assert_int_equal(files_in("small"), 0);
}

static int fill_small(struct sfs_progress *progress)
{
	(void)progress;
	return system("cat /dev/zero > small/ballast 2>/dev/null") == -1;
}

static void full_later_leaves_nothing(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;

	(void)state;
	needs_disks();
	resize("disk", 30000 * CHUNK);
	put_noise("disk", 10000 * CHUNK, 10000 * CHUNK, 1);
	view = take_view("v", "disk");
	assert_int_equal(mkdir("small", 0700), 0);
	shell("mount -t tmpfs -o size=48M tmpfs small");
	assert_int_equal(restore_with(view, "small/copy", false, fill_small),
			 -ENOSPC);
	assert_true(said("became full"));
	assert_int_equal(files_in("small"), 1); /* the ballast */
}

/* ---- with force ---- */

static void force_replaces_and_keeps_attributes(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();
	ino_t before;
	int open_fd;
	char byte;

	(void)state;
	fill("copy", 'x', 10);
	assert_int_equal(chmod("copy", 0604), 0);
	if (geteuid() == 0)
		assert_int_equal(chown("copy", 123, 456), 0);
	before = status("copy").st_ino;
	open_fd = open("copy", O_RDONLY | O_CLOEXEC);
	assert_int_equal(restore(view, "copy", true, false, true), 0);
	assert_same("disk", "copy");
	assert_int_equal(status("copy").st_mode & 07777, 0604);
	if (geteuid() == 0) {
		assert_int_equal(status("copy").st_uid, 123);
		assert_int_equal(status("copy").st_gid, 456);
	}
	/* Whoever had it open keeps the old one whole. */
	assert_int_not_equal(status("copy").st_ino, before);
	assert_int_equal(pread(open_fd, &byte, 1, 9), 1);
	assert_int_equal(byte, 'x');
	close(open_fd);
}

static void symbolic_links_lead_to_the_file(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();

	(void)state;
	assert_int_equal(mkdir("out", 0700), 0);
	fill("out/copy", 'x', 10);
	assert_int_equal(symlink("out/copy", "link"), 0);
	assert_int_equal(restore(view, "link", true, false, false), 0);
	assert_true(S_ISLNK(status("link").st_mode));
	assert_same("disk", "out/copy");
}

static void delta_writes_what_differs(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();
	ino_t before;

	(void)state;
	shell("cp --sparse=always disk copy");
	before = status("copy").st_ino;
	put_noise("copy", 5 * CHUNK + 100, 1, 9);    /* data changed */
	put_zeros("copy", 100 * CHUNK, 2 * CHUNK);   /* data gone */
	put_noise("copy", 410 * CHUNK, CHUNK, 9);    /* data in zeros */
	put_noise("copy", 1000 * CHUNK, CHUNK, 9);   /* data in a hole */
	put_noise("copy", 2000 * CHUNK + 776, 1, 9); /* the last byte */
	assert_int_equal(restore(view, "copy", true, true, true), 0);
	assert_same("disk", "copy");
	assert_int_equal(status("copy").st_ino, before);
	assert_int_equal(result.written_bytes, 5 * CHUNK + 777);
	assert_int_equal(result.written_bytes + result.same_bytes,
			 2000 * CHUNK + 777);
	assert_int_equal(restore(view, "copy", true, true, false), 0);
	assert_int_equal(result.written_bytes, 0);
}

static void delta_sets_the_size(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();

	(void)state;
	shell("cp disk copy");
	put_noise("copy", 2000 * CHUNK, 5000, 9);
	assert_int_equal(restore(view, "copy", true, true, false), 0);
	assert_same("disk", "copy");
	resize("copy", 1500 * CHUNK + 5);
	assert_int_equal(restore(view, "copy", true, true, false), 0);
	assert_same("disk", "copy");
}

static void delta_to_a_new_file_is_plain(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();

	(void)state;
	assert_int_equal(restore(view, "copy", true, true, true), 0);
	assert_same("disk", "copy");
}

static void delta_leaves_a_mounted_file_alone(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;

	(void)state;
	needs_disks();
	put_noise("disk", 0, CHUNK, 1);
	view = take_view("v", "disk");
	mount_new("image", "ext4", "mnt");
	assert_int_equal(restore(view, "image", true, true, false), -EBUSY);
	assert_true(said("mnt"));
}

/* ---- what goes wrong on the way ---- */

static int interrupt(struct sfs_progress *progress)
{
	return progress->done_bytes > 0 ? -EINTR : 0;
}

static void stopping_leaves_nothing(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();

	(void)state;
	assert_int_equal(mkdir("out", 0700), 0);
	assert_int_equal(restore_with(view, "out/copy", false, interrupt),
			 -EINTR);
	assert_int_equal(files_in("out"), 0);
}

static int change_after_writing(struct sfs_progress *progress)
{
	const char *temp;

	if (progress->done_bytes != progress->total_bytes / 2)
		return 0;
	temp = shell("ls out/.copy.snapfs-*");
	flip(temp, 1500 * CHUNK + 5);
	flip(temp, 1700 * CHUNK);
	return 0;
}

static void verify_finds_the_first_difference(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();

	(void)state;
	assert_int_equal(mkdir("out", 0700), 0);
	assert_int_equal(
		restore_with(view, "out/copy", true, change_after_writing),
		-EBADMSG);
	assert_true(said("offset 6144000")); /* of the 1500th chunk */
	assert_int_equal(files_in("out"), 0);
}

static int soil_a_hole(struct sfs_progress *progress)
{
	if (progress->done_bytes == progress->total_bytes / 2)
		flip(shell("ls out/.copy.snapfs-*"), 1000 * CHUNK + 5);
	return 0;
}

static void verify_reads_holes(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();

	(void)state;
	assert_int_equal(mkdir("out", 0700), 0);
	assert_int_equal(restore_with(view, "out/copy", true, soil_a_hole),
			 -EBADMSG);
	assert_true(said("offset 4096000"));
}

static void damage_leaves_nothing(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();
	struct sfs_entry entry = entry_at(view, 1500);

	(void)state;
	assert_int_equal(mkdir("out", 0700), 0);
	flip(pack_path(&entry), entry.offset + 100);
	assert_int_equal(restore(view, "out/copy", false, false, false),
			 -EBADMSG);
	assert_true(said(sfs_view_snapshot(view)->id));
	assert_int_equal(files_in("out"), 0);
}

/* Publish a snapshot like that of @view, which is closed, but of one chunk
 * that its source could not give. */
static struct sfs_view *bad_view(struct sfs_view *view)
{
	CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
	CLEANUP_FREE char *file = NULL;
	struct sfs_view *bad;
	char name[64];
	size_t size;

	assert_int_equal(sfs_snapshot_copy(sfs_view_snapshot(view), &snapshot),
			 0);
	sfs_view_close(view);
	snapshot->id[SFS_ID_DIGITS] =
		snapshot->id[SFS_ID_DIGITS] == '0' ? '1' : '0';
	snapshot->size = snapshot->bad_bytes = CHUNK;
	snapshot->data_bytes = 0;
	snapshot->height = 0;
	snapshot->root = (struct sfs_entry){ .kind = SFS_KIND_BAD };
	assert_int_equal(sfs_record_encode_snapshot(&repo->config, snapshot,
						    &file, &size),
			 0);
	snprintf(name, sizeof(name), "%s", snapshot->id);
	assert_int_equal(sfs_store_put(repo->store, SFS_AREA_RECORDS, name,
				       file, size, false),
			 0);
	reopen();
	assert_int_equal(sfs_view_open(repo, snapshot->id, &bad), 0);
	return bad;
}

static void gaps_of_the_source_are_named(void **state)
{
	CLEANUP_VIEW struct sfs_view *bad = NULL;

	(void)state;
	put_noise("disk", 0, CHUNK, 1);
	bad = bad_view(take_view("v", "disk"));
	assert_int_equal(restore(bad, "copy", false, false, false), -EIO);
	assert_true(said("offset 0"));
	assert_int_equal(access("copy", F_OK), -1);
}

/* ---- stdout ---- */

/* Restore to @fd as stdout. */
static int restore_stdout(struct sfs_view *view, int fd)
{
	int saved, r;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	assert_true(saved >= 0);
	assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	r = restore(view, "-", false, false, false);
	assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
	close(saved);
	return r;
}

static void stdout_gets_all_in_order(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();
	int fd = open_disk("copy");

	(void)state;
	assert_int_equal(restore_stdout(view, fd), 0);
	close(fd);
	assert_same("disk", "copy");
	assert_int_equal(result.written_bytes, 2000 * CHUNK + 777);
}

static void broken_pipe_is_an_error(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();
	struct sigaction before;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	assert_int_equal(restore_stdout(view, ends[1]), -EPIPE);
	close(ends[1]);
	/* And the signal, which would have ended this, is left as it was. */
	assert_int_equal(sigaction(SIGPIPE, NULL, &before), 0);
	assert_true(before.sa_handler == SIG_DFL);
}

static void terminal_is_refused(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();
	int master = posix_openpt(O_RDWR | O_NOCTTY), fd;

	(void)state;
	assert_true(master >= 0 && grantpt(master) == 0 &&
		    unlockpt(master) == 0);
	fd = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(restore_stdout(view, fd), -EINVAL);
	assert_true(said("terminal"));
	close(fd);
	close(master);
	assert_int_equal(restore(view, "-", false, false, true), -EINVAL);
}

/* ---- devices ---- */

static void device_is_overwritten(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();
	char device[64];

	(void)state;
	needs_disks();
	fill("backing", 'x', 2100 * CHUNK);
	snprintf(device, sizeof(device), "%s", attach("backing", ""));
	assert_int_equal(restore(view, device, false, false, false), -EEXIST);
	assert_true(said("--force"));
	assert_int_equal(restore(view, device, true, false, true), 0);
	shell("cmp -n %llu disk %s", (unsigned long long)(2000 * CHUNK + 777),
	      device);
	/* What lies behind the snapshot is not its affair. */
	assert_string_equal(shell("tail -c 4096 %s | tr -d x | wc -c", device),
			    "0");
}

static void device_delta(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();
	char device[64];

	(void)state;
	needs_disks();
	shell("cp disk backing && truncate -s %llu backing",
	      (unsigned long long)(2100 * CHUNK));
	put_noise("backing", 7 * CHUNK, CHUNK, 9);
	put_noise("backing", 1000 * CHUNK, CHUNK, 9);
	snprintf(device, sizeof(device), "%s", attach("backing", ""));
	assert_int_equal(restore(view, device, true, true, true), 0);
	shell("cmp -n %llu disk %s", (unsigned long long)(2000 * CHUNK + 777),
	      device);
	assert_int_equal(result.written_bytes, 2 * CHUNK);
	assert_int_equal(restore(view, device, true, true, false), 0);
	assert_int_equal(result.written_bytes, 0);
}

static void device_must_be_large_enough(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();
	char device[64];

	(void)state;
	needs_disks();
	fill("backing", 'x', 2000 * CHUNK);
	snprintf(device, sizeof(device), "%s", attach("backing", ""));
	assert_int_equal(restore(view, device, true, false, false), -ENOSPC);
	assert_true(said("8192000") && said("8192777"));
	assert_string_equal(shell("head -c 4096 %s | tr -d x | wc -c", device),
			    "0");
}

static void device_in_use_is_refused(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = mixed();
	char device[64];
	int fd;

	(void)state;
	needs_disks();
	mount_new("image", "ext4", "mnt");
	snprintf(device, sizeof(device), "%s", shell("findmnt -no SOURCE mnt"));
	assert_int_equal(restore(view, device, true, false, false), -EBUSY);
	assert_true(said("mnt") && said("unmount"));
	shell("umount mnt");
	fill("backing", 'x', 2100 * CHUNK);
	snprintf(device, sizeof(device), "%s", attach("backing", ""));
	fd = open(device, O_RDONLY | O_EXCL | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(restore(view, device, true, false, false), -EBUSY);
	assert_true(said("in use"));
	close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, repo_setup, repo_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(new_file_is_the_disk),
		TEST(new_file_is_its_owners_alone),
		TEST(empty_snapshot),
		TEST(huge_hole_is_quick),
		TEST(long_name),
		TEST(existing_needs_force),
		TEST(other_kinds_are_refused),
		TEST(repository_is_not_overwritten),
		TEST(too_little_space_is_told_before),
		TEST(full_later_leaves_nothing),
		TEST(force_replaces_and_keeps_attributes),
		TEST(symbolic_links_lead_to_the_file),
		TEST(delta_writes_what_differs),
		TEST(delta_sets_the_size),
		TEST(delta_to_a_new_file_is_plain),
		TEST(delta_leaves_a_mounted_file_alone),
		TEST(stopping_leaves_nothing),
		TEST(verify_finds_the_first_difference),
		TEST(verify_reads_holes),
		TEST(damage_leaves_nothing),
		TEST(gaps_of_the_source_are_named),
		TEST(stdout_gets_all_in_order),
		TEST(broken_pipe_is_an_error),
		TEST(terminal_is_refused),
		TEST(device_is_overwritten),
		TEST(device_delta),
		TEST(device_must_be_large_enough),
		TEST(device_in_use_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
