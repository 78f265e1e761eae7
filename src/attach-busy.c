/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Who keeps a directory from being unmounted. */

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/attach.h"
#include "src/log.h"
#include "src/mounted.h"

/* More of them would not help. */
#define SHOWN_MAX 10

static bool is_within(const char *path, const char *directory)
{
	const size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 &&
	       (path[length] == '/' || path[length] == '\0');
}

static bool leads_into(const char *link, const char *directory)
{
	char target[PATH_MAX];
	ssize_t length = readlink(link, target, sizeof(target) - 1);

	if (length < 0)
		return false;
	target[length] = '\0';
	return is_within(target, directory);
}

static bool has_open(const char *pid, const char *directory)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	if (!dir) /* it has ended */
		return false;
	while (!found && (entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid,
			 entry->d_name);
		found = leads_into(path, directory);
	}
	closedir(dir);
	return found;
}

static bool is_user(const char *pid, const char *directory)
{
	static const char *const links[] = { "cwd", "root", "exe" };
	char path[PATH_MAX];

	for (size_t i = 0; i < SFS_ARRAY_SIZE(links); i++) {
		snprintf(path, sizeof(path), "/proc/%s/%s", pid, links[i]);
		if (leads_into(path, directory))
			return true;
	}
	return has_open(pid, directory);
}

static void explain_process(const char *pid, const char *directory)
{
	CLEANUP_FCLOSE FILE *file = NULL;
	char path[PATH_MAX], name[32] = "";

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "re");
	if (file && fgets(name, sizeof(name), file))
		name[strcspn(name, "\n")] = '\0';
	sfs_err("'%s': is in use by process %s (%s)", directory, pid, name);
}

static unsigned explain_processes(const char *directory)
{
	struct dirent *entry;
	unsigned count = 0;
	DIR *dir = opendir("/proc");

	if (!dir)
		return 0;
	while (count < SHOWN_MAX && (entry = readdir(dir)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    is_user(entry->d_name, directory)) {
			explain_process(entry->d_name, directory);
			count++;
		}
	closedir(dir);
	return count;
}

static unsigned explain_mounts(const char *directory)
{
	CLEANUP_MOUNTS struct sfs_mounts mounts = { 0 };
	unsigned count = 0;

	if (sfs_mounts_read(&mounts) < 0)
		return 0;
	for (size_t i = 0; i < mounts.count; i++)
		if (is_within(mounts.mounts[i].dir, directory) &&
		    strcmp(mounts.mounts[i].dir, directory) != 0) {
			sfs_err("'%s': '%s' is mounted below it; unmount that "
				"first",
				directory, mounts.mounts[i].dir);
			count++;
		}
	return count;
}

void sfs_attach_explain_busy(const char *directory)
{
	if (explain_processes(directory) + explain_mounts(directory) == 0)
		sfs_err("'%s': is in use, by whom cannot be seen; 'fuser -m' "
			"may tell",
			directory);
}
