#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A file that is open stays whole though its snapshot is deleted and collected.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_tool jq
scratch

drop_caches()
{
	sync
	echo 1 >/proc/sys/vm/drop_caches
}

write_data disk.raw 0 8000000 1
snapfs init repo
a=$(snap snapshot create disk=disk.raw)
write_data disk.raw 0 8000000 2
snap snapshot create disk=disk.raw >/dev/null
write_data disk.1 0 8000000 1
mount_repo repo mnt cache_size=1M
exec {fd}<"mnt/snapshots/$a.img"
snap snapshot delete "$a"
snap gc >/dev/null
wait_for 1 test ! -e "mnt/snapshots/$a.img"

drop_caches
cat <&"$fd" >copy.raw
same_bytes disk.1 copy.raw
expect_equal "$(stat -L -c %s "/proc/self/fd/$fd")" 8000000
expect_equal "$(getfattr --only-values --absolute-names -n user.snapfs.id \
	"/proc/$$/fd/$fd")" "$a"
expect_equal "$(json_get .OpenFiles <mnt/.snapfs/status.json)" 1

# Once it is closed, its bytes are nobody's.
packs=$(find repo/packs -name '*.pack' | wc -l)
exec {fd}<&-
no_open_files()
{
	[ "$(json_get .OpenFiles <mnt/.snapfs/status.json)" = 0 ]
}
wait_for 5 no_open_files
snap gc >/dev/null
[ "$(find repo/packs -name '*.pack' | wc -l)" -lt "$packs" ] ||
	fail "gc freed nothing after the last close"
umount_repo mnt
