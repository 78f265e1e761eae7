#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# what goes in comes out, at every size, growing and shrinking
. "$(dirname "$0")/../lib/functions.sh"
scratch

snapfs init repo
mkdir kept
version=0
ids=()

# Snapshot disk.raw as volume disk, and keep a copy of it.
take()
{
	local id

	id=$(snap snapshot create disk=disk.raw)
	expect_match "$id" '^snap-[0-9a-f]{17}$'
	cp --sparse=always disk.raw "kept/$version"
	version=$((version + 1))
	ids+=("$id")
}

for size in 0 1 511 512 16383 16384 16385 100000 1048577; do
	rm -f disk.raw
	truncate -s "$size" disk.raw
	write_data disk.raw 0 "$size" "$size"
	take
done
write_data disk.raw 50000 20 1
take
truncate -s 3000001 disk.raw
take
write_data disk.raw 2999999 2 2
take
truncate -s 60001 disk.raw
take
truncate -s 0 disk.raw
take
truncate -s 200G disk.raw
write_data disk.raw 150000000000 5 3
take
truncate -s 1 disk.raw
take
take # nothing changed

for i in "${!ids[@]}"; do
	snap snapshot restore "${ids[i]}" out.raw --force
	if [ "$(stat -c %s "kept/$i")" -gt 1000000000 ]; then
		expect_equal "$(stat -c %s out.raw)" "$(stat -c %s "kept/$i")"
		[ "$(stat -c %b out.raw)" -lt 10000 ] || fail "not sparse"
		cmp -i 149999000000 -n 2000000 "kept/$i" out.raw
		continue
	fi
	cmp "kept/$i" out.raw || fail "version $i differs"
	snap snapshot restore "${ids[i]}" - >out.stream
	cmp "kept/$i" out.stream || fail "version $i differs on stdout"
done
expect_equal "$(snap --json snapshot list | jq '.Snapshots | length')" \
	"$version"
expect_equal "$(snap --json snapshot show disk@latest | jq .StoredInBytes)" 0

# Standard input, of a size that nobody knows before.
for size in 0 1 16385 500001; do
	head -c "$size" </dev/urandom >in.raw
	id=$(snap snapshot create pipe=- < <(cat in.raw))
	snap snapshot restore "$id" - | cmp - in.raw
	expect_equal "$(snap --json snapshot show "$id" |
		jq .VolumeSizeInBytes)" "$size"
done
snap -q check --read-data
