#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# image create --freeze shows all disks of a running machine at one moment
. "$(dirname "$0")/../lib/functions.sh"
requires_loop
requires_tool jq debugfs
scratch

for disk in a b; do
	make_ext4 "$disk.raw" 16M
	mkdir "$disk"
	mount -o loop "$disk.raw" "$disk"
done

# Each number is on disk a before it is on disk b: at any one moment a is as far
# as b, or one ahead.
python3 - <<'END' &
import os
def write(path, n):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.pwrite(fd, b"%09d\n" % n, 0)
    os.fsync(fd)
    os.close(fd)
n = 0
while True:
    n += 1
    write("a/count", n)
    write("b/count", n)
END
writer=$!
cleanup_fn kill -KILL "$writer"

goes_on()
{
	local before=$1

	[ "$(cat b/count)" != "$before" ]
}

number_in()
{
	local number

	number=$(debugfs -R 'cat count' "$1" 2>/dev/null)
	[[ $number =~ ^[0-9]{9}$ ]] || fail "'$1' has no number but '$number'"
	echo $((10#$number))
}

wait_for 10 test -s b/count
snapfs init repo
for i in 1 2 3; do
	expect_exit 0 timeout 60 snapfs -r repo image create "now-$i" \
		"sda=$(findmnt -no SOURCE a)" "sdb=$(findmnt -no SOURCE b)" \
		--freeze a --freeze b --arch x86_64 --boot-mode uefi
	wait_for 10 goes_on "$(cat b/count)"
	for device in sda sdb; do
		id=$(snap --json image show "now-$i" | jq -er --arg d $device \
			'.BlockDeviceMappings[] | select(.DeviceName == $d)
			.Ebs.SnapshotId')
		expect_equal "$(snap --json snapshot show "$id" |
			json_get .Consistency)" filesystem
		snap -q snapshot restore "$id" $device.raw --force
		e2fsck -fn $device.raw >/dev/null 2>&1 ||
			fail "$device is not a clean file system"
	done
	a=$(number_in sda.raw) b=$(number_in sdb.raw)
	[ $((a - b)) -eq 0 ] || [ $((a - b)) -eq 1 ] ||
		fail "a is at $a and b at $b: not one moment"
done
expect_equal "$(snap --json snapshot list | jq -r '.Snapshots[].StartTime' |
	sort | uniq -c | awk '{ print $1 }' | xargs)" "2 2 2"

# What cannot be frozen leaves nothing behind, frozen or visible.
snap --json snapshot list >before
expect_exit 2 snap image create later "sda=$(findmnt -no SOURCE a)" \
	"sdb=$(findmnt -no SOURCE b)" --freeze a --freeze b --freeze a/lost+found
wait_for 10 goes_on "$(cat b/count)"
snap --json snapshot list >after
same_bytes before after
expect_no_match "$(snap image list)" later
