/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/probe-run.h"

/*
 * Whose root file system a partition holds, read by libext2fs.  Its journal is
 * left alone: after a crash what is looked at here is as it was before the
 * last few seconds, or the checksums say that it is neither.
 */

#include <errno.h>
#include <et/com_err.h>
#include <ext2fs/ext2fs.h>
#include <stdio.h>
#include <string.h>

#include "format/name.h"
#include "src/cleanup.h"

/* The most of an os-release that is read; they are smaller than 1 KiB. */
#define OS_RELEASE_MAX (64u << 10)

/* ---- blocks ---- */

/* A channel's private data. */
struct window {
	struct sfs_disk *disk;
	uint64_t offset;
	uint64_t size;
};

/* What the next channel is for: a manager is not told.  The process has one
 * thread, and is there for one disk. */
static struct window opening;

static errcode_t channel_open(const char *name, int flags, io_channel *ret);

static errcode_t channel_close(io_channel channel)
{
	if (--channel->refcount > 0)
		return 0;
	free(channel->private_data);
	free(channel->name);
	free(channel);
	return 0;
}

static errcode_t channel_set_blksize(io_channel channel, int size)
{
	channel->block_size = size;
	return 0;
}

/* A negative @count is of bytes. */
static errcode_t channel_read64(io_channel channel, unsigned long long block,
				int count, void *data)
{
	const struct window *window = channel->private_data;
	const uint64_t block_size = (uint64_t)channel->block_size;
	uint64_t size;
	int r;

	size = count < 0 ? (uint64_t)(-(int64_t)count)
			 : (uint64_t)count * block_size;
	if (block > window->size / block_size ||
	    size > window->size - block * block_size)
		return EXT2_ET_SHORT_READ;
	r = sfs_disk_read(window->disk, data, size,
			  window->offset + block * block_size);
	if (r < 0)
		return r == -ENODATA ? EXT2_ET_SHORT_READ : EIO;
	return 0;
}

static errcode_t channel_read(io_channel channel, unsigned long block,
			      int count, void *data)
{
	return channel_read64(channel, block, count, data);
}

static errcode_t channel_write64(io_channel channel, unsigned long long block,
				 int count, const void *data)
{
	(void)channel;
	(void)block;
	(void)count;
	(void)data;
	return EROFS;
}

static errcode_t channel_write(io_channel channel, unsigned long block,
			       int count, const void *data)
{
	return channel_write64(channel, block, count, data);
}

static errcode_t channel_flush(io_channel channel)
{
	(void)channel;
	return 0;
}

static struct struct_io_manager manager = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER,
	.name = "snapfs",
	.open = channel_open,
	.close = channel_close,
	.set_blksize = channel_set_blksize,
	.read_blk = channel_read,
	.read_blk64 = channel_read64,
	.write_blk = channel_write,
	.write_blk64 = channel_write64,
	.flush = channel_flush,
};

static errcode_t channel_open(const char *name, int flags, io_channel *ret)
{
	CLEANUP_FREE struct struct_io_channel *channel = NULL;
	CLEANUP_FREE struct window *window = NULL;
	CLEANUP_FREE char *copy = NULL;

	(void)flags;
	channel = sfs_calloc(1, sizeof(*channel));
	window = sfs_malloc(sizeof(*window));
	copy = sfs_strdup(name);
	if (!channel || !window || !copy)
		return ENOMEM;
	*window = opening;
	channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	channel->manager = &manager;
	channel->block_size = 1024;
	channel->refcount = 1;
	channel->private_data = TAKE_PTR(window);
	channel->name = TAKE_PTR(copy);
	*ret = TAKE_PTR(channel);
	return 0;
}

/* ---- files ---- */

static bool is_absent(errcode_t error)
{
	return error == EXT2_ET_FILE_NOT_FOUND ||
	       error == EXT2_ET_NO_DIRECTORY || error == EXT2_ET_SYMLINK_LOOP;
}

/* The regular file at @path, within this file system. */
static errcode_t find_file(ext2_filsys fs, const char *path, ext2_ino_t *ret)
{
	struct ext2_inode inode;
	ext2_ino_t number;
	errcode_t error;

	error = ext2fs_namei_follow(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, path,
				    &number);
	if (error)
		return error;
	error = ext2fs_read_inode(fs, number, &inode);
	if (error)
		return error;
	if (!LINUX_S_ISREG(inode.i_mode))
		return EXT2_ET_FILE_NOT_FOUND;
	*ret = number;
	return 0;
}

/* The first bytes of @path. */
static errcode_t read_file(ext2_filsys fs, const char *path, void *buffer,
			   unsigned size, unsigned *ret_size)
{
	ext2_ino_t number;
	ext2_file_t file;
	errcode_t error;

	error = find_file(fs, path, &number);
	if (error)
		return error;
	error = ext2fs_file_open(fs, number, 0, &file);
	if (error)
		return error;
	error = ext2fs_file_read(file, buffer, size, ret_size);
	ext2fs_file_close(file);
	return error;
}

