/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/access.h"

#include <stdlib.h>

#include "src/util.h"

/* As many as nearly everybody has. */
#define GROUPS_FIRST 64

void sfs_caller_init(struct sfs_caller *caller, fuse_req_t req)
{
	const struct fuse_ctx *context = fuse_req_ctx(req);

	*caller = (struct sfs_caller){
		.uid = context->uid,
		.gid = context->gid,
		.req = req,
	};
}

void sfs_caller_done(struct sfs_caller *caller)
{
	free(caller->groups);
	caller->groups = NULL;
}

/* The supplementary groups behind room for one more, or NULL. */
static uint32_t *get_groups(fuse_req_t req, size_t *ret_count)
{
	CLEANUP_FREE uint32_t *groups = NULL;
	int room = GROUPS_FIRST, count;

	_Static_assert(sizeof(gid_t) == sizeof(*groups), "groups are numbers");
	for (;;) {
		free(groups);
		groups = sfs_calloc((size_t)room + 1, sizeof(*groups));
		if (!groups)
			return NULL;
		count = fuse_req_getgroups(req, room, groups + 1);
		if (count < 0)
			return NULL;
		if (count <= room) {
			*ret_count = (size_t)count;
			return TAKE_PTR(groups);
		}
		room = count;
	}
}

/* The kernel does not say them; they are read from /proc.  Where that fails,
 * for instance because the process is in another namespace, the group that it
 * acts with is all that counts. */
static void look_up_groups(struct sfs_caller *caller)
{
	fuse_req_t req = TAKE_PTR(caller->req);
	size_t count = 0;

	if (!req)
		return;
	caller->groups = get_groups(req, &count);
	caller->group_count = 0;
	if (!caller->groups)
		return;
	caller->groups[0] = caller->gid;
	caller->group_count = count + 1;
}

static bool names_group(const struct sfs_grants *grants)
{
	size_t i;

	for (i = 0; i < grants->count; i++) {
		if (grants->grants[i].kind == SFS_GRANT_GROUP)
			return true;
	}
	return false;
}

static bool is_granted(struct sfs_caller *caller,
		       const struct sfs_grants *grants)
{
	uint32_t gid = caller->gid;

	if (sfs_grants_allow(grants, caller->uid, &gid, 1))
		return true;
	if (!names_group(grants))
		return false;
	look_up_groups(caller);
	return sfs_grants_allow(grants, caller->uid, caller->groups,
				caller->group_count);
}

/* Whom the owner and the grants do not concern. */
static bool is_trusted(const struct sfs_mount_options *options,
		       const struct sfs_caller *caller)
{
	return !options->allow_other || caller->uid == 0 ||
	       caller->uid == options->mounter || caller->uid == options->uid;
}

static uid_t owner_of(const struct sfs_mount_options *options, uint32_t owner)
{
	if (options->uid_given || owner == SFS_OWNER_NONE)
		return options->uid;
	return owner;
}

static bool sees_snapshot(const struct sfs_mount_options *options,
			  struct sfs_caller *caller,
			  const struct sfs_tree_snapshot *snapshot)
{
	return caller->uid == owner_of(options, snapshot->owner) ||
	       is_granted(caller, &snapshot->grants);
}

/* The newest of @volume's snapshots that @caller sees, or NULL. */
static const struct sfs_tree_snapshot *
newest_seen(const struct sfs_mount_options *options,
	    const struct sfs_tree *tree, struct sfs_caller *caller,
	    const struct sfs_tree_volume *volume)
{
	const struct sfs_tree_snapshot *snapshot;
	size_t n;

	for (n = volume->count; n > 0; n--) {
		snapshot = sfs_tree_nth(tree, volume, n - 1);
		if (sees_snapshot(options, caller, snapshot))
			return snapshot;
	}
	return NULL;
}

bool sfs_access_sees(const struct sfs_mount_options *options,
		     const struct sfs_tree *tree, struct sfs_caller *caller,
		     struct sfs_place *place)
{
	const struct sfs_tree_snapshot *newest;

	if (is_trusted(options, caller))
		return true;
	switch (place->kind) {
	case SFS_PLACE_LINK:
		return sees_snapshot(options, caller, place->snapshot);
	case SFS_PLACE_VOLUME:
		return newest_seen(options, tree, caller, place->volume);
	case SFS_PLACE_LATEST:
		newest = newest_seen(options, tree, caller, place->volume);
		if (newest)
			place->snapshot = newest;
		return newest;
	default:
		return !sfs_access_restricted(options, place) ||
		       caller->uid == sfs_access_owner(options, place) ||
		       is_granted(caller, sfs_access_grants(place));
	}
}

bool sfs_access_lists(const struct sfs_mount_options *options,
		      const struct sfs_tree *tree, struct sfs_caller *caller,
		      struct sfs_place *place, int64_t now_ns)
{
	if (!sfs_access_sees(options, tree, caller, place))
		return false;
	if (place->kind != SFS_PLACE_IMAGE || !place->image->deprecated_ns ||
	    place->image->deprecated_ns > now_ns)
		return true;
	return is_trusted(options, caller) ||
	       caller->uid == sfs_access_owner(options, place);
}

bool sfs_access_restricted(const struct sfs_mount_options *options,
			   const struct sfs_place *place)
{
	return options->allow_other &&
	       (place->image || place->kind == SFS_PLACE_SNAPSHOT);
}

uid_t sfs_access_owner(const struct sfs_mount_options *options,
		       const struct sfs_place *place)
{
	return owner_of(options, place->image ? place->image->owner
					      : place->snapshot->owner);
}

const struct sfs_grants *sfs_access_grants(const struct sfs_place *place)
{
	static const struct sfs_grants none;

	if (place->scratch)
		return &none;
	return place->image ? &place->image->grants : &place->snapshot->grants;
}
