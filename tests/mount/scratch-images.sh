#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The disks of an image have twins of their own, apart from the snapshot's.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

write_data disk.raw 0 1000000 1
snapfs init repo
a=$(snap snapshot create disk=disk.raw)
snap image register web "/dev/sda1=$a,size=2G" /dev/sdf=empty,size=20M \
	--root /dev/sda1 >/dev/null
cp disk.raw want.raw
truncate -s 2G want.raw
mount_repo repo mnt scratch_dir=.
twins=mnt/scratch/images/web

expect_equal "$(stat -c %a:%s "$twins/sda1.img")" "600:2147483648"
expect_equal "$(stat -c %a:%s:%b "$twins/sdf.img")" "600:20971520:0"
expect_equal "$(readlink "$twins/root.img")" sda1.img
for file in "$twins/root.img" want.raw; do
	# Within the snapshot, across its end, and behind it.
	for offset in 5000 999999 2147483000; do
		printf 'what is new' | dd of="$file" bs=16 seek=$offset \
			oflag=seek_bytes conv=notrunc status=none
	done
done
same_bytes want.raw "$twins/sda1.img"
[ "$(stat -c %b "$twins/sda1.img")" -lt 4000 ] || fail "it is not sparse"
mkfs.ext4 -q -F "$twins/sdf.img"
e2fsck -fn "$twins/sdf.img" >/dev/null 2>&1
same_bytes disk.raw "mnt/scratch/snapshots/$a.img"
cmp -n 1000000 disk.raw mnt/images/web/sda1.img
cmp -n 20971520 mnt/images/web/sdf.img /dev/zero

expect_exit 1 dd if=disk.raw of=mnt/images/web/sdf.img conv=notrunc status=none
expect_match "$ERR" "Read-only file system"
for name in root.img image.json; do
	[ ! -e "$twins/$name" ] || expect_exit 1 rm -f "$twins/$name"
done
expect_exit 1 rm -rf "$twins"
expect_match "$ERR" "Read-only file system"
rm -f "$twins/sdf.img" "$twins/sda1.img"
expect_equal "$(stat -c %b "$twins/sdf.img")" 0
cmp -n 20971520 "$twins/sdf.img" /dev/zero
cmp -n 1000000 disk.raw "$twins/sda1.img"

# Deregistered: only who has one open has it still.
printf kept | dd of="$twins/sdf.img" conv=notrunc status=none
exec {fd}<"$twins/sdf.img"
snap image deregister web >/dev/null
wait_for 2 test ! -e "$twins"
expect_equal "$(head -c 4 <&"$fd")" kept
exec {fd}<&-
umount_repo mnt
