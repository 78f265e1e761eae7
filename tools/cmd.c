/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/cmd.h"

#include <errno.h>
#include <string.h>

#include "format/name.h"
#include "src/log.h"
#include "tools/message.h"

const struct sfs_opt sfs_global_options[] = {
	{ .name = "repository",
	  .letter = 'r',
	  .argument = "REPO",
	  .complete = SFS_COMPLETE_DIR,
	  .help = "the repository; else SNAPFS_REPOSITORY" },
	{ .name = "json",
	  .help = "print the result as one JSON document, and progress and "
		  "messages as JSON lines on stderr" },
	{ .name = "quiet",
	  .letter = 'q',
	  .help = "no progress, and only warnings and errors" },
	{ .name = "verbose",
	  .letter = 'v',
	  .help = "say more of what is done" },
	{ .name = "help", .letter = 'h', .help = "show help and exit" },
	{ .name = "version", .help = "show the version and exit" },
	{ .name = NULL },
};

const struct sfs_verb *const sfs_verbs[] = {
	&sfs_verb_init,
	&sfs_verb_snapshot_create,
	&sfs_verb_snapshot_list,
	&sfs_verb_snapshot_show,
	&sfs_verb_snapshot_diff,
	&sfs_verb_snapshot_tag,
	&sfs_verb_snapshot_restore,
	&sfs_verb_snapshot_delete,
	&sfs_verb_volume_list,
	&sfs_verb_volume_show,
	&sfs_verb_gc,
	&sfs_verb_check,
	&sfs_verb_stats,
	&sfs_verb_rebuild,
	&sfs_verb_mount,
	&sfs_verb_umount,
	&sfs_verb_completion,
	&sfs_verb_version,
	&sfs_verb_help,
	NULL,
};

const struct sfs_verb *sfs_verb_find(const char *noun, const char *name)
{
	const struct sfs_verb *const *verb;

	for (verb = sfs_verbs; *verb; verb++)
		if (strcmp((*verb)->name, name) == 0 &&
		    strcmp((*verb)->noun ? (*verb)->noun : "",
			   noun ? noun : "") == 0)
			return *verb;
	return NULL;
}

bool sfs_verb_is_noun(const char *name)
{
	const struct sfs_verb *const *verb;

	for (verb = sfs_verbs; *verb; verb++)
		if ((*verb)->noun && strcmp((*verb)->noun, name) == 0)
			return true;
	return false;
}

int sfs_cmd_open(const struct sfs_cmd *cmd, struct sfs_repo **ret)
{
	const char *path = sfs_args_get(&cmd->args, "repository");
	int r;

	if (!path)
		path = getenv("SNAPFS_REPOSITORY");
	if (!path || !*path)
		return sfs_message_usage(cmd->args.context,
					 "which repository? give it with -r "
					 "or in SNAPFS_REPOSITORY");
	r = sfs_repo_open(path, 0, ret);
	return r == -ENOENT ? -ENOMEDIUM : r;
}

int sfs_cmd_tag(const struct sfs_cmd *cmd, const char *text,
		struct sfs_tags *tags)
{
	const char *equals = strchr(text, '='), *why;
	CLEANUP_FREE char *key = NULL;

	if (!equals)
		return sfs_message_usage(cmd->args.context,
					 "tag '%s': is not K=V", text);
	key = sfs_asprintf("%.*s", (int)(equals - text), text);
	if (!key)
		return -ENOMEM;
	if (!sfs_name_tag_key_ok(key, &why))
		return sfs_message_usage(
			cmd->args.context,
			"tag '%s': its key %s (%d bytes, at most %d)", text,
			why, (int)strlen(key), SFS_TAG_KEY_MAX);
	if (!sfs_name_text_ok(equals + 1, SFS_TAG_VALUE_MAX, &why))
		return sfs_message_usage(
			cmd->args.context,
			"tag '%s': its value %s (%d bytes, at most %d)", key,
			why, (int)strlen(equals + 1), SFS_TAG_VALUE_MAX);
	return sfs_tags_set(tags, key, equals + 1);
}
