/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <xxhash.h>

#include "format/export.h"
#include "format/le.h"
#include "format/time.h"
#include "src/delete.h"
#include "src/export.h"
#include "src/image-file.h"
#include "src/images.h"
#include "src/import.h"
#include "src/source-image.h"
#include "src/tag.h"
#include "tests/unit/scratch-repo.h"

#define MIB ((uint64_t)SFS_EXPORT_BLOCK_SIZE)

/* Less than the 256 MiB that 2^23 rows take. */
#define MEMORY (UINT64_C(200) << 20)

/* The repository that images are imported into. */
static struct sfs_repo *there;

static int setup(void **state)
{
	return repo_setup(state);
}

static int teardown(void **state)
{
	sfs_repo_close(TAKE_PTR(there));
	return repo_teardown(state);
}

static void open_there(uint32_t chunk_size)
{
	assert_int_equal(sfs_repo_init("there", chunk_size, "lz4"), 0);
	assert_int_equal(sfs_repo_open("there", 0, &there), 0);
}

static bool said(const char *part)
{
	return strstr(scratch_log, part) != NULL;
}

/* ---- images ---- */

static void map(struct sfs_image *image, const char *device,
		enum sfs_mapping_kind kind, const char *snapshot, uint64_t size)
{
	struct sfs_mapping *mapping = add_mapping(image, device, kind);

	strcpy(mapping->snapshot, snapshot);
	mapping->size = size;
}

/* An image of one snapshot that is freed here. */
static struct sfs_image *register_one(const char *name,
				      struct sfs_snapshot *snapshot)
{
	struct sfs_image *image = register_image(name, snapshot);

	sfs_snapshot_free(snapshot);
	return image;
}

static struct sfs_export_result result;

static int export_to(const struct sfs_image *image, const char *dest,
		     const struct sfs_image *base, bool force)
{
	const struct sfs_export_options options = {
		.base = base,
		.force = force,
		.threads = 2,
	};

	scratch_log[0] = '\0';
	return sfs_image_export(repo, image, dest, &options, &result);
}

static int import_on(struct sfs_repo *to, const char *path, const char *name,
		     const struct sfs_image *base, struct sfs_image **ret)
{
	const struct sfs_import_options options = { .name = name,
						    .base = base,
						    .threads = 2 };

	scratch_log[0] = '\0';
	return sfs_image_import(to, path, &options, ret);
}

static int import_to(struct sfs_repo *to, const char *path, const char *name,
		     struct sfs_image **ret)
{
	return import_on(to, path, name, NULL, ret);
}

static struct sfs_image *must_import(struct sfs_repo *to, const char *path,
				     const char *name)
{
	struct sfs_image *image;

	assert_int_equal(import_to(to, path, name, &image), 0);
	return image;
}

static struct sfs_image *must_import_on(struct sfs_repo *to, const char *path,
					const char *name,
					const struct sfs_image *base)
{
	struct sfs_image *image;

	assert_int_equal(import_on(to, path, name, base, &image), 0);
	return image;
}

static int must_not_import_on(struct sfs_repo *to, const char *path,
			      const struct sfs_image *base)
{
	struct sfs_image *image = NULL;
	int r = import_on(to, path, "refused", base, &image);

	if (r == 0)
		sfs_image_free(image);
	return r;
}

static int must_not_import(const char *path)
{
	struct sfs_image *image = NULL;
	int r = import_to(there, path, NULL, &image);

	if (r == 0)
		sfs_image_free(image);
	return r;
}

static struct sfs_snapshot *
snapshot_of(struct sfs_repo *in, const struct sfs_image *image, size_t mapping)
{
	struct sfs_snapshot *snapshot;

	assert_int_equal(sfs_catalog_load(in->catalog,
					  image->mappings[mapping].snapshot,
					  &snapshot),
			 0);
	return snapshot;
}

/* Whether the mapping's volume holds the same as the file @path. */
static void assert_holds(struct sfs_repo *in, const struct sfs_image *image,
			 size_t mapping, const char *path)
{
	const struct sfs_mapping *m = &image->mappings[mapping];
	uint8_t *bytes = malloc(MIB), *want = malloc(MIB);
	struct sfs_view *view;
	uint64_t offset;
	size_t done;
	int fd = open_disk(path);

	assert_non_null(bytes);
	assert_non_null(want);
	assert_int_equal(sfs_view_open_volume(in, m->snapshot, m->size, &view),
			 0);
	for (offset = 0; offset < m->size; offset += done) {
		assert_int_equal(
			sfs_view_pread(view, bytes, MIB, offset, &done), 0);
		memset(want, 0, MIB);
		assert_true(pread(fd, want, done, (off_t)offset) >= 0);
		assert_memory_equal(bytes, want, done);
	}
	close(fd);
	sfs_view_close(view);
	free(bytes);
	free(want);
}

/* What the directory @path holds, as one number. */
static uint64_t fingerprint(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	uint64_t sum = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			sum += XXH3_64bits(entry->d_name,
					   strlen(entry->d_name));
	closedir(dir);
	return sum;
}

static unsigned hidden_files(void)
{
	DIR *dir = opendir(".");
	const struct dirent *entry;
	unsigned n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] == '.' && strlen(entry->d_name) > 2;
	closedir(dir);
	return n;
}

static int count_image(const struct sfs_image *image, void *context)
{
	(void)image;
	++*(unsigned *)context;
	return 0;
}

static unsigned images_in(struct sfs_repo *in)
{
	unsigned n = 0;

	assert_true(sfs_catalog_refresh(in->catalog) >= 0);
	assert_int_equal(sfs_catalog_list_images(in->catalog, count_image, &n),
			 0);
	return n;
}

static int count_snapshot(const struct sfs_snapshot *snapshot, void *context)
{
	(void)snapshot;
	++*(unsigned *)context;
	return 0;
}

