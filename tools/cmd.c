/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/cmd.h"

#include <errno.h>
#include <string.h>

#include "format/name.h"
#include "format/time.h"
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
	&sfs_verb_snapshot_attach,
	&sfs_verb_snapshot_detach,
	&sfs_verb_snapshot_share,
	&sfs_verb_snapshot_unshare,
	&sfs_verb_image_create,
	&sfs_verb_image_register,
	&sfs_verb_image_list,
	&sfs_verb_image_show,
	&sfs_verb_image_tag,
	&sfs_verb_image_rename,
	&sfs_verb_image_share,
	&sfs_verb_image_unshare,
	&sfs_verb_image_deprecate,
	&sfs_verb_image_disable,
	&sfs_verb_image_enable,
	&sfs_verb_image_protect,
	&sfs_verb_image_unprotect,
	&sfs_verb_image_deregister,
	&sfs_verb_image_restore,
	&sfs_verb_image_launch,
	&sfs_verb_image_export,
	&sfs_verb_image_import,
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

static int check_description(const struct sfs_cmd *cmd, const char *text)
{
	const char *why;

	if (!text || sfs_name_text_ok(text, SFS_DESCRIPTION_MAX, &why))
		return 0;
	return sfs_message_usage(cmd->args.context,
				 "description '%.60s%s': %s (%zu bytes, at "
				 "most %d)",
				 text, strlen(text) > 60 ? "..." : "", why,
				 strlen(text), SFS_DESCRIPTION_MAX);
}

int sfs_cmd_labels(const struct sfs_cmd *cmd, const char **ret_description,
		   struct sfs_tags *tags)
{
	CLEANUP_FREE char **list = NULL;
	size_t i, count;
	int r;

	r = sfs_args_list(&cmd->args, "tag", &list, &count);
	for (i = 0; r == 0 && i < count; i++)
		r = sfs_cmd_tag(cmd, list[i], tags);
	if (r < 0)
		return r;
	*ret_description = sfs_args_get(&cmd->args, "description");
	return check_description(cmd, *ret_description);
}

int sfs_cmd_time(const struct sfs_cmd *cmd, const char *name, bool last,
		 int64_t *ret_ns)
{
	const char *text = sfs_args_get(&cmd->args, name);
	int64_t first_ns, last_ns;

	*ret_ns = 0;
	if (!text)
		return 0;
	if (!sfs_time_parse_user(text, &first_ns, &last_ns))
		return sfs_message_usage(cmd->args.context,
					 "--%s '%s': is not a time such as "
					 "2026-11-22 or 2026-11-22T09:00Z",
					 name, text);
	*ret_ns = last ? last_ns : first_ns;
	return 0;
}

struct damaged {
	size_t hidden; /* by their damage */
	size_t sets;   /* which hide nothing */
};

static int count_damaged(const char *name, const char *why, void *context)
{
	struct damaged *damaged = context;

	(void)why;
	if (sfs_id_valid(name, SFS_ID_SET))
		damaged->sets++;
	else
		damaged->hidden++;
	return 0;
}

/* They were logged, and what there is was listed. */
int sfs_cmd_check_listed(struct sfs_repo *repo)
{
	struct damaged damaged = { 0 };
	int r;

	r = sfs_catalog_damaged(repo->catalog, count_damaged, &damaged);
	if (r <= 0)
		return r;
	if (damaged.hidden > 0)
		sfs_err("%zu damaged records are not in the list; see 'snapfs "
			"check'",
			damaged.hidden);
	else
		sfs_err("%zu records of sets are damaged, but nothing is "
			"missing from the list; see 'snapfs check'",
			damaged.sets);
	return SFS_EXIT_DAMAGE;
}
