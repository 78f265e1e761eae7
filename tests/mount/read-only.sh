#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A repository that cannot be written is mounted, with and without a catalog;
# its twins can be written to.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

write_data disk.raw 0 200000 1
snapfs init repo
a=$(snap snapshot create disk=disk.raw)
mkdir ro
for _ in 1 2; do
	mount --bind -o ro repo ro
	# util-linux before 2.27 needs a second step
	mount -o remount,bind,ro ro
	mount_repo ro mnt
	same_bytes disk.raw "mnt/snapshots/$a.img"
	printf x | dd of="mnt/scratch/snapshots/$a.img" conv=notrunc status=none
	expect_equal "$(head -c 1 "mnt/scratch/snapshots/$a.img")" x
	same_bytes disk.raw "mnt/snapshots/$a.img"
	umount_repo mnt
	umount ro
	rm -f repo/catalog.db*
done
