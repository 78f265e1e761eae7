/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What is attached: the state files, and how much of it still stands. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "src/attach.h"
#include "src/io.h"
#include "src/json.h"
#include "src/log.h"
#include "src/mounted.h"

#define STATE	     "state.json"
#define STATE_NEW    "state.json.new"
#define PLACE_PREFIX "attach-"

/* More than a state file ever has. */
#define STATE_MAX 16384

void sfs_attachment_done(struct sfs_attachment *attachment)
{
	free(attachment->place);
	free(attachment->directory);
	*attachment = (struct sfs_attachment){ 0 };
}

void sfs_attachments_done(struct sfs_attachments *attachments)
{
	for (size_t i = 0; i < attachments->count; i++)
		sfs_attachment_done(&attachments->list[i]);
	free(attachments->list);
	*attachments = (struct sfs_attachments){ 0 };
}

/* ---- locks ---- */

static int fail(const char *path, const char *what)
{
	int r = -errno;

	sfs_err("'%s': %s: %s", path, what, strerror(-r));
	return r;
}

int sfs_attach_lock(int *ret)
{
	CLEANUP_CLOSE int fd = -1;

	if (mkdir(SFS_ATTACH_DIR, 0755) < 0 && errno != EEXIST)
		return fail(SFS_ATTACH_DIR, "cannot be made");
	fd = open(SFS_ATTACH_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(SFS_ATTACH_DIR, "cannot be opened");
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return fail(SFS_ATTACH_DIR, "cannot be locked");
	*ret = TAKE_FD(fd);
	return 0;
}

/* 0 and the lock, or -EWOULDBLOCK; not logged. */
static int lock_place(const char *place, int *ret)
{
	CLEANUP_CLOSE int fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

int sfs_attach_lock_place(const char *place, const char *directory, int *ret)
{
	int r;

	r = lock_place(place, ret);
	if (r == -EWOULDBLOCK) {
		sfs_err("'%s': is just being attached or detached", directory);
		return -EBUSY;
	}
	if (r < 0)
		sfs_err("'%s': cannot be locked: %s", place, strerror(-r));
	return r;
}

/* ---- the state file ---- */

static int encode(const struct sfs_attachment *a, char **ret, size_t *ret_size)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "SnapshotId", a->snapshot);
	sfs_jsonw_string(w, "ImageId", a->image);
	sfs_jsonw_string(w, "DeviceName", a->device);
	sfs_jsonw_string(w, "VolumeName", a->volume);
	sfs_jsonw_uint(w, "Partition", (uint64_t)a->partition);
	sfs_jsonw_string(w, "FileSystem", a->type);
	sfs_jsonw_bool(w, "ReadOnly", !a->writable);
	sfs_jsonw_string(w, "Directory", a->directory);
	sfs_jsonw_end(w);
	return sfs_jsonw_finish(w, true, ret, ret_size);
}

