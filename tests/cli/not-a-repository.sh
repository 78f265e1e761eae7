#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# what is no repository, or a newer one, is refused with 10 or 1
. "$(dirname "$0")/../lib/functions.sh"
scratch

expect_exit 10 snapfs -r missing snapshot list
expect_match "$ERR" "'missing'|/missing'"
mkdir empty
expect_exit 10 snapfs -r empty stats
: >file
expect_exit 10 snapfs -r file stats
expect_exit 10 env SNAPFS_REPOSITORY=missing snapfs stats

snapfs init repo
expect_exit 0 env SNAPFS_REPOSITORY="$T/repo" snapfs stats
expect_exit 10 env SNAPFS_REPOSITORY="$T/repo" snapfs -r missing stats

cp repo/snapfs.json good.json
truncate -s 100 repo/snapfs.json
expect_exit 13 snap stats
expect_match "$ERR" "snapfs.json"
sed 's/"lz4"/"lz5"/' good.json >repo/snapfs.json
expect_exit 13 snap stats
: >repo/snapfs.json
expect_exit 13 snap stats
cat good.json good.json >repo/snapfs.json
expect_exit 13 snap stats
cp good.json repo/snapfs.json
expect_exit 0 snap stats

# A newer version, under a right check: to be refused for what it is.
sed 's/"Version": *1/"Version":2/' good.json | sed '1s/.*//' >body
if command -v xxhsum >/dev/null; then
	check=$(xxhsum -H3 <body | grep -oE '[0-9a-f]{16}' | head -n 1)
	(printf '{"check":"%s",' "$check"; cat body) >repo/snapfs.json
	expect_exit 1 snap stats
	expect_match "$ERR" "'Version' is 2.*newer"
	cp good.json repo/snapfs.json
fi
