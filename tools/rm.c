// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* rm.c: remove a ring's name */
#include <errno.h>

#include "tool.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	return parse_ring_name(key, arg, state, state->input);
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "NAME",
	.doc = "Remove a ring's name. Members that are there go on; the ring goes with the last of them.",
	.children = common_options,
};

int cmd_rm(int argc, char **argv)
{
	const char *name = NULL;
	struct dmp_info info;
	int err;

	parse_options(&argp, argc, argv, &name);
	err = dmp_ring_unlink(name);
	if (err == -EPERM && find_ring(name, &info))
		fail("it belongs to uid %u: only the owner and root may remove it", info.uid);
	if (err == -EINVAL && !is_ring_name(name))
		fail_name();
	if (err)
		fail_errno(err);
	return 0;
}
