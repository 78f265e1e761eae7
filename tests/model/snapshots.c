/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Taking snapshots, reading them, restoring them, comparing them. */

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/diff.h"
#include "src/ingest.h"
#include "src/restore.h"
#include "tests/model/model.h"

static char gone[SFS_ID_SIZE] = "snap-0123456789abcdef0";

/* ---- the model ---- */

const struct kept *find_kept(const char *id)
{
	unsigned i;

	for (i = 0; i < kept_count; i++)
		if (strcmp(kept[i].id, id) == 0)
			return &kept[i];
	return NULL;
}

void keep(const struct volume *volume, const char *id)
{
	struct kept *k = &kept[kept_count++];

	memcpy(k->id, id, sizeof(k->id));
	k->size = volume->size;
	k->bytes = malloc(volume->size + 1);
	memcpy(k->bytes, volume->bytes, volume->size);
}

void drop_kept(const char *id)
{
	size_t i = (size_t)(find_kept(id) - kept);

	memcpy(gone, kept[i].id, sizeof(gone));
	free(kept[i].bytes);
	kept[i] = kept[--kept_count];
	binned_count++;
	forget_twins(gone);
}

const char *gone_snapshot(void)
{
	return gone;
}

/* ---- comparing ---- */

void same(const uint8_t *got, const uint8_t *want, size_t size, const char *id,
	  size_t offset, const char *how)
{
	size_t i;

	if (memcmp(got, want, size) == 0)
		return;
	for (i = 0; got[i] == want[i]; i++)
		;
	die("%s of %s: byte %zu is %u, should be %u", how, id, offset + i,
	    got[i], want[i]);
}

const uint8_t *mapped_bytes(const char *id, size_t size)
{
	static uint8_t bytes[MAPPED_MAX];
	const struct kept *k = find_kept(id);

	memset(bytes, 0, size);
	if (k)
		memcpy(bytes, k->bytes, k->size);
	return bytes;
}

static void compare_holes(struct sfs_view *view, const char *id,
			  const uint8_t *bytes, size_t size)
{
	uint64_t at = 0, data, hole;
	size_t i;
	int r;

	while (at < size) {
		r = sfs_view_next_data(view, at, &data);
		if (r == -ENXIO)
			data = size;
		else
			must(r);
		for (i = at; i < data; i++)
			if (bytes[i])
				die("%s: byte %zu is in a hole", id, i);
		if (data >= size)
			break;
		must(sfs_view_next_hole(view, data, &hole));
		if (hole <= data || hole > size)
			die("%s: data from %" PRIu64 " to %" PRIu64, id, data,
			    hole);
		at = hole;
	}
}

void compare_view(struct sfs_view *view, const char *id, const uint8_t *bytes,
		  size_t size)
{
	static uint8_t buffer[MAPPED_MAX];
	size_t offset = 0, length = size, got;

	if (sfs_view_snapshot(view)->size != size)
		die("%s: size %" PRIu64 ", should be %zu", id,
		    sfs_view_snapshot(view)->size, size);
	if (below(2)) {
		offset = below(size);
		length = below(size - offset);
	}
	must(sfs_view_pread(view, buffer, length, offset, &got));
	if (got != length)
		die("%s: short read", id);
	same(buffer, bytes + offset, length, id, offset, "view");
	compare_holes(view, id, bytes, size);
}

void op_compare(const struct kept *k)
{
	struct sfs_view *view;

	must(sfs_view_open(repo, k->id, &view));
	compare_view(view, k->id, k->bytes, k->size);
	sfs_view_close(view);
}

/* ---- taking ---- */

static int interrupt_soon(struct sfs_progress *progress)
{
	unsigned *left = progress->context;

	return (*left)-- == 0 ? -EINTR : 0;
}

struct sfs_progress *may_interrupt(void)
{
	static unsigned left;
	static struct sfs_progress progress;

	left = (unsigned)below(3);
	progress = (struct sfs_progress){ .what = "test",
					  .step = interrupt_soon,
					  .context = &left };
	return rarely(8) ? &progress : NULL;
}

void op_snapshot(unsigned first, unsigned count)
{
	struct sfs_ingest_member members[VOLUMES] = { 0 };
	struct sfs_snapshot *snapshots[VOLUMES];
	struct sfs_ingest_options options = { .threads = 2 };
	unsigned i;
	int r;

	if (kept_count + count > SNAPSHOTS_MAX)
		return;
	for (i = 0; i < count; i++) {
		members[i].volume = volumes[first + i].name;
		members[i].source = volumes[first + i].path;
	}
	options.progress = may_interrupt();
	if (rarely(10))
		options.parent = "none";
	r = sfs_ingest(repo, members, count, &options, snapshots);
	if (options.progress && r == -EINTR) {
		compare_lists();
		return;
	}
	must(r);
	for (i = 0; i < count; i++) {
		keep(&volumes[first + i], snapshots[i]->id);
		sfs_snapshot_free(snapshots[i]);
	}
	compare_lists();
}

/* ---- restoring ---- */

void op_restore(const struct kept *k)
{
	static uint8_t buffer[DISK_MAX];
	struct sfs_restore_options options = { .force = true, .threads = 2 };
	struct sfs_restore_result result;
	struct sfs_view *view;
	ssize_t n;
	int fd;

	options.delta = below(2);
	options.verify = below(2);
	must(sfs_view_open(repo, k->id, &view));
	must(sfs_restore(view, "restored", &options, &result));
	sfs_view_close(view);
	must(fd = open("restored", O_RDONLY | O_CLOEXEC));
	n = pread(fd, buffer, sizeof(buffer), 0);
	if (n != (ssize_t)k->size)
		die("%s: restored %zd bytes, not %zu", k->id, n, k->size);
	same(buffer, k->bytes, k->size, k->id, 0,
	     options.delta ? "restore --delta" : "restore");
	close(fd);
}

/* ---- differences ---- */

struct ranges {
	const struct kept *from, *to;
	uint64_t at; /* everything before has been judged */
};

static uint8_t byte_of(const struct kept *k, uint64_t i)
{
	return i < k->size ? k->bytes[i] : 0;
}

static void must_equal(const struct ranges *ranges, uint64_t end)
{
	uint64_t i;

	for (i = ranges->at; i < end; i++)
		if (byte_of(ranges->from, i) != byte_of(ranges->to, i))
			die("diff of %s and %s misses byte %" PRIu64,
			    ranges->from->id, ranges->to->id, i);
}

static int take_range(enum sfs_change change, uint64_t offset, uint64_t size,
		      void *context)
{
	struct ranges *ranges = context;
	uint64_t chunk, i;

	(void)change;
	must_equal(ranges, offset);
	for (chunk = offset; chunk < offset + size; chunk += chunk_size) {
		for (i = chunk; i < chunk + chunk_size; i++)
			if (byte_of(ranges->from, i) != byte_of(ranges->to, i))
				break;
		if (i == chunk + chunk_size)
			die("diff of %s and %s: nothing differs at %" PRIu64,
			    ranges->from->id, ranges->to->id, chunk);
	}
	ranges->at = offset + size;
	return 0;
}

void op_diff(const struct kept *from, const struct kept *to)
{
	struct ranges ranges = { from, to, 0 };
	struct sfs_view *a, *b;

	must(sfs_view_open(repo, from->id, &a));
	must(sfs_view_open(repo, to->id, &b));
	must(sfs_diff(a, b, take_range, &ranges));
	must_equal(&ranges, sfs_max(from->size, to->size));
	sfs_view_close(a);
	sfs_view_close(b);
}
