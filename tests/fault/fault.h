/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_TESTS_FAULT_FAULT_H
#define SNAPFS_TESTS_FAULT_FAULT_H

/* What the parts of the harness share. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/util.h"
#include "tests/fault/state.h"
#include "tests/fault/tracer.h"

/* The harness itself cannot go on. */
_Noreturn void die(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
void *must_alloc(void *p);
void copy_text(char *to, size_t size, const char *from);

/* splitmix64; the same numbers for the same seed. */
uint64_t next_random(uint64_t *state);

/* ---- commands ---- */

#define COMMAND_ATOMIC	  1u   /* all that it changes counts at once */
#define COMMAND_REPEATS	  2u   /* done again, it ends in the same state */
#define COMMAND_NEW	  4u   /* there is no repository before */
#define COMMAND_IN_PLACE  8u   /* writes a file that it does not replace */
#define COMMAND_FULL_DISK 16u  /* works where there is no space at all */
#define COMMAND_ONCE	  32u  /* half done, it cannot just be run again */
#define COMMAND_COLLECTS  64u  /* leaves nothing for gc */
#define COMMAND_CATALOG	  128u /* the catalog is what it is about */

/* In the words, "@/" stands for the directory of the sources, and "%SELECTOR"
 * for the id of that snapshot before the command. */
struct command {
	const char *name;
	const char *words;
	const char *again; /* what is run again; NULL: the same */
	unsigned flags;
};

extern const struct command commands[];
extern const size_t command_count;

/* ---- a worker's world ---- */

/* What a command does when nothing happens to it. */
struct reference {
	struct state before, after;
	struct files before_files, after_files; /* once gc has run */
	size_t temporary;			/* names in tmp/ before */
	struct outcome counted;
	char **argv, **again;
};

struct world {
	const char *snapfs; /* the program */
	const char *top;    /* of all scratch files */
	char *base;	    /* the prepared repository is below */
	char *dir;	    /* where commands run */
	struct state base_names;
	bool verbose;	      /* show what the command did and said */
	bool without_catalog; /* it is to be made anew */
	unsigned *caught;     /* for controls: problems are wanted */
	struct shared *shared;
	unsigned worker;
	char now[CALL_TEXT_MAX * 2]; /* the case under way */
};

#define WORKERS_MAX 16

/* Between the workers and their parent. */
struct shared {
	atomic_uint cases, fired, problems, total;
	char now[WORKERS_MAX][CALL_TEXT_MAX * 2];
};

/* Make the sources and the prepared repository below @top, once. */
void prepare(const char *snapfs, const char *top);

/* Run @command without and with a look at its calls. */
void reference_make(struct world *world, const struct command *command,
		    bool every_call, struct reference *ret);
void reference_done(struct reference *reference);

/* A fresh copy of the prepared repository. */
void world_reset(struct world *world, const struct command *command);

/* Say which case is under way: "COMMAND, " and the rest. */
void set_now(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What is wrong with the product; goes on after it. */
void problem(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- cases ---- */

struct rules {
	bool killed;	  /* else it ended by itself, as @outcome has it */
	bool must_do;	  /* it has to be done, exit 0 */
	bool tidy;	  /* it could remove its temporary files */
	bool again_first; /* run it again, then gc; else the other way round */
	uint64_t seed;	  /* unless 0: kill that one, too, somewhere */
};

void verify(struct world *world, const struct command *command,
	    const struct reference *reference, const struct outcome *outcome,
	    const struct rules *rules);

struct selection {
	const char *command; /* or NULL: all */
	unsigned kill;	     /* only at this call */
	unsigned fail;	     /* only at this call ... */
	const char *how;     /* ... in this way; or NULL: all ways */
	bool full, every_call;
	unsigned stride; /* with every_call: only each so many */
	bool twice;
	bool without_catalog;
	uint64_t seed;
	unsigned jobs;
};

void kill_command(struct world *world, const struct command *command,
		  const struct selection *selection);
void fail_command(struct world *world, const struct command *command,
		  const struct selection *selection);
/* Print them, with their numbers. */
void show_calls(struct world *world, const struct command *command,
		const struct selection *selection);
/* Returns how many of them were not noticed. */
unsigned run_controls(struct world *world);

#endif
