/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The mount is a program of its own, which mount(8) runs as well; these two
 * verbs find it and what undoes it. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "src/log.h"
#include "src/mounted.h"
#include "tools/cmd.h"
#include "tools/message.h"

#define HELPER "mount.snapfs"

/* Run the helper at @path if there is one; returns when there is none. */
static void try_exec(const char *path, char *const *argv)
{
	if (access(path, X_OK) == 0)
		execv(path, argv);
}

/* Beside this program, where a build or an installation to a place of its
 * own has it. */
static void try_beside(char *const *argv)
{
	static const char *const places[] = { "/" HELPER, "/../sbin/" HELPER,
					      "/../fuse/" HELPER };
	char self[PATH_MAX], path[PATH_MAX + 32];
	ssize_t length;
	char *slash;
	size_t i;

	length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (length < 0)
		return;
	self[length] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return;
	*slash = '\0';
	for (i = 0; i < SFS_ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), "%s%s", self, places[i]);
		try_exec(path, argv);
	}
}

static int run_mount(struct sfs_cmd *cmd)
{
	const char *options = sfs_args_get(&cmd->args, "options");
	char *argv[8];
	int argc = 0;

	argv[argc++] = (char *)HELPER;
	argv[argc++] = cmd->args.words[0];
	argv[argc++] = cmd->args.words[1];
	if (options) {
		argv[argc++] = (char *)"-o";
		argv[argc++] = (char *)options;
	}
	if (cmd->verbose)
		argv[argc++] = (char *)"-v";
	argv[argc] = NULL;
	try_beside(argv);
	execvp(HELPER, argv);
	try_exec("/usr/sbin/" HELPER, argv);
	try_exec("/sbin/" HELPER, argv);
	sfs_err("'" HELPER "': is neither beside snapfs, nor in PATH, nor in "
		"/sbin; is it installed?");
	return -ENOEXEC;
}

/* Undo the \ooo of /proc/self/mountinfo in place. */
static void unescape(char *s)
{
	unsigned code;
	char *to = s;

	while (*s) {
		if (*s == '\\' && sscanf(s + 1, "%3o", &code) == 1) {
			*to++ = (char)code;
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* Whether the topmost mount at @path is ours. */
static int is_ours(const char *path, bool *ret)
{
	CLEANUP_FCLOSE FILE *file = fopen("/proc/self/mountinfo", "re");
	CLEANUP_FREE char *line = NULL;
	size_t capacity = 0;
	char *dir, *type;

	if (!file)
		return -errno;
	while (getline(&line, &capacity, file) > 0) {
		type = strstr(line, " - ");
		if (!type || sscanf(line, "%*s %*s %*s %*s %ms", &dir) != 1)
			continue;
		unescape(dir);
		if (strcmp(dir, path) == 0)
			*ret = strncmp(type + 3, "fuse.snapfs ", 12) == 0;
		free(dir);
	}
	return 0;
}

/* As the user who mounted it: the helper of libfuse is set-user-id. */
static int unmount_as_user(const char *path)
{
	execlp("fusermount3", "fusermount3", "-u", "--", path, NULL);
	sfs_err("'fusermount3': cannot be run: %s; is fuse3 installed?",
		strerror(errno));
	return -ENOEXEC;
}

static int run_umount(struct sfs_cmd *cmd)
{
	const char *dir = cmd->args.words[0];
	char path[PATH_MAX];
	bool ours = false;
	int r;

	r = sfs_mounts_path(dir, path, sizeof(path));
	if (r < 0) {
		sfs_err("'%s': %s", dir, strerror(-r));
		return r == -EINVAL ? -EIO : r;
	}
	r = is_ours(path, &ours);
	if (r < 0)
		return r;
	if (!ours) {
		sfs_err("'%s': no snapfs is mounted there", dir);
		return -ENOENT;
	}
	if (geteuid() != 0)
		return unmount_as_user(path);
	if (umount2(path, UMOUNT_NOFOLLOW) == 0)
		return 0;
	r = -errno;
	if (r == -EBUSY)
		sfs_err("'%s': is in use; close what is open there (fuser -m)",
			dir);
	else
		sfs_err("'%s': cannot unmount: %s", dir, strerror(-r));
	return r;
}

static const struct sfs_opt options[] = {
	{ .name = "options",
	  .letter = 'o',
	  .argument = "OPTIONS",
	  .help = "as for mount.snapfs(8), with commas between them" },
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_mount = {
	.name = "mount",
	.words = "REPO DIR",
	.summary = "Show all snapshots as files below a directory.",
	.text = "Runs mount.snapfs(8), whose exit status this is then.",
	.options = options,
	.min_words = 2,
	.max_words = 2,
	.complete = SFS_COMPLETE_DIR,
	.more = SFS_COMPLETE_DIR,
	.run = run_mount,
};

const struct sfs_verb sfs_verb_umount = {
	.name = "umount",
	.words = "DIR",
	.summary = "Undo a mount.",
	.min_words = 1,
	.max_words = 1,
	.complete = SFS_COMPLETE_DIR,
	.run = run_umount,
};
