#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rename, tag, deprecate, disable, protect; deregister says what it orphans and
# what that frees, and gc then frees exactly that
. "$(dirname "$0")/../lib/functions.sh"
requires_tool jq
scratch

snapfs init repo
write_data a.raw 0 400000 1
write_data b.raw 0 200000 2
snap snapshot create a=a.raw b=b.raw
# What only these need is in packs of its own, which gc can remove.
write_data a.raw 0 100000 3
write_data b.raw 0 100000 4
snap snapshot create a=a.raw
b=$(snap snapshot create b=b.raw)
snap image register one sda=a@latest sdb=b@latest
write_data a.raw 0 100000 5
write_data b.raw 0 100000 6
snap image create two sda=a.raw sdb=b.raw
snap image register three sda=b@-1

field()
{
	snap --json image show "$1" | jq -r "$2"
}

# ---- rename, tag ----
id=$(field one .ImageId)
snap image rename one first
expect_exit 1 snap image show one
expect_equal "$(field first .ImageId)" "$id"
expect_exit 1 snap image rename two first
expect_match "$ERR" "'first'.*taken by $id"
snap image rename first first
snap image tag first k=v x=y
snap image tag first x- k=w
expect_equal "$(field first '[.Tags[] | .Key + "=" + .Value] | join(" ")')" k=w

# ---- deprecate, disable ----
expect_exit 0 snap image deprecate first --at 2200-01-01
expect_match "$ERR" "2200-01-01"
expect_equal "$(field first .Deprecated)" false
snap image deprecate first
expect_equal "$(field first .Deprecated)" true
expect_match "$(snap image list)" '^first .* deprecated$'
snap image disable first
expect_equal "$(field first .State)" disabled
expect_match "$(snap image list)" '^first .* disabled$'
expect_exit 0 snap image disable first
expect_match "$ERR" "disabled already"
snap image enable first
snap image deprecate first --cancel
expect_match "$(snap image list)" '^first .* available$'

# ---- protect ----
snap image protect first
expect_equal "$(field first .DeregistrationProtection)" enabled
expect_exit 1 snap image deregister first
expect_match "$ERR" "'first'.*protected.*unprotect"
expect_exit 1 snap image deregister two first -n
expect_exit 1 snap image deregister two first
expect_equal "$(snap --json image list | jq '.Images | length')" 3

# ---- snapshots that images use ----
expect_exit 1 snap snapshot delete "$b"
expect_match "$ERR" "$b.*'first'.*'three'|$b.*'three'.*'first'"
expect_exit 1 snap snapshot delete "$b" -n
expect_match "$ERR" "'first'"
expect_exit 1 snap snapshot delete "$b" --cascade
expect_match "$ERR" "'first'.*protected"
expect_equal "$(snap --json snapshot list | jq '.Snapshots | length')" 6
snap image unprotect first

# ---- deregister: orphans, and bytes ----
find repo/records -type f | sort | xargs md5sum >before
expect_exit 0 snap image deregister first -n
find repo/records -type f | sort | xargs md5sum | cmp - before
expect_match "$OUT" "^would deregister $id  first\$"
expect_match "$OUT" "^still used $b  by image 'three'\$"
expect_match "$OUT" "^would be orphaned snap-"
promised=$(snap --json image deregister first -n | jq .OrphanedInBytes)
expect_match "$OUT" "^deleting the orphaned would free .*\b$promised bytes"
# With both that use it, it is orphaned too.
expect_equal "$(snap --json image deregister first three -n |
	jq -c '[.Snapshots[].Result]')" '["orphaned","orphaned"]'
[ "$promised" -gt 0 ] || fail "deleting an orphan would free nothing"
both=$(snap --json image deregister first three -n | jq .OrphanedInBytes)
[ "$both" -gt "$promised" ] || fail "both free $both, one $promised"