static unsigned snapshots_in(struct sfs_repo *in)
{
	unsigned n = 0;

	assert_true(sfs_catalog_refresh(in->catalog) >= 0);
	assert_int_equal(
		sfs_catalog_list(in->catalog, NULL, count_snapshot, &n), 0);
	return n;
}

/* ---- files ---- */

static uint8_t *slurp(const char *path, size_t *ret_size)
{
	int fd = open_disk(path);
	off_t size = lseek(fd, 0, SEEK_END);
	uint8_t *bytes = malloc((size_t)size + 1);

	assert_non_null(bytes);
	assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
	close(fd);
	*ret_size = (size_t)size;
	return bytes;
}

static void spill(const char *path, const uint8_t *bytes, size_t size)
{
	int fd = open_disk(path);

	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, bytes, size, 0), size);
	close(fd);
}

static void seal_header(uint8_t *bytes)
{
	le64 check = le64_put(XXH3_64bits(bytes, 0x38));

	memcpy(bytes + 0x38, &check, sizeof(check));
}

static void seal_tail(uint8_t *bytes, size_t size)
{
	le64 offset, check;
	uint64_t at;

	memcpy(&offset, bytes + size - SFS_EXPORT_FOOTER_SIZE, sizeof(offset));
	at = le64_get(offset);
	check = le64_put(XXH3_64bits(bytes + at, size - 16 - at));
	memcpy(bytes + size - 16, &check, sizeof(check));
}

static uint64_t index_offset(const uint8_t *bytes, size_t size)
{
	le64 offset;

	memcpy(&offset, bytes + size - SFS_EXPORT_FOOTER_SIZE, sizeof(offset));
	return le64_get(offset);
}

/* A file of few bytes: two volumes of one block, compressed and raw. */
static struct sfs_image *tiny(const char *path)
{
	struct sfs_image *image = new_image("tiny");
	struct sfs_snapshot *a, *b;

	fill("tiny.img", 'x', 600);
	put_noise("noise.img", 0, 40, 1);
	a = take("tiny", "tiny.img");
	b = take("noise", "noise.img");
	map(image, "/dev/sda1", SFS_MAPPING_SNAPSHOT, a->id, 0);
	map(image, "/dev/sdf", SFS_MAPPING_SNAPSHOT, b->id, 0);
	assert_int_equal(sfs_image_register(repo, image), 0);
	assert_int_equal(export_to(image, path, NULL, false), 0);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
	return image;
}

/* ---- round trips ---- */

/* Two disks with holes, zeros and a part of a block at the end; a snapshot of
 * a volume that is larger; and what has no snapshot. */
static struct sfs_image *machine(void)
{
	struct sfs_snapshot *root, *data;
	struct sfs_image *image = new_image("web (golden)");
	struct sfs_tags tags = { 0 };

	put_noise("root.img", 0, 2 * MIB + 12345, 1);
	put_zeros("root.img", 3 * MIB, MIB);
	put_noise("root.img", 7 * MIB + 4096, 5000, 2);
	resize("root.img", 9 * MIB + 1000);
	put_noise("data.img", 5 * MIB, 1, 3);
	fill("text.img", 't', 100000);
	shell("cat text.img >>data.img");
	root = take("web-root", "root.img");
	data = take("web-data", "data.img");
	assert_int_equal(sfs_tags_set(&tags, "role", "web=1"), 0);
	assert_int_equal(sfs_tag(repo, data->id, &tags, NULL, 0, NULL), 0);
	image->tags = tags;
	map(image, "/dev/sda1", SFS_MAPPING_SNAPSHOT, root->id, 12 * MIB);
	map(image, "/dev/sdf", SFS_MAPPING_SNAPSHOT, data->id, 0);
	map(image, "/dev/sdg", SFS_MAPPING_EMPTY, "", 5 * MIB);
	map(image, "/dev/sdb", SFS_MAPPING_EPHEMERAL, "", 0);
	map(image, "/dev/sdc", SFS_MAPPING_NONE, "", 0);
	image->mappings[0].delete_on_termination = true;
	image->mappings[3].ephemeral = 7;
	image->deprecated_ns = 1900000000 * SFS_SECOND;
	image->disabled = image->is_protected = true;
	assert_int_equal(sfs_grants_add(&image->grants,
					(struct sfs_grant){ SFS_GRANT_ALL, 0 }),
			 1);
	assert_int_equal(sfs_image_register(repo, image), 0);
	sfs_snapshot_free(root);
	sfs_snapshot_free(data);
	return image;
}

static void assert_same_mappings(const struct sfs_image *a,
				 const struct sfs_image *b)
{
	size_t i;

	assert_int_equal(a->mapping_count, b->mapping_count);
	for (i = 0; i < a->mapping_count; i++) {
		const struct sfs_mapping *x = &a->mappings[i];
		const struct sfs_mapping *y = &b->mappings[i];

		assert_string_equal(x->device, y->device);
		assert_int_equal(x->kind, y->kind);
		assert_int_equal(x->size, y->size);
		assert_int_equal(x->ephemeral, y->ephemeral);
		assert_int_equal(x->delete_on_termination,
				 y->delete_on_termination);
		if (x->kind == SFS_MAPPING_SNAPSHOT)
			assert_string_not_equal(x->snapshot, y->snapshot);
	}
}

static void assert_imported(const struct sfs_image *from,
			    const struct sfs_image *to)
{
	assert_string_not_equal(from->id, to->id);
	assert_string_equal(to->origin, from->id);
	assert_string_equal(to->architecture, from->architecture);
	assert_string_equal(to->boot_mode, from->boot_mode);
	assert_string_equal(to->platform, from->platform);
	assert_string_equal(to->description, from->description);
	assert_string_equal(to->root, from->root);
	assert_int_equal(to->deprecated_ns, from->deprecated_ns);
	assert_int_equal(to->tags.count, 1);
	assert_string_equal(to->tags.tags[0].value, "web=1");
	assert_int_equal(to->owner, geteuid());
	assert_int_equal(to->grants.count, 0);
	assert_false(to->disabled);
	assert_false(to->is_protected);
	assert_same_mappings(from, to);
}

