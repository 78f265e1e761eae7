/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuse/acl.h"

#include <assert.h>
#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "fuse/access.h"

/* What each class may do: bits of one digit of the mode, before umask. */
struct rights {
	unsigned owner;
	unsigned named;	 /* grantees, and who sees all */
	unsigned others; /* the file's group as well */
	uid_t users[2];	 /* who sees all, but for root and the owner */
	unsigned user_count;
	bool has_named;
};

static void add_user(struct rights *rights, const struct sfs_grants *grants,
		     uid_t owner, uid_t uid)
{
	struct sfs_grant grant = { .kind = SFS_GRANT_USER, .id = uid };

	/* Once each: the kernel takes the first entry that fits. */
	if (uid == 0 || uid == owner || sfs_grants_has(grants, grant) ||
	    (rights->user_count > 0 && rights->users[0] == uid))
		return;
	rights->users[rights->user_count++] = uid;
}

static struct rights rights_of(const struct sfs_mount_options *options,
			       const struct sfs_place *place)
{
	const struct sfs_grants *grants = sfs_access_grants(place);
	const struct sfs_grant all = { .kind = SFS_GRANT_ALL };
	uid_t owner = sfs_access_owner(options, place);
	unsigned read = sfs_place_is_directory(place) ? 05 : 04;
	struct rights rights = {
		.owner = read | (place->scratch ? 02 : 0),
		.others = sfs_grants_has(grants, all) ? read : 0,
	};

	/* Of a twin all named ones are those who see all. */
	rights.named = rights.owner;
	add_user(&rights, grants, owner, options->mounter);
	add_user(&rights, grants, owner, options->uid);
	rights.has_named = rights.user_count > 0 ||
			   grants->count > (rights.others ? 1 : 0);
	return rights;
}

/* What is there for all whom the kernel lets in. */
static mode_t common_mode(const struct sfs_mount_options *options,
			  const struct sfs_place *place)
{
	bool directory = sfs_place_is_directory(place);

	/* It counts what others have and do. */
	if (options->allow_other && place->kind == SFS_PLACE_STATUS)
		return 0400;
	if (!place->scratch)
		return directory ? 0555 : 0444;
	if (!options->allow_other)
		return directory ? 0700 : 0600;
	/* Each user may remove his own files here. */
	return place->kind == SFS_PLACE_SCRATCH ? 0555 : S_ISVTX | 0777;
}

mode_t sfs_acl_mode(const struct sfs_mount_options *options,
		    const struct sfs_place *place)
{
	struct rights rights;
	mode_t mode;

	if (sfs_access_restricted(options, place)) {
		rights = rights_of(options, place);
		mode = rights.owner << 6 | rights.others;
		mode |= (rights.has_named ? rights.named : rights.others) << 3;
	} else {
		mode = common_mode(options, place);
	}
	return mode & ~options->umask;
}

/* ---- the extended attribute ---- */

struct writer {
	uint8_t *bytes;
	size_t size;
};

static void put(struct writer *writer, unsigned tag, unsigned perm, uint32_t id)
{
	struct posix_acl_xattr_entry entry = {
		.e_tag = htole16((uint16_t)tag),
		.e_perm = htole16((uint16_t)perm),
		.e_id = htole32(id),
	};

	assert(writer->size + sizeof(entry) <= SFS_ACL_SIZE_MAX);
	memcpy(writer->bytes + writer->size, &entry, sizeof(entry));
	writer->size += sizeof(entry);
}

static void put_grants(struct writer *writer, const struct sfs_grants *grants,
		       enum sfs_grantee kind, unsigned tag, unsigned perm)
{
	size_t i;

	for (i = 0; i < grants->count; i++) {
		if (grants->grants[i].kind == kind)
			put(writer, tag, perm, grants->grants[i].id);
	}
}

size_t sfs_acl_format(const struct sfs_mount_options *options,
		      const struct sfs_place *place,
		      uint8_t ret[SFS_ACL_SIZE_MAX])
{
	struct posix_acl_xattr_header header = {
		.a_version = htole32(POSIX_ACL_XATTR_VERSION),
	};
	struct writer writer = { .bytes = ret, .size = sizeof(header) };
	const uint32_t none = (uint32_t)ACL_UNDEFINED_ID;
	const struct sfs_grants *grants;
	struct rights rights;
	unsigned i;
	mode_t mode;

	if (!sfs_access_restricted(options, place) || sfs_place_is_link(place))
		return 0;
	rights = rights_of(options, place);
	if (!rights.has_named)
		return 0;
	mode = sfs_acl_mode(options, place);
	grants = sfs_access_grants(place);
	memcpy(ret, &header, sizeof(header));
	put(&writer, ACL_USER_OBJ, mode >> 6 & 07, none);
	for (i = 0; i < rights.user_count; i++)
		put(&writer, ACL_USER, rights.named, rights.users[i]);
	put_grants(&writer, grants, SFS_GRANT_USER, ACL_USER, rights.named);
	put(&writer, ACL_GROUP_OBJ, rights.others, none);
	put_grants(&writer, grants, SFS_GRANT_GROUP, ACL_GROUP, rights.named);
	put(&writer, ACL_MASK, mode >> 3 & 07, none);
	put(&writer, ACL_OTHER, mode & 07, none);
	return writer.size;
}
