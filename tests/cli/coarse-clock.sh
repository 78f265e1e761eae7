#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A file system that keeps whole seconds: what changed within one second of a
# listing is seen all the same.
. "$(dirname "$0")/../lib/functions.sh"
requires_loop
requires_tool jq
scratch

count()
{
	snapfs -r mnt/repo --json snapshot list | json_get '.Snapshots | length'
}

truncate -s 64M disk.raw
mkfs.ext4 -q -I 128 disk.raw 2>/dev/null
mkdir mnt
mount -o loop disk.raw mnt
[ "$(stat -c %y mnt | cut -d. -f2 | cut -d' ' -f1)" = 000000000 ] ||
	fail "not a coarse clock"
snapfs init mnt/repo
write_data a.raw 0 20000 1
for n in 1 2 3 4 5 6 7 8; do
	id=$(snapfs -q -r mnt/repo snapshot create v=a.raw)
	expect_equal "$(count)" "$n" "snapshots listed"
done
snapfs -q -r mnt/repo snapshot delete "$id" >/dev/null
expect_equal "$(count)" 7 "snapshots listed"
