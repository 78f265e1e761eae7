#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An autofs mount on the directory, as systemd puts there, does not block.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
scratch

snapfs init repo
mkdir mnt
mkfifo requests
exec {fd}<>requests
# Whoever belongs to this process group is the automounter's own.
group=$(ps -o pgid= -p $$ | xargs)
mount -t autofs -o "fd=$fd,pgrp=$group,minproto=5,maxproto=5,direct" none mnt \
	2>/dev/null || skip "needs autofs"
timeout --foreground 20 mount.snapfs repo mnt
test -d mnt/snapshots
umount mnt
