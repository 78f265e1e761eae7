#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who is let in: the mounter alone; with allow_other all, to what is theirs.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_tool setpriv
scratch

as_nobody()
{
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

chmod 755 .
write_data disk.raw 0 20000 1
snapfs init repo
a=$(snap snapshot create disk=disk.raw)
mount_repo repo mnt
expect_exit 2 as_nobody ls mnt
umount_repo mnt

mount_repo repo mnt allow_other
as_nobody cat mnt/README >/dev/null
expect_equal "$(as_nobody ls mnt/snapshots mnt/volumes mnt/images | xargs)" \
	"mnt/images: mnt/snapshots: mnt/volumes:"
expect_exit 1 as_nobody cat "mnt/snapshots/$a.img"
expect_match "$ERR" "No such file"
expect_equal "$(stat -c %u:%a "mnt/snapshots/$a.img")" 0:400
snap snapshot share "$a" all
as_nobody cmp disk.raw "mnt/snapshots/$a.img"
umount_repo mnt

mount_repo repo mnt allow_other,umask=077
expect_equal "$(stat -c %a "mnt/snapshots")" 500
expect_exit 2 as_nobody ls mnt
umount_repo mnt
snap snapshot unshare "$a" all

mount_repo repo mnt allow_other,uid=nobody,gid=4242,umask=0277
expect_equal "$(stat -c %u:%g:%a "mnt/snapshots/$a.img")" 65534:4242:400
as_nobody cat "mnt/snapshots/$a.img" >/dev/null
umount_repo mnt
