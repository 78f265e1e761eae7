/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "src/check.h"
#include "src/log.h"
#include "tools/cmd.h"
#include "tools/message.h"
#include "tools/output.h"
#include "tools/show-progress.h"

static const char *const kind_names[] = {
	[SFS_DAMAGE_RECORD] = "record", [SFS_DAMAGE_PACK] = "pack",
	[SFS_DAMAGE_SLOT] = "slot",	[SFS_DAMAGE_NODE] = "node",
	[SFS_DAMAGE_RANGE] = "range",	[SFS_DAMAGE_IMAGE] = "image",
	[SFS_DAMAGE_NEWER] = "newer",
};

/* The snapshots that were asked for. */
struct chosen {
	struct sfs_snapshot **snapshots;
	char **ids; /* borrowed from the snapshots */
	size_t count;
};

static void chosen_done(struct chosen *chosen)
{
	size_t i;

	for (i = 0; i < chosen->count; i++)
		sfs_snapshot_free(chosen->snapshots[i]);
	free(chosen->snapshots);
	free(chosen->ids);
}

static int choose(const struct sfs_cmd *cmd, struct sfs_repo *repo,
		  struct chosen *chosen)
{
	size_t i, count = cmd->args.word_count;
	int r;

	chosen->snapshots = sfs_calloc(count, sizeof(*chosen->snapshots));
	chosen->ids = sfs_calloc(count, sizeof(*chosen->ids));
	if (!chosen->snapshots || !chosen->ids)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		r = sfs_catalog_select(repo->catalog, cmd->args.words[i],
				       &chosen->snapshots[i]);
		if (r < 0)
			return r;
		chosen->ids[i] = chosen->snapshots[i]->id;
		chosen->count++;
	}
	return 0;
}

/* Digits, at most @most, ending in @end. */
static bool number(const char **s, unsigned most, char end, unsigned *ret)
{
	unsigned value = 0;

	if (**s < '0' || **s > '9')
		return false;
	for (; **s >= '0' && **s <= '9' && value <= most; (*s)++)
		value = value * 10 + (unsigned)(**s - '0');
	*ret = value;
	return value >= 1 && value <= most && **s == end;
}

/* N/M, or P%: one slice, drawn by lot, of as many as make each at least P
 * percent, so that checking again and again covers everything. */
static int parse_slice(const struct sfs_cmd *cmd, const char *text,
		       struct sfs_check_options *options)
{
	const char *s = text;
	unsigned n, m;

	if (number(&s, 100, '%', &n) && !s[1]) {
		options->slice_m = 100 / n;
		sfs_random(&n, sizeof(n));
		options->slice_n = n % options->slice_m + 1;
		return 0;
	}
	s = text;
	if (number(&s, 100000, '/', &n)) {
		s++;
		if (number(&s, 100000, '\0', &m) && n <= m) {
			options->slice_n = n;
			options->slice_m = m;
			return 0;
		}
	}
	return sfs_message_usage(cmd->args.context,
				 "--read-data '%s': is neither N/M, such as "
				 "1/7, nor P%%, such as 10%%",
				 text);
}

static void report_text(const struct sfs_damage *damage, void *context)
{
	(void)context;
	if (damage->kind == SFS_DAMAGE_NEWER)
		fputs("newer record", stdout);
	else
		printf("damaged %s", kind_names[damage->kind]);
	if (damage->name) {
		putchar(' ');
		sfs_output_text(stdout, damage->name);
	}
	if (damage->volume) {
		fputs(" volume ", stdout);
		sfs_output_text(stdout, damage->volume);
	}
	if (damage->pack)
		printf("%s %016" PRIx64,
		       damage->kind == SFS_DAMAGE_PACK ? "" : " pack",
		       damage->pack);
	if (damage->slot_offset)
		printf(" slot %" PRIu32, damage->slot_offset);
	if (damage->size)
		printf(" bytes %" PRIu64 "-%" PRIu64, damage->offset,
		       damage->offset + damage->size - 1);
	if (damage->why) {
		fputs(": ", stdout);
		sfs_output_text(stdout, damage->why);
	}
	putchar('\n');
}

static void report_json(const struct sfs_damage *damage, void *context)
{
	struct sfs_jsonw *w = context;
	char pack[17];

	sfs_jsonw_object(w, NULL);
	sfs_jsonw_string(w, "Kind", kind_names[damage->kind]);
	if (damage->name)
		sfs_jsonw_string(w, "Name", damage->name);
	if (damage->volume)
		sfs_jsonw_string(w, "VolumeName", damage->volume);
	if (damage->pack) {
		snprintf(pack, sizeof(pack), "%016" PRIx64, damage->pack);
		sfs_jsonw_string(w, "Pack", pack);
	}
	if (damage->slot_offset)
		sfs_jsonw_uint(w, "SlotOffsetInBytes", damage->slot_offset);
	if (damage->size) {
		sfs_jsonw_uint(w, "OffsetInBytes", damage->offset);
		sfs_jsonw_uint(w, "SizeInBytes", damage->size);
	}
	if (damage->why)
		sfs_jsonw_string(w, "Reason", damage->why);
	sfs_jsonw_end(w);
}

