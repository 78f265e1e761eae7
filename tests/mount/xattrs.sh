#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The extended attributes of an image file.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_tool getfattr jq
scratch

get()
{
	getfattr --only-values --absolute-names -n "user.snapfs.$2" "$1"
}

write_data disk.raw 0 20000 1
snapfs init repo
a=$(snap snapshot create web=disk.raw)
b=$(snap snapshot create web=disk.raw -d "before: \"upgrade\" ü" --tag env=prod)
mount_repo repo mnt
image=mnt/snapshots/$b.img

expect_equal "$(get "$image" id)" "$b"
expect_equal "$(get "$image" volume)" web
expect_equal "$(get "$image" parent)" "$a"
expect_equal "$(get "$image" description)" "before: \"upgrade\" ü"
expect_equal "$(get "$image" consistency)" offline
expect_equal "$(get "$image" tags | jq -r .env)" prod
expect_match "$(get "$image" volume_id)" '^vol-[0-9a-f]{17}$'
expect_equal "$(date -u -d "$(get "$image" time)" +%s)" "$(stat -c %Y "$image")"

# Only what a snapshot has is listed; through links as well.
names=$(getfattr --absolute-names "mnt/snapshots/$a.img")
expect_match "$names" user.snapfs.id
expect_no_match "$names" "parent|description|tags|set"
expect_match "$(getfattr -d --absolute-names mnt/volumes/web/latest.img)" "$b"
expect_exit 1 get "mnt/snapshots/$a.img" parent
expect_exit 1 get "$image" nothing
expect_exit 1 get mnt/README id
expect_equal "$(getfattr -d mnt/README mnt/volumes mnt/snapshots mnt)" ""

# Tags may change later.
snap snapshot tag "$b" env=test
expect_equal "$(get "$image" tags | jq -r .env)" test
umount_repo mnt
