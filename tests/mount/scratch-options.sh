#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# scratch_dir, noscratch and ro; a directory that is full, or gone.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

refused()
{
	expect_exit 32 mount.snapfs repo mnt -o "scratch_dir=$1"
	expect_match "$ERR" "'.*$2"
	expect_match "$ERR" "scratch_dir="
	expect_equal "$(wc -l <<<"$ERR")" 1 "lines of message"
}

write_data disk.raw 0 4194304 1
snapfs init repo
a=$(snap snapshot create disk=disk.raw)
mkdir mnt mnt/below small gone
image=mnt/snapshots/$a.img
twin=mnt/scratch/snapshots/$a.img

refused nowhere "No such file"
refused disk.raw "not a directory"
refused repo/tmp "lies in the repository"
refused mnt "lies below the mount"
refused mnt/below "lies below the mount"
TMPDIR=$T/repo/tmp expect_exit 32 mount.snapfs repo mnt
expect_match "$ERR" "lies in the repository"
! is_mounted "$T/mnt" || fail "mounted after all"

# Without the option: $TMPDIR, or what is always there.
is_written_to()
{
	mount_repo repo mnt
	pid=$(mount_pid mnt)
	printf x | dd of="$twin" conv=notrunc status=none
	expect_match "$(find "/proc/$pid/fd" -lname '*(deleted)' -printf '%l')" \
		"^$1"
	umount_repo mnt
}
TMPDIR=$T/small is_written_to "$T/small/"
TMPDIR=/no/such/directory is_written_to "/var/tmp/"

for words in noscratch ro scratch_dir=/nowhere,ro; do
	mount_repo repo mnt "$words"
	[ ! -e mnt/scratch ] || fail "there is scratch/ with $words"
	expect_match "$(grep " $T/mnt " /proc/mounts)" " ro,"
	expect_exit 1 touch mnt/README
	expect_match "$ERR" "Read-only file system"
	same_bytes disk.raw "$image"
	umount_repo mnt
done

# Full: the writer is told so, and nobody else.
mount -t tmpfs -o size=1M none small
mount_repo repo mnt scratch_dir=small,log="$T/log"
expect_exit 1 dd if=disk.raw of="$twin" bs=128K conv=notrunc,fsync oflag=direct \
	status=none
expect_match "$ERR" "No space left on device"
expect_match "$(cat log)" "'$T/small'.*No space left on device"
same_bytes disk.raw "$twin"
same_bytes disk.raw "$image"
fallocate -p -o 0 -l 4194304 "$twin"
printf room | dd of="$twin" bs=4 seek=2M oflag=seek_bytes conv=notrunc,fsync \
	status=none
expect_equal "$(dd if="$twin" bs=4 skip=2M iflag=skip_bytes count=1 \
	status=none)" room
umount_repo mnt
umount small

# Gone.
mount_repo repo mnt scratch_dir=gone
rmdir gone
expect_exit 1 dd if=/dev/zero of="$twin" bs=4 count=1 conv=notrunc status=none
expect_match "$ERR" "No such file or directory"
same_bytes disk.raw "$twin"
mkdir gone
dd if=/dev/zero of="$twin" bs=4 count=1 conv=notrunc status=none
expect_equal "$(head -c 4 "$twin" | od -An -tx1 | tr -d ' ')" 00000000
umount_repo mnt

# Nothing of it has a name.
expect_equal "$(ls -A gone)" ""
