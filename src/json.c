/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reading JSON.  json_tree() gives one row a value in the order of the text,
 * parents before children; the rows become an array of nodes in which the
 * first child follows its parent and the next sibling lies @span further.
 *
 * What json_tree() would let pass is refused here: a NUL in the text (it
 * stops there), \u0000 (it cuts the string there), a lone surrogate, a member
 * that stands twice, and an integer that it had to round.
 */

#include "src/json.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "format/limits.h"
#include "format/name.h"
#include "src/db.h"

/* Records need four levels. */
#define DEPTH_MAX 32

enum type {
	TYPE_OTHER, /* null, a number that is no exact integer */
	TYPE_BOOL,
	TYPE_INT,
	TYPE_STRING,
	TYPE_ARRAY,
	TYPE_OBJECT,
};

struct sfs_json_node {
	const char *key;
	const char *string;
	int64_t number;
	uint32_t span;	/* of nodes: itself and all under it */
	uint32_t above; /* the parent's number; for finding double keys */
	enum type type;
	bool has_next;
};

struct sfs_json {
	struct sfs_json_node *nodes;
	size_t count, capacity;
	char *pool; /* all keys and strings, never longer than the text */
	size_t pool_used, pool_size;
};

/* The objects and arrays around the value that is being added. */
struct frame {
	int64_t id; /* json_tree()'s */
	uint32_t node;
	uint32_t last_child; /* 0: none yet */
};

struct builder {
	struct sfs_json *json;
	struct frame frames[DEPTH_MAX];
	size_t depth;
};

/* One connection for all, since making one costs more than a parse. */
static struct {
	pthread_mutex_t mutex; /* protects both */
	struct sfs_db *db;
	struct sfs_stmt *tree;
	struct sfs_stmt *valid;
} parser = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static int refuse(const char **reterr_why, const char *why)
{
	*reterr_why = why;
	return -EUCLEAN;
}

/* \u0000, told from \\u0000. */
static bool has_nul_escape(const char *text, size_t size)
{
	const char *end = text + size;
	const char *p = text;

	while ((p = memchr(p, '\\', (size_t)(end - p))) && end - p >= 6) {
		if (memcmp(p, "\\u0000", 6) == 0)
			return true;
		p += 2;
	}
	return false;
}

static bool is_utf8(const char *s, size_t size)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned code;
	size_t n;

	while (size > 0) {
		n = *p < 0x80 ? 1 : sfs_utf8_decode(p, size, &code);
		if (n == 0)
			return false;
		p += n;
		size -= n;
	}
	return true;
}

/* Copy column @column into the pool. */
static int take_text(struct sfs_json *json, int column, const char **ret,
		     const char **reterr_why)
{
	const char *text;
	size_t size;
	char *copy;

	if (!sfs_stmt_text(parser.tree, column, &text, &size) ||
	    !is_utf8(text, size))
		return refuse(reterr_why, "a string is not valid UTF-8");
	if (size >= json->pool_size - json->pool_used)
		return refuse(reterr_why, "strings longer than the text");
	copy = json->pool + json->pool_used;
	memcpy(copy, text, size);
	copy[size] = '\0';
	json->pool_used += size + 1;
	*ret = copy;
	return 0;
}

static int take_value(struct sfs_json *json, struct sfs_json_node *node,
		      const char **reterr_why)
{
	const char *type;
	size_t size;

	if (!sfs_stmt_text(parser.tree, 3, &type, &size))
		return refuse(reterr_why, "a value has no type");
	switch (*type) {
	case 'o':
		node->type = TYPE_OBJECT;
		return 0;
	case 'a':
		node->type = TYPE_ARRAY;
		return 0;
	case 'i':
		/* One that does not fit comes as a real under this name. */
		if (!sfs_stmt_int(parser.tree, 4, &node->number))
			return refuse(reterr_why, "an integer is too large");
		node->type = TYPE_INT;
		return 0;
	case 'f':
		node->type = TYPE_BOOL;
		return 0;
	case 't':
		if (strcmp(type, "true") == 0) {
			node->type = TYPE_BOOL;
			node->number = 1;
			return 0;
		}
		node->type = TYPE_STRING;
		return take_text(json, 4, &node->string, reterr_why);
	default:
		return 0;
	}
}

