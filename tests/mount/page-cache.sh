#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A second buffered pass comes from the kernel's page cache: no READ is sent,
# also not after closing and opening again. Large requests are sent at all.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_tool jq
scratch

reads()
{
	json_get .Requests.Read <mnt/.snapfs/status.json
}

write_data disk.raw 0 30000000 1
snapfs init repo
snap snapshot create disk=disk.raw >/dev/null
mount_repo repo mnt
same_bytes disk.raw mnt/volumes/disk/latest.img
first=$(reads)
[ "$first" -gt 0 ] || fail "no read was counted"
[ "$first" -lt 100 ] || fail "$first requests for 30 MB: readahead is small"
# The kernel may drop pages between two passes for reasons of its own, but not
# each time.
for pass in 1 2 3 4 5 last; do
	before=$(reads)
	same_bytes disk.raw mnt/volumes/disk/latest.img
	[ "$(reads)" -ne "$before" ] || break
	[ "$pass" != last ] || fail "each pass sends reads"
done
umount_repo mnt
