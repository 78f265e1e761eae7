#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# snapshots are found by id, prefix, age and time, or it is said why not
. "$(dirname "$0")/../lib/functions.sh"
scratch

snapfs init repo
ids=()
for i in 0 1 2 3 4; do
	write_data disk.raw 0 1000 "$i"
	ids+=("$(snap snapshot create disk=disk.raw)")
done

expect_selects()
{
	expect_exit 0 snap --json snapshot show "$1"
	expect_equal "$(jq -r .SnapshotId <<<"$OUT")" "$2" "'$1' selects"
}

digits=${ids[1]#snap-}
expect_selects "${ids[1]}" "${ids[1]}"
expect_selects "snap-${digits:0:12}" "${ids[1]}"
expect_selects "${digits:0:12}" "${ids[1]}"
expect_selects disk@latest "${ids[4]}"
expect_selects disk@-1 "${ids[3]}"
expect_selects disk@-4 "${ids[0]}"
expect_selects "disk@$(date -u +%Y-%m-%d -d +1day)" "${ids[4]}"
time=$(snap --json snapshot show "${ids[2]}" | jq -r .StartTime)
expect_selects "disk@$time" "${ids[2]}"

for selector in disk@-5 disk@1999-01-01 nosuch@latest \
	snap-00000000000000000 00000000; do
	expect_exit 1 snap snapshot show "$selector"
	expect_match "$ERR" "'$selector'"
done
for selector in abc disk@ disk@bogus @latest disk@-x "" "a b"; do
	expect_exit 2 snap snapshot show "$selector"
	[ -n "$ERR" ] || fail "'$selector': no message"
done

# A deleted one is said to be deleted, and -1 counts without it.
snap -q snapshot delete disk@-1 >/dev/null
expect_exit 1 snap snapshot show "${ids[3]}"
expect_match "$ERR" "deleted"
expect_selects disk@-1 "${ids[2]}"

# 400 snapshots of nothing: with 65,536 prefixes of four digits, it is as good
# as certain (19 in 20, each time it is tried) that two begin alike.
: >empty.raw
twice=
for ((tries = 0; tries < 8 && ${#twice} == 0; tries++)); do
	members=()
	for ((i = 0; i < 400; i++)); do
		members+=("v$tries-$i=empty.raw")
	done
	snap -q snapshot create "${members[@]}" >>many
	twice=$(cut -c 6-9 many | sort | uniq -d | head -n 1)
done
[ -n "$twice" ] || fail "no two of $(wc -l <many) ids begin alike"
expect_exit 1 snap snapshot show "$twice"
for id in $(grep "^snap-$twice" many); do
	expect_match "$ERR" "$id"
done