static void pop_frame(struct builder *b)
{
	struct frame *frame = &b->frames[--b->depth];

	b->json->nodes[frame->node].span =
		(uint32_t)(b->json->count - frame->node);
}

/* Hang @node, the next to be added, under the parent that the row names. */
static int place(struct builder *b, struct sfs_json_node *node,
		 const char **reterr_why)
{
	struct sfs_json *json = b->json;
	struct frame *up;
	int64_t parent;

	if (json->count == 0)
		return 0;
	if (!sfs_stmt_int(parser.tree, 1, &parent))
		return refuse(reterr_why, "more than one value");
	while (b->depth > 0 && b->frames[b->depth - 1].id != parent)
		pop_frame(b);
	if (b->depth == 0)
		return refuse(reterr_why, "a value without a parent");
	up = &b->frames[b->depth - 1];
	if (up->last_child)
		json->nodes[up->last_child].has_next = true;
	up->last_child = (uint32_t)json->count;
	node->above = up->node;
	if (json->nodes[up->node].type == TYPE_OBJECT)
		return take_text(json, 2, &node->key, reterr_why);
	return 0;
}

static int add_row(struct builder *b, const char **reterr_why)
{
	struct sfs_json_node node = { .span = 1 };
	struct sfs_json *json = b->json;
	int64_t id;
	int r;

	r = place(b, &node, reterr_why);
	if (r < 0)
		return r;
	r = take_value(json, &node, reterr_why);
	if (r < 0)
		return r;
	r = sfs_grow(&json->nodes, &json->capacity, json->count, sizeof(node));
	if (r < 0)
		return r;
	if (node.type == TYPE_OBJECT || node.type == TYPE_ARRAY) {
		if (b->depth == DEPTH_MAX || !sfs_stmt_int(parser.tree, 0, &id))
			return refuse(reterr_why, "nested too deeply");
		b->frames[b->depth++] =
			(struct frame){ .id = id,
					.node = (uint32_t)json->count };
	}
	json->nodes[json->count++] = node;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct sfs_json_node *x = *(const struct sfs_json_node *const *)a;
	const struct sfs_json_node *y = *(const struct sfs_json_node *const *)b;

	if (x->above != y->above)
		return x->above < y->above ? -1 : 1;
	return strcmp(x->key, y->key);
}

static int check_keys(const struct sfs_json *json, const char **reterr_why)
{
	CLEANUP_FREE const struct sfs_json_node **keyed = NULL;
	size_t count = 0, i;

	keyed = sfs_malloc(json->count * sizeof(*keyed));
	if (!keyed)
		return -ENOMEM;
	for (i = 0; i < json->count; i++)
		if (json->nodes[i].key)
			keyed[count++] = &json->nodes[i];
	qsort(keyed, count, sizeof(*keyed), by_key);
	for (i = 1; i < count; i++)
		if (by_key(&keyed[i - 1], &keyed[i]) == 0)
			return refuse(reterr_why, "a member stands twice");
	return 0;
}

static int open_parser(void)
{
	int r;

	if (parser.valid)
		return 0;
	if (!parser.db) {
		r = sfs_db_open(NULL, &parser.db);
		if (r < 0)
			return r;
		sfs_db_confine(parser.db);
	}
	if (!parser.tree) {
		r = sfs_db_prepare(parser.db,
				   "SELECT id, parent, key, type, atom"
				   " FROM json_tree(?1)",
				   &parser.tree);
		if (r < 0)
			return r;
	}
	return sfs_db_prepare(parser.db, "SELECT json_valid(?1)",
			      &parser.valid);
}

