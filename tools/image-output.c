/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/image-output.h"

#include <stdlib.h>

#include "src/image-json.h"
#include "tools/output.h"

const char *sfs_image_output_state(const struct sfs_image *image,
				   const enum sfs_mapping_state *states)
{
	size_t i;

	for (i = 0; i < image->mapping_count; i++)
		if (states[i] != SFS_MAPPING_OK)
			return "broken";
	if (image->disabled)
		return "disabled";
	if (sfs_image_deprecated(image, sfs_now_ns()))
		return "deprecated";
	return "available";
}

int sfs_image_output_json(struct sfs_repo *repo, const struct sfs_image *image)
{
	CLEANUP_FREE char *text = NULL;
	int r;

	r = sfs_image_document(repo, image, &text, NULL);
	if (r < 0)
		return r;
	fputs(text, stdout);
	return 0;
}

int sfs_image_output_edit(const struct sfs_cmd *cmd,
			  int (*edit)(struct sfs_image *image, void *context),
			  void *context)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	CLEANUP_IMAGE struct sfs_image *image = NULL;
	CLEANUP_IMAGE struct sfs_image *edited = NULL;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = sfs_catalog_select_image(repo->catalog, cmd->args.words[0], &image);
	if (r < 0)
		return r;
	r = sfs_image_edit(repo, image->id, edit, context, &edited);
	if (r < 0 || !cmd->json)
		return r;
	return sfs_image_output_json(repo, edited);
}
