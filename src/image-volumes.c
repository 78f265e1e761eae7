/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/image-volumes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/name.h"
#include "src/log.h"

struct naming {
	struct sfs_repo *repo;
	const struct sfs_image_source *sources;
	struct sfs_volume_name *names; /* "" while they are not known */
	size_t count;
};

/* Make a legal name of the last part of @source. */
static void name_after(const char *source, char ret[SFS_VOLUME_NAME_MAX + 1])
{
	const char *slash = strrchr(source, '/'), *why;
	const char *base = slash ? slash + 1 : source;
	char one[2] = "x";
	size_t n = 0;

	for (; *base && n < SFS_VOLUME_NAME_MAX; base++) {
		one[0] = *base;
		/* A dot and a dash are fit where they are not first. */
		if (sfs_name_volume_ok(one, &why) ||
		    (n > 0 && (*base == '.' || *base == '-')))
			ret[n++] = *base;
		else if (n > 0)
			ret[n++] = '-';
	}
	ret[n] = '\0';
	if (n == 0)
		strcpy(ret, "disk");
}

static int is_of(const struct sfs_snapshot *snapshot, void *context)
{
	(void)snapshot;
	(void)context;
	return 1;
}

/* 1 when a volume is called @name, or another member is to be. */
static int is_taken(const struct naming *naming, const char *name)
{
	const struct sfs_catalog_filter filter = { .volume = name };
	size_t i;

	for (i = 0; i < naming->count; i++)
		if (strcmp(naming->names[i].name, name) == 0)
			return 1;
	return sfs_catalog_list(naming->repo->catalog, &filter, is_of, NULL);
}

/* The first of NAME, NAME-2, NAME-3, ... that is free. */
static int make_free(const struct naming *naming,
		     char name[SFS_VOLUME_NAME_MAX + 1])
{
	char first[SFS_VOLUME_NAME_MAX + 1], suffix[16];
	unsigned i;
	int r;

	strcpy(first, name);
	for (i = 2; (r = is_taken(naming, name)) > 0; i++) {
		snprintf(suffix, sizeof(suffix), "-%u", i);
		snprintf(name, SFS_VOLUME_NAME_MAX + 1, "%.*s%s",
			 (int)(SFS_VOLUME_NAME_MAX - strlen(suffix)), first,
			 suffix);
	}
	return r;
}

int sfs_image_volume_make_free(struct sfs_repo *repo,
			       struct sfs_volume_name *names, size_t count,
			       char name[SFS_VOLUME_NAME_MAX + 1])
{
	const struct naming naming = { repo, NULL, names, count };

	return make_free(&naming, name);
}

/* The volume that was read from @source before, or -ENOENT. */
static int find_known(const struct naming *naming, const char *source,
		      char ret[SFS_VOLUME_NAME_MAX + 1])
{
	CLEANUP_FREE char *path = NULL;
	int r;

	if (strcmp(source, "-") == 0)
		return -ENOENT;
	r = sfs_source_absolute(source, &path);
	if (r < 0)
		return r;
	return sfs_catalog_volume_of_source(naming->repo->catalog, path, ret);
}

static int find_name(const struct naming *naming,
		     const struct sfs_image_source *source,
		     struct sfs_volume_name *volume)
{
	char name[SFS_VOLUME_NAME_MAX + 1];
	bool known;
	int r;

	r = find_known(naming, source->source, name);
	known = r == 0;
	if (r == -ENOENT) {
		name_after(source->source, name);
		r = make_free(naming, name);
	}
	if (r < 0)
		return r;
	strcpy(volume->name, name);
	if (known)
		sfs_info("'%s': is volume '%s', as before", source->source,
			 name);
	else
		sfs_info("'%s': becomes the new volume '%s'", source->source,
			 name);
	return 0;
}

/* Those that were given come first: no other is to be named so. */
static int take_given(const struct naming *naming)
{
	const char *name, *why;
	size_t i;

	for (i = 0; i < naming->count; i++) {
		name = naming->sources[i].volume;
		if (!name)
			continue;
		if (!sfs_name_volume_ok(name, &why)) {
			sfs_err("volume name '%s': %s", name, why);
			return -EINVAL;
		}
		strcpy(naming->names[i].name, name);
	}
	return 0;
}

int sfs_image_volumes(struct sfs_repo *repo,
		      const struct sfs_image_source *sources, size_t count,
		      struct sfs_volume_name **ret)
{
	CLEANUP_FREE struct sfs_volume_name *names = NULL;
	struct naming naming = { repo, sources, NULL, count };
	size_t i;
	int r;

	names = naming.names = sfs_calloc(count, sizeof(*names));
	if (!names)
		return -ENOMEM;
	r = take_given(&naming);
	for (i = 0; i < count && r == 0; i++)
		if (!sources[i].volume)
			r = find_name(&naming, &sources[i], &names[i]);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(names);
	return 0;
}
