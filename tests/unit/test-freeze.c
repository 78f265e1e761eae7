/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "src/source.h"
#include "tests/unit/scratch-disk.h"

static int start(const char *first, const char *second, const char *clear,
		 struct sfs_freeze **ret)
{
	char *dirs[] = { (char *)(uintptr_t)first, (char *)(uintptr_t)second };

	return sfs_freeze_start(dirs, second ? 2 : 1, clear, ret);
}

/* The guard of @parent's freeze. */
static pid_t guard_of(pid_t parent)
{
	return (pid_t)atoi(shell("pgrep -x -P %d snapfs-freeze", parent));
}

static void freezes_and_thaws(void **state)
{
	struct sfs_freeze *freeze;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	assert_int_equal(start("mnt", NULL, ".", &freeze), 0);
	assert_true(is_frozen("mnt"));
	assert_int_equal(sfs_freeze_thaw(freeze), 0);
	assert_false(is_frozen("mnt"));
}

static void free_thaws(void **state)
{
	struct sfs_freeze *freeze;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	assert_int_equal(start("mnt", NULL, NULL, &freeze), 0);
	sfs_freeze_free(freeze);
	assert_false(is_frozen("mnt"));
	sfs_freeze_free(NULL);
}

static void same_filesystem_is_frozen_once(void **state)
{
	struct sfs_freeze *freeze;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	shell("mkdir again && mount --bind mnt again");
	assert_int_equal(start("mnt", "again", NULL, &freeze), 0);
	assert_int_equal(sfs_freeze_thaw(freeze), 0);
	assert_false(is_frozen("mnt"));
}

static void covers_what_is_frozen(void **state)
{
	struct sfs_freeze *freeze;
	struct stat inside, outside;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	assert_int_equal(stat("mnt", &inside), 0);
	assert_int_equal(stat(".", &outside), 0);
	assert_int_equal(start("mnt", NULL, NULL, &freeze), 0);
	assert_true(sfs_freeze_covers(freeze, inside.st_dev));
	assert_false(sfs_freeze_covers(freeze, outside.st_dev));
	sfs_freeze_free(freeze);
}

static void refuses_what_must_stay_writable(void **state)
{
	struct sfs_freeze *freeze;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	shell("mkdir mnt/repo");
	assert_int_equal(start("mnt", NULL, "mnt/repo", &freeze), -EINVAL);
	assert_non_null(strstr(scratch_log, "'mnt/repo' is on it"));
	assert_false(is_frozen("mnt"));
}

/* The repository is on a disk in a file on what is to be frozen. */
static void refuses_what_is_below_it(void **state)
{
	struct sfs_freeze *freeze;

	(void)state;
	needs_disks();
	mount_new("outer", "xfs", "mnt");
	mount_new("mnt/inner", "ext4", "repo");
	assert_int_equal(start("mnt", NULL, "repo", &freeze), -EINVAL);
	assert_int_equal(start("repo", NULL, "mnt", &freeze), 0);
	sfs_freeze_free(freeze);
}

static void refuses_plain_directories(void **state)
{
	struct sfs_freeze *freeze;

	(void)state;
	assert_int_equal(mkdir("plain", 0700), 0);
	assert_int_equal(start("plain", NULL, NULL, &freeze), -EINVAL);
	assert_non_null(strstr(scratch_log, "nothing is mounted there"));
	assert_int_equal(start("absent", NULL, NULL, &freeze), -ENOENT);
	fill("file", 'x', 1);
	assert_int_equal(start("file", NULL, NULL, &freeze), -ENOTDIR);
}

static void refuses_what_cannot_freeze(void **state)
{
	struct sfs_freeze *freeze;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	shell("mkdir tmpfs && mount -t tmpfs tmpfs tmpfs");
	assert_int_equal(start("mnt", "tmpfs", NULL, &freeze), -EOPNOTSUPP);
	assert_non_null(strstr(scratch_log, "'tmpfs'"));
	assert_false(is_frozen("mnt"));
}

static void failure_thaws_the_others(void **state)
{
	struct sfs_freeze *freeze;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	mount_new("other", "ext4", "frozen");
	shell("fsfreeze -f frozen");
	assert_int_equal(start("mnt", "frozen", NULL, &freeze), -EBUSY);
	assert_non_null(strstr(scratch_log, "fsfreeze -u 'frozen'"));
	assert_false(is_frozen("mnt"));
	assert_true(is_frozen("frozen")); /* is not ours to thaw */
}

static void notices_a_foreign_thaw(void **state)
{
	struct sfs_freeze *freeze;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	mount_new("other", "ext4", "mnt2");
	assert_int_equal(start("mnt", "mnt2", NULL, &freeze), 0);
	shell("fsfreeze -u mnt");
	assert_int_equal(sfs_freeze_thaw(freeze), -EIO);
	assert_non_null(strstr(scratch_log, "'mnt': the freeze did not hold"));
	assert_false(is_frozen("mnt2"));
}

