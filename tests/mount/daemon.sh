#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Foreground and daemon, the log, and the signals.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

answers()
{
	[ -d mnt/snapshots ]
}

logged()
{
	grep -q "$1" "$2"
}

unmounted()
{
	! is_mounted "$T/mnt"
}

snapfs init repo
mkdir mnt
mount.snapfs repo mnt -o foreground 2>err &
pid=$!
wait_for 10 answers
kill -USR1 "$pid"
wait_for 5 logged "0 snapshots" err
kill -TERM "$pid"
wait "$pid"
wait_for 5 unmounted

mount.snapfs repo mnt -v -o foreground,log=log 2>err &
pid=$!
wait_for 10 answers
kill -USR1 "$pid"
wait_for 5 logged "info: .*0 snapshots" log
umount mnt
wait "$pid"

# The daemon has left the caller's directory, session and descriptors.
mount_repo repo mnt log=log2
answers || fail "returned before the mount answers"
pid=$(mount_pid mnt)
expect_equal "$(readlink "/proc/$pid/cwd")" /
expect_equal "$(readlink "/proc/$pid/fd/0")" /dev/null
expect_equal "$(readlink "/proc/$pid/fd/2")" /dev/null
expect_equal "$(ps -o sid= -p "$pid" | xargs)" "$pid"
kill -USR1 "$pid"
wait_for 5 logged "0 snapshots" log2
kill -INT "$pid"
wait_for 5 is_gone "$pid"
unmounted || fail "still mounted after SIGINT"

# A command substitution ends, so no descriptor of it was kept.
expect_equal "$(mount.snapfs repo mnt 2>&1)" ""
umount_repo mnt