/* ---- os-release ---- */

/* The first of its two places counts, unless it cannot be read. */
static errcode_t find_os_release(ext2_filsys fs, char *text, unsigned size,
				 unsigned *ret_size)
{
	errcode_t first, second;

	first = read_file(fs, "/etc/os-release", text, size, ret_size);
	if (!first)
		return 0;
	second = read_file(fs, "/usr/lib/os-release", text, size, ret_size);
	return second && !is_absent(first) ? first : second;
}

/* Whether this is a root at all, and whose. */
static errcode_t read_os_release(ext2_filsys fs, struct sfs_probe_root *root)
{
	CLEANUP_FREE char *text = sfs_malloc(OS_RELEASE_MAX + 1);
	unsigned size = 0;
	errcode_t error;

	if (!text)
		return ENOMEM;
	error = find_os_release(fs, text, OS_RELEASE_MAX + 1, &size);
	if (error)
		return is_absent(error) ? 0 : error;
	root->found = true;
	/* A larger one is none: its end might say something else. */
	if (size <= OS_RELEASE_MAX) {
		text[size] = '\0';
		sfs_ignore(sfs_probe_pretty_name(text, root->platform));
	}
	return 0;
}

/* ---- architecture ---- */

/* True if @path says it; an unreadable one does not. */
static bool ask_file(ext2_filsys fs, const char *path, bool is_kernel,
		     struct sfs_probe_root *root)
{
	uint8_t head[SFS_PROBE_HEAD_SIZE];
	const char *architecture;
	unsigned size = 0;

	if (read_file(fs, path, head, sizeof(head), &size) != 0)
		return false;
	architecture = is_kernel ? sfs_probe_kernel_architecture(head, size)
				 : sfs_probe_program_architecture(head, size);
	if (!architecture)
		return false;
	snprintf(root->architecture, sizeof(root->architecture), "%s",
		 architecture);
	snprintf(root->program, sizeof(root->program), "%s", path);
	root->is_kernel = is_kernel;
	return true;
}

#define KERNEL_PREFIX "vmlinuz-"

static int pick_newest(struct ext2_dir_entry *entry, int offset, int block_size,
		       char *buffer, void *context)
{
	const size_t length = (size_t)ext2fs_dirent_name_len(entry);
	char *newest = context;
	char name[EXT2_NAME_LEN + 1];
	const char *why;

	(void)offset;
	(void)block_size;
	(void)buffer;
	memcpy(name, entry->name, length);
	name[length] = '\0';
	if (strncmp(name, KERNEL_PREFIX, strlen(KERNEL_PREFIX)) == 0 &&
	    sfs_name_text_ok(name, EXT2_NAME_LEN, &why) &&
	    strverscmp(name, newest) > 0)
		memcpy(newest, name, length + 1);
	return 0;
}

static bool ask_newest_kernel(ext2_filsys fs, struct sfs_probe_root *root)
{
	char newest[EXT2_NAME_LEN + 1] = "";
	char path[SFS_PROBE_PATH_SIZE];
	ext2_ino_t boot;

	if (ext2fs_namei_follow(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, "/boot",
				&boot) != 0 ||
	    ext2fs_dir_iterate(fs, boot, 0, NULL, pick_newest, newest) != 0 ||
	    newest[0] == '\0')
		return false;
	snprintf(path, sizeof(path), "/boot/%s", newest);
	return ask_file(fs, path, true, root);
}

static void find_architecture(ext2_filsys fs, struct sfs_probe_root *root)
{
	static const char *const programs[] = { "/bin/sh", "/sbin/init",
						"/usr/bin/env" };

	if (ask_file(fs, "/vmlinuz", true, root) || ask_newest_kernel(fs, root))
		return;
	for (size_t i = 0; i < SFS_ARRAY_SIZE(programs); i++)
		if (ask_file(fs, programs[i], false, root))
			return;
}

/* ---- the whole ---- */

bool sfs_probe_is_ext(const struct sfs_partition *partition)
{
	return strcmp(partition->type, "ext2") == 0 ||
	       strcmp(partition->type, "ext3") == 0 ||
	       strcmp(partition->type, "ext4") == 0;
}

int sfs_probe_root(struct sfs_disk *disk, const struct sfs_partition *partition,
		   struct sfs_probe_root *ret, const char **reterr_why)
{
	ext2_filsys fs;
	errcode_t error;

	memset(ret, 0, sizeof(*ret));
	initialize_ext2_error_table();
	opening = (struct window){ disk, partition->offset, partition->size };
	error = ext2fs_open2("disk", NULL, EXT2_FLAG_64BITS, 0, 0, &manager,
			     &fs);
	if (error) {
		*reterr_why = error_message(error);
		return -EIO;
	}
	error = read_os_release(fs, ret);
	if (ret->found)
		find_architecture(fs, ret);
	ext2fs_free(fs);
	if (error) {
		*reterr_why = error_message(error);
		return -EIO;
	}
	return 0;
}
