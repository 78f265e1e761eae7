#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A repository without snapshots mounts, and its first one appears.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

snapfs init repo
mount_repo repo mnt
expect_equal "$(find mnt/snapshots mnt/volumes -printf '%p ')" \
	"mnt/snapshots mnt/volumes "
: >nothing.raw
a=$(snap snapshot create nothing=nothing.raw)
wait_for 1 test -e "mnt/snapshots/$a.img"
expect_equal "$(stat -L -c %s:%b mnt/volumes/nothing/latest.img)" 0:0
expect_equal "$(wc -c <"mnt/snapshots/$a.img")" 0
umount_repo mnt
