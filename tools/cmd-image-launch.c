/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "src/images.h"
#include "src/log.h"
#include "src/machine.h"
#include "tools/cmd.h"
#include "tools/launch.h"
#include "tools/message.h"
#include "tools/output.h"

#define MEMORY_MIN (UINT64_C(16) << 20)
#define CPUS_MAX   255

/* What is to run. */
struct plan {
	struct sfs_image *image;
	struct sfs_machine machine;
	char *repository; /* absolute */
};

static void plan_done(struct plan *plan)
{
	sfs_machine_done(&plan->machine);
	sfs_image_free(plan->image);
	free(plan->repository);
}

/* ---- what was asked for ---- */

static int take_memory(const struct sfs_cmd *cmd, uint64_t *ret)
{
	const char *text = sfs_args_get(&cmd->args, "memory");

	if (!text)
		return 0;
	if (sfs_opts_size(text, ret) < 0 || *ret < MEMORY_MIN)
		return sfs_message_usage(cmd->args.context,
					 "--memory '%s': is not a size of at "
					 "least 16M, such as 2G",
					 text);
	return 0;
}

static int take_cpus(const struct sfs_cmd *cmd, unsigned *ret)
{
	const char *text = sfs_args_get(&cmd->args, "cpus");
	unsigned long value;
	char *end;

	if (!text)
		return 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || value < 1 || value > CPUS_MAX)
		return sfs_message_usage(cmd->args.context,
					 "--cpus '%s': is not a number from 1 "
					 "to %d",
					 text, CPUS_MAX);
	*ret = (unsigned)value;
	return 0;
}

static int take_options(const struct sfs_cmd *cmd,
			struct sfs_machine_options *ret)
{
	const char *arch = sfs_args_get(&cmd->args, "arch");
	int r;

	*ret = (struct sfs_machine_options){
		.architecture = arch,
		.network = sfs_args_has(&cmd->args, "network"),
		.terminal = isatty(STDIN_FILENO),
	};
	if (arch && !sfs_image_architecture_ok(arch))
		return sfs_message_usage(cmd->args.context,
					 "--arch '%s': there are x86_64, "
					 "i386, arm64 and riscv64",
					 arch);
	r = take_memory(cmd, &ret->memory);
	return r < 0 ? r : take_cpus(cmd, &ret->cpus);
}

/* ---- what may be launched ---- */

static int check_snapshots(struct sfs_repo *repo, const struct sfs_image *image)
{
	CLEANUP_FREE enum sfs_mapping_state *states = NULL;
	const struct sfs_mapping *mapping;
	bool missing;
	size_t i;
	int r;

	r = sfs_image_states(repo, image, &states);
	if (r < 0)
		return r;
	for (i = 0; i < image->mapping_count; i++) {
		if (states[i] == SFS_MAPPING_OK)
			continue;
		mapping = &image->mappings[i];
		missing = states[i] == SFS_MAPPING_MISSING;
		sfs_err("'%s': cannot be launched: snapshot '%s' of device "
			"'%s' is %s",
			image->name, mapping->snapshot, mapping->device,
			missing ? "missing" : "damaged");
		r = missing ? -ENOENT : -EUCLEAN;
	}
	return r;
}

static int check_image(struct sfs_repo *repo, const struct sfs_image *image)
{
	if (image->disabled) {
		sfs_err("'%s': is disabled; 'snapfs image enable' makes it "
			"launchable again",
			image->name);
		return -EPERM;
	}
	if (sfs_image_deprecated(image, sfs_now_ns()))
		sfs_warn("'%s': is deprecated", image->name);
	return check_snapshots(repo, image);
}

static int check_tmpdir(const struct sfs_repo *repo)
{
	CLEANUP_FREE char *template = NULL;
	int r;

	r = sfs_launch_template(&template);
	if (r < 0)
		return r;
	if (!sfs_store_contains(repo->store, template))
		return 0;
	sfs_err("'%s': lies inside the repository '%s'; set TMPDIR to a "
		"place outside it",
		template, sfs_store_path(repo->store));
	return -EINVAL;
}

/* The repository is closed again: from then on it is the mount's affair. */
static int make_plan(const struct sfs_cmd *cmd,
		     const struct sfs_machine_options *options,
		     struct plan *plan)
{
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	struct sfs_machine_host host;
	int r;

	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = sfs_catalog_select_image(repo->catalog, cmd->args.words[0],
				     &plan->image);
	if (r < 0)
		return r;
	r = check_image(repo, plan->image);
	if (r < 0)
		return r;
	r = check_tmpdir(repo);
	if (r < 0)
		return r;
	plan->repository = realpath(sfs_store_path(repo->store), NULL);
	if (!plan->repository)
		return -errno;
	sfs_machine_look(&host);
	return sfs_machine_plan(plan->image, options, &host, &plan->machine);
}

/* The command, when its files are in the private directory @dir. */
static int make_command(const struct sfs_cmd *cmd, const struct plan *plan,
			const char *dir, char ***ret)
{
	CLEANUP_FREE char *disks = sfs_launch_disks(dir, plan->image->name);
	CLEANUP_FREE char *vars = sfs_launch_vars(dir);
	CLEANUP_FREE char **more = NULL;
	const struct sfs_machine_files files = { .dir = disks, .vars = vars };
	size_t count = cmd->args.word_count - 1;

	more = sfs_calloc(count + 1, sizeof(*more));
	if (!disks || !vars || !more)
		return -ENOMEM;
	memcpy(more, cmd->args.words + 1, count * sizeof(*more));
	return sfs_machine_command(&plan->machine, &files, more, ret);
}

/* ---- only showing it ---- */

