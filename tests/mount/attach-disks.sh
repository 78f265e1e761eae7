#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# attach finds the file system on disks with every kind of partition table, and
# says what is on those where it finds none
. "$(dirname "$0")/../lib/functions.sh"
requires_fuse
requires_loop
requires_tool sfdisk mkfs.xfs mkswap jq
own_run
scratch

snapfs init repo
mkdir dir

# put FILE SOURCE MIB: copy SOURCE to MIB of FILE.
put()
{
	dd if="$2" of="$1" bs=1M seek="$3" conv=notrunc,sparse status=none
}

# small_ext4 FILE SIZE WORD: an ext4 with a file that says WORD.
small_ext4()
{
	rm -rf tree
	mkdir tree
	echo "$3" >tree/word
	truncate -s "$2" "$1"
	mkfs.ext4 -q -F -L "$3" -d tree "$1"
}

# Attach the disk FILE, which has to work; the rest are options.
attach()
{
	snap -q snapshot create "${1%.raw}=$1" >/dev/null
	expect_exit 0 snap snapshot attach "${1%.raw}@latest" dir "${@:2}"
}

word_is()
{
	expect_equal "$(cat dir/word)" "$1"
	snap snapshot detach dir
}

refused()
{
	snap -q snapshot create "${1%.raw}=$1" >/dev/null
	expect_exit 1 snap snapshot attach "${1%.raw}@latest" dir "${@:2}"
	expect_match "$ERR" "'snap-[0-9a-f]{17}': "
	! is_mounted "$T/dir" || fail "$1 is attached"
	[ -z "$(ls /run/snapfs)" ] || fail "left behind: $(find /run/snapfs)"
}

small_ext4 a.ext4 10M small
small_ext4 b.ext4 20M large
printf 'LUKS\xba\xbe\0\2' >luks
truncate -s 30M luks
truncate -s 4M swap
mkswap -q swap 2>/dev/null || mkswap swap >/dev/null
# What libblkid takes for LVM: a label with its checksum.
python3 - <<'EOF'
import struct
def crc(data):
    c = 0xf597a6cf
    for b in data:
        c ^= b
        for _ in range(8):
            c = c >> 1 ^ (0xedb88320 if c & 1 else 0)
    return c
tail = struct.pack("<I8s", 32, b"LVM2 001") + b"A" * 32 + bytes(448)
label = struct.pack("<8sQI", b"LABELONE", 1, crc(tail[:492])) + tail
with open("lvm", "wb") as f:
    f.truncate(8 << 20)
    f.seek(512)
    f.write(label[:512])
