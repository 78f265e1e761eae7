/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/golden/defects.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/id.h"

#define HEADER(defect_name, at, bytes, seal, code, reason)                     \
	{                                                                      \
		.name = defect_name, .file = SFS_GOLDEN_PACK_DATA_1,           \
		.offset = at, .hex = bytes, .sealed = seal,                    \
		.decoder = SFS_DEFECT_PACK_HEADER, .error = code,              \
		.why = reason                                                  \
	}

/* Slot 0 of the data pack stands at 0x40 and is raw, slot 1 at 0x1050 is LZ4;
 * both are of kind 2. */
#define SLOT(defect_name, number, at, bytes, seal, code, reason)               \
	{                                                                      \
		.name = defect_name, .file = SFS_GOLDEN_PACK_DATA_1,           \
		.offset = at, .hex = bytes, .sealed = seal,                    \
		.decoder = SFS_DEFECT_SLOT_##number, .error = code,            \
		.why = reason                                                  \
	}

/* From the end: the footer at -32, the rows at -92, -72 and -52. */
#define TABLE(defect_name, at, bytes, seal, code, reason)                      \
	{                                                                      \
		.name = defect_name, .file = SFS_GOLDEN_PACK_DATA_1,           \
		.offset = at, .hex = bytes, .sealed = seal,                    \
		.decoder = SFS_DEFECT_TABLE, .error = code, .why = reason      \
	}

/* The node's 193 first bytes stand as literals from 0x52 on, after the slot's
 * header, the LZ4 token and one byte of length. */
#define NODE(defect_name, entry, at, bytes, reason)                            \
	{                                                                      \
		.name = defect_name, .file = SFS_GOLDEN_PACK_NODES_1,          \
		.offset = 0x52 + 32 * (entry) + (at), .hex = bytes,            \
		.sealed = true, .decoder = SFS_DEFECT_NODE, .error = -EUCLEAN, \
		.why = reason                                                  \
	}

#define ENVELOPE(defect_name, at, bytes, code, reason)                         \
	{                                                                      \
		.name = defect_name, .file = SFS_GOLDEN_SNAPSHOT_1,            \
		.offset = at, .hex = bytes, .decoder = SFS_DEFECT_ENVELOPE,    \
		.error = code, .why = reason                                   \
	}

#define RECORD(defect_name, object, from, to, code, reason)                    \
	{                                                                      \
		.name = defect_name, .file = SFS_GOLDEN_##object,              \
		.find = from, .replace = to, .sealed = true,                   \
		.decoder = SFS_DEFECT_RECORD, .error = code, .why = reason     \
	}

#define SIZE(defect_name, object, by, what, code, reason)                      \
	{                                                                      \
		.name = defect_name, .file = SFS_GOLDEN_##object, .grow = by,  \
		.decoder = SFS_DEFECT_##what, .error = code, .why = reason     \
	}

