/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_GOLDEN_DEFECTS_H
#define SNAPFS_TESTS_GOLDEN_DEFECTS_H

/*
 * Bad repositories: each is the golden one with one defect.  The table says
 * what is changed, and with which error which decoder must refuse it.  Where
 * a defect is sealed, all checks are right, so that what refuses it is the
 * rule that it breaks and not a check.
 */

#include "tests/golden/golden.h"

enum sfs_defect_decoder {
	SFS_DEFECT_PACK_HEADER,
	SFS_DEFECT_SLOT_0,
	SFS_DEFECT_SLOT_1,
	SFS_DEFECT_TABLE,
	SFS_DEFECT_NODE, /* the node in slot 0 */
	SFS_DEFECT_ENVELOPE,
	SFS_DEFECT_RECORD, /* config, snapshot, set or image, as the file is */
};

struct sfs_defect {
	const char *name;
	enum sfs_golden_name file;
	/* Of these three, one: put @hex at @offset (negative: from the end);
	 * replace the first @find by @replace; change the size by @grow. */
	int offset;
	const char *hex;
	const char *find, *replace;
	int grow;
	bool sealed;
	enum sfs_defect_decoder decoder;
	int error;
	const char *why; /* what the decoder says, in part */
};

extern const struct sfs_defect sfs_defects[];
extern const size_t sfs_defect_count;

const struct sfs_defect *sfs_defect_find(const char *name);

/* Put the defect into @golden, which was loaded. */
void sfs_defect_apply(const struct sfs_defect *defect,
		      struct sfs_golden *golden);

/* One line each: name, file, error, reason. */
void sfs_defect_list(void);

#endif
