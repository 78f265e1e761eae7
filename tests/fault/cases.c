/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which calls of a command are killed or made to fail, and how. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fault/fault.h"

#define CALL_BIT(class) (1u << (class))
#define ALL_CLASSES	(CALL_BIT(CALL_CLASSES) - 1 - CALL_BIT(CALL_OTHER))
#define SPACE_CLASSES                                                          \
	(CALL_BIT(CALL_WRITE) | CALL_BIT(CALL_CREATE) | CALL_BIT(CALL_MKDIR) | \
	 CALL_BIT(CALL_ALLOCATE))
#define NAME_CLASSES                                                           \
	(CALL_BIT(CALL_CREATE) | CALL_BIT(CALL_MKDIR) |                        \
	 CALL_BIT(CALL_RENAME) | CALL_BIT(CALL_UNLINK))

struct how {
	const char *name;
	unsigned classes;
	struct plan plan;
	bool survived; /* the command goes on as if nothing had been */
};

static const struct how hows[] = {
	{ "ENOSPC",
	  SPACE_CLASSES | CALL_BIT(CALL_SYNC) | CALL_BIT(CALL_RENAME) |
		  CALL_BIT(CALL_TRUNCATE),
	  { .action = ACTION_FAIL, .error = ENOSPC },
	  false },
	{ "EDQUOT",
	  SPACE_CLASSES | CALL_BIT(CALL_SYNC) | CALL_BIT(CALL_RENAME),
	  { .action = ACTION_FAIL, .error = EDQUOT },
	  false },
	{ "EIO", ALL_CLASSES, { .action = ACTION_FAIL, .error = EIO }, false },
	{ "EROFS",
	  NAME_CLASSES | CALL_BIT(CALL_ATTRIBUTE),
	  { .action = ACTION_FAIL, .error = EROFS },
	  false },
	{ "EINTR",
	  CALL_BIT(CALL_WRITE) | CALL_BIT(CALL_CREATE) |
		  CALL_BIT(CALL_TRUNCATE) | CALL_BIT(CALL_ALLOCATE),
	  { .action = ACTION_FAIL, .error = EINTR },
	  true },
	{ "EOPNOTSUPP",
	  CALL_BIT(CALL_ALLOCATE),
	  { .action = ACTION_FAIL, .error = EOPNOTSUPP },
	  true },
	{ "short", CALL_BIT(CALL_WRITE), { .action = ACTION_SHORT }, true },
	{ "zero", CALL_BIT(CALL_WRITE), { .action = ACTION_ZERO }, false },
	{ "ENOSPC+",
	  SPACE_CLASSES,
	  { .action = ACTION_FAIL, .error = ENOSPC, .forever = true },
	  false },
	{ "EIO+",
	  CALL_BIT(CALL_WRITE) | CALL_BIT(CALL_SYNC),
	  { .action = ACTION_FAIL, .error = EIO, .forever = true },
	  false },
	{ "EROFS+",
	  NAME_CLASSES,
	  { .action = ACTION_FAIL, .error = EROFS, .forever = true },
	  false },
	{ "short+",
	  CALL_BIT(CALL_WRITE),
	  { .action = ACTION_SHORT, .forever = true },
	  true },
};

/* ---- choosing ---- */

/* Calls of one kind on one kind of file, "fsync repo/records", are alike. */
static size_t shape_of(const char *text)
{
	size_t call = strcspn(text, " ");
	const char *path = text + call + (text[call] == ' ');
	size_t n = strcspn(path, " ");

	if (strncmp(path, "repo/catalog.db", 15) == 0)
		return strlen(text);
	while (n > 0 && path[n - 1] != '/')
		n--;
	if (strncmp(path, "repo/packs/", 11) == 0)
		n = 11;
	else if (n == strlen("repo/")) /* a directory of it, or itself */
		return strlen(text);
	return (size_t)(path - text) + n;
}

/* How many calls before the @n-th (from 0) are like it. */
static unsigned alike_before(const struct outcome *counted, unsigned n)
{
	size_t size = shape_of(counted->calls[n].text);
	unsigned i, alike = 0;

	for (i = 0; i < n; i++)
		alike += shape_of(counted->calls[i].text) == size &&
			 strncmp(counted->calls[i].text, counted->calls[n].text,
				 size) == 0;
	return alike;
}

/* In the short form: all that give or take a name or make durable, and of the
 * others the first few of a kind and a sample. */
static bool chosen_to_kill(const struct outcome *counted, unsigned n,
			   const struct selection *selection, uint64_t *random)
{
	const bool drawn = next_random(random) % 16 == 0;
	const enum call_class class = counted->calls[n].class;

	if (selection->kill)
		return n + 1 == selection->kill;
	if (selection->every_call)
		return n % selection->stride ==
		       selection->seed % selection->stride;
	return selection->full || drawn || class == CALL_RENAME ||
	       class == CALL_UNLINK || class == CALL_SYNC ||
	       alike_before(counted, n) < 2;
}

