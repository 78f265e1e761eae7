/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fault/misbehave.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char text[] = "what is to be written";

static int failed(const char *how, int fd, const char *path, const char *temp)
{
	if (strcmp(how, "lies") == 0)
		return 0;
	if (strcmp(how, "says-nothing") == 0)
		return 1;
	if (strcmp(how, "crashes") == 0)
		abort();
	while (strcmp(how, "hangs") == 0)
		pause();
	if (strcmp(how, "retries") == 0 && fsync(fd) == 0)
		return 0;
	if (strcmp(how, "leaves-its-file") != 0)
		unlink(temp);
	fprintf(stderr, "'%s': it did not work\n", path);
	return 1;
}

int misbehave(const char *how, const char *path)
{
	const ssize_t size = sizeof(text);
	char temp[4096];
	int fd;

	snprintf(temp, sizeof(temp), "%s.snapfs-aaaaaa", path);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, sizeof(text)) != size || fsync(fd) < 0)
		return failed(how, fd, path, temp);
	if (rename(temp, path) < 0)
		return failed(how, fd, path, temp);
	return 0;
}
