#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# image restore writes disks and what starts them; nothing is replaced unasked
. "$(dirname "$0")/../lib/functions.sh"
requires_tool xmllint
scratch

snapfs init repo
write_data root.raw 0 300001 1
truncate -s 1M root.raw
write_data data.raw 0 100000 2
root=$(snap snapshot create root=root.raw)
find repo/packs -type f >packs
data=$(snap snapshot create data=data.raw)
pack=$(find repo/packs -type f -size +20k | grep -vxFf packs)
snap image register web "/dev/sda1=$root" "/dev/disk/two=$data,size=3M" \
	/dev/sdg=empty,size=8G /dev/sdb=ephemeral0 --arch x86_64 \
	--boot-mode legacy-bios

# What is in directory $1, with content, modes and sizes.
state_of()
{
	find "$1" -printf '%P %m %s %T@\n' | sort
	find "$1" -type f -size -4M -exec md5sum {} + | sort
}

# Every byte is there, and what holds none is sparse.
dir="$T/it's <a> & b, \"c\""
umask 000 # a disk holds all secrets of its machine, whatever this says
expect_exit 0 snap image restore web "$dir/"
expect_equal "$(cd "$dir" && echo *)" \
	"disk_two.img domain.xml image.json sda1.img sdg.img start"
cmp "$dir/sda1.img" root.raw
cp data.raw data-3m.raw
truncate -s 3M data-3m.raw
cmp "$dir/disk_two.img" data-3m.raw
expect_equal "$(stat -c %s "$dir/sdg.img")" 8589934592
[ "$(stat -c %b "$dir/sdg.img")" -le 8 ] || fail "sdg.img is not sparse"
[ "$(stat -c %b "$dir/disk_two.img")" -le 400 ] || fail "its tail is not sparse"
expect_equal "$(stat -c %a "$dir/start" "$dir/image.json" | tr '\n' ' ')" \
	"700 600 "
expect_equal "$(jq -S . "$dir/image.json")" \
	"$(snap --json image show web | jq -S .)"

# XML gives back the very names; libvirt's own schema where it is there.
xmllint --noout "$dir/domain.xml"
expect_equal "$(xmllint --xpath 'string(//disk[2]/source/@file)' \
	"$dir/domain.xml")" "$dir/disk_two.img"
expect_equal "$(xmllint --xpath 'string(//disk[1]/serial)' "$dir/domain.xml")" \
	sda1
! command -v virt-xml-validate >/dev/null ||
	virt-xml-validate "$dir/domain.xml" domain

# The script starts from its directory, wherever it is called from.
mkdir bin
cat >bin/qemu-system-x86_64 <<'END'
#!/bin/sh
pwd
printf '%s\n' "$@"
END
chmod +x bin/qemu-system-x86_64
PATH=$T/bin:$PATH "$dir/start" -m "9 G" </dev/null >out
expect_equal "$(head -n 1 out)" "$dir"
expect_equal "$(tail -n 1 out)" "9 G"
grep -qx 'if=none,id=disk1,.*,file=disk_two.img' out
grep -qx 'virtio-blk-pci,drive=disk0,serial=sda1,bootindex=1' out
expect_equal "$(grep -A 1 -x -e -serial out | tail -n 1)" stdio
command -v shellcheck >/dev/null && shellcheck -s sh "$dir/start"

# A file that is there, whichever, leaves all as it is.
for file in sda1.img image.json start domain.xml uefi-vars.fd; do
	mkdir "some-$file"
	echo precious >"some-$file/$file"
	before=$(state_of "some-$file")
	expect_exit 1 snap image restore web "some-$file"
	expect_match "$ERR" "'some-$file/$file': exists already; --force"
	expect_equal "$(state_of "some-$file")" "$before"
done
before=$(state_of "$dir")
expect_exit 1 snap image restore web "$dir"
expect_equal "$(state_of "$dir")" "$before"

