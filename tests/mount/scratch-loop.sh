#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# File systems snapshot while they were written to are mounted out of scratch/:
# the journal is replayed, they can be worked in, and the repository stays as
# it is.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_loop
requires_tool mkfs.xfs mkfs.btrfs btrfs fstrim
scratch

repo_sums()
{
	(cd repo && find . -type f ! -name lock ! -name 'catalog.db*' \
		-exec sha256sum {} + | sort -k 2)
}

# DIR gets bash and what it takes to work with files in a chroot.
put_tools()
{
	local dir=$1 tool lib

	mkdir -p "$dir/bin" "$dir/usr/share/package"
	for tool in bash cp mv rm mkdir sync; do
		cp "$(command -v $tool)" "$dir/bin/"
		ldd "$(command -v $tool)" | grep -o '/[^ ]*' |
			while read -r lib; do
				cp --parents -Lu "$lib" "$dir/"
			done
	done
}

# As a package manager does it: unpack beside, sync, rename over, clean up.
upgrade()
{
	local i

	cd /usr/share/package || return
	for i in {1..200}; do
		echo "version 2 of file $i" >"file-$i.new"
	done
	cp /bin/bash /bin/bash.new
	sync
	for i in {1..200}; do
		mv "file-$i.new" "file-$i"
	done
	mv /bin/bash.new /bin/bash
	rm -f obsolete
	sync
}

# Write until told to stop, syncing now and then.
keep_busy()
{
	local i

	for ((i = 0; ; i++)); do
		echo "$i" >"$1/busy-$((i % 50))"
		[ $((i % 20)) -ne 0 ] || sync "$1/busy-0"
	done
}

# Two levels down, so that a clone of the disk is of one moment.
truncate -s 2G host.raw
mkfs.xfs -q -m reflink=1 host.raw
mkdir host source copy tree
mount -o loop host.raw host
make_tree tree/files
put_tools tree
echo old >tree/usr/share/package/obsolete

snapfs init repo
declare -A ids options=([ext4]=discard [xfs]=nouuid [btrfs]=noatime)
for fs in ext4 xfs btrfs; do
	truncate -s 350M "host/$fs.raw"
	mkfs.$fs -q "host/$fs.raw"
	mount -o loop "host/$fs.raw" source
	cp -a tree/. source/
	sync -f source
	keep_busy source &
	busy=$!
	cleanup_fn kill "$busy"
	wait_for 10 test -e source/busy-40
	head -c 100000 /dev/urandom >"marker-$fs"
	dd if="marker-$fs" of=source/marker conv=fsync status=none
	ids[$fs]=$(snap snapshot create "$fs=host/$fs.raw")
	kill "$busy"
	wait "$busy" || true
	expect_match "$(snap --json snapshot show "${ids[$fs]}")" '"crash"'
	wait_for 10 umount source # a sync of its may go on
done
umount host
repo_sums >before

used()
{
	stat -c %b "$twin"
}

# Some space is free for btrfs only a transaction later.
trims_below()
{
	sync -f copy
	fstrim copy
	[ "$(used)" -lt "$1" ]
}

mkdir overlays
mount_repo repo mnt scratch_dir=overlays
for fs in ext4 xfs btrfs; do
	image=mnt/snapshots/${ids[$fs]}.img
	twin=mnt/scratch/snapshots/${ids[$fs]}.img
	[ $fs = btrfs ] || expect_exit 32 mount -o loop,ro "$image" copy
	mount -o "loop,${options[$fs]}" "$twin" copy
	same_bytes "marker-$fs" copy/marker
	same_tree tree/files copy/files

	[ "$(cat copy/usr/share/package/obsolete)" = old ]
	LC_ALL=C chroot copy /bin/bash -c "$(declare -f upgrade); upgrade"
	expect_equal "$(cat copy/usr/share/package/file-200)" \
		"version 2 of file 200"
	[ ! -e copy/usr/share/package/obsolete ]

	# What is discarded goes from the overlay.
	head -c 60000000 /dev/urandom >copy/large
	sync -f copy
	full=$(used)
	rm copy/large
	wait_for 20 trims_below $((full - 100000))
	umount copy

	# It is kept, also for direct I/O, and in order.
	loop=$(losetup -f --show --direct-io=on "$twin")
	mount -o "${options[$fs]}" "$loop" copy
	expect_equal "$(cat copy/usr/share/package/file-1)" \
		"version 2 of file 1"
	cmp copy/bin/bash "$(command -v bash)"
	same_tree tree/files copy/files
	umount copy
	losetup -d "$loop"
	case $fs in
	ext4) e2fsck -fn "$twin" >/dev/null 2>&1 ;;
	xfs) xfs_repair -n -f "$twin" >/dev/null 2>&1 ;;
	btrfs) btrfs check "$twin" >/dev/null 2>&1 ;;
	esac
done
# Whoever looks at loop devices just now delays the end of this one.
wait_for 10 umount mnt
repo_sums >after
diff before after
expect_equal "$(ls -A overlays)" ""
