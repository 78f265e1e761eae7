#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Holes stay holes: SEEK_HOLE, st_blocks, cp, tar.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

# 64 KiB of data at 1 MiB and at 900 MiB of 1 GiB + 1, written zeros elsewhere.
truncate -s 1073741825 disk.raw
write_data disk.raw 1048576 65536 1
write_data disk.raw 943718400 65536 2
dd if=/dev/zero of=disk.raw bs=1M seek=500 count=4 conv=notrunc status=none
snapfs init repo
a=$(snap snapshot create disk=disk.raw)
mount_repo repo mnt
image=mnt/snapshots/$a.img

python3 - "$image" <<-'END'
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
size = os.fstat(fd).st_size
found, at = [], 0
while True:
    try:
        data = os.lseek(fd, at, os.SEEK_DATA)
    except OSError as e:
        assert e.errno == 6, e
        break
    at = os.lseek(fd, data, os.SEEK_HOLE)
    found.append((data, at))
assert found == [(1048576, 1114112), (943718400, 943783936)], found
assert os.lseek(fd, 0, os.SEEK_HOLE) == 0
assert os.lseek(fd, 1048577, os.SEEK_DATA) == 1048577
assert os.lseek(fd, size - 1, os.SEEK_HOLE) == size - 1
for whence in os.SEEK_DATA, os.SEEK_HOLE:
    try:
        os.lseek(fd, size, whence)
        raise SystemExit("found something behind the end")
    except OSError as e:
        assert e.errno == 6, e
END

expect_equal "$(stat -c %b "$image")" 256
expect_equal "$(du -k "$image" | cut -f1)" 128
cp --sparse=auto "$image" copy.raw
[ "$(stat -c %b copy.raw)" -le 512 ] || fail "cp filled the holes"
tar -C mnt/snapshots -S -cf tar "$a.img"
[ "$(stat -c %s tar)" -lt 1000000 ] || fail "tar stored the holes"
same_bytes disk.raw copy.raw
umount_repo mnt
