#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# New snapshots appear and deleted ones go within a second while the mount is
# busy, and latest.img moves with them.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

names()
{
	find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs
}

busy()
{
	while :; do
		dd "if=$1" of=/dev/null bs=64k iflag=direct status=none
	done
}

latest_is()
{
	[ "$(readlink mnt/volumes/disk/latest.img)" = "../../snapshots/$1.img" ]
}

gone()
{
	[ ! -e "$1" ]
}

write_data disk.raw 0 20000000 1
snapfs init repo
a=$(snap snapshot create disk=disk.raw)
mount_repo repo mnt
busy "mnt/snapshots/$a.img" &
cleanup_fn kill $!
latest_is "$a"

for i in 1 2 3; do
	write_data disk.raw $((i * 4096)) 4096 "$i"
	cp disk.raw "day$i.raw"
	b=$(snap snapshot create disk=disk.raw)
	wait_for 1 test -e "mnt/snapshots/$b.img"
	wait_for 1 latest_is "$b"
	expect_equal "$(names mnt/snapshots | wc -w)" $((i + 1))
	same_bytes "day$i.raw" mnt/volumes/disk/latest.img
done
ls -l mnt/snapshots mnt/volumes/disk >/dev/null
snap snapshot delete "$b"
wait_for 1 gone "mnt/snapshots/$b.img"
wait_for 1 gone "mnt/snapshots/$b.img"
expect_no_match "$(names mnt/snapshots)" "$b"
same_bytes day2.raw mnt/volumes/disk/latest.img
expect_equal "$(names mnt/volumes/disk | wc -w)" 4

# A volume whose last snapshot goes, goes.
c=$(snap snapshot create other=disk.raw)
wait_for 1 test -d mnt/volumes/other
snap snapshot delete "$c"
wait_for 1 gone mnt/volumes/other
expect_equal "$(names mnt/volumes)" disk
