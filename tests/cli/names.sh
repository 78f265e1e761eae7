#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bad names, tags and texts are refused, and said why
. "$(dirname "$0")/../lib/functions.sh"
scratch

snapfs init repo
write_data disk.raw 0 1000 1
long=$(printf 'n%.0s' {1..300})

for volume in a/b .. . .hidden -dash "" $'a\nb' $'a\e[31mb' "ü" "a b" "$long"; do
	expect_exit 2 snap snapshot create -- "$volume=disk.raw"
	expect_equal "$(wc -l <<<"$ERR")" 1 "lines of error for '$volume'"
	expect_match "$ERR" "volume name"
done
expect_match "$ERR" "longer than 64"
expect_exit 2 snap snapshot create disk.raw
expect_match "$ERR" "is not VOLUME=SOURCE"
expect_exit 2 snap snapshot create disk=

expect_exit 2 snap snapshot create a=disk.raw -d "$long"
expect_match "$ERR" "300 bytes, at most 255"
expect_exit 2 snap snapshot create a=disk.raw -d $'x\e]0;y'
expect_no_match "$ERR" $'\e'
expect_exit 2 snap snapshot create a=disk.raw -d $'\xff'
expect_exit 2 snap snapshot create a=disk.raw -d $'\u202egpj'
for tag in nothing =v "$long=v" "k=$long" $'k\n=v' $'k=\x01'; do
	expect_exit 2 snap snapshot create a=disk.raw --tag "$tag"
	expect_match "$ERR" "tag"
done
mapfile -t tags < <(printf -- '--tag=k%s=v\n' {1..51})
expect_exit 2 snap snapshot create a=disk.raw "${tags[@]}"
expect_equal "$(snap --json snapshot list | jq '.Snapshots | length')" 0

# The longest and the strangest that are allowed.
name=$(printf 'n%.0s' {1..64})
text=$(printf 'é%.0s' {1..127})x
snap snapshot create "$name=disk.raw" -d "$text" --tag "a b=c=d" --tag empty= \
	"${tags[@]:0:48}"
snap --json snapshot show "$name@latest" >shown
expect_equal "$(jq -r .Description shown)" "$text"
expect_equal "$(jq -r '.Tags | length' shown)" 50
expect_equal "$(jq -r '.Tags[] | select(.Key == "a b").Value' shown)" "c=d"

# A source's own name may hold anything; terminals do not see it.
cp disk.raw $'odd\e[31m\n\xff.raw'
if id=$(snap -q snapshot create odd=$'odd\e[31m\n\xff.raw'); then
	snap snapshot show "$id" >shown
	! grep -q $'\e' shown || fail "an escape reached the terminal"
	snap --json snapshot show "$id" | jq . >/dev/null
fi