static void assert_snapshot_imported(const struct sfs_image *from,
				     const struct sfs_image *to, size_t mapping)
{
	struct sfs_snapshot *a = snapshot_of(repo, from, mapping);
	struct sfs_snapshot *b = snapshot_of(there, to, mapping);
	char source[128], uuid[SFS_UUID_SIZE];

	sfs_uuid_format(repo->config.uuid, uuid);
	snprintf(source, sizeof(source), "import:%s/%s", uuid, a->volume_id);
	assert_string_equal(b->source, source);
	assert_string_equal(a->volume, b->volume);
	assert_string_not_equal(a->volume_id, b->volume_id);
	assert_int_equal(a->time_ns, b->time_ns);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->consistency, b->consistency);
	assert_string_equal(a->description, b->description);
	assert_int_equal(a->tags.count, b->tags.count);
	assert_string_equal(b->parent, "");
	assert_int_equal(b->grants.count, 0);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
}

static void round_trip(uint32_t chunk_size)
{
	struct sfs_image *image = machine(), *got, *again;

	assert_int_equal(export_to(image, "web.snapfs", NULL, false), 0);
	assert_int_equal(result.base_bytes, 0);
	assert_int_equal(hidden_files(), 0);
	open_there(chunk_size);
	got = must_import(there, "web.snapfs", NULL);
	assert_string_equal(got->name, "web (golden)");
	assert_imported(image, got);
	assert_snapshot_imported(image, got, 0);
	assert_snapshot_imported(image, got, 1);
	assert_holds(there, got, 0, "root.img");
	assert_holds(there, got, 1, "data.img");

	/* What stands in the repository is what was said. */
	assert_int_equal(
		sfs_catalog_load_image(there->catalog, got->id, &again), 0);
	assert_imported(image, again);
	sfs_image_free(again);
	sfs_image_free(got);
	sfs_image_free(image);
}

static void test_same_chunks(void **state)
{
	(void)state;
	round_trip(CHUNK);
}

static void test_larger_chunks(void **state)
{
	(void)state;
	round_trip(64 << 10);
}

static void test_chunks_as_large_as_blocks(void **state)
{
	(void)state;
	round_trip(1 << 20);
}

/* An empty volume cannot be, but one that is all zeros can. */
static void test_zeros(void **state)
{
	struct sfs_image *image, *got;

	(void)state;
	resize("zero.img", 3 * MIB + 512);
	image = register_one("zero", take("zero", "zero.img"));
	assert_int_equal(export_to(image, "zero.snapfs", NULL, false), 0);
	assert_int_equal(result.data_bytes, 0);
	assert_true(result.file_bytes < 4096);
	open_there(CHUNK);
	got = must_import(there, "zero.snapfs", "renamed");
	assert_string_equal(got->name, "renamed");
	assert_holds(there, got, 0, "zero.img");
	sfs_image_free(got);
	sfs_image_free(image);
}

/* One snapshot under two devices stays one; two snapshots of one volume become
 * two volumes, and two more the next time. */
static void test_shared_and_twin_snapshots(void **state)
{
	struct sfs_image *image, *got[2];
	static const char *const names[] = { "disk", "disk-2", "disk-3",
					     "disk-4" };
	struct sfs_snapshot *old, *new, *a, *b;
	size_t i;

	(void)state;
	put_noise("disk.img", 0, 5000, 1);
	old = take("disk", "disk.img");
	put_noise("disk.img", 0, 5000, 2);
	new = take("disk", "disk.img");
	image = new_image("twins");
	map(image, "/dev/sda1", SFS_MAPPING_SNAPSHOT, new->id, 0);
	map(image, "sdb", SFS_MAPPING_SNAPSHOT, old->id, 0);
	map(image, "sdc", SFS_MAPPING_SNAPSHOT, new->id, 0);
	assert_int_equal(sfs_image_register(repo, image), 0);
	assert_int_equal(export_to(image, "twins.snapfs", NULL, false), 0);
	open_there(CHUNK);
	for (i = 0; i < 2; i++) {
		got[i] = must_import(there, "twins.snapfs", i ? "more" : NULL);
		assert_holds(there, got[i], 0, "disk.img");
		assert_string_equal(got[i]->mappings[0].snapshot,
				    got[i]->mappings[2].snapshot);
		a = snapshot_of(there, got[i], 0);
		b = snapshot_of(there, got[i], 1);
		assert_string_equal(a->volume, names[2 * i]);
		assert_string_equal(b->volume, names[2 * i + 1]);
		sfs_snapshot_free(a);
		sfs_snapshot_free(b);
	}
	assert_int_equal(snapshots_in(there), 4);
	sfs_image_free(got[0]);
	sfs_image_free(got[1]);
	sfs_snapshot_free(old);
	sfs_snapshot_free(new);
	sfs_image_free(image);
}

/* ---- names ---- */

static void test_volume_name_taken(void **state)
{
	const struct sfs_ingest_options options = { .threads = 1 };
	const struct sfs_ingest_member member = { .volume = "tiny",
						  .source = "tiny.img" };
	struct sfs_image *image = tiny("tiny.snapfs"), *got;
	struct sfs_snapshot *snapshot;
	size_t i;

	(void)state;
	open_there(CHUNK);
	assert_int_equal(sfs_ingest(there, &member, 1, &options, &snapshot), 0);
	sfs_snapshot_free(snapshot);
	/* No file adds to a volume, but its bytes are stored once. */
	for (i = 0; i < 2; i++) {
		got = must_import(there, "tiny.snapfs", i ? "again" : "first");
		snapshot = snapshot_of(there, got, 0);
		assert_string_equal(snapshot->volume, i ? "tiny-3" : "tiny-2");
		assert_string_equal(snapshot->parent, "");
		assert_true(snapshot->stored_bytes < CHUNK);
		sfs_snapshot_free(snapshot);
		sfs_image_free(got);
	}
	sfs_image_free(image);
}

