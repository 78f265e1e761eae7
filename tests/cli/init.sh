#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# init makes a repository once, in a place of its own
. "$(dirname "$0")/../lib/functions.sh"
scratch

expect_exit 0 snapfs init repo
[ -z "$OUT" ] || fail "init printed on stdout: $OUT"
expect_exit 0 snap snapshot list
[ -z "$OUT" ] || fail "an empty repository lists: $OUT"
expect_exit 0 snap --json snapshot list
expect_equal "$(jq -c . <<<"$OUT")" '{"Snapshots":[]}'

cp -a repo before
expect_exit 1 snapfs init repo
expect_match "$ERR" "'.*repo'"
diff -r before repo || fail "a refused init changed the repository"

mkdir full
echo precious >full/file
expect_exit 1 snapfs init full
expect_equal "$(cat full/file)" precious
expect_equal "$(ls -A full)" file
mkdir empty
expect_exit 0 snapfs init empty
expect_exit 1 snapfs init no/such/parent
expect_exit 1 snapfs init full/file

while read -r size bytes; do
	expect_exit 0 snapfs --json init "repo.$size" --chunk-size "$size" \
		--compression none
	expect_equal "$(jq .ChunkSizeInBytes <<<"$OUT")" "$bytes"
done <<'END'
4K 4096
64KiB 65536
1M 1048576
32768 32768
END
expect_exit 2 snapfs init other --compression zstd
[ ! -e other ] || fail "a refused init left something"

# No secret leaves the repository.
secret=$(jq -r .Secret repo/snapfs.json)
[ "${#secret}" -eq 384 ]
snap --json stats >stats
! grep -q "${secret:0:32}" stats || fail "stats shows the secret"
