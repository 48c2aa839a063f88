// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* ls.c: the rings of this network namespace, and those in shared memory */
#include <errno.h>

#include "tool.h"

enum { JSON = 0x200 };

static const struct argp_option options[] = {
	{ "json", JSON, NULL, 0, "An array of objects", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case JSON:
		*json = true;
		return 0;
	case ARGP_KEY_ARG:
		fail_usage("'%s' is one argument too many; see dmp ls --help", arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "List the rings of this network namespace, and those in shared memory (shm:NAME).\v"
	       "Positions and members of rings that you may not observe are shown as 0.",
	.children = common_options,
};

typedef void (*tell_fn)(const char *name, const struct dmp_info *info, void *arg);

static void for_each_shm(tell_fn tell, void *arg)
{
	char plain[DMP_NAME_MAX] = "", name[DMP_NAME_MAX + 4];
	struct dmp_info info;
	int err;

	while (!(err = dmp_shm_next(plain, &info))) {
		snprintf(name, sizeof(name), "shm:%s", plain);
		tell(name, &info, arg);
	}
	if (err != -ENOENT)
		fail_errno(err);
}

/* Call tell() for each. Without the module there are those that do without it. */
static void for_each_ring(tell_fn tell, void *arg)
{
	struct dmp_info info;
	uint64_t id;
	int err;

	for (id = 0; !(err = dmp_ring_next(id, &info)); id = info.id)
		tell(info.name, &info, arg);
	if (err == -EACCES)
		fail("you may not open /dev/dmp: its owner must allow it (chmod 0666 /dev/dmp)");
	if (err != -ENOENT && err != -ENODEV)
		fail_errno(err);
	for_each_shm(tell, arg);
}

static void tell_json(const char *name, const struct dmp_info *info, void *json)
{
	json_open(json, NULL, '{');
	json_ring(json, name, info);
	json_close(json, '}');
}

static void list_json(void)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '[');
	for_each_ring(tell_json, &json);
	json_close(&json, ']');
}

static void tell_row(const char *name, const struct dmp_info *info, void *table)
{
	table_cell(table, "%s", name);
	table_cell(table, "%llu", info->slots);
	table_cell(table, "%u", info->event_size);
	table_cell(table, "%s", info->flags & DMP_RING_STAMPED ? "stamped" : "packed");
	table_cell(table, "%u/%u", info->joined, info->members);
	table_cell(table, "%llu", info->cursor);
	table_cell(table, "%llu", info->bytes);
	table_cell(table, "%u", info->uid);
	table_cell(table, "%04o", info->mode);
	table_cell(table, "%s", ended_phrase(info->ended));
}

static void list_table(void)
{
	static const char *const heads[] = {
		"NAME", "SLOTS", "SIZE", "KIND", "MEMBERS", "CURSOR", "BYTES", "UID", "MODE", "STREAM",
	};
	struct table *table = table_new("lrrlrrrrrl");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(heads); i++)
		table_cell(table, "%s", heads[i]);
	for_each_ring(tell_row, table);
	table_print(table);
}

int cmd_ls(int argc, char **argv)
{
	bool json = false;

	parse_options(&argp, argc, argv, &json);
	if (json)
		list_json();
	else
		list_table();
	return 0;
}
