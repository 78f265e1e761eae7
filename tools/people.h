/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_PEOPLE_H
#define SNAPFS_TOOLS_PEOPLE_H

/* Owners and grantees as people write and read them: names where this machine
 * knows them, numbers in any case. */

#include <stdint.h>

#include "src/grants.h"
#include "src/util.h"
#include "tools/cmd.h"

/* "user:alice", "user:1000", "group:ops", "all".  -EINVAL, with the reason
 * told. */
SFS_MUST_CHECK int sfs_people_parse(const struct sfs_cmd *cmd, const char *text,
				    struct sfs_grant *ret);

/* "alice (1000)", "1000" where it has no name here. */
#define SFS_PEOPLE_SIZE 128
void sfs_people_user(uint32_t user, char ret[SFS_PEOPLE_SIZE]);
/* "user:alice (1000)", "group:4", "all". */
void sfs_people_grant(struct sfs_grant grant, char ret[SFS_PEOPLE_SIZE]);

/* Fields that tell an owner, and with whom he shares. */
void sfs_people_print(uint32_t owner, const struct sfs_grants *grants);

#endif
