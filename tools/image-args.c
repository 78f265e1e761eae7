/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/image-args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/name.h"
#include "tools/message.h"

enum {
	SETTING_VOLUME,
	SETTING_SIZE,
	SETTING_DELETE,
	SETTING_COUNT,
};

static const char *const settings[] = {
	[SETTING_VOLUME] = "volume",
	[SETTING_SIZE] = "size",
	[SETTING_DELETE] = "delete-on-termination",
};

/* A word, split. */
struct word {
	const char *context; /* of messages */
	const char *device;
	char *text;
	const char *values[SETTING_COUNT]; /* or NULL */
};

/* Cut the last ",key=value" off @text if the key is one of ours. */
static bool cut_setting(char *text, size_t *ret_which, const char **ret_value)
{
	char *comma = strrchr(text, ',');
	size_t i, length;

	for (i = 0; comma && i < SETTING_COUNT; i++) {
		length = strlen(settings[i]);
		if (strncmp(comma + 1, settings[i], length) != 0 ||
		    comma[1 + length] != '=')
			continue;
		*comma = '\0';
		*ret_which = i;
		*ret_value = comma + length + 2;
		return true;
	}
	return false;
}

/* Split DEVICE=TEXT[,key=value...] in place. */
static int split(const struct sfs_cmd *cmd, char *text, bool sources,
		 struct word *ret)
{
	char *equals = strchr(text, '=');
	const char *value, *why;
	size_t which;

	*ret = (struct word){ .context = cmd->args.context, .device = text };
	if (!equals || !equals[1])
		return sfs_message_usage(ret->context,
					 "'%s': is not DEVICE=%s, "
					 "DEVICE=empty,size=N, "
					 "DEVICE=ephemeralN or DEVICE=none",
					 text, sources ? "SOURCE" : "SNAP");
	*equals = '\0';
	if (!sfs_name_device_ok(text, &why))
		return sfs_message_usage(ret->context, "device '%s': %s", text,
					 why);
	ret->text = equals + 1;
	while (cut_setting(ret->text, &which, &value)) {
		if (ret->values[which])
			return sfs_message_usage(ret->context,
						 "device '%s': %s= is given "
						 "twice",
						 text, settings[which]);
		ret->values[which] = value;
	}
	return 0;
}

/* Refuse the setting @which, of which the device does not have any use. */
static int refuse(const struct word *word, size_t which, const char *why)
{
	if (!word->values[which])
		return 0;
	return sfs_message_usage(word->context, "device '%s': %s=%s: %s",
				 word->device, settings[which],
				 word->values[which], why);
}

static int parse_size(const struct word *word, uint64_t *ret)
{
	const char *text = word->values[SETTING_SIZE];

	if (!text)
		return 0;
	if (sfs_opts_size(text, ret) < 0 || *ret == 0 ||
	    *ret > SFS_VOLUME_SIZE_MAX)
		return sfs_message_usage(word->context,
					 "device '%s': size=%s: is not a size "
					 "such as 20G, at least 1 byte and at "
					 "most 1024P",
					 word->device, text);
	return 0;
}

static int parse_delete(const struct word *word, bool by_default, bool *ret)
{
	const char *text = word->values[SETTING_DELETE];

	*ret = text ? strcmp(text, "yes") == 0 : by_default;
	if (!text || *ret || strcmp(text, "no") == 0)
		return 0;
	return sfs_message_usage(word->context,
				 "device '%s': delete-on-termination=%s: is "
				 "neither yes nor no",
				 word->device, text);
}

/* The number of "ephemeralN", or -1 when @text is something else. */
static int parse_ephemeral(const struct word *word, unsigned *ret)
{
	const char *digits = word->text + strlen("ephemeral");

	if (strncmp(word->text, "ephemeral", strlen("ephemeral")) != 0 ||
	    !*digits || digits[strspn(digits, "0123456789")])
		return 0;
	*ret = (unsigned)strtoul(digits, NULL, 10);
	if (strlen(digits) <= 2 && *ret <= SFS_EPHEMERAL_MAX)
		return 1;
	return sfs_message_usage(word->context,
				 "device '%s': '%s': there are ephemeral0 to "
				 "ephemeral%d",
				 word->device, word->text, SFS_EPHEMERAL_MAX);
}