/* Before gigabytes are read: the damaged block is not what it fails for. */
static void test_image_name_taken(void **state)
{
	struct sfs_image *image = tiny("tiny.snapfs"), *got;

	(void)state;
	open_there(CHUNK);
	sfs_image_free(must_import(there, "tiny.snapfs", NULL));
	flip("tiny.snapfs", SFS_EXPORT_HEADER_SIZE + 3);
	assert_int_equal(must_not_import("tiny.snapfs"), -EEXIST);
	assert_true(said("tiny"));
	assert_int_equal(import_to(there, "tiny.snapfs", ".no", &got), -EINVAL);
	assert_int_equal(import_to(there, "tiny.snapfs", "other", &got),
			 -EBADMSG);
	assert_int_equal(images_in(there), 1);
	sfs_image_free(image);
}

/* ---- thin files ---- */

/* Two images of one volume, of which the second differs in a few blocks. */
static void two_images(struct sfs_image **ret_old, struct sfs_image **ret_new)
{
	put_noise("disk.img", 0, 6 * MIB, 1);
	shell("cp disk.img old.img");
	*ret_old = register_one("old", take("disk", "disk.img"));
	put_noise("disk.img", MIB + 5000, 10, 2);
	put_zeros("disk.img", 3 * MIB, MIB);
	put_noise("disk.img", 8 * MIB, 100, 3);
	*ret_new = register_one("new", take("disk", "disk.img"));
}

static void test_thin(void **state)
{
	struct sfs_image *old, *new, *got_old, *got_new;
	struct sfs_snapshot *a, *b;

	(void)state;
	two_images(&old, &new);
	assert_int_equal(export_to(old, "old.snapfs", NULL, false), 0);
	assert_int_equal(export_to(new, "new.snapfs", old, false), 0);
	assert_int_equal(result.base_bytes, 4 * MIB);
	assert_in_range(result.file_bytes, MIB, 2 * MIB);
	open_there(64 << 10);
	got_old = must_import(there, "old.snapfs", NULL);
	/* What would fit is not used unless it was named. */
	assert_int_equal(must_not_import("new.snapfs"), -ENOENT);
	assert_true(said("'old'"));
	assert_true(said(old->id));
	assert_true(said("--base"));
	assert_int_equal(images_in(there), 1);

	got_new = must_import_on(there, "new.snapfs", NULL, got_old);
	assert_holds(there, got_old, 0, "old.img");
	assert_holds(there, got_new, 0, "disk.img");
	a = snapshot_of(there, got_old, 0);
	b = snapshot_of(there, got_new, 0);
	assert_string_equal(a->volume_id, b->volume_id);
	assert_string_equal(a->id, b->parent);
	/* Two chunks that changed, and a node. */
	assert_true(b->stored_bytes < MIB);
	sfs_snapshot_free(a);
	sfs_snapshot_free(b);
	sfs_image_free(got_old);
	sfs_image_free(got_new);
	sfs_image_free(old);
	sfs_image_free(new);
}

static void assert_volume(struct sfs_repo *in, const struct sfs_image *image,
			  const char *name)
{
	struct sfs_snapshot *snapshot = snapshot_of(in, image, 0);

	assert_string_equal(snapshot->volume, name);
	sfs_snapshot_free(snapshot);
}

/* The base may be the very snapshot that the file was made against. */
static void test_thin_at_home(void **state)
{
	struct sfs_image *old, *new, *got;

	(void)state;
	two_images(&old, &new);
	assert_int_equal(export_to(new, "new.snapfs", old, false), 0);
	got = must_import_on(repo, "new.snapfs", "back", old);
	assert_holds(repo, got, 0, "disk.img");
	/* A file must not add to a volume that is somebody's own. */
	assert_volume(repo, got, "disk-2");
	sfs_image_free(got);
	sfs_image_free(old);
	sfs_image_free(new);
}

/* Nor to one that was imported, once somebody has taken a snapshot of it. */
static void test_volume_in_use(void **state)
{
	const struct sfs_ingest_options options = { .threads = 1 };
	const struct sfs_ingest_member member = { .volume = "disk",
						  .source = "old.img" };
	struct sfs_image *old, *new, *got_old, *got_new;
	struct sfs_snapshot *own, *latest;

	(void)state;
	two_images(&old, &new);
	assert_int_equal(export_to(old, "old.snapfs", NULL, false), 0);
	assert_int_equal(export_to(new, "new.snapfs", old, false), 0);
	open_there(CHUNK);
	got_old = must_import(there, "old.snapfs", NULL);
	assert_int_equal(sfs_ingest(there, &member, 1, &options, &own), 0);
	got_new = must_import_on(there, "new.snapfs", NULL, got_old);
	assert_holds(there, got_new, 0, "disk.img");
	assert_volume(there, got_new, "disk-2");
	assert_int_equal(sfs_catalog_latest(there->catalog, "disk", &latest),
			 0);
	assert_string_equal(latest->id, own->id);
	sfs_snapshot_free(latest);
	sfs_snapshot_free(own);
	sfs_image_free(got_old);
	sfs_image_free(got_new);
	sfs_image_free(old);
	sfs_image_free(new);
}

/* A base for a file that holds everything changes nothing. */
static void test_needless_base(void **state)
{
	struct sfs_image *old, *new, *first, *second;

	(void)state;
	two_images(&old, &new);
	assert_int_equal(export_to(old, "old.snapfs", NULL, false), 0);
	assert_int_equal(export_to(new, "new.snapfs", NULL, false), 0);
	open_there(CHUNK);
	first = must_import(there, "old.snapfs", NULL);
	second = must_import_on(there, "new.snapfs", NULL, first);
	assert_volume(there, second, "disk-2");
	sfs_image_free(first);
	sfs_image_free(second);
	sfs_image_free(old);
	sfs_image_free(new);
}

