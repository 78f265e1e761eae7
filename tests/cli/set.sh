#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# a set is one moment and one id, all or nothing
. "$(dirname "$0")/../lib/functions.sh"
scratch

snapfs init repo
write_data a.raw 0 100000 1
write_data b.raw 0 200000 2
snap snapshot create b=b.raw a=a.raw >ids
expect_equal "$(wc -l <ids)" 2
first=$(sed -n 1p ids)
expect_equal "$(snap --json snapshot show "$first" | jq -r .VolumeName)" b
snap --json snapshot list >list
expect_equal "$(jq -r '[.Snapshots[].SnapshotSetId] | unique | length' list)" 1
expect_match "$(jq -r '.Snapshots[0].SnapshotSetId' list)" '^set-[0-9a-f]{17}$'
expect_equal "$(jq -r '[.Snapshots[].StartTime] | unique | length' list)" 1

# One bad member: nothing is taken.
cp -a a.raw before.raw
expect_exit 1 snap snapshot create a=a.raw b=missing.raw
expect_match "$ERR" "missing.raw"
mkdir dir
expect_exit 1 snap snapshot create a=a.raw b=dir
expect_match "$ERR" "dir"
expect_exit 2 snap snapshot create a=a.raw a=b.raw
expect_match "$ERR" "volume 'a': is named twice"
expect_exit 2 snap snapshot create a=- b=-
expect_equal "$(snap --json snapshot list | jq '.Snapshots | length')" 2

# Members are independent afterwards.
snap snapshot delete "$first"
snap snapshot restore a@latest - | cmp - a.raw
expect_equal "$(snap --json snapshot list | jq '.Snapshots | length')" 1