/* clang-format off */
const struct sfs_defect sfs_defects[] = {
	HEADER("pack-magic", 0, "00", true, -EUCLEAN, "not a pack"),
	HEADER("pack-version", 8, "02", true, -EOPNOTSUPP, "newer"),
	HEADER("pack-chunk-size-odd", 12, "01100000", true, -EUCLEAN,
	       "chunk size"),
	HEADER("pack-chunk-size-small", 12, "00080000", true, -EUCLEAN,
	       "chunk size"),
	HEADER("pack-chunk-size-large", 12, "00002000", true, -EUCLEAN,
	       "chunk size"),
	HEADER("pack-reserved", 0x28, "01", true, -EUCLEAN, "reserved"),
	HEADER("pack-check", 0x38, "00", false, -EBADMSG, "check"),
	HEADER("pack-bit", 0x18, "ff", false, -EBADMSG, "check"),
	SIZE("pack-empty", PACK_DATA_1, -(1 << 20), PACK_HEADER, -EUCLEAN,
	     "shorter"),

	SLOT("slot-bit", 0, 0x60, "00", false, -EBADMSG, "check"),
	SLOT("slot-check", 0, 0x40, "00", false, -EBADMSG, "check"),
	SLOT("slot-stored", 0, 0x48, "ff0f00", true, -EUCLEAN,
	     "stored length"),
	SLOT("slot-kind", 0, 0x4f, "00", true, -EUCLEAN, "kind"),
	SLOT("slot-kind-height", 0, 0x4f, "18", true, -EUCLEAN, "kind"),
	SLOT("slot-length", 0, 0x4c, "001100", true, -EUCLEAN, "length"),
	SLOT("slot-codec", 0, 0x4b, "02", true, -EUCLEAN, "codec"),
	SLOT("slot-raw-as-lz4", 0, 0x4b, "01", true, -EUCLEAN,
	     "do not agree"),
	SLOT("slot-lz4-as-raw", 1, 0x105b, "00", true, -EUCLEAN,
	     "do not agree"),

	TABLE("table-magic", -32, "00", true, -EUCLEAN, "no footer"),
	TABLE("table-slots", -16, "02000000", true, -EUCLEAN, "fit"),
	TABLE("table-slots-many", -16, "01001000", true, -EUCLEAN,
	      "too many"),
	TABLE("table-offset", -12, "00000000", true, -EUCLEAN, "fit"),
	TABLE("table-offset-wrap", -12, "c0ffffff", true, -EUCLEAN, "fit"),
	TABLE("table-check", -8, "00", false, -EBADMSG, "check"),
	TABLE("table-bit", -80, "00", false, -EBADMSG, "check"),
	TABLE("row-kind", -89, "03", true, -EUCLEAN, "kind"),
	TABLE("row-empty", -92, "000000", true, -EUCLEAN, "out of range"),
	TABLE("row-long", -92, "011000", true, -EUCLEAN, "out of range"),
	TABLE("row-runs-over", -72, "ff0f00", true, -EUCLEAN, "run into"),
	TABLE("row-short", -72, "010000", true, -EUCLEAN, "do not reach"),
	SIZE("pack-truncated", PACK_DATA_1, -1, TABLE, -EUCLEAN, "no footer"),
	SIZE("pack-longer", PACK_DATA_1, 1, TABLE, -EUCLEAN, "no footer"),

	NODE("entry-kind", 0, 15, "04", "kind"),
	NODE("entry-node-at-leaf", 0, 15, "11", "kind"),
	NODE("entry-node-no-height", 0, 15, "10", "kind"),
	NODE("entry-stored-none", 0, 12, "000000", "stored length"),
	NODE("entry-stored-long", 0, 12, "011000", "stored length"),
	NODE("entry-offset-low", 0, 8, "3f000000", "outside"),
	NODE("entry-offset-high", 0, 8, "d1efff3f", "outside"),
	NODE("entry-hole-with-place", 2, 0, "01", "without content"),
	NODE("entry-zero-with-hash", 3, 16, "01", "without content"),
	NODE("entry-bad-with-length", 4, 12, "01", "without content"),

	ENVELOPE("record-bit", 40, "7f", -EBADMSG, "check"),
	ENVELOPE("record-check", 10, "78", -EBADMSG, "check"),
	ENVELOPE("record-start", 0, "5b", -EUCLEAN, "not a record"),
	ENVELOPE("record-comma", 27, "3a", -EUCLEAN, "not a record"),
	SIZE("record-empty", SNAPSHOT_1, -(1 << 20), ENVELOPE, -EUCLEAN,
	     "not a record"),
	SIZE("record-truncated", SNAPSHOT_1, -1, ENVELOPE, -EBADMSG, "check"),
	SIZE("record-longer", SNAPSHOT_1, 1, ENVELOPE, -EBADMSG, "check"),
	SIZE("record-huge", SNAPSHOT_1, 1 << 20, ENVELOPE, -EUCLEAN,
	     "not a record"),

	RECORD("json-syntax", SNAPSHOT_1, "}", "", -EUCLEAN, ""),
	RECORD("json-behind", SNAPSHOT_1, "}\n}", "}\n}x", -EUCLEAN, ""),
	RECORD("json-twice", SNAPSHOT_1, "\"State\":",
	       "\"Kind\": \"snapshot\",\"State\":", -EUCLEAN, ""),
	RECORD("json-fraction", SNAPSHOT_1, "\"VolumeSizeInBytes\": 20580",
	       "\"VolumeSizeInBytes\": 20580.0", -EUCLEAN, ""),
	RECORD("json-negative", SNAPSHOT_1, "\"VolumeSizeInBytes\": 20580",
	       "\"VolumeSizeInBytes\": -1", -EUCLEAN, ""),
	RECORD("json-nul", SNAPSHOT_1, "the first", "the\\u0000first",
	       -EUCLEAN, ""),

	RECORD("record-format", SNAPSHOT_1, "\"snapfs\"", "\"other\"",
	       -EUCLEAN, ""),
	RECORD("record-version", SNAPSHOT_1, "\"Version\": 1", "\"Version\": 2",
	       -EOPNOTSUPP, ""),
	RECORD("record-feature", SNAPSHOT_1, "\"IncompatFeatures\": []",
	       "\"IncompatFeatures\":[\"x\"]", -EOPNOTSUPP, ""),
	RECORD("record-kind", SNAPSHOT_1, "\"Kind\": \"snapshot\"",
	       "\"Kind\": \"set\"", -EUCLEAN, ""),
	RECORD("record-repository", SNAPSHOT_1, "\"00112233", "\"10112233",
	       -EUCLEAN, ""),
	RECORD("record-name", SNAPSHOT_1, "\"snap-00000000000000001\"",
	       "\"snap-00000000000000009\"", -EUCLEAN, ""),
	RECORD("record-id", SNAPSHOT_1, "\"snap-00000000000000001\"",
	       "\"snap-0000000000000000x\"", -EUCLEAN, ""),
	RECORD("record-volume-id", SNAPSHOT_1, "\"vol-0", "\"vox-0", -EUCLEAN,
	       ""),
	RECORD("record-volume-escape", SNAPSHOT_1, "\"root\"",
	       "\"../root\"", -EUCLEAN, ""),
	RECORD("record-parent", SNAPSHOT_2, "\"snap-00000000000000001\"",
	       "\"\"", -EUCLEAN, ""),
	RECORD("record-set", SNAPSHOT_2, "\"set-0", "\"img-0", -EUCLEAN, ""),
	RECORD("record-time", SNAPSHOT_1, "2026-11-22T11:24:58Z",
	       "2026-11-22T11:24:58.000Z", -EUCLEAN, ""),
	RECORD("record-time-date", SNAPSHOT_1, "2026-11-22T11:24:58Z",
	       "2026-02-29T11:24:58Z", -EUCLEAN, ""),
	RECORD("record-state", SNAPSHOT_1, "\"completed\"", "\"pending\"",
	       -EUCLEAN, ""),
	RECORD("record-size", SNAPSHOT_1, "\"VolumeSizeInBytes\": 20580",
	       "\"VolumeSizeInBytes\": 1152921504606846977", -EUCLEAN, ""),
	RECORD("record-size-missing", SNAPSHOT_1, "\"VolumeSizeInBytes\":",
	       "\"XolumeSizeInBytes\":", -EUCLEAN, ""),
	RECORD("record-consistency", SNAPSHOT_1, "\"offline\"", "\"perfect\"",
	       -EUCLEAN, ""),
	RECORD("record-description", SNAPSHOT_1, "the first",
	       "the\\u202efirst", -EUCLEAN, ""),
	RECORD("record-tag-key", SNAPSHOT_2, "\"Name\":", "\"Na=e\":",
	       -EUCLEAN, ""),
	RECORD("record-height", SNAPSHOT_1, "\"Height\": 1", "\"Height\": 2",
	       -EUCLEAN, ""),
	RECORD("record-height-size", SNAPSHOT_4, "\"Height\": 2",
	       "\"Height\": 3", -EUCLEAN, ""),
	RECORD("record-root-hex", SNAPSHOT_1, "\"Root\": \"1", "\"Root\": \"A",
	       -EUCLEAN, ""),
	RECORD("record-root-short", SNAPSHOT_1, "\"Root\": \"10",
	       "\"Root\": \"", -EUCLEAN, ""),
	RECORD("record-root-kind", SNAPSHOT_4, "\"Root\": \"00",
	       "\"Root\": \"01", -EUCLEAN, ""),

	RECORD("record-owner", SNAPSHOT_5, "\"OwnerId\": 1000",
	       "\"OwnerId\": 4294967295", -EUCLEAN, "'OwnerId' is too large"),
	RECORD("record-grant-twice", SNAPSHOT_5, "\"GroupId\": 4",
	       "\"UserId\": 1000", -EUCLEAN, "twice"),
	RECORD("record-grant-both", SNAPSHOT_5, "\"GroupId\": 4",
	       "\"GroupId\": 4, \"UserId\": 4", -EUCLEAN, "alone"),
	RECORD("record-grant-none", SNAPSHOT_5, "\"GroupId\": 4", "",
	       -EUCLEAN, "alone"),
	RECORD("record-grant-unknown", SNAPSHOT_5, "\"all\"", "\"some\"",
	       -EUCLEAN, "'Group' is not 'all'"),
	RECORD("record-grant-large", SNAPSHOT_5, "\"GroupId\": 4",
	       "\"GroupId\": 4294967295", -EUCLEAN, "'GroupId' is too large"),

	RECORD("image-kind", IMAGE_1, "\"Kind\": \"image\"",
	       "\"Kind\": \"snapshot\"", -EUCLEAN, "'Kind' is not"),
	RECORD("image-id", IMAGE_1, "\"img-00000000000000001\"",
	       "\"img-00000000000000009\"", -EUCLEAN, "file's name"),
	RECORD("image-name", IMAGE_1, "\"web (1)", "\"../web (1)", -EUCLEAN,
	       "'Name' starts with a dot"),
	RECORD("image-name-slash", IMAGE_1, "\"web (1)", "\"web/(1)", -EUCLEAN,
	       "'Name' holds a character"),
	RECORD("image-name-short", IMAGE_2, "\"web-2\"", "\"we\"", -EUCLEAN,
	       "'Name' is shorter"),
	RECORD("image-name-id", IMAGE_2, "\"web-2\"",
	       "\"img-00000000000000001\"", -EUCLEAN, "'Name' has the form"),
	RECORD("image-state", IMAGE_1, "\"State\": \"disabled\"",
	       "\"State\": \"deregistered\"", -EUCLEAN,
	       "'State' is neither"),
	RECORD("image-owner", IMAGE_1, "\"OwnerId\": 1000",
	       "\"OwnerId\": -1", -EUCLEAN, "'OwnerId' is not a whole"),
	RECORD("image-set", IMAGE_2, "\"set-0", "\"snap-0", -EUCLEAN,
	       "'SetId' is not an id"),
	RECORD("image-origin", IMAGE_1, "\"img-0123456789abcdef0\"",
	       "\"ami-0123456789abcdef0\"", -EUCLEAN,
	       "'SourceImageId' is not an id"),
	RECORD("image-description", IMAGE_1, "all of it", "all\\u202eof it",
	       -EUCLEAN, "'Description' holds a control"),
	RECORD("image-tag-value", IMAGE_1, "\"Name\": \"web\"",
	       "\"Name\": null", -EUCLEAN, "'Tags' has a bad value"),
	RECORD("image-architecture", IMAGE_1, "\"x86_64\"", "\"pdp11\"",
	       -EUCLEAN, "'Architecture' is not known"),
	RECORD("image-boot-mode", IMAGE_1, "\"uefi\"", "\"bios\"", -EUCLEAN,
	       "'BootMode' is not known"),
	RECORD("image-platform", IMAGE_1,
	       "\"Debian GNU/Linux 12 (bookworm)\"", "\"\"", -EUCLEAN,
	       "'PlatformDetails' is empty"),
	RECORD("image-deprecation", IMAGE_1,
	       "\"DeprecationTime\": \"2026-11-22T15:24:58.000000001Z\"",
	       "\"DeprecationTime\": \"1970-01-01T00:00:00Z\"", -EUCLEAN,
	       "'DeprecationTime' is the first moment"),
	RECORD("image-protection", IMAGE_1, "\"enabled\"", "\"on\"", -EUCLEAN,
	       "'DeregistrationProtection' is neither"),
	RECORD("image-grants-missing", IMAGE_2, "\"LaunchPermissions\"",
	       "\"launchPermissions\"", -EUCLEAN,
	       "'LaunchPermissions' is missing"),
	RECORD("image-grant-twice", IMAGE_1, "\"GroupId\": 4",
	       "\"UserId\": 1000", -EUCLEAN, "twice"),
	RECORD("image-root-missing", IMAGE_1, "\"RootDeviceName\"",
	       "\"RootDevice\"", -EUCLEAN, "'RootDeviceName' is missing"),
	RECORD("image-root-unmapped", IMAGE_1,
	       "\"RootDeviceName\": \"/dev/sda1\"",
	       "\"RootDeviceName\": \"sda1\"", -EUCLEAN, "is not mapped"),
	RECORD("image-root-empty", IMAGE_1,
	       "\"RootDeviceName\": \"/dev/sda1\"",
	       "\"RootDeviceName\": \"/dev/sdf\"", -EUCLEAN,
	       "not from a snapshot"),
	RECORD("image-root-ephemeral", IMAGE_1,
	       "\"RootDeviceName\": \"/dev/sda1\"",
	       "\"RootDeviceName\": \"/dev/sdb\"", -EUCLEAN,
	       "not from a snapshot"),
	RECORD("image-mappings-none", IMAGE_2, "\"BlockDeviceMappings\": [",
	       "\"BlockDeviceMappings\": [], \"x\": [", -EUCLEAN,
	       "'BlockDeviceMappings' is empty"),
	RECORD("image-device-escape", IMAGE_2, "\"DeviceName\": \"xvdf\"",
	       "\"DeviceName\": \"/dev/../f\"", -EUCLEAN,
	       "'DeviceName' has a part"),
	RECORD("image-device-hidden", IMAGE_2, "\"DeviceName\": \"xvdf\"",
	       "\"DeviceName\": \"/dev/.f\"", -EUCLEAN,
	       "'DeviceName' starts with a dot"),
	RECORD("image-device-root", IMAGE_2, "\"DeviceName\": \"xvdf\"",
	       "\"DeviceName\": \"/dev/root\"", -EUCLEAN,
	       "'DeviceName' is root"),
	RECORD("image-device-twice", IMAGE_2, "\"DeviceName\": \"xvdf\"",
	       "\"DeviceName\": \"xvda\"", -EUCLEAN, "mapped twice"),
	RECORD("image-device-file-twice", IMAGE_2,
	       "\"DeviceName\": \"xvdf\"",
	       "\"DeviceName\": \"/dev/xvda\"", -EUCLEAN,
	       "file name of another"),
	RECORD("image-mapping-two", IMAGE_1, "\"VirtualName\"",
	       "\"NoDevice\": \"\", \"VirtualName\"", -EUCLEAN, "alone"),
	RECORD("image-mapping-nothing", IMAGE_1, "\"NoDevice\"", "\"Nothing\"",
	       -EUCLEAN, "alone"),
	RECORD("image-mapping-no-device", IMAGE_1, "\"NoDevice\": \"\"",
	       "\"NoDevice\": \"sdd\"", -EUCLEAN, "'NoDevice' is not ''"),
	RECORD("image-ephemeral", IMAGE_1, "\"ephemeral23\"",
	       "\"ephemeral24\"", -EUCLEAN, "'VirtualName' is not one"),
	RECORD("image-snapshot", IMAGE_1, "\"snap-0", "\"vol-00", -EUCLEAN,
	       "'SnapshotId' is not an id"),
	RECORD("image-size-zero", IMAGE_1, "\"VolumeSizeInBytes\": 8192",
	       "\"VolumeSizeInBytes\": 0", -EUCLEAN, "size of zero"),
	RECORD("image-size-huge", IMAGE_1, "\"VolumeSizeInBytes\": 8192",
	       "\"VolumeSizeInBytes\": 1152921504606846977", -EUCLEAN,
	       "'VolumeSizeInBytes' is too large"),
	RECORD("image-size-missing", IMAGE_1, "\"VolumeSizeInBytes\": 8192",
	       "\"VolumeSize\": 8192", -EUCLEAN,
	       "'VolumeSizeInBytes' is missing"),
	RECORD("image-termination", IMAGE_1, "\"DeleteOnTermination\": true",
	       "\"DeleteOnTermination\": \"true\"", -EUCLEAN,
	       "neither true nor false"),

	RECORD("set-members", SET_1, "\"Members\": 2", "\"Members\": 0",
	       -EUCLEAN, ""),
	RECORD("set-members-many", SET_1, "\"Members\": 2", "\"Members\": 1025",
	       -EUCLEAN, ""),
	RECORD("set-name", SET_1, "\"set-00000000000000001\"",
	       "\"set-00000000000000002\"", -EUCLEAN, ""),

	RECORD("config-version", CONFIG, "\"Version\": 1", "\"Version\": 2",
	       -EOPNOTSUPP, ""),
	RECORD("config-feature", CONFIG, "\"IncompatFeatures\": []",
	       "\"IncompatFeatures\":[\"x\"]", -EOPNOTSUPP, ""),
	RECORD("config-chunk-size", CONFIG, "\"ChunkSizeInBytes\": 4096",
	       "\"ChunkSizeInBytes\": 4097", -EUCLEAN, ""),
	RECORD("config-chunk-size-huge", CONFIG, "\"ChunkSizeInBytes\": 4096",
	       "\"ChunkSizeInBytes\": 4294967296", -EUCLEAN, ""),
	RECORD("config-compression", CONFIG, "\"lz4\"", "\"zip\"", -EUCLEAN,
	       ""),
	RECORD("config-secret", CONFIG, "\"Secret\": \"0d", "\"Secret\": \"",
	       -EUCLEAN, ""),
	RECORD("config-uuid", CONFIG, "00112233-4455", "00112233-44-5",
	       -EUCLEAN, ""),
};
/* clang-format on */

