/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/attach.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/log.h"
#include "src/mounted.h"
#include "src/uses.h"
#include "tools/private-mount.h"

_Static_assert(__builtin_strcmp(SFS_PRIVATE_MOUNT, SFS_ATTACH_MOUNT) == 0,
	       "the same directory");

#define TEMPLATE SFS_ATTACH_DIR "/attach-XXXXXX"

/* How often to look, with pauses, whether a loop device has ended. */
#define LOOKS_MAX 100

/* ---- before anything is done ---- */

int sfs_attach_check_user(void)
{
	if (geteuid() == 0)
		return 0;
	sfs_err("attaching and detaching mount file systems, for which one has "
		"to be root; try 'sudo'");
	return -EPERM;
}

static int check_empty(const char *directory)
{
	struct dirent *entry;
	DIR *dir = opendir(directory);
	int r = 0;

	if (!dir) {
		r = -errno;
		sfs_err("'%s': %s", directory, strerror(-r));
		return r;
	}
	while (r == 0 && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			r = -ENOTEMPTY;
	closedir(dir);
	if (r < 0)
		sfs_err("'%s': is not empty; give another directory",
			directory);
	return r;
}

static int check_unmounted(const char *directory)
{
	CLEANUP_MOUNTS struct sfs_mounts mounts = { 0 };
	int r;

	r = sfs_mounts_read(&mounts);
	if (r < 0)
		return r;
	for (size_t i = 0; i < mounts.count; i++)
		if (strcmp(mounts.mounts[i].dir, directory) == 0) {
			sfs_err("'%s': something is mounted there already; "
				"give another directory",
				directory);
			return -EEXIST;
		}
	return 0;
}

int sfs_attach_check_directory(const char *directory)
{
	int r;

	r = check_unmounted(directory);
	return r < 0 ? r : check_empty(directory);
}

/* ---- the end of one ---- */

static int unmount_directory(const struct sfs_attachment *a)
{
	int r;

	if (!a->is_mounted)
		return 0;
	if (a->is_covered) {
		sfs_err("'%s': something else is mounted over it; unmount that "
			"first",
			a->directory);
		return -EBUSY;
	}
	if (umount2(a->directory, UMOUNT_NOFOLLOW) == 0)
		return 0;
	r = -errno;
	if (r == -EBUSY && a->state == SFS_ATTACHMENT_WHOLE) {
		sfs_attach_explain_busy(a->directory);
		return r;
	}
	/* Whoever has something open there cannot read it any more. */
	if (umount2(a->directory, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;
	r = -errno;
	sfs_err("'%s': cannot be unmounted: %s", a->directory, strerror(-r));
	return r == -EINVAL ? -EIO : r;
}

/* The loop device ends a moment after its last user.  Should it have one that
 * we do not see, in another mount namespace, all of it ends with that one. */
static void end_place(const char *place)
{
	CLEANUP_FREE char *path = sfs_asprintf("%s/" SFS_PRIVATE_MOUNT, place);

	for (int i = 0; path && i < LOOKS_MAX; i++) {
		if (umount2(path, UMOUNT_NOFOLLOW) == 0 || errno != EBUSY)
			break;
		sfs_uses_pause();
	}
	sfs_private_end(place);
}

static int end_attachment(const struct sfs_attachment *a)
{
	CLEANUP_CLOSE int lock = -1;
	int r;

	r = sfs_attach_lock_place(
		a->place, a->directory ? a->directory : a->place, &lock);
	if (r < 0)
		return r;
	r = unmount_directory(a);
	if (r < 0)
		return r;
	end_place(a->place);
	return 0;
}

/* What somebody left behind who died, or unmounted by other means. */
static int end_leftovers(void)
{
	CLEANUP_ATTACHMENTS struct sfs_attachments all = { 0 };
	int r;

	r = sfs_attachments_read(&all);
	if (r < 0)
		return r;
	for (size_t i = 0; i < all.count; i++) {
		const struct sfs_attachment *a = &all.list[i];

		if (a->state != SFS_ATTACHMENT_BROKEN || a->is_mounted ||
		    a->is_used)
			continue;
		sfs_info("'%s': cleaning up what is left of an attachment",
			 a->directory ? a->directory : a->place);
		r = end_attachment(a);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- making one ---- */

/* Nobody else is about to mount there. */
static int check_taken(const char *directory)
{
	CLEANUP_ATTACHMENTS struct sfs_attachments all = { 0 };
	int r;

	r = sfs_attachments_read(&all);
	if (r < 0)
		return r;
	for (size_t i = 0; i < all.count; i++)
		if (all.list[i].directory &&
		    strcmp(all.list[i].directory, directory) == 0) {
			sfs_err("'%s': '%s' is attached there already; 'snapfs "
				"snapshot detach' undoes that",
				directory, all.list[i].snapshot);
			return -EEXIST;
		}
	return sfs_attach_check_directory(directory);
}

/* Make its place, and lock it.  On failure @a may have one all the same. */
static int reserve(struct sfs_attachment *a, int *ret_lock)
{
	CLEANUP_CLOSE int lock = -1;
	int r;

	r = sfs_attach_lock(&lock);
	if (r < 0)
		return r;
	r = end_leftovers();
	if (r < 0)
		return r;
	r = check_taken(a->directory);
	if (r < 0)
		return r;
	r = sfs_private_make(TEMPLATE, &a->place);
	if (r < 0)
		return r;
	r = sfs_attach_lock_place(a->place, a->directory, ret_lock);
	if (r < 0)
		return r;
	return sfs_attachment_save(a);
}

static int mount_all(const struct sfs_attach_request *request,
		     const struct sfs_attachment *a)
{
	CLEANUP_FREE char *file = sfs_asprintf("%s/" SFS_PRIVATE_MOUNT "/%s",
					       a->place, request->file);
	const struct sfs_attach_source source = {
		.file = file,
		.name = request->name,
		.mark = strrchr(a->place, '/') + 1,
		.sector_size = request->sector_size,
		.partition = request->partition,
		.writable = a->writable,
	};
	int r;

	if (!file)
		return -ENOMEM;
	r = sfs_private_start(a->place, request->repository);
	if (r < 0)
		return r;
	return sfs_attach_mount(&source, a->directory);
}

/* Which loop device it came to be. */
static int find_node(struct sfs_attachment *a)
{
	CLEANUP_ATTACHMENTS struct sfs_attachments all = { 0 };
	CLEANUP_CLOSE int lock = -1;
	int r;

	r = sfs_attach_lock(&lock);
	if (r < 0)
		return r;
	r = sfs_attachments_read(&all);
	if (r < 0)
		return r;
	for (size_t i = 0; i < all.count; i++)
		if (strcmp(all.list[i].place, a->place) == 0)
			memcpy(a->node, all.list[i].node, sizeof(a->node));
	return 0;
}

int sfs_attach_make(const struct sfs_attach_request *request,
		    struct sfs_attachment *attachment)
{
	int lock = -1;
	int r;

	r = reserve(attachment, &lock);
	if (r == 0)
		r = mount_all(request, attachment);
	if (r < 0 && attachment->place)
		end_place(attachment->place);
	sfs_closep(&lock);
	return r < 0 ? r : find_node(attachment);
}

/* ---- undoing one ---- */

int sfs_attach_undo(const char *directory)
{
	CLEANUP_ATTACHMENTS struct sfs_attachments all = { 0 };
	CLEANUP_CLOSE int lock = -1;
	char path[PATH_MAX];
	bool found = false;
	int r;

	r = sfs_mounts_path(directory, path, sizeof(path));
	if (r < 0) {
		sfs_err("'%s': %s", directory, strerror(-r));
		return r == -EINVAL ? -EIO : r;
	}
	r = sfs_attach_lock(&lock);
	if (r < 0)
		return r;
	r = sfs_attachments_read(&all);
	for (size_t i = 0; r == 0 && i < all.count; i++) {
		if (!all.list[i].directory ||
		    strcmp(all.list[i].directory, path) != 0)
			continue;
		found = true;
		r = end_attachment(&all.list[i]);
	}
	if (r < 0 || found)
		return r;
	sfs_err("'%s': nothing is attached there; 'snapfs snapshot attach' "
		"lists what is",
		directory);
	return -ENOENT;
}
