#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mount -t snapfs, lines in fstab, and mount -a, which does not mount twice.
if [ -z "${IN_NAMESPACE:-}" ] && [ "$(id -u)" -eq 0 ]; then
	IN_NAMESPACE=1 exec unshare -m "$0"
fi
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

# mount(8) finds helpers in /sbin only: lay ours over it, in this namespace.
mkdir sbin
ln -s "$(command -v mount.snapfs)" sbin/mount.snapfs
sbin=$(realpath /sbin)
mount -t overlay -o "lowerdir=$T/sbin:$sbin" none "$sbin"
cleanup_fn umount -l "$sbin"

write_data disk.raw 0 20000 1
snapfs init "$T/re,po"
snapfs -r "$T/re,po" snapshot create disk=disk.raw >/dev/null
mkdir mnt one two

mount -t snapfs -o umask=077,cache_size=8M "$T/re,po" mnt
same_bytes disk.raw mnt/volumes/disk/latest.img
expect_equal "$(findmnt -n -o FSTYPE,SOURCE mnt | xargs)" "fuse.snapfs $T/re,po"
expect_match "$(findmnt -n -o OPTIONS mnt)" '^rw,nosuid,nodev'
expect_equal "$(stat -c %a mnt/README)" 400
umount mnt

expect_exit 32 mount -t snapfs "$T/nothing" mnt
expect_match "$ERR" "'$T/nothing'.*repository"
expect_exit 1 mount -t snapfs -o nonsense "$T/re,po" mnt
mount -t snapfs -s -o nonsense "$T/re,po" mnt
umount mnt
mount -t snapfs -o ro "$T/re,po" mnt
expect_match "$(findmnt -n -o OPTIONS mnt)" '^ro,nosuid,nodev'
[ ! -e mnt/scratch ]
umount mnt

cat >fstab <<-END
	$T/re,po $T/one snapfs nofail,_netdev,user,x-systemd.automount,allow_other 0 0
	$T/re,po $T/two snapfs defaults,noauto,comment=words 0 0
END
mount -T fstab -a
is_mounted "$T/one"
! is_mounted "$T/two" || fail "noauto was mounted"
mount -T fstab -a
expect_equal "$(grep -c "$T/one" /proc/self/mountinfo)" 1
mount -T fstab two
same_bytes disk.raw two/volumes/disk/latest.img
umount one two
