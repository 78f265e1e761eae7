#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# every verb has --json, and it is one document of JSON
. "$(dirname "$0")/../lib/functions.sh"
scratch

document()
{
	expect_exit 0 "$@"
	jq -e . <<<"$OUT" >/dev/null || fail "'$*' is not JSON: $OUT"
	expect_equal "$(jq -s length <<<"$OUT")" 1 "documents of '$*'"
	if [ -n "$ERR" ]; then
		jq -e .MessageType <<<"$ERR" >/dev/null ||
			fail "'$*': stderr is not JSON lines: $ERR"
	fi
}

document snapfs --json init repo
write_data disk.raw 0 100000 1
document snap snapshot create --json disk=disk.raw -d 'quote " \ ☃' --tag a=b
expect_match "$(jq -r '.Snapshots[0].SnapshotId' <<<"$OUT")" '^snap-'
document snap snapshot create --json disk=disk.raw
document snap --json snapshot show disk@-1
expect_equal "$(jq -r '.Description' <<<"$OUT")" 'quote " \ ☃'
expect_equal "$(jq -c '.Tags' <<<"$OUT")" '[{"Key":"a","Value":"b"}]'
expect_match "$(jq -r .StartTime <<<"$OUT")" \
	'^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$'
expect_equal "$(jq -r .VolumeSizeInBytes <<<"$OUT")" 100000
expect_equal "$(jq -r .ParentSnapshotId <<<"$OUT")" null
expect_equal "$(jq -r .State <<<"$OUT")" completed
document snap --json snapshot list
expect_equal "$(jq '.Snapshots | length' <<<"$OUT")" 2
document snap --json snapshot diff disk@-1 disk@latest
document snap --json snapshot tag disk@-1 c=d
document snap --json snapshot restore disk@-1 out.raw --verify
document snap --json volume list
expect_equal "$(jq -r '.Volumes[0].SnapshotCount' <<<"$OUT")" 2
document snap --json volume show disk
document snap --json snapshot share disk@-1 user:1234
expect_equal "$(jq -c .CreateVolumePermissions <<<"$OUT")" '[{"UserId":1234}]'
document snap --json snapshot unshare disk@-1 user:1234

document snap --json image create web sda=disk.raw
expect_match "$(jq -r .ImageId <<<"$OUT")" '^img-'
document snap --json image register other sda=disk@latest sdb=empty,size=1M
document snap --json image show web
document snap --json image list
expect_equal "$(jq -r '[.Images[].Name] | join(" ")' <<<"$OUT")" "other web"
document snap --json image tag web a=b
document snap --json image rename web other2
expect_equal "$(jq -r .Name <<<"$OUT")" other2
for verb in disable enable protect unprotect deprecate; do
	document snap --json image "$verb" other
done
document snap --json image share other all
expect_equal "$(jq -c .LaunchPermissions <<<"$OUT")" '[{"Group":"all"}]'
document snap --json image unshare other all
document snap --json image deregister other -n
document snap --json image deregister other other2 --delete-snapshots
expect_equal "$(jq -c '[.Snapshots[].Result] | unique' <<<"$OUT")" '["deleted"]'

document snap --json snapshot delete -n disk@-1
expect_equal "$(jq .DryRun <<<"$OUT")" true
document snap --json snapshot delete disk@-1
document snap --json gc -n
document snap --json gc
document snap --json check --read-data
expect_equal "$(jq .DamageCount <<<"$OUT")" 0
document snap --json stats
document snap --json rebuild
document snapfs --json version

# Errors are JSON lines as well.
expect_exit 1 snap --json snapshot show nosuch@latest
expect_equal "$(jq -r .MessageType <<<"$ERR" | sort -u)" error
[ -z "$OUT" ] || fail "an error printed on stdout: $OUT"
