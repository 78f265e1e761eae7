# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
#
# What every shell test sources. A test is one behaviour in one script:
#
#	#!/bin/bash
#	# SPDX-License-Identifier: GPL-2.0-or-later
#	# what it shows, in one line
#	. "$(dirname "$0")/../lib/functions.sh"
#	requires_root; requires_fuse; scratch
#	snapfs init repo
#	...
#
# It runs with `set -eE`: any command that fails ends the test, with its line
# shown. Exit 77 means skipped, which counts as a failure where CI is set.
# $SNAPFS_BUILD is the meson build directory (by default build/ in the source
# tree); $SOURCE the source tree; $T the test's scratch directory.

set -eEu -o pipefail
shopt -s inherit_errexit
umask 022
export LC_ALL=C.UTF-8 TZ=UTC

SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SNAPFS_BUILD=$(realpath -m "${SNAPFS_BUILD:-$SOURCE/build}")
PATH=$SNAPFS_BUILD/tools:$SNAPFS_BUILD/fuse:$PATH:/usr/sbin:/sbin
export SOURCE SNAPFS_BUILD PATH
unset SNAPFS_REPOSITORY

T=
OUT=
ERR=
CLEANUPS=()

fail()
{
	trap - ERR
	echo "FAIL: $*" >&2
	exit 1
}

skip()
{
	trap - ERR
	if [ -n "${CI:-}" ]; then
		echo "FAIL: in CI nothing may be skipped: $*" >&2
		exit 1
	fi
	echo "SKIP: $*" >&2
	exit 77
}

# Run `CMD...` when the test ends, however it ends; the last one first.
cleanup_fn()
{
	CLEANUPS+=("$(printf '%q ' "$@")")
}

show_failed_command()
{
	local status=$1 command=$2 i

	echo "FAIL: status $status from: $command" >&2
	for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
		echo "  at ${BASH_SOURCE[i]}:${BASH_LINENO[i - 1]}" >&2
	done
}

# The mount points below DIR, the newest first.
mounts_below()
{
	awk -v d="$1/" 'index($5 "/", d) == 1 { m[++n] = $5 }
		END { while (n) print m[n--] }' /proc/self/mountinfo
}

unmount_all_below()
{
	local dir loops loop

	while read -r dir; do
		printf -v dir '%b' "$dir"
		umount "$dir" 2>/dev/null || umount -l "$dir" || true
	done < <(mounts_below "$1")
	loops=$(losetup --list --noheadings --raw --output NAME,BACK-FILE \
		2>/dev/null | awk -v d="$1/" 'index($2, d) == 1 {print $1}')
	for loop in $loops; do
		losetup -d "$loop" || true
	done
}

# A sanitizer's report from a daemon has nowhere else to go: any is a failure.
sanitizer_reports()
{
	local report

	for report in "$T"/.sanitizer.*; do
		[ -e "$report" ] || continue
		echo "FAIL: sanitizer report $report" >&2
		head -n 80 "$report" >&2
		return 1
	done
}

at_exit()
{
	local status=$? i

	trap - EXIT ERR
	set +eu
	for ((i = ${#CLEANUPS[@]} - 1; i >= 0; i--)); do
		eval "${CLEANUPS[i]}" || true
	done
	if [ -n "$T" ]; then
		cd /
		unmount_all_below "$T"
		if ! sanitizer_reports; then
			status=1
		fi
		if [ -n "${KEEP:-}" ] && [ "$status" -ne 0 ]; then
			echo "kept: $T" >&2
		else
			chattr -R -i "$T" 2>/dev/null
			rm -rf --one-file-system "$T"
		fi
	fi
	exit "$status"
}
trap at_exit EXIT
trap 'show_failed_command $? "$BASH_COMMAND"' ERR
trap 'exit 143' TERM
trap 'exit 130' INT

# Make the scratch directory $T and go there. It goes when the test ends, with
# what is mounted below it and the loop devices of its files.
scratch()
{
	local options

	T=$(mktemp -d "${TMPDIR:-/tmp}/snapfs-test.XXXXXX")
	T=$(realpath "$T")
	options="log_path=$T/.sanitizer:halt_on_error=1"
	export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}$options"
	export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}$options:print_stacktrace=1"
	export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS:}$options"
	cd "$T"
}

