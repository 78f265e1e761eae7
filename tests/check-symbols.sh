#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every global symbol of the static libraries starts with sfs_.
. "$(dirname "$0")/lib/functions.sh"
requires_tool nm

mapfile -t libraries < <(find "$SNAPFS_BUILD/format" "$SNAPFS_BUILD/src" \
	"$SNAPFS_BUILD/fuse" -name '*.a')
[ ${#libraries[@]} -ge 2 ] || fail "no libraries in '$SNAPFS_BUILD'"

symbols=$(nm -A -g --defined-only "${libraries[@]}" 2>/dev/null |
	awk 'NF >= 3 { print $NF, $1 }')
expect_match "$symbols" '^sfs_'
strangers=$(grep -vE '^(sfs_|__(asan|ubsan|tsan|odr|start|stop)|_?__?sanitizer)' \
	<<<"$symbols" || true)
[ -z "$strangers" ] || fail "globals that do not start with sfs_:
$strangers"
