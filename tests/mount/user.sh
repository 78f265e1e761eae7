#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A user without privileges mounts by way of fusermount3, and unmounts.
if [ -z "${IN_NAMESPACE:-}" ] && [ "$(id -u)" -eq 0 ]; then
	IN_NAMESPACE=1 exec unshare -m "$0"
fi
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_tool setpriv fusermount3
scratch

as_nobody()
{
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# Everywhere but in some containers /dev/fuse is open to all; in this
# namespace it now is.
mknod -m 666 fuse c 10 229
mount --bind fuse /dev/fuse
cleanup_fn umount -l /dev/fuse

chmod 755 .
mkdir mnt home
chown 65534:65534 mnt home
write_data disk.raw 0 20000 1
as_nobody snapfs init home/repo
a=$(as_nobody snapfs -r home/repo snapshot create disk=disk.raw)
as_nobody mount.snapfs home/repo mnt
as_nobody cmp disk.raw "mnt/snapshots/$a.img"
expect_equal "$(as_nobody stat -c %u:%a "mnt/snapshots/$a.img")" 65534:444
as_nobody fusermount3 -u mnt
! is_mounted "$T/mnt" || fail "still mounted"
