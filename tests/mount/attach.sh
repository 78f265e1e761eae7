#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# attach shows the files of a snapshot or of an image's disk, detach undoes it,
# and what cannot be is refused and said
. "$(dirname "$0")/../lib/functions.sh"
requires_fuse
requires_loop
requires_tool setpriv jq
own_run
scratch

# All but the index, which SQLite touches as it reads.
repository_state()
{
	find repo -mindepth 1 ! -name 'catalog.db*' -printf '%P %s %T@ %C@\n' |
		sort
	find repo -type f ! -name 'catalog.db*' -exec md5sum {} + | sort
}

nothing_left()
{
	[ -z "$(mounts_below "$T")" ] || fail "still mounted: $(mounts_below "$T")"
	[ -z "$(mounts_below /run/snapfs)" ] || fail "a mount is left"
	[ -z "$(ls /run/snapfs)" ] || fail "left behind: $(find /run/snapfs)"
	# Loop devices are the whole host's, other tests' among them.
	expect_no_match "$(losetup -l -n -O BACK-FILE)" \
		"$(snap --json snapshot list |
			jq -r '[.Snapshots[].SnapshotId] | join("|")')"
}

make_ext4 disk.raw 100M
snapfs init repo
id=$(snap snapshot create disk=disk.raw)
snap image register "web (1)" "/dev/sda1=$id,size=200M" /dev/sdf=empty,size=1M
image=$(snap --json image show "web (1)" | jq -r .ImageId)
mkdir one two three full
touch full/file
snap image disable "web (1)"
expect_exit 1 snap snapshot attach "web (1):/dev/sda1" one
expect_match "$ERR" "is disabled"
snap image enable "web (1)"
mkdir repo/tmp/inside
expect_exit 1 snap snapshot attach "$id" repo/tmp/inside
expect_match "$ERR" "inside the repository"
rmdir repo/tmp/inside
repository_state >before

expect_exit 0 snap snapshot attach
expect_equal "$OUT" ""
expect_match "$ERR" "nothing is attached"

# The files, read-only; a second one beside it, which can be written to.
expect_exit 0 snap snapshot attach disk@latest one
expect_match "$ERR" "'$id': the whole disk: ext4"
mkdir source
mount -o loop,ro,noload disk.raw source
same_tree source one
expect_exit 1 touch one/new
expect_match "$(findmnt -n -o OPTIONS one)" "^ro,nosuid,nodev"
expect_exit 0 snap --json snapshot attach "${id:0:15}" two --rw
expect_equal "$(jq -r '[.SnapshotId, .VolumeName, .FileSystem, .Directory,
	.ReadOnly, .Partition, .State] | join(" ")' <<<"$OUT")" \
	"$id disk ext4 $T/two false  attached"
expect_equal "$(jq -r .Device <<<"$OUT")" "$(findmnt -n -o SOURCE two)"
echo new >two/new
rm two/hard-link
sync -f two
same_tree source one

# A disk of an image, by name or id, with or without /dev/.
expect_exit 0 snap snapshot attach "web (1):/dev/sda1" three
same_tree source three
expect_match "$(stat -f -c '%T' three)" ext
snap snapshot detach three
expect_exit 0 snap snapshot attach "$image:sda1" three
expect_equal "$(lsblk -n -b -o SIZE "$(findmnt -n -o SOURCE three)")" \
	$((200 << 20))

# The list.
expect_exit 0 snap snapshot attach
expect_match "$OUT" "^$id +disk +- +ext4 +ro +/dev/loop[0-9]+ +$T/one$"
expect_match "$OUT" "^$id +disk +- +ext4 +rw +/dev/loop[0-9]+ +$T/two$"
expect_exit 0 snap --json snapshot attach
expect_equal "$(jq -r '.Attachments | map(.Directory) | join(" ")' <<<"$OUT")" \
	"$T/one $T/three $T/two"
expect_equal "$(jq -r '.Attachments[1] | [.ImageId, .DeviceName] | join(" ")' \
	<<<"$OUT")" "$image /dev/sda1"
expect_equal "$(stat -c %a /run/snapfs/attach-* | sort -u)" 700

# Directories that will not do.
expect_exit 1 snap snapshot attach "$id" one
expect_match "$ERR" "'$T/one': something is mounted there already"
expect_exit 1 snap snapshot attach "$id" full
expect_match "$ERR" "'$T/full': is not empty"
expect_exit 1 snap snapshot attach "$id" nosuch
expect_match "$ERR" "'nosuch': No such file.*has to be there"
expect_exit 1 snap snapshot attach "$id" disk.raw
expect_match "$ERR" "Not a directory"
mkdir four
expect_exit 2 snap snapshot attach "$id"
expect_exit 2 snap snapshot attach "$id" four --partition 0
expect_exit 2 snap snapshot attach "$id" four --partition x
expect_exit 1 snap snapshot attach "$id" four --partition 1
expect_match "$ERR" "no partition table.*no partition 1"
expect_exit 1 snap snapshot attach disk@-7 four
expect_exit 1 snap snapshot attach "web (1):/dev/sdz" four
expect_match "$ERR" "no disk '/dev/sdz'"
expect_match "$ERR" "has '/dev/sda1'"
expect_exit 1 snap snapshot attach "web (1):/dev/sdf" four
expect_exit 1 snap snapshot attach "nosuch:/dev/sda1" four

# Not root.
for words in "" "$id four"; do
	# shellcheck disable=SC2086
	expect_exit 1 setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$SNAPFS_BUILD/tools/snapfs" -r repo snapshot attach $words
	expect_match "$ERR" "has to be root"
done
expect_exit 1 setpriv --reuid 65534 --regid 65534 --clear-groups \
	"$SNAPFS_BUILD/tools/snapfs" snapshot detach one
expect_match "$ERR" "has to be root"

# In use, and not.
exec 7<one/zero-length
expect_exit 11 snap snapshot detach one
expect_match "$ERR" "'$T/one': is in use by process $$ \(.*\)"
exec 7<&-
mkdir -p two/mnt
mount -t tmpfs none two/mnt
expect_exit 11 snap snapshot detach two
expect_match "$ERR" "'$T/two/mnt' is mounted below it"
umount two/mnt
mount -t tmpfs none two
expect_exit 11 snap snapshot detach two
expect_match "$ERR" "mounted over it"
umount two
expect_exit 1 snap snapshot detach four
expect_match "$ERR" "nothing is attached there"
expect_exit 1 snap snapshot detach nosuch/deeper
ln -s one link
snap snapshot detach link
snap snapshot detach "$T/two/"
expect_exit 1 snap snapshot detach two

snap snapshot detach three
umount source
nothing_left
repository_state >after
diff before after || fail "the repository is not as it was"
