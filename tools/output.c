/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/output.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "format/name.h"
#include "format/time.h"
#include "src/image-json.h"
#include "src/log.h"
#include "src/record-write.h"

/* The widest key of sfs_output_field(), colon and space. */
#define FIELD_WIDTH 16

void sfs_output_text(FILE *file, const char *s)
{
	size_t left = strlen(s), n;
	const char *why;
	unsigned code;
	char one[5];

	for (; left > 0; s += n, left -= n) {
		n = sfs_utf8_decode((const unsigned char *)s, left, &code);
		memcpy(one, s, n);
		one[n] = '\0';
		if (n > 0 && sfs_name_text_ok(one, n, &why)) {
			fputs(one, file);
			continue;
		}
		n = 1;
		fprintf(file, "\\x%02x", (unsigned char)*s);
	}
}

void sfs_output_size(uint64_t bytes, char ret[SFS_OUTPUT_SIZE])
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes / 1024;
	const char *unit = units;

	if (bytes < 1024) {
		snprintf(ret, SFS_OUTPUT_SIZE, "%u B", (unsigned)bytes);
		return;
	}
	/* What would round to 1024.0 is 1.0 of the next unit. */
	for (; value >= 1023.95 && unit[1]; unit++)
		value /= 1024;
	snprintf(ret, SFS_OUTPUT_SIZE, "%.1f %ciB", value, *unit);
}

void sfs_output_exact(uint64_t bytes, char ret[SFS_OUTPUT_EXACT])
{
	char size[SFS_OUTPUT_SIZE];

	sfs_output_size(bytes, size);
	if (bytes < 1024)
		snprintf(ret, SFS_OUTPUT_EXACT, "%" PRIu64 " %s", bytes,
			 bytes == 1 ? "byte" : "bytes");
	else
		snprintf(ret, SFS_OUTPUT_EXACT, "%s (%" PRIu64 " bytes)", size,
			 bytes);
}

static void put_key(const char *key)
{
	int length = printf("%s%s", key, *key ? ":" : "");

	printf("%*s", FIELD_WIDTH - length, "");
}

void sfs_output_field(const char *key, const char *value)
{
	put_key(key);
	sfs_output_text(stdout, value);
	putchar('\n');
}

void sfs_output_field_size(const char *key, uint64_t bytes)
{
	char text[SFS_OUTPUT_EXACT];

	sfs_output_exact(bytes, text);
	sfs_output_field(key, text);
}

void sfs_output_field_time(const char *key, int64_t time_ns)
{
	char text[SFS_TIME_SIZE];

	sfs_time_format(time_ns, text);
	sfs_output_field(key, text);
}

void sfs_output_field_count(const char *key, uint64_t count)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, count);
	sfs_output_field(key, text);
}

void sfs_output_field_tags(const struct sfs_tags *tags)
{
	size_t i;

	for (i = 0; i < tags->count; i++) {
		put_key(i == 0 ? "Tags" : "");
		sfs_output_text(stdout, tags->tags[i].key);
		putchar('=');
		sfs_output_text(stdout, tags->tags[i].value);
		putchar('\n');
	}
}

int sfs_output_json(struct sfs_jsonw *w)
{
	CLEANUP_FREE char *text = NULL;
	int r;

	r = sfs_jsonw_finish(w, true, &text, NULL);
	if (r < 0)
		return r;
	fputs(text, stdout);
	return 0;
}

void sfs_output_json_time(struct sfs_jsonw *w, const char *key, int64_t time_ns)
{
	char text[SFS_TIME_SIZE];

	sfs_time_format(time_ns, text);
	sfs_jsonw_string(w, key, text);
}

/* @id, or null where there is none. */
static void json_id(struct sfs_jsonw *w, const char *key, const char *id)
{
	if (*id)
		sfs_jsonw_string(w, key, id);
	else
		sfs_jsonw_null(w, key);
}

void sfs_output_json_snapshot(struct sfs_jsonw *w, const char *key,
			      const struct sfs_snapshot *snapshot)
{
	sfs_jsonw_object(w, key);
	sfs_jsonw_string(w, "SnapshotId", snapshot->id);
	sfs_jsonw_string(w, "VolumeId", snapshot->volume_id);
	sfs_jsonw_string(w, "VolumeName", snapshot->volume);
	sfs_jsonw_string(w, "State", "completed");
	sfs_output_json_time(w, "StartTime", snapshot->time_ns);
	sfs_output_json_time(w, "CompletionTime", snapshot->completed_ns);
	sfs_jsonw_uint(w, "VolumeSizeInBytes", snapshot->size);
	sfs_jsonw_uint(w, "FullSnapshotSizeInBytes", snapshot->data_bytes);
	sfs_jsonw_uint(w, "StoredInBytes", snapshot->stored_bytes);
	sfs_jsonw_uint(w, "BadInBytes", snapshot->bad_bytes);
	sfs_jsonw_string(w, "Consistency",
			 sfs_consistency_name(snapshot->consistency));
	json_id(w, "ParentSnapshotId", snapshot->parent);
	json_id(w, "SnapshotSetId", snapshot->set);
	sfs_jsonw_string(w, "Source", snapshot->source);
	sfs_jsonw_string(w, "Description", snapshot->description);
	sfs_tags_json(w, "Tags", &snapshot->tags);
	if (snapshot->owner == SFS_OWNER_NONE)
		sfs_jsonw_null(w, "OwnerId");
	else
		sfs_jsonw_uint(w, "OwnerId", snapshot->owner);
	sfs_record_put_grants(w, "CreateVolumePermissions", &snapshot->grants);
	sfs_jsonw_end(w);
}

int sfs_output_close(void)
{
	bool failed = ferror(stdout);
	int error = EIO;

	errno = 0;
	if (fclose(stdout) != 0) {
		failed = true;
		error = errno ? errno : EIO;
	}
	if (!failed)
		return 0;
	sfs_err("stdout: cannot write the result: %s", strerror(error));
	return -EIO;
}
