#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# restore takes care of what is at the destination
. "$(dirname "$0")/../lib/functions.sh"
requires_loop
scratch

snapfs init repo
write_data disk.raw 0 300001 1
truncate -s 1M disk.raw
snap snapshot create disk=disk.raw
write_data disk.raw 100000 5 2
snap snapshot create disk=disk.raw

echo precious >file
expect_exit 1 snap snapshot restore disk@latest file
expect_match "$ERR" "--force"
expect_equal "$(cat file)" precious
expect_exit 0 snap snapshot restore disk@latest file --force --verify
cmp file disk.raw
expect_exit 2 snap snapshot restore disk@latest file --delta
expect_exit 2 snap snapshot restore disk@latest - --verify
mkdir dir
expect_exit 1 snap snapshot restore disk@latest dir --force
expect_exit 1 snap snapshot restore disk@latest no/such/dir
expect_equal "$(find . -maxdepth 1 -newer repo/snapfs.json -name '*tmp*')" ""

# Only what differs is written.
expect_exit 0 snap --json snapshot restore disk@-1 file --force --delta --verify
expect_equal "$(jq .WrittenInBytes <<<"$OUT")" 16384
snap snapshot restore disk@-1 - | cmp - file

# Block devices: large enough, not in use, only with --force.
device()
{
	truncate -s "$2" "$1"
	losetup -f --show "$1"
}
small=$(device small.img 512K)
large=$(device large.img 2M)
expect_exit 1 snap snapshot restore disk@latest "$small" --force
expect_match "$ERR" "1048576|MiB"
expect_exit 1 snap snapshot restore disk@latest "$large"
expect_match "$ERR" "--force"
expect_exit 0 snap snapshot restore disk@latest "$large" --force --verify
cmp -n 1048576 large.img disk.raw
mkfs.ext4 -q "$large"
mkdir mnt
mount "$large" mnt
md5sum large.img >before
expect_exit 11 snap snapshot restore disk@latest "$large" --force
expect_match "$ERR" "mnt"
umount mnt