/* Into "there": an image, the caller's, of a snapshot of @path, that says that
 * it was imported from @like. */
static struct sfs_image *plant(const char *name, const char *path,
			       const struct sfs_snapshot *like)
{
	const struct sfs_ingest_options options = { .threads = 1 };
	struct sfs_ingest_member member = { .volume = name,
					    .time_ns = like->time_ns };
	struct sfs_image *image = register_one(name, take(name, path));
	struct sfs_image *planted = new_image(name);
	struct sfs_image_file *file;
	struct sfs_snapshot *snapshot;
	char origin[128], uuid[SFS_UUID_SIZE];

	assert_int_equal(export_to(image, "plant.snapfs", NULL, true), 0);
	assert_int_equal(sfs_image_file_open("plant.snapfs", &file), 0);
	sfs_uuid_format(repo->config.uuid, uuid);
	snprintf(origin, sizeof(origin), "import:%s/%s", uuid, like->volume_id);
	assert_int_equal(
		sfs_source_open_image(file, 0, origin, NULL, &member.opened),
		0);
	assert_int_equal(sfs_ingest(there, &member, 1, &options, &snapshot), 0);
	map(planted, "/dev/sda1", SFS_MAPPING_SNAPSHOT, snapshot->id, 0);
	assert_int_equal(sfs_image_register(there, planted), 0);
	sfs_snapshot_free(snapshot);
	sfs_source_close(member.opened);
	sfs_image_file_close(file);
	sfs_image_free(image);
	return planted;
}

/* What looks like the base is not used unless it was named, and its content is
 * found out by the hashes if it was. */
static void test_planted_base(void **state)
{
	struct sfs_image *old, *new, *planted, *got_old, *got_new;
	struct sfs_snapshot *base;

	(void)state;
	two_images(&old, &new);
	assert_int_equal(export_to(old, "old.snapfs", NULL, false), 0);
	assert_int_equal(export_to(new, "new.snapfs", old, false), 0);
	base = snapshot_of(repo, old, 0);
	open_there(CHUNK);
	got_old = must_import(there, "old.snapfs", NULL);
	put_noise("old.img", 5 * MIB, 1, 9);
	planted = plant("planted", "old.img", base);
	assert_int_equal(must_not_import("new.snapfs"), -ENOENT);
	assert_int_equal(must_not_import_on(there, "new.snapfs", planted),
			 -EBADMSG);
	assert_true(said("was not made against"));
	assert_int_equal(images_in(there), 2);
	assert_int_equal(snapshots_in(there), 2);
	got_new = must_import_on(there, "new.snapfs", NULL, got_old);
	assert_holds(there, got_new, 0, "disk.img");
	sfs_snapshot_free(base);
	sfs_image_free(planted);
	sfs_image_free(got_old);
	sfs_image_free(got_new);
	sfs_image_free(old);
	sfs_image_free(new);
}

static void test_no_or_many_bases(void **state)
{
	struct sfs_image *old, *new, *planted, *both, *other;
	struct sfs_snapshot *base;

	(void)state;
	two_images(&old, &new);
	assert_int_equal(export_to(new, "new.snapfs", old, false), 0);
	assert_int_equal(must_not_import_on(repo, "new.snapfs", new), -ENOENT);
	assert_true(said("volume 'disk': image 'new'"));
	assert_true(said(old->mappings[0].snapshot));
	base = snapshot_of(repo, old, 0);
	open_there(CHUNK);
	planted = plant("planted", "old.img", base);
	other = plant("other", "old.img", base);
	both = new_image("both");
	map(both, "/dev/sda1", SFS_MAPPING_SNAPSHOT,
	    planted->mappings[0].snapshot, 0);
	map(both, "/dev/sdb", SFS_MAPPING_SNAPSHOT,
	    planted->mappings[0].snapshot, 0);
	assert_int_equal(sfs_image_register(there, both), 0);
	sfs_image_free(must_import_on(there, "new.snapfs", "one", both));
	strcpy(both->mappings[1].snapshot, other->mappings[0].snapshot);
	assert_int_equal(must_not_import_on(there, "new.snapfs", both),
			 -EEXIST);
	assert_true(said("volume 'disk': image 'both'"));
	sfs_snapshot_free(base);
	sfs_image_free(planted);
	sfs_image_free(other);
	sfs_image_free(both);
	sfs_image_free(old);
	sfs_image_free(new);
}

/* ---- what a file may not say ---- */

/* An image whose only snapshot shows the moment @time_ns. */
static void export_of(int64_t time_ns, const char *path)
{
	const struct sfs_ingest_member member = { .volume = "disk",
						  .source = "disk.img",
						  .time_ns = time_ns };
	const struct sfs_ingest_options options = { .threads = 1 };
	struct sfs_snapshot *snapshot;
	struct sfs_image *image;

	assert_int_equal(sfs_ingest(repo, &member, 1, &options, &snapshot), 0);
	image = register_one(path, snapshot);
	assert_int_equal(export_to(image, path, NULL, false), 0);
	sfs_image_free(image);
}

static void test_of_the_future(void **state)
{
	const int64_t now = sfs_now_ns();

	(void)state;
	fill("disk.img", 'x', 600);
	export_of(now + 400 * SFS_SECOND, "future.snapfs");
	export_of(now + 200 * SFS_SECOND, "clock.snapfs");
	open_there(CHUNK);
	assert_int_equal(must_not_import("future.snapfs"), -ERANGE);
	assert_true(said("'future.snapfs'"));
	assert_true(said("volume 'disk'"));
	assert_int_equal(snapshots_in(there), 0);
	sfs_image_free(must_import(there, "clock.snapfs", NULL));
}

