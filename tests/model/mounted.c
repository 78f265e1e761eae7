/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The same through the kernel. */

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "src/image-json.h"
#include "tests/model/model.h"

/* A name that moved is seen within a second; a busy machine gets more. */
#define WAIT_SECONDS 20

static bool is_mounted;

void mount_it(void)
{
	pid_t pid;
	int status;

	if (!arg_mount)
		return;
	must(mkdir("mnt", 0700));
	must(pid = fork());
	if (pid == 0) {
		execl(arg_mount, arg_mount, "repo", "mnt", "-o",
		      "scratch_dir=.", (char *)NULL);
		_exit(127);
	}
	must(waitpid(pid, &status, 0));
	if (status != 0)
		die("%s: status %d", arg_mount, status);
	is_mounted = true;
	must(atexit(unmount_it));
}

void unmount_it(void)
{
	if (is_mounted && umount2("mnt", 0) < 0)
		umount2("mnt", MNT_DETACH);
	is_mounted = false;
}

/* ---- snapshots ---- */

static void compare_file(const char *path, const char *id, const uint8_t *bytes,
			 size_t size)
{
	static uint8_t buffer[MAPPED_MAX + 1];
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	must(n = pread(fd, buffer, sizeof(buffer), 0));
	if (n != (ssize_t)size)
		die("%s: the mount gives %zd bytes, not %zu", path, n, size);
	same(buffer, bytes, size, id, 0, "mount");
	close(fd);
}

void op_compare_mounted(const struct kept *k)
{
	char path[64];

	if (!arg_mount)
		return;
	snprintf(path, sizeof(path), "mnt/snapshots/%s.img", k->id);
	compare_file(path, k->id, k->bytes, k->size);
}

/* ---- images ---- */

/* A name may have been another image's just now. */
static bool is_shown(const char *path, const char *id)
{
	char value[SFS_ID_SIZE] = "";

	if (getxattr(path, "user.snapfs.id", value, sizeof(value) - 1) < 0 &&
	    errno != ENOENT && errno != ESTALE)
		die("%s: %s", path, strerror(errno));
	return strcmp(value, id) == 0;
}

void mounted_path(const struct model_image *image, bool scratch, char *ret,
		  size_t size)
{
	const struct timespec nap = { .tv_nsec = 5000000 };
	time_t end = time(NULL) + WAIT_SECONDS;

	snprintf(ret, size, "mnt/%simages/%s", scratch ? "scratch/" : "",
		 image->name);
	while (!is_shown(ret, image->id)) {
		if (time(NULL) > end)
			die("%s does not become %s", ret, image->id);
		nanosleep(&nap, NULL);
	}
}

static void compare_manifest(const char *dir, const struct model_image *image)
{
	enum sfs_mapping_state states[MAPPINGS_MAX] = { SFS_MAPPING_OK };
	struct sfs_image *record;
	struct sfs_jsonw *w;
	char path[256], *text;
	size_t size;

	must(sfs_catalog_load_image(repo->catalog, image->id, &record));
	must(sfs_jsonw_new(&w));
	sfs_image_json(w, NULL, record, states);
	must(sfs_jsonw_finish(w, true, &text, &size));
	snprintf(path, sizeof(path), "%s/image.json", dir);
	compare_file(path, image->id, (const uint8_t *)text, size);
	free(text);
	sfs_jsonw_free(w);
	sfs_image_free(record);
}

static unsigned count_entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned count = 0;

	if (!dir)
		die("%s: %s", path, strerror(errno));
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

void op_compare_image_mounted(const struct model_image *image)
{
	const struct sfs_mapping *mapping = image->mappings;
	char dir[192], path[320], target[128] = "", root[128];
	unsigned count = 2; /* the root's link and image.json */

	if (!arg_mount)
		return;
	mounted_path(image, false, dir, sizeof(dir));
	for (; mapping < image->mappings + image->mapping_count; mapping++) {
		if (!sfs_mapping_is_volume(mapping))
			continue;
		snprintf(path, sizeof(path), "%s/%s.img", dir,
			 file_of(mapping->device));
		compare_file(path, image->id,
			     mapped_bytes(mapping->snapshot, mapping->size),
			     mapping->size);
		count++;
	}
	if (count_entries(dir) != count)
		die("%s has not %u entries", dir, count);
	snprintf(path, sizeof(path), "%s/root.img", dir);
	must(readlink(path, target, sizeof(target) - 1));
	snprintf(root, sizeof(root), "%s.img", file_of(image->root));
	if (strcmp(target, root) != 0)
		die("%s is '%s', should be '%s'", path, target, root);
	compare_manifest(dir, image);
}

/* ---- listings ---- */

static void list_images(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned i;

	if (!dir)
		die("%s: %s", path, strerror(errno));
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		for (i = 0; i < image_count; i++)
			if (strcmp(images[i].name, entry->d_name) == 0)
				break;
		if (i == image_count)
			die("the mount lists %s/%s", path, entry->d_name);
	}
	closedir(dir);
}

static void compare_count(const char *path, unsigned expected)
{
	unsigned count = count_entries(path);

	if (count != expected)
		die("%s lists %u, not %u", path, count, expected);
}

void op_list_mounted(void)
{
	if (!arg_mount)
		return;
	compare_count("mnt/snapshots", kept_count);
	compare_count("mnt/scratch/snapshots", kept_count);
	compare_count("mnt/images", image_count);
	compare_count("mnt/scratch/images", image_count);
	list_images("mnt/images");
	list_images("mnt/scratch/images");
}
