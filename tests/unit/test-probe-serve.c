/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "src/probe-confine.h"
#include "src/probe-serve.h"
#include "tests/unit/scratch-repo.h"

#define DISK_SIZE   (2 * UINT64_C(1048576) + 777)
#define SECOND	    INT64_C(1000000000)
#define RESULT_SIZE 64

/* What a user has to say: how often something went as it must not. */
struct result {
	uint32_t bad;
	uint32_t line; /* of the first */
	uint8_t rest[RESULT_SIZE - 8];
};

#define expect(result, condition)                                              \
	do {                                                                   \
		if (!(condition) && (result)->bad++ == 0)                      \
			(result)->line = __LINE__;                             \
	} while (0)

static struct sfs_view *make_view(void)
{
	put_noise("disk", 0, DISK_SIZE, 1);
	return take_view("disk", "disk");
}

/* Run @user, which must give a result without a fault. */
static void run_well(struct sfs_view *view, sfs_disk_user *user)
{
	char why[SFS_DISK_WHY_SIZE] = "";
	struct result result;
	int r;

	r = sfs_disk_serve(view, user, 20 * SECOND, &result, sizeof(result),
			   why);
	if (r != 1)
		fail_msg("%d: %s", r, why);
	if (result.bad > 0)
		fail_msg("%u faults, the first at line %u", result.bad,
			 result.line);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* Run @user, which must be said to have ended so. */
static void run_badly(sfs_disk_user *user, int64_t time_ns,
		      const char *expected)
{
	CLEANUP_VIEW struct sfs_view *view = make_view();
	char why[SFS_DISK_WHY_SIZE] = "";
	struct result result;

	assert_int_equal(sfs_disk_serve(view, user, time_ns, &result,
					sizeof(result), why),
			 0);
	if (!strstr(why, expected))
		fail_msg("'%s' is not '%s'", why, expected);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* ---- reading ---- */

static int read_all(struct sfs_disk *disk, void *context)
{
	static uint8_t want[DISK_SIZE], got[DISK_SIZE];
	struct result *result = context;
	uint64_t offset, size;

	noise(want, DISK_SIZE, 1);
	expect(result, disk->size == DISK_SIZE);
	for (offset = 0; offset < DISK_SIZE; offset += 40009) {
		size = sfs_min(DISK_SIZE - offset, 50000);
		expect(result, sfs_disk_read(disk, got, size, offset) == 0);
		expect(result, memcmp(got, want + offset, size) == 0);
	}
	expect(result, sfs_disk_read(disk, got, DISK_SIZE, 0) == 0);
	expect(result, memcmp(got, want, DISK_SIZE) == 0);
	expect(result, sfs_disk_read(disk, got, 1, DISK_SIZE) == -ENODATA);
	expect(result, sfs_disk_read(disk, got, 2, DISK_SIZE - 1) == -ENODATA);
	expect(result, sfs_disk_read(disk, got, 1, UINT64_MAX) == -ENODATA);
	expect(result, !disk->incomplete);
	return 0;
}

static void a_user_reads_the_disk(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = make_view();

	(void)state;
	run_well(view, read_all);
}

static int copy_parts(struct sfs_disk *disk, void *context)
{
	static uint8_t want[DISK_SIZE], got[DISK_SIZE];
	struct result *result = context;

	noise(want, DISK_SIZE, 1);
	memset(want, 0, 1000);
	memset(want + 5000, 0, DISK_SIZE - 10000 - 5000);
	expect(result, sfs_disk_copy(disk, 1000, 4000) == 0);
	expect(result, sfs_disk_copy(disk, DISK_SIZE - 10000, UINT64_MAX) == 0);
	expect(result, sfs_disk_copy(disk, DISK_SIZE, 1) == 0);
	expect(result, pread(disk->copy, got, DISK_SIZE, 0) == DISK_SIZE);
	expect(result, memcmp(got, want, DISK_SIZE) == 0);
	return 0;
}

static void a_copy_holds_what_was_asked_for(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = make_view();

	(void)state;
	run_well(view, copy_parts);
}

static int meet_damage(struct sfs_disk *disk, void *context)
{
	struct result *result = context;
	uint8_t bytes[8192];

	expect(result, sfs_disk_copy(disk, 0, disk->size) == 0);
	expect(result, disk->incomplete);
	expect(result, pread(disk->copy, bytes, 1, 0x10000) == 1);
	expect(result, bytes[0] == 0);
	expect(result, pread(disk->copy, bytes, 8, 0x11000) == 8);
	expect(result, memcmp(bytes, "\0\0\0\0\0\0\0\0", 8) != 0);
	expect(result, sfs_disk_read(disk, bytes, 8192, 0x10000) < 0);
	expect(result, sfs_disk_read(disk, bytes, 8192, 0x20000) == 0);
	return 0;
}

static void damage_is_an_error_of_its_place(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = make_view();
	const struct sfs_entry entry = entry_at(view, 0x10000 / CHUNK);

	(void)state;
	flip(pack_path(&entry), entry.offset + 100);
	run_well(view, meet_damage);
}

/* ---- ending ---- */

static int crash(struct sfs_disk *disk, void *context)
{
	(void)disk;
	(void)context;
	__builtin_trap();
}

static int give_none(struct sfs_disk *disk, void *context)
{
	(void)disk;
	(void)context;
	return -EIO;
}

static int spin(struct sfs_disk *disk, void *context)
{
	volatile uint64_t turns = 0;

	(void)context;
	while (disk->size > 0)
		turns++;
	return -EIO;
}

static int ask_for_ever(struct sfs_disk *disk, void *context)
{
	uint8_t byte;

	(void)context;
	for (uint64_t i = 0;; i++)
		if (sfs_disk_read(disk, &byte, 1,
				  i * SFS_DISK_READ_MAX % (DISK_SIZE - 1)) < 0)
			return -EIO;
}

static int copy_for_ever(struct sfs_disk *disk, void *context)
{
	(void)context;
	while (sfs_disk_copy(disk, 0, DISK_SIZE) == 0)
		;
	return -EIO;
}

static int send_raw(struct sfs_disk *disk, uint32_t kind, uint32_t size,
		    uint64_t offset, size_t length)
{
	uint8_t bytes[4096] = { 0 };
	const struct sfs_disk_request request = { kind, size, offset };
	struct iovec iov = { bytes, length };
	const struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	memcpy(bytes, &request, sizeof(request));
	if (sendmsg(disk->socket, &message, MSG_NOSIGNAL) < 0)
		return -errno;
	/* Until the other end has had enough. */
	iov.iov_len = sizeof(bytes);
	while (recvmsg(disk->socket,
		       &(struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 },
		       0) > 0)
		;
	return -EIO;
}

static int read_too_much(struct sfs_disk *disk, void *context)
{
	(void)context;
	return send_raw(disk, SFS_DISK_READ, UINT32_MAX, 0,
			sizeof(struct sfs_disk_request));
}

static int copy_beyond(struct sfs_disk *disk, void *context)
{
	(void)context;
	return send_raw(disk, SFS_DISK_COPY, 4096, UINT64_MAX - 10,
			sizeof(struct sfs_disk_request));
}

static int say_little(struct sfs_disk *disk, void *context)
{
	(void)context;
	return send_raw(disk, SFS_DISK_READ, 1, 0, 3);
}

static int say_much(struct sfs_disk *disk, void *context)
{
	(void)context;
	return send_raw(disk, SFS_DISK_RESULT, 1, 0, 4096);
}

static int say_nonsense(struct sfs_disk *disk, void *context)
{
	(void)context;
	return send_raw(disk, 77, 1, 0, sizeof(struct sfs_disk_request));
}

static int give_half(struct sfs_disk *disk, void *context)
{
	(void)context;
	return send_raw(disk, SFS_DISK_RESULT, 8, 0,
			sizeof(struct sfs_disk_request) + 8);
}

static int ask_deaf(struct sfs_disk *disk, void *context)
{
	const struct sfs_disk_request request = { SFS_DISK_READ,
						  SFS_DISK_READ_MAX, 0 };
	struct iovec iov = { (void *)(uintptr_t)&request, sizeof(request) };
	const struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	(void)context;
	while (sendmsg(disk->socket, &message, MSG_NOSIGNAL) >= 0)
		;
	return -EIO;
}

static void however_a_user_ends_it_is_told(void **state)
{
	(void)state;
	run_badly(give_none, 20 * SECOND, "ended with status 71");
	run_badly(spin, SECOND / 10, "took too long");
	run_badly(ask_for_ever, 60 * SECOND, "asked too often");
	run_badly(copy_for_ever, 60 * SECOND, "asked for too much");
	run_badly(read_too_much, 20 * SECOND, "asked for too much");
	run_badly(copy_beyond, 20 * SECOND, "asked for too much");
	run_badly(ask_deaf, 20 * SECOND, "asked without listening");
	run_badly(say_little, 20 * SECOND, "asked for what there is not");
	run_badly(say_much, 20 * SECOND, "asked for what there is not");
	run_badly(say_nonsense, 20 * SECOND, "asked for what there is not");
	run_badly(give_half, 20 * SECOND, "asked for what there is not");
}

static void a_user_that_crashes_is_told(void **state)
{
	(void)state;
	if (!sfs_confine_is_strict())
		skip(); /* its sanitizer has a say in that */
	run_badly(crash, 20 * SECOND, "died of signal");
}

/* ---- confinement ---- */

static int try_things(struct sfs_disk *disk, void *context)
{
	struct result *result = context;
	void *map;
	char byte;

	for (int fd = 2; fd < 100; fd++)
		expect(result, read(fd, &byte, 1) < 0 && errno == EBADF);
	expect(result, open("/", O_RDONLY | O_CLOEXEC) < 0);
	expect(result, open("/dev/null", O_WRONLY | O_CLOEXEC) < 0);
	expect(result, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0);
	expect(result, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0);
	expect(result, memfd_create("more", MFD_CLOEXEC) < 0);
	expect(result, fork() < 0);
	expect(result, kill(1, 0) < 0 && errno == EPERM);
	expect(result, unlink("repo/snapfs.json") < 0 && errno == EPERM);
	execl("/bin/true", "true", NULL);
	expect(result, write(disk->copy, "x", 1) < 0 && errno == EPERM);
	expect(result, pwrite(disk->copy, "x", 1, 0) < 0 && errno == EPERM);
	expect(result, ftruncate(disk->copy, 1) < 0 && errno == EPERM);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, disk->copy,
		   0);
	expect(result, map == MAP_FAILED && errno == EPERM);
	map = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(result, map == MAP_FAILED && errno == EPERM);
	return 0;
}

static int take_memory(struct sfs_disk *disk, void *context)
{
	struct result *result = context;
	void *volatile memory;

	(void)disk;
	for (uint64_t taken = 0; taken < 2 * SFS_CONFINE_MEMORY;
	     taken += 1 << 20) {
		memory = malloc(1 << 20);
		if (!memory) {
			expect(result, taken > SFS_CONFINE_MEMORY / 2);
			return 0;
		}
	}
	expect(result, false);
	return 0;
}

static void a_user_has_nothing_but_the_disk(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;

	(void)state;
	if (!sfs_confine_is_strict())
		skip();
	view = make_view();
	run_well(view, try_things);
	run_well(view, take_memory);
}

/* Kill the one child of this process called snapfs-probe and give back what
 * /proc said of it, in one line; false while there is none. */
static bool see_and_kill(char *ret, size_t size)
{
	snprintf(ret, size, "%s",
		 shell("for c in $(cat /proc/%d/task/*/children 2>/dev/null); "
		       "do tr '\\n\\t' '  ' 2>/dev/null </proc/$c/status | "
		       "grep '^Name: *snapfs-probe ' && kill -9 $c; done; true",
		       (int)getpid()));
	return ret[0] != '\0';
}

static void *watch_child(void *seen)
{
	while (!see_and_kill(seen, 4096))
		;
	return NULL;
}

static void it_is_nobody_and_can_be_killed(void **state)
{
	CLEANUP_VIEW struct sfs_view *view = NULL;
	char why[SFS_DISK_WHY_SIZE] = "";
	static char seen[4096];
	struct result result;
	pthread_t watcher;

	(void)state;
	if (geteuid() != 0)
		skip();
	view = make_view();
	assert_int_equal(pthread_create(&watcher, NULL, watch_child, seen), 0);
	assert_int_equal(sfs_disk_serve(view, spin, 60 * SECOND, &result,
					sizeof(result), why),
			 0);
	pthread_join(watcher, NULL);
	assert_string_equal(why, "died of signal 9 (Killed)");
	assert_non_null(strstr(seen, "Uid: 65534 65534 65534 65534 "));
	assert_non_null(strstr(seen, "Gid: 65534 65534 65534 65534 "));
	assert_non_null(strstr(seen, "CapEff: 0000000000000000 "));
	assert_non_null(strstr(seen, "NoNewPrivs: 1 "));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, repo_setup, repo_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_user_reads_the_disk),
		TEST(a_copy_holds_what_was_asked_for),
		TEST(damage_is_an_error_of_its_place),
		TEST(however_a_user_ends_it_is_told),
		TEST(a_user_that_crashes_is_told),
		TEST(a_user_has_nothing_but_the_disk),
		TEST(it_is_nobody_and_can_be_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
