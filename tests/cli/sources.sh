#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sources that cannot be taken are refused and named
. "$(dirname "$0")/../lib/functions.sh"
scratch

snapfs init repo
write_data disk.raw 0 100000 1
mkdir dir
mkfifo pipe
ln -s nowhere dangling
for source in dir missing.raw dangling pipe repo repo/snapfs.json \
	repo/catalog.db; do
	got=0
	snap snapshot create disk="$source" 2>err >out || got=$?
	[ "$got" -ne 0 ] || fail "took a snapshot of $source"
	[ ! -s out ] || fail "printed an id for $source"
	grep -q "$source" err || fail "'$source' not named: $(cat err)"
done
expect_equal "$(snap --json snapshot list | jq '.Snapshots | length')" 0

# A first hook that fails ends it; once it ran, the second does as well.
expect_exit 1 snap snapshot create disk=disk.raw --pre "exit 3"
expect_match "$ERR" "exit"
expect_exit 1 snap snapshot create disk=missing.raw --pre true \
	--post "touch post-ran"
[ -e post-ran ] || fail "the post hook was not run"
expect_equal "$(snap --json snapshot list | jq '.Snapshots | length')" 0
snap snapshot create disk=disk.raw --pre "touch pre-ran"
[ -e pre-ran ]

# A parent by hand, and none.
expect_exit 0 snap --json snapshot create disk=disk.raw --parent none
expect_equal "$(jq -r '.Snapshots[0].ParentSnapshotId' <<<"$OUT")" null
first=$(snap --json snapshot show disk@-1 | jq -r .SnapshotId)
expect_exit 0 snap --json snapshot create disk=disk.raw --parent "$first"
expect_equal "$(jq -r '.Snapshots[0].ParentSnapshotId' <<<"$OUT")" "$first"
expect_exit 1 snap snapshot create disk=disk.raw --parent nosuch@latest
