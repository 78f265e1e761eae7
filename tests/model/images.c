/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Making images, and what they must be. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/images.h"
#include "tests/model/model.h"

static const struct {
	const char *device;
	const char *file; /* "": no device name */
} devices[] = {
	{ "/dev/sda1", "sda1" },
	{ "/dev/sdf", "sdf" },
	{ "xvda", "xvda" },
	{ "/dev/disk/by", "disk_by" },
	{ "sda1", "sda1" },
	{ "disk_by", "disk_by" },
	{ "/dev/mapper/a-b", "mapper_a-b" },
	{ "/dev/", "" },
};

static const struct {
	const char *name;
	bool legal;
} names[] = {
	{ "web", true },      { "web 2026", true },
	{ "db (old)", true }, { "a.b", true },
	{ "it's", true },     { "x@y[1]", true },
	{ "golden_", true },  { "WEB", true },
	{ "img-0123", true }, { "a-b-c", true },
	{ "[1]", true },      { "web  2026", true },
	{ "ab", false },      { ".dot", false },
	{ " lead", false },   { "trail ", false },
	{ "a/b", false },     { "caf\xc3\xa9", false },
	{ "-dash", false },   { "img-0123456789abcdef0", false },
};
#define NAMES_LEGAL 12

/* ---- the model ---- */

struct model_image *find_image(const char *id)
{
	unsigned i;

	for (i = 0; i < image_count; i++)
		if (strcmp(images[i].id, id) == 0)
			return &images[i];
	return NULL;
}

void drop_image(const char *id)
{
	struct model_image *image = find_image(id);
	char copy[SFS_ID_SIZE];

	memcpy(copy, id, sizeof(copy));
	*image = images[--image_count];
	forget_twins(copy);
}

bool uses(const struct model_image *image, const char *id)
{
	unsigned i;

	for (i = 0; i < image->mapping_count; i++)
		if (image->mappings[i].kind == SFS_MAPPING_SNAPSHOT &&
		    strcmp(image->mappings[i].snapshot, id) == 0)
			return true;
	return false;
}

const char *file_of(const char *device)
{
	size_t i;

	for (i = 0; i < SFS_ARRAY_SIZE(devices); i++)
		if (strcmp(devices[i].device, device) == 0)
			return devices[i].file;
	return "";
}

const char *draw_name(const char *id, unsigned *wrong)
{
	size_t n =
		rarely(15) ? below(SFS_ARRAY_SIZE(names)) : below(NAMES_LEGAL);
	unsigned i;

	if (!names[n].legal)
		*wrong |= WRONG_EINVAL;
	for (i = 0; i < image_count; i++)
		if (strcmp(images[i].name, names[n].name) == 0 &&
		    strcmp(images[i].id, id) != 0)
			*wrong |= WRONG_EEXIST;
	return names[n].name;
}

/* ---- comparing ---- */

static void compare_text(const char *id, const char *what, const char *got,
			 const char *want)
{
	if (strcmp(got ? got : "", want) != 0)
		die("%s: %s is '%s', should be '%s'", id, what, got, want);
}

static void compare_mapping(const char *id, const struct sfs_mapping *got,
			    const struct sfs_mapping *want)
{
	compare_text(id, "device", got->device, want->device);
	compare_text(id, want->device, got->snapshot, want->snapshot);
	if (got->kind != want->kind || got->size != want->size ||
	    got->ephemeral != want->ephemeral ||
	    got->delete_on_termination != want->delete_on_termination)
		die("%s: %s is of kind %d, %" PRIu64
		    " bytes, should be of kind %d, %" PRIu64 " bytes",
		    id, want->device, got->kind, got->size, want->kind,
		    want->size);
}

static void compare_flags(const struct sfs_image *got,
			  const struct model_image *want)
{
	if (got->owner != geteuid() || got->time_ns != want->time_ns ||
	    got->disabled != want->disabled ||
	    got->is_protected != want->is_protected ||
	    got->deprecated_ns != want->deprecated_ns || got->newer)
		die("%s: owner %u, time %" PRId64
		    ", disabled %d, protected %d, deprecated %" PRId64,
		    got->id, got->owner, got->time_ns, got->disabled,
		    got->is_protected, got->deprecated_ns);
	if (!same_grants(&got->grants, want->grants))
		die("%s: grants are not %#x", got->id, want->grants);
	if (!same_tags(&got->tags, want->tags))
		die("%s: tags are not %u, %u, %u", got->id, want->tags[0],
		    want->tags[1], want->tags[2]);
}

void compare_image(const struct sfs_image *got)
{
	const struct model_image *want = find_image(got->id);
	unsigned i;

	if (!want)
		die("%s is listed", got->id);
	compare_text(got->id, "name", got->name, want->name);
	compare_text(got->id, "set", got->set, want->set);
	compare_text(got->id, "origin", got->origin, "");
	compare_text(got->id, "root", got->root, want->root);
	compare_text(got->id, "architecture", got->architecture,
		     want->architecture);
	compare_text(got->id, "boot mode", got->boot_mode, want->boot_mode);
	compare_text(got->id, "platform", got->platform, want->platform);
	compare_text(got->id, "description", got->description,
		     want->description);
	compare_flags(got, want);
	if (got->mapping_count != want->mapping_count)
		die("%s maps %zu devices, should be %u", got->id,
		    got->mapping_count, want->mapping_count);
	for (i = 0; i < want->mapping_count; i++)
		compare_mapping(got->id, &got->mappings[i], &want->mappings[i]);
}