/* What stands behind the equals sign: *ret->kind and what goes with it. */
static int parse_kind(const struct word *word, struct sfs_mapping *ret)
{
	int r;

	if (strcmp(word->text, "none") == 0) {
		ret->kind = SFS_MAPPING_NONE;
		return 0;
	}
	if (strcmp(word->text, "empty") == 0) {
		ret->kind = SFS_MAPPING_EMPTY;
		return 0;
	}
	r = parse_ephemeral(word, &ret->ephemeral);
	if (r < 0)
		return r;
	ret->kind = r ? SFS_MAPPING_EPHEMERAL : SFS_MAPPING_SNAPSHOT;
	return 0;
}

static int check_settings(const struct word *word, bool sources,
			  const struct sfs_mapping *mapping)
{
	bool from = mapping->kind == SFS_MAPPING_SNAPSHOT;
	int r;

	if (mapping->kind == SFS_MAPPING_EMPTY && !word->values[SETTING_SIZE])
		return sfs_message_usage(word->context,
					 "device '%s': an empty volume has no "
					 "size of its own: give empty,size=N",
					 word->device);
	r = from && sources
		    ? 0
		    : refuse(word, SETTING_VOLUME, "goes only with a source");
	if (r == 0 && from && sources)
		r = refuse(word, SETTING_SIZE,
			   "a volume is as large as its source");
	if (r == 0 && !sfs_mapping_is_volume(mapping))
		r = refuse(word, SETTING_SIZE,
			   "the device is no volume of the image");
	if (r == 0 && !sfs_mapping_is_volume(mapping))
		r = refuse(word, SETTING_DELETE,
			   "the device is no volume of the image");
	return r;
}

static int check_volume(const struct word *word)
{
	const char *volume = word->values[SETTING_VOLUME], *why;

	if (!volume || sfs_name_volume_ok(volume, &why))
		return 0;
	return sfs_message_usage(word->context,
				 "device '%s': volume name '%s': %s",
				 word->device, volume, why);
}

static int parse_word(const struct sfs_cmd *cmd, char *text, bool sources,
		      const char *root, struct sfs_mapping *mapping,
		      struct sfs_disk *disk)
{
	struct word word;
	int r;

	r = split(cmd, text, sources, &word);
	if (r < 0)
		return r;
	/* sfs_name_device_ok() has judged its length. */
	strcpy(mapping->device, word.device);
	r = parse_kind(&word, mapping);
	if (r == 0)
		r = check_settings(&word, sources, mapping);
	if (r == 0)
		r = parse_size(&word, &mapping->size);
	if (r == 0 && sfs_mapping_is_volume(mapping))
		r = parse_delete(&word,
				 !root || strcmp(root, mapping->device) == 0,
				 &mapping->delete_on_termination);
	if (r == 0)
		r = check_volume(&word);
	if (r < 0)
		return r;
	if (mapping->kind == SFS_MAPPING_SNAPSHOT)
		disk->from = word.text;
	disk->volume = word.values[SETTING_VOLUME];
	return 0;
}

static int parse_mappings(const struct sfs_cmd *cmd, bool sources,
			  struct sfs_image_args *args)
{
	const char *root = sfs_args_get(&cmd->args, "root");
	size_t i, count = cmd->args.word_count - 1;
	struct sfs_image *image = args->image;
	int r;