/* What says that it is of a volume that was imported before. */
static void test_volume_id_again(void **state)
{
	struct sfs_image *old, *new, *first, *second;
	struct sfs_snapshot *latest;

	(void)state;
	two_images(&old, &new);
	assert_int_equal(export_to(old, "old.snapfs", NULL, false), 0);
	assert_int_equal(export_to(new, "new.snapfs", NULL, false), 0);
	open_there(CHUNK);
	first = must_import(there, "old.snapfs", NULL);
	second = must_import(there, "new.snapfs", NULL);
	assert_int_equal(sfs_catalog_latest(there->catalog, "disk", &latest),
			 0);
	assert_string_equal(latest->id, first->mappings[0].snapshot);
	sfs_snapshot_free(latest);
	sfs_image_free(first);
	sfs_image_free(second);
	sfs_image_free(old);
	sfs_image_free(new);
}

/* What RLIMIT_DATA limits, now; sanitizers have a lot of it. */
static uint64_t data_now(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*u %*u %*u %*u %*u %lu", &pages), 1);
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Make @path's index one of @count rows, all of them zeros that take no space,
 * and try to import it with little memory. */
static int import_sparse(const char *path, uint64_t count)
{
	size_t size, index, records;
	uint8_t *bytes = slurp(path, &size);
	struct rlimit limit, tight;
	le64 rows;
	int fd, r;

	index = index_offset(bytes, size);
	memcpy(&rows, bytes + size - SFS_EXPORT_FOOTER_SIZE + 8, sizeof(rows));
	records = index + le64_get(rows) * SFS_EXPORT_ROW_SIZE;
	rows = le64_put(count);
	memcpy(bytes + size - SFS_EXPORT_FOOTER_SIZE + 8, &rows, sizeof(rows));
	spill("sparse", bytes, index);
	fd = open_disk("sparse");
	assert_int_equal(pwrite(fd, bytes + records, size - records,
				(off_t)(index + count * SFS_EXPORT_ROW_SIZE)),
			 size - records);
	close(fd);
	free(bytes);
	assert_int_equal(getrlimit(RLIMIT_DATA, &limit), 0);
	tight = limit;
	tight.rlim_cur = data_now() + MEMORY;
	assert_int_equal(setrlimit(RLIMIT_DATA, &tight), 0);
	r = must_not_import("sparse");
	assert_int_equal(setrlimit(RLIMIT_DATA, &limit), 0);
	return r;
}

/* Neither what a footer says nor what volumes say is worth memory. */
static void test_rows_of_nothing(void **state)
{
	struct sfs_image *small = tiny("tiny.snapfs"), *large;

	(void)state;
	open_there(CHUNK);
	assert_int_equal(import_sparse("tiny.snapfs", SFS_EXPORT_ROWS_MAX),
			 -EUCLEAN);
	assert_true(said("more rows than its volumes have blocks"));
	resize("large.img", UINT64_C(1) << 43);
	large = register_one("large", take("large", "large.img"));
	assert_int_equal(export_to(large, "large.snapfs", NULL, false), 0);
	assert_int_equal(import_sparse("large.snapfs", UINT64_C(1) << 23),
			 -EUCLEAN);
	assert_true(said("unknown kind"));
	sfs_image_free(small);
	sfs_image_free(large);
}

/* ---- bad files ---- */

static void test_truncated(void **state)
{
	struct sfs_image *image = tiny("tiny.snapfs");
	size_t size, length;
	uint8_t *bytes = slurp("tiny.snapfs", &size);
	uint64_t before;
	int r;

	(void)state;
	open_there(CHUNK);
	before = fingerprint("there/records");
	for (length = 0; length < size; length++) {
		/* Header, blocks, index and footer whole; records here and
		 * there. */
		if (length > 400 && length < size - 80 && length % 11)
			continue;
		spill("cut", bytes, length);
		r = must_not_import("cut");
		assert_true(r == -EUCLEAN || r == -EBADMSG);
		assert_true(said("'cut'"));
		if (length > SFS_EXPORT_HEADER_SIZE + SFS_EXPORT_FOOTER_SIZE)
			assert_true(said("truncated"));
	}
	/* Longer is as bad. */
	bytes[size] = 0;
	spill("cut", bytes, size + 1);
	assert_int_equal(must_not_import("cut"), -EUCLEAN);
	assert_true(fingerprint("there/records") == before);
	assert_int_equal(images_in(there), 0);
	free(bytes);
	sfs_image_free(image);
}

static void test_every_byte_counts(void **state)
{
	struct sfs_image *image = tiny("tiny.snapfs");
	size_t size, i;
	uint8_t *bytes = slurp("tiny.snapfs", &size);
	uint64_t before;
	int r;

	(void)state;
	open_there(CHUNK);
	before = fingerprint("there/records");
	for (i = 0; i < size; i++) {
		bytes[i] ^= (uint8_t)(1 << i % 8);
		spill("altered", bytes, size);
		bytes[i] ^= (uint8_t)(1 << i % 8);
		r = must_not_import("altered");
		if (r != -EUCLEAN && r != -EBADMSG && r != -EOPNOTSUPP)
			fail_msg("byte %zu of %zu: %d", i, size, r);
		assert_true(said("'altered'"));
		assert_true(fingerprint("there/records") == before);
	}
	assert_int_equal(images_in(there), 0);
	assert_int_equal(snapshots_in(there), 0);
	spill("altered", bytes, size);
	sfs_image_free(must_import(there, "altered", NULL));
	free(bytes);
	sfs_image_free(image);
}

static void test_newer(void **state)
{
	struct sfs_image *image = tiny("tiny.snapfs");
	size_t size;
	uint8_t *bytes = slurp("tiny.snapfs", &size);

	(void)state;
	open_there(CHUNK);
	bytes[0x08] = 2;
	seal_header(bytes);
	spill("newer", bytes, size);
	assert_int_equal(must_not_import("newer"), -EOPNOTSUPP);
	assert_true(said("'newer'"));
	assert_true(said("newer snapfs"));
	bytes[0x08] = 1;
	bytes[0x20] = 1;
	seal_header(bytes);
	spill("newer", bytes, size);
	assert_int_equal(must_not_import("newer"), -EOPNOTSUPP);
	assert_true(said("feature"));
	free(bytes);
	sfs_image_free(image);
}

/* Checks that are right do not make right what they cover. */
static void test_forged(void **state)
{
	struct sfs_image *image = tiny("tiny.snapfs");
	size_t size, index;
	uint8_t *bytes = slurp("tiny.snapfs", &size), *copy;
	struct {
		size_t at;
		uint8_t xor ;
	} forgeries[] = {
		{ 0x00, 0x01 },	     /* a block beyond the end */
		{ 0x05, 0x80 },	     /* very far beyond */
		{ 0x06, 0x01 },	     /* the next volume's, twice */
		{ 0x26, 0x03 },	     /* of no volume */
		{ 0x26, 0x01 },	     /* the volume before's, twice */
		{ 0x0b, 0x10 },	     /* of no kind */
		{ 0x0b, 0x03 },	     /* raw, but not as long */
		{ 0x2b, 0x03 },	     /* LZ4, but as long */
		{ 0x2b, 0x02 },	     /* of a base, and stored */
		{ 0x08, 0x01 },	     /* longer than it is */
		{ 0x40, 0x01 },	     /* the first record's length */
		{ 0x43, 0x80 },	     /* far too long */
		{ 0x44, 0x02 },	     /* no image first */
		{ 0x44, 0x08 },	     /* an unknown role */
		{ 0x48, 0x01 },	     /* another id */
		{ 0x48 + 23, 0x01 }, /* an id that does not end */
		{ 0x60 + 30, 0x01 }, /* inside a record */
	};
	size_t i;
	int r;

	(void)state;
	open_there(CHUNK);
	index = index_offset(bytes, size);
	for (i = 0; i < SFS_ARRAY_SIZE(forgeries); i++) {
		copy = malloc(size);
		assert_non_null(copy);
		memcpy(copy, bytes, size);
		copy[index + forgeries[i].at] ^= forgeries[i].xor ;
		seal_tail(copy, size);
		spill("forged", copy, size);
		free(copy);
		r = must_not_import("forged");
		if (r != -EUCLEAN && r != -EBADMSG)
			fail_msg("forgery %zu: %d", i, r);
		assert_true(said("'forged'"));
	}
	assert_int_equal(snapshots_in(there), 0);
	free(bytes);
	sfs_image_free(image);
}

static void test_not_a_file(void **state)
{
	(void)state;
	open_there(CHUNK);
	assert_int_equal(must_not_import("missing"), -ENOENT);
	assert_true(said("'missing'"));
	assert_int_equal(must_not_import("."), -EISDIR);
	shell("mkfifo fifo");
	assert_int_equal(must_not_import("fifo"), -EINVAL);
	fill("text", 'x', 100000);
	assert_int_equal(must_not_import("text"), -EUCLEAN);
	assert_true(said("not an image file"));
	resize("empty", 0);
	assert_int_equal(must_not_import("empty"), -EUCLEAN);
}

/* ---- all or nothing ---- */

static int stop(struct sfs_progress *progress)
{
	return progress->done_bytes > 3 * MIB ? -EINTR : 0;
}

static int die(struct sfs_progress *progress)
{
	if (progress->done_bytes > 3 * MIB)
		_exit(9);
	return 0;
}

static int import_with(struct sfs_repo *to,
		       int (*step)(struct sfs_progress *progress))
{
	struct sfs_progress progress = { .what = "test", .step = step };
	const struct sfs_import_options options = { .threads = 2,
						    .progress = &progress };
	struct sfs_image *image;

	return sfs_image_import(to, "web.snapfs", &options, &image);
}

static void assert_nothing_there(uint64_t records)
{
	assert_int_equal(images_in(there), 0);
	assert_int_equal(snapshots_in(there), 0);
	assert_true(fingerprint("there/records") == records);
}

static void test_interrupted_import(void **state)
{
	struct sfs_image *image = machine(), *got;
	uint64_t records;
	pid_t child;
	int status;

	(void)state;
	assert_int_equal(export_to(image, "web.snapfs", NULL, false), 0);
	open_there(CHUNK);
	records = fingerprint("there/records");
	assert_int_equal(import_with(there, stop), -EINTR);
	assert_nothing_there(records);

	sfs_repo_close(TAKE_PTR(there));
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (sfs_repo_open("there", 0, &there) == 0)
			(void)!import_with(there, die);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 9);
	assert_int_equal(sfs_repo_open("there", 0, &there), 0);
	assert_nothing_there(records);

	got = must_import(there, "web.snapfs", NULL);
	assert_holds(there, got, 0, "root.img");
	sfs_image_free(got);
	sfs_image_free(image);
}