/* One of its volumes, and that it is found. */
void op_compare_image(const struct model_image *image)
{
	const struct sfs_mapping *mapping =
		&image->mappings[below(image->mapping_count)];
	enum sfs_mapping_state *states;
	struct sfs_image *found;
	struct sfs_view *view;
	unsigned i;

	must(sfs_catalog_select_image(
		repo->catalog, below(2) ? image->name : image->id, &found));
	compare_text(image->name, "id", found->id, image->id);
	compare_image(found);
	must(sfs_image_states(repo, found, &states));
	for (i = 0; i < image->mapping_count; i++)
		if (states[i] != SFS_MAPPING_OK)
			die("%s: %s is in state %d", image->id,
			    image->mappings[i].device, states[i]);
	free(states);
	sfs_image_free(found);
	if (!sfs_mapping_is_volume(mapping))
		return;
	must(sfs_view_open_volume(repo, mapping->snapshot, mapping->size,
				  &view));
	compare_view(view, image->id,
		     mapped_bytes(mapping->snapshot, mapping->size),
		     mapping->size);
	sfs_view_close(view);
}

/* ---- what is asked for ---- */

struct request {
	struct sfs_image image;
	struct sfs_mapping mappings[MAPPINGS_MAX]; /* as they should become */
	struct sfs_image_source sources[VOLUMES];
	struct volume *disks[VOLUMES]; /* of the sources */
	unsigned source_count;
	unsigned wrong;
};

static void draw_device(struct request *request, struct sfs_mapping *mapping,
			size_t n)
{
	size_t which = rarely(25) ? below(SFS_ARRAY_SIZE(devices)) : n;
	const struct sfs_mapping *other;

	snprintf(mapping->device, sizeof(mapping->device), "%s",
		 devices[which].device);
	if (!*devices[which].file)
		request->wrong |= WRONG_EINVAL;
	for (other = request->mappings; other < mapping; other++)
		if (strcmp(file_of(other->device), devices[which].file) == 0)
			request->wrong |= WRONG_EINVAL;
}

/* A size that is asked for, for a volume that needs @size bytes, and the
 * one that it should become. */
static uint64_t draw_size(struct request *request, size_t size,
			  uint64_t *ret_size)
{
	uint64_t asked = 0;

	if (rarely(20))
		asked = below(2) && size ? size - 1 : below(size);
	else if (below(2))
		asked = size +
			below(below(2) ? MAPPED_MAX - size : 2 * chunk_size);
	asked = sfs_min(asked, MAPPED_MAX);
	*ret_size = asked ? asked : size;
	if (*ret_size < size || *ret_size == 0)
		request->wrong |= WRONG_EINVAL;
	return asked;
}

static void map_kept(struct request *request, struct sfs_mapping *mapping,
		     uint64_t *ret_asked)
{
	const struct kept *k = &kept[below(kept_count)];

	if (kept_count == 0 || rarely(40)) {
		strcpy(mapping->snapshot, gone_snapshot());
		request->wrong |= WRONG_ENOENT;
		return;
	}
	memcpy(mapping->snapshot, k->id, sizeof(k->id));
	*ret_asked = draw_size(request, k->size, &mapping->size);
}

static void map_disk(struct request *request, struct sfs_mapping *mapping,
		     uint64_t *ret_asked)
{
	struct sfs_image_source *source =
		&request->sources[request->source_count];
	struct volume *disk =
		request->source_count
			? request->disks[0] + request->source_count
			: &volumes[below(VOLUMES)];

	/* Each disk once. */
	if (disk >= volumes + VOLUMES)
		disk -= VOLUMES;
	request->disks[request->source_count++] = disk;
	source->mapping = (size_t)(mapping - request->mappings);
	source->source = disk->path;
	source->volume = below(2) ? disk->name : NULL;
	*ret_asked = draw_size(request, disk->size, &mapping->size);
	if (rarely(40)) {
		source->source = "missing.raw";
		request->wrong |= WRONG_ENOENT;
	}
}

static void draw_other(struct request *request, struct sfs_mapping *mapping)
{
	mapping->kind = SFS_MAPPING_EMPTY + (enum sfs_mapping_kind)below(3);
	if (mapping->kind == SFS_MAPPING_EMPTY) {
		mapping->size = rarely(30) ? 0 : 1 + below(MAPPED_MAX);
		if (mapping->size == 0)
			request->wrong |= WRONG_EINVAL;
		mapping->delete_on_termination = below(2);
	} else if (mapping->kind == SFS_MAPPING_EPHEMERAL) {
		mapping->ephemeral = (unsigned)below(rarely(20) ? 30 : 24);
		if (mapping->ephemeral > 23)
			request->wrong |= WRONG_EINVAL;
	}
}

