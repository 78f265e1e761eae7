/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/images.h"
#include "src/log.h"
#include "tools/cmd.h"
#include "tools/image-args.h"
#include "tools/image-output.h"
#include "tools/ingest-args.h"
#include "tools/message.h"
#include "tools/show-progress.h"

/* What the words and options say, and what it is kept in. */
struct request {
	struct sfs_image_args what;
	struct sfs_ingest_args how;
	struct sfs_image_source *sources;
	size_t count;
};

static void request_done(struct request *request)
{
	sfs_image_args_done(&request->what);
	sfs_ingest_args_done(&request->how);
	free(request->sources);
}

/* A set has each volume once, and there is one standard input. */
static int check_distinct(const struct sfs_cmd *cmd,
			  const struct request *request)
{
	const struct sfs_image_source *sources = request->sources;
	size_t i, j, streams = 0;

	for (i = 0; i < request->count; i++) {
		streams += strcmp(sources[i].source, "-") == 0;
		for (j = 0; j < i; j++)
			if (sources[i].volume && sources[j].volume &&
			    strcmp(sources[i].volume, sources[j].volume) == 0)
				return sfs_message_usage(
					cmd->args.context,
					"volume '%s': is named twice",
					sources[i].volume);
	}
	if (streams > 1)
		return sfs_message_usage(cmd->args.context,
					 "source '-': there is only one "
					 "standard input");
	return 0;
}

static int gather_sources(const struct sfs_cmd *cmd, struct request *request)
{
	const struct sfs_image *image = request->what.image;
	const struct sfs_disk *disk;
	size_t i;

	request->sources =
		sfs_calloc(image->mapping_count, sizeof(*request->sources));
	if (!request->sources)
		return -ENOMEM;
	for (i = 0; i < image->mapping_count; i++) {
		disk = &request->what.disks[i];
		if (image->mappings[i].kind == SFS_MAPPING_SNAPSHOT)
			request->sources[request->count++] =
				(struct sfs_image_source){
					.mapping = i,
					.source = disk->from,
					.volume = disk->volume,
				};
	}
	return check_distinct(cmd, request);
}

/* Say how each disk went; 3 when some of them could not be read. */
static int tell(struct sfs_repo *repo, const struct request *request)
{
	const struct sfs_image *image = request->what.image;
	bool part = false;
	size_t i;
	int r;

	for (i = 0; i < request->count; i++) {
		CLEANUP_SNAPSHOT struct sfs_snapshot *snapshot = NULL;
		const struct sfs_mapping *mapping =
			&image->mappings[request->sources[i].mapping];

		r = sfs_catalog_load(repo->catalog, mapping->snapshot,
				     &snapshot);
		if (r < 0)
			return r;
		sfs_info("device '%s': %s", mapping->device, snapshot->id);
		sfs_ingest_args_tell(snapshot);
		part = part || snapshot->bad_bytes > 0;
	}
	return part ? SFS_EXIT_PART : 0;
}

static int create(const struct sfs_cmd *cmd, struct request *request)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	struct sfs_image *image = request->what.image;
	int part;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	sfs_show_progress_start(&request->how.progress, "image");
	r = sfs_image_create(repo, image, request->sources, request->count,
			     &request->how.options);
	sfs_show_progress_end();
	if (r == -EINTR)
		sfs_info("interrupted: no image was made; what is stored is "
			 "used by the next attempt, or given back by gc");
	if (r < 0)
		return r;
	if (!cmd->json)
		puts(image->id);
	part = tell(repo, request);
	if (part < 0)
		return part;
	r = cmd->json ? sfs_image_output_json(repo, image) : 0;
	return r == 0 ? part : r;
}

static int run(struct sfs_cmd *cmd)
{
	struct request request = { .count = 0 };
	int r;

	r = sfs_image_args_parse(cmd, true, &request.what);
	if (r == 0)
		r = sfs_ingest_args_parse(cmd, &request.how);
	if (r == 0)
		r = gather_sources(cmd, &request);
	if (r == 0)
		r = create(cmd, &request);
	request_done(&request);
	return r;
}

static const struct sfs_opt options[] = {
	SFS_LABEL_OPTIONS,
	SFS_IMAGE_OPTIONS,
	SFS_INGEST_OPTIONS,
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_image_create = {
	.noun = "image",
	.name = "create",
	.words = "NAME DEVICE=SOURCE...",
	.summary = "Take a machine image: all its disks at one moment.",
	.text = "SOURCE is a file, a block device or - for standard input; "
		"behind it may stand ,volume=NAME and "
		",delete-on-termination=yes|no. A device can also be "
		"empty,size=N, a volume of zeros; ephemeralN, which is there "
		"while the machine runs; or none. A file with such a name is "
		"written ./empty.\n"
		"All or nothing: if one disk fails there is no image and no "
		"snapshot. Prints the image's id. Description and tags are "
		"also the snapshots'.\n"
		"A source that is in use is refused unless it is frozen, the "
		"file system can clone it, or --allow-fuzzy is given.",
	.options = options,
	.min_words = 2,
	.max_words = SFS_WORDS_ANY,
	.more = SFS_COMPLETE_DISK,
	.run = run,
};
