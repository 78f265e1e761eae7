#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What cannot be mounted is refused with a reason and the exit status of
# mount(8).
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

snapfs init repo
mkdir mnt notrepo
refused()
{
	local status=$1 pattern=$2

	shift 2
	expect_exit "$status" mount.snapfs "$@"
	expect_match "$ERR" "$pattern"
	expect_equal "$(wc -l <<<"$ERR")" 1 "lines of message"
	expect_equal "$OUT" ""
}

refused 32 "'nowhere'.*repository" nowhere mnt
refused 32 "notrepo.*repository" notrepo mnt
refused 32 "'nowhere'.*directory" repo nowhere
refused 32 "not a directory" repo repo/snapfs.json
refused 32 "lies in the repository" repo repo/packs
refused 32 "lies in the repository" repo repo
refused 32 "would cover the repository" repo .
ln -s repo/tmp link
refused 32 "lies in the repository" repo link

expect_exit 1 mount.snapfs
expect_exit 1 mount.snapfs repo
expect_exit 1 mount.snapfs repo mnt more
expect_exit 1 mount.snapfs repo mnt --nonsense
refused 1 "'nonsense'.*-s" repo mnt -o nonsense
refused 1 "'nonsense'" repo mnt -o ro,nonsense=5
refused 1 "'remount'.*unmount" repo mnt -o remount
refused 1 "'files'.*not supported" repo mnt -o files
refused 1 "cache_size=lots" repo mnt -o cache_size=lots
refused 1 "cache_size=1X" repo mnt -o cache_size=1X
refused 1 "cache_size=99999999999999G" repo mnt -o cache_size=99999999999999G
refused 1 "cache_size=4K" repo mnt -o cache_size=4K
refused 1 "umask=0999" repo mnt -o umask=0999
refused 1 "umask=1777" repo mnt -o umask=1777
refused 1 "uid=no-such-user" repo mnt -o uid=no-such-user
refused 1 "uid=-1" repo mnt -o uid=-1
refused 1 "gid=4294967295" repo mnt -o gid=4294967295
refused 1 "ro|allow_other=1" repo mnt -o allow_other=1
refused 32 "no/such/file.*directory" repo mnt -o log=no/such/file
! is_mounted "$T/mnt" || fail "mounted after all"

# Not really.
mount.snapfs repo mnt -f
! is_mounted "$T/mnt" || fail "fake mount was real"
refused 32 "notrepo.*repository" notrepo mnt -f

mount_repo repo mnt nonsense,nofail,user=me,x-systemd.automount,_netdev 2>err ||
	true
! is_mounted "$T/mnt" || fail "unknown option was not refused"
mount.snapfs -s repo mnt -o nonsense,nofail,user=me,x-systemd.automount,_netdev
is_mounted "$T/mnt"
refused 32 "already mounted" repo mnt
ln -s mnt again
refused 32 "already mounted" repo again

# Its server dies.
pid=$(mount_pid mnt)
kill -KILL "$pid"
wait_for 5 is_gone "$pid"
refused 32 "server is gone.*umount" repo mnt
umount mnt
mount_repo repo mnt
umount_repo mnt

# Over something else it may be mounted.
mount -t tmpfs none mnt
mount_repo repo mnt
test -d mnt/snapshots
umount_repo mnt

# A newer format, and damage.
cp repo/snapfs.json good.json
sed 's/[0-9]/x/30' good.json >repo/snapfs.json
expect_exit 32 mount.snapfs repo mnt
expect_match "$ERR" snapfs.json
: >repo/snapfs.json
expect_exit 32 mount.snapfs repo mnt
expect_match "$ERR" snapfs.json
