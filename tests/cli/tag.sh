#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags are set, replaced and removed, and nothing else changes
. "$(dirname "$0")/../lib/functions.sh"
scratch

snapfs init repo
write_data disk.raw 0 50000 1
snap snapshot create disk=disk.raw --tag a=1 --tag b=2 -d keep
tags()
{
	snap --json snapshot show disk@latest |
		jq -c '[.Tags[] | .Key + "=" + .Value]'
}
rest()
{
	snap --json snapshot show disk@latest | jq -S 'del(.Tags)'
}
rest >before
snap snapshot tag disk@latest a=9 c=3 b-
expect_equal "$(tags)" '["a=9","c=3"]'
snap snapshot tag disk@latest d-=x e=a=b nosuch-
expect_equal "$(tags)" '["a=9","c=3","d-=x","e=a=b"]'
snap snapshot tag disk@latest d-- e-
expect_equal "$(tags)" '["a=9","c=3"]'
rest >after
cmp before after
rm repo/catalog.db*
expect_equal "$(tags)" '["a=9","c=3"]'
expect_equal "$(snap snapshot list --tag c=3 | wc -l)" 2
snap snapshot restore disk@latest - | cmp - disk.raw

expect_exit 2 snap snapshot tag disk@latest bare
expect_exit 2 snap snapshot tag disk@latest
expect_exit 2 snap snapshot tag disk@latest =v
mapfile -t many < <(printf 'k%s=v\n' {1..49})
expect_exit 2 snap snapshot tag disk@latest "${many[@]}"
expect_match "$ERR" "50"
expect_equal "$(tags)" '["a=9","c=3"]'
expect_exit 1 snap snapshot tag nosuch@latest a=b
snap -q check
