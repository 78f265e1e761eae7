/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A loop device over a partition, and what is on it mounted. */

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "src/attach.h"
#include "src/log.h"
#include "src/mounted.h"

/* As the mount of the repository below has it. */
#define READ_AHEAD_KB "2048"

/* Others look for a free loop device at the same moment. */
#define LOOP_TRIES 64

/* How the kernel calls what libblkid found, and how it is to be mounted.  An
 * ext file system may ask for a panic when it finds itself damaged. */
static const struct method {
	const char *type;
	const char *kernel;
	const char *data;
} methods[] = {
	{ "ext2", "ext2", "errors=remount-ro" },
	{ "ext2", "ext4", "errors=remount-ro" },
	{ "ext3", "ext3", "errors=remount-ro" },
	{ "ext3", "ext4", "errors=remount-ro" },
	{ "ext4", "ext4", "errors=remount-ro" },
	/* Its original, or another snapshot of it, may be mounted. */
	{ "xfs", "xfs", "nouuid" },
	{ "ntfs", "ntfs3", NULL },
	{ "ntfs", "ntfs", NULL },
};

/* ---- the loop device ---- */

static int open_free(void)
{
	CLEANUP_CLOSE int control =
		open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	char path[32];
	int number, fd;

	if (control < 0)
		return -errno;
	number = ioctl(control, LOOP_CTL_GET_FREE);
	if (number < 0)
		return -errno;
	snprintf(path, sizeof(path), "/dev/loop%d", number);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* It ends with its last user, so that nothing is left when we die. */
static int try_loop(const struct sfs_attach_source *source, int file)
{
	struct loop_config config = {
		.fd = (unsigned)file,
		.block_size = source->sector_size == 4096 ? 4096 : 512,
		.info = {
			.lo_offset = source->partition->offset,
			.lo_sizelimit = source->partition->size,
			.lo_flags = LO_FLAGS_AUTOCLEAR,
		},
	};
	CLEANUP_CLOSE int fd = open_free();

	if (fd < 0)
		return fd;
	snprintf((char *)config.info.lo_file_name,
		 sizeof(config.info.lo_file_name), "%s", source->mark);
	if (ioctl(fd, LOOP_CONFIGURE, &config) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* Both only make it faster: what is read is cached once, not twice, and in
 * good time. */
static void tune(int loop)
{
	CLEANUP_FCLOSE FILE *file = NULL;
	char path[64];
	struct stat st;

	sfs_ignore(ioctl(loop, LOOP_SET_DIRECT_IO, 1UL));
	if (fstat(loop, &st) < 0)
		return;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/bdi/read_ahead_kb",
		 major(st.st_rdev), minor(st.st_rdev));
	file = fopen(path, "we");
	if (file)
		fputs(READ_AHEAD_KB, file);
}

static int make_loop(const struct sfs_attach_source *source)
{
	CLEANUP_CLOSE int file = open(source->file, O_RDWR | O_CLOEXEC);
	int r;

	if (file < 0) {
		r = -errno;
		sfs_err("'%s': its file in scratch/ cannot be opened: %s",
			source->name, strerror(-r));
		return r;
	}
	r = -EBUSY;
	for (int i = 0; i < LOOP_TRIES && r == -EBUSY; i++)
		r = try_loop(source, file);
	if (r < 0) {
		sfs_err("'%s': a loop device cannot be had: %s", source->name,
			strerror(-r));
		return r == -EINVAL || r == -EBUSY ? -EIO : r;
	}
	tune(r);
	return r;
}

/* ---- the mount ---- */

/* Before Linux 6.7 btrfs knows a file system by its id alone: it mistakes a
 * copy for the original, while that is mounted. */
static int check_btrfs(const struct sfs_attach_source *source)
{
	const struct sfs_probe_partition *p = source->partition;
	char path[96];

	if (strcmp(p->type, "btrfs") != 0 || p->uuid[0] == '\0' ||
	    access("/sys/fs/btrfs/features/temp_fsid", F_OK) == 0)
		return 0;
	snprintf(path, sizeof(path), "/sys/fs/btrfs/%s", p->uuid);
	if (access(path, F_OK) < 0)
		return 0;
	sfs_err("'%s': a btrfs with the same id, %s, is mounted on this host, "
		"and this kernel cannot tell the two apart; unmount that one "
		"first, or attach on another host",
		source->name, p->uuid);
	return -EEXIST;
}

static void explain(const struct sfs_attach_source *source, int error)
{
	const char *type = source->partition->type;

	switch (error) {
	case ENODEV:
		sfs_err("'%s': this kernel cannot mount %s; is its module "
			"installed?",
			source->name, type);
		break;
	case EROFS:
	case EACCES:
		sfs_err("'%s': %s can only be mounted read-only here: %s",
			source->name, type, strerror(error));
		break;
	default:
		sfs_err("'%s': the kernel does not mount this %s: %s; it is "
			"damaged, cut short or of a newer kind, and the "
			"kernel's log (dmesg) says which",
			source->name, type, strerror(error));
	}
}

static int try_mount(const struct sfs_attach_source *source,
		     const struct method *method, const char *node,
		     const char *directory)
{
	unsigned long flags = MS_NODEV | MS_NOSUID;

	if (!source->writable)
		flags |= MS_RDONLY;
	if (mount(node, directory, method->kernel, flags, method->data) < 0)
		return -errno;
	return 0;
}

/* As each name the kernel may know it by. */
static int mount_node(const struct sfs_attach_source *source, const char *node,
		      const char *directory)
{
	const struct method plain = { .kernel = source->partition->type };
	bool known = false;
	int r = -ENODEV;

	for (size_t i = 0; i < SFS_ARRAY_SIZE(methods) && r == -ENODEV; i++) {
		if (strcmp(methods[i].type, source->partition->type) != 0)
			continue;
		known = true;
		r = try_mount(source, &methods[i], node, directory);
	}
	return known ? r : try_mount(source, &plain, node, directory);
}

int sfs_attach_mount(const struct sfs_attach_source *source,
		     const char *directory)
{
	CLEANUP_CLOSE int loop = -1;
	char node[64];
	struct stat st;
	int r;

	r = check_btrfs(source);
	if (r < 0)
		return r;
	loop = make_loop(source);
	if (loop < 0)
		return loop;
	if (fstat(loop, &st) < 0)
		return -errno;
	sfs_sysfs_node(st.st_rdev, node, sizeof(node));
	r = mount_node(source, node, directory);
	if (r < 0) {
		explain(source, -r);
		return r == -ENOMEM || r == -EINTR ? r : -EIO;
	}
	return 0;
}
