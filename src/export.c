/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "src/export-writer.h"
#include "src/image-file.h"
#include "src/log.h"
#include "src/view.h"

/* A snapshot of the image, once however many mappings it has. */
struct volume {
	struct sfs_view *view;
	struct sfs_view *base; /* or NULL */
	uint64_t rows;
};

struct export
{
	struct sfs_repo *repo;
	const struct sfs_image *image;
	const struct sfs_export_options *options;
	struct volume *volumes;
	size_t volume_count;
};

static void export_done(struct export *export)
{
	size_t i;

	for (i = 0; i < export->volume_count; i++) {
		sfs_view_close(export->volumes[i].view);
		sfs_view_close(export->volumes[i].base);
	}
	free(export->volumes);
}
#define CLEANUP_EXPORT __attribute__((cleanup(export_done)))

/* ---- the destination ---- */

static int judge_existing(const char *dest, mode_t mode, bool force)
{
	if (S_ISDIR(mode)) {
		sfs_err("'%s': is a directory; name the file to write", dest);
		return -EISDIR;
	}
	if (!S_ISREG(mode)) {
		sfs_err("'%s': is not a regular file", dest);
		return -EINVAL;
	}
	if (!force) {
		sfs_err("'%s': exists already; --force replaces it", dest);
		return -EEXIST;
	}
	return 0;
}

/* *ret is what to write to: symbolic links lead to the file to replace. */
static int judge_dest(const struct export *export, const char *dest, char **ret)
{
	const struct sfs_store *store = export->repo->store;
	struct stat st;
	int r = 0;

	if (sfs_store_contains(store, dest)) {
		sfs_err("'%s': lies inside the repository '%s'; export to a "
			"place outside it",
			dest, sfs_store_path(store));
		return -EINVAL;
	}
	if (stat(dest, &st) == 0) {
		r = judge_existing(dest, st.st_mode, export->options->force);
		*ret = r == 0 ? realpath(dest, NULL) : NULL;
	} else if (errno != ENOENT) {
		r = -errno;
		sfs_err("'%s': %s", dest, strerror(-r));
	} else if (!*dest || dest[strlen(dest) - 1] == '/') {
		sfs_err("'%s': is not there; name the file to write", dest);
		r = -ENOENT;
	} else {
		*ret = sfs_strdup(dest);
	}
	return r < 0 ? r : *ret ? 0 : -ENOMEM;
}

/* ---- what goes in ---- */

static int open_snapshot(const struct export *export,
			 const struct sfs_image *image,
			 const struct sfs_mapping *mapping,
			 struct sfs_view **ret)
{
	int r;

	r = sfs_view_open(export->repo, mapping->snapshot, ret);
	if (r == -ENOENT)
		sfs_err("image '%s': %s: its snapshot '%s' is missing",
			image->name, mapping->device, mapping->snapshot);
	return r;
}

/* Nobody could import it. */
static int refuse_small(const struct export *export,
			const struct sfs_mapping *mapping,
			const struct sfs_snapshot *snapshot)
{
	if (mapping->size >= snapshot->size)
		return 0;
	sfs_err("image '%s': %s: '%s' has %" PRIu64 " bytes, which a volume of "
		"%" PRIu64 " bytes has no room for",
		export->image->name, mapping->device, snapshot->id,
		snapshot->size, mapping->size);
	return -EINVAL;
}

/* A snapshot with known gaps is refused before anything is written. */
static int refuse_bad(const struct sfs_snapshot *snapshot)
{
	if (snapshot->bad_bytes == 0)
		return 0;
	sfs_err("'%s' of volume '%s': %" PRIu64 " bytes could not be read "
		"from the source when the snapshot was taken, so it cannot be "
		"exported",
		snapshot->id, snapshot->volume, snapshot->bad_bytes);
	return -EIO;
}

static struct volume *find_volume(const struct export *export, const char *id)
{
	size_t i;

	for (i = 0; i < export->volume_count; i++)
		if (strcmp(sfs_view_snapshot(export->volumes[i].view)->id,
			   id) == 0)
			return &export->volumes[i];
	return NULL;
}

static int open_base(const struct export *export, const char *device,
		     struct volume *volume)
{
	const struct sfs_image *base = export->options->base;
	const struct sfs_mapping *mapping;

	mapping = base ? sfs_image_mapping(base, device) : NULL;
	if (!mapping || mapping->kind != SFS_MAPPING_SNAPSHOT || volume->base)
		return 0;
	return open_snapshot(export, base, mapping, &volume->base);
}