static void tell(const struct sfs_check_result *result, bool read_data)
{
	char read[SFS_OUTPUT_SIZE];

	sfs_output_size(result->bytes_read, read);
	sfs_info("checked %" PRIu64 " records, %" PRIu64 " snapshots, %" PRIu64
		 " packs, %" PRIu64 " map nodes, %" PRIu64 " chunks (%s read)",
		 result->records, result->snapshots, result->packs,
		 result->nodes, result->slots_read, read);
	if (result->newer > 0)
		sfs_err("%" PRIu64 " records were not checked: they are for a "
			"newer snapfs",
			result->newer);
	if (result->damages > result->newer)
		sfs_err("%" PRIu64 " damages found",
			result->damages - result->newer);
	else if (result->damages == 0)
		sfs_info("no damage found%s",
			 read_data ? ""
				   : "; the data itself was not read, which "
				     "--read-data does");
}

static void put_totals(struct sfs_jsonw *w,
		       const struct sfs_check_result *result)
{
	sfs_jsonw_uint(w, "DamageCount", result->damages);
	sfs_jsonw_uint(w, "Records", result->records);
	sfs_jsonw_uint(w, "Snapshots", result->snapshots);
	sfs_jsonw_uint(w, "Packs", result->packs);
	sfs_jsonw_uint(w, "Nodes", result->nodes);
	sfs_jsonw_uint(w, "ChunksRead", result->slots_read);
	sfs_jsonw_uint(w, "ReadInBytes", result->bytes_read);
}

static int check_json(struct sfs_repo *repo,
		      const struct sfs_check_options *options,
		      struct sfs_check_result *result)
{
	CLEANUP_JSONW struct sfs_jsonw *w = NULL;
	int r;

	r = sfs_jsonw_new(&w);
	if (r < 0)
		return r;
	sfs_jsonw_object(w, NULL);
	sfs_jsonw_array(w, "Damages");
	r = sfs_check(repo, options, report_json, w, result);
	sfs_show_progress_end();
	if (r < 0)
		return r;
	sfs_jsonw_end(w);
	put_totals(w, result);
	sfs_jsonw_end(w);
	return sfs_output_json(w);
}

static int check(const struct sfs_cmd *cmd, struct sfs_repo *repo,
		 struct sfs_check_options *options)
{
	struct sfs_check_result result = { 0 };
	struct sfs_progress progress;
	int r;

	sfs_show_progress_start(&progress, "check");
	options->progress = &progress;
	if (cmd->json) {
		r = check_json(repo, options, &result);
	} else {
		r = sfs_check(repo, options, report_text, NULL, &result);
		sfs_show_progress_end();
	}
	if (r < 0)
		return r;
	tell(&result, options->read_data);
	return result.damages > 0 ? SFS_EXIT_DAMAGE : 0;
}

static int run(struct sfs_cmd *cmd)
{
	const char *slice = sfs_args_get(&cmd->args, "read-data");
	struct sfs_check_options options = {
		.read_data = sfs_args_has(&cmd->args, "read-data"),
	};
	CLEANUP_REPO struct sfs_repo *repo = NULL;
	struct chosen chosen = { .count = 0 };
	int r;

	if (slice) {
		r = parse_slice(cmd, slice, &options);
		if (r < 0)
			return r;
	}
	r = sfs_cmd_open(cmd, &repo);
	if (r < 0)
		return r;
	r = choose(cmd, repo, &chosen);
	if (r == 0) {
		options.ids = chosen.count > 0 ? chosen.ids : NULL;
		options.id_count = chosen.count;
		r = check(cmd, repo, &options);
	}
	chosen_done(&chosen);
	return r;
}

static const struct sfs_opt options[] = {
	{ .name = "read-data",
	  .argument = "N/M|P%",
	  .optional = true,
	  .help = "read and verify all stored bytes as well; with =N/M the "
		  "N-th of M slices of the packs, with =P% a slice of at "
		  "least that size, drawn by lot" },
	{ .name = NULL },
};

const struct sfs_verb sfs_verb_check = {
	.name = "check",
	.words = "[SNAP...]",
	.summary = "Verify that what is stored is what was stored.",
	.text = "Checks records, maps and packs; with SNAP only what these "
		"snapshots need. Prints each damage with the snapshots and "
		"the bytes that it costs, and exits with 13 if there is any.",
	.options = options,
	.max_words = SFS_WORDS_ANY,
	.complete = SFS_COMPLETE_SNAPSHOT,
	.more = SFS_COMPLETE_SNAPSHOT,
	.run = run,
};
