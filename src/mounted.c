/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/mounted.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "src/log.h"

#define BTRFS_DIR "/sys/fs/btrfs"

/* Undo the \ooo that mountinfo writes for blanks and backslashes. */
static void unescape(char *s)
{
	char *to = s;
	unsigned code;

	while (*s) {
		if (s[0] == '\\' && sscanf(s + 1, "%3o", &code) == 1) {
			*to++ = (char)code;
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

static uint64_t block_device_at(const char *path)
{
	struct stat st;

	/* Sources such as "server:/dir" are no paths and must not be asked
	 * for. */
	if (path[0] != '/' || stat(path, &st) < 0 || !S_ISBLK(st.st_mode))
		return 0;
	return st.st_rdev;
}

static bool has_option(const char *options, const char *option)
{
	size_t size = strlen(option);

	for (; options; options = strchr(options, ',')) {
		options += *options == ',';
		if (!strncmp(options, option, size) &&
		    (options[size] == ',' || options[size] == '\0'))
			return true;
	}
	return false;
}

/* "36 35 98:0 /root /mnt rw,noatime master:1 - ext4 /dev/sda rw,errors=..."
 * where any number of fields may stand before the lone "-". */
static int parse_line(char *line, struct sfs_mount *ret)
{
	char *dir = NULL, *type, *source, *options, *save, *tail;
	unsigned major_number, minor_number;
	uint64_t id;

	if (sscanf(line, "%" SCNu64 " %*u %u:%u %*s %ms", &id, &major_number,
		   &minor_number, &dir) != 4)
		return -EUCLEAN;
	ret->dir = dir;
	tail = strstr(line, " - ");
	if (!tail)
		return -EUCLEAN;
	type = strtok_r(tail + 3, " \n", &save);
	source = strtok_r(NULL, " \n", &save);
	options = strtok_r(NULL, " \n", &save);
	if (!options) { /* a file system with an empty source */
		options = source;
		source = NULL;
	}
	if (!type || !options)
		return -EUCLEAN;

	unescape(dir);
	ret->id = id;
	ret->fs = makedev(major_number, minor_number);
	ret->btrfs = !strcmp(type, "btrfs");
	ret->writable = has_option(options, "rw");
	if (major_number != 0) {
		ret->device = ret->fs;
	} else if (source) {
		unescape(source);
		ret->device = block_device_at(source);
	}
	return 0;
}

static int add_line(struct sfs_mounts *mounts, char *line)
{
	struct sfs_mount mount = { 0 };
	int r;

	r = sfs_grow(&mounts->mounts, &mounts->capacity, mounts->count,
		     sizeof(mount));
	if (r < 0)
		return r;
	r = parse_line(line, &mount);
	if (r < 0) {
		free(mount.dir);
		sfs_err("'/proc/self/mountinfo': line not understood: %s",
			line);
		return r;
	}
	mounts->mounts[mounts->count++] = mount;
	return 0;
}

int sfs_mounts_read(struct sfs_mounts *ret)
{
	CLEANUP_MOUNTS struct sfs_mounts mounts = { 0 };
	CLEANUP_FCLOSE FILE *file = NULL;
	CLEANUP_FREE char *line = NULL;
	size_t size = 0;
	int r;

	file = fopen("/proc/self/mountinfo", "re");
	if (!file) {
		r = -errno;
		sfs_err("'/proc/self/mountinfo': %s", strerror(-r));
		return r;
	}
	while (getline(&line, &size, file) > 0) {
		r = add_line(&mounts, line);
		if (r < 0)
			return r;
	}

	*ret = mounts;
	mounts = (struct sfs_mounts){ 0 };
	return 0;
}

int sfs_mounts_path(const char *dir, char *ret, size_t size)
{
	CLEANUP_FREE char *parent = sfs_strdup(dir);
	CLEANUP_FREE char *real = realpath(dir, NULL);
	CLEANUP_FREE char *above = NULL;
	const char *last;
	char *slash;
	size_t n;

	if (!parent)
		return -ENOMEM;
	if (real)
		return snprintf(ret, size, "%s", real) < (int)size
			       ? 0
			       : -ENAMETOOLONG;
	for (n = strlen(parent); n > 1 && parent[n - 1] == '/'; n--)
		parent[n - 1] = '\0';
	slash = strrchr(parent, '/');
	last = slash ? slash + 1 : parent;
	if (slash)
		*slash = '\0';
	above = realpath(!slash ? "." : slash == parent ? "/" : parent, NULL);
	if (!above)
		return -errno;
	n = (size_t)snprintf(ret, size, "%s/%s",
			     strcmp(above, "/") == 0 ? "" : above, last);
	return n < size ? 0 : -ENAMETOOLONG;
}

void sfs_mounts_done(struct sfs_mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++)
		free(mounts->mounts[i].dir);
	free(mounts->mounts);
	*mounts = (struct sfs_mounts){ 0 };
}

/* ---- sysfs ---- */

static uint64_t parse_device(const char *text)
{
	unsigned major_number, minor_number;

	if (sscanf(text, "%u:%u", &major_number, &minor_number) != 2)
		return 0;
	return makedev(major_number, minor_number);
}

static int read_text(const char *path, char *ret, size_t size)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	size_t n;

	if (!file)
		return -errno;
	n = fread(ret, 1, size - 1, file);
	while (n > 0 && ret[n - 1] == '\n')
		n--;
	ret[n] = '\0';
	return 0;
}

int sfs_sysfs_read(uint64_t device, const char *name, char *ret, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(device),
		 minor(device), name);
	return read_text(path, ret, size);
}

