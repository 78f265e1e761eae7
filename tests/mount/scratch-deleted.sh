#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What was written over a snapshot outlives it only for who has it open.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_tool jq
scratch

packs()
{
	find repo/packs -name '*.pack' | wc -l
}

# Files in scratch_dir that the daemon holds open without a name.
overlays()
{
	find "/proc/$pid/fd" -lname "$T/#* (deleted)" | wc -l
}

has_overlays()
{
	[ "$(overlays)" -eq "$1" ]
}

snapfs init repo
write_data disk.raw 0 2000000 1
cp disk.raw want.raw
a=$(snap snapshot create a=disk.raw)
write_data disk.raw 0 2000000 2
b=$(snap snapshot create b=disk.raw)
mount_repo repo mnt scratch_dir="$T",cache_size=1M
pid=$(mount_pid mnt)
for id in "$a" "$b"; do
	printf written | dd of="mnt/scratch/snapshots/$id.img" conv=notrunc \
		status=none
done
printf written | dd of=want.raw conv=notrunc status=none
expect_equal "$(overlays)" 2
exec {fd}<>"mnt/scratch/snapshots/$a.img"
snap snapshot delete "$a" "$b"
wait_for 2 test ! -e "mnt/scratch/snapshots/$a.img"
wait_for 20 has_overlays 1

# Reading what was not written needs the snapshot still.
before=$(packs)
snap gc >/dev/null
echo 1 >/proc/sys/vm/drop_caches
dd if="/proc/$$/fd/$fd" of=got.raw status=none
same_bytes want.raw got.raw
printf more | dd of="/proc/$$/fd/$fd" bs=4 seek=1M oflag=seek_bytes \
	conv=notrunc status=none
printf more | dd of=want.raw bs=4 seek=1M oflag=seek_bytes conv=notrunc \
	status=none
dd if="/proc/$$/fd/$fd" of=got.raw status=none
same_bytes want.raw got.raw
exec {fd}<&-
wait_for 20 has_overlays 0
snap gc >/dev/null
[ "$(packs)" -lt "$before" ] || fail "gc freed nothing after the last close"
umount_repo mnt
