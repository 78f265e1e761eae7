#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# two creators of one volume exclude each other, of two volumes do not
. "$(dirname "$0")/../lib/functions.sh"
scratch

snapfs init repo
write_data disk.raw 0 100000 1
mkfifo pipe
snap -q snapshot create disk=- <pipe >out &
pid=$!
exec 9>pipe
cat disk.raw >&9

# Its lock is held once it has read the pipe empty; then others are refused.
refused()
{
	local got=0

	snap -q snapshot create disk=disk.raw >other 2>err || got=$?
	[ "$got" -eq 11 ] && grep -q "'disk'" err
}
wait_for 30 refused
expect_exit 11 snap gc
expect_exit 0 snap snapshot create other=disk.raw
expect_exit 0 snap snapshot list
exec 9>&-
wait "$pid"
expect_match "$(cat out)" '^snap-'
snap snapshot restore "$(cat out)" - | cmp - disk.raw
snap snapshot create disk=disk.raw
snap gc
