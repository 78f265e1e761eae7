#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The tree of INTERFACE.md: names, kinds, permissions, times, inode numbers.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_tool jq
scratch

names()
{
	find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs
}

write_data disk.raw 0 300001 1
snapfs init repo
a=$(snap snapshot create web=disk.raw)
write_data disk.raw 4096 4096 2
b=$(snap snapshot create web=disk.raw)
c=$(snap snapshot create db=disk.raw)
mount_repo repo mnt
cd mnt || exit

expect_equal "$(names .)" ".snapfs README images scratch snapshots volumes"
expect_equal "$(names snapshots)" \
	"$(printf '%s.img\n' "$a" "$b" "$c" | sort | xargs)"
expect_equal "$(names scratch/snapshots)" "$(names snapshots)"
expect_equal "$(names images)$(names scratch/images)" ""
expect_equal "$(names scratch)" "images snapshots"
expect_equal "$(names volumes)" "db web"
expect_equal "$(names volumes/web | wc -w)" 3
expect_equal "$(readlink volumes/web/latest.img)" "../../snapshots/$b.img"
expect_equal "$(readlink volumes/db/latest.img)" "../../snapshots/$c.img"
expect_equal "$(names .snapfs)" status.json

# A link is named after the time of what it points to.
for link in volumes/web/2*.img; do
	text=$(date -u -d "@$(stat -L -c %Y "$link")" +%Y-%m-%dT%H-%M-%S)
	expect_match "${link##*/}" "^$text(\.[0-9]+)?Z\.img\$"
	expect_equal "$(stat -c %s "$link")" "$(readlink -n "$link" | wc -c)"
done

expect_equal "$(stat -c %a:%s:%h "snapshots/$a.img")" 444:300001:1
expect_equal "$(stat -c %a:%h .)" 555:7
expect_equal "$(stat -c %a:%h scratch)" 700:4
expect_equal "$(stat -c %a:%s "scratch/snapshots/$a.img")" 600:300001
expect_equal "$(stat -c %a:%h volumes)" 555:4
expect_equal "$(stat -c %a:%h volumes/web)" 555:2
expect_equal "$(stat -c %Y volumes/web)" "$(stat -c %Y "snapshots/$b.img")"
expect_equal "$(stat -c %y volumes)" \
	"$(stat -c %y snapshots/*.img | sort | tail -n 1)"

# Every inode has a number of its own, the same after remounting.
find . -printf '%i %P\n' | sort >"$T/inodes.1"
expect_equal "$(cut -d' ' -f1 "$T/inodes.1" | sort -u | wc -l)" \
	"$(wc -l <"$T/inodes.1")"
cd "$T" || exit
umount_repo mnt
mount_repo repo mnt
find mnt -printf '%i %P\n' | sort >inodes.2
same_bytes inodes.1 inodes.2
umount_repo mnt
mount_repo repo mnt noscratch
find mnt -printf '%i %P\n' | sort | diff - <(grep -v ' scratch' inodes.1)

# readdir and stat agree on inode numbers.
python3 - mnt <<-'END'
import os, sys
for top, dirs, files in os.walk(sys.argv[1]):
    for e in os.scandir(top):
        assert e.inode() == os.lstat(e.path).st_ino, e.path
END

for name in nothing snapshots/nothing snapshots/.img "snapshots/$a" \
	"snapshots/$a.imgx" "snapshots/snap-00000000000000000.img" \
	volumes/nothing volumes/web/nothing volumes/web/Z.img \
	volumes/web/2026-11-22T10-24-58Z volumes/web/1999-01-01T00-00-00Z.img \
	.snapfs/nothing "volumes/web/$(printf 'T-%.0s' {1..100})Z.img"; do
	[ ! -e "mnt/$name" ] || fail "'$name' exists"
done

expect_match "$(cat mnt/README)" "$T/repo"
[ "$(wc -l <mnt/README)" -le 22 ] || fail "README is long"
expect_equal "$(stat -c %s mnt/README)" "$(wc -c <mnt/README)"
expect_equal "$(json_get .Snapshots <mnt/.snapfs/status.json)" 3
expect_equal "$(json_get .Volumes <mnt/.snapfs/status.json)" 2
expect_equal "$(json_get .Repository.Path <mnt/.snapfs/status.json)" "$T/repo"
[ "$(stat -f -c %b mnt)" -gt 0 ] || fail "no blocks: df would hide it"

# It cannot be written to.
expect_exit 1 touch mnt/new
expect_match "$ERR" "Read-only file system"
expect_exit 1 rm "mnt/snapshots/$a.img"
expect_match "$ERR" "Read-only file system"
expect_exit 1 bash -c "echo >>mnt/snapshots/$a.img"
expect_match "$ERR" "Read-only file system"
