#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# help, manual page and completion know the same verbs and options
. "$(dirname "$0")/../lib/functions.sh"
scratch

page=$SOURCE/tools/snapfs.1
mandoc -Tlint -W warning "$page" >lint || fail "snapfs.1: $(cat lint)"
mandoc -Tascii "$page" | col -bx >page.txt

# Lines "VERB --option", from the help; global options without a verb.
options_of()
{
	sed -n "/^$1:/,/^\$/s/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p"
}

snapfs help | sed -n '/^Verbs:/,/^$/s/^  \([a-z ]*[a-z]\)  .*/\1/p' >verbs
[ "$(wc -l <verbs)" -ge 37 ] || fail "help lists too few verbs"
snapfs help | options_of 'Global options' | sed 's/^/- /' >help
while read -r verb; do
	# shellcheck disable=SC2086
	snapfs help $verb | options_of Options | sed "s/^/$verb /" >>help
done <verbs

# The same from the page: tagged paragraphs below the sections.
awk '/^GLOBAL OPTIONS/ { verb = "-" }
	/^VERBS/ { verb = "" }
	/^PROGRESS/ { exit }
	/^   snapfs / { verb = $2; if ($3 ~ /^[a-z]+$/) verb = verb " " $3 }
	/^       -/ && match($0, /--[a-z-]+/) {
		print verb, substr($0, RSTART, RLENGTH) }' page.txt >page
diff -u <(sort help) <(sort page) || fail "help and snapfs.1 differ in options"
awk '/^   snapfs / { verb = $2; if ($3 ~ /^[a-z]+$/) verb = verb " " $3
	print verb }' page.txt >page-verbs
diff -u <(sort verbs) <(sort page-verbs) ||
	fail "help and snapfs.1 differ in verbs"

for shell in bash zsh fish; do
	snapfs completion "$shell" >"script.$shell"
	while read -r line; do
		option=${line##* --}
		case $shell in
		fish) option="-l $option " ;;
		*) option="--$option" ;;
		esac
		grep -q -e "$option" "script.$shell" ||
			fail "$shell completion lacks '$line'"
	done <help
	while read -r verb; do
		grep -q -w -e "${verb##* }" "script.$shell" ||
			fail "$shell completion lacks '$verb'"
	done <verbs
done
bash -n script.bash
for shell in zsh fish; do
	! command -v "$shell" >/dev/null || "$shell" -n "script.$shell"
done
for status in 0 1 2 3 10 11 13 130; do
	grep -q "^       $status " page.txt || fail "snapfs.1 lacks status $status"
done
