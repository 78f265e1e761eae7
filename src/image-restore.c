/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/image-restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/image-json.h"
#include "src/image-restore-run.h"
#include "src/images.h"
#include "src/log.h"
#include "src/machine.h"

void sfs_image_restored_done(struct sfs_image_restored *restored)
{
	free(restored->skipped);
	*restored = (struct sfs_image_restored){ .skipped = NULL };
}

static void job_done(struct sfs_image_restore_job *job)
{
	size_t i;

	for (i = 0; job->views && i < job->image->mapping_count; i++)
		sfs_view_close(job->views[i]);
	free(job->views);
	free(job->states);
	free(job->manifest);
	free(job->domain);
	free(job->script);
	sfs_closep(&job->fd);
	free(job->dir);
	free(job->real);
	sfs_image_restored_done(&job->done);
}

/* ---- what there is to restore ---- */

static int judge_state(const struct sfs_image_restore_job *job,
		       const struct sfs_mapping *mapping,
		       enum sfs_mapping_state state)
{
	bool root = mapping == sfs_image_root(job->image);
	const char *how = state == SFS_MAPPING_MISSING ? "missing" : "damaged";

	if (job->options->skip_missing && !root) {
		sfs_warn("'%s': left out: its snapshot '%s' is %s",
			 mapping->device, mapping->snapshot, how);
		return 0;
	}
	sfs_err("'%s': snapshot '%s' of device '%s' is %s; %s",
		job->image->name, mapping->snapshot, mapping->device, how,
		root ? "without its root the image cannot be restored"
		     : "--skip-missing leaves such a volume out");
	return state == SFS_MAPPING_MISSING ? -ENOENT : -EUCLEAN;
}

/* All that is missing is told at once. */
static int judge_states(struct sfs_image_restore_job *job)
{
	const struct sfs_image *image = job->image;
	int r, result = 0;
	size_t i;

	r = sfs_image_states(job->repo, image, &job->states);
	if (r < 0)
		return r;
	for (i = 0; i < image->mapping_count; i++) {
		if (job->states[i] == SFS_MAPPING_OK)
			continue;
		r = judge_state(job, &image->mappings[i], job->states[i]);
		if (r < 0)
			result = r;
		job->done.skipped[i] = true;
		job->done.skipped_count++;
	}
	return result;
}

static int open_view(struct sfs_image_restore_job *job,
		     const struct sfs_mapping *mapping, struct sfs_view **ret)
{
	bool empty = mapping->kind == SFS_MAPPING_EMPTY;
	int r;

	r = sfs_view_open_volume(job->repo, empty ? "" : mapping->snapshot,
				 mapping->size, ret);
	if (r == -ENOENT)
		sfs_err("'%s': snapshot '%s' of device '%s' went missing",
			job->image->name, mapping->snapshot, mapping->device);
	if (r < 0)
		return r;
	if (sfs_view_snapshot(*ret)->bad_bytes == 0)
		return 0;
	sfs_err("'%s': snapshot '%s' of device '%s' has gaps, which could not "
		"be read from its source, so the image cannot be restored",
		job->image->name, mapping->snapshot, mapping->device);
	return -EIO;
}

/* All of them stay open, so that no snapshot goes before its turn. */
static int open_views(struct sfs_image_restore_job *job)
{
	const struct sfs_mapping *mapping = job->image->mappings;
	size_t i;
	int r;

	for (i = 0; i < job->image->mapping_count; i++, mapping++) {
		if (!sfs_mapping_is_volume(mapping) || job->done.skipped[i])
			continue;
		r = open_view(job, mapping, &job->views[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- what is said about it ---- */

static int describe_start(struct sfs_image_restore_job *job,
			  const struct sfs_machine *machine)
{
	CLEANUP_FREE char *vars =
		sfs_asprintf("%s/" SFS_RESTORE_VARS, job->real);
	struct sfs_machine_files files = { .dir = job->real,
					   .skipped = job->done.skipped,
					   .vars = vars };
	int r;

	if (!vars)
		return -ENOMEM;
	r = sfs_machine_domain(machine, &files, &job->domain);
	if (r < 0)
		return r;
	files.dir = NULL;
	files.vars = SFS_RESTORE_VARS;
	return sfs_machine_script(machine, &files, &job->script);
}

static int describe_machine(struct sfs_image_restore_job *job)
{
	CLEANUP_MACHINE struct sfs_machine machine = { .image = NULL };
	const struct sfs_machine_options options = {
		.architecture = job->options->architecture,
		.elsewhere = true,
	};
	struct sfs_machine_host host;
	int r;

	if (!options.architecture && !*job->image->architecture) {
		sfs_warn("'%s': its architecture is not known, "
			 "so " SFS_RESTORE_DOMAIN " and " SFS_RESTORE_SCRIPT
			 " are left out; --arch gives it",
			 job->image->name);
		return 0;
	}
	sfs_machine_look(&host);
	r = sfs_machine_plan(job->image, &options, &host, &machine);
	if (r < 0)
		return r;
	job->done.startable = true;
	return describe_start(job, &machine);
}

/* ---- all of it ---- */

/* Nothing is written before all of this is known to be well. */
static int prepare(struct sfs_image_restore_job *job)
{
	int r;

	r = judge_states(job);
	if (r < 0)
		return r;
	r = open_views(job);
	if (r < 0)
		return r;
	r = sfs_image_document(job->repo, job->image, &job->manifest, NULL);
	if (r < 0)
		return r;
	r = sfs_image_restore_open_dir(job);
	if (r < 0)
		return r;
	r = describe_machine(job);
	if (r < 0)
		return r;
	return sfs_image_restore_check(job);
}

static int run(struct sfs_image_restore_job *job, const char *dir)
{
	size_t count = job->image->mapping_count;
	int r;

	job->views = sfs_calloc(count, sizeof(struct sfs_view *));
	job->done.skipped = sfs_calloc(count, sizeof(bool));
	if (!job->views || !job->done.skipped)
		return -ENOMEM;
	r = sfs_image_restore_set_dir(job, dir);
	if (r < 0)
		return r;
	r = prepare(job);
	if (r == 0)
		r = sfs_image_restore_write(job);
	/* What is whole in it keeps it. */
	if (r < 0 && job->made)
		rmdir(job->real ? job->real : job->dir);
	return r;
}

int sfs_image_restore(struct sfs_repo *repo, const struct sfs_image *image,
		      const char *dir,
		      const struct sfs_image_restore_options *options,
		      struct sfs_image_restored *ret)
{
	__attribute__((cleanup(job_done))) struct sfs_image_restore_job job = {
		.repo = repo,
		.image = image,
		.options = options,
		.fd = -1,
	};
	int r;

	r = run(&job, dir);
	if (r < 0)
		return r;
	*ret = job.done;
	job.done = (struct sfs_image_restored){ .skipped = NULL };
	return 0;
}