expect_exit 0 snap image deregister first
expect_match "$OUT" "^deregistered $id  first\$"
orphan=$(sed -n 's/^orphaned //p' <<<"$OUT")
expect_match "$orphan" '^snap-[0-9a-f]{17}$'
expect_exit 1 snap image show first
expect_exit 1 snap image show "$id"
expect_match "$ERR" "deregistered"
expect_equal "$(snap --json gc | jq .FreedInBytes)" 0
snap snapshot delete "$orphan"
expect_equal "$(snap --json gc | jq .FreedInBytes)" "$promised"

# Snapshots as well; one image's others stay.
expect_exit 0 snap --json image deregister three --delete-snapshots -n
promised=$(jq .FreedInBytes <<<"$OUT")
expect_exit 0 snap --json image deregister three --delete-snapshots
expect_equal "$(jq .FreedInBytes <<<"$OUT")" "$promised"
expect_equal "$(jq -c '[.Snapshots[] | [.SnapshotId, .Result]]' <<<"$OUT")" \
	"[[\"$b\",\"deleted\"]]"
expect_exit 1 snap snapshot show "$b"
expect_equal "$(snap --json gc | jq .FreedInBytes)" "$promised"
snap -q check --read-data
snap snapshot restore a@latest - | cmp - a.raw
snap snapshot restore b@latest - | cmp - b.raw

# ---- cascade ----
expect_exit 0 snap snapshot delete b@latest --cascade -n
expect_match "$OUT" "^would deregister img-[0-9a-f]{17}  two\$"
expect_match "$OUT" "^would delete snap-"
snap image show two >/dev/null
promised=$(snap --json snapshot delete b@latest --cascade -n |
	jq .FreedInBytes)
expect_exit 0 snap --json snapshot delete b@latest --cascade
expect_equal "$(jq -r '.Images[0].Name' <<<"$OUT")" two
expect_equal "$(jq .FreedInBytes <<<"$OUT")" "$promised"
expect_exit 1 snap image show two
expect_equal "$(snap --json gc | jq .FreedInBytes)" "$promised"
expect_equal "$(snap --json image list | jq '.Images | length')" 0

# The image goes although a snapshot of it cannot.
snap image register two sda=a@latest sdb=b@latest
stuck=$(snap --json snapshot show a@latest | jq -r .SnapshotId)
if chattr +i "repo/records/$stuck.json" 2>/dev/null; then
	expect_exit 3 snap image deregister two --delete-snapshots
	expect_match "$OUT" "^not deleted $stuck\$"
	expect_match "$OUT" "^deleted snap-"
	expect_no_match "$OUT" "^frees "
	chattr -i "repo/records/$stuck.json"
	expect_exit 1 snap image show two
	snap -q gc >/dev/null
else
	snap -q image deregister two >/dev/null
fi

# The name is free again, and all of it goes.
snap image register two sda=a@latest
promised=$(snap --json image deregister two --delete-snapshots |
	jq .FreedInBytes)
[ "$promised" -gt 0 ] || fail "the last image frees nothing"
expect_equal "$(snap --json gc | jq .FreedInBytes)" "$promised"
expect_equal "$(snap --json stats | jq .Images)" 0

# A damaged record of another image: this one goes, what both may use stays.
snap snapshot create b=b.raw
snap image register good sda=b@latest
snap image register hurt sda=b@latest
hurt=$(field hurt .ImageId)
chmod u+w "repo/records/$hurt.json"
sed -i 's/"hurt"/"hurl"/' "repo/records/$hurt.json"
expect_exit 0 snap -q image deregister good -n --delete-snapshots
expect_match "$OUT" "^would keep snap-.*damaged image record"
expect_exit 3 snap -q image deregister good --delete-snapshots
expect_match "$OUT" "^deregistered img-"
expect_match "$OUT" "^kept snap-[0-9a-f]*: nobody knows whether a damaged image"
expect_match "$ERR" "$hurt"
snap snapshot show b@latest >/dev/null
expect_exit 13 snap image list
rm -f "repo/records/$hurt.json"

# Sizes add up to what a number holds, and no further.
mapfile -t many < <(printf 'sd%s=empty,size=1024P\n' {1..127})
snap image register huge sda=b@latest "${many[@]}"
expect_match "$(snap image list)" "^huge .* 128 +1[56]\.?0? ?EiB "
