#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# a full disk costs the new snapshot, and says so; the old ones stay
. "$(dirname "$0")/../lib/functions.sh"
requires_loop
scratch

truncate -s 32M fs.img
mkfs.ext4 -q -F -m 0 fs.img
mkdir fs
mount -o loop fs.img fs
REPO=$T/fs/repo
snapfs init "$REPO"
write_data small.raw 0 1000000 1
snap snapshot create disk=small.raw
cp small.raw big.raw
head -c 60M /dev/urandom >>big.raw

expect_exit 1 snap snapshot create disk=big.raw
expect_match "$ERR" "space|full"
[ -z "$OUT" ] || fail "printed an id: $OUT"
expect_equal "$(snap --json snapshot list | jq '.Snapshots | length')" 1
snap snapshot restore disk@latest - | cmp - small.raw
snap -q check --read-data

# Deleting works on a full disk, and gc gives the space back.
dd if=/dev/zero of=fs/filler bs=64K 2>/dev/null || true
expect_exit 0 snap snapshot delete disk@latest
expect_exit 0 snap gc
rm fs/filler
snap snapshot create disk=small.raw
snap snapshot restore disk@latest - | cmp - small.raw

# The same at the destination.
dd if=/dev/zero of=fs/filler bs=64K 2>/dev/null || true
expect_exit 1 snap snapshot restore disk@latest fs/out.raw
[ ! -e fs/out.raw ] || fail "an unfinished restore is visible"