requires_root()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

requires_fuse()
{
	[ -c /dev/fuse ] || skip "needs /dev/fuse"
	[ -x "$SNAPFS_BUILD/fuse/mount.snapfs" ] || skip "needs mount.snapfs"
}

requires_loop()
{
	requires_root
	losetup -f >/dev/null 2>&1 || skip "needs loop devices"
}

# Go on with a /run of this test's own, where nobody else attaches snapshots.
own_run()
{
	requires_root
	if [ -z "${OWN_RUN:-}" ]; then
		OWN_RUN=1 exec unshare -m --propagation private "$BASH" "$0"
	fi
	mount -t tmpfs -o mode=755 run /run
	cleanup_fn unmount_all_below /run/snapfs
}

requires_tool()
{
	local tool

	for tool; do
		command -v "$tool" >/dev/null || skip "needs $tool"
	done
}

# Run CMD, leave its output in $OUT and $ERR, and fail unless it exits CODE.
expect_exit()
{
	local want=$1 got=0 dir

	shift
	dir=$(mktemp -d)
	"$@" >"$dir/out" 2>"$dir/err" || got=$?
	OUT=$(tr -d '\0' <"$dir/out")
	ERR=$(tr -d '\0' <"$dir/err")
	rm -r "$dir"
	[ "$got" -eq "$want" ] || fail "'$*' exited $got, not $want
--- stdout
$OUT
--- stderr
$ERR"
}

expect_equal()
{
	[ "$1" = "$2" ] || fail "${3:-values differ}: got '$1', want '$2'"
}

# Fail unless TEXT has the extended regular expression PATTERN in it.
expect_match()
{
	grep -Eq -e "$2" <<<"$1" || fail "no match of '$2' in:
$1"
}

expect_no_match()
{
	if grep -Eq -e "$2" <<<"$1"; then
		fail "unwanted match of '$2' in:
$1"
	fi
}

# Poll until CMD succeeds; fail after SECONDS.
wait_for()
{
	local seconds=$1 deadline

	shift
	deadline=$((${EPOCHREALTIME/./} + seconds * 1000000))
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$deadline" ] ||
			fail "after $seconds s still not: $*"
		sleep 0.02
	done
}

is_gone()
{
	! kill -0 "$1" 2>/dev/null
}

# The process that serves the mount on DIR, as it says itself.
mount_pid()
{
	jq -er .ProcessId "$1/.snapfs/status.json"
}

is_mounted()
{
	awk -v d="$1" '$5 == d { found = 1 } END { exit !found }' \
		/proc/self/mountinfo
}

# mount_repo REPO DIR [OPTIONS]
mount_repo()
{
	mkdir -p "$2"
	mount.snapfs "$1" "$2" ${3:+-o "$3"}
	cleanup_fn quiet_umount "$(realpath "$2")"
}

quiet_umount()
{
	if is_mounted "$1"; then
		umount "$1" || umount -l "$1"
	fi
}

# Unmount, and wait for the daemon's end, so that its files are closed and its
# leaks and races reported.
umount_repo()
{
	local pid

	pid=$(mount_pid "$1" 2>/dev/null || true)
	umount "$1"
	[ -z "$pid" ] || wait_for 30 is_gone "$pid"
}

# The repository of the test, $REPO or repo in the scratch directory.
snap()
{
	snapfs -r "${REPO:-$T/repo}" "$@"
}

