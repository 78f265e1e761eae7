#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# an interrupted create leaves nothing visible and can be run again
. "$(dirname "$0")/../lib/functions.sh"
scratch

snapfs init repo
write_data disk.raw 0 5000000 1
mkfifo pipe

# Feed a create through a pipe that stays open, and signal it in the middle
# (the program itself: a function would be run by a shell between). It stops
# while it waits for more, and does not take the sender's end, which came by
# the same Ctrl-C, for the end of the disk.
for signal in INT TERM HUP end; do
	snapfs -q -r repo snapshot create disk=- <pipe >out 2>err &
	pid=$!
	exec 9<>pipe
	cat disk.raw >&9
	kill -s "${signal/end/INT}" "$pid"
	[ "$signal" = end ] || wait_for 30 is_gone "$pid"
	exec 9>&-
	got=0
	wait "$pid" || got=$?
	expect_equal "$got" 130 "status after SIG$signal"
	[ ! -s out ] || fail "an interrupted create printed an id"
	expect_equal "$(snap --json snapshot list | jq '.Snapshots | length')" 0
done

# SIGUSR1 says how far it is and ends nothing.
snapfs -r repo snapshot create usr1=- <pipe >out 2>err &
pid=$!
exec 9<>pipe
cat disk.raw >&9
said()
{
	kill -s USR1 "$pid"
	head -c 100000 disk.raw >&9 # it looks when it has read something
	grep -q 'MiB' err
}
wait_for 30 said
exec 9>&-
wait "$pid"
expect_match "$(cat out)" '^snap-'
snap snapshot delete usr1@latest

# Killed: nothing visible either, and nobody has to clean up.
snapfs -q -r repo snapshot create disk=- <pipe >out 2>err &
pid=$!
exec 9>pipe
cat disk.raw >&9
kill -s KILL "$pid"
wait "$pid" 2>/dev/null || true
exec 9>&-
expect_equal "$(snap --json snapshot list | jq '.Snapshots | length')" 0
snap snapshot create disk=disk.raw
snap snapshot restore disk@latest - | cmp - disk.raw
snap gc
expect_equal "$(find repo/tmp -type f | wc -l)" 0
snap -q check --read-data
