#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A Debian machine of two disks: imaged, browsed, booted, restored and booted,
# exported, imported elsewhere and booted again; by BIOS and by UEFI.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_loop
requires_tool qemu-system-x86_64 mmdebstrap extlinux mcopy mkfs.vfat jq
scratch

# boots LOG FIRMWARE CMD...: what the guest says reaches us.
boots()
{
	local log=$1 firmware=$2

	shift 2
	timeout 300 "$@" >"$log" 2>&1 </dev/null || fail "'$*' failed:
$(tail -n 20 "$log")"
	tr -d '\r' <"$log" | grep -qx "machine: Debian GNU/Linux 12 (bookworm),\
 $firmware, data: a file on the data disk" || fail "'$*' did not boot:
$(tail -n 20 "$log")"
}

# The content of every file of the repository but what is derived.
contents_of()
{
	find "$1" -type f ! -name 'catalog.db*' ! -name lock -print0 | sort -z |
		xargs -0 sha256sum
}

nothing_left()
{
	expect_equal "$(ls -A tmp)" "" "left in TMPDIR"
	expect_equal "$(mounts_below "$T/tmp")" "" "left mounted"
}

"$SOURCE/tests/boot/make-machine" machine
mkdir tmp
export TMPDIR=$T/tmp

snapfs init repo
snap image create web /dev/sda1=machine/bios.raw /dev/sdf=machine/data.raw \
	/dev/sdb=ephemeral0 -d 'the web server'
snap image create efi sda1=machine/uefi.raw sdf=machine/data.raw
show=$(snap --json image show web)
expect_equal "$(json_get .Architecture <<<"$show")" x86_64
expect_equal "$(json_get .BootMode <<<"$show")" legacy-bios
expect_match "$(json_get .PlatformDetails <<<"$show")" '^Debian GNU/Linux 12'
expect_equal "$(snap --json image show efi | json_get .BootMode)" uefi

mount_repo repo mnt
same_bytes machine/bios.raw mnt/images/web/root.img
same_bytes machine/data.raw mnt/images/web/sdf.img
umount_repo mnt

before=$(contents_of repo)
boots bios.log bios snapfs -r repo image launch web
nothing_left
boots uefi.log uefi snapfs -r repo image launch efi
nothing_left
expect_equal "$(contents_of repo)" "$before" "launching changed the repository"

snap image restore web vm
same_bytes machine/bios.raw vm/sda1.img
same_bytes machine/data.raw vm/sdf.img
boots start.log bios vm/start
expect_exit 1 cmp machine/data.raw vm/sdf.img # the guest has written to it

snap image export efi efi.snapfs
snapfs init other --chunk-size 64K
snapfs -r other image import efi.snapfs --name elsewhere
boots other.log uefi snapfs -r other image launch elsewhere
nothing_left
