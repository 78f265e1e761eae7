#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bash completes verbs, options, snapshots, images, volumes and files
. "$(dirname "$0")/../lib/functions.sh"
scratch

snapfs init repo
write_data disk.raw 0 100000 1
id=$(snap snapshot create web-root=disk.raw)
other=$(snap snapshot create web-data=disk.raw)
mkdir "dir one"
snapfs completion bash >script
# shellcheck disable=SC1091
. ./script

# What the line LINE completes to at its end, as readline would insert it.
complete_line()
{
	COMP_LINE=$1
	COMP_POINT=${#1}
	COMPREPLY=()
	_snapfs 2>/dev/null
	printf '%s\n' "${COMPREPLY[@]}" | sort
}

# compopt needs a completion under way.
compopt()
{
	:
}

expect_candidates()
{
	expect_equal "$(complete_line "$1" | tr '\n' ' ' | sed 's/ $//')" "$2" \
		"completion of '$1'"
}

expect_candidates "snapfs re" "rebuild"
expect_candidates "snapfs --json snap" "snapshot"
expect_candidates "snapfs snapshot sho" "show"
expect_candidates "snapfs image un" "unprotect unshare"
expect_candidates "snapfs snapshot create --al" "--allow-fuzzy"
expect_candidates "snapfs init x --compression lz4h" "lz4hc"
expect_candidates "snapfs init x --compression=lz4h" "lz4hc"
expect_candidates "snapfs -r repo snapshot show ${id:0:15}" "$id"
expect_candidates "snapfs --repository=repo snapshot delete $id ${other:0:15}" \
	"$other"
expect_candidates "snapfs -r repo volume show web-" "web-data web-root"
expect_candidates "snapfs -r repo snapshot list --volume web-r" "web-root"
expect_candidates "snapfs -r repo snapshot create web-d" "web-data="
expect_candidates "snapfs -r repo snapshot create web-data=dis" "disk.raw"
expect_candidates "snapfs -r repo snapshot restore $id dis" "disk.raw"
expect_candidates "snapfs umount di" "dir one"
expect_candidates "snapfs completion f" "fish"

# Names of images are quoted as the line quotes them.
for name in "web (1)" "web's [2]" plain@home; do
	snap -q image register "$name" sda=web-root@latest >/dev/null 2>&1
done
expect_candidates "snapfs -r repo image show w" "web\\ \\(1\\) web\\'s\\ \\[2\\]"
expect_candidates "snapfs -r repo image show web\\ \\(" "web\\ \\(1\\)"
expect_candidates "snapfs -r repo image show \"web (" "web (1)"
expect_candidates "snapfs -r repo image show web\\'" "web\\'s\\ \\[2\\]"
expect_candidates "snapfs -r repo image show 'web" "web (1) web'\\''s [2]"
expect_candidates "snapfs -r repo image deregister plain@home \"web'" "web's [2]"
expect_candidates "snapfs -r repo image share web\\ \\(1\\) user:roo" "root"
expect_candidates "snapfs -r repo image share 'web (1)' a" "all"
expect_candidates "snapfs -r repo image create new /dev/sda1=dis" "disk.raw"
expect_candidates "snapfs -r repo image register new sda=web-root@l" "latest"
expect_candidates "snapfs -r repo image register n sda=e" "empty,size="
expect_candidates "snapfs -r repo image create n s=d --boot-mode uefi-" \
	"uefi-preferred"

COMP_WORDBREAKS=${COMP_WORDBREAKS//@/}@
expect_candidates "snapfs -r repo image show plain@" "home"
expect_candidates "snapfs -r repo snapshot show web-root@l" "latest"
COMP_WORDBREAKS=${COMP_WORDBREAKS//@/}
expect_candidates "snapfs -r repo snapshot show web-root@l" "web-root@latest"
