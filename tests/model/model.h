/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_MODEL_MODEL_H
#define SNAPFS_TESTS_MODEL_MODEL_H

/*
 * What must be true, kept as plain arrays, and the operations that change
 * repository and arrays alike.  Whatever differs ends the program.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "src/image.h"
#include "src/repo.h"
#include "src/view.h"

#define VOLUMES	      3
#define SNAPSHOTS_MAX 48
#define IMAGES_MAX    10
#define MAPPINGS_MAX  4
#define TAGS	      3
#define DISK_MAX      (1500u << 10)
/* A mapped volume may be larger than its snapshot. */
#define MAPPED_MAX (DISK_MAX + (200u << 10))

struct volume {
	char name[16];
	char path[64];
	uint8_t *bytes; /* DISK_MAX, zero beyond size */
	size_t size;
};

struct kept {
	char id[SFS_ID_SIZE];
	uint8_t *bytes;
	size_t size;
};

struct model_image {
	char id[SFS_ID_SIZE];
	char set[SFS_ID_SIZE];
	char name[SFS_IMAGE_NAME_MAX + 1];
	int64_t time_ns;
	char architecture[SFS_WORD_MAX + 1];
	char boot_mode[SFS_WORD_MAX + 1];
	char platform[SFS_DESCRIPTION_MAX + 1];
	char description[SFS_DESCRIPTION_MAX + 1];
	char root[SFS_DEVICE_NAME_MAX + 1];
	struct sfs_mapping mappings[MAPPINGS_MAX];
	unsigned mapping_count;
	unsigned grants;     /* bits of grantees */
	unsigned tags[TAGS]; /* values; 0: is not there */
	bool disabled;
	bool is_protected;
	int64_t deprecated_ns;
};

extern const char *arg_mount;
extern struct sfs_repo *repo;
extern uint32_t chunk_size;
extern struct volume volumes[VOLUMES];
extern struct kept kept[SNAPSHOTS_MAX];
extern unsigned kept_count;
extern unsigned binned_count; /* snapshots deleted since gc last ran */
extern struct model_image images[IMAGES_MAX];
extern unsigned image_count;

/* ---- model.c ---- */

void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *format, ...);

#define must(call)                                                             \
	do {                                                                   \
		long must_ = (long)(call);                                     \
		if (must_ < 0)                                                 \
			die("%s: %ld (%s)", #call, must_,                      \
			    strerror(must_ == -1 ? errno : (int)-must_));      \
	} while (0)

uint64_t below(uint64_t n);
/* One time in @n. */
bool rarely(uint64_t n);

/* What may be wrong with a request; which of it is found first is not said. */
#define WRONG_EINVAL (1u << 0)
#define WRONG_ENOENT (1u << 1)
#define WRONG_EEXIST (1u << 2)
#define WRONG_EPERM  (1u << 3)

/* Judge what a request returned that is @wrong in these ways: whether it was
 * done.  What is refused must have been explained. */
bool was_done(const char *what, int r, unsigned wrong);

/* ---- disks.c ---- */

void fill(uint8_t *bytes, size_t size);
void op_write(struct volume *volume);
void op_resize(struct volume *volume);
void op_punch(struct volume *volume);

/* ---- snapshots.c ---- */

const struct kept *find_kept(const char *id);
void drop_kept(const char *id);
/* @id is a snapshot of @volume as it is now. */
void keep(const struct volume *volume, const char *id);
/* One that was deleted, or never was. */
const char *gone_snapshot(void);
/* Whether the creator that is about to run is to be interrupted soon. */
struct sfs_progress *may_interrupt(void);

void same(const uint8_t *got, const uint8_t *want, size_t size, const char *id,
	  size_t offset, const char *how);
/* The bytes of a volume of @size made from @id, "" for zeros. */
const uint8_t *mapped_bytes(const char *id, size_t size);
void compare_view(struct sfs_view *view, const char *id, const uint8_t *bytes,
		  size_t size);

void op_compare(const struct kept *k);
void op_snapshot(unsigned first, unsigned count);
void op_restore(const struct kept *k);
void op_diff(const struct kept *from, const struct kept *to);

/* ---- repository.c ---- */

void op_delete(void);
void op_gc(void);
void op_reopen(void);
void op_check(void);
/* What is listed is what is there. */
void compare_lists(void);

/* ---- images.c ---- */

struct model_image *find_image(const char *id);
void drop_image(const char *id);
bool uses(const struct model_image *image, const char *id);
/* A name, seldom an illegal one, and what is wrong with it for the image @id,
 * or for a new one. */
const char *draw_name(const char *id, unsigned *wrong);
/* The name of the file that the mount shows @device as. */
const char *file_of(const char *device);

void compare_image(const struct sfs_image *got);
void op_register(void);
void op_image_create(void);
void op_compare_image(const struct model_image *image);

/* ---- edit.c ---- */

/* The same of grants and tags. */
bool same_grants(const struct sfs_grants *got, unsigned grants);
bool same_tags(const struct sfs_tags *got, const unsigned tags[TAGS]);

void op_edit(struct model_image *image);
void op_deregister(const struct model_image *image);

/* ---- mounted.c; nothing happens without a mount ---- */

void mount_it(void);
void unmount_it(void);
/* Where the mount shows @image, below scratch/ or not; it waits for that. */
void mounted_path(const struct model_image *image, bool scratch, char *ret,
		  size_t size);
void op_compare_mounted(const struct kept *k);
void op_compare_image_mounted(const struct model_image *image);
void op_list_mounted(void);

/* ---- twins.c ---- */

void op_twin(void);
/* The snapshot or image @id has gone. */
void forget_twins(const char *id);
void compare_twins(void);
void close_twins(void);

#endif
