/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Changing images, and giving them up. */

#include <stdio.h>
#include <stdlib.h>

#include "src/images.h"
#include "src/tag.h"
#include "tests/model/model.h"

#define TAG_VALUES 4

/* In the order of lists of them. */
static const struct sfs_grant grantees[] = {
	{ SFS_GRANT_USER, 1 },
	{ SFS_GRANT_USER, 1000 },
	{ SFS_GRANT_GROUP, 4 },
	{ SFS_GRANT_ALL, 0 },
};
#define GRANTEES SFS_ARRAY_SIZE(grantees)

static const char *const tag_keys[TAGS] = { "env", "owner of it", "x" };

/* ---- comparing ---- */

bool same_grants(const struct sfs_grants *got, unsigned grants)
{
	size_t i, n = 0;

	for (i = 0; i < GRANTEES; i++) {
		if (!(grants & 1u << i))
			continue;
		if (n == got->count ||
		    got->grants[n].kind != grantees[i].kind ||
		    got->grants[n].id != grantees[i].id)
			return false;
		n++;
	}
	return n == got->count;
}

bool same_tags(const struct sfs_tags *got, const unsigned tags[TAGS])
{
	size_t i, n = 0;
	char value[16];

	for (i = 0; i < TAGS; i++) {
		if (tags[i] == 0)
			continue;
		snprintf(value, sizeof(value), "%u", tags[i]);
		if (n == got->count ||
		    strcmp(got->tags[n].key, tag_keys[i]) != 0 ||
		    strcmp(got->tags[n].value, value) != 0)
			return false;
		n++;
	}
	return n == got->count;
}

/* ---- editing ---- */

enum edit_kind {
	EDIT_NAME,
	EDIT_TAG,
	EDIT_SHARE,
	EDIT_UNSHARE,
	EDIT_DISABLE,
	EDIT_ENABLE,
	EDIT_DEPRECATE,
	EDIT_PROTECT,
	EDIT_UNPROTECT,
	EDIT_DESCRIBE,
	EDIT_WORD,   /* no architecture */
	EDIT_REFUSE, /* by who edits */
	EDIT_KINDS,
};

struct edit {
	enum edit_kind kind;
	const char *text;
	size_t which; /* tag or grantee */
	unsigned value;
	int64_t time_ns;
};

static int change_tag(struct sfs_tags *tags, const struct edit *edit)
{
	char key[32], value[16], *unset[] = { key };
	struct sfs_tag tag = { key, value };
	const struct sfs_tags set = { &tag, edit->value ? 1 : 0 };

	strcpy(key, tag_keys[edit->which]);
	snprintf(value, sizeof(value), "%u", edit->value);
	return sfs_tags_change(tags, &set, unset, 1);
}

static int share(struct sfs_grants *grants, const struct edit *edit)
{
	int r;

	r = sfs_grants_add(grants, grantees[edit->which]);
	return r < 0 ? r : 0;
}

static int describe(struct sfs_image *image, const struct edit *edit)
{
	free(image->description);
	image->description = strdup(edit->text);
	return image->description ? 0 : -ENOMEM;
}

/* What is asked of the engine. */
static int change(struct sfs_image *image, void *context)
{
	const struct edit *edit = context;

	switch (edit->kind) {
	case EDIT_NAME:
		strcpy(image->name, edit->text);
		return 0;
	case EDIT_TAG:
		return change_tag(&image->tags, edit);
	case EDIT_SHARE:
		return share(&image->grants, edit);
	case EDIT_UNSHARE:
		sfs_grants_remove(&image->grants, grantees[edit->which]);
		return 0;
	case EDIT_DISABLE:
	case EDIT_ENABLE:
		image->disabled = edit->kind == EDIT_DISABLE;
		return 0;
	case EDIT_DEPRECATE:
		image->deprecated_ns = edit->time_ns;
		return 0;
	case EDIT_PROTECT:
	case EDIT_UNPROTECT:
		image->is_protected = edit->kind == EDIT_PROTECT;
		return 0;
	case EDIT_DESCRIBE:
		return describe(image, edit);
	case EDIT_WORD:
		strcpy(image->architecture, "vax");
		return 0;
	default:
		image->disabled = !image->disabled;
		return -EPERM;
	}
}

/* What must become of it. */
static void apply(struct model_image *image, const struct edit *edit)
{
	switch (edit->kind) {
	case EDIT_NAME:
		strcpy(image->name, edit->text);
		break;
	case EDIT_TAG:
		image->tags[edit->which] = edit->value;
		break;
	case EDIT_SHARE:
		image->grants |= 1u << edit->which;
		break;
	case EDIT_UNSHARE:
		image->grants &= ~(1u << edit->which);
		break;
	case EDIT_DISABLE:
	case EDIT_ENABLE:
		image->disabled = edit->kind == EDIT_DISABLE;
		break;
	case EDIT_DEPRECATE:
		image->deprecated_ns = edit->time_ns;
		break;
	case EDIT_PROTECT:
	case EDIT_UNPROTECT:
		image->is_protected = edit->kind == EDIT_PROTECT;
		break;
	case EDIT_DESCRIBE:
		strcpy(image->description, edit->text);
		break;
	default:
		break;
	}
}

