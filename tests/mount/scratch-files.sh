#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Twins under scratch/ are written to, shared, reset by rm; nothing else is.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

write_data disk.raw 0 3000001 1
truncate -s 8388808 disk.raw
snapfs init repo
a=$(snap snapshot create disk=disk.raw)
mount_repo repo mnt scratch_dir=.
image=mnt/snapshots/$a.img
twin=mnt/scratch/snapshots/$a.img

is_dropped()
{
	[ "$(stat -c %b "$1")" -le "$2" ]
}

# As it was, but for the mode.
same_bytes disk.raw "$twin"
expect_equal "$(stat -c %u:%a:%s:%b:%y "$twin")" \
	"$(stat -c %u:600:%s:%b:%y "$image")"

# What is written is seen by all who have it open, however.
cp disk.raw want.raw
exec {early}<"$twin"
for file in want.raw "$twin"; do
	printf 'across two blocks' |
		dd of="$file" bs=64 seek=8190 oflag=seek_bytes conv=notrunc \
			status=none
	printf end | dd of="$file" bs=3 seek=8388805 oflag=seek_bytes \
		conv=notrunc status=none
done
same_bytes want.raw "$twin"
cmp want.raw <(cat <&"$early")
same_bytes disk.raw "$image"
[ "$(stat -c %Y "$twin")" -ge "$(stat -c %Y "$image")" ] ||
	fail "the twin's time went back"

# O_DIRECT both ways, and a shared mapping.
write_data piece 0 1048576 5
for file in want.raw "$twin"; do
	dd if=piece of="$file" bs=64K seek=3 oflag=direct conv=notrunc,fsync \
		status=none
	python3 - "$file" <<-'END'
	import mmap, os, sys
	fd = os.open(sys.argv[1], os.O_RDWR)
	m = mmap.mmap(fd, 0)
	m[5000:5010] = b"0123456789"
	m[4194300:4194310] = b"abcdefghij"
	m.flush()
	m[7000000:7000001] = b"x"
	m.close()
	os.close(fd)
	END
done
same_bytes want.raw "$twin"
dd if="$twin" of=direct.raw bs=64K iflag=direct status=none
same_bytes want.raw direct.raw

# Its size stays.
expect_exit 1 truncate -s 1M "$twin"
expect_exit 1 truncate -s +1 "$twin"
truncate -s 8388808 "$twin"
expect_exit 1 dd if=piece of="$twin" status=none
expect_exit 1 bash -c "echo >>'$twin'"
printf '1234' | dd of="$twin" bs=4 seek=8388806 oflag=seek_bytes conv=notrunc \
	status=none && fail "wrote beyond the end"
printf '12' | dd of=want.raw bs=4 seek=8388806 oflag=seek_bytes conv=notrunc \
	status=none
same_bytes want.raw "$twin"
fallocate -l 8388808 "$twin"
expect_exit 1 fallocate -l 8388809 "$twin"
touch "$twin"
expect_exit 1 chmod 644 "$twin"
expect_exit 1 chown 1 "$twin"

# A hole punched reads as zeros and gives its space back.
blocks=$(stat -c %b "$twin")
dd if=piece of="$twin" bs=1M seek=5 conv=notrunc status=none
dd if=piece of=want.raw bs=1M seek=5 conv=notrunc status=none
[ "$(stat -c %b "$twin")" -ge $((blocks + 2000)) ] ||
	fail "st_blocks did not grow: $blocks, $(stat -c %b "$twin")"
for file in want.raw "$twin"; do
	fallocate -p -o 5242881 -l 1048574 "$file"
	fallocate -z -o 100 -l 5000 "$file"
done
same_bytes want.raw "$twin"
wait_for 5 is_dropped "$twin" $((blocks + 100))
cp --sparse=auto "$twin" copy.raw
same_bytes want.raw copy.raw
[ "$(stat -c %b copy.raw)" -le "$(($(stat -c %b "$twin") + 16))" ] ||
	fail "cp did not see the holes"

# Nothing else can be changed.
read_only()
{
	expect_exit 1 "$@"
	expect_match "$ERR" "Read-only file system"
}
read_only mkdir mnt/d
read_only mkdir mnt/scratch/d
read_only touch mnt/scratch/snapshots/new
read_only touch mnt/README
read_only ln -s x mnt/l
read_only ln mnt/README mnt/scratch/snapshots/l
read_only mv "$twin" mnt/scratch/snapshots/other
read_only mknod mnt/scratch/snapshots/p p
read_only rm -f mnt/README
read_only rm -f "$image"
read_only rm -f mnt/volumes/disk/latest.img
read_only rmdir mnt/scratch/snapshots
read_only chmod 777 mnt/README
read_only chmod 777 "$image"
read_only setfattr -n user.x -v y "$twin"
read_only setfattr -x user.snapfs.volume "$twin"
read_only dd if=piece of="$image" conv=notrunc status=none
read_only dd if=piece of=mnt/README conv=notrunc status=none
rm mnt/scratch/snapshots/none 2>/dev/null && fail "removed nothing"

# rm resets; who has it open goes on with what he wrote.
exec {old}<>"$twin"
inode=$(stat -c %i "$twin")
rm "$twin"
same_bytes disk.raw "$twin"
[ "$(stat -c %i "$twin")" != "$inode" ] || fail "reset, the same inode"
expect_equal "$(stat -L -c %i:%h:%s "/dev/fd/$old")" "$inode:0:8388808"
dd if="/proc/$$/fd/$old" of=old.raw status=none
same_bytes want.raw old.raw
printf again | dd of="/proc/$$/fd/$old" conv=notrunc status=none
expect_equal "$(head -c 5 "/proc/$$/fd/$old")" again
same_bytes disk.raw "$twin"
printf new | dd of="$twin" conv=notrunc status=none
expect_equal "$(head -c 3 "$twin")" new
exec {old}<&- {early}<&-
rm "$twin"
rm "$twin"
same_bytes disk.raw "$twin"
expect_equal "$(find mnt/scratch/snapshots -name '*.img' -printf %i)" \
	"$(stat -c %i "$twin")"
same_bytes disk.raw "$image"
umount_repo mnt

# Gone at unmount; the directory never had anything in it.
mount_repo repo mnt scratch_dir=.
same_bytes disk.raw "$twin"
umount_repo mnt