static int print_json(const struct plan *plan, char *const *words)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "ImageId", plan->image->id);
	sfs_jsonw_string(w, "Name", plan->image->name);
	sfs_jsonw_array(w, "Command");
	for (; *words; words++)
		sfs_jsonw_string(w, NULL, *words);
	sfs_jsonw_end(w);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

static int show(const struct sfs_cmd *cmd, const struct plan *plan)
{
	CLEANUP_FREE char *template = NULL;
	CLEANUP_WORDS char **words = NULL;
	char **word;
	int r;

	r = sfs_launch_template(&template);
	if (r < 0)
		return r;
	r = make_command(cmd, plan, template, &words);
	if (r < 0)
		return r;
	if (cmd->json)
		return print_json(plan, words);
	for (word = words; *word; word++) {
		if (word != words)
			putchar(' ');
		sfs_machine_quote(stdout, *word);
	}
	putchar('\n');
	return 0;
}

/* ---- running it ---- */

static int copy_file(const char *from, const char *to)
{
	CLEANUP_CLOSE int in = open(from, O_RDONLY | O_CLOEXEC);
	CLEANUP_CLOSE int out = -1;
	ssize_t n = -1;

	if (in >= 0)
		out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out >= 0)
		do
			n = sendfile(out, in, NULL, 1 << 20);
		while (n > 0);
	return n < 0 ? -errno : 0;
}

static int copy_vars(const struct plan *plan, const char *dir)
{
	CLEANUP_FREE char *to = sfs_launch_vars(dir);
	int r;

	if (!plan->machine.vars)
		return 0;
	if (!to)
		return -ENOMEM;
	r = copy_file(plan->machine.vars, to);
	if (r < 0)
		sfs_err("'%s': cannot be copied to '%s': %s",
			plan->machine.vars, to, strerror(-r));
	return r;
}

static int run_started(const struct sfs_cmd *cmd, const struct plan *plan,
		       struct sfs_launch *launch)
{
	CLEANUP_WORDS char **words = NULL;
	int r;

	r = copy_vars(plan, launch->dir);
	if (r < 0)
		return r;
	r = make_command(cmd, plan, launch->dir, &words);
	if (r < 0)
		return r;
	return sfs_launch_run(launch, words);
}

static int launch(const struct sfs_cmd *cmd, const struct plan *plan)
{
	struct sfs_launch launched;
	int r;

	r = sfs_launch_start(&launched, plan->repository);
	if (r == 0)
		r = run_started(cmd, plan, &launched);
	sfs_launch_end(&launched);
	return r;
}

/* A word that qemu does not know is a disk to it, to be written to: one that
 * was meant for us must not get there. */
static int check_words(const struct sfs_cmd *cmd)
{
	const struct sfs_args *args = &cmd->args;

	if (args->word_count == 1 || (args->ended && args->ended_at == 1))
		return 0;
	return sfs_message_usage(args->context,
				 "unexpected '%s': one image at a time, and "
				 "qemu's arguments stand behind --",
				 args->words[1]);
}

/* What the guest will miss, and how to leave it. */
static void tell(const struct sfs_image *image,
		 const struct sfs_machine_options *options)
{
	const struct sfs_mapping *mapping = image->mappings;
	size_t i;

	for (i = 0; i < image->mapping_count; i++, mapping++)
		if (mapping->kind == SFS_MAPPING_EPHEMERAL)
			sfs_info("device '%s': is ephemeral%u, which is left "
				 "out; give qemu a -drive for it",
				 mapping->device, mapping->ephemeral);
	if (options->terminal)
		sfs_info("'%s': starts; Ctrl-A x ends it, Ctrl-A c is qemu's "
			 "monitor, Ctrl-C goes to the machine",
			 image->name);
}

static int run(struct sfs_cmd *cmd)
{
	__attribute__((cleanup(plan_done))) struct plan plan = {
		.image = NULL,
	};
	struct sfs_machine_options options;
	int r;

	r = check_words(cmd);
	if (r < 0)
		return r;
	r = take_options(cmd, &options);
	if (r < 0)
		return r;
	r = make_plan(cmd, &options, &plan);
	if (r < 0)
		return r;
	if (sfs_args_has(&cmd->args, "dry-run"))
		return show(cmd, &plan);
	tell(plan.image, &options);
	return launch(cmd, &plan);
}

static const struct sfs_opt options[] = {
	{ .name = "dry-run",
	  .letter = 'n',
	  .help = "only print the command, quoted for a shell" },
	{ .name = "memory",
	  .argument = "SIZE",
	  .help = "of the machine; else 2G" },
	{ .name = "cpus", .argument = "N", .help = "how many it has; else 2" },
	{ .name = "arch",
	  .argument = "ARCH",
	  .complete = SFS_COMPLETE_CHOICE,
	  .choices = "x86_64 arm64 i386 riscv64",
	  .help = "x86_64, arm64, i386 or riscv64; else the image's" },
	{ .name = "network",
	  .help = "let it reach the network, through this host" },
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_image_launch = {
	.noun = "image",
	.name = "launch",
	.words = "NAME [-- QEMU-ARGUMENT...]",
	.summary = "Start an image under qemu, on throw-away copies.",
	.text = "The machine's console is the terminal. It writes to scratch "
		"files of a private mount, which is below TMPDIR and gone when "
		"the machine ends; image and repository stay as they are. It "
		"has no network unless --network gives it one, since a copy of "
		"a machine in service must not speak in its name.",
	.options = options,
	.min_words = 1,
	.max_words = SFS_WORDS_ANY,
	.complete = SFS_COMPLETE_IMAGE,
	.run = run,
};
