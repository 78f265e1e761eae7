#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# snapfs mount and umount run what mount.snapfs does
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

snapfs init repo
write_data disk.raw 0 100000 1
id=$(snap snapshot create disk=disk.raw)
mkdir mnt "with space"
snapfs mount repo mnt
cmp "mnt/snapshots/$id.img" disk.raw
snapfs umount mnt/
! is_mounted "$T/mnt" || fail "still mounted"
snapfs mount repo "with space" -o ro
cd "with space"
expect_exit 11 snapfs umount .
cd ..
snapfs umount "with space"
expect_exit 1 snapfs umount mnt
expect_match "$ERR" "'mnt': no snapfs is mounted there"
expect_exit 1 snapfs umount /proc
is_mounted /proc || fail "unmounted /proc"
expect_exit 1 snapfs umount nosuch