/* A change of @image, and what is wrong with it. */
static unsigned draw_edit(const struct model_image *image, struct edit *edit)
{
	unsigned wrong = 0;

	*edit = (struct edit){ .kind = (enum edit_kind)below(EDIT_KINDS) };
	/* So that most images can go some time. */
	if (edit->kind == EDIT_PROTECT && below(2))
		edit->kind = EDIT_UNPROTECT;
	if (edit->kind == EDIT_NAME) {
		edit->text = draw_name(image->id, &wrong);
	} else if (edit->kind == EDIT_TAG) {
		edit->which = below(TAGS);
		edit->value = (unsigned)below(TAG_VALUES);
	} else if (edit->kind == EDIT_SHARE || edit->kind == EDIT_UNSHARE) {
		edit->which = below(GRANTEES);
	} else if (edit->kind == EDIT_DEPRECATE) {
		edit->time_ns = below(3) ? 1 + (int64_t)below(INT64_MAX) : 0;
	} else if (edit->kind == EDIT_DESCRIBE) {
		edit->text = rarely(4) ? "a\nb" : "caf\xc3\xa9 \"\\";
		wrong = edit->text[1] == '\n' ? WRONG_EINVAL : 0;
	} else if (edit->kind == EDIT_WORD) {
		wrong = WRONG_EINVAL;
	} else if (edit->kind == EDIT_REFUSE) {
		wrong = WRONG_EPERM;
	}
	return wrong;
}

static void edit_missing(struct edit *edit)
{
	int r;

	r = sfs_image_edit(repo, "img-0123456789abcdef0", change, edit, NULL);
	was_done("edit what is not there", r, WRONG_ENOENT);
}

void op_edit(struct model_image *image)
{
	struct sfs_image *after = NULL;
	struct edit edit;
	unsigned wrong;
	bool done;
	int r;

	wrong = draw_edit(image, &edit);
	if (rarely(40))
		edit_missing(&edit);
	r = sfs_image_edit(repo, image->id, change, &edit, &after);
	if (edit.kind == EDIT_REFUSE) /* who refuses says why */
		done = r != -EPERM;
	else
		done = was_done("edit", r, wrong);
	if (done != (after != NULL) || (done && edit.kind == EDIT_REFUSE))
		die("edit %d: %d", edit.kind, r);
	if (done) {
		apply(image, &edit);
		compare_image(after);
		sfs_image_free(after);
	}
	compare_lists();
}

/* ---- deregistering ---- */

static enum sfs_release fate_of(const struct model_image *image, const char *id,
				bool delete_snapshots)
{
	unsigned i;

	for (i = 0; i < image_count; i++)
		if (&images[i] != image && uses(&images[i], id))
			return SFS_RELEASE_USED;
	return delete_snapshots ? SFS_RELEASE_DELETED : SFS_RELEASE_ORPHAN;
}

/* Each snapshot once, in the order of the mappings. */
static void compare_released(const struct model_image *image,
			     bool delete_snapshots,
			     const struct sfs_released *released, size_t count)
{
	const struct sfs_mapping *mapping = image->mappings;
	size_t i, n = 0;

	for (; mapping < image->mappings + image->mapping_count; mapping++) {
		if (mapping->kind != SFS_MAPPING_SNAPSHOT)
			continue;
		for (i = 0; i < n; i++)
			if (strcmp(released[i].snapshot, mapping->snapshot) ==
			    0)
				break;
		if (i < n)
			continue;
		if (n == count ||
		    strcmp(released[n].snapshot, mapping->snapshot) != 0)
			die("deregistering %s: nothing of %s", image->id,
			    mapping->snapshot);
		if (released[n].fate !=
		    fate_of(image, mapping->snapshot, delete_snapshots))
			die("deregistering %s: the fate of %s is %d", image->id,
			    mapping->snapshot, released[n].fate);
		n++;
	}
	if (n != count)
		die("deregistering %s: %zu snapshots, not %zu", image->id,
		    count, n);
}

/* Ask for it, or for what it would do. */
static bool deregister_once(const struct model_image *image,
			    bool delete_snapshots, bool dry_run,
			    struct sfs_released **ret, size_t *ret_count)
{
	int r;

	r = sfs_image_deregister(repo, image->id, delete_snapshots, dry_run,
				 ret, ret_count);
	if (!was_done("deregister", r, image->is_protected ? WRONG_EPERM : 0))
		return false;
	compare_released(image, delete_snapshots, *ret, *ret_count);
	return true;
}

void op_deregister(const struct model_image *image)
{
	struct sfs_released *released = NULL;
	bool delete_snapshots = below(2);
	char id[SFS_ID_SIZE];
	size_t count = 0, i;
	int r;

	memcpy(id, image->id, sizeof(id));
	deregister_once(image, delete_snapshots, true, &released, &count);
	free(TAKE_PTR(released));
	compare_lists();
	if (deregister_once(image, delete_snapshots, false, &released,
			    &count)) {
		drop_image(id);
		for (i = 0; i < count; i++)
			if (released[i].fate == SFS_RELEASE_DELETED)
				drop_kept(released[i].snapshot);
		free(TAKE_PTR(released));
		r = sfs_image_deregister(repo, id, false, false, &released,
					 &count);
		was_done("deregister what is gone", r, WRONG_ENOENT);
	}
	compare_lists();
}
