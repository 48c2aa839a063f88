// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* create.c: make a ring */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dmp/seq.h>

#include "tool.h"

#define MAX_EVENT_SIZE (1U << 20)

struct create {
	const char *name;
	struct dmp_ring_options options;
	const char *required[DMP_MAX_GATES];
	uint32_t required_count;
	bool foreground;
};

enum { SLOTS = 0x200, SIZE, STAMPED, PRODUCERS, MEMBERS, MODE, FENCED, REQUIRE, FOREGROUND };

static const struct argp_option options[] = {
	{ "slots", SLOTS, "N", 0, "Capacity in events, a power of two", 0 },
	{ "size", SIZE, "B", 0, "Bytes of payload per event, up to 1M", 0 },
	{ "stamped", STAMPED, NULL, 0, "Put a stamp before each payload: best for 56, 120, 184 ... bytes", 0 },
	{ "producers", PRODUCERS, "one|many", 0, "Many producers may join at once; such a ring is stamped (one)", 0 },
	{ "members", MEMBERS, "M", 0, "At most so many members at once (16)", 0 },
	{ "mode", MODE, "OCTAL", 0,
	  "Who may what: a digit each for owner, group and others, the sum of 4 to observe, "
	  "2 to produce, 1 to consume, which is the power to hold the producer up (0700)",
	  0 },
	{ "fenced", FENCED, NULL, 0, "Never go without fences, so that who sleeps first never waits for a grace period",
	  0 },
	{ "require", REQUIRE, "A,B,...", 0, "Nobody begins to produce before these consumers, of your user, are there",
	  0 },
	{ "foreground", FOREGROUND, NULL, 0, "Keep the ring until interrupted, instead of until 'dmp rm'", 0 },
	{ 0 },
};

static uint32_t parse_mode(const char *text)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (*end || end == text || *text < '0' || *text > '7' || !mode || mode > 0777)
		fail_usage("--mode takes three octal digits of which one is not 0, like 0750, not '%s'", text);
	return (uint32_t)mode;
}

static void parse_required(struct create *c, char *list)
{
	char *name;

	while ((name = strsep(&list, ","))) {
		if (!*name)
			fail_usage("--require takes names with commas between, without empty ones");
		if (c->required_count == DMP_MAX_GATES)
			fail_usage("--require takes at most %d names", DMP_MAX_GATES);
		c->required[c->required_count++] = name;
	}
}

static uint32_t parse_producers(const char *text)
{
	if (!strcmp(text, "many"))
		return DMP_RING_MULTI | DMP_RING_STAMPED;
	if (strcmp(text, "one"))
		fail_usage("--producers takes 'one' or 'many', not '%s'", text);
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct create *c = state->input;

	switch (key) {
	case SLOTS:
		c->options.slots = number_option("slots", arg, 1, 1ULL << 62);
		return 0;
	case SIZE:
		c->options.event_size = (uint32_t)number_option("size", arg, 1, MAX_EVENT_SIZE);
		return 0;
	case MEMBERS:
		c->options.members = (uint32_t)number_option("members", arg, 1, UINT32_MAX);
		return 0;
	case MODE:
		c->options.mode = parse_mode(arg);
		return 0;
	case STAMPED:
		c->options.flags |= DMP_RING_STAMPED;
		return 0;
	case PRODUCERS:
		c->options.flags |= parse_producers(arg);
		return 0;
	case FENCED:
		c->options.flags |= DMP_RING_FENCED;
		return 0;
	case REQUIRE:
		parse_required(c, arg);
		return 0;
	case FOREGROUND:
		c->foreground = true;
		return 0;
	default:
		return parse_ring_name(key, arg, state, &c->name);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "NAME --slots N --size B",
	.doc = "Make a ring.\v"
	       "NAME is a ring of the module, shm:NAME one in shared memory, file:PATH one in a file. "
	       "The slots must fill whole pages: slots times the size, with the stamp and rounded up to 8 bytes, is a "
	       "multiple of 4096. Numbers may be hexadecimal (0x...) and end in k or M. The memory is charged at once.",
	.children = common_options,
};

static bool fits(uint64_t slots, uint32_t stride)
{
	return slots * stride % DMP_PAGE == 0;
}

/* The smallest capacity of at least so many slots that the kernel takes. */
static uint64_t fitting(uint64_t slots, uint32_t stride)
{
	uint64_t n = 1;

	while (n < slots || !fits(n, stride))
		n *= 2;
	return n;
}

static void fail_invalid(const struct create *c)
{
	const struct dmp_ring_options *o = &c->options;
	uint32_t stride = dmp_stride(o->event_size, o->flags & DMP_RING_STAMPED);

	if (!is_ring_name(c->name))
		fail_name();
	if ((o->slots & (o->slots - 1)) || !fits(o->slots, stride))
		fail("slots must be a power of two and fill whole pages, with %u bytes each at least %llu: say --slots "
		     "%llu",
		     stride, (unsigned long long)fitting(1, stride), (unsigned long long)fitting(o->slots, stride));
	fail_errno(-EINVAL);
}

static void fail_create(const struct create *c, int err)
{
	const struct dmp_ring_options *o = &c->options;

	if (err == -EINVAL)
		fail_invalid(c);
	if (err == -EOPNOTSUPP && o->flags & DMP_RING_MULTI)
		fail("only a ring of the module can have several producers: leave out --producers many, or the prefix");
	if (err == -EEXIST)
		fail("there is a ring of that name already: take another name, or remove it first (dmp rm)");
	if (err == -ENOENT)
		fail("its folder is not there: make it, or take another path");
	if (err == -EACCES && is_ring_name(c->name) && strchr(c->name, ':') && strncmp(c->name, "dmp:", 4))
		fail("you may not make a file there: its folder's owner must allow it");
	if (err == -EACCES)
		fail("you may not open /dev/dmp for writing: its owner must allow it (chmod 0666 /dev/dmp)");
	fail_errno(err);
}

/* All of it or nothing: a ring that does not require them is not what was asked for. */
static void require(const struct create *c, struct dmp_ring *ring)
{
	int err = c->required_count ? dmp_ring_require(ring, geteuid(), c->required, c->required_count) : 0;

	if (!err)
		return;
	dmp_ring_unlink(c->name);
	if (err == -EOPNOTSUPP)
		fail("only a ring of the module can require consumers: leave out --require, or the prefix");
	if (err == -EINVAL)
		fail("--require takes names of up to %d of the characters A-Z a-z 0-9 _ . -, each once",
		     DMP_MEMBER_NAME_MAX - 1);
	fail_errno(err);
}

/* The name goes with us, unless it has become somebody else's. Members that are there keep the ring to themselves. */
static void remove_own(const char *name, const struct dmp_ring *ring)
{
	struct dmp_info own, named;

	dmp_ring_info(ring, &own);
	if (find_ring(name, &named) && named.id == own.id)
		dmp_ring_unlink(name);
}

int cmd_create(int argc, char **argv)
{
	struct create c = { .name = NULL };
	struct dmp_ring *ring;
	int err;

	parse_options(&argp, argc, argv, &c);
	if (!c.options.slots || !c.options.event_size)
		fail_usage("how large? Give --slots and --size; see dmp create --help");
	if (c.foreground)
		block_signals();
	else
		c.options.flags |= DMP_RING_PERSISTENT;
	err = dmp_ring_create(&ring, c.name, &c.options);
	if (err)
		fail_create(&c, err);
	require(&c, ring);
	if (c.foreground) {
		await_signal();
		remove_own(c.name, ring);
	}
	dmp_ring_close(ring);
	return 0;
}
