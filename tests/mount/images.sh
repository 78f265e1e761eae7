#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Machine images as directories: names, content, attributes; what becomes of
# them when they are renamed, hidden, disabled, given up or damaged.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_tool getfattr jq
scratch

names()
{
	find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs
}

get()
{
	getfattr --only-values --absolute-names -n "user.snapfs.$2" "$1"
}

same_manifest()
{
	snap --json image show "$1" | diff - "mnt/images/$1/image.json"
}

gone()
{
	[ ! -e "$1" ]
}

state_is()
{
	[ "$(get "$1" state)" = "$2" ]
}

write_data root.raw 0 300001 1
write_data data.raw 0 200000 2
snapfs init repo
root=$(snap snapshot create root=root.raw)
data=$(snap snapshot create data=data.raw)
mount_repo repo mnt
expect_equal "$(names mnt/images)" ""
image=$(snap image register "web 2026" "/dev/sda1=$root" \
	"/dev/sdf=$data,size=1M" /dev/sdg=empty,size=3M /dev/sdb=ephemeral0 \
	"disk/by=$data" --arch x86_64 --boot-mode uefi --platform "a Linux" \
	-d "the golden one" --tag env=prod)

# Names and kinds.
wait_for 1 test -d "mnt/images/web 2026"
expect_equal "$(names "mnt/images/web 2026")" \
	"disk_by.img image.json root.img sda1.img sdf.img sdg.img"
expect_equal "$(names "mnt/scratch/images/web 2026")" \
	"disk_by.img root.img sda1.img sdf.img sdg.img"
cd "mnt/images/web 2026" || exit
expect_equal "$(readlink root.img)" sda1.img
expect_equal "$(stat -c %a:%s sda1.img)" 444:300001
expect_equal "$(stat -c %a:%s sdf.img)" 444:1048576
expect_equal "$(stat -c %a:%s:%b sdg.img)" 444:3145728:0
expect_equal "$(stat -c %a:%h .)" 555:2
expect_equal "$(stat -c %a:%h ..)" 555:3

# Content: the disks as they were, then zeros; nothing but zeros.
same_bytes root.img "$T/root.raw"
same_bytes disk_by.img "$T/data.raw"
cp "$T/data.raw" "$T/larger.raw"
truncate -s 1M "$T/larger.raw"
same_bytes sdf.img "$T/larger.raw"
cmp -n 3145728 sdg.img /dev/zero
cp --sparse=auto sdg.img "$T/empty.raw"
expect_equal "$(stat -c %s:%b "$T/empty.raw")" 3145728:0
cd "$T" || exit

# What describes them.
same_manifest "web 2026"
expect_equal "$(stat -c %s "mnt/images/web 2026/image.json")" \
	"$(wc -c <"mnt/images/web 2026/image.json")"
for pair in "id $image" "name web 2026" "description the golden one" \
	"architecture x86_64" "boot_mode uefi" "platform a Linux" \
	"root_device /dev/sda1" "state available"; do
	expect_equal "$(get "mnt/images/web 2026" "${pair%% *}")" "${pair#* }"
done
expect_equal "$(get "mnt/images/web 2026" tags | jq -r .env)" prod
for pair in "id $data" "image web 2026" "image_id $image" "device /dev/sdf" \
	"size 1048576" "volume data"; do
	expect_equal "$(get "mnt/images/web 2026/sdf.img" "${pair%% *}")" \
		"${pair#* }"
done
expect_exit 1 get "mnt/images/web 2026/sdg.img" id
expect_exit 1 get "mnt/images/web 2026/image.json" id
# What was written to a twin is worth a snapshot.
expect_exit 1 get "mnt/scratch/images/web 2026/sdf.img" id
expect_equal "$(get "mnt/scratch/images/web 2026/sdf.img" device)" /dev/sdf
expect_equal "$(json_get .Images <mnt/.snapfs/status.json)" 1

# Another name, the same files.
before=$(stat -c %i "mnt/images/web 2026" "mnt/images/web 2026"/*)
exec {fd}<"mnt/images/web 2026/sdf.img"
snap image rename "web 2026" www
wait_for 1 gone "mnt/images/web 2026"
expect_equal "$(stat -c %i mnt/images/www mnt/images/www/*)" "$before"
cat <&"$fd" | cmp - larger.raw
exec {fd}<&-
same_manifest www

# Hidden from others, but this mount is the owner's own.
snap image deprecate www
wait_for 1 state_is mnt/images/www deprecated
snap image disable www
wait_for 1 state_is mnt/images/www disabled
expect_equal "$(names mnt/images)" www
same_bytes mnt/images/www/sda1.img root.raw
snap image enable www
snap image deprecate --cancel www
wait_for 1 state_is mnt/images/www available
same_manifest www

# A snapshot that is not there keeps its entry, and does not open.
mv "repo/records/$data.json" taken
touch repo/records
wait_for 1 state_is mnt/images/www broken
expect_equal "$(names mnt/images/www)" \
	"disk_by.img image.json root.img sda1.img sdf.img sdg.img"
expect_equal "$(stat -c %s mnt/images/www/sdf.img)" 1048576
expect_exit 1 cat mnt/images/www/sdf.img
expect_match "$ERR" "Input/output error"
expect_exit 1 cat mnt/scratch/images/www/sdf.img
expect_match "$ERR" "Input/output error"
expect_equal "$(get mnt/images/www/sdf.img id)" "$data"
same_bytes mnt/images/www/sda1.img root.raw
same_manifest www
mv taken "repo/records/$data.json"
touch repo/records
wait_for 1 state_is mnt/images/www available
same_bytes mnt/images/www/sdf.img larger.raw

# Given up, while it is open.
exec {fd}<mnt/images/www/sdf.img
snap image deregister --delete-snapshots www >/dev/null
wait_for 1 gone mnt/images/www
expect_equal "$(names mnt/images)" ""
expect_equal "$(names mnt/snapshots)" ""
snap gc >/dev/null
echo 1 >/proc/sys/vm/drop_caches
cat <&"$fd" | cmp - larger.raw
expect_equal "$(stat -L -c %s "/proc/self/fd/$fd")" 1048576
exec {fd}<&-
umount_repo mnt
