/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "src/probe-run.h"

/* Words that files of a system say about it.  Pure functions. */

#include <ctype.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "format/le.h"
#include "format/name.h"

/* Linux, Documentation/arch/x86/boot.rst, arm64/booting.rst and
 * riscv/boot-image-header.rst. */
#define X86_MAGIC_OFFSET   0x202
#define X86_VERSION_OFFSET 0x206
#define X86_XLOADFLAGS	   0x236
#define X86_VERSION_XLOAD  0x20c /* the first that has these flags */
#define X86_XLOAD_IS_64	   0x01
#define IMAGE_MAGIC_OFFSET 0x38
#define X86_HEADER_SIZE	   (X86_XLOADFLAGS + 2)
#define IMAGE_HEADER_SIZE  (IMAGE_MAGIC_OFFSET + 4)
#define ELF_MACHINE_OFFSET 0x12
#define ELF_HEADER_SIZE	   (ELF_MACHINE_OFFSET + 2)

static uint16_t get16(const uint8_t *bytes)
{
	le16 value;

	memcpy(&value, bytes, sizeof(value));
	return le16_get(value);
}

static const char *x86_kernel(const uint8_t *head)
{
	/* Older ones do not say. */
	if (get16(head + X86_VERSION_OFFSET) < X86_VERSION_XLOAD)
		return NULL;
	return get16(head + X86_XLOADFLAGS) & X86_XLOAD_IS_64 ? "x86_64"
							      : "i386";
}

const char *sfs_probe_kernel_architecture(const uint8_t *head, size_t size)
{
	if (size >= X86_HEADER_SIZE &&
	    memcmp(head + X86_MAGIC_OFFSET, "HdrS", 4) == 0)
		return x86_kernel(head);
	if (size < IMAGE_HEADER_SIZE)
		return NULL;
	if (memcmp(head + IMAGE_MAGIC_OFFSET, "ARM\x64", 4) == 0)
		return "arm64";
	if (memcmp(head + IMAGE_MAGIC_OFFSET, "RSC\x05", 4) == 0)
		return "riscv64";
	return NULL;
}

const char *sfs_probe_program_architecture(const uint8_t *head, size_t size)
{
	static const struct {
		uint16_t machine;
		uint8_t word;
		const char *name;
	} known[] = {
		{ EM_386, ELFCLASS32, "i386" },
		{ EM_X86_64, ELFCLASS64, "x86_64" },
		{ EM_X86_64, ELFCLASS32, "x86_64" }, /* x32 */
		{ EM_AARCH64, ELFCLASS64, "arm64" },
		{ EM_RISCV, ELFCLASS64, "riscv64" },
	};

	if (size < ELF_HEADER_SIZE || memcmp(head, ELFMAG, SELFMAG) != 0 ||
	    head[EI_DATA] != ELFDATA2LSB)
		return NULL;
	for (size_t i = 0; i < SFS_ARRAY_SIZE(known); i++)
		if (get16(head + ELF_MACHINE_OFFSET) == known[i].machine &&
		    head[EI_CLASS] == known[i].word)
			return known[i].name;
	return NULL;
}

/* The character at *@p of a shell word inside of @quote (0: none), moving on.
 * False where it is a quote or the end, and stands still. */
static bool take_char(const char **p, char quote, char *ret)
{
	const char *at = *p;
	char c = *at;

	if (c == '\0' || c == '\n' || c == quote)
		return false;
	if (!quote && (c == '\'' || c == '"' || isspace((unsigned char)c)))
		return false;
	if (c == '\\' && quote != '\'') {
		/* In double quotes it stands for itself before most. */
		if (!quote || strchr("\"$`\\", at[1]))
			c = *++at;
		if (c == '\0' || c == '\n')
			return false;
	}
	*p = at + 1;
	*ret = c;
	return true;
}

/* The shell word at @p, as os-release(5) allows: one line, with quotes. */
static bool unquote(const char *p, char *ret, size_t size)
{
	size_t length = 0;
	char quote = 0, c;

	for (;;) {
		if (take_char(&p, quote, &c)) {
			if (length + 1 >= size)
				return false;
			ret[length++] = c;
		} else if (!quote && (*p == '\'' || *p == '"')) {
			quote = *p++;
		} else if (quote && *p == quote) {
			quote = 0;
			p++;
		} else {
			break;
		}
	}
	ret[length] = '\0';
	return !quote && length > 0 &&
	       (*p == '\0' || isspace((unsigned char)*p));
}

bool sfs_probe_pretty_name(const char *text, char ret[SFS_DESCRIPTION_MAX + 1])
{
	static const char key[] = "PRETTY_NAME=";
	const char *line = text, *why;
	bool found = false;

	/* The last one counts, as in a shell. */
	for (; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, sizeof(key) - 1) == 0)
			found = unquote(line + sizeof(key) - 1, ret,
					SFS_DESCRIPTION_MAX + 1);
	}
	if (found && sfs_name_text_ok(ret, SFS_DESCRIPTION_MAX, &why))
		return true;
	ret[0] = '\0';
	return false;
}
