#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# diff shows what changed, in chunks, and nothing for the same
. "$(dirname "$0")/../lib/functions.sh"
scratch

snapfs init repo --chunk-size 4K
truncate -s 1M disk.raw
write_data disk.raw 0 40960 1
snap snapshot create disk=disk.raw
write_data disk.raw 8192 1 2
write_data disk.raw 409600 8192 3
fallocate -p -o 0 -l 4096 disk.raw
snap snapshot create disk=disk.raw

expect_exit 0 snap snapshot diff disk@-1 disk@latest
expect_match "$OUT" '^removed +0 +4096$'
expect_match "$OUT" '^changed +8192 +4096$'
expect_match "$OUT" '^added +409600 +8192$'
expect_equal "$(wc -l <<<"$OUT")" 5
expect_match "$OUT" '^3 ranges: 4.0 KiB changed, 8.0 KiB added, 4.0 KiB removed$'
expect_exit 0 snap snapshot diff --json disk@-1 disk@latest
expect_equal "$(jq -c '[.Changes[] | [.Change, .OffsetInBytes, .SizeInBytes]]' \
	<<<"$OUT")" \
	'[["removed",0,4096],["changed",8192,4096],["added",409600,8192]]'
expect_equal "$(jq .AddedInBytes <<<"$OUT")" 8192
expect_exit 0 snap snapshot diff --json disk@latest disk@latest
expect_equal "$(jq -c .Changes <<<"$OUT")" '[]'

# The other way round, and another size.
expect_exit 0 snap snapshot diff disk@latest disk@-1
expect_match "$OUT" '^added +0 +4096$'
expect_match "$OUT" '^removed +409600 +8192$'
truncate -s 20K disk.raw
snap snapshot create disk=disk.raw
expect_exit 0 snap snapshot diff disk@-1 disk@latest
expect_match "$OUT" 'size 1048576 -> 20480$'
