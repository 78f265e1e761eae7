#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# the catalog may be lost, damaged or foreign between any two commands
. "$(dirname "$0")/../lib/functions.sh"
scratch

snapfs init repo
write_data disk.raw 0 100000 1
snap snapshot create disk=disk.raw --tag n=1
snap snapshot create disk=disk.raw --tag n=2
snap --json snapshot list >want

same()
{
	snap --json snapshot list >got
	cmp want got || fail "the list changed: $1"
	snap snapshot restore disk@-1 - | cmp - disk.raw
}

rm -f repo/catalog.db*
same "without a catalog"
head -c 8192 /dev/urandom >repo/catalog.db
same "with noise for a catalog"
: >repo/catalog.db
same "with an empty catalog"
truncate -s 3000 repo/catalog.db
same "with a short catalog"
snap rebuild
same "after rebuild"

# Another repository's, and an older one of this repository's own.
snapfs init other
write_data other.raw 0 5000 2
snapfs -r other snapshot create foreign=other.raw
rm -f repo/catalog.db*
cp other/catalog.db repo/
same "with another repository's catalog"
cp repo/catalog.db old.db
snap snapshot create disk=disk.raw
snap --json snapshot list >want
rm -f repo/catalog.db*
cp old.db repo/catalog.db
same "with an old catalog"
snap snapshot delete disk@latest >/dev/null
snap --json snapshot list >want
rm -f repo/catalog.db*
cp old.db repo/catalog.db
same "with an old catalog and a deleted snapshot"

# Damage in the middle of the file.
snap rebuild
size=$(stat -c %s repo/catalog.db)
for at in 50 200 4200 $((size / 2)) $((size - 100)); do
	printf '\377\376\375\374' |
		dd of=repo/catalog.db bs=1 seek="$at" conv=notrunc 2>/dev/null
	same "with damage at $at"
done
rm -f repo/catalog.db*
mkdir repo/catalog.db
same "with a directory for a catalog"
