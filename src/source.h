/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_SRC_SOURCE_H
#define SNAPFS_SRC_SOURCE_H

/*
 * What a snapshot is taken of: a regular file, a block device or a stream,
 * or a volume of an image file, and how consistent the reading of it is.
 *
 * A source that somebody may be writing is refused unless the cut is made
 * safe: its file systems frozen, its file cloned by the file system
 * (FICLONE), or fuzziness allowed.  Consistency is what was achieved:
 *
 *	offline     nobody had it open for writing, and it did not change
 *	filesystem  every file system on it was frozen or mounted read-only
 *	crash       one moment (a clone of a file in use)
 *	fuzzy       it may have changed while it was read; so may what a
 *	            stream comes from, for all we know
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/cleanup.h"
#include "src/snapshot.h"
#include "src/util.h"

struct sfs_source;
struct sfs_freeze;

/* Freeze the file systems mounted at @dirs until sfs_freeze_thaw().  A guard
 * process holds them and thaws when told or when this process dies, however
 * it dies; should the guard die, this process thaws.  All or none: on failure
 * what was frozen is thawed.  -EINVAL: not a mount point's directory or the
 * file system of @keep_clear (a path that must stay writable, the
 * repository), with the reason logged. */
SFS_MUST_CHECK int sfs_freeze_start(char *const *dirs, size_t count,
				    const char *keep_clear,
				    struct sfs_freeze **ret);
/* Thaw, and free @freeze in any case.  Returns 0, or -EIO when the freeze did
 * not hold until now (somebody else thawed, or the guard died): the snapshot is
 * then not consistent. */
SFS_MUST_CHECK int sfs_freeze_thaw(struct sfs_freeze *freeze);
/* The same, for every other way out; accepts NULL. */
void sfs_freeze_free(struct sfs_freeze *freeze);
SFS_DEFINE_CLEANUP(struct sfs_freeze, sfs_freeze_free);
#define CLEANUP_FREEZE __attribute__((cleanup(sfs_freeze_freep)))

/* Whether the file system with device number @dev, as /proc/self/mountinfo
 * has it, is frozen by @freeze. */
bool sfs_freeze_covers(const struct sfs_freeze *freeze, uint64_t dev);

struct sfs_source_options {
	const struct sfs_freeze *freeze; /* or NULL */
	bool allow_fuzzy;
	bool quiet_bad; /* unreadable places are the caller's to report */
	bool no_clone;	/* for tests: do not try FICLONE */
};

/* Open @path ("-" is stdin) for one reading, and make the cut: after this
 * returns, and the freeze ends, a cloned file is safe from change; any other
 * source must be read while the freeze holds.  Logs and returns -EBUSY (in
 * use for writing, saying where it is mounted and what to do), -EISDIR,
 * -EINVAL (not a file or block device), -ENOENT, -EACCES ... */
SFS_MUST_CHECK int sfs_source_open(const char *path,
				   const struct sfs_source_options *options,
				   struct sfs_source **ret);
void sfs_source_close(struct sfs_source *source);
SFS_DEFINE_CLEANUP(struct sfs_source, sfs_source_close);
#define CLEANUP_SOURCE __attribute__((cleanup(sfs_source_closep)))

/* Where the bytes of a source come from that is no file or device of its own.
 * As sfs_source_data() and sfs_source_read(); @backing is whose they are. */
struct sfs_source_ops {
	int (*data)(void *backing, uint64_t offset, uint64_t *ret_start,
		    uint64_t *ret_end);
	int (*read)(void *backing, void *buffer, size_t size, uint64_t offset);
	void (*close)(void *backing);
};

/* Make a source of @size bytes that cannot change, @name for people, of which
 * is known that its consistency is that.  Takes over @backing on success. */
SFS_MUST_CHECK int sfs_source_new(const char *name, uint64_t size,
				  enum sfs_consistency consistency,
				  const struct sfs_source_ops *ops,
				  void *backing, struct sfs_source **ret);

/* The name of the source @path, "-" apart; the caller's to free. */
SFS_MUST_CHECK int sfs_source_absolute(const char *path, char **ret);

/* As the user named it, in absolute form; "-" for a stream. */
const char *sfs_source_name(const struct sfs_source *source);
bool sfs_source_is_stream(const struct sfs_source *source);
/* True when the bytes no longer depend on a freeze (a clone, or what cannot
 * change). */
bool sfs_source_is_clone(const struct sfs_source *source);
/* Bytes; unknown (UINT64_MAX) for a stream. */
uint64_t sfs_source_size(const struct sfs_source *source);

/* The first data at or after @offset: [*ret_start, *ret_end).  At the end of
 * the data both are the size.  Where holes cannot be asked for, all is data.
 * Not for streams. */
SFS_MUST_CHECK int sfs_source_data(struct sfs_source *source, uint64_t offset,
				   uint64_t *ret_start, uint64_t *ret_end);

/* Alignment, in bytes, that buffer, offset and length of a read should have
 * (block devices are read past the page cache): a power of two up to 4096. */
#define SFS_SOURCE_ALIGN 4096u

/* Read at @offset into @buffer, which is SFS_SOURCE_ALIGN-aligned with room
 * for @size rounded up to it; @offset is aligned as well.  Returns 0 having
 * filled exactly @size, -ENODATA when the source ends before (it shrank;
 * logged), -EIO unreadable (logged with the offset unless options->quiet_bad;
 * @buffer is then undefined).  Any thread. */
SFS_MUST_CHECK int sfs_source_read(struct sfs_source *source, void *buffer,
				   size_t size, uint64_t offset);

/* Read the next @size bytes of a stream; *ret_size is less only at its end.
 * -EINTR when a signal without SA_RESTART came: a stream can be idle for long,
 * and who asks to stop should not wait for its next byte. */
SFS_MUST_CHECK int sfs_source_stream(struct sfs_source *source, void *buffer,
				     size_t size, size_t *ret_size);

/* After the last read, and while the freeze still holds unless the source is
 * a clone: what was achieved.  -EBUSY, logged, when the source changed
 * meanwhile and fuzziness is not allowed. */
SFS_MUST_CHECK int sfs_source_finish(struct sfs_source *source,
				     enum sfs_consistency *ret);

/* Where the block device or file @path, or a device made of it, is mounted:
 * for refusals.  Returns 1 and such a directory (caller frees; "[SWAP]" for a
 * swap area; a writable one if there is one), with whether it is writable, or
 * 0, also when @path does not exist.  Understands partitions, device-mapper
 * and loop devices above it. */
SFS_MUST_CHECK int sfs_source_mounted(const char *path, char **ret_dir,
				      bool *ret_writable);

#endif
