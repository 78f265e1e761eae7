#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --freeze: the disk of a mounted file system, consistent; a log on what is
# frozen, a failure meanwhile and a killed snapfs all end with it thawed.
. "$(dirname "$0")/../lib/functions.sh"
requires_loop
requires_tool jq
scratch

thawed()
{
	timeout 20 sh -c 'echo x >mnt/probe && sync -f mnt' ||
		fail "the file system is still frozen"
}

frozen()
{
	# A writer that sleeps in the kernel waits for the thaw; one that came
	# too early is gone, and the next may be right.
	grep -qs '^State:.D' "/proc/$probe/status" && return
	is_gone "$probe" && { echo x >mnt/probe & probe=$!; }
	return 1
}

make_ext4 disk.raw 64M
mkdir mnt
mount -o loop disk.raw mnt
loop=$(findmnt -no SOURCE mnt)
snapfs init repo

# In use and not frozen: refused, with what to do.
expect_exit 11 snap snapshot create d="$loop"
expect_match "$ERR" "mounted.*--freeze"

# Frozen; messages go to a log on the frozen file system itself.
echo before >mnt/marker
timeout 60 snapfs -v --json -r repo snapshot create d="$loop" --freeze mnt \
	>out.json 2>mnt/log || fail "a create that logs to what it froze"
thawed
id=$(jq -r '.Snapshots[0].SnapshotId // .SnapshotId' out.json)
expect_equal "$(snap --json snapshot show "$id" | json_get .Consistency)" \
	filesystem
snap snapshot restore "$id" copy.raw
e2fsck -fn copy.raw >/dev/null 2>&1 || fail "not a clean file system"
debugfs -R 'cat marker' copy.raw 2>/dev/null | grep -qx before ||
	fail "what was written before the freeze is missing"

# A failure while it is frozen is told in that same log, afterwards.
status=0
timeout 60 snapfs -r repo snapshot create d="$loop" e=missing --freeze mnt \
	2>mnt/log2 || status=$?
expect_equal "$status" 1
thawed
grep -q missing mnt/log2 || fail "the reason was not told"

# The repository on what is frozen would wait for ever.
snapfs init mnt/repo2
expect_exit 2 snapfs -r mnt/repo2 snapshot create d="$loop" --freeze mnt
expect_match "$ERR" "cannot freeze"
thawed
expect_exit 2 snap snapshot create d="$loop" --freeze mnt/etc
thawed

# Killed while it reads: the stream never ends, so it is surely under way.
: &
probe=$!
mkfifo pipe
snapfs -r repo snapshot create d="$loop" s=- --freeze mnt <pipe \
	>/dev/null 2>&1 &
pid=$!
exec 9>pipe
wait_for 20 frozen
kill -KILL "$pid"
wait_for 20 is_gone "$probe"
exec 9>&-
thawed
expect_equal "$(snap --json snapshot list | json_get '.Snapshots | length')" 1
