/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Replay: run the target on each file given, and on each file in each
 * directory given.  A corpus without a single file is a mistake. */

#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "src/cleanup.h"
#include "tests/fuzz/fuzz.h"

static unsigned replayed;

static void replay_file(const char *path, size_t size)
{
	CLEANUP_FREE uint8_t *bytes = malloc(size + 1);
	CLEANUP_FREE uint8_t *exact = NULL;
	CLEANUP_FCLOSE FILE *file = fopen(path, "rbe");

	if (!bytes || !file || fread(bytes, 1, size, file) != size)
		err(2, "'%s'", path);
	exact = sfs_fuzz_copy(bytes, size);
	LLVMFuzzerTestOneInput(exact, size);
	replayed++;
}

static void replay(const char *path);

static void replay_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char name[4096];

	if (!dir)
		err(2, "'%s'", path);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		replay(name);
	}
	closedir(dir);
}

static void replay(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		err(2, "'%s'", path);
	if (S_ISDIR(st.st_mode))
		replay_directory(path);
	else
		replay_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		replay(argv[i]);
	if (replayed == 0)
		errx(2, "usage: %s FILE|DIRECTORY...", argv[0]);
	printf("%u inputs\n", replayed);
	return 0;
}
