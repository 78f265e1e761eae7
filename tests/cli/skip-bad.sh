#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A source that fails to read in one place: refused, or with --skip-bad taken
# but for that place, which then fails to read in the snapshot as well. The bad
# disk is an image in another repository's mount, with one chunk damaged.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_tool jq
scratch

write_data disk.raw 0 1000000 1
snapfs init bad
snapfs -r bad snapshot create d=disk.raw >/dev/null
pack=$(find bad/packs -name '*.pack' -size +100k)
chmod u+w "$pack"
printf '\377' | dd of="$pack" bs=1 seek=200000 conv=notrunc status=none
mount_repo bad mnt
image=$(realpath mnt/volumes/d/latest.img)

snapfs init repo
expect_exit 1 snap snapshot create d="$image"
expect_match "$ERR" "cannot be read at offset [0-9]+"
expect_match "$ERR" "--skip-bad"
expect_equal "$(snap --json snapshot list | json_get '.Snapshots | length')" 0

expect_exit 3 snap snapshot create d="$image" --skip-bad
id=$OUT
expect_match "$ERR" "marked as missing"
expect_equal "$(snap --json snapshot show "$id" | json_get .BadInBytes)" 16384
expect_exit 1 snap snapshot restore "$id" copy.raw
[ ! -e copy.raw ] || fail "a restore that failed left a file"

# The same as the root of an image.
expect_exit 1 snap image create web sda="$image"
expect_equal "$(snap --json image list | json_get '.Images | length')" 0
expect_exit 3 snap image create web sda="$image,volume=v" --skip-bad
expect_match "$OUT" '^img-'
expect_match "$ERR" "volume 'v': .* marked bad"

mount_repo repo mnt2
python3 - disk.raw "mnt2/snapshots/$id.img" <<'END'
import os, sys
want, got = (os.open(p, os.O_RDONLY) for p in sys.argv[1:])
bad = 0
for at in range(0, 1000000, 16384):
    data = os.pread(want, 16384, at)
    try:
        assert os.pread(got, 16384, at) == data, at
    except OSError:
        bad += 1
assert bad == 1, bad
END

# A snapshot of the repository's own mount is refused.
expect_exit 2 snap snapshot create x="mnt2/snapshots/$id.img"
expect_match "$ERR" "this very repository"