static bool chosen_to_fail(const struct outcome *counted, unsigned n,
			   const struct how *how,
			   const struct selection *selection, uint64_t *random)
{
	const uint64_t drawn = next_random(random);

	if (!(how->classes & CALL_BIT(counted->calls[n].class)))
		return false;
	if (selection->fail)
		return n + 1 == selection->fail &&
		       (!selection->how || !strcmp(selection->how, how->name));
	if (selection->full)
		return true;
	return alike_before(counted, n) == 0 && drawn % 2 == 0;
}

static bool mine(struct world *world, const struct selection *selection,
		 unsigned *number)
{
	atomic_fetch_add(&world->shared->total, world->worker == 0);
	return (*number)++ % selection->jobs == world->worker;
}

/* ---- running ---- */

static void tell(const struct world *world, const struct outcome *outcome)
{
	if (world->verbose)
		printf("%s: %s; exit %d, signal %d\n%s", world->now,
		       outcome->fired ? outcome->what : "never came to it",
		       outcome->status, outcome->signal, outcome->said);
}

static void kill_once(struct world *world, const struct command *command,
		      const struct reference *reference,
		      const struct selection *selection, unsigned n)
{
	const struct plan plan = { .action = ACTION_KILL,
				   .n = n,
				   .every_call = selection->every_call };
	struct rules rules = { .again_first = n % 2 };
	struct outcome outcome;

	set_now(world, "--command %s --kill %u%s%s%s", command->name, n,
		selection->every_call ? " --every-call" : "",
		selection->without_catalog ? " --without-catalog" : "",
		selection->twice ? " --twice" : "");
	world_reset(world, command);
	trace(world->dir, reference->argv, &plan, &outcome);
	tell(world, &outcome);
	atomic_fetch_add(&world->shared->cases, 1);
	atomic_fetch_add(&world->shared->fired, outcome.fired);
	rules.killed = outcome.signal != 0;
	rules.seed = selection->twice ? selection->seed + n : 0;
	verify(world, command, reference, &outcome, &rules);
	outcome_done(&outcome);
}

void kill_command(struct world *world, const struct command *command,
		  const struct selection *selection)
{
	struct reference reference;
	uint64_t random = selection->seed;
	unsigned n, number = 0;

	set_now(world, "--command %s", command->name);
	world->without_catalog = selection->without_catalog;
	reference_make(world, command, selection->every_call, &reference);
	for (n = 0; n < reference.counted.count; n++)
		if (chosen_to_kill(&reference.counted, n, selection, &random) &&
		    mine(world, selection, &number))
			kill_once(world, command, &reference, selection, n + 1);
	world->without_catalog = false;
	reference_done(&reference);
}

/* The catalog is only an index: losing it costs nobody anything. */
static bool must_survive(const struct command *command, const struct how *how,
			 const struct outcome *outcome)
{
	if (how->survived)
		return true;
	if (how->plan.forever)
		return how->plan.error == ENOSPC &&
		       (command->flags & COMMAND_FULL_DISK);
	return strstr(outcome->what, "repo/catalog.db") &&
	       !(command->flags & COMMAND_CATALOG);
}

static void fail_once(struct world *world, const struct command *command,
		      const struct reference *reference, const struct how *how,
		      unsigned n)
{
	struct plan plan = how->plan;
	struct outcome outcome;
	struct rules rules = { .again_first = n % 2 };

	set_now(world, "--command %s --fail %u:%s", command->name, n,
		how->name);
	plan.n = n;
	plan.classes = how->classes;
	world_reset(world, command);
	trace(world->dir, reference->argv, &plan, &outcome);
	tell(world, &outcome);
	atomic_fetch_add(&world->shared->cases, 1);
	atomic_fetch_add(&world->shared->fired, outcome.fired);
	copy_text(world->now + strlen(world->now),
		  sizeof(world->now) - strlen(world->now), " (");
	copy_text(world->now + strlen(world->now),
		  sizeof(world->now) - strlen(world->now), outcome.what);
	copy_text(world->now + strlen(world->now),
		  sizeof(world->now) - strlen(world->now), ")");
	rules.must_do = must_survive(command, how, &outcome);
	rules.tidy = !plan.forever && outcome.class != CALL_UNLINK;
	verify(world, command, reference, &outcome, &rules);
	outcome_done(&outcome);
}

void fail_command(struct world *world, const struct command *command,
		  const struct selection *selection)
{
	struct reference reference;
	uint64_t random = selection->seed;
	unsigned n, i, number = 0;

	set_now(world, "--command %s", command->name);
	reference_make(world, command, false, &reference);
	for (n = 0; n < reference.counted.count; n++)
		for (i = 0; i < SFS_ARRAY_SIZE(hows); i++)
			if (chosen_to_fail(&reference.counted, n, &hows[i],
					   selection, &random) &&
			    mine(world, selection, &number))
				fail_once(world, command, &reference, &hows[i],
					  n + 1);
	reference_done(&reference);
}

void show_calls(struct world *world, const struct command *command,
		const struct selection *selection)
{
	struct reference reference;
	unsigned n;

	reference_make(world, command, selection->every_call, &reference);
	for (n = 0; n < reference.counted.count; n++)
		printf("--command %s --kill %u: %s\n", command->name, n + 1,
		       reference.counted.calls[n].text);
	reference_done(&reference);
}
