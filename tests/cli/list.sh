#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# list filters by volume, tag and time
. "$(dirname "$0")/../lib/functions.sh"
scratch

snapfs init repo
write_data disk.raw 0 50000 1
a=$(snap snapshot create a=disk.raw --tag env=prod -d "first one")
b=$(snap snapshot create b=disk.raw --tag env=test)
c=$(snap snapshot create a=disk.raw)

expect_lists()
{
	local want=$1

	shift
	snap snapshot list "$@" | awk 'NR > 1 { print $1 }' | sort >got
	tr ' ' '\n' <<<"$want" | sed '/^$/d' | sort | cmp - got ||
		fail "list $*: got '$(cat got)', want '$want'"
}

expect_lists "$a $b $c "
expect_lists "$a $c " --volume a
expect_lists "" --volume nosuch
expect_lists "$a $b " --tag env
expect_lists "$a " --tag env=prod
expect_lists "" --tag env=
today=$(date -u +%F)
expect_lists "$a $b $c " --since "$(date -u +%F -d -1day)"
expect_lists "" --since "$(date -u +%F -d +1day)"
expect_lists "$a $b $c " --until "$(date -u +%F -d +1day)"
expect_lists "" --until "$(date -u +%F -d -1day)"

# Of one volume, no two have the same time; the oldest comes first.
time=$(snap --json snapshot show "$c" | jq -r .StartTime)
expect_lists "$c " --since "$time" --volume a
expect_lists "$a $c " --until "$time" --volume a
expect_equal "$(snap snapshot list --volume a | awk 'NR > 1 { print $1 }' |
	tr '\n' ' ')" "$a $c "
expect_exit 2 snap snapshot list --volume a/b
expect_exit 0 snap snapshot list
expect_match "$OUT" "^SNAPSHOT +VOLUME +TIME +SIZE +STORED +CONSISTENCY +DESCRIPTION\$"
expect_match "$OUT" "^$a +a +${today:0:4}-[^ ]+Z +48.8 KiB +[0-9.]+ KiB +[a-z]+ +first one\$"
expect_exit 0 snap snapshot show "$a"
expect_match "$OUT" '^Size: +48.8 KiB \(50000 bytes\)$'
expect_match "$OUT" '^Tags: +env=prod$'
expect_exit 0 snap volume list
expect_match "$OUT" "^VOLUME +SNAPSHOTS +IMAGES +SIZE "
expect_match "$OUT" "^a +2 +0 "
expect_exit 1 snap volume show nosuch
