// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* stat.c: what the members of a ring count, read in their pages: they are not asked, and do nothing for it */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "stat.h"

#define LONGEST 86400 /* s */

struct stat {
	const char *name, *member;
	uint64_t interval, count; /* 0: not given */
	bool json;
};

enum { JSON = 0x200, INTERVAL, COUNT };

static const struct argp_option options[] = {
	{ "json", JSON, NULL, 0, "An object for each time", 0 },
	{ "interval", INTERVAL, "SECONDS", 0, "Again and again, with rates, until interrupted", 0 },
	{ "count", COUNT, "N", 0, "So many times; without --interval every second", 0 },
	{ 0 },
};

/* A ring, then perhaps a member. */
static error_t parse_argument(int key, char *arg, struct argp_state *state, struct stat *s)
{
	if (key != ARGP_KEY_ARG || !s->name || s->member)
		return parse_ring_name(key, arg, state, &s->name);
	s->member = arg;
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct stat *s = state->input;

	switch (key) {
	case JSON:
		s->json = true;
		return 0;
	case INTERVAL:
		s->interval = number_option("interval", arg, 1, LONGEST);
		return 0;
	case COUNT:
		s->count = number_option("count", arg, 1, UINT32_MAX);
		return 0;
	default:
		return parse_argument(key, arg, state, s);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "NAME [MEMBER]",
	.doc = "Show what the members of a ring count, and what is counted of the ring since its creation.\v"
	       "A member without a name is #INDEX. What it counts it chose when it joined; counters without a unit are "
	       "its application's own. Of a histogram p50, p99 and max are bounds, powers of two: so many of the "
	       "values "
	       "are no greater. The first time are totals, then mean and bounds are those of the interval. Reading "
	       "takes "
	       "the right r and, for as long as it runs, the place of an observer; without them only sleeps and wakes "
	       "are shown, and the exit status is 1.",
	.children = common_options,
};

/* ---- where from ---- */

/* With no more than it takes, if that is to be had. */
static struct dmp_ring *open_to_read(const char *name)
{
	struct dmp_ring *ring;

	return dmp_ring_open(&ring, name, DMP_RIGHT_R) ? open_ring(name, 0) : ring;
}

static void say_what_is_missing(const struct dmp_ring *ring, int err)
{
	static const char rest[] = "so only its sleeps and wakes are shown";
	struct dmp_info info;

	dmp_ring_info(ring, &info);
	if (err == -EACCES)
		complain("you have not the right r, which it takes to read what its members count, %s: ask the owner "
			 "(uid %u, mode %04o)",
			 rest, info.uid, info.mode);
	else if (err == -ENOSPC)
		complain("no place is free for an observer (%u of %u are taken, and observers have half of them at "
			 "most), %s",
			 info.joined, info.members, rest);
	else
		fail_errno(err);
}

/* An observer that counts nothing. NULL: it cannot be had, which has been said. */
static struct dmp_member *join_to_read(struct dmp_ring *ring)
{
	const struct dmp_join_options o = { .counters = DMP_COUNTERS_NONE };
	struct dmp_member *reader = NULL;
	int err = dmp_join(ring, DMP_ROLE_OBSERVER, &o, &reader);

	if (err)
		say_what_is_missing(ring, err);
	return err ? NULL : reader;
}

/* ---- again and again ---- */

static struct snapshot take_snapshot(const struct stat_source *from)
{
	struct snapshot s = { .at = dmp_now() };
	struct all_counted all;
	int err = read_counted(from, &all);

	if (err)
		fail_errno(err);
	dmp_ring_info(from->ring, &s.info);
	s.member = all.member;
	s.count = all.count;
	return s;
}

static void free_snapshot(struct snapshot *s)
{
	free(s->member);
	*s = (struct snapshot){ .at = 0 };
}

/* Until so long after the last time; the time that showing it takes counts. A signal cuts it short. */
static void sleep_from(uint64_t at, uint64_t seconds)
{
	struct timespec until = { .tv_sec = (time_t)(at / 1000000000 + seconds), .tv_nsec = (long)(at % 1000000000) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void show(const struct stat *s, const struct span *span)
{
	if (s->json) {
		show_json(s->name, span);
	} else {
		if (span->before)
			printf("\n");
		show_table(s->name, span, s->interval);
	}
	fflush(stdout);
}

static void show_first(const struct stat *s, const struct snapshot *first)
{
	const struct span span = { .now = first };

	if (s->member && !first->count)
		fail("there is no member '%s': 'dmp info' shows who is there", s->member);
	show(s, &span);
}

static bool is_over(const struct stat *s, uint64_t shown)
{
	return was_signalled() || ferror(stdout) || !s->interval || (s->count && shown == s->count);
}

static void show_all(const struct stat *s, const struct stat_source *from)
{
	struct snapshot before, now = take_snapshot(from);
	const struct span span = { &before, &now };
	uint64_t shown;

	show_first(s, &now);
	for (shown = 1; !is_over(s, shown); shown++) {
		sleep_from(now.at, s->interval);
		if (was_signalled())
			break;
		before = now;
		now = take_snapshot(from);
		show(s, &span);
		free_snapshot(&before);
	}
	free_snapshot(&now);
}

int cmd_stat(int argc, char **argv)
{
	struct stat s = { .name = NULL };
	struct stat_source from;
	struct dmp_member *reader;
	struct dmp_ring *ring;

	parse_options(&argp, argc, argv, &s);
	if (s.count && !s.interval)
		s.interval = 1;
	ring = open_to_read(s.name);
	reader = join_to_read(ring);
	from = (struct stat_source){ ring, reader, s.member };
	if (s.interval)
		catch_signals();
	show_all(&s, &from);
	dmp_leave(reader);
	dmp_ring_close(ring);
	return reader ? 0 : EXIT_FAILURE;
}
