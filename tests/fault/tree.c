/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault/digest.h"
#include "tests/fault/fault.h"

uint64_t digest_add(uint64_t digest, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;
	size_t i;

	for (i = 0; i < size; i++)
		digest = (digest ^ p[i]) * UINT64_C(0x100000001b3);
	return digest;
}

uint64_t digest_file(const char *path, uint64_t *ret_size)
{
	static uint8_t buffer[65536];
	uint64_t digest = DIGEST_START;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	*ret_size = 0;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		digest = digest_add(digest, buffer, (size_t)n);
		*ret_size += (uint64_t)n;
	}
	close(fd);
	return digest;
}

/* ---- walking ---- */

typedef void entry_fn(const char *path, bool is_dir, void *context);

static void each_entry(const char *dir, entry_fn *each, void *context)
{
	char path[PATH_SIZE];
	struct dirent *entry;
	DIR *d = opendir(dir);

	if (!d && errno == ENOENT)
		return;
	if (!d)
		die("%s: %s", dir, strerror(errno));
	while ((entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		each(path, entry->d_type == DT_DIR, context);
	}
	closedir(d);
}

struct walk {
	size_t prefix; /* of paths, left out of names */
	void (*each)(const char *path, const char *name, void *context);
	void *context;
};

static void walk_entry(const char *path, bool is_dir, void *context)
{
	struct walk *walk = context;

	if (is_dir)
		each_entry(path, walk_entry, walk);
	else
		walk->each(path, path + walk->prefix, walk->context);
}

void each_file(const char *dir,
	       void (*each)(const char *path, const char *name, void *context),
	       void *context)
{
	const char *slash = strrchr(dir, '/');
	struct walk walk = { (size_t)(slash + 1 - dir), each, context };

	each_entry(dir, walk_entry, &walk);
}

static void count_one(const char *path, bool is_dir, void *context)
{
	(void)path;
	(void)is_dir;
	++*(size_t *)context;
}

size_t count_names(const char *dir, const char *name)
{
	char path[PATH_SIZE];
	size_t count = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	each_entry(path, count_one, &count);
	return count;
}

/* ---- copying ---- */

static void copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;
	ssize_t n = 1;

	if (in < 0 || out < 0 || fstat(in, &st) < 0)
		die("%s: %s", to, strerror(errno));
	while (st.st_size > 0 && n > 0) {
		n = copy_file_range(in, NULL, out, NULL, (size_t)st.st_size, 0);
		st.st_size -= n;
	}
	if (st.st_size != 0)
		die("%s: %s", to, strerror(errno));
	close(in);
	close(out);
}

struct copying {
	const char *from, *to;
};

static void copy_entry(const char *path, bool is_dir, void *context)
{
	const struct copying *copying = context;
	char to[PATH_SIZE];

	snprintf(to, sizeof(to), "%s%s", copying->to,
		 path + strlen(copying->from));
	if (!is_dir) {
		copy_file(path, to);
		return;
	}
	if (mkdir(to, 0700) < 0)
		die("%s: %s", to, strerror(errno));
	each_entry(path, copy_entry, context);
}

void copy_tree(const char *from, const char *to)
{
	struct copying copying = { from, to };

	if (mkdir(to, 0700) < 0)
		die("%s: %s", to, strerror(errno));
	each_entry(from, copy_entry, &copying);
}

static void remove_entry(const char *path, bool is_dir, void *context)
{
	if (is_dir)
		each_entry(path, remove_entry, context);
	if ((is_dir ? rmdir(path) : unlink(path)) < 0)
		die("%s: %s", path, strerror(errno));
}

void remove_tree(const char *path)
{
	each_entry(path, remove_entry, NULL);
	if (rmdir(path) < 0 && errno != ENOENT)
		die("%s: %s", path, strerror(errno));
}

/* ---- a repository's files ---- */

static void add_object(const char *path, const char *name, void *context)
{
	struct files *files = context;
	struct state *names = &files->names;
	struct stat st;

	if (stat(path, &st) < 0)
		die("%s: %s", path, strerror(errno));
	if (strncmp(name, "packs/", 6) == 0)
		files->packs++;
	else
		files->records++;
	names->lines = must_alloc(realloc(
		names->lines, (names->count + 1) * sizeof(*names->lines)));
	names->lines[names->count++] = must_alloc(
		sfs_asprintf("%s\t%lld", name, (long long)st.st_size));
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void files_read(const char *dir, struct files *ret)
{
	char path[PATH_SIZE];

	*ret = (struct files){ 0 };
	snprintf(path, sizeof(path), "%s/repo/packs", dir);
	each_file(path, add_object, ret);
	snprintf(path, sizeof(path), "%s/repo/records", dir);
	each_file(path, add_object, ret);
	if (ret->names.count)
		qsort(ret->names.lines, ret->names.count, sizeof(char *),
		      compare);
}

void files_done(struct files *files)
{
	state_done(&files->names);
}

static void note_unfinished(const char *path, const char *name, void *context)
{
	(void)path;
	if (strstr(name, ".snapfs-"))
		snprintf(context, PATH_SIZE, "%s", name);
}

const char *unfinished_file(const char *dir)
{
	static char found[PATH_SIZE];
	char path[PATH_SIZE];

	found[0] = '\0';
	snprintf(path, sizeof(path), "%s/out", dir);
	each_file(path, note_unfinished, found);
	return found[0] ? found : NULL;
}
