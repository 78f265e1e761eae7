/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/grants.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/cleanup.h"
#include "src/log.h"

/* "group:4294967294" and the space before it. */
#define GRANT_SIZE 20

static const char *const prefixes[] = {
	[SFS_GRANT_USER] = "user:",
	[SFS_GRANT_GROUP] = "group:",
};

void sfs_grants_done(struct sfs_grants *grants)
{
	free(grants->grants);
	*grants = (struct sfs_grants){ 0 };
}

int sfs_grants_copy(struct sfs_grants *to, const struct sfs_grants *from)
{
	struct sfs_grants copy = { .count = from->count };

	if (from->count > 0) {
		copy.grants = sfs_calloc(from->count, sizeof(*copy.grants));
		if (!copy.grants)
			return -ENOMEM;
		memcpy(copy.grants, from->grants,
		       from->count * sizeof(*copy.grants));
	}
	*to = copy;
	return 0;
}

static int compare(struct sfs_grant a, struct sfs_grant b)
{
	if (a.kind != b.kind)
		return a.kind < b.kind ? -1 : 1;
	return (a.id > b.id) - (a.id < b.id);
}

/* The first one that is not before @grant. */
static size_t find(const struct sfs_grants *grants, struct sfs_grant grant,
		   bool *ret_found)
{
	size_t low = 0, high = grants->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (compare(grants->grants[middle], grant) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_found =
		low < grants->count && compare(grants->grants[low], grant) == 0;
	return low;
}

static void format_one(struct sfs_grant grant, char ret[GRANT_SIZE])
{
	if (grant.kind == SFS_GRANT_ALL)
		strcpy(ret, "all");
	else
		snprintf(ret, GRANT_SIZE, "%s%u", prefixes[grant.kind],
			 grant.id);
}

int sfs_grants_add(struct sfs_grants *grants, struct sfs_grant grant)
{
	char text[GRANT_SIZE];
	struct sfs_grant *grown;
	bool found;
	size_t i;

	assert(grant.kind == SFS_GRANT_ALL ? grant.id == 0
					   : grant.id != UINT32_MAX);
	i = find(grants, grant, &found);
	if (found)
		return 0;
	if (grants->count >= SFS_GRANTS_MAX) {
		format_one(grant, text);
		sfs_err("'%s': more than %d users and groups; take the "
			"permission from one first, or share with a group",
			text, SFS_GRANTS_MAX);
		return -E2BIG;
	}
	grown = sfs_realloc(grants->grants, grants->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grants->grants = grown;
	memmove(&grown[i + 1], &grown[i], (grants->count - i) * sizeof(*grown));
	grown[i] = grant;
	grants->count++;
	return 1;
}

bool sfs_grants_remove(struct sfs_grants *grants, struct sfs_grant grant)
{
	bool found;
	size_t i = find(grants, grant, &found);

	if (!found)
		return false;
	grants->count--;
	memmove(&grants->grants[i], &grants->grants[i + 1],
		(grants->count - i) * sizeof(*grants->grants));
	return true;
}

bool sfs_grants_has(const struct sfs_grants *grants, struct sfs_grant grant)
{
	bool found;

	find(grants, grant, &found);
	return found;
}

bool sfs_grants_allow(const struct sfs_grants *grants, uint32_t user,
		      const uint32_t *groups, size_t group_count)
{
	struct sfs_grant grant = { .kind = SFS_GRANT_ALL };
	size_t i;

	if (sfs_grants_has(grants, grant))
		return true;
	grant = (struct sfs_grant){ .kind = SFS_GRANT_USER, .id = user };
	if (sfs_grants_has(grants, grant))
		return true;
	grant.kind = SFS_GRANT_GROUP;
	for (i = 0; i < group_count; i++) {
		grant.id = groups[i];
		if (sfs_grants_has(grants, grant))
			return true;
	}
	return false;
}

int sfs_grants_format(const struct sfs_grants *grants, char **ret)
{
	char one[GRANT_SIZE], *text, *end;
	size_t i;

	text = end = sfs_malloc(grants->count * GRANT_SIZE + 1);
	if (!text)
		return -ENOMEM;
	*text = '\0';
	for (i = 0; i < grants->count; i++) {
		format_one(grants->grants[i], one);
		if (i > 0)
			*end++ = ' ';
		end = stpcpy(end, one);
	}
	*ret = text;
	return 0;
}

/* Decimal without leading zeros, less than UINT32_MAX. */
static bool parse_id(const char **s, uint32_t *ret)
{
	const char *start = *s;
	uint64_t id = 0;

	for (; **s >= '0' && **s <= '9'; (*s)++) {
		id = 10 * id + (uint64_t)(**s - '0');
		if (id >= UINT32_MAX)
			return false;
	}
	*ret = (uint32_t)id;
	return *s > start && (*start != '0' || *s == start + 1);
}

static bool skip(const char **s, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*s, word, n) != 0)
		return false;
	*s += n;
	return true;
}

static bool parse_one(const char **s, struct sfs_grant *ret)
{
	*ret = (struct sfs_grant){ .kind = SFS_GRANT_ALL };
	if (skip(s, "all"))
		return true;
	if (skip(s, prefixes[SFS_GRANT_USER]))
		ret->kind = SFS_GRANT_USER;
	else if (skip(s, prefixes[SFS_GRANT_GROUP]))
		ret->kind = SFS_GRANT_GROUP;
	else
		return false;
	return parse_id(s, &ret->id);
}

static int parse_all(const char *s, struct sfs_grants *grants)
{
	struct sfs_grant grant;
	int r;

	while (*s) {
		if ((grants->count > 0 && !skip(&s, " ")) ||
		    !parse_one(&s, &grant) || grants->count >= SFS_GRANTS_MAX)
			return -EINVAL;
		if (grants->count > 0 &&
		    compare(grants->grants[grants->count - 1], grant) >= 0)
			return -EINVAL;
		r = sfs_grants_add(grants, grant);
		if (r < 0)
			return r;
	}
	return 0;
}

int sfs_grants_parse(const char *text, struct sfs_grants *ret)
{
	struct sfs_grants grants = { 0 };
	int r;

	r = parse_all(text, &grants);
	if (r < 0) {
		sfs_grants_done(&grants);
		return r;
	}
	*ret = grants;
	return 0;
}