# Write COUNT bytes, the same for the same SEED, at OFFSET of FILE; they
# compress about 2:1.
write_data()
{
	local file=$1 offset=$2 count=$3 seed=$4

	python3 - "$file" "$offset" "$count" "$seed" <<-'END'
	import os, random, sys
	path, offset, count, seed = sys.argv[1], *map(int, sys.argv[2:])
	r = random.Random(seed)
	with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as f:
	    f.seek(offset)
	    while count:
	        n = min(count, 1 << 16)
	        half = r.randbytes((n + 1) // 2)
	        f.write((half + bytes([r.randrange(1, 255)]) * n)[:n])
	        count -= n
	END
}

# A small tree with every kind of thing a file system copy can lose. Times are
# whole seconds, since mkfs.ext4 -d keeps no more.
make_tree()
{
	local d=$1 i

	mkdir -p "$d/etc/nginx/conf.d" "$d/var/log" "$d/deep/a/b/c/d/e" \
		"$d/names/ leading" "$d/empty"
	printf 'user www-data;\nworker_processes 2;\n' >"$d/etc/nginx/nginx.conf"
	for i in 1 2 3 4 5 6 7 8; do
		write_data "$d/var/log/app.$i" 0 $((i * 37001)) "$i"
	done
	write_data "$d/deep/a/b/c/d/e/big" 0 3000017 99
	truncate -s 40M "$d/sparse"
	write_data "$d/sparse" 9437184 100000 7
	write_data "$d/sparse" 33554433 5 8
	: >"$d/zero-length"
	ln "$d/var/log/app.1" "$d/hard-link"
	ln -s etc/nginx/nginx.conf "$d/soft-link"
	ln -s /nowhere/at/all "$d/dangling"
	ln -s "$(printf 'x%.0s' {1..200})" "$d/long-link"
	mkfifo "$d/fifo"
	echo n >"$d/names/new
line"
	echo t >"$d/names/tab	quote'\"\\"
	echo u >"$d/names/ümläut-☃"
	echo d >"$d/names/-dash"
	echo l >"$d/names/$(printf 'n%.0s' {1..255})"
	chmod 4755 "$d/var/log/app.2"
	chmod 0600 "$d/var/log/app.3"
	chmod 1777 "$d/empty"
	setfattr -n user.note -v "a value" "$d/etc/nginx/nginx.conf" || true
	if [ "$(id -u)" -eq 0 ]; then
		chown 1234:4321 "$d/var/log/app.4"
		chown -h 33:33 "$d/soft-link"
		mknod "$d/null" c 1 3
		setfattr -n trusted.t -v "deep" "$d/deep/a"
	fi
	find "$d" -depth -print0 | xargs -0 touch -h -d @1763800000
}

# make_ext4 FILE SIZE [DIR]: an ext4 image holding DIR, by default make_tree's.
make_ext4()
{
	local tree=${3:-}

	if [ -z "$tree" ]; then
		tree=$1.tree
		[ -d "$tree" ] || make_tree "$tree"
	fi
	rm -f "$1"
	truncate -s "$2" "$1"
	mkfs.ext4 -q -F -E lazy_itable_init=0,root_owner=0:0 -d "$tree" "$1"
}

# make_xfs FILE SIZE [DIR]: the same for XFS, which needs 300 MiB and root.
make_xfs()
{
	local tree=${3:-}

	if [ -z "$tree" ]; then
		tree=$1.tree
		[ -d "$tree" ] || make_tree "$tree"
	fi
	rm -f "$1"
	truncate -s "$2" "$1"
	mkfs.xfs -q -f "$1"
	mkdir -p "$1.mnt"
	mount -o loop "$1" "$1.mnt"
	cp -a "$tree/." "$1.mnt/"
	umount "$1.mnt"
}

# Fail unless two trees hold the same: names, kinds, modes, owners, times,
# links, extended attributes and every byte.
same_tree()
{
	local dir

	dir=$(mktemp -d)
	python3 "$SOURCE/tests/lib/tree-list.py" "$1" >"$dir/a"
	python3 "$SOURCE/tests/lib/tree-list.py" "$2" >"$dir/b"
	[ "$(wc -l <"$dir/a")" -gt 0 ] || fail "'$1' is an empty tree"
	diff "$dir/a" "$dir/b" >"$dir/diff" ||
		fail "trees '$1' and '$2' differ:
$(head -n 20 "$dir/diff")"
	rm -r "$dir"
}

same_bytes()
{
	cmp "$1" "$2" >&2 || fail "'$1' and '$2' differ"
}

# A number or string from JSON: json_get EXPRESSION <text, in jq's language.
json_get()
{
	jq -er "$1"
}
