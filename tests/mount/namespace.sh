#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -N mounts in another mount namespace, and only there.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

apart()
{
	[ "$(readlink /proc/self/ns/mnt)" != "$(readlink "/proc/$1/ns/mnt")" ]
}

snapfs init repo
mkdir mnt
unshare -m sleep 600 &
pid=$!
cleanup_fn kill "$pid"
wait_for 5 apart "$pid"
mount.snapfs "$T/repo" "$T/mnt" -N "$pid"
nsenter -t "$pid" -m test -d "$T/mnt/snapshots"
! is_mounted "$T/mnt" || fail "mounted here"
nsenter -t "$pid" -m umount "$T/mnt"
mount.snapfs "$T/repo" "$T/mnt" -N "/proc/$pid/ns/mnt"
nsenter -t "$pid" -m test -d "$T/mnt/snapshots"
nsenter -t "$pid" -m umount "$T/mnt"
expect_exit 32 mount.snapfs "$T/repo" "$T/mnt" -N "$T/repo/snapfs.json"
expect_match "$ERR" "namespace"
