#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Dependencies run format <- src <- {fuse, tools}; one file owns each library;
# every source file says its licence.
. "$(dirname "$0")/lib/functions.sh"

cd "$SOURCE"
problems=0

complain()
{
	if [ -n "$2" ]; then
		echo "$1:"
		# shellcheck disable=SC2001
		sed 's/^/  /' <<<"$2"
		problems=$((problems + 1))
	fi
}

# includes DIR PATTERN [EXCEPT]: the lines in DIR that include such a header.
includes()
{
	grep -rnE --include='*.[ch]' "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" "$1" |
		grep -vE "^(${3:-nothing at all}):" || true
}

uses()
{
	grep -rnE --include='*.[ch]' "(^|[^a-zA-Z0-9_.>\"])($2)[[:space:]]*(\(|,|\))" \
		"$1" | grep -vE '^[^:]*:[0-9]+:[[:space:]]*/?\*|format\(printf' ||
		true
}

[ -n "$(includes src 'src/')" ] || fail "the search itself finds nothing"

complain "format/ may include only libc, xxhash and itself" \
	"$(includes format '(src|fuse|tools|tests)/|lz4|sqlite3|fuse|pthread')"
complain "format/ neither allocates nor prints" \
	"$(uses format 'malloc|calloc|realloc|free|printf|fprintf|stdout|stderr|open|exit')"
complain "src/ may not include fuse/ or tools/" \
	"$(includes src '(fuse|tools|tests)/|fuse')"
# _exit ends only a child that src forked itself.
complain "src/ writes nothing to stdout and never ends the process" \
	"$(uses src 'printf|puts|putchar|stdout|exit')"
complain "fuse/ may not include tools/" "$(includes fuse '(tools|tests)/')"
complain "tools/ may not include fuse/" "$(includes tools '(fuse|tests)/|fuse')"
complain "only src/db.c includes sqlite3.h" \
	"$(includes . 'sqlite3\.h' '(\./)?(src/db\.c|build[^/]*/.*|tests/.*)')"
complain "only src/codec.c includes lz4.h" \
	"$(includes . 'lz4' '(\./)?(src/codec\.c|build[^/]*/.*|tests/.*)')"

unlicensed=$(find format src fuse tools tests -name '*.[ch]' | sort |
	while read -r file; do
		head -n 1 "$file" | grep -q \
			'SPDX-License-Identifier: GPL-2.0-or-later' ||
			echo "$file"
	done)
complain "files without the SPDX line on top" "$unlicensed"

[ "$problems" -eq 0 ] || fail "$problems rules broken"
