#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# an image of snapshots that there are; several may share one
. "$(dirname "$0")/../lib/functions.sh"
requires_tool jq
scratch

snapfs init repo
write_data disk.raw 0 300000 1
root=$(snap snapshot create root=disk.raw)
data=$(snap snapshot create data=disk.raw)

expect_exit 0 snap image register golden /dev/sda1=root@latest \
	/dev/sdf=empty,size=20G "/dev/sdg=$data,size=1M" /dev/sdb=ephemeral0 \
	--arch arm64 --boot-mode uefi --platform "Debian 12" -d text --tag a=b
expect_match "$OUT" '^img-[0-9a-f]{17}$'
snap --json image show golden >image
expect_equal "$(jq -c '[.BlockDeviceMappings[] | [.DeviceName, .Ebs.SnapshotId,
	.Ebs.VolumeSizeInBytes, .Ebs.DeleteOnTermination]]' image)" \
	"[[\"/dev/sda1\",\"$root\",300000,true],[\"/dev/sdf\",null,21474836480,\
false],[\"/dev/sdg\",\"$data\",1048576,false],[\"/dev/sdb\",null,null,null]]"
expect_equal "$(jq -r '[.Architecture, .BootMode, .PlatformDetails] |
	join("/")' image)" "arm64/uefi/Debian 12"
expect_equal "$(jq -r .SetId image)" null
expect_equal "$(jq -r .OwnerId image)" "$(id -u)"

# Found by id and by a prefix of it as well.
id=$OUT
expect_equal "$(snap --json image show "$id" | jq -r .Name)" golden
expect_equal "$(snap --json image show "${id:0:16}" | jq -r .Name)" golden

# Another image of the same snapshot, with another root; nothing is copied.
expect_exit 0 snap image register second --root xvda xvdb=root@latest \
	xvda=data@latest
expect_equal "$(snap --json image show second | jq -r .RootDeviceName)" xvda
expect_equal "$(snap --json snapshot list | jq '.Snapshots | length')" 2
expect_equal "$(snap --json stats | jq .Images)" 2
expect_equal "$(snap --json volume show root | jq .ImageCount)" 2

# What is looked for on the disk and not found is said.
expect_match "$ERR" "image 'second': architecture.*--arch"

expect_exit 0 snap image show golden
expect_match "$OUT" '^Platform: +Debian 12$'
expect_match "$OUT" '^Protected: +no$'
expect_match "$OUT" "^/dev/sda1 +$root +root +293.0 KiB +yes +completed\$"
expect_match "$OUT" '^/dev/sdf +empty +- +20.0 GiB +no +-$'
expect_match "$OUT" '^/dev/sdb +ephemeral0 +- +- +- +-$'

# A snapshot that goes away behind our back: the image says so.
mv "repo/records/$data.json" gone.json
expect_exit 0 snap image show golden
expect_match "$OUT" '^State: +broken$'
expect_match "$OUT" "^/dev/sdg +$data +- +1.0 MiB +no +missing\$"
expect_match "$(snap image list)" '^second .* broken$'
expect_equal "$(snap --json image show golden |
	jq -r '.BlockDeviceMappings[2].SnapshotState')" missing
mv gone.json "repo/records/$data.json"
expect_match "$(snap image list)" '^second .* available$'
