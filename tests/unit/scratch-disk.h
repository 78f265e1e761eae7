/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_UNIT_SCRATCH_DISK_H
#define SNAPFS_TESTS_UNIT_SCRATCH_DISK_H

/*
 * For tests that need disks and mounts of their own: a scratch directory, in
 * which all is undone by scratch_teardown() whatever the test did.  Paths are
 * relative to it: it is the working directory.  A test that hangs is ended by
 * SIGALRM.
 */

#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "src/log.h"

static char scratch_dir[4096];
static char scratch_log[4096]; /* the last error */

static void scratch_sink(enum sfs_level level, const char *text)
{
	if (level == SFS_LOG_ERR)
		snprintf(scratch_log, sizeof(scratch_log), "%s", text);
}

/* Run a shell command, with @format's arguments; its output's first line. */
__attribute__((format(printf, 1, 2))) static inline const char *
shell(const char *format, ...)
{
	static char line[4096];
	char command[8192];
	FILE *output;
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	output = popen(command, "re");
	assert_non_null(output);
	if (!fgets(line, sizeof(line), output))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (pclose(output) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		fail();
	}
	return line;
}

static inline int scratch_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(scratch_dir, sizeof(scratch_dir), "%s/snapfs-disk-XXXXXX",
		 tmp ? tmp : "/tmp");
	if (!mkdtemp(scratch_dir) || chdir(scratch_dir) < 0)
		return -1;
	scratch_log[0] = '\0';
	sfs_log_set_sink(scratch_sink);
	alarm(120);
	return 0;
}

/* Newest mounts first, thawed before, and the loop devices after them. */
static inline int scratch_teardown(void **state)
{
	char command[3 * sizeof(scratch_dir)];
	int r;

	(void)state;
	alarm(0);
	snprintf(command, sizeof(command),
		 "cd / && S='%s'\n"
		 "for p in $(awk '{ print $1 }' /proc/swaps | grep ^/dev/loop)"
		 "; do case $(losetup -nO BACK-FILE ${p%%p[0-9]}) in "
		 "$S/*) swapoff $p;; esac; done\n"
		 "for m in $(awk '{ print $5 }' /proc/self/mountinfo | "
		 "grep \"^$S/\" | tac); do fsfreeze -u $m 2>/dev/null; "
		 "umount $m || umount -l $m; done\n"
		 "losetup -nlO NAME,BACK-FILE | while read l f; do case $f in "
		 "$S/*) partx -d $l 2>/dev/null; losetup -d $l;; esac; done\n"
		 "rm -rf $S",
		 scratch_dir);
	r = system(command);
	return r == 0 ? 0 : -1;
}

/* Skip, saying why, without what disks need. */
static inline void needs_disks(void)
{
	if (geteuid() != 0) {
		print_message("SKIP: making disks needs root\n");
		skip();
	}
	if (access("/dev/loop-control", R_OK | W_OK) < 0) {
		print_message("SKIP: no loop devices here\n");
		skip();
	}
}

static inline void needs_filesystem(const char *type)
{
	char line[128];
	bool found = false;
	FILE *file = fopen("/proc/filesystems", "re");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		found |= strchr(line, '\t') &&
			 !strcmp(strchr(line, '\t') + 1, type);
	}
	fclose(file);
	if (!found) {
		print_message("SKIP: no %s in this kernel\n", type);
		skip();
	}
}

/* Make the image file @name holding a file system, mount it at @dir. */
static inline void mount_new(const char *name, const char *type,
			     const char *dir)
{
	needs_filesystem(type);
	shell("truncate -s %s %s && mkfs.%s -q %s && mkdir -p %s && "
	      "mount -o loop %s %s",
	      strcmp(type, "xfs") ? "128M" : "320M", name, type, name, dir,
	      name, dir);
}

/* Attach @name, giving back the device's path until the next call. */
static inline const char *attach(const char *name, const char *options)
{
	return shell("losetup -f --show %s %s", options, name);
}

static inline void fill(const char *path, char byte, size_t size)
{
	char *bytes = malloc(size);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_non_null(bytes);
	assert_true(fd >= 0);
	memset(bytes, byte, size);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(close(fd), 0);
	free(bytes);
}

/* Whether the file system at @dir is frozen, without waiting for it. */
static inline bool is_frozen(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int unused = 0, r, error;

	assert_true(fd >= 0);
	r = ioctl(fd, FIFREEZE, &unused);
	error = errno;
	if (r == 0)
		assert_int_equal(ioctl(fd, FITHAW, &unused), 0);
	else
		assert_int_equal(error, EBUSY);
	close(fd);
	return r < 0;
}

#endif