/* Not made durable: it describes mounts, which are as fleeting. */
int sfs_attachment_save(const struct sfs_attachment *attachment)
{
	CLEANUP_CLOSE int place = -1;
	CLEANUP_CLOSE int fd = -1;
	CLEANUP_FREE char *text = NULL;
	size_t size;
	int r;

	r = encode(attachment, &text, &size);
	if (r < 0)
		return r;
	place = open(attachment->place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place >= 0)
		fd = openat(place, STATE_NEW,
			    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(attachment->place, "cannot be written to");
	r = sfs_io_pwrite(fd, text, size, 0);
	if (r < 0) {
		sfs_err("'%s/" STATE_NEW "': %s", attachment->place,
			strerror(-r));
		return r;
	}
	if (renameat(place, STATE_NEW, place, STATE) < 0)
		return fail(attachment->place, "cannot be written to");
	return 0;
}

/* False when the member is not there or too long. */
static bool take_string(const struct sfs_json_node *node, const char *key,
			char *ret, size_t size)
{
	const char *s = sfs_json_string(sfs_json_member(node, key));

	if (!s || strlen(s) >= size)
		return false;
	strcpy(ret, s);
	return true;
}

static int decode(const struct sfs_json_node *node, struct sfs_attachment *a)
{
	char directory[PATH_MAX];
	uint64_t partition;
	bool read_only;

	if (!take_string(node, "SnapshotId", a->snapshot,
			 sizeof(a->snapshot)) ||
	    !take_string(node, "ImageId", a->image, sizeof(a->image)) ||
	    !take_string(node, "DeviceName", a->device, sizeof(a->device)) ||
	    !take_string(node, "VolumeName", a->volume, sizeof(a->volume)) ||
	    !take_string(node, "FileSystem", a->type, sizeof(a->type)) ||
	    !take_string(node, "Directory", directory, sizeof(directory)) ||
	    !sfs_json_uint(sfs_json_member(node, "Partition"), &partition) ||
	    partition > INT_MAX ||
	    !sfs_json_bool(sfs_json_member(node, "ReadOnly"), &read_only))
		return -EUCLEAN;
	a->partition = (int)partition;
	a->writable = !read_only;
	a->directory = sfs_strdup(directory);
	return a->directory ? 0 : -ENOMEM;
}

/* What there is no good state file for keeps a directory of NULL. */
static int read_state(struct sfs_attachment *a)
{
	CLEANUP_JSON struct sfs_json *json = NULL;
	CLEANUP_FREE char *path = sfs_asprintf("%s/" STATE, a->place);
	CLEANUP_FREE char *text = sfs_malloc(STATE_MAX);
	CLEANUP_FCLOSE FILE *file = NULL;
	const char *why;
	size_t size;
	int r;

	if (!path || !text)
		return -ENOMEM;
	file = fopen(path, "re");
	if (!file)
		return 0;
	size = fread(text, 1, STATE_MAX, file);
	r = sfs_json_parse(text, size, &json, &why);
	if (r == 0)
		r = decode(sfs_json_root(json), a);
	return r == -ENOMEM ? r : 0;
}

/* ---- how it stands ---- */

static bool serves(const struct sfs_attachment *a)
{
	CLEANUP_FREE char *path =
		sfs_asprintf("%s/" SFS_ATTACH_MOUNT "/.snapfs", a->place);
	struct statfs st;

	/* Unlike a file's attributes this is not answered from a cache. */
	return path && statfs(path, &st) == 0 &&
	       st.f_type == 0x65735546; /* FUSE_SUPER_MAGIC */
}

/* Once the repository's mount was detached its files have no place any more;
 * the loop device still has the name that it was given. */
static bool is_named(uint64_t device, const char *name)
{
	struct loop_info64 info;
	CLEANUP_CLOSE int fd = -1;
	char node[32];

	sfs_sysfs_node(device, node, sizeof(node));
	fd = open(node, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && ioctl(fd, LOOP_GET_STATUS64, &info) == 0 &&
	       strncmp((const char *)info.lo_file_name, name,
		       sizeof(info.lo_file_name)) == 0;
}

/* Whether @device is a loop device on a file of its repository. */
static bool is_ours(uint64_t device, const struct sfs_attachment *a)
{
	const size_t length = strlen(a->place);
	char file[PATH_MAX];

	if (device == 0 ||
	    sfs_sysfs_read(device, "loop/backing_file", file, sizeof(file)) < 0)
		return false;
	if (strncmp(file, a->place, length) == 0 && file[length] == '/')
		return true;
	/* Opening a device keeps it from ending: only if it may be ours. */
	return strncmp(file, "/scratch/", strlen("/scratch/")) == 0 &&
	       is_named(device, strrchr(a->place, '/') + 1);
}

static int find_ours(uint64_t device, void *context)
{
	return is_ours(device, context) ? 1 : 0;
}

/* The uppermost mount comes last. */
static void judge(const struct sfs_mounts *mounts, struct sfs_attachment *a)
{
	for (size_t i = 0; a->directory && i < mounts->count; i++) {
		const struct sfs_mount *mount = &mounts->mounts[i];

		if (strcmp(mount->dir, a->directory) != 0)
			continue;
		a->is_covered = a->is_mounted;
		if (is_ours(mount->device, a)) {
			a->is_mounted = true;
			a->is_covered = false;
			sfs_sysfs_node(mount->device, a->node, sizeof(a->node));
		}
	}
	a->is_used = sfs_sysfs_loops(find_ours, a) > 0;
	a->state = a->is_mounted && serves(a) ? SFS_ATTACHMENT_WHOLE
					      : SFS_ATTACHMENT_BROKEN;
}

static int read_one(const struct sfs_mounts *mounts, const char *name,
		    struct sfs_attachment *ret)
{
	CLEANUP_ATTACHMENT struct sfs_attachment a = { 0 };
	CLEANUP_CLOSE int lock = -1;
	int r;

	a.place = sfs_asprintf(SFS_ATTACH_DIR "/%s", name);
	if (!a.place)
		return -ENOMEM;
	r = lock_place(a.place, &lock);
	if (r == -ENOENT) /* it was detached just now */
		return 0;
	if (r < 0 && r != -EWOULDBLOCK) {
		sfs_err("'%s': cannot be locked: %s", a.place, strerror(-r));
		return r;
	}
	if (r == -EWOULDBLOCK)
		a.state = SFS_ATTACHMENT_BUSY;
	r = read_state(&a);
	if (r < 0)
		return r;
	if (a.state != SFS_ATTACHMENT_BUSY)
		judge(mounts, &a);
	*ret = a;
	a = (struct sfs_attachment){ 0 };
	return 1;
}

static int compare(const void *a, const void *b)
{
	const struct sfs_attachment *x = a, *y = b;

	return strcmp(x->directory ? x->directory : "",
		      y->directory ? y->directory : "");
}

static int read_all(DIR *dir, const struct sfs_mounts *mounts,
		    struct sfs_attachments *all)
{
	struct dirent *entry;
	int r;

	while ((entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, PLACE_PREFIX,
			    strlen(PLACE_PREFIX)) != 0)
			continue;
		r = sfs_grow(&all->list, &all->capacity, all->count,
			     sizeof(*all->list));
		if (r < 0)
			return r;
		r = read_one(mounts, entry->d_name, &all->list[all->count]);
		if (r < 0)
			return r;
		all->count += (size_t)r;
	}
	return 0;
}

int sfs_attachments_read(struct sfs_attachments *ret)
{
	CLEANUP_ATTACHMENTS struct sfs_attachments all = { 0 };
	CLEANUP_MOUNTS struct sfs_mounts mounts = { 0 };
	DIR *dir;
	int r;

	r = sfs_mounts_read(&mounts);
	if (r < 0)
		return r;
	dir = opendir(SFS_ATTACH_DIR);
	if (!dir)
		return fail(SFS_ATTACH_DIR, "cannot be read");
	r = read_all(dir, &mounts, &all);
	closedir(dir);
	if (r < 0)
		return r;
	if (all.count > 0)
		qsort(all.list, all.count, sizeof(*all.list), compare);
	*ret = all;
	all = (struct sfs_attachments){ 0 };
	return 0;
}
