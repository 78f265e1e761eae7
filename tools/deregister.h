/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_DEREGISTER_H
#define SNAPFS_TOOLS_DEREGISTER_H

/* Deregistering several images as one: what becomes of each snapshot when all
 * of them are gone. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/images.h"
#include "src/repo.h"
#include "src/util.h"

struct sfs_fate {
	struct sfs_released released;
	char **users; /* names of the images that use it and stay */
	size_t user_count;
	size_t user_capacity;
	bool done; /* it is what came to pass, and not only foretold */
};

struct sfs_deregister {
	bool delete_snapshots; /* as asked for, like the next */
	bool dry_run;
	struct sfs_image **images; /* each once */
	size_t count;
	struct sfs_fate *fates; /* of their snapshots, each once */
	size_t fate_count;
	size_t fate_capacity;
	uint64_t bytes; /* that deleting the orphans frees, or would */
	bool known;	/* it is */
	bool unclear;	/* a record of another image is damaged */
	size_t gone;	/* how many of the images are deregistered */
	bool failed; /* a snapshot that should have gone is, or may be, there */
};

/* Resolve @names and foretell what becomes of the snapshots.  -EPERM, logged:
 * one of the images is protected. */
SFS_MUST_CHECK int sfs_deregister_plan(struct sfs_repo *repo,
				       char *const *names, size_t count,
				       struct sfs_deregister *plan);
/* Do it.  On failure plan->gone and the fates that are done say how far it
 * went; at an uncertain outcome it goes no further. */
SFS_MUST_CHECK int sfs_deregister_do(struct sfs_repo *repo,
				     struct sfs_deregister *plan);

/* Say what was, or with plan->dry_run would be, done; also after failure. */
void sfs_deregister_print(const struct sfs_deregister *plan);
SFS_MUST_CHECK int sfs_deregister_json(const struct sfs_deregister *plan);

void sfs_deregister_done(struct sfs_deregister *plan);
#define CLEANUP_DEREGISTER __attribute__((cleanup(sfs_deregister_done)))

#endif
