#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A damaged chunk is EIO for its own range and a line in the log; all else is
# read as ever.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

write_data disk.raw 0 4000000 1
snapfs init repo
a=$(snap snapshot create disk=disk.raw)
pack=$(find repo/packs -name '*.pack' -size +500k)
python3 - "$pack" <<-'END'
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
at = os.fstat(fd).st_size // 2
byte = os.pread(fd, 1, at)
os.pwrite(fd, bytes([byte[0] ^ 1]), at)
END
mount_repo repo mnt log=log

# Page by page, past the kernel's cache and, with its readahead, through it.
python3 - disk.raw "mnt/snapshots/$a.img" <<-'END'
import mmap, os, sys
want = open(sys.argv[1], "rb").read()
page = mmap.mmap(-1, 4096)
damaged = []
for flags in os.O_DIRECT, 0:
    fd = os.open(sys.argv[2], os.O_RDONLY | flags)
    bad = []
    for offset in range(0, len(want), 4096):
        try:
            n = os.preadv(fd, [page], offset)
            assert page[:n] == want[offset:offset + 4096], offset
        except OSError as e:
            assert e.errno == 5, e
            bad.append(offset)
    size = bad[-1] - bad[0] + 4096
    assert len(bad) * 4096 == size and size in (4096, 16384, 65536), bad
    damaged.append(bad)
assert damaged[0] == damaged[1], damaged
END
expect_match "$(cat log)" "$(basename "$pack" .pack)|$a"
expect_equal "$(grep -c error: log)" "$(sort -u -k3 log | grep -c error:)" \
	"lines for the same place"
expect_exit 1 cp "mnt/snapshots/$a.img" copy.raw
expect_match "$ERR" "Input/output error"
[ "$(json_get .ReadErrors <mnt/.snapfs/status.json)" -ge 1 ]
umount_repo mnt
