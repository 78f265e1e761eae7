/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/golden/document.h"

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/cleanup.h"

#define SIZE_MAX_SHOWN (1u << 16)

struct dump {
	uint8_t *bytes;
	size_t size;
	bool repeat; /* a "*" came: the last line goes on */
};

static void put_text(struct dump *dump, const char *line)
{
	size_t n = strlen(line);

	if (dump->size + n > SIZE_MAX_SHOWN)
		errx(2, "FORMAT.md: example too long");
	memcpy(dump->bytes + dump->size, line, n);
	dump->size += n;
}

/* Fill up to @offset with the last line, where a "*" asked for it. */
static void repeat_line(struct dump *dump, size_t offset)
{
	if (offset > SIZE_MAX_SHOWN || dump->size < 16)
		errx(2, "FORMAT.md: bad '*' in hex dump");
	for (; dump->size < offset; dump->size++)
		dump->bytes[dump->size] = dump->bytes[dump->size - 16];
	dump->repeat = false;
}

static void put_hex(struct dump *dump, const char *line)
{
	size_t offset;
	char *end;
	int i;

	if (line[0] == '*') {
		dump->repeat = true;
		return;
	}
	offset = strtoul(line, &end, 16);
	if (dump->repeat)
		repeat_line(dump, offset);
	if (end != line + 8 || offset != dump->size ||
	    offset + 16 > SIZE_MAX_SHOWN)
		errx(2, "FORMAT.md: bad line in hex dump: %s", line);
	for (i = 0; i < 16; i++) {
		line = end;
		while (*line == ' ')
			line++;
		if (*line == '|' || *line == '\n')
			break;
		dump->bytes[dump->size++] = (uint8_t)strtoul(line, &end, 16);
		if (end != line + 2)
			errx(2, "FORMAT.md: bad byte in hex dump: %s", line);
	}
}

uint8_t *sfs_document_file(const char *document, const char *path,
			   size_t *ret_size)
{
	void (*put)(struct dump * dump, const char *line) = NULL;
	CLEANUP_FREE uint8_t *bytes = calloc(1, SIZE_MAX_SHOWN);
	CLEANUP_FCLOSE FILE *file = fopen(document, "re");
	struct dump dump = { .bytes = bytes };
	char line[4096], shown[4096];

	if (!bytes || !file)
		err(2, "'%s'", document);
	while (fgets(line, sizeof(line), file)) {
		if (put && strncmp(line, "```", 3) == 0) {
			*ret_size = dump.size;
			return TAKE_PTR(bytes);
		}
		if (put)
			put(&dump, line);
		else if (sscanf(line, "```hexdump %4000s", shown) == 1 &&
			 strcmp(shown, path) == 0)
			put = put_hex;
		else if (sscanf(line, "```json %4000s", shown) == 1 &&
			 strcmp(shown, path) == 0)
			put = put_text;
	}
	return NULL;
}