/* Mapping @n of a machine whose disks may be @fresh. */
static void draw_mapping(struct request *request, size_t n, bool fresh)
{
	struct sfs_mapping *mapping = &request->mappings[n];
	uint64_t asked;

	draw_device(request, mapping, n);
	if (rarely(n == 0 ? 40 : 2)) {
		draw_other(request, mapping);
		asked = mapping->size;
	} else {
		mapping->kind = SFS_MAPPING_SNAPSHOT;
		mapping->delete_on_termination = below(2);
		asked = 0;
		if (fresh && request->source_count < VOLUMES && !rarely(4))
			map_disk(request, mapping, &asked);
		else
			map_kept(request, mapping, &asked);
	}
	request->image.mappings[n] = *mapping;
	request->image.mappings[n].size = asked;
}

static void draw_root(struct request *request, size_t count)
{
	const struct sfs_mapping *root = &request->mappings[0];

	if (rarely(10))
		root = &request->mappings[below(count)];
	strcpy(request->image.root, root->device);
	if (rarely(30))
		strcpy(request->image.root, below(2) ? "" : "/dev/none");
	if (root->kind != SFS_MAPPING_SNAPSHOT ||
	    strcmp(request->image.root, root->device) != 0)
		request->wrong |= WRONG_EINVAL;
}

static void draw_request(struct request *request, bool fresh)
{
	struct sfs_image *image = &request->image;
	size_t i, count = 1 + below(MAPPINGS_MAX);

	memset(request, 0, sizeof(*request));
	strcpy(image->name, draw_name("", &request->wrong));
	strcpy(image->architecture, below(2) ? "x86_64" : "arm64");
	strcpy(image->boot_mode, below(2) ? "uefi" : "legacy-bios");
	image->platform = strdup("Model/Linux");
	image->description = strdup(below(2) ? "for a test" : "");
	image->mappings = calloc(MAPPINGS_MAX, sizeof(*image->mappings));
	image->mapping_count = rarely(50) ? 0 : count;
	if (image->mapping_count == 0)
		request->wrong |= WRONG_EINVAL;
	for (i = 0; i < count; i++)
		draw_mapping(request, i, fresh);
	draw_root(request, count);
	/* What the disk is to tell then. */
	if (fresh && rarely(8))
		image->architecture[0] = '\0';
}

/* ---- making them ---- */

static void add_image(const struct request *request)
{
	const struct sfs_image *made = &request->image;
	struct model_image *image = &images[image_count++];

	*image = (struct model_image){ .time_ns = made->time_ns };
	memcpy(image->id, made->id, sizeof(image->id));
	memcpy(image->set, made->set, sizeof(image->set));
	strcpy(image->name, made->name);
	strcpy(image->architecture, made->architecture);
	strcpy(image->boot_mode, made->boot_mode);
	strcpy(image->platform, made->platform);
	strcpy(image->description, made->description);
	strcpy(image->root, made->root);
	memcpy(image->mappings, request->mappings, sizeof(image->mappings));
	image->mapping_count = (unsigned)made->mapping_count;
}

void op_register(void)
{
	struct request request;
	int r;

	if (image_count == IMAGES_MAX)
		return;
	draw_request(&request, false);
	r = sfs_image_register(repo, &request.image);
	if (was_done("register", r, request.wrong))
		add_image(&request);
	sfs_image_done(&request.image);
	compare_lists();
}

/* Its snapshots exist now, and are the mappings'. */
static void keep_sources(struct request *request)
{
	const struct sfs_image_source *source;
	struct sfs_snapshot *snapshot;
	const char *id;
	unsigned i;

	for (i = 0; i < request->source_count; i++) {
		source = &request->sources[i];
		id = request->image.mappings[source->mapping].snapshot;
		strcpy(request->mappings[source->mapping].snapshot, id);
		keep(request->disks[i], id);
		must(sfs_catalog_load(repo->catalog, id, &snapshot));
		if (source->volume &&
		    strcmp(snapshot->volume, source->volume) != 0)
			die("%s is of volume '%s', should be of '%s'", id,
			    snapshot->volume, source->volume);
		if (strcmp(snapshot->set, request->image.set) != 0 ||
		    snapshot->time_ns != request->image.time_ns)
			die("%s is of another moment than %s", id,
			    request->image.id);
		sfs_snapshot_free(snapshot);
	}
}

void op_image_create(void)
{
	struct sfs_ingest_options options = { .threads = 2 };
	struct request request;
	int r;

	if (image_count == IMAGES_MAX || kept_count + VOLUMES > SNAPSHOTS_MAX)
		return;
	draw_request(&request, true);
	if (request.source_count == 0)
		request.wrong |= WRONG_EINVAL;
	options.progress = may_interrupt();
	r = sfs_image_create(repo, &request.image, request.sources,
			     request.source_count, &options);
	if (!(options.progress && r == -EINTR) &&
	    was_done("create", r, request.wrong)) {
		keep_sources(&request);
		add_image(&request);
	}
	sfs_image_done(&request.image);
	compare_lists();
}
