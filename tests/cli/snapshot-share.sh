#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# snapshots belong to who took them and are shared like images
. "$(dirname "$0")/../lib/functions.sh"
requires_tool jq
scratch

snapfs init repo
write_data disk.raw 0 50000 1
id=$(snap snapshot create disk=disk.raw --tag a=b)
other=$(snap snapshot create disk=disk.raw)

grants()
{
	snap --json snapshot show "$1" | jq -c .CreateVolumePermissions
}
rest()
{
	snap --json snapshot show "$id" | jq -S 'del(.CreateVolumePermissions)'
}

rest >before
expect_equal "$(jq .OwnerId before)" "$(id -u)"
expect_equal "$(grants "$id")" '[]'
expect_exit 0 snap snapshot share disk@-1 user:12345 group:54321 all
expect_match "$ERR" "'disk@-1': is shared with user:12345"
expect_equal "$(grants "$id")" \
	'[{"UserId":12345},{"GroupId":54321},{"Group":"all"}]'
expect_equal "$(grants "$other")" '[]'
expect_exit 0 snap snapshot show "$id"
expect_match "$OUT" '^Shared with: +user:12345$'
expect_match "$OUT" '^ +all$'
expect_exit 0 snap --json snapshot share "$id" all
expect_equal "$(jq -r .SnapshotId <<<"$OUT")" "$id"
expect_match "$ERR" "shared already"

expect_exit 0 snap snapshot unshare "$id" all user:1
expect_match "$ERR" "was not shared with user:[^ ]*"
expect_equal "$(grants "$id")" '[{"UserId":12345},{"GroupId":54321}]'

# Tagging keeps it, and the catalog is not where it stands.
snap snapshot tag "$id" c=d
snap snapshot tag "$id" c-
rm -f repo/catalog.db*
expect_equal "$(grants "$id")" '[{"UserId":12345},{"GroupId":54321}]'
snap snapshot unshare "$id" user:12345 group:54321
rest >after
cmp before after
snap snapshot restore "$id" - | cmp - disk.raw

expect_exit 2 snap snapshot share "$id" user:no-such-user-here
expect_match "$ERR" "'user:no-such-user-here': there is no such user"
expect_exit 2 snap snapshot share "$id" world
expect_exit 2 snap snapshot share "$id"
expect_exit 1 snap snapshot share nosuch@latest all
snap -q check
