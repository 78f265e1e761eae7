#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# image launch runs qemu on throw-away copies and leaves nothing behind
. "$(dirname "$0")/../lib/functions.sh"
requires_fuse
scratch

snapfs init repo
write_data root.raw 0 300001 1
truncate -s 1M root.raw
write_data data.raw 0 65536 2
root=$(snap snapshot create root=root.raw)
data=$(snap snapshot create data=data.raw)
snap image register "it's (web)" "/dev/sda1=$root" "/dev/sdf=$data,size=1M" \
	/dev/sdb=ephemeral0 --arch x86_64 --boot-mode legacy-bios
web="it's (web)"

mkdir tmp bin empty
export TMPDIR="$T/tmp"

# Stands for qemu: tells what it was given, and does what $FAKE says.
cat >bin/qemu-system-x86_64 <<'END'
#!/bin/bash
set -e
printf '%s\n' "$@" >"$T/words"
for word; do
	case $word in
	*,file=*) echo "${word##*,file=}" ;;
	esac
done | sed 's/,,/,/g' >"$T/files"
eval "$FAKE"
END
chmod +x bin/qemu-system-x86_64
export T FAKE=true
PATH=$T/bin:$PATH

# All but the index, which SQLite touches as it reads.
repository_state()
{
	find repo -mindepth 1 ! -name 'catalog.db*' -printf '%P %s %T@ %C@\n' |
		sort
	find repo -type f ! -name 'catalog.db*' -exec md5sum {} + | sort
}

repository_unchanged()
{
	repository_state >after
	diff before after || fail "the repository is not as it was"
}

nothing_left()
{
	[ -z "$(ls -A tmp)" ] || fail "left behind: $(find tmp)"
	[ -z "$(mounts_below "$T")" ] || fail "still mounted"
	repository_unchanged
}

repository_state >before

# Only said.
expect_exit 0 snap image launch "$web" --dry-run --memory 1G --cpus 3 -- \
	-append "a  'b"
expect_match "$OUT" "qemu-system-x86_64 -name 'guest=it'.*file=$T/tmp/snapfs-launch-XXXXXX/.*/sda1.img'? .*/sdf.img"
eval "set -- $OUT"
expect_equal "${*: -1}" "a  'b"
expect_match "$*" " -m 1024M -smp 3 .* -nic none "
expect_exit 0 snap --json image launch "$web" --dry-run --network
expect_equal "$(jq -r '.Command[0]' <<<"$OUT")" "$T/bin/qemu-system-x86_64"
expect_match "$(jq -r '.Command | join(" ")' <<<"$OUT")" "-nic user,"
[ ! -e words ] || fail "qemu was run"
nothing_left

# The disks have every byte and can be written; then all is gone.
export FAKE='
	mapfile -t files <"$T/files"
	cmp "${files[0]}" "$T/root.raw"
	cmp -n 65536 "${files[1]}" "$T/data.raw"
	[ "$(stat -c %s "${files[1]}")" = 1048576 ]
	echo scribble | dd of="${files[0]}" bs=1 seek=4096 conv=notrunc status=none
	[ "$(dd if="${files[0]}" bs=1 skip=4096 count=8 status=none)" = scribble ]
	[ "$(stat -c %a "$TMPDIR"/snapfs-launch-*)" = 700 ]
	echo "on the console"'
expect_exit 0 snap image launch "$web" -- -snapshot </dev/null
expect_equal "$OUT" "on the console"
expect_match "$ERR" "'/dev/sdb': is ephemeral0, which is left out"
expect_equal "$(wc -l <<<"$ERR")" 1
expect_equal "$(tail -n 1 words)" -snapshot
nothing_left

