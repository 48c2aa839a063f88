// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* evict.c: remove a consumer */
#include <errno.h>

#include "tool.h"

struct evict {
	const char *ring, *consumer;
};

/* The ring comes first. */
static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct evict *e = state->input;

	if (key == ARGP_KEY_ARG && e->ring && !e->consumer) {
		e->consumer = arg;
		return 0;
	}
	if (key == ARGP_KEY_END && e->ring && !e->consumer)
		fail_usage("the consumer's name is missing; see %s --help", state->name);
	return parse_ring_name(key, arg, state, &e->ring);
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "NAME CONSUMER",
	.doc = "Remove a consumer, or the place that is held for a dead one.\v"
	       "Producers wait for it no more, and who comes after it goes on without it. Its process lives on, and "
	       "hears of it when it releases what it read, or waits. This takes the right to produce.",
	.children = common_options,
};

static void fail_consumer(const struct dmp_ring *ring, const char *consumer)
{
	struct members members = members_of_ring(ring);
	char name[DMP_MEMBER_NAME_MAX];
	uint32_t i;

	for (i = 0; i < members.count; i++)
		if (members.list[i].role == DMP_ROLE_CONSUMER)
			fail("there is no consumer '%s'; '%s' is one: 'dmp info' shows them all", consumer,
			     printable(members.list[i].name, name, sizeof(name)));
	fail("there is no consumer '%s', nor any other", consumer);
}

int cmd_evict(int argc, char **argv)
{
	struct evict e = { .ring = NULL };
	struct dmp_ring *ring;
	int err;

	parse_options(&argp, argc, argv, &e);
	ring = open_ring(e.ring, DMP_RIGHT_W);
	err = dmp_evict(ring, e.consumer);
	if (err == -ENOENT)
		fail_consumer(ring, e.consumer);
	if (err == -EINVAL)
		fail("that is no consumer's name: 1 to %d of A-Z a-z 0-9 _ . -", DMP_MEMBER_NAME_MAX - 1);
	if (err)
		fail_errno(err);
	dmp_ring_close(ring);
	return 0;
}
