/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Judging what a command left that was killed, or that ran into errors. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fault/fault.h"

struct judging {
	struct world *world;
	const struct command *command;
	const struct reference *reference;
	const struct outcome *outcome;
	const struct rules *rules;
	bool done, undone; /* as far as can be seen; both: it changes nothing */
};

/* Beyond this the engine, in the harness itself, hangs. */
#define LIMIT_S 120

/* The parent tells which case it was. */
static void watch(void)
{
	signal(SIGALRM, SIG_DFL);
	alarm(LIMIT_S);
}

static void expect(struct judging *judging, const char *what)
{
	if (what)
		problem(judging->world, "%s", what);
}

/* Everything that was there is there, and of the new things only whole ones. */
static void judge_state(struct judging *judging)
{
	const struct reference *reference = judging->reference;
	const unsigned flags = judging->command->flags;
	struct state now;
	const char *what;

	watch();
	what = state_read(judging->world->dir, &judging->world->base_names,
			  &now);
	if (!what)
		what = state_between(&now, &reference->before,
				     &reference->after,
				     flags & COMMAND_IN_PLACE ? "file " : NULL);
	judging->done = state_equal(&now, &reference->after);
	judging->undone = state_equal(&now, &reference->before);
	if (!what && (flags & COMMAND_ATOMIC) && !judging->done &&
	    !judging->undone)
		what = "done by half";
	expect(judging, what);
	state_done(&now);
	expect(judging, state_check(judging->world->dir));
}

/* How it ended, given that nobody killed it. */
static void judge_end(struct judging *judging)
{
	const struct outcome *outcome = judging->outcome;
	struct world *world = judging->world;

	if (outcome->timed_out)
		problem(world, "it hangs");
	else if (outcome->signal)
		problem(world, "it died of signal %d: %s", outcome->signal,
			outcome->said);
	else if (outcome->status == 0 && !judging->done)
		problem(world, "it says that it is done, and is not");
	else if (outcome->status != 0 && judging->rules->must_do)
		problem(world, "it should have gone on: %s", outcome->said);
	else if (outcome->status != 0 && !strchr(outcome->said, '\''))
		problem(world, "it does not say what failed: '%s'",
			outcome->said);
	else if (outcome->status != 0 && judging->done && !judging->undone &&
		 !strstr(outcome->said, "uncertain") &&
		 !strstr(outcome->said, "did not reach the disk"))
		problem(world, "it does not say that it may be done: '%s'",
			outcome->said);
	if (outcome->retried)
		problem(world, "it tried an fsync again that had failed");
	if (outcome->status == 0 && outcome->signal == 0 &&
	    (judging->command->flags & COMMAND_COLLECTS))
		expect(judging, state_leftover(world->dir));
}

static void judge_tidy(struct judging *judging)
{
	const char *dir = judging->world->dir, *name = unfinished_file(dir);

	if (count_names(dir, "repo/tmp") > judging->reference->temporary)
		problem(judging->world, "it left a file in tmp/");
	if (name)
		problem(judging->world, "it left '%s'", name);
}

/* gc takes what was left by half, and nothing else. */
static void judge_collected(struct judging *judging, bool compare)
{
	const struct reference *reference = judging->reference;
	const char *dir = judging->world->dir;
	struct files files;

	watch();
	expect(judging, state_collect(dir));
	expect(judging, state_leftover(dir));
	if (!compare)
		return;
	files_read(dir, &files);
	if (judging->undone &&
	    !state_equal(&files.names, &reference->before_files.names))
		problem(judging->world,
			"gc left %zu packs and %zu records, "
			"which are not those of before",
			files.packs, files.records);
	/* Sizes differ: map nodes hold random numbers, and are compressed. */
	if (judging->done && !judging->undone &&
	    (files.packs != reference->after_files.packs ||
	     files.records != reference->after_files.records))
		problem(judging->world,
			"gc left %zu packs and %zu records, not %zu and %zu",
			files.packs, files.records,
			reference->after_files.packs,
			reference->after_files.records);
	files_done(&files);
}

static bool may_repeat(const struct judging *judging)
{
	if (judging->done)
		return judging->command->flags & COMMAND_REPEATS;
	return judging->undone || !(judging->command->flags & COMMAND_ONCE);
}

/* The next attempt dies as well, somewhere. */
static void kill_again(struct judging *judging)
{
	uint64_t seed = judging->rules->seed;
	const unsigned count = judging->reference->counted.count;
	struct plan plan = { .action = ACTION_KILL };
	struct outcome outcome;

	plan.n = 1 + (unsigned)(next_random(&seed) % (count ? count : 1));
	trace(judging->world->dir, judging->reference->again, &plan, &outcome);
	atomic_fetch_add(&judging->world->shared->fired, outcome.fired);
	outcome_done(&outcome);
	judge_state(judging);
}

static void run_again(struct judging *judging)
{
	struct world *world = judging->world;
	char *said;
	int status;

	if (judging->rules->seed && may_repeat(judging))
		kill_again(judging);
	if (!may_repeat(judging))
		return;
	status = run_plainly(world->dir, judging->reference->again, &said);
	if (status != 0)
		problem(world, "run again it exits %d: %s", status, said);
	free(said);
	judge_state(judging);
	if (!judging->done)
		problem(world, "run again it does not do it");
}

void verify(struct world *world, const struct command *command,
	    const struct reference *reference, const struct outcome *outcome,
	    const struct rules *rules)
{
	struct judging judging = {
		.world = world,
		.command = command,
		.reference = reference,
		.outcome = outcome,
		.rules = rules,
	};

	judge_state(&judging);
	if (!rules->killed)
		judge_end(&judging);
	else if (outcome->printed && !judging.done)
		problem(world, "it had told its result, and has not done it");
	if (rules->tidy)
		judge_tidy(&judging);
	if (!rules->again_first)
		judge_collected(&judging, true);
	run_again(&judging);
	judge_collected(&judging, false);
	alarm(0);
}
