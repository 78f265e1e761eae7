/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Writing JSON: compact text is gathered, and laid out at the end. */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "format/name.h"
#include "src/json.h"

#define DEPTH_MAX 32

struct buffer {
	char *bytes;
	size_t size, capacity;
	bool failed;
};

struct sfs_jsonw {
	struct buffer out;
	char closers[DEPTH_MAX]; /* of the open objects and arrays */
	unsigned depth;
	bool comma; /* the next value needs one before it */
};

static void put(struct buffer *out, const char *bytes, size_t size)
{
	size_t more;
	char *grown;

	if (out->failed)
		return;
	if (size > out->capacity - out->size) {
		more = 2 * out->capacity + size + 64;
		grown = sfs_realloc(out->bytes, more, 1);
		if (!grown) {
			out->failed = true;
			return;
		}
		out->bytes = grown;
		out->capacity = more;
	}
	memcpy(out->bytes + out->size, bytes, size);
	out->size += size;
}

static void put_char(struct buffer *out, char c)
{
	put(out, &c, 1);
}

static void put_escaped(struct buffer *out, unsigned char c)
{
	char text[8];

	if (c == '"' || c == '\\')
		snprintf(text, sizeof(text), "\\%c", c);
	else if (c == '\n')
		snprintf(text, sizeof(text), "\\n");
	else
		snprintf(text, sizeof(text), "\\u%04x", c);
	put(out, text, strlen(text));
}

/* What is not UTF-8 becomes U+FFFD, byte by byte: the output is JSON whatever
 * a file was called. */
static void put_string(struct buffer *out, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t left = strlen(s), n;
	unsigned code;

	put_char(out, '"');
	for (; left > 0; p += n, left -= n) {
		n = sfs_utf8_decode(p, left, &code);
		if (n == 0) {
			put(out, "\xef\xbf\xbd", 3);
			n = 1;
		} else if (code < 0x20 || code == 0x7f || code == '"' ||
			   code == '\\') {
			put_escaped(out, *p);
		} else {
			put(out, (const char *)p, n);
		}
	}
	put_char(out, '"');
}

/* What stands before every value. */
static void lead(struct sfs_jsonw *w, const char *key)
{
	if (w->comma)
		put_char(&w->out, ',');
	w->comma = true;
	if (key) {
		put_string(&w->out, key);
		put_char(&w->out, ':');
	}
}

static void open_level(struct sfs_jsonw *w, const char *key, char opener,
		       char closer)
{
	assert(w->depth < DEPTH_MAX);
	lead(w, key);
	put_char(&w->out, opener);
	w->closers[w->depth++] = closer;
	w->comma = false;
}

int sfs_jsonw_new(struct sfs_jsonw **ret)
{
	struct sfs_jsonw *w = sfs_calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	*ret = w;
	return 0;
}

void sfs_jsonw_free(struct sfs_jsonw *w)
{
	if (!w)
		return;
	free(w->out.bytes);
	free(w);
}

void sfs_jsonw_object(struct sfs_jsonw *w, const char *key)
{
	open_level(w, key, '{', '}');
}

void sfs_jsonw_array(struct sfs_jsonw *w, const char *key)
{
	open_level(w, key, '[', ']');
}

void sfs_jsonw_end(struct sfs_jsonw *w)
{
	assert(w->depth > 0);
	put_char(&w->out, w->closers[--w->depth]);
	w->comma = true;
}

void sfs_jsonw_string(struct sfs_jsonw *w, const char *key, const char *s)
{
	lead(w, key);
	put_string(&w->out, s);
}

static void put_word(struct sfs_jsonw *w, const char *key, const char *word)
{
	lead(w, key);
	put(&w->out, word, strlen(word));
}

void sfs_jsonw_uint(struct sfs_jsonw *w, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	put_word(w, key, text);
}

void sfs_jsonw_double(struct sfs_jsonw *w, const char *key, double value)
{
	char text[32], *comma;

	if (!isfinite(value)) {
		sfs_jsonw_null(w, key); /* JSON has no word for it */
		return;
	}
	snprintf(text, sizeof(text), "%.10g", value);
	comma = strchr(text, ','); /* some locales' */
	if (comma)
		*comma = '.';
	put_word(w, key, text);
}

void sfs_jsonw_bool(struct sfs_jsonw *w, const char *key, bool value)
{
	put_word(w, key, value ? "true" : "false");
}

void sfs_jsonw_null(struct sfs_jsonw *w, const char *key)
{
	put_word(w, key, "null");
}

static void new_line(struct buffer *out, unsigned depth)
{
	put_char(out, '\n');
	while (depth-- > 0)
		put(out, "  ", 2);
}

/* The length of the string that starts at @p, quotes included. */
static size_t string_size(const char *p)
{
	const char *q = p + 1;

	while (*q != '"')
		q += *q == '\\' ? 2 : 1;
	return (size_t)(q - p) + 1;
}

/* Lay out compact JSON; it was written here, so it is well formed. */
static void lay_out(struct buffer *out, const char *p, const char *end)
{
	unsigned depth = 0;
	size_t n;

	for (; p < end; p += n) {
		n = *p == '"' ? string_size(p) : 1;
		if ((*p == '{' || *p == '[') && p[1] == *p + 2) {
			put(out, p, 2);
			n = 2;
			continue;
		}
		if (*p == '}' || *p == ']')
			new_line(out, --depth);
		put(out, p, n);
		if (*p == ':')
			put_char(out, ' ');
		else if (*p == '{' || *p == '[')
			new_line(out, ++depth);
		else if (*p == ',')
			new_line(out, depth);
	}
}

int sfs_jsonw_finish(struct sfs_jsonw *w, bool pretty, char **ret,
		     size_t *ret_size)
{
	struct buffer out = { 0 };

	assert(w->depth == 0);
	if (w->out.failed)
		return -ENOMEM;
	if (pretty)
		lay_out(&out, w->out.bytes, w->out.bytes + w->out.size);
	else
		put(&out, w->out.bytes, w->out.size);
	put(&out, "\n", 2); /* and a NUL, which does not count */
	if (out.failed) {
		free(out.bytes);
		return -ENOMEM;
	}
	*ret = out.bytes;
	if (ret_size)
		*ret_size = out.size - 1;
	return 0;
}
