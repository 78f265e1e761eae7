/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "format/limits.h"
#include "src/log.h"
#include "tools/cmd.h"
#include "tools/message.h"
#include "tools/output.h"

static int chunk_size(const struct sfs_cmd *cmd, uint32_t *ret)
{
	const char *text = sfs_args_get(&cmd->args, "chunk-size");
	uint64_t size;

	*ret = SFS_CHUNK_SIZE_DEFAULT;
	if (!text)
		return 0;
	if (sfs_opts_size(text, &size) < 0 || size < SFS_CHUNK_SIZE_MIN ||
	    size > SFS_CHUNK_SIZE_MAX || (size & (size - 1)) != 0)
		return sfs_message_usage(cmd->args.context,
					 "chunk size '%s': is not a power of "
					 "two from 4K to 1M",
					 text);
	*ret = (uint32_t)size;
	return 0;
}

static int run(struct sfs_cmd *cmd)
{
	const char *compression = sfs_args_get(&cmd->args, "compression");
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	uint32_t size;
	int r;

	r = chunk_size(cmd, &size);
	if (r < 0)
		return r;
	r = sfs_repo_init(cmd->args.words[0], size,
			  compression ? compression : "lz4");
	if (r < 0)
		return r;
	r = sfs_repo_open(cmd->args.words[0], 0, &repo);
	if (r < 0)
		return r;
	if (!cmd->json) {
		sfs_info("'%s': made a repository with chunks of %u KiB",
			 sfs_store_path(repo->store), size >> 10);
		return 0;
	}
	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "Repository", sfs_store_path(repo->store));
	sfs_jsonw_uint(w, "ChunkSizeInBytes", repo->config.chunk_size);
	sfs_jsonw_string(w, "Compression", repo->config.compression);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

static const struct sfs_opt options[] = {
	{ .name = "chunk-size",
	  .argument = "SIZE",
	  .help = "unit of change detection and sharing, a power of two from "
		  "4K to 1M; 16K unless told" },
	{ .name = "compression",
	  .argument = "lz4|lz4hc|none",
	  .complete = SFS_COMPLETE_CHOICE,
	  .choices = "lz4 lz4hc none",
	  .help = "how chunks are stored; lz4 unless told, lz4hc is smaller "
		  "and slower to write" },
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_init = {
	.name = "init",
	.words = "REPO",
	.summary = "Make a new repository.",
	.text = "REPO is a directory that is made, or is empty.",
	.options = options,
	.min_words = 1,
	.max_words = 1,
	.complete = SFS_COMPLETE_DIR,
	.run = run,
};
