#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# With allow_other each user sees and opens what is his or shared with him, by
# whatever way and in whatever order; others' walks and caches do not help.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_tool setpriv getfacl jq
scratch

# alice owns; the others are strangers, but bob is in group 42000 as well, and
# carol's group is that of all files in the mount.
as()
{
	local who=$1

	shift
	case $who in
	root) "$@" ;;
	alice) setpriv --reuid 41001 --regid 41001 --clear-groups "$@" ;;
	bob) setpriv --reuid 41002 --regid 41002 --groups 42000 "$@" ;;
	carol) setpriv --reuid 41003 --regid 0 --clear-groups "$@" ;;
	dave) setpriv --reuid 41004 --regid 41004 --clear-groups "$@" ;;
	esac
}

names()
{
	as "$1" find "$2" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs
}

# USER FILE: it is there, is listed, and opens; or nothing of that.
may()
{
	as "$1" stat "$T/$2" >/dev/null
	as "$1" head -c 1 "$2" >/dev/null
	as "$1" find mnt -path "$2" | grep -Fqx "$2" || fail "$1 finds no $2"
}

may_not()
{
	expect_exit 1 as "$1" stat "$T/$2"
	expect_match "$ERR" "No such file"
	expect_exit 1 as "$1" head -c 1 "$2"
	expect_match "$ERR" "No such file"
	expect_exit 0 as "$1" find mnt
	expect_equal "$ERR" ""
	! grep -Fqx "$2" <<<"$OUT" || fail "$1 finds $2"
}

# The same of a moment, for waiting.
reads()
{
	as "$1" head -c 1 "$2"
}

reads_not()
{
	! reads "$@"
}

chmod 755 .
write_data disk.raw 0 100000 1
mkdir repo
chown 41001:41001 repo
as alice snapfs init repo
a=$(as alice snapfs -r repo snapshot create disk=disk.raw)
b=$(as alice snapfs -r repo snapshot create disk=disk.raw)
as alice snapfs -r repo image register web-2026 "/dev/sda1=$a" \
	/dev/sdf=empty,size=1M --arch x86_64 --boot-mode uefi --platform p
r=$(snap snapshot create secret=disk.raw)
mount_repo repo mnt allow_other
A=mnt/snapshots/$a.img
B=mnt/snapshots/$b.img
R=mnt/snapshots/$r.img
I=mnt/images/web-2026/sda1.img
M=mnt/images/web-2026/image.json

# What nobody shared: root first, then others; others first, then its owner.
may root "$A"
may_not bob "$A"
may root "$A"
may_not bob "$I"
may root "$I"
may_not bob "$I"
may alice "$I"
may alice "$M"
may_not bob "$B"
may alice "$B"
may_not alice "$R"
may root "$R"
may_not carol "$A"
may_not carol "$I"
expect_equal "$(names bob mnt/images)$(names bob mnt/volumes)" ""
expect_equal "$(names alice mnt/volumes)" disk
expect_equal "$(names root mnt/volumes)" "disk secret"
expect_equal "$(stat -c %u:%a "$A" mnt/images/web-2026 "$I" "$R" | xargs)" \
	"41001:400 41001:500 41001:400 0:400"
expect_equal "$(stat -c %a mnt/snapshots mnt/images mnt/volumes | xargs)" \
	"555 555 555"

# At the same time: the one always finds it, the other never does.
python3 - "$A" "$M" <<-'END'
import os, sys, time
def as_user(uid, wanted):
    pid = os.fork()
    if pid:
        return pid
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        for path in sys.argv[1:]:
            try:
                os.close(os.open(path, os.O_RDONLY))
                opened = True
            except FileNotFoundError:
                opened = False
            if opened != wanted:
                os._exit(1)
    os._exit(0)
children = [as_user(uid, uid == 41001)
            for uid in (41001, 41004, 41001, 41002)]
assert all([os.waitpid(pid, 0)[1] == 0 for pid in children])
END

# An image that is shared gives its disks, and no snapshot.
snap image share web-2026 user:41002
wait_for 2 reads bob "$I"
may bob "$I"
may bob "$M"
may_not bob "$A"
may_not dave "$I"
may root "$I"
may_not carol "$I"
may alice "$I"
expect_equal "$(names bob mnt/images)" web-2026
expect_equal "$(names bob mnt/images/web-2026)" \
	"image.json root.img sda1.img sdf.img"
expect_equal "$(as bob readlink mnt/images/web-2026/root.img)" sda1.img
expect_equal "$(names bob mnt/volumes)" ""
as bob cmp disk.raw "$I"
expect_match "$(as bob ls -l mnt/images)" '^dr-xr-x---\+'
expect_match "$(as bob ls -l mnt/images/web-2026)" \
	'^-r--r-----\+.* sda1.img'
expect_equal "$(as bob getfacl -cnp "$I" | xargs)" \
	"user::r-- user:41002:r-- group::--- mask::r-- other::---"

# Who stands in a directory goes on while strangers knock at its door.
cd mnt/images/web-2026 || exit
expect_exit 1 as dave stat "$T/$I"
as bob cmp sda1.img "$T/disk.raw"
expect_exit 1 as dave cat sda1.img
expect_match "$ERR" "Permission denied"
cd "$T" || exit

# A handle is for who has it: nobody else opens the file anew through it.
exec {file}<"$I" {dir}<mnt/images/web-2026 {mine}<"$R"
expect_exit 1 as dave cat "/proc/self/fd/$file"
expect_match "$ERR" "Permission denied"
expect_exit 1 as dave cat "/proc/self/fd/$dir/sda1.img"
expect_match "$ERR" "Permission denied"
expect_exit 2 as dave ls "/proc/self/fd/$dir/"
expect_exit 1 as alice cat "/proc/self/fd/$mine"
expect_match "$ERR" "Permission denied"
as bob cmp disk.raw "/proc/self/fd/$file"
as dave cat <&"$file" | cmp - disk.raw
exec {file}<&- {dir}<&- {mine}<&-