/* Somebody takes the name while the volumes are read. */
static int take_name(struct sfs_progress *progress)
{
	struct sfs_image *image = progress->context;
	struct sfs_repo *again;

	if (progress->done_bytes == 0 || *image->id)
		return 0;
	assert_int_equal(sfs_repo_open("there", 0, &again), 0);
	assert_int_equal(sfs_image_register(again, image), 0);
	sfs_repo_close(again);
	return 0;
}

static void test_name_taken_meanwhile(void **state)
{
	const struct sfs_ingest_member member = { .volume = "other",
						  .source = "text.img" };
	const struct sfs_ingest_options plain = { .threads = 1 };
	struct sfs_image *image = machine(), *other = new_image(image->name);
	struct sfs_progress progress = { .step = take_name, .context = other };
	const struct sfs_import_options options = { .progress = &progress };
	struct sfs_snapshot *snapshot;

	(void)state;
	assert_int_equal(export_to(image, "web.snapfs", NULL, false), 0);
	open_there(CHUNK);
	assert_int_equal(sfs_ingest(there, &member, 1, &plain, &snapshot), 0);
	map(other, "/dev/sda1", SFS_MAPPING_SNAPSHOT, snapshot->id, 0);
	sfs_snapshot_free(snapshot);
	scratch_log[0] = '\0';
	assert_int_equal(
		sfs_image_import(there, "web.snapfs", &options, &image),
		-EEXIST);
	assert_true(said(other->id));
	assert_int_equal(images_in(there), 1);
	assert_int_equal(snapshots_in(there), 1);
	sfs_image_free(other);
	sfs_image_free(image);
}

