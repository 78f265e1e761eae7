/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the root disk tells of its machine.  Nothing is guessed: what it does
 * not tell stays unknown, and a warning says how to say it. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/images-impl.h"
#include "src/images.h"
#include "src/log.h"
#include "src/probe.h"

static bool is_known(const struct sfs_image *image)
{
	return *image->architecture && *image->boot_mode && image->platform &&
	       *image->platform;
}

static void note_found(const struct sfs_image *image, const char *what,
		       const char *value)
{
	sfs_info("image '%s': %s: %s, as its root disk tells", image->name,
		 what, value);
}

static void note_unknown(const struct sfs_image *image, const char *what,
			 const char *option)
{
	sfs_warn("image '%s': %s: unknown, for its root disk does not tell; %s "
		 "says it",
		 image->name, what, option);
}

/* People are believed, and told. */
static void note_given(const struct sfs_image *image, const char *what,
		       const char *given, const char *found)
{
	/* A disk that can do both can do either. */
	if (*found && strcmp(given, found) != 0 &&
	    strcmp(found, "uefi-preferred") != 0)
		sfs_warn("image '%s': %s: %s as given, but its root disk tells "
			 "%s",
			 image->name, what, given, found);
}

static void take_word(const struct sfs_image *image, const char *what,
		      const char *option, const char *found,
		      char word[SFS_WORD_MAX + 1])
{
	if (*word) {
		note_given(image, what, word, found);
		return;
	}
	if (!*found) {
		note_unknown(image, what, option);
		return;
	}
	snprintf(word, SFS_WORD_MAX + 1, "%s", found);
	note_found(image, what, word);
}

static int take_platform(struct sfs_image *image, const char *found)
{
	char *copy;

	if (image->platform && *image->platform)
		return 0;
	if (!*found) {
		note_unknown(image, "platform", "--platform");
		return 0;
	}
	copy = sfs_strdup(found);
	if (!copy)
		return -ENOMEM;
	free(image->platform);
	image->platform = copy;
	note_found(image, "platform", copy);
	return 0;
}

int sfs_images_probe_view(struct sfs_image *image, struct sfs_view *view)
{
	struct sfs_probe probe = { 0 };
	bool wanted = !is_known(image);
	int r;

	r = sfs_probe(view, &probe);
	if (r == -ENOMEM || r == -EINTR)
		return r;
	if (r < 0 && wanted) /* not worth losing the image for */
		sfs_warn("image '%s': its root disk could not be looked at: %s",
			 image->name, strerror(-r));
	else if (r == 0 && *probe.found && wanted)
		sfs_info("image '%s': %s", image->name, probe.found);
	take_word(image, "architecture", "--arch", probe.architecture,
		  image->architecture);
	take_word(image, "boot mode", "--boot-mode", probe.boot_mode,
		  image->boot_mode);
	return take_platform(image, probe.platform);
}

int sfs_image_probe(struct sfs_repo *repo, struct sfs_image *image)
{
	const struct sfs_mapping *root = sfs_image_root(image);
	CLEANUP_VIEW struct sfs_view *view = NULL;
	int r;

	/* Without a root there is no image; who makes it is told then. */
	if (!root || root->kind != SFS_MAPPING_SNAPSHOT)
		return 0;
	r = sfs_view_open(repo, root->snapshot, &view);
	if (r == -ENOENT)
		sfs_err("image '%s': %s: there is no snapshot '%s'",
			image->name, root->device, root->snapshot);
	if (r < 0)
		return r;
	return sfs_images_probe_view(image, view);
}