# By a group beyond the first, and a link that is another one for each.
snap snapshot share "$a" group:42000
wait_for 2 reads bob "$A"
may bob "$A"
may_not dave "$A"
may_not bob "$B"
expect_equal "$(names bob mnt/volumes/disk | wc -w)" 2
for _ in 1 2; do
	expect_equal "$(as bob readlink mnt/volumes/disk/latest.img)" \
		"../../snapshots/$a.img"
	expect_equal "$(as alice readlink mnt/volumes/disk/latest.img)" \
		"../../snapshots/$b.img"
done
as bob cmp disk.raw mnt/volumes/disk/latest.img
expect_exit 1 as dave readlink mnt/volumes/disk/latest.img

# Taken back within two seconds; what is open stays so.
coproc as bob bash -c "exec 5<$A; echo open; read -r; cat <&5 | sha256sum"
pid=$COPROC_PID
read -r -u "${COPROC[0]}" line
expect_equal "$line" open
snap snapshot unshare "$a" group:42000
wait_for 2 reads_not bob "$A"
may_not bob "$A"
may alice "$A"
echo 1 >/proc/sys/vm/drop_caches
echo go >&"${COPROC[1]}"
read -r -u "${COPROC[0]}" line
expect_equal "$line" "$(sha256sum <disk.raw)"
wait "$pid"

# To all: also to the group of the files, which has no rights of its own.
snap snapshot share "$b" all
wait_for 2 reads dave "$B"
may carol "$B"
may bob "$B"
expect_equal "$(stat -c %a "$B")" 444
snap snapshot share "$b" user:41002
acl_has_bob()
{
	getfacl -cnp "$B" | grep -q user:41002:r--
}
wait_for 2 acl_has_bob
may carol "$B"
may dave "$B"
snap snapshot unshare "$b" user:41002 all
wait_for 2 reads_not bob "$B"
may_not carol "$B"

# Deprecated: only its owner finds it in a list. Disabled: only he finds it.
snap image share web-2026 all
wait_for 2 reads dave "$I"
snap image deprecate web-2026
not_listed()
{
	[ -z "$(names dave mnt/images)" ]
}
wait_for 2 not_listed
as dave cmp disk.raw "$I"
expect_equal "$(names alice mnt/images)" web-2026
snap image disable web-2026
wait_for 2 reads_not dave "$I"
expect_exit 1 as dave stat "$T/$I"
may alice "$I"
snap image enable web-2026
wait_for 2 reads dave "$I"
snap image deprecate --cancel web-2026
listed()
{
	[ "$(names dave mnt/images)" = web-2026 ]
}
wait_for 2 listed

# Who kept a directory open from before, and lists it again, does not bring old
# permissions back. (Python says what it can open once told to go on.)
mkfifo told
as dave /usr/bin/python3 - "$T/${I%/*}" >stale.log <<'END' &
import os, sys
path = sys.argv[1]
listed = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
held = [os.open(path + "/sda1.img", os.O_PATH), os.open(path, os.O_PATH)]
os.listdir(listed)
print("ready", flush=True)
open("told").read()
for i in range(20):
    os.lseek(listed, 0, os.SEEK_SET)
    os.listdir(listed)
    for fd in held:
        try:
            os.open("/proc/self/fd/%d" % fd, os.O_RDONLY)
            print("opened")
        except PermissionError:
            pass
print("tried")
END
wait_for 10 grep -q ready stale.log
snap image unshare web-2026 all
wait_for 2 reads_not dave "$I"
echo go >told
wait "$!"
expect_equal "$(cat stale.log)" "ready
tried"

# What others have and do is not for everybody to count.
expect_exit 1 as dave cat mnt/.snapfs/status.json
expect_equal "$(as dave stat -c %y mnt/snapshots mnt/images | sort -u)" \
	"$(stat -c %y mnt)"

# Twins are their owner's alone.
write_data other.raw 0 4096 7
as alice dd if=other.raw of="mnt/scratch/snapshots/$a.img" conv=notrunc \
	status=none
as alice cmp -n 4096 other.raw "mnt/scratch/snapshots/$a.img"
may_not dave "mnt/scratch/images/web-2026/sda1.img"
may_not bob "mnt/scratch/snapshots/$a.img"
may_not alice "mnt/scratch/snapshots/$r.img"
expect_exit 1 as bob rm "mnt/scratch/snapshots/$a.img"
expect_exit 1 as alice rm "$A"
as alice rm "mnt/scratch/snapshots/$a.img"
as alice cmp disk.raw "mnt/scratch/snapshots/$a.img"
expect_exit 1 as dave touch mnt/scratch/snapshots/new
expect_exit 1 as dave mkdir mnt/scratch/images/new

# Given up: gone for all, but for who has it open.
exec {fd}<"$I"
snap image deregister web-2026
wait_for 2 reads_not root "$I"
may_not dave "$I"
may_not alice "$I"
cmp disk.raw - <&"$fd"
wait_for 2 reads_not dave "/proc/self/fd/$fd"
exec {fd}<&-
umount_repo mnt

# uid=: whoever made it, it is that user's, and what is shared stays so.
snap snapshot share "$a" user:41002
mount_repo repo mnt allow_other,uid=41004
may dave "$A"
may dave "$R"
may bob "$A"
may root "$R"
may_not alice "$A"
may_not bob "$R"
expect_equal "$(stat -c %u "$A" "$R" | xargs)" "41004 41004"
umount_repo mnt