	if (count > SFS_MAPPINGS_MAX)
		return sfs_message_usage(cmd->args.context,
					 "%zu devices: an image maps at most "
					 "%d",
					 count, SFS_MAPPINGS_MAX);
	image->mappings = sfs_calloc(count, sizeof(*image->mappings));
	args->disks = sfs_calloc(count, sizeof(*args->disks));
	if (!image->mappings || !args->disks)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		r = parse_word(cmd, cmd->args.words[1 + i], sources, root,
			       &image->mappings[i], &args->disks[i]);
		if (r < 0)
			return r;
		if (sfs_image_mapping(image, image->mappings[i].device))
			return sfs_message_usage(cmd->args.context,
						 "device '%s': is given twice",
						 image->mappings[i].device);
		image->mapping_count++;
		if (!root)
			root = image->mappings[0].device;
	}
	return 0;
}

/* Exactly one root, which has a disk of its own. */
static int parse_root(const struct sfs_cmd *cmd, struct sfs_image *image)
{
	static const char *const kinds[] = {
		[SFS_MAPPING_EMPTY] = "empty",
		[SFS_MAPPING_EPHEMERAL] = "ephemeral",
		[SFS_MAPPING_NONE] = "no device",
	};
	const char *given = sfs_args_get(&cmd->args, "root");
	const struct sfs_mapping *root = &image->mappings[0];

	if (given)
		root = sfs_image_mapping(image, given);
	if (!root)
		return sfs_message_usage(cmd->args.context,
					 "--root '%s': is none of the devices "
					 "given",
					 given);
	if (root->kind != SFS_MAPPING_SNAPSHOT)
		return sfs_message_usage(cmd->args.context,
					 "device '%s': is %s and cannot be "
					 "the root; name another with --root",
					 root->device, kinds[root->kind]);
	strcpy(image->root, root->device);
	return 0;
}

static int parse_word_option(const struct sfs_cmd *cmd, const char *name,
			     bool (*ok)(const char *), char *ret)
{
	const char *value = sfs_args_get(&cmd->args, name);

	if (!value)
		return 0;
	if (!ok(value))
		return sfs_message_usage(
			cmd->args.context, "--%s '%s': is none of %s", name,
			value,
			ok == sfs_image_architecture_ok
				? "x86_64, arm64, i386 and riscv64"
				: "legacy-bios, uefi and uefi-preferred");
	strcpy(ret, value);
	return 0;
}

static int parse_labels(const struct sfs_cmd *cmd, struct sfs_image *image)
{
	const char *platform = sfs_args_get(&cmd->args, "platform");
	const char *description, *why;
	int r;

	if (platform && !sfs_name_text_ok(platform, SFS_DESCRIPTION_MAX, &why))
		return sfs_message_usage(cmd->args.context,
					 "--platform '%.60s': %s", platform,
					 why);
	r = sfs_cmd_labels(cmd, &description, &image->tags);
	if (r < 0)
		return r;
	image->platform = sfs_strdup(platform ? platform : "");
	image->description = sfs_strdup(description ? description : "");
	return image->platform && image->description ? 0 : -ENOMEM;
}

int sfs_image_args_parse(const struct sfs_cmd *cmd, bool sources,
			 struct sfs_image_args *ret)
{
	const char *name = cmd->args.words[0], *why;
	struct sfs_image *image;
	int r;

	image = ret->image = sfs_calloc(1, sizeof(*image));
	if (!image)
		return -ENOMEM;
	image->owner = SFS_OWNER_NONE;
	if (!sfs_name_image_ok(name, &why))
		return sfs_message_usage(cmd->args.context,
					 "image name '%s': %s", name, why);
	strcpy(image->name, name);
	r = parse_mappings(cmd, sources, ret);
	if (r == 0)
		r = parse_root(cmd, image);
	if (r == 0)
		r = parse_word_option(cmd, "arch", sfs_image_architecture_ok,
				      image->architecture);
	if (r == 0)
		r = parse_word_option(cmd, "boot-mode", sfs_image_boot_mode_ok,
				      image->boot_mode);
	return r == 0 ? parse_labels(cmd, image) : r;
}

void sfs_image_args_done(struct sfs_image_args *args)
{
	sfs_image_free(args->image);
	free(args->disks);
}