# With --force it is replaced, and what would start another machine goes.
echo old >"$dir/uefi-vars.fd"
echo changed >"$dir/sda1.img"
expect_exit 0 snap --json image restore web "$dir" --force
expect_equal "$(jq -r '.Volumes | map(.File) | join(" ")' <<<"$OUT")" \
	"sda1.img disk_two.img sdg.img"
expect_equal "$(jq -r '.Startable' <<<"$OUT")" true
cmp "$dir/sda1.img" root.raw
[ ! -e "$dir/uefi-vars.fd" ] || fail "old variables are still there"
mkdir linked
ln -s ../root.raw linked/sda1.img
expect_exit 1 snap image restore web linked --force
expect_match "$ERR" "'linked/sda1.img': is not a regular file"
[ -L linked/sda1.img ] && [ "$(ls -A linked)" = sda1.img ]

# Places that cannot be.
mkdir inside
for place in repo/new repo repo/packs/new/ "$T/repo/tmp/x//"; do
	expect_exit 2 snap image restore web "$place"
	expect_match "$ERR" "lies inside the repository"
done
[ ! -e repo/new ] && [ ! -e repo/tmp/x ]
expect_exit 1 snap image restore web no/such
expect_exit 1 snap image restore web data.raw
expect_exit 2 snap image restore web ""
expect_exit 1 snap image restore nosuch new
[ ! -e new ] || fail "a directory was made"
expect_exit 2 snap image restore web "$(printf 'ctrl\001')"
[ ! -e "$(printf 'ctrl\001')" ] || fail "a directory was left"

# UEFI: the script makes variables of its own, once; firmware that is not
# here is no reason to keep the disks.
snap image register efi "/dev/sda1=$root" --arch arm64 --boot-mode uefi
expect_exit 0 snap image restore efi efi
grep -q 'cp -- /usr/share/AAVMF/AAVMF_VARS.fd uefi-vars.fd' efi/start
expect_equal "$(xmllint --xpath 'string(//nvram)' efi/domain.xml)" \
	"$T/efi/uefi-vars.fd"

# Of an unknown architecture there are the disks.
snap image register unknown "/dev/sda1=$root"
expect_exit 0 snap image restore unknown unknown
expect_match "$ERR" "architecture is not known.*--arch"
expect_equal "$(cd unknown && echo *)" "image.json sda1.img"
expect_exit 0 snap image restore unknown unknown --force --arch riscv64
[ -x unknown/start ]
expect_exit 2 snap image restore unknown other --arch vax

# Damage shows in one disk: those before it stay, and nothing starts them.
cp "$pack" pack
printf 'x' | dd of="$pack" bs=1 seek=20000 conv=notrunc status=none
expect_exit 13 snap image restore web damaged
expect_equal "$(ls -A damaged)" sda1.img
cmp damaged/sda1.img root.raw
expect_exit 13 snap image restore web "$dir" --force
[ ! -e "$dir/start" ] || fail "there is a script that starts half a machine"
cp pack "$pack"

# A snapshot that is gone: the whole image, or what there is.
mv "repo/records/$data.json" .
expect_exit 1 snap image restore web part
expect_match "$ERR" "'$data' of device '/dev/disk/two' is missing"
[ ! -e part ] || fail "a directory was made"
expect_exit 3 snap --json image restore web part --skip-missing
expect_equal "$(jq -c '.Volumes | map(.Restored)' <<<"$OUT")" \
	"[true,false,true]"
expect_equal "$(cd part && echo *)" \
	"domain.xml image.json sda1.img sdg.img start"
expect_no_match "$(cat part/start part/domain.xml)" "disk_two"
mv "$data.json" repo/records
rm "repo/records/$root.json"
expect_exit 1 snap image restore web none --skip-missing
expect_match "$ERR" "'$root'.*without its root"
[ ! -e none ] || fail "a directory was made"
