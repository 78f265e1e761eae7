#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Threads write, read back and trim a twin at once, and read what they wrote.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_tool fio
scratch

write_data disk.raw 0 67108864 1
snapfs init repo
a=$(snap snapshot create disk=disk.raw)
mount_repo repo mnt scratch_dir=.
twin=mnt/scratch/snapshots/$a.img

verify()
{
	expect_exit 0 fio --name=verify --filename="$twin" --size=64M \
		--verify=crc32c --verify_fatal=1 --do_verify=1 \
		--allow_file_create=0 --group_reporting --minimal "$@"
}
verify --rw=randwrite --bsrange=512-64k --bs_unaligned=1 --numjobs=4 \
	--size=16M --offset_increment=16M --ioengine=psync
verify --rw=randwrite --bs=4k --direct=1 --numjobs=2 --size=32M \
	--offset_increment=32M --ioengine=libaio --iodepth=16
verify --rw=randrw --bs=8k --numjobs=2 --size=16M --offset_increment=32M \
	--ioengine=psync --invalidate=1
same_bytes disk.raw "mnt/snapshots/$a.img"
umount_repo mnt