const size_t sfs_defect_count = SFS_ARRAY_SIZE(sfs_defects);

const struct sfs_defect *sfs_defect_find(const char *name)
{
	size_t i;

	for (i = 0; i < sfs_defect_count; i++)
		if (strcmp(sfs_defects[i].name, name) == 0)
			return &sfs_defects[i];
	return NULL;
}

static void resize(struct sfs_golden_file *file, int by)
{
	size_t size = by < 0 && (size_t)-by > file->size
			      ? 0
			      : file->size + (size_t)by;
	uint8_t *bytes = sfs_golden_alloc(size);

	memcpy(bytes, file->bytes, file->size < size ? file->size : size);
	free(file->bytes);
	file->bytes = bytes;
	file->size = size;
}

static void put_hex(const struct sfs_defect *defect,
		    struct sfs_golden_file *file)
{
	size_t n = strlen(defect->hex) / 2;
	size_t at = defect->offset < 0 ? file->size - (size_t)-defect->offset
				       : (size_t)defect->offset;

	if (at + n > file->size ||
	    !sfs_hex_parse(defect->hex, file->bytes + at, n))
		errx(2, "defect '%s': does not fit", defect->name);
}

static void put_text(const struct sfs_defect *defect,
		     struct sfs_golden_file *file)
{
	size_t from = strlen(defect->find), to = strlen(defect->replace);
	char *at = strstr((char *)file->bytes, defect->find);
	size_t before, behind;

