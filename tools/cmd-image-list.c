/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/image-json.h"
#include "src/images.h"
#include "src/log.h"
#include "tools/cmd.h"
#include "tools/image-output.h"
#include "tools/output.h"
#include "tools/table.h"

static const char *const headings[] = { "NAME",	    "IMAGE ID", "CREATED",
					">VOLUMES", ">SIZE",	"STATE" };

/* What is to be listed. */
struct list {
	const char *tag; /* K or K=V, or NULL */
	bool all;
	int64_t now_ns;
	struct sfs_image **images; /* owned */
	size_t count;
	size_t capacity;
};

static void list_done(struct list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		sfs_image_free(list->images[i]);
	free(list->images);
}

/* Whether @tags have the key K and, of "K=V", that value. */
static bool has_tag(const struct sfs_tags *tags, const char *tag)
{
	size_t i, length = strcspn(tag, "=");
	const struct sfs_tag *one;

	for (i = 0; i < tags->count; i++) {
		one = &tags->tags[i];
		if (strlen(one->key) == length &&
		    memcmp(one->key, tag, length) == 0)
			return !tag[length] ||
			       strcmp(one->value, tag + length + 1) == 0;
	}
	return false;
}

/* Whether the caller is to see @image when it is no longer for everybody. */
static bool is_hidden(const struct list *list, const struct sfs_image *image)
{
	if (list->all || image->owner == geteuid())
		return false;
	return image->disabled || sfs_image_deprecated(image, list->now_ns);
}

static int gather(const struct sfs_image *image, void *context)
{
	struct list *list = context;
	int r;

	if ((list->tag && !has_tag(&image->tags, list->tag)) ||
	    is_hidden(list, image))
		return 0;
	r = sfs_grow(&list->images, &list->capacity, list->count,
		     sizeof(struct sfs_image *));
	if (r < 0)
		return r;
	r = sfs_image_copy(image, &list->images[list->count]);
	if (r < 0)
		return r;
	list->count++;
	return 0;
}

static int add_volumes(struct sfs_table *table, const struct sfs_image *image)
{
	uint64_t size = 0;
	size_t i, count = 0;
	int r;

	for (i = 0; i < image->mapping_count; i++) {
		if (!sfs_mapping_is_volume(&image->mappings[i]))
			continue;
		if (__builtin_add_overflow(size, image->mappings[i].size,
					   &size))
			size = UINT64_MAX; /* and stays: sizes only add */
		count++;
	}
	r = sfs_table_add_count(table, count);
	return r == 0 ? sfs_table_add_size(table, size) : r;
}

static int add_row(struct sfs_table *table, struct sfs_repo *repo,
		   const struct sfs_image *image)
{
	CLEANUP_FREE enum sfs_mapping_state *states = NULL;
	int r;

	r = sfs_image_states(repo, image, &states);
	if (r == 0)
		r = sfs_table_add(table, image->name);
	if (r == 0)
		r = sfs_table_add(table, image->id);
	if (r == 0)
		r = sfs_table_add_time(table, image->time_ns);
	if (r == 0)
		r = add_volumes(table, image);
	if (r == 0)
		r = sfs_table_add(table, sfs_image_output_state(image, states));
	return r;
}

static int list_table(struct sfs_repo *repo, const struct list *list)
{
	CLEANUP_TABLE struct sfs_table table = {
		.headings = headings,
		.columns = SFS_ARRAY_SIZE(headings),
	};
	size_t i;
	int r;

	for (i = 0; i < list->count; i++) {
		r = add_row(&table, repo, list->images[i]);
		if (r < 0)
			return r;
	}
	if (list->count > 0)
		sfs_table_print(&table);
	else
		sfs_info("no images");
	return 0;
}

static int list_json(struct sfs_repo *repo, const struct list *list)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	size_t i;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_array(w, "Images");
	for (i = 0; i < list->count; i++) {
		CLEANUP_FREE enum sfs_mapping_state *states = NULL;

		r = sfs_image_states(repo, list->images[i], &states);
		if (r < 0)
			return r;
		sfs_image_json(w, NULL, list->images[i], states);
	}
	sfs_jsonw_end(w);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

/* Root, and whose repository it is. */
static bool is_master(const struct sfs_repo *repo)
{
	struct stat st;

	return geteuid() == 0 || (stat(sfs_store_path(repo->store), &st) == 0 &&
				  st.st_uid == geteuid());
}

static int list_images(const struct sfs_cmd *cmd, struct list *list)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	list->all = list->all || is_master(repo);
	r = sfs_catalog_list_images(repo->catalog, gather, list);
	if (r < 0)
		return r;
	r = cmd->json ? list_json(repo, list) : list_table(repo, list);
	return r == 0 ? sfs_cmd_check_listed(repo) : r;
}

static int run(struct sfs_cmd *cmd)
{
	struct list list = {
		.tag = sfs_args_get(&cmd->args, "tag"),
		.all = sfs_args_has(&cmd->args, "all"),
		.now_ns = sfs_now_ns(),
	};
	int r;

	r = list_images(cmd, &list);
	list_done(&list);
	return r;
}

static const struct sfs_opt options[] = {
	{ .name = "tag", .argument = "K[=V]", .help = "only with this tag" },
	{ .name = "all",
	  .help = "also what others have deprecated or disabled" },
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_image_list = {
	.noun = "image",
	.name = "list",
	.summary = "List machine images by name.",
	.text = "STATE is available, deprecated, disabled, or broken when a "
		"snapshot of the image is missing or damaged.",
	.options = options,
	.run = run,
};
