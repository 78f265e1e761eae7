#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The session in README.md works: its commands are run as they stand there, in
# one shell, and the lines of output shown below a command must appear.
. "$(dirname "$0")/../lib/functions.sh"
requires_root
requires_fuse
requires_loop
requires_tool mkfs.ext4
scratch

# The first block fenced as ```console: "$ " starts a command.
awk '/^```console$/ { on = 1; next } /^```/ && on { exit } on' \
	"$SOURCE/README.md" >session
[ "$(grep -c '^\$ ' session)" -ge 8 ] || fail "README.md shows no session"

# Each command's own output is told apart by a line with its number.
awk '/^\$ / { printf "echo \"=== %d\"\n%s\n", ++n, substr($0, 3) }' \
	session >commands
PS4='$ ' bash -exu commands >got 2>errors ||
	fail "a command of README.md failed: $(tail -n 5 errors)"

# What differs between two runs stands for itself: ids, times and sizes.
blur()
{
	sed -E 's/(snap|vol|set|img)-[0-9a-f]{17}/\1-ID/g
		s/[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:-]+Z?/TIME/g
		s/[0-9]+(\.[0-9]+)?( ?[KMGT]?i?B)?/N/g; s/[ \t]+/ /g; s/ $//'
}

n=0
while IFS= read -r line; do
	case $line in
	'$ '*)
		n=$((n + 1))
		awk -v n="$n" '/^=== / { on = $2 == n; next } on' got |
			blur >output
		;;
	'' | '...') ;;
	*)
		want=$(blur <<<"$line")
		grep -qxF -e "$want" output || fail "README.md shows '$line' \
under command $n, which printed:
$(cat output)"
		;;
	esac
done <session