static void killed_guard_is_stood_in_for(void **state)
{
	struct sfs_freeze *freeze;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	assert_int_equal(start("mnt", NULL, NULL, &freeze), 0);
	assert_int_equal(kill(guard_of(getpid()), SIGKILL), 0);
	assert_int_equal(sfs_freeze_thaw(freeze), -EIO);
	assert_non_null(strstr(scratch_log, "guard"));
	assert_false(is_frozen("mnt"));
}

static void guard_outlives_polite_signals(void **state)
{
	static const int signals[] = { SIGINT,	SIGTERM, SIGHUP,
				       SIGQUIT, SIGPIPE, SIGTSTP };
	struct sfs_freeze *freeze;
	pid_t guard;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	assert_int_equal(start("mnt", NULL, NULL, &freeze), 0);
	guard = guard_of(getpid());
	assert_int_equal(getsid(guard), guard); /* no terminal's ^C */
	for (size_t i = 0; i < SFS_ARRAY_SIZE(signals); i++)
		assert_int_equal(kill(guard, signals[i]), 0);
	assert_true(is_frozen("mnt"));
	assert_int_equal(sfs_freeze_thaw(freeze), 0);
}

/* Freeze, start a program as a hook would be, and wait to be killed. */
static void freeze_and_wait(int ready, int hook)
{
	struct sfs_freeze *freeze;

	if (start("mnt", NULL, NULL, &freeze) < 0)
		_exit(1);
	if (fork() == 0) {
		dup2(hook, STDIN_FILENO);
		execlp("cat", "cat", (char *)NULL);
		_exit(1);
	}
	if (write(ready, "", 1) == 1)
		pause();
	_exit(1);
}

/* Wait for that, and not for ever: whoever writes to a frozen file system
 * cannot even be killed. */
static void thaws(const char *dir)
{
	time_t deadline = time(NULL) + 20;

	while (is_frozen(dir))
		assert_true(time(NULL) < deadline);
}

/* Also while a child of the killed process lives on. */
static void killed_process_leaves_nothing_frozen(void **state)
{
	int ready[2], hook[2];
	pid_t pid;
	char byte;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(hook, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		freeze_and_wait(ready[1], hook[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_true(is_frozen("mnt"));

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	thaws("mnt");
	close(hook[1]);
	close(hook[0]);
	close(ready[0]);
	close(ready[1]);
}

static void write_to_what_is_frozen(int ready)
{
	struct sfs_freeze *freeze;

	if (start("mnt", NULL, NULL, &freeze) < 0 || write(ready, "", 1) != 1)
		_exit(1);
	fill("mnt/file", 'x', 4096);
	_exit(1);
}

/* It is stuck in the kernel and does not die before it is thawed. */
static void stuck_process_is_freed_by_killing(void **state)
{
	int ready[2], status;
	pid_t pid;
	char byte;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		write_to_what_is_frozen(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	while (*shell("grep -c '^State:.D' /proc/%d/status || true", pid) !=
	       '1')
		;
	assert_true(is_frozen("mnt"));
	assert_int_equal(kill(pid, SIGKILL), 0);
	thaws("mnt");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(ready[0]);
	close(ready[1]);
}

/* Locks and pipes end with their owner, not with the guard. */
static void guard_holds_no_descriptor_of_ours(void **state)
{
	struct sfs_freeze *freeze;
	int ends[2];
	char byte;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(start("mnt", NULL, NULL, &freeze), 0);
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
	assert_int_equal(sfs_freeze_thaw(freeze), 0);
}

static void leaks_no_descriptor(void **state)
{
	struct sfs_freeze *freeze;
	int before, after;

	(void)state;
	needs_disks();
	mount_new("disk", "ext4", "mnt");
	before = dup(0);
	close(before);
	assert_int_equal(start("mnt", NULL, ".", &freeze), 0);
	assert_int_equal(sfs_freeze_thaw(freeze), 0);
	assert_int_equal(start("mnt", ".", NULL, &freeze), -EINVAL);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

#define disk_test(f)                                                           \
	cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		disk_test(freezes_and_thaws),
		disk_test(free_thaws),
		disk_test(same_filesystem_is_frozen_once),
		disk_test(covers_what_is_frozen),
		disk_test(refuses_what_must_stay_writable),
		disk_test(refuses_what_is_below_it),
		disk_test(refuses_plain_directories),
		disk_test(refuses_what_cannot_freeze),
		disk_test(failure_thaws_the_others),
		disk_test(notices_a_foreign_thaw),
		disk_test(killed_guard_is_stood_in_for),
		disk_test(guard_outlives_polite_signals),
		disk_test(killed_process_leaves_nothing_frozen),
		disk_test(stuck_process_is_freed_by_killing),
		disk_test(guard_holds_no_descriptor_of_ours),
		disk_test(leaks_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