uint64_t sfs_sysfs_disk(uint64_t device)
{
	char text[32];
	uint64_t disk = 0;

	if (sfs_sysfs_read(device, "partition", text, sizeof(text)) == 0 &&
	    sfs_sysfs_read(device, "../dev", text, sizeof(text)) == 0)
		disk = parse_device(text);
	return disk ? disk : device;
}

void sfs_sysfs_node(uint64_t device, char *ret, size_t size)
{
	char uevent[4096];
	char *name, *end;

	if (sfs_sysfs_read(device, "uevent", uevent, sizeof(uevent)) == 0 &&
	    (name = strstr(uevent, "DEVNAME=")) != NULL) {
		end = strchrnul(name, '\n');
		snprintf(ret, size, "/dev/%.*s", (int)(end - name - 8),
			 name + 8);
	} else {
		snprintf(ret, size, "%u:%u", major(device), minor(device));
	}
}

static int list_entry(const char *directory, const char *entry,
		      const char *marker,
		      int (*each)(uint64_t device, void *context),
		      void *context)
{
	char path[PATH_MAX], text[32];
	uint64_t device = 0;

	if (snprintf(path, sizeof(path), "%s/%s/%s", directory, entry,
		     marker) >= (int)sizeof(path) ||
	    access(path, F_OK) < 0)
		return 0;
	if (snprintf(path, sizeof(path), "%s/%s/dev", directory, entry) >=
	    (int)sizeof(path))
		return 0;
	if (read_text(path, text, sizeof(text)) == 0)
		device = parse_device(text);
	return device ? each(device, context) : 0;
}

static int list_directory(const char *path, const char *marker,
			  int (*each)(uint64_t device, void *context),
			  void *context)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	int r = 0;

	/* It went away, or this kind of device has none. */
	if (!dir)
		return 0;
	while (r == 0 && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			r = list_entry(path, entry->d_name, marker, each,
				       context);
	closedir(dir);
	return r;
}

int sfs_sysfs_list(uint64_t device, const char *directory, const char *marker,
		   int (*each)(uint64_t device, void *context), void *context)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(device),
		 minor(device), directory);
	return list_directory(path, marker, each, context);
}

int sfs_sysfs_loops(int (*each)(uint64_t device, void *context), void *context)
{
	/* The attribute group "loop" is there while one is attached. */
	return list_directory("/sys/block", "loop", each, context);
}

/* ---- file systems on devices ---- */

struct pair {
	uint64_t devices[2];
	bool found[2];
};

static int note_member(uint64_t device, void *context)
{
	struct pair *pair = context;

	for (int i = 0; i < 2; i++)
		pair->found[i] |= pair->devices[i] == device;
	return 0;
}

/* Whether two devices are members of one btrfs. */
static bool btrfs_has_both(uint64_t a, uint64_t b)
{
	struct pair pair;
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *dir = opendir(BTRFS_DIR);

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		pair = (struct pair){ .devices = { a, b } };
		snprintf(path, sizeof(path), BTRFS_DIR "/%s/devices",
			 entry->d_name);
		sfs_ignore(list_directory(path, "dev", note_member, &pair));
		found = pair.found[0] && pair.found[1];
	}
	closedir(dir);
	return found;
}

bool sfs_mount_is_on(const struct sfs_mount *mount, uint64_t device)
{
	if (mount->device == device)
		return true;
	return mount->btrfs && mount->device &&
	       btrfs_has_both(mount->device, device);
}

int sfs_mounts_of_fd(const struct sfs_mounts *mounts, int fd, uint64_t *ret_fs)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID,
		  &stx) < 0)
		return -errno;
	for (size_t i = 0; i < mounts->count; i++) {
		if (mounts->mounts[i].id == stx.stx_mnt_id &&
		    (stx.stx_mask & STATX_MNT_ID)) {
			*ret_fs = mounts->mounts[i].fs;
			return 0;
		}
	}
	/* Not in the table (detached, or outside a chroot): right but for
	 * btrfs subvolumes. */
	*ret_fs = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	return 0;
}

struct stack {
	const struct sfs_mounts *mounts;
	uint64_t below;
	unsigned depth;
};

static bool device_is_on(struct stack *stack, uint64_t device);

static int slave_is_on(uint64_t device, void *context)
{
	return device_is_on(context, device);
}

static bool device_is_on(struct stack *stack, uint64_t device)
{
	CLEANUP_CLOSE int fd = -1;
	char path[PATH_MAX];
	uint64_t fs;
	bool found = false;

	/* Deeper than anybody stacks: sysfs changed under us. */
	if (stack->depth > 16)
		return false;
	stack->depth++;
	device = sfs_sysfs_disk(device);
	if (sfs_sysfs_read(device, "loop/backing_file", path, sizeof(path)) ==
	    0) {
		fd = open(path, O_PATH | O_CLOEXEC);
		if (fd >= 0 && sfs_mounts_of_fd(stack->mounts, fd, &fs) == 0)
			found = fs == stack->below || device_is_on(stack, fs);
	}
	found = found ||
		sfs_sysfs_list(device, "slaves", "dev", slave_is_on, stack);
	stack->depth--;
	return found;
}

bool sfs_mounts_stacked(const struct sfs_mounts *mounts, uint64_t fs,
			uint64_t below)
{
	struct stack stack = { .mounts = mounts, .below = below };

	if (fs == below)
		return true;
	for (size_t i = 0; i < mounts->count; i++)
		if (mounts->mounts[i].fs == fs && mounts->mounts[i].device)
			return device_is_on(&stack, mounts->mounts[i].device);
	return false;
}
