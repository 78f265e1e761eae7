#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A user without privileges mounts for others: he sees all, they see what is
# theirs.
if [ -z "${IN_NAMESPACE:-}" ] && [ "$(id -u)" -eq 0 ]; then
	IN_NAMESPACE=1 exec unshare -m "$0"
fi
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_tool setpriv fusermount3 getfacl
scratch

as()
{
	local id=$1

	shift
	setpriv --reuid "$id" --regid "$id" --clear-groups "$@"
}

# As in user.sh; and users may let others in.
mknod -m 666 fuse c 10 229
mount --bind fuse /dev/fuse
cleanup_fn umount -l /dev/fuse
echo user_allow_other >fuse.conf
[ -e /etc/fuse.conf ] || skip "needs /etc/fuse.conf"
mount --bind fuse.conf /etc/fuse.conf
cleanup_fn umount -l /etc/fuse.conf

chmod 755 .
mkdir mnt
write_data disk.raw 0 20000 1
mkdir repo
chown 41001:41001 repo
as 41001 snapfs init repo
a=$(as 41001 snapfs -r repo snapshot create disk=disk.raw)
b=$(snap snapshot create disk=disk.raw)
snap snapshot share "$b" user:41002
chown -R 65534:65534 repo mnt
as 65534 mount.snapfs repo mnt -o allow_other
A=mnt/snapshots/$a.img
B=mnt/snapshots/$b.img

expect_equal "$(stat -c %u:%a "$A" "$B" | xargs)" "41001:440 0:440"
for uid in 65534 41001; do
	as "$uid" cmp disk.raw "$A"
done
for uid in 65534 41002; do
	as "$uid" cmp disk.raw "$B"
done
expect_exit 1 as 41002 cat "$A"
expect_exit 1 as 41001 cat "$B"
expect_equal "$(getfacl -cnp "$B" | xargs)" \
	"user::r-- user:41002:r-- user:65534:r-- group::--- mask::r-- other::---"

# Twins: of their owner, and of who mounted.
for uid in 65534 41001; do
	as "$uid" dd if=/dev/zero of="mnt/scratch/snapshots/$a.img" bs=4096 \
		count=1 conv=notrunc status=none
done
expect_exit 1 as 41002 cat "mnt/scratch/snapshots/$a.img"
as 41001 rm "mnt/scratch/snapshots/$a.img"
as 41001 cmp disk.raw "mnt/scratch/snapshots/$a.img"
as 65534 fusermount3 -u mnt