/* Newer SQLite reads JSON5 as well, but json_valid() stays strict. */
static int check_strict(const char *text, size_t size)
{
	CLEANUP_RESET struct sfs_stmt *stmt = parser.valid;
	int64_t valid;
	int r;

	if (!sfs_db_json_is_lax())
		return 0;
	sfs_stmt_bind_text(stmt, 1, text, size);
	r = sfs_stmt_step(stmt);
	if (r < 0)
		return r;
	return sfs_stmt_int(stmt, 0, &valid) && valid == 1 ? 0 : -EUCLEAN;
}

static int build_locked(struct builder *b, const char *text, size_t size,
			const char **reterr_why)
{
	CLEANUP_RESET struct sfs_stmt *stmt = NULL;
	int r;

	r = open_parser();
	if (r < 0)
		return r;
	*reterr_why = "not JSON";
	r = check_strict(text, size);
	if (r < 0)
		return r;
	stmt = parser.tree;
	sfs_stmt_bind_text(stmt, 1, text, size);
	while ((r = sfs_stmt_step(stmt)) > 0) {
		r = add_row(b, reterr_why);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	while (b->depth > 0)
		pop_frame(b);
	return b->json->count > 0 ? 0 : -EUCLEAN;
}

int sfs_json_parse(const char *text, size_t size, struct sfs_json **ret,
		   const char **reterr_why)
{
	CLEANUP_JSON struct sfs_json *json = NULL;
	struct builder b = { 0 };
	int r;

	*reterr_why = "out of memory";
	if (size > SFS_RECORD_SIZE_MAX)
		return refuse(reterr_why, "too long");
	if (memchr(text, 0, size) || has_nul_escape(text, size))
		return refuse(reterr_why, "holds a NUL");
	json = sfs_calloc(1, sizeof(*json));
	if (!json)
		return -ENOMEM;
	json->pool_size = size + 1;
	json->pool = sfs_malloc(json->pool_size);
	if (!json->pool)
		return -ENOMEM;
	b.json = json;
	pthread_mutex_lock(&parser.mutex);
	r = build_locked(&b, text, size, reterr_why);
	pthread_mutex_unlock(&parser.mutex);
	if (r < 0)
		return r;
	r = check_keys(json, reterr_why);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(json);
	return 0;
}

void sfs_json_free(struct sfs_json *json)
{
	if (!json)
		return;
	free(json->nodes);
	free(json->pool);
	free(json);
}

const struct sfs_json_node *sfs_json_root(const struct sfs_json *json)
{
	return json->nodes;
}

const struct sfs_json_node *sfs_json_first(const struct sfs_json_node *node)
{
	return node && node->span > 1 ? node + 1 : NULL;
}

const struct sfs_json_node *sfs_json_next(const struct sfs_json_node *node)
{
	return node->has_next ? node + node->span : NULL;
}

const struct sfs_json_node *sfs_json_member(const struct sfs_json_node *node,
					    const char *key)
{
	const struct sfs_json_node *child;

	if (!sfs_json_is_object(node))
		return NULL;
	child = sfs_json_first(node);
	while (child && strcmp(child->key, key) != 0)
		child = sfs_json_next(child);
	return child;
}

const char *sfs_json_key(const struct sfs_json_node *node)
{
	return node->key;
}

bool sfs_json_is_object(const struct sfs_json_node *node)
{
	return node && node->type == TYPE_OBJECT;
}

bool sfs_json_is_array(const struct sfs_json_node *node)
{
	return node && node->type == TYPE_ARRAY;
}

const char *sfs_json_string(const struct sfs_json_node *node)
{
	return node && node->type == TYPE_STRING ? node->string : NULL;
}

bool sfs_json_uint(const struct sfs_json_node *node, uint64_t *ret)
{
	if (!node || node->type != TYPE_INT || node->number < 0)
		return false;
	*ret = (uint64_t)node->number;
	return true;
}

bool sfs_json_bool(const struct sfs_json_node *node, bool *ret)
{
	if (!node || node->type != TYPE_BOOL)
		return false;
	*ret = node->number != 0;
	return true;
}
