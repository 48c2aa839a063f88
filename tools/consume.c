// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* consume.c: what comes out of a ring, to the standard output */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

#define SECOND 1000000000ULL

struct consume {
	const char *ring;
	char name[DMP_MEMBER_NAME_MAX]; /* if none was given */
	const char *after[DMP_MAX_GATES];
	struct dmp_join_options join;
	bool observe, stats;
	struct reader reader;
};

enum { AS = 0x200, AFTER, FROM, OBSERVE, COUNT, FOLLOW, STATS, ON_DEATH, HOLD };

static const struct argp_option options[] = {
	{ "as", AS, "NAME", 0, "The consumer's name (consume-PID)", 0 },
	{ "after", AFTER, "A,B,...", 0, "Read each event only after these consumers have", 0 },
	{ "from", FROM, "WHERE", 0,
	  "latest (what is published from now on), oldest (what is there still), or the number "
	  "of an event",
	  0 },
	{ "observe", OBSERVE, NULL, 0, "Do not hold the producer up: what is overwritten first is lost, and counted",
	  0 },
	{ "count", COUNT, "N", 0, "End after so many events", 0 },
	{ "follow", FOLLOW, NULL, 0, "At the end of the stream wait for the next producer", 0 },
	{ "on-death", ON_DEATH, "POLICY", 0,
	  "What becomes of its place if it is killed: drop, fail (those after it fail as well; the default), or hold "
	  "(kept until a consumer of the same name and user goes on there; a full ring waits that long)",
	  0 },
	{ "hold", HOLD, "SECONDS", 0, "Hold the place so long (10)", 0 },
	{ "stats", STATS, NULL, 0, "At the end, tell on the standard error what it took", 0 },
	{ 0 },
};

static void parse_after(struct consume *c, char *list)
{
	char *name;

	while ((name = strsep(&list, ","))) {
		if (!*name)
			fail_usage("--after takes names with commas between, without empty ones");
		if (c->join.after_count == DMP_MAX_GATES - 1)
			fail_usage("--after takes at most %d names", DMP_MAX_GATES - 1);
		c->after[c->join.after_count++] = name;
	}
	c->join.after = c->after;
}

static void parse_from(struct consume *c, const char *where)
{
	if (!strcmp(where, "latest")) {
		c->join.from = DMP_FROM_LATEST;
	} else if (!strcmp(where, "oldest")) {
		c->join.from = DMP_FROM_OLDEST;
	} else {
		if (!parse_number(where, UINT64_MAX, &c->join.position))
			fail_usage("--from takes oldest, latest or the number of an event, not '%s'", where);
		c->join.from = DMP_FROM_POSITION;
	}
}

static uint32_t parse_policy(const char *word)
{
	uint32_t policy;

	for (policy = DMP_POLICY_DROP; policy <= DMP_POLICY_FAIL; policy++)
		if (!strcmp(word, policy_word(policy)))
			return policy;
	fail_usage("--on-death takes drop, fail or hold, not '%s'", word);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct consume *c = state->input;

	switch (key) {
	case AS:
		c->join.name = arg;
		return 0;
	case AFTER:
		parse_after(c, arg);
		return 0;
	case FROM:
		parse_from(c, arg);
		return 0;
	case OBSERVE:
		c->observe = true;
		return 0;
	case COUNT:
		c->reader.left = number_option("count", arg, 1, UINT64_MAX);
		return 0;
	case FOLLOW:
		c->reader.follow = true;
		return 0;
	case STATS:
		c->stats = true;
		return 0;
	case ON_DEATH:
		c->join.policy = parse_policy(arg);
		return 0;
	case HOLD:
		c->join.hold = number_option("hold", arg, 1, UINT64_MAX / SECOND) * SECOND;
		return 0;
	default:
		return parse_ring_name(key, arg, state, &c->ring);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "NAME",
	.doc = "Write what 'dmp publish' puts into a ring to the standard output.\v"
	       "Ends as the reader of a pipe does: once a producer has been there, all have left and everything is "
	       "read. "
	       "If the last one left without finishing the exit status is 1. The producer waits for consumers, not for "
	       "observers (--observe, which needs only the right to observe).",
	.children = common_options,
};

static void check(struct consume *c)
{
	if (c->observe && c->join.after_count)
		fail_usage("an observer comes after nobody: leave out --observe or --after");
	if (c->observe && c->join.policy)
		fail_usage("an observer has no place to keep: leave out --observe or --on-death");
	if (c->join.hold && c->join.policy != DMP_POLICY_HOLD)
		fail_usage("--hold goes with --on-death hold");
	if (!c->join.name) {
		snprintf(c->name, sizeof(c->name), "%s-%d", c->observe ? "observe" : "consume", getpid());
		c->join.name = c->name;
	}
}

/* Say what there is to say, then end as it ended. */
static int finish(struct consume *c, int err)
{
	struct reader *r = &c->reader;
	bool crashed = err == -EPIPE && dmp_ended(r->member) == DMP_END_CRASHED;

	if (c->stats)
		print_stats(&r->stats, r->member);
	if (r->lost)
		complain("%" PRIu64 " events were overwritten before they could be observed", r->lost);
	dmp_leave(r->member);
	if (err == -EINTR)
		die_of_signal();
	if (crashed)
		fail("the producer left without finishing: the end may be missing; look into its error and publish "
		     "again");
	if (err && err != -EPIPE)
		fail_errno(err);
	return 0;
}

int cmd_consume(int argc, char **argv)
{
	struct consume c = { .reader = { .left = UINT64_MAX, .epoll = -1 } };
	struct dmp_ring *ring;
	int err;

	parse_options(&argp, argc, argv, &c);
	check(&c);
	catch_signals();
	ring = open_ring(c.ring, c.observe ? DMP_RIGHT_R : DMP_RIGHT_X);
	c.reader.member = join_ring(ring, c.observe ? DMP_ROLE_OBSERVER : DMP_ROLE_CONSUMER, &c.join);
	err = c.observe ? observe(&c.reader) : drain(&c.reader);
	dmp_ring_close(ring);
	return finish(&c, err);
}
