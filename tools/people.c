/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/people.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/message.h"
#include "tools/output.h"

/* All digits, and a number that the kernel gives to somebody. */
static bool parse_number(const char *text, uint32_t *ret)
{
	unsigned long long value;

	if (!*text || text[strspn(text, "0123456789")])
		return false;
	errno = 0;
	value = strtoull(text, NULL, 10);
	if (errno || value >= UINT32_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

/* Names first, as chown(1) does: a name may be all digits. */
static bool find_user(const char *name, uint32_t *ret)
{
	const struct passwd *user = getpwnam(name);

	if (!user)
		return parse_number(name, ret);
	*ret = user->pw_uid;
	return true;
}

static bool find_group(const char *name, uint32_t *ret)
{
	const struct group *group = getgrnam(name);

	if (!group)
		return parse_number(name, ret);
	*ret = group->gr_gid;
	return true;
}

int sfs_people_parse(const struct sfs_cmd *cmd, const char *text,
		     struct sfs_grant *ret)
{
	const char *name = strchr(text, ':');

	*ret = (struct sfs_grant){ .kind = SFS_GRANT_ALL };
	if (strcmp(text, "all") == 0)
		return 0;
	if (strncmp(text, "user:", 5) == 0) {
		ret->kind = SFS_GRANT_USER;
		if (find_user(name + 1, &ret->id))
			return 0;
		return sfs_message_usage(cmd->args.context,
					 "'%s': there is no such user here; "
					 "give a user's name or number",
					 text);
	}
	if (strncmp(text, "group:", 6) == 0) {
		ret->kind = SFS_GRANT_GROUP;
		if (find_group(name + 1, &ret->id))
			return 0;
		return sfs_message_usage(cmd->args.context,
					 "'%s': there is no such group here; "
					 "give a group's name or number",
					 text);
	}
	return sfs_message_usage(cmd->args.context,
				 "'%s': is none of user:U, group:G and all",
				 text);
}

static void name_and_number(const char *name, uint32_t number,
			    char ret[SFS_PEOPLE_SIZE])
{
	if (name)
		snprintf(ret, SFS_PEOPLE_SIZE, "%.64s (%u)", name, number);
	else
		snprintf(ret, SFS_PEOPLE_SIZE, "%u", number);
}

void sfs_people_user(uint32_t user, char ret[SFS_PEOPLE_SIZE])
{
	const struct passwd *entry = getpwuid(user);

	name_and_number(entry ? entry->pw_name : NULL, user, ret);
}

void sfs_people_grant(struct sfs_grant grant, char ret[SFS_PEOPLE_SIZE])
{
	const struct group *group;
	char who[SFS_PEOPLE_SIZE];

	switch (grant.kind) {
	case SFS_GRANT_USER:
		sfs_people_user(grant.id, who);
		break;
	case SFS_GRANT_GROUP:
		group = getgrgid(grant.id);
		name_and_number(group ? group->gr_name : NULL, grant.id, who);
		break;
	case SFS_GRANT_ALL:
		snprintf(ret, SFS_PEOPLE_SIZE, "all");
		return;
	}
	snprintf(ret, SFS_PEOPLE_SIZE, "%s:%.100s",
		 grant.kind == SFS_GRANT_USER ? "user" : "group", who);
}

void sfs_people_print(uint32_t owner, const struct sfs_grants *grants)
{
	char who[SFS_PEOPLE_SIZE];
	size_t i;

	if (owner == SFS_OWNER_NONE)
		snprintf(who, sizeof(who), "the repository's");
	else
		sfs_people_user(owner, who);
	sfs_output_field("Owner", who);
	for (i = 0; i < grants->count; i++) {
		sfs_people_grant(grants->grants[i], who);
		sfs_output_field(i == 0 ? "Shared with" : "", who);
	}
	if (grants->count == 0)
		sfs_output_field("Shared with", "-");
}
