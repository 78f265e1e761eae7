#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A listing that takes several requests is whole, and is of one moment though
# snapshots are deleted meanwhile.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

write_data disk.raw 0 20000 1
snapfs init repo
ids=()
for ((i = 0; i < 80; i++)); do
	ids+=("$(snap -q snapshot create disk=disk.raw)")
done
mount_repo repo mnt
expect_equal "$(find mnt/snapshots -name '*.img' | sort -u | wc -l)" 80
expect_equal "$(find mnt/volumes/disk -name '*.img' -printf '%f\n' |
	sort -u | wc -l)" 81
find mnt/snapshots -name '*.img' -printf '%f\n' | sort >names
printf '%s.img\n' "${ids[@]}" | sort | diff - names

python3 - "${ids[@]}" <<-'END'
import ctypes, os, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
def entries(fd, size):
    buffer = ctypes.create_string_buffer(size)
    n = libc.syscall(217, fd, buffer, size)  # getdents64
    assert n >= 0, ctypes.get_errno()
    names, at = [], 0
    while at < n:
        length = int.from_bytes(buffer.raw[at + 16:at + 18], "little")
        names.append(buffer.raw[at + 19:at + length].split(b"\0")[0].decode())
        at += length
    return names
fd = os.open("mnt/snapshots", os.O_RDONLY | os.O_DIRECTORY)
found = entries(fd, 400)
assert 0 < len(found) < 20
subprocess.run(["snapfs", "-q", "-r", "repo", "snapshot", "delete"] + sys.argv[1:41],
               check=True, stdout=subprocess.DEVNULL)
assert len(os.listdir("mnt/snapshots")) == 40
while more := entries(fd, 400):
    found += more
assert sorted(found) == sorted([".", ".."] + [i + ".img" for i in sys.argv[1:]]), found
os.lseek(fd, 0, os.SEEK_SET)
END
umount_repo mnt
