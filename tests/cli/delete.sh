#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# delete says what it frees, and gc frees exactly that
. "$(dirname "$0")/../lib/functions.sh"
scratch

snapfs init repo
write_data disk.raw 0 400000 1
snap snapshot create disk=disk.raw
write_data disk.raw 0 200000 2
snap snapshot create disk=disk.raw
write_data disk.raw 0 100000 3
snap snapshot create disk=disk.raw
for i in 0 1 2; do
	snap snapshot restore "disk@-$i" "kept.$i"
done
snap -q gc

find repo/packs repo/records -type f | sort | xargs md5sum >before
expect_exit 0 snap snapshot delete -n disk@-1 disk@-1
expect_equal "$(grep -c '^would delete snap-' <<<"$OUT")" 1
promised=$(snap --json snapshot delete -n disk@-1 | jq .FreedInBytes)
expect_match "$OUT" "^would free .*\b$promised bytes"
find repo/packs repo/records -type f | sort | xargs md5sum | cmp - before

id=$(snap --json snapshot show disk@-1 | jq -r .SnapshotId)
expect_exit 1 snap snapshot delete disk@latest nosuch@latest
expect_equal "$(snap --json snapshot list | jq '.Snapshots | length')" 3
expect_exit 0 snap snapshot delete disk@-1
expect_match "$OUT" "^deleted $id "
expect_match "$OUT" "^frees .*\b$promised bytes.* at the next gc"
expect_equal "$(snap --json snapshot list | jq '.Snapshots | length')" 2
expect_exit 1 snap snapshot delete "$id"
expect_match "$ERR" deleted

packs()
{
	find repo/packs -name '*.pack' -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }'
}
stored=$(packs)
expect_equal "$(snap --json gc -n | jq .FreedInBytes)" "$promised"
expect_equal "$(packs)" "$stored" "gc -n removed something"
expect_equal "$(snap --json gc | jq .FreedInBytes)" "$promised"
expect_equal "$((stored - $(packs)))" "$promised" "bytes that gc freed"
expect_equal "$(snap --json gc | jq .FreedInBytes)" 0
snap snapshot restore disk@latest - | cmp - kept.0
snap snapshot restore disk@-1 - | cmp - kept.2
snap -q check --read-data

# Everything: nothing is left.
promised=$(snap --json snapshot delete -n disk@latest disk@-1 | jq .FreedInBytes)
snap snapshot delete disk@latest disk@-1
expect_equal "$(snap --json gc | jq .FreedInBytes)" "$promised"
expect_equal "$(packs)" 0

# A snapshot that cannot be listed may be the newest: only an id means one.
for i in 1 2 3; do
	write_data disk.raw 0 100000 "1$i"
	snap snapshot create disk=disk.raw
done
newest=$(snap --json snapshot show disk@latest | jq -r .SnapshotId)
older=$(snap --json snapshot show disk@-1 | jq -r .SnapshotId)
cp "repo/records/$newest.json" saved.json
chmod u+w "repo/records/$newest.json"
sed -i 's/"disk"/"disj"/' "repo/records/$newest.json"
for selector in disk@latest disk@-1 "${newest:0:10}"; do
	expect_exit 13 snap -q snapshot delete "$selector"
	expect_match "$ERR" "'$selector': may mean $newest.*by its id"
done
expect_exit 0 snap snapshot delete "$older"
cp saved.json "repo/records/$newest.json"
expect_exit 0 snap snapshot delete disk@latest
expect_match "$OUT" "^deleted $newest "

# What went before a failure is told, be it an image.
snap image register web sda=disk@latest
stuck=$(snap --json snapshot show disk@latest | jq -r .SnapshotId)
if chattr +i "repo/records/$stuck.json" 2>/dev/null; then
	expect_exit 1 snap snapshot delete --cascade "$stuck"
	expect_match "$ERR" "image 'web' .*deregistered already"
	chattr -i "repo/records/$stuck.json"
	expect_exit 1 snap image show web
	snap snapshot show "$stuck" >/dev/null
fi
