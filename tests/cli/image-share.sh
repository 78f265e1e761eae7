#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# images belong to who made them, are shared with users, groups and all, and
# are listed to others unless they are deprecated or disabled
. "$(dirname "$0")/../lib/functions.sh"
requires_tool jq
requires_tool setpriv
requires_root
scratch

snapfs init repo
write_data disk.raw 0 50000 1
snap snapshot create disk=disk.raw
snap image register web sda=disk@latest

grants()
{
	snap --json image show web | jq -c .LaunchPermissions
}

expect_equal "$(snap --json image show web | jq .OwnerId)" 0
expect_equal "$(grants)" '[]'
group=$(getent group 1 | cut -d: -f1)
expect_exit 0 snap image share web user:12345 user:root "group:$group" all
expect_match "$ERR" "'web': is shared with user:root \(0\)"
expect_match "$ERR" "'web': is shared with group:$group \(1\)"
expect_match "$ERR" "'web': is shared with user:12345\$"
expect_equal "$(grants)" \
	'[{"UserId":0},{"UserId":12345},{"GroupId":1},{"Group":"all"}]'
expect_exit 0 snap image show web
expect_match "$OUT" '^Owner: +root \(0\)$'
expect_match "$OUT" '^Shared with: +user:root \(0\)$'
expect_match "$OUT" "^ +group:$group \(1\)\$"

# What is so already, or was not so, is said and no failure.
expect_exit 0 snap image share web all
expect_match "$ERR" "'web': is shared already with all"
expect_exit 0 snap image unshare web user:0 all user:777
expect_match "$ERR" "'web': is no longer shared with all"
expect_match "$ERR" "'web': was not shared with user:777"
expect_equal "$(grants)" '[{"UserId":12345},{"GroupId":1}]'
expect_exit 2 snap image share web user:12346 user:no-such-one
expect_equal "$(grants)" '[{"UserId":12345},{"GroupId":1}]'

# Disabling suspends, enabling restores.
snap image disable web
expect_match "$(snap image show web)" 'suspended'
snap image enable web
expect_equal "$(grants)" '[{"UserId":12345},{"GroupId":1}]'

# Too many are refused whole.
mapfile -t many < <(printf 'user:%s\n' {20000..20255})
expect_exit 2 snap image share web "${many[@]}"
expect_match "$ERR" 256
expect_equal "$(grants)" '[{"UserId":12345},{"GroupId":1}]'

# Somebody else who can read the repository, and one who makes an image in it.
as()
{
	chmod -R a+rX "$T"
	setpriv --reuid "$1" --regid "$1" --clear-groups snapfs -r "$T/repo" \
		"${@:2}"
}
names()
{
	"$@" --json image list | jq -r '[.Images[].Name] | join(" ")'
}
snap image register old sda=disk@latest
snap image deprecate old
snap image register off sda=disk@latest
snap image disable off
expect_equal "$(names snap)" "off old web"
expect_equal "$(names as 12345)" "web"
expect_equal "$(as 12345 --json image list --all |
	jq -r '[.Images[].Name] | join(" ")')" "off old web"
chown -R 12345:12345 repo
expect_equal "$(names as 12345)" "off old web"
as 12345 image register mine sda=disk@latest >/dev/null
expect_equal "$(snap --json image show mine | jq .OwnerId)" 12345
chown -R 23456:23456 repo
as 23456 -q image disable mine
expect_equal "$(names as 12345)" "mine web"
expect_equal "$(names as 34567)" "web"
