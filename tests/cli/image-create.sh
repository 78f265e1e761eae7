#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# an image is one moment of all its disks, all or nothing, and incremental
. "$(dirname "$0")/../lib/functions.sh"
requires_tool jq
scratch

snapfs init repo
write_data root.raw 0 300000 1
write_data data.raw 0 200000 2

expect_exit 0 snap image create web-1 /dev/sda1=root.raw \
	/dev/sdf=data.raw,volume=data,delete-on-termination=yes \
	/dev/sdb=ephemeral3 /dev/sdc=none \
	/dev/sdg=empty,size=20M,delete-on-termination=no \
	-d nightly --tag env=prod --arch x86_64
expect_match "$OUT" '^img-[0-9a-f]{17}$'
expect_equal "$(wc -l <<<"$OUT")" 1 "lines on stdout"
id=$OUT

# What is not known of the disk is said, with the flag that says it.
expect_match "$ERR" "boot mode.*--boot-mode"
expect_match "$ERR" "platform.*--platform"
expect_no_match "$ERR" "--arch"

snap --json image show web-1 >image
expect_equal "$(jq -r .ImageId image)" "$id"
expect_equal "$(jq -r .Description image)" nightly
expect_equal "$(jq -r .Architecture image)" x86_64
expect_equal "$(jq -r .BootMode image)" null
expect_equal "$(jq -r .RootDeviceName image)" /dev/sda1
expect_equal "$(jq -c '[.Tags[] | .Key + "=" + .Value]' image)" '["env=prod"]'
mapping()
{
	jq -c ".BlockDeviceMappings[$1] | [.DeviceName,
		.Ebs.VolumeSizeInBytes, .Ebs.DeleteOnTermination,
		.VirtualName, .NoDevice]" image
}
expect_equal "$(mapping 0)" '["/dev/sda1",300000,true,null,null]'
expect_equal "$(mapping 1)" '["/dev/sdf",200000,true,null,null]'
expect_equal "$(mapping 2)" '["/dev/sdb",null,null,"ephemeral3",null]'
expect_equal "$(mapping 3)" '["/dev/sdc",null,null,null,""]'
expect_equal "$(mapping 4)" '["/dev/sdg",20971520,false,null,null]'

# One set, one moment; the members are snapshots like any other.
snap --json snapshot list >list
expect_equal "$(jq '.Snapshots | length' list)" 2
expect_equal "$(jq -r '[.Snapshots[].StartTime] | unique | length' list)" 1
expect_equal "$(jq -r '[.Snapshots[].SnapshotSetId] | unique | length' list)" 1
expect_equal "$(jq -r '[.Snapshots[].SnapshotSetId] | unique[0]' list)" \
	"$(jq -r .SetId image)"
expect_equal "$(jq -r '[.Snapshots[].VolumeName] | sort | join(" ")' list)" \
	"data root.raw"
expect_equal "$(jq -r '[.Snapshots[].Tags[0].Key] | unique[0]' list)" env
snap snapshot restore data@latest - | cmp - data.raw
snap snapshot restore "$(jq -r '.BlockDeviceMappings[0].Ebs.SnapshotId' image)" \
	- | cmp - root.raw

# The next one compares with the volumes that were read from these sources,
# whatever they are called.
write_data root.raw 100000 1 3
expect_exit 0 snap --json image create "web 2 (test)" --root /dev/xvda \
	/dev/xvdf=data.raw /dev/xvda=root.raw
expect_equal "$(jq -r .Name <<<"$OUT")" "web 2 (test)"
expect_equal "$(jq -r .RootDeviceName <<<"$OUT")" /dev/xvda
expect_equal "$(jq -c '[.BlockDeviceMappings[].Ebs.DeleteOnTermination]' \
	<<<"$OUT")" '[false,true]'
expect_equal "$(snap --json volume list | jq -c '[.Volumes[].SnapshotCount]')" \
	'[2,2]'
expect_equal "$(snap --json volume show data | jq .ImageCount)" 2
stored=$(snap --json snapshot show root.raw@latest | jq .StoredInBytes)
[ "$stored" -lt 50000 ] || fail "one changed chunk stored $stored bytes"
expect_equal "$(snap --json snapshot show root.raw@latest |
	jq -r .ParentSnapshotId)" \
	"$(jq -r '.BlockDeviceMappings[0].Ebs.SnapshotId' image)"

expect_exit 0 snap image list
expect_equal "$(wc -l <<<"$OUT")" 3
expect_match "$OUT" "^NAME +IMAGE ID +CREATED +VOLUMES +SIZE +STATE\$"
expect_match "$OUT" "^web-1 +$id +[0-9TZ:.-]+ +3 +20\.5 MiB +available\$"
expect_match "$OUT" "^web 2 \(test\) +img-"
expect_equal "$(snap image list --tag env=prod | awk 'NR > 1 { print $1 }')" \
	web-1
expect_equal "$(snap -q image list --tag env=)" ""

# A member that fails leaves no image and no snapshot.
expect_exit 1 snap image create bad /dev/sda1=root.raw /dev/sdf=missing.raw
expect_match "$ERR" "missing.raw"
expect_exit 1 snap image create bad /dev/sda1=root.raw --pre false
expect_equal "$(snap --json image list | jq '.Images | length')" 2
expect_equal "$(snap --json snapshot list | jq '.Snapshots | length')" 4
expect_exit 1 snap image show bad

# Names with commas and equals signs, and files called like what they are not.
cp data.raw "odd,a=b"
cp data.raw empty
cp data.raw none
expect_exit 0 snap image create odd "sda=odd,a=b" sdb=./empty \
	sdc=./none,volume=n,delete-on-termination=yes
expect_equal "$(snap --json image show odd |
	jq -c '[.BlockDeviceMappings[].Ebs.VolumeSizeInBytes]')" \
	'[200000,200000,200000]'
snap image create stream sda=-,volume=piped <data.raw >/dev/null
snap snapshot restore piped@latest - | cmp - data.raw
snap -q check --read-data
