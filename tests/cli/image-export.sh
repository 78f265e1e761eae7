#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# an image goes to another repository in one file, whole or not at all
. "$(dirname "$0")/../lib/functions.sh"
scratch

there()
{
	REPO=$T/there snap "$@"
}

counted()
{
	find "$1/records" -name '*.json' | sort | md5sum
}

snapfs init repo
snapfs init there --chunk-size 64K
write_data root.raw 0 3000001 1
truncate -s 20M root.raw
write_data root.raw 15000000 70000 2
write_data data.raw 0 2500000 3
snap -q image create web-1 /dev/sda1=root.raw,volume=web-root \
	/dev/sdf=data.raw,volume=web-data /dev/sdb=ephemeral0 \
	--arch x86_64 --boot-mode uefi --platform Linux \
	-d 'the first "one"' --tag role=web
snap image share web-1 all

# What is printed: the new id alone, or a document.
expect_exit 0 snap image export web-1 web.snapfs
expect_equal "$OUT" ""
expect_exit 1 snap image export web-1 web.snapfs
expect_match "$ERR" "web.snapfs.*--force"
expect_exit 0 snap --json image export web-1 web.snapfs --force
expect_equal "$(jq -r '.Name, .Destination' <<<"$OUT" | paste -sd' ')" \
	"web-1 web.snapfs"
expect_equal "$(jq .FileSizeInBytes <<<"$OUT")" "$(stat -c %s web.snapfs)"
expect_exit 2 snap image export web-1 -
expect_exit 1 snap image export web-2 other.snapfs
expect_equal "$(find . -maxdepth 1 -name '.*snapfs*')" ""

expect_exit 0 there -q image import web.snapfs
expect_match "$OUT" '^img-[0-9a-f]{17}$'
new=$OUT
old=$(snap --json image show web-1 | jq -r .ImageId)
same='del(.ImageId, .SourceImageId, .CreationDate, .SetId, .LaunchPermissions,
	.BlockDeviceMappings[].Ebs?.SnapshotId?)'
expect_equal "$(there --json image show web-1 | jq -S "$same")" \
	"$(snap --json image show web-1 | jq -S "$same")"
there --json image show "$new" >new.json
expect_equal "$(jq -r .SourceImageId new.json)" "$old"
expect_equal "$(jq -c .LaunchPermissions new.json)" "[]"
there snapshot restore web-root@latest - | cmp - root.raw
there snapshot restore web-data@latest - | cmp - data.raw
expect_equal "$(there --json snapshot list | jq -r '.Snapshots[].StartTime')" \
	"$(snap --json snapshot list | jq -r '.Snapshots[].StartTime')"
there -q check --read-data

# The name is taken; another one is not. Disks that were imported before are not
# stored again, but no file adds to a volume that is there.
before=$(counted there)
expect_exit 1 there image import web.snapfs
expect_match "$ERR" "web-1.*taken"
expect_equal "$(counted there)" "$before"
latest=$(there --json snapshot show web-root@latest | jq -r .SnapshotId)
expect_exit 0 there --json image import web.snapfs --name web-1b
expect_equal "$(jq -r .Name <<<"$OUT")" web-1b
expect_match "$ERR" "'web-root' becomes the new volume 'web-root-2'"
expect_equal "$(there --json volume list | jq '.Volumes | length')" 4
expect_equal "$(there --json snapshot show web-root@latest |
	jq -r .SnapshotId)" "$latest"
expect_exit 2 there image import web.snapfs --name .x

# Only what changed since an image that the other side has.
write_data root.raw 500 10 4
snap -q image create web-2 /dev/sda1=root.raw /dev/sdf=data.raw --arch x86_64 \
	--boot-mode uefi --platform Linux
expect_exit 0 snap --json image export web-2 web-2.snapfs --base web-1
full=$(stat -c %s web.snapfs)
[ "$(stat -c %s web-2.snapfs)" -lt $((full / 2)) ] || fail "not thin"
expect_match "$(jq .BaseInBytes <<<"$OUT")" '^[1-9]'
expect_exit 1 there image import web-2.snapfs
expect_match "$ERR" "web-2.snapfs.*'web-1' \('$old'\).*--base"
expect_exit 1 there image import web-2.snapfs --base web-3
expect_match "$ERR" "web-3"
expect_exit 0 there image import web-2.snapfs --base web-1
expect_match "$ERR" "'web-root' goes on in volume 'web-root'"
there snapshot restore web-root@latest - | cmp - root.raw
expect_equal "$(there --json volume list | jq '.Volumes | length')" 4
expect_exit 0 there image import web.snapfs --name web-1c --base "$new"
expect_match "$ERR" "'--base web-1' is not used"
snapfs init third
REPO=$T/third expect_exit 1 snap image import web-2.snapfs
expect_match "$ERR" "web-1.*--base"
expect_equal "$(find third/records -type f | wc -l)" 0

# The named image and no other is the base; this one has the disks, but no
# snapshot that is it.
snap -q image create other /dev/sda1=root.raw --arch x86_64 --boot-mode uefi \
	--platform Linux
expect_exit 1 snap image import web-2.snapfs --name back --base other
expect_match "$ERR" "volume 'web-root': image 'other'"
expect_exit 0 snap image import web-2.snapfs --name back --base web-1
expect_match "$ERR" "becomes the new volume 'web-root-2'"

# Truncated, altered, newer, something else: each says so, with its name.
refused()
{
	local status=$1 pattern=$2

	REPO=$T/third expect_exit "$status" snap image import bad.snapfs
	expect_match "$ERR" "bad.snapfs.*$pattern"
	expect_equal "$(find third/records -type f | wc -l)" 0
}
head -c $((full - 1)) web.snapfs >bad.snapfs
refused 13 truncated
cp web.snapfs bad.snapfs
printf 'xxxx' | dd of=bad.snapfs bs=1 seek=500000 conv=notrunc status=none
refused 13 "altered.*web-root"
cp web.snapfs bad.snapfs
printf '\7' | dd of=bad.snapfs bs=1 seek=8 conv=notrunc status=none
refused 1 newer
cp root.raw bad.snapfs
refused 13 "not an image file"

# Killed in the middle: nothing is there, and nobody has to clean up.
write_data big.raw 0 60000000 5
snap -q image create big /dev/sda1=big.raw --arch x86_64 --boot-mode uefi \
	--platform Linux
snap -q image export big big.snapfs
snapfs -q -r third image import big.snapfs &
pid=$!
wait_for 30 eval 'find third/packs third/tmp -type f | grep -q .'
kill -s KILL "$pid"
wait "$pid" 2>/dev/null || true
if [ "$(REPO=$T/third snap --json image list | jq '.Images | length')" -eq 0 ]
then
	expect_equal "$(REPO=$T/third snap --json snapshot list |
		jq '.Snapshots | length')" 0
	REPO=$T/third expect_exit 0 snap image import big.snapfs
fi
REPO=$T/third snap snapshot restore big.raw@latest - | cmp - big.raw
REPO=$T/third snap -q gc
REPO=$T/third snap -q check --read-data
