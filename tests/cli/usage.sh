#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# help goes to stdout and succeeds; wrong usage is one line on stderr, and 2
. "$(dirname "$0")/../lib/functions.sh"
scratch

expect_usage()
{
	local pattern=$1

	shift
	expect_exit 2 "$@"
	[ -z "$OUT" ] || fail "'$*' printed on stdout: $OUT"
	expect_equal "$(wc -l <<<"$ERR")" 1 "lines of error from '$*'"
	expect_match "$ERR" "$pattern"
}

for words in help --help -h "help snapshot" "snapshot --help" \
	"help snapshot create" "snapshot create --help" "help gc" version \
	--version; do
	# shellcheck disable=SC2086
	expect_exit 0 snapfs $words
	[ -n "$OUT" ] || fail "'$words' printed nothing"
	[ -z "$ERR" ] || fail "'$words' printed on stderr: $ERR"
done
expect_equal "$(snapfs help snapshot diff)" "$(snapfs snapshot diff --help)"

expect_exit 2 snapfs
expect_match "$ERR" '^usage: snapfs '
expect_usage "which verb\? there are create, list" snapfs snapshot
expect_usage "unknown verb 'bogus'; there are init, snapshot, image, volume" \
	snapfs bogus
expect_usage "unknown verb 'frobnicate'; there are create, list, show" \
	snapfs snapshot frobnicate x y
expect_usage "unknown verb 'bogus'; there are create, register, list" \
	snapfs image bogus
for noun in policy copy; do
	expect_usage "unknown verb '$noun'" snapfs "$noun" create x
done
expect_usage "unknown verb 'create'; there are list, show" \
	snapfs volume create x
expect_usage "^snapfs snapshot create: unknown option '--fo'; see 'snapfs help snapshot create'" \
	snapfs snapshot create --fo
expect_usage "unknown option '-x'" snapfs gc -x
expect_usage "option '--tag' needs K=V" snapfs snapshot create a=b --tag
expect_usage "option '--json' takes no value" snapfs --json=yes version
expect_usage "'--description' given twice" \
	snapfs snapshot create a=b -d x --description y
expect_usage "exclude each other" snapfs -q -v stats
expect_usage "expected VOLUME=SOURCE" snapfs snapshot create
expect_usage "expected SNAP SNAP" snapfs snapshot diff a
expect_usage "unexpected 'c'" snapfs snapshot diff a b c
expect_usage "which repository\?" snapfs stats
expect_usage "is not a time" snapfs snapshot list --since yesterday
for slice in 0/3 4/3 1/0 0% 101% x 1/3x; do
	expect_usage "neither N/M" snapfs check "--read-data=$slice"
done
for size in 3K 2K 2M 16KB 0 -16K 99999999999999999999 16Kx; do
	expect_usage "chunk size '$size'" snapfs init repo "--chunk-size=$size"
done
[ ! -e repo ] || fail "a refused init left something"

# Words that look like options come behind --.
expect_exit 10 snapfs -r . snapshot show -- -x

# What cannot be written is not done.
expect_exit 1 bash -c 'snapfs help >/dev/full'
expect_match "$ERR" "stdout: cannot write the result: No space left"
expect_exit 1 bash -c 'snapfs version >&-'
expect_match "$ERR" "stdout: cannot write the result"