static int export_with(const struct sfs_image *image,
		       int (*step)(struct sfs_progress *progress))
{
	struct sfs_progress progress = { .what = "test", .step = step };
	const struct sfs_export_options options = { .threads = 2,
						    .progress = &progress };

	return sfs_image_export(repo, image, "web.snapfs", &options, &result);
}

static void test_interrupted_export(void **state)
{
	struct sfs_image *image = machine();

	(void)state;
	assert_int_equal(export_with(image, stop), -EINTR);
	assert_int_equal(access("web.snapfs", F_OK), -1);
	assert_int_equal(hidden_files(), 0);
	sfs_image_free(image);
}

static const struct sfs_image *to_lose;

/* Somebody else removes all of it while it is exported. */
static int lose(struct sfs_progress *progress)
{
	struct sfs_gc_result freed;

	if (to_lose && progress->done_bytes > 0) {
		shell("rm repo/records/img-* && mv repo/records/snap-* "
		      "repo/bin/");
		assert_int_equal(sfs_gc(repo, false, NULL, &freed), 0);
		to_lose = NULL;
	}
	return 0;
}

static void test_deleted_while_exported(void **state)
{
	struct sfs_image *image = machine(), *got;

	(void)state;
	to_lose = image;
	assert_int_equal(export_with(image, lose), 0);
	assert_null(to_lose);
	open_there(CHUNK);
	got = must_import(there, "web.snapfs", NULL);
	assert_holds(there, got, 0, "root.img");
	assert_holds(there, got, 1, "data.img");
	sfs_image_free(got);
	sfs_image_free(image);
}

/* ---- refusals of export ---- */

static void test_dest(void **state)
{
	struct sfs_image *image = tiny("tiny.snapfs");
	struct stat st;

	(void)state;
	assert_int_equal(export_to(image, "tiny.snapfs", NULL, false), -EEXIST);
	assert_true(said("--force"));
	assert_int_equal(chmod("tiny.snapfs", 0640), 0);
	fill("kept", 'k', 1);
	shell("ln -s tiny.snapfs link");
	assert_int_equal(export_to(image, "link", NULL, true), 0);
	assert_int_equal(lstat("tiny.snapfs", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(lstat("link", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	shell("mkdir dir && mkfifo fifo");
	assert_int_equal(export_to(image, "dir", NULL, true), -EISDIR);
	assert_int_equal(export_to(image, "fifo", NULL, true), -EINVAL);
	assert_int_equal(export_to(image, "no/such", NULL, true), -ENOENT);
	assert_int_equal(export_to(image, "no/", NULL, true), -ENOENT);
	assert_int_equal(export_to(image, "repo/x", NULL, true), -EINVAL);
	assert_true(said("repository"));
	assert_int_equal(hidden_files(), 0);
	sfs_image_free(image);
}

static void test_missing_snapshot(void **state)
{
	struct sfs_image *image = tiny("tiny.snapfs");

	(void)state;
	shell("rm repo/records/%s.json", image->mappings[0].snapshot);
	assert_true(sfs_catalog_refresh(repo->catalog) >= 0);
	assert_int_equal(export_to(image, "x.snapfs", NULL, false), -ENOENT);
	assert_true(said(image->mappings[0].snapshot));
	assert_true(said("/dev/sda1"));
	assert_int_equal(access("x.snapfs", F_OK), -1);
	sfs_image_free(image);
}

/* A record that somebody wrote: nobody could import what it would make. */
static void test_too_small_volume(void **state)
{
	struct sfs_image *image = tiny("tiny.snapfs");

	(void)state;
	image->mappings[1].size--;
	assert_int_equal(export_to(image, "x.snapfs", NULL, false), -EINVAL);
	assert_true(said("/dev/sdf"));
	assert_true(said(image->mappings[1].snapshot));
	assert_int_equal(access("x.snapfs", F_OK), -1);
	assert_int_equal(hidden_files(), 0);
	sfs_image_free(image);
}

static void test_damaged_snapshot(void **state)
{
	struct sfs_image *image = machine();
	struct sfs_view *view;
	struct sfs_entry entry;
	int r;

	(void)state;
	assert_int_equal(
		sfs_view_open(repo, image->mappings[0].snapshot, &view), 0);
	entry = entry_at(view, 300);
	flip(pack_path(&entry), entry.offset + 20);
	sfs_view_close(view);
	r = export_to(image, "x.snapfs", NULL, false);
	assert_int_equal(r, -EBADMSG);
	assert_true(said(image->mappings[0].snapshot));
	assert_int_equal(access("x.snapfs", F_OK), -1);
	assert_int_equal(hidden_files(), 0);
	sfs_image_free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_same_chunks, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_larger_chunks, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_chunks_as_large_as_blocks,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_zeros, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shared_and_twin_snapshots,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_volume_name_taken, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_image_name_taken, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_thin, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thin_at_home, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_volume_in_use, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_needless_base, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_planted_base, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_no_or_many_bases, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_of_the_future, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_volume_id_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_rows_of_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_truncated, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_every_byte_counts, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_newer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_a_file, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_interrupted_import, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_name_taken_meanwhile,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupted_export, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_deleted_while_exported,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_dest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing_snapshot, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_too_small_volume, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_damaged_snapshot, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