static int open_mapping(struct export *export,
			const struct sfs_mapping *mapping)
{
	struct volume *volume = find_volume(export, mapping->snapshot);
	int r;

	if (!volume) {
		volume = &export->volumes[export->volume_count];
		r = open_snapshot(export, export->image, mapping,
				  &volume->view);
		if (r < 0)
			return r;
		export->volume_count++;
		r = refuse_bad(sfs_view_snapshot(volume->view));
		if (r < 0)
			return r;
	}
	r = refuse_small(export, mapping, sfs_view_snapshot(volume->view));
	return r < 0 ? r : open_base(export, mapping->device, volume);
}

/* Open all of it, so that nothing can be deleted under us. */
static int open_all(struct export *export)
{
	const struct sfs_image *image = export->image;
	struct sfs_progress *progress = export->options->progress;
	size_t i;
	int r;

	export->volumes =
		sfs_calloc(image->mapping_count, sizeof(*export->volumes));
	if (!export->volumes)
		return -ENOMEM;
	for (i = 0; i < image->mapping_count; i++) {
		if (image->mappings[i].kind != SFS_MAPPING_SNAPSHOT)
			continue;
		r = open_mapping(export, &image->mappings[i]);
		if (r < 0)
			return r;
	}
	for (i = 0; progress && i < export->volume_count; i++)
		progress->total_bytes +=
			sfs_view_snapshot(export->volumes[i].view)->size;
	return 0;
}

static void warn(const struct export *export,
		 const struct sfs_export_result *result)
{
	const struct sfs_image *base = export->options->base;

	if (export->image->newer)
		sfs_warn("image '%s': was written by a newer snapfs; what that "
			 "one alone knows of it is not in the file",
			 export->image->name);
	if (base && result->base_bytes == 0)
		sfs_warn("image '%s' has nothing in common with '%s'; the file "
			 "holds all of it",
			 export->image->name, base->name);
}

/* ---- the file ---- */

static int write_blocks(struct export *export, struct sfs_export_writer *writer)
{
	size_t i;
	int r;

	for (i = 0; i < export->volume_count; i++) {
		struct volume *volume = &export->volumes[i];

		r = sfs_export_volume(writer, (uint16_t)i, volume->view,
				      volume->base, &volume->rows);
		if (r != 0)
			return r;
	}
	return 0;
}

static bool has_base(const struct export *export)
{
	size_t i;

	for (i = 0; i < export->volume_count; i++)
		if (export->volumes[i].base)
			return true;
	return false;
}

static int write_records(const struct export *export,
			 struct sfs_export_writer *writer)
{
	size_t i;
	int r;

	r = sfs_export_writer_image(writer, SFS_EXPORT_IMAGE, export->image);
	if (r == 0 && has_base(export))
		r = sfs_export_writer_image(writer, SFS_EXPORT_BASE_IMAGE,
					    export->options->base);
	for (i = 0; r == 0 && i < export->volume_count; i++) {
		const struct volume *volume = &export->volumes[i];

		r = sfs_export_writer_snapshot(writer, SFS_EXPORT_VOLUME,
					       sfs_view_snapshot(volume->view),
					       volume->rows);
		if (r == 0 && volume->base)
			r = sfs_export_writer_snapshot(
				writer, SFS_EXPORT_OF_BASE,
				sfs_view_snapshot(volume->base), 0);
	}
	return r;
}

static int write_file(struct export *export, const char *dest,
		      struct sfs_export_result *ret)
{
	CLEANUP_EXPORT_WRITER struct sfs_export_writer writer = {
		.file = SFS_TEMP_FILE_INIT,
		.config = sfs_image_file_config(export->repo->config.uuid),
		.threads = export->options->threads,
		.progress = export->options->progress,
	};
	int r;

	r = sfs_export_writer_begin(&writer, dest, export->options->force);
	if (r == 0)
		r = write_blocks(export, &writer);
	if (r == 0)
		r = write_records(export, &writer);
	if (r == 0)
		r = sfs_export_writer_end(&writer);
	if (r != 0)
		return r;
	*ret = writer.result;
	return 0;
}

int sfs_image_export(struct sfs_repo *repo, const struct sfs_image *image,
		     const char *dest, const struct sfs_export_options *options,
		     struct sfs_export_result *ret)
{
	CLEANUP_EXPORT struct export export = {
		.repo = repo,
		.image = image,
		.options = options,
	};
	CLEANUP_FREE char *real = NULL;
	int r;

	r = judge_dest(&export, dest, &real);
	if (r == 0)
		r = open_all(&export);
	if (r == 0)
		r = write_file(&export, real, ret);
	if (r == 0)
		warn(&export, ret);
	return r;
}
