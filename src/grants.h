/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_GRANTS_H
#define SNAPFS_SRC_GRANTS_H

/*
 * Who owns a snapshot or an image, and with whom it is shared.  Users and
 * groups are the numbers that the kernel checks; names are for those who talk
 * to people.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/limits.h"
#include "src/util.h"

/* The owner of what does not say whose it is: the repository's. */
#define SFS_OWNER_NONE UINT32_MAX

enum sfs_grantee {
	SFS_GRANT_USER,
	SFS_GRANT_GROUP,
	SFS_GRANT_ALL,
};

struct sfs_grant {
	enum sfs_grantee kind;
	uint32_t id; /* of the user or group; 0 for ALL; never UINT32_MAX */
};

/* In order of (kind, id), each once; at most SFS_GRANTS_MAX. */
struct sfs_grants {
	struct sfs_grant *grants;
	size_t count;
};

void sfs_grants_done(struct sfs_grants *grants);
SFS_MUST_CHECK int sfs_grants_copy(struct sfs_grants *to,
				   const struct sfs_grants *from);

/* 1 when @grant was not there yet, 0 when it was.  -E2BIG, logged: too many. */
SFS_MUST_CHECK int sfs_grants_add(struct sfs_grants *grants,
				  struct sfs_grant grant);
/* Whether it was there. */
bool sfs_grants_remove(struct sfs_grants *grants, struct sfs_grant grant);
bool sfs_grants_has(const struct sfs_grants *grants, struct sfs_grant grant);

/* Whether someone with these numbers is among the grantees. */
bool sfs_grants_allow(const struct sfs_grants *grants, uint32_t user,
		      const uint32_t *groups, size_t group_count);

/* "user:1000 group:4 all", and strictly back (-EINVAL, not logged).  The text
 * is the caller's to free; "" for none. */
SFS_MUST_CHECK int sfs_grants_format(const struct sfs_grants *grants,
				     char **ret);
SFS_MUST_CHECK int sfs_grants_parse(const char *text, struct sfs_grants *ret);

#endif
