#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# what breaks a rule of images is refused, and said what and why
. "$(dirname "$0")/../lib/functions.sh"
requires_tool jq
scratch

snapfs init repo
write_data disk.raw 0 300000 1
snap snapshot create disk=disk.raw
snap image register taken sda=disk@latest

# refused STATUS PATTERN WORD...: exits so, and says so in one line.
refused()
{
	local status=$1 pattern=$2

	shift 2
	expect_exit "$status" snap -q image "$@"
	expect_equal "$(wc -l <<<"$ERR")" 1 "lines of error from 'image $*'"
	expect_match "$ERR" "$pattern"
	[ -z "$OUT" ] || fail "'image $*' printed on stdout: $OUT"
}

# Both verbs that make an image.
make_refused()
{
	local status=$1 pattern=$2

	shift 2
	refused "$status" "$pattern" register "${@//SNAP/disk@latest}"
	refused "$status" "$pattern" create "${@//SNAP/disk.raw}"
}

long=$(printf 'n%.0s' {1..129})
for name in ab .hid -x "a/b" $'a\nb' "ümlaut" " lead" "trail " "" "$long" \
	img-0123456789abcdef0; do
	expect_exit 2 snap image register -- "$name" sda=disk@latest
	expect_match "$ERR" "image name '"
	expect_exit 2 snap image create -- "$name" sda=disk.raw
	expect_exit 2 snap image rename -- taken "$name"
	expect_match "$ERR" "image name '"
done
make_refused 1 "image 'taken': .*taken by img-" taken sda=SNAP --arch x86_64 \
	--boot-mode uefi --platform x
refused 1 "image 'taken': .*taken by img-" create taken /dev/sdb=disk.raw

# Devices.
make_refused 2 "'sda': is not DEVICE=" new sda
make_refused 2 "'sda=': is not DEVICE=" new sda=
for device in "" "a b" "a;b" $'a\tb' "$long"; do
	make_refused 2 "device '" new "$device=SNAP"
done
make_refused 2 "device 'sda': is given twice" new sda=SNAP sda=empty,size=1M
make_refused 2 "'sda'.* file name" new /dev/sda=SNAP sda=empty,size=1M
make_refused 2 "device 'sda': an empty volume.*size=N" new sda=empty
make_refused 2 "size=x: is not a size" new sda=SNAP sdb=empty,size=x
make_refused 2 "size=0: is not a size" new sda=SNAP sdb=empty,size=0
make_refused 2 "size= is given twice" new sda=SNAP sdb=empty,size=1,size=2
make_refused 2 "'sdc' is an ephemeral device that is mapped already" new \
	sda=SNAP sdb=ephemeral0 sdc=ephemeral0
make_refused 2 "'ephemeral24': there are ephemeral0 to" new sda=SNAP \
	sdb=ephemeral24
make_refused 2 "size=5: the device is no volume" new sda=SNAP \
	sdb=ephemeral0,size=5
make_refused 2 "delete-on-termination=maybe: is neither" new \
	sda=SNAP,delete-on-termination=maybe
make_refused 2 "volume=v: goes only with a source" new sda=SNAP \
	sdb=empty,size=1M,volume=v
mapfile -t many < <(printf 'sd%s=none\n' {1..128})
make_refused 2 "129 devices: .*128" new sda=SNAP "${many[@]}"

# The root.
make_refused 2 "'sda': is empty and cannot be the root.*--root" new \
	sda=empty,size=1M sdb=SNAP
make_refused 2 "'sda': is ephemeral and cannot be the root" new sda=ephemeral0
make_refused 2 "'sdb': is no device and cannot be the root" new sda=SNAP \
	sdb=none --root sdb
make_refused 2 "--root '/dev/sdx': is none of the devices" new sda=SNAP \
	--root /dev/sdx
refused 2 "expected NAME DEVICE=" register new

# Words of the attributes.
make_refused 2 "--arch 'amd64': is none of x86_64" new sda=SNAP --arch amd64
make_refused 2 "--boot-mode 'bios': is none of legacy-bios" new sda=SNAP \
	--boot-mode bios
make_refused 2 "--platform" new sda=SNAP --platform $'a\e[31m'
make_refused 2 "description" new sda=SNAP -d $'a\nb'
make_refused 2 "is not K=V" new sda=SNAP --tag bare

# Of register: the size, and the snapshot.
refused 2 "'sda': size=299999 is smaller than snapshot snap-.*300000" \
	register new sda=disk@latest,size=299999
refused 1 "'nosuch@latest'" register new sda=nosuch@latest
refused 2 "'disk.raw'" register new sda=disk.raw

# Of create: the volume, and standard input.
refused 2 "volume name 'a/b'" create new sda=disk.raw,volume=a/b
refused 2 "volume 'v': is named twice" create new sda=disk.raw,volume=v \
	sdb=repo,volume=v
refused 2 "only one standard input" create new sda=-,volume=v sdb=-,volume=w
refused 2 "size=1M: a volume is as large as its source" create new \
	sda=disk.raw,size=1M

# Of the others.
for verb in show deprecate disable enable protect unprotect deregister; do
	refused 1 "'nosuch'.*no such image" "$verb" nosuch
done
refused 1 "'nosuch'.*no such image" rename nosuch other
refused 1 "'nosuch'.*no such image" tag nosuch a=b
refused 1 "'nosuch'.*no such image" share nosuch all
refused 2 "is neither K=V" tag taken bare
refused 2 "'user:nobody-here': there is no such user" share taken \
	user:nobody-here
refused 2 "'group:nobody-here': there is no such group" share taken \
	group:nobody-here
refused 2 "'user:4294967295': there is no such user" share taken user:4294967295
refused 2 "'everybody': is none of user:U" share taken everybody
refused 2 "'user:': there is no such user" unshare taken user:
refused 2 "--at 'soon': is not a time" deprecate taken --at soon
refused 2 "exclude each other" deprecate taken --at 2030-01-01 --cancel

# None of all that left anything.
expect_equal "$(snap --json image list | jq -r '[.Images[].Name] | join(" ")')" \
	taken
expect_equal "$(snap --json snapshot list | jq '.Snapshots | length')" 1
