#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An ext4 image is mounted out of the mount and compared with its source file
# by file.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_loop
scratch

make_ext4 disk.raw 64M
mkdir source copy
snapfs init repo
a=$(snap snapshot create disk=disk.raw)
mount_repo repo mnt
mount -o loop,ro,noload disk.raw source
mount -o loop,ro,noload "mnt/snapshots/$a.img" copy
same_tree source copy
diff -r --no-dereference --exclude=fifo --exclude=null source copy

# Reading through a loop device goes by pages of the kernel; direct I/O too.
umount copy
loop=$(losetup -r -f --show --direct-io=on "mnt/snapshots/$a.img")
cleanup_fn losetup -d "$loop"
mount -o ro,noload "$loop" copy
same_tree source copy
umount copy source
losetup -d "$loop"
# Whoever looks at loop devices just now delays the end of this one.
wait_for 10 umount mnt
