#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# attach shows file systems taken while they were written to, beside their
# mounted originals, with all that was synced; nothing written stays
. "$(dirname "$0")/../lib/functions.sh"
requires_fuse
requires_loop
requires_tool mkfs.xfs mkfs.btrfs jq
own_run
scratch

repo_sums()
{
	(cd repo && find . -type f ! -name lock ! -name 'catalog.db*' \
		-exec sha256sum {} + | sort -k 2)
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

# A clone of the disk is of one moment.
truncate -s 2G host.raw
mkfs.xfs -q -m reflink=1 host.raw
mkdir host tree
mount -o loop host.raw host
make_tree tree/files

snapfs init repo
declare -A ids
for fs in ext4 xfs btrfs; do
	truncate -s 350M "host/$fs.raw"
	mkfs.$fs -q "host/$fs.raw"
	mkdir "source-$fs" "copy-$fs" "second-$fs"
	mount -o loop "host/$fs.raw" "source-$fs"
	cp -a tree/. "source-$fs/"
	sync -f "source-$fs"
	keep_busy "source-$fs" &
	busy=$!
	cleanup_fn kill "$busy"
	wait_for 10 test -e "source-$fs/busy-40"
	head -c 100000 /dev/urandom >"marker-$fs"
	dd if="marker-$fs" of="source-$fs/marker" conv=fsync status=none
	ids[$fs]=$(snap snapshot create "$fs=host/$fs.raw")
	kill "$busy"
	wait "$busy" || true
	rm "source-$fs/marker"
	sync -f "source-$fs"
done
repo_sums >before

for fs in ext4 xfs btrfs; do
	if [ $fs = btrfs ] && [ ! -e /sys/fs/btrfs/features/temp_fsid ]; then
		expect_exit 1 snap snapshot attach btrfs@latest copy-btrfs
		expect_match "$ERR" "same id.*is mounted on this host"
		wait_for 10 umount source-btrfs
		snap snapshot attach btrfs@latest copy-btrfs
		same_tree tree/files copy-btrfs/files
		continue
	fi
	snap snapshot attach "${ids[$fs]}" "copy-$fs"
	snap snapshot attach "${ids[$fs]}" "second-$fs" --rw
	expect_match "$(findmnt -n -o OPTIONS "copy-$fs")" "^ro,nosuid,nodev"
	[ $fs != xfs ] || expect_match "$(findmnt -n -o OPTIONS copy-xfs)" nouuid
	same_bytes "marker-$fs" "copy-$fs/marker"
	same_tree tree/files "copy-$fs/files"

	# Each is on its own.
	rm -r "second-$fs/files"
	head -c 5000000 /dev/urandom >"second-$fs/large"
	sync -f "second-$fs"
	echo original >"source-$fs/only-here"
	sync -f "source-$fs"
	same_tree tree/files "copy-$fs/files"
	[ ! -e "copy-$fs/large" ]
	[ ! -e "copy-$fs/only-here" ]
	[ ! -e "second-$fs/only-here" ]
	[ ! -e "source-$fs/large" ]
	snap snapshot detach "second-$fs"
	snap snapshot attach "${ids[$fs]}" "second-$fs" --rw
	same_tree tree/files "second-$fs/files"
done
expect_equal "$(snap --json snapshot attach | jq '.Attachments | length')" \
	"$(mounts_below /run/snapfs | wc -l)"
for dir in copy-* second-*; do
	! is_mounted "$T/$dir" || snap snapshot detach "$dir"
done
[ -z "$(ls /run/snapfs)" ] || fail "left behind: $(find /run/snapfs)"
repo_sums >after
diff before after
