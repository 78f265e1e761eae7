#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# whatever dies while something is attached, or being attached or detached,
# detach or the next attach cleans up after it
. "$(dirname "$0")/../lib/functions.sh"
requires_fuse
requires_loop
requires_tool jq
own_run
scratch

make_ext4 disk.raw 100M
snapfs init repo
id=$(snap snapshot create disk=disk.raw)
mkdir one two

modes()
{
	snap --json snapshot attach |
		jq -r '.Attachments | map(.State) | join(" ")'
}

# The server of the repository that DIR is attached from.
server_of()
{
	local place

	place=$(dirname "$(grep -l "\"$T/$1\"" /run/snapfs/attach-*/state.json)")
	mount_pid "$place/mnt"
}

nothing_left()
{
	[ -z "$(mounts_below /run/snapfs)" ] &&
		[ -z "$(ls /run/snapfs)" ] &&
		! is_mounted "$T/one" && ! is_mounted "$T/two" &&
		! losetup -l -n -O BACK-FILE | grep -q "$id"
}

# The server is killed: shown, and detached, also with a file open.
for options in "" --rw; do
	# shellcheck disable=SC2086
	snap snapshot attach "$id" one $options
	snap snapshot attach "$id" two
	pid=$(server_of one)
	exec 7<one/etc
	kill -KILL "$pid"
	wait_for 10 is_gone "$pid"
	expect_equal "$(modes)" "broken attached"
	expect_exit 0 snap snapshot attach
	expect_match "$OUT" " broken .*$T/one"
	expect_exit 1 snap snapshot attach "$id" one
	snap snapshot detach one
	! is_mounted "$T/one" || fail "it is still mounted"
	exec 7<&-
	expect_equal "$(modes)" attached
	same_tree disk.raw.tree/var two/var
	snap snapshot detach two
	wait_for 10 nothing_left
done

# Unmounted by hand: shown, and cleaned up by either.
snap snapshot attach "$id" one
umount one
expect_equal "$(modes)" "broken"
snap snapshot detach one
nothing_left
snap snapshot attach "$id" one
umount one
expect_exit 0 snap snapshot attach "$id" two
expect_match "$ERR" "'$T/one': cleaning up"
expect_equal "$(modes)" attached
snap snapshot detach two
nothing_left

# Only the repository's mount is gone, by hand; the files go on.
snap snapshot attach "$id" one
umount -l /run/snapfs/attach-*/mnt
expect_equal "$(modes)" "broken"
same_tree disk.raw.tree/var one/var
snap snapshot detach one
wait_for 10 nothing_left

# The directory is gone, or the state file.
snap snapshot attach "$id" one
umount one
rmdir one
snap snapshot detach one
nothing_left
mkdir one
snap snapshot attach "$id" one
umount one
echo '{' >"$(echo /run/snapfs/attach-*/state.json)"
expect_exit 0 snap snapshot attach
expect_match "$ERR" "nothing is attached"
snap snapshot attach "$id" one
snap snapshot detach one
wait_for 10 nothing_left

# Killed at any moment.
attach_until_killed()
{
	timeout -s KILL "$1" snapfs -q -r repo snapshot attach "$id" one
}

# What is detached or left to the next attach is clean.
cleaned_up()
{
	! is_mounted "$T/one" || snap -q snapshot detach one || return
	snap -q snapshot attach "$id" two && snap -q snapshot detach two &&
		nothing_left
}

for ((ms = 2; ; ms = ms * 5 / 4 + 1)); do
	status=0
	attach_until_killed "$(printf '0.%03d' "$ms")" 2>/dev/null || status=$?
	wait_for 20 cleaned_up
	[ "$status" -ne 0 ] || break
	[ "$ms" -lt 700 ] || break
done
for ms in 1 2 4 8 16 32; do
	snap -q snapshot attach "$id" one
	timeout -s KILL "0.$(printf '%03d' "$ms")" snapfs snapshot detach one \
		2>/dev/null || true
	wait_for 20 cleaned_up
done

# One is made while another is: both come to be; of two on one directory one.
snap -q snapshot attach "$id" one &
first=$!
snap -q snapshot attach "$id" two &
wait "$first"
wait $!
expect_equal "$(modes)" "attached attached"
snap snapshot detach one
snap snapshot detach two
snap -q snapshot attach "$id" one 2>/dev/null &
first=$!
snap -q snapshot attach "$id" one 2>/dev/null &
second=$!
failed=0
wait "$first" || failed=$((failed + 1))
wait "$second" || failed=$((failed + 1))
expect_equal "$failed" 1
expect_equal "$(modes)" "attached"
snap snapshot detach one
wait_for 10 nothing_left