# Of a RAID the superblock is at the end here (metadata 1.0).
sb = bytearray(256)
struct.pack_into("<IIII16s", sb, 0, 0xa92b4efc, 1, 0, 0, b"U" * 16)
size = 20 << 20
sector = (size // 512 - 16) & ~7
struct.pack_into("<Q", sb, 144, sector)
s = sum(struct.unpack("<64I", sb))
struct.pack_into("<I", sb, 216, ((s & 0xffffffff) + (s >> 32)) & 0xffffffff)
with open("b.ext4", "rb") as f:
    data = bytearray(f.read())
data[sector * 512:sector * 512 + 256] = sb
open("raid", "wb").write(data)
EOF

# GPT: the larger ext4, though others are larger still or come before.
truncate -s 100M gpt.raw
sfdisk -q gpt.raw <<'EOF'
label: gpt
start=1MiB, size=4MiB, type=S
start=5MiB, size=10MiB
start=15MiB, size=20MiB
start=35MiB, size=30MiB
start=65MiB, size=8MiB
start=73MiB, size=20MiB
EOF
put gpt.raw swap 1
put gpt.raw a.ext4 5
put gpt.raw b.ext4 15
put gpt.raw luks 35
put gpt.raw lvm 65
put gpt.raw raid 73
attach gpt.raw
expect_match "$ERR" "partition 3: ext4 'large'; others: 1 swap, 2 ext4, 4 crypto_LUKS, 5 LVM2_member, 6 linux_raid_member"
node=$(findmnt -n -o SOURCE dir)
expect_equal "$(lsblk -n -b -o SIZE "$node")" $((20 << 20))
expect_equal "$(cat "/sys/block/${node#/dev/}/bdi/read_ahead_kb")" 2048
expect_equal "$(snap --json snapshot attach | jq .Attachments[0].Partition)" 3
word_is large
attach gpt.raw --partition 2
word_is small
refused gpt.raw --partition 1
expect_match "$ERR" "partition 1 is swap"
refused gpt.raw --partition 4
expect_match "$ERR" "partition 4 is encrypted \(LUKS\): by hand.*cryptsetup open"
refused gpt.raw --partition 5
expect_match "$ERR" "partition 5 is part of an LVM.*activated.*vgchange"
refused gpt.raw --partition 6
expect_match "$ERR" "partition 6 is part of a Linux RAID.*mdadm"
refused gpt.raw --partition 7
expect_match "$ERR" "no partition 7; there are: 1, 2, 3, 4, 5, 6"

# Only its copy at the end is good; or neither that nor a table.
cp gpt.raw backup.raw
dd if=/dev/zero of=backup.raw bs=512 seek=1 count=33 conv=notrunc status=none
attach backup.raw
expect_match "$ERR" "warning: .*first copy of its GPT is damaged"
word_is large
cp backup.raw lone.raw
dd if=/dev/zero of=lone.raw bs=512 count=1 conv=notrunc status=none
refused lone.raw
expect_match "$ERR" "has a damaged GPT"
cp gpt.raw short.raw
truncate -s 50M short.raw
refused short.raw
expect_match "$ERR" "damaged GPT, or one of a larger disk"

# MBR, with logical partitions, one of which goes beyond the disk's end.
truncate -s 60M mbr.raw
sfdisk -q mbr.raw <<'EOF'
label: dos
start=1MiB, size=10MiB, type=83
start=12MiB, size=40MiB, type=5
start=13MiB, size=20MiB, type=83
start=34MiB, size=10MiB, type=83
EOF
put mbr.raw a.ext4 1
put mbr.raw b.ext4 13
put mbr.raw luks 34
attach mbr.raw
expect_match "$ERR" "partition 5: ext4 'large'; others: 1 ext4, 6 crypto_LUKS"
word_is large
attach mbr.raw --partition 1 --rw
echo more >>dir/word
sync -f dir
snap snapshot detach dir
attach mbr.raw --partition 1
word_is small

# mbr_entries FILE START,SECTORS...: a table that no tool would write.
mbr_entries()
{
	python3 - "$@" <<'EOF'
import struct, sys
table = b"".join(struct.pack("<B3sB3sII", 0, b"", 0x83, b"", *map(int, e.split(",")))
                 for e in sys.argv[2:])
with open(sys.argv[1], "r+b") as f:
    f.seek(446)
    f.write(table.ljust(64, b"\0") + b"\x55\xaa")
EOF
}

truncate -s 40M odd.raw
put odd.raw b.ext4 1
mbr_entries odd.raw 2048,40960 4096,8192 400000,100
attach odd.raw
expect_match "$ERR" "warning: .*partitions 1 and 2 overlap"
word_is large
refused odd.raw --partition 3
expect_match "$ERR" "partition 3 starts beyond the disk's end"
refused odd.raw --partition 2
expect_match "$ERR" "partition 2 holds nothing that is known"
truncate -s 15M cut.raw
dd if=odd.raw of=cut.raw bs=1M count=15 conv=notrunc status=none
mbr_entries cut.raw 2048,40960
refused cut.raw
expect_match "$ERR" "warning: .*partition 1 reaches beyond the disk's end"
expect_match "$ERR" "the kernel does not mount this ext4: .*dmesg"

# No file system on any partition: all are named.
truncate -s 60M none.raw
put none.raw swap 1
put none.raw luks 10
mbr_entries none.raw 2048,8192 20480,61440
refused none.raw
expect_match "$ERR" "partition 1 is swap"
expect_match "$ERR" "partition 2 is encrypted"
truncate -s 10M empty-table.raw
echo 'label: gpt' | sfdisk -q empty-table.raw
refused empty-table.raw
expect_match "$ERR" "partition table \(gpt\) has no partitions"

# Whole disks.
attach a.ext4
expect_match "$ERR" "the whole disk: ext4 'small'"
word_is small
for disk in luks:'whole disk is encrypted \(LUKS\)' lvm:'LVM' raid:'RAID' \
	swap:'swap space'; do
	refused "${disk%%:*}"
	expect_match "$ERR" "${disk#*:}"
done
truncate -s 10M zeros.raw
refused zeros.raw
expect_match "$ERR" "is empty: all of it is zeros"
write_data noise.raw 0 1000000 3
refused noise.raw
expect_match "$ERR" "neither a partition table nor a file system"
# A file system whose superblock is all that is left of it.
head -c 70000 a.ext4 >torn.raw
truncate -s 10M torn.raw
refused torn.raw
expect_match "$ERR" "the kernel does not mount this ext4"
# Sectors of 4 KiB: the loop device has them too.
truncate -s 400M large.raw
loop=$(losetup -f --show -b 4096 large.raw)
sfdisk -q --no-reread --no-tell-kernel "$loop" <<'EOF'
label: gpt
start=1MiB, size=350MiB
EOF
losetup -d "$loop"
truncate -s 350M xfs
mkfs.xfs -q -s size=4096 xfs
put large.raw xfs 1
attach large.raw
node=$(findmnt -n -o SOURCE dir)
expect_equal "$(cat "/sys/block/${node#/dev/}/queue/logical_block_size")" 4096
snap snapshot detach dir
