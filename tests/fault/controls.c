/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Faults that do harm, to show that the harness notices: the kernel lies to a
 * sound command, or a program stands in for it that misbehaves.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fault/fault.h"

struct control {
	const char *what;
	const char *command; /* NULL: @words, of the harness itself */
	const char *words;
	struct plan plan;
	bool must_do;
};

static const struct control controls[] = {
	{ "a pack that never got its name",
	  "create",
	  NULL,
	  { .action = ACTION_LIE, .n = 1, .where = ".pack" },
	  false },
	{ "a record that never got its name",
	  "create",
	  NULL,
	  { .action = ACTION_LIE, .n = 1, .where = " repo/records/snap-" },
	  false },
	{ "a set without one of its members",
	  "create-set",
	  NULL,
	  { .action = ACTION_LIE, .n = 1, .where = " repo/records/snap-" },
	  false },
	{ "an image without its record",
	  "image-create",
	  NULL,
	  { .action = ACTION_LIE, .n = 1, .where = " repo/records/img-" },
	  false },
	{ "a pack whose bytes were not written",
	  "create",
	  NULL,
	  { .action = ACTION_LIE, .n = 1, .where = "write repo/tmp/" },
	  false },
	{ "a record that goes before it is replaced",
	  "tag",
	  NULL,
	  { .action = ACTION_TEAR, .n = 1, .where = " repo/records/snap-" },
	  false },
	{ "a deletion that was not done",
	  "delete",
	  NULL,
	  { .action = ACTION_LIE, .n = 1, .where = " repo/bin/snap-" },
	  false },
	{ "a dead pack that was not removed",
	  "gc",
	  NULL,
	  { .action = ACTION_LIE, .n = 1, .where = ".pack" },
	  false },
	{ "a restored file with a hole",
	  "restore-force",
	  NULL,
	  { .action = ACTION_LIE, .n = 1, .where = "write64 out/" },
	  false },
	{ "an error that is not told",
	  NULL,
	  "--misbehave lies out/new",
	  { .action = ACTION_FAIL, .n = 2, .error = ENOSPC },
	  false },
	{ "an error without a message",
	  NULL,
	  "--misbehave says-nothing out/new",
	  { .action = ACTION_FAIL, .n = 2, .error = ENOSPC },
	  false },
	{ "a crash",
	  NULL,
	  "--misbehave crashes out/new",
	  { .action = ACTION_FAIL, .n = 2, .error = EIO },
	  false },
	{ "a hang",
	  NULL,
	  "--misbehave hangs out/new",
	  { .action = ACTION_FAIL, .n = 2, .error = EIO, .limit_s = 1 },
	  false },
	{ "an fsync tried again",
	  NULL,
	  "--misbehave retries out/new",
	  { .action = ACTION_FAIL, .n = 3, .error = EIO },
	  false },
	{ "a temporary file that stays",
	  NULL,
	  "--misbehave leaves-its-file out/new",
	  { .action = ACTION_FAIL, .n = 2, .error = EIO },
	  false },
	{ "a short write that is not gone on with",
	  NULL,
	  "--misbehave gives-up out/new",
	  { .action = ACTION_SHORT, .n = 2 },
	  true },
};

static const struct command *find(const char *name)
{
	size_t i;

	for (i = 0; i < command_count; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	die("no command '%s'", name);
}

/* Whether it was noticed. */
static bool run_control(struct world *world, const struct control *control)
{
	const struct command own = { "misbehave", control->words, NULL,
				     COMMAND_ATOMIC | COMMAND_REPEATS };
	const struct command *command =
		control->command ? find(control->command) : &own;
	const char *snapfs = world->snapfs;
	struct reference reference;
	struct outcome outcome;
	struct rules rules = { .must_do = control->must_do };
	unsigned caught = 0;

	if (!control->command)
		world->snapfs = "/proc/self/exe";
	set_now(world, "control: %s", control->what);
	reference_make(world, command, false, &reference);
	world_reset(world, command);
	world->caught = &caught;
	trace(world->dir, reference.argv, &control->plan, &outcome);
	if (!outcome.fired)
		die("control '%s' did nothing", control->what);
	rules.killed = control->plan.action == ACTION_TEAR;
	rules.tidy = control->plan.action == ACTION_FAIL;
	verify(world, command, &reference, &outcome, &rules);
	world->caught = NULL;
	world->snapfs = snapfs;
	outcome_done(&outcome);
	reference_done(&reference);
	return caught > 0;
}

unsigned run_controls(struct world *world)
{
	const unsigned count = SFS_ARRAY_SIZE(controls);
	unsigned i, missed = 0;

	for (i = 0; i < count; i++) {
		if (run_control(world, &controls[i]))
			continue;
		fprintf(stderr, "NOT NOTICED: %s\n", controls[i].what);
		missed++;
	}
	printf("controls: %u, %u noticed\n", count, count - missed);
	return missed;
}