	if (!at)
		errx(2, "defect '%s': no '%s' in the record", defect->name,
		     defect->find);
	before = (size_t)(at - (char *)file->bytes);
	behind = file->size - before - from;
	if (to > from)
		resize(file, (int)(to - from));
	memmove(file->bytes + before + to, file->bytes + before + from, behind);
	memcpy(file->bytes + before, defect->replace, to);
	if (to < from)
		resize(file, -(int)(from - to));
}

void sfs_defect_apply(const struct sfs_defect *defect,
		      struct sfs_golden *golden)
{
	struct sfs_golden_file *file = &golden->files[defect->file];

	if (defect->hex)
		put_hex(defect, file);
	else if (defect->find)
		put_text(defect, file);
	else
		resize(file, defect->grow);
	if (defect->sealed)
		sfs_golden_reseal(defect->file, file);
}

void sfs_defect_list(void)
{
	size_t i;

	for (i = 0; i < sfs_defect_count; i++)
		printf("%-24s %-40s %-11s %s\n", sfs_defects[i].name,
		       sfs_golden_path(sfs_defects[i].file),
		       sfs_defects[i].error == -EBADMSG	     ? "EBADMSG"
		       : sfs_defects[i].error == -EOPNOTSUPP ? "EOPNOTSUPP"
							     : "EUCLEAN",
		       sfs_defects[i].why);
}
