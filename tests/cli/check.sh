#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check finds every flipped byte and says what it costs
. "$(dirname "$0")/../lib/functions.sh"
scratch

snapfs init repo --compression none
write_data disk.raw 0 200000 1
snap snapshot create disk=disk.raw
write_data other.raw 0 50000 2
snap snapshot create other=other.raw
expect_exit 0 snap check
[ -z "$OUT" ] || fail "check of a whole repository printed: $OUT"
expect_match "$ERR" "no damage"
expect_exit 0 snap check --read-data
for slice in 1/3 2/3 3/3 10% 100%; do
	expect_exit 0 snap check "--read-data=$slice"
done
expect_exit 0 snap check --read-data disk@latest other@latest

# A byte of a chunk: its range of its snapshot, and of no other.
pack=$(find repo/packs -name '*.pack' -size +150k)
cp "$pack" saved.pack
chmod u+w "$pack"
printf '\377\000\377' | dd of="$pack" bs=1 seek=20000 conv=notrunc 2>/dev/null
expect_exit 0 snap check
expect_exit 13 snap check --read-data
expect_match "$OUT" "^damaged slot .*pack [0-9a-f]{16}"
expect_match "$OUT" "^damaged range snap-[0-9a-f]{17} volume disk.* bytes [0-9]+-[0-9]+"
expect_no_match "$OUT" "volume other"
expect_match "$ERR" "damages? found"
expect_exit 13 snap --json check --read-data
[ "$(jq .DamageCount <<<"$OUT")" -ge 1 ]
expect_exit 0 snap check --read-data other@latest
expect_exit 13 snap check --read-data disk@latest
got=0
snap snapshot restore disk@latest out.raw 2>err || got=$?
[ "$got" -ne 0 ] || fail "a damaged snapshot was restored"
[ ! -e out.raw ] || fail "a damaged restore is visible"
cp saved.pack "$pack"
expect_exit 0 snap check --read-data

# A pack that is gone, and one that is short.
mv "$pack" away.pack
expect_exit 13 snap check
expect_match "$OUT" "^damaged pack"
head -c 100000 away.pack >"$pack"
expect_exit 13 snap check
rm -f "$pack"
mv away.pack "$pack"

# A record that is damaged hides itself, not the others.
record=$(grep -l '"other"' repo/records/*.json)
cp "$record" saved.json
chmod u+w "$record"
sed -i 's/"other"/"othex"/' "$record"
expect_exit 13 snap check
expect_match "$OUT" "^damaged record"
expect_exit 13 snap snapshot list
expect_match "$OUT" " disk "
snap snapshot restore disk@latest - | cmp - disk.raw
cp saved.json "$record"
expect_exit 0 snap check --read-data

# A set counts because its record is there: damage to that hides nothing, and
# gc neither stops at it nor advises anything that would.
snap image create machine sda=disk.raw sdb=other.raw
set=$(basename repo/records/set-*.json .json)
cp "repo/records/$set.json" saved.json
chmod u+w "repo/records/$set.json"
sed -i 's/"Members": 2/"Members": 3/' "repo/records/$set.json"
expect_exit 13 snap -q check
expect_match "$OUT" "^damaged record $set: .*stays: 2 snapshots and image img-"
expect_exit 13 snap -q image list
expect_match "$OUT" "^machine .* available"
expect_match "$ERR" "nothing is missing from the list"
expect_exit 0 snap gc
expect_match "$ERR" "$set.*stays"
expect_no_match "$ERR" "away"
snap image show machine >/dev/null

# Without it they do not count, and check says so.
rm -f "repo/records/$set.json"
expect_exit 0 snap check
expect_equal "$(grep -c "'snapfs gc' will remove it" <<<"$ERR")" 3
cp saved.json "repo/records/$set.json"
expect_exit 0 snap check --read-data

# A damaged record in the bin keeps gc from working, and is told of.
id=$(snap --json snapshot show other@-1 | jq -r .SnapshotId)
snap snapshot delete "$id"
chmod u+w "repo/bin/$id.json"
sed -i 's/"other"/"othex"/' "repo/bin/$id.json"
expect_exit 13 snap check
expect_match "$OUT" "^damaged record bin/$id: "
expect_exit 13 snap gc
expect_match "$ERR" "bin/$id.json'.*remove it"
rm -f "repo/bin/$id.json"
expect_exit 0 snap gc
expect_exit 0 snap check --read-data