# A directory for the copies that qemu's syntax and mount options stumble over.
mkdir "tmp,a=b c"
expect_exit 0 env TMPDIR="$T/tmp,a=b c" snapfs -r repo image launch "$web"
rmdir "tmp,a=b c"
expect_exit 2 env TMPDIR="$T/repo" snapfs -r repo image launch "$web"
expect_match "$ERR" "inside the repository.*TMPDIR"
expect_exit 1 env TMPDIR="$T/nosuch" snapfs -r repo image launch "$web"
expect_match "$ERR" "nosuch.*TMPDIR"
nothing_left

# What it ends with.
FAKE='exit 7' expect_exit 1 snap image launch "$web"
expect_match "$ERR" "ended with status 7"
FAKE='kill -SEGV $$' expect_exit 1 snap image launch "$web"
expect_match "$ERR" "signal 11"
nothing_left

# A signal is passed on, and all is gone as well.
has_pid()
{
	[ -s "$T/pid" ]
}

launch=
end_launch()
{
	[ -z "$launch" ] || kill -KILL "$launch" 2>/dev/null || true
}
cleanup_fn end_launch

launch_in_background()
{
	rm -f pid
	FAKE=$1 snapfs -r repo image launch "$web" </dev/null >out 2>err &
	launch=$!
	wait_for 30 has_pid
}

status_of()
{
	local status=0

	wait "$1" || status=$?
	echo "$status"
}

for signal in TERM INT HUP; do
	launch_in_background "trap 'kill \$!; echo $signal >\"\$T/got\"; exit 0' $signal
		echo \$\$ >\"\$T/pid\"
		sleep 1000 & wait"
	kill -s "$signal" "$launch"
	wait "$launch" && status=0 || status=$?
	expect_equal "$status" 130 "status after SIG$signal"
	expect_equal "$(cat got)" "$signal"
	nothing_left
	rm got
done

# Killed outright, it takes qemu and the mount with it.
launch_in_background 'echo $$ >"$T/pid"; exec sleep 1000'
fake=$(cat pid)
kill -KILL "$launch"
wait "$launch" || true
nothing_mounted()
{
	[ -z "$(mounts_below "$T")" ]
}
wait_for 30 is_gone "$fake"
wait_for 30 nothing_mounted
repository_unchanged
rm -r tmp/snapfs-launch-*

# The mount dies: qemu is ended, and it is said.
launch_in_background 'echo $$ >"$T/pid"; exec sleep 1000'
kill -KILL "$(mount_pid "$T"/tmp/snapfs-launch-*/mnt)"
wait "$launch" && status=0 || status=$?
expect_equal "$status" 1
expect_match "$(cat err)" "mount.*ended"
nothing_left

# What is not launched.
expect_exit 1 env PATH="$T/empty" "$SNAPFS_BUILD/tools/snapfs" -r repo \
	image launch "$web"
expect_match "$ERR" "package is qemu-system-x86\$"
expect_exit 1 snap image launch "$web" --arch riscv64
expect_match "$ERR" "package is qemu-system-misc"
expect_exit 2 snap image launch "$web" --arch vax
expect_exit 2 snap image launch "$web" --memory 1
expect_exit 2 snap image launch "$web" --cpus 0
expect_exit 1 snap image launch nosuch
snap image register unknown "/dev/sda1=$root"
expect_exit 2 snap image launch unknown
expect_match "$ERR" "--arch"
FAKE=true expect_exit 0 snap image launch unknown --arch x86_64
expect_match "$ERR" "boot mode is not known"
snap image disable unknown
expect_exit 1 snap image launch unknown --arch x86_64
expect_match "$ERR" "is disabled.*image enable"
snap image deprecate "$web"
FAKE=true expect_exit 0 snap image launch "$web"
expect_match "$ERR" "is deprecated"
rm "repo/records/$data.json"
expect_exit 1 snap image launch "$web"
expect_match "$ERR" "'$data' of device '/dev/sdf' is missing"

# A word that is not behind -- does not become a disk of the guest's.
expect_exit 2 snap image launch "it's (web)" root.raw
expect_match "$ERR" "unexpected 'root.raw'.*behind --"
