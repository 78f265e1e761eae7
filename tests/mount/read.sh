#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is read is what was saved: whole, in odd pieces, and with O_DIRECT.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

write_data disk.raw 0 5000001 1
write_data disk.raw 9000000 1000000 2
truncate -s 12345679 disk.raw
cp disk.raw day1.raw
snapfs init repo
a=$(snap snapshot create disk=disk.raw)
write_data disk.raw 2000000 700000 3
truncate -s 11000001 disk.raw
b=$(snap snapshot create disk=disk.raw)
mount_repo repo mnt

same_bytes day1.raw "mnt/snapshots/$a.img"
same_bytes disk.raw "mnt/snapshots/$b.img"
same_bytes disk.raw mnt/volumes/disk/latest.img

python3 - day1.raw "mnt/snapshots/$a.img" <<-'END'
import mmap, os, random, sys
want = open(sys.argv[1], "rb").read()
fd = os.open(sys.argv[2], os.O_RDONLY)
direct = os.open(sys.argv[2], os.O_RDONLY | os.O_DIRECT)
page = mmap.mmap(-1, 4 << 20)
seed = random.randrange(1 << 32)
print("seed", seed)
r = random.Random(seed)
for i in range(400):
    offset = r.randrange(len(want) + 5000)
    size = r.choice([1, 511, 4096, 16384, 65537, 1 << 20, 3 << 20])
    assert os.pread(fd, size, offset) == want[offset:offset + size]
    offset &= ~4095
    size = (size + 4095) & ~4095
    n = os.preadv(direct, [memoryview(page)[:size]], offset)
    assert page[:n] == want[offset:offset + size]
whole = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
assert whole[:] == want
END

# Many at once.
readers=()
for _ in 1 2 3 4 5 6 7 8; do
	cmp day1.raw "mnt/snapshots/$a.img" &
	readers+=($!)
	cmp disk.raw "mnt/snapshots/$b.img" &
	readers+=($!)
done
for reader in "${readers[@]}"; do
	wait "$reader"
done
umount_repo mnt
