/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TOOLS_INGEST_ARGS_H
#define SNAPFS_TOOLS_INGEST_ARGS_H

/* What verbs that take snapshots are told of how to take them. */

#include "src/ingest.h"
#include "src/progress.h"
#include "src/util.h"
#include "tools/cmd.h"

/* For their tables, beside SFS_LABEL_OPTIONS. */
#define SFS_INGEST_OPTIONS                                                     \
	{ .name = "freeze",                                                    \
	  .argument = "DIR",                                                   \
	  .repeat = true,                                                      \
	  .complete = SFS_COMPLETE_DIR,                                        \
	  .help = "freeze the file system mounted at DIR for the cut; may be " \
		  "given again" },                                             \
		{ .name = "pre",                                               \
		  .argument = "CMD",                                           \
		  .help = "run this shell command before the cut; its "        \
			  "failure ends "                                      \
			  "the attempt" },                                     \
		{ .name = "post",                                              \
		  .argument = "CMD",                                           \
		  .help = "run this shell command after the cut, also when "   \
			  "something "                                         \
			  "failed after --pre" },                              \
		{ .name = "allow-fuzzy",                                       \
		  .help = "take a source that changes while it is read, and "  \
			  "record "                                            \
			  "that it is fuzzy" },                                \
	{                                                                      \
		.name = "skip-bad",                                            \
		.help = "record what the source cannot give as bad instead "   \
			"of failing; the exit status is then 3"                \
	}

/* What the options say, and what it is kept in: not to be moved. */
struct sfs_ingest_args {
	struct sfs_tags tags;
	char **freeze;
	struct sfs_ingest_options options;
	struct sfs_progress progress;
};

SFS_MUST_CHECK int sfs_ingest_args_parse(const struct sfs_cmd *cmd,
					 struct sfs_ingest_args *ret);
void sfs_ingest_args_done(struct sfs_ingest_args *args);

/* Say how @snapshot went. */
void sfs_ingest_args_tell(const struct sfs_snapshot *snapshot);

#endif
