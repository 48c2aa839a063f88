/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * join_storm: members join and leave under producers at full speed, and no event between is lost or overwritten unread
 *
 *   producers --> ring ---> [gate, which is slow]   with other gates: it is there throughout
 *                   \-----> stormers                join somewhere, read some, leave, again and again, each with one
 *                                                   slot of the member table and one bit of the mask for all its lives
 *
 * A stormer looks at what it reads twice: when it comes, and again after a delay, before the release that allows it to
 * be overwritten. What each visit comes to is tallied; outcomes that must not be are failures on the spot.
 */
#define _GNU_SOURCE
#include "stress.h"

#define SLOTS	    64
#define STORMERS    3
#define MOST_EVENTS 130 /* that a visit reads: twice around the ring */

enum start { LATEST, OLDEST, POSITION, AFTER_GATE, STARTS };

static const char *const start_names[STARTS] = { "latest", "oldest", "position", "latest after the gate" };

enum outcome { VISITED, TOO_LATE, OUTCOMES };

static const char *const outcome_meaning[OUTCOMES] = {
	"joined, read without a gap and left",
	"refused: the position was overwritten meanwhile (-ERANGE)",
};

/* Shared by all. */
struct tally {
	uint64_t visits[STARTS][OUTCOMES];
	uint64_t read;
	uint64_t held; /* of them, those that their reader had not released when it left */
	uint64_t stop;
	uint64_t ready; /* the producers and the gate are there */
};

struct storm {
	struct dmp_ring *ring;
	uint32_t event_size;
	bool gated;
	uint64_t visits; /* of each stormer */
	uint64_t seed;
	struct tally *tally;
};

static void count(uint64_t *word, uint64_t n)
{
	__atomic_add_fetch(word, n, __ATOMIC_RELAXED);
}

static int produce(void *arg)
{
	struct storm *s = arg;
	struct dmp_member *m = stress_join(s->ring, DMP_ROLE_PRODUCER, "p", &dmp_wait_yield);
	uint64_t pos;

	count(&s->tally->ready, 1);
	while (!__atomic_load_n(&s->tally->stop, __ATOMIC_ACQUIRE)) {
		uint32_t n = 1 + stress_below(&s->seed, 16);
		int ret = dmp_claim_until(m, n, &pos, wait_long());

		assert_int_equal(ret, 0);
		for (uint32_t i = 0; i < n; i++)
			stress_fill(dmp_slot(m, pos + i), s->event_size, pos + i);
		dmp_publish(m, pos, n);
	}
	dmp_leave(m);
	return 0;
}

/* Reads all there is, and dawdles before it lets go, so that there are positions behind the cursor to join at. */
static int gate(void *arg)
{
	struct storm *s = arg;
	struct dmp_member *m = stress_join(s->ring, DMP_ROLE_CONSUMER, "gate", &dmp_wait_yield);
	struct dmp_batch batch;
	uint64_t next = dmp_position(m);
	int ret;

	count(&s->tally->ready, 1);
	while (!(ret = dmp_wait_until(m, 1, &batch, wait_long()))) {
		assert_int_equal(batch.pos, next);
		for (; next < batch.end; next++)
			assert_true(stress_intact(dmp_event(m, next), s->event_size, next));
		stress_delay(&s->seed, 12);
		assert_int_equal(dmp_release(m, next), 0);
	}
	assert_int_equal(ret, -EPIPE);
	dmp_leave(m);
	return 0;
}

static void check_events(struct dmp_member *m, const struct dmp_batch *batch, const char *when)
{
	for (uint64_t pos = batch->pos; pos < batch->end; pos++) {
		if (!stress_intact(dmp_event(m, pos), dmp_event_size(m), pos))
			fail_msg("position %llu is not what was published there, %s", (unsigned long long)pos, when);
	}
}

/* Read want events without a gap, and leave the last ones unreleased. */
static void read_some(struct storm *s, struct dmp_member *m, uint64_t start, uint64_t want)
{
	struct dmp_batch batch;
	uint64_t next = start;

	while (next < start + want) {
		assert_int_equal(dmp_wait_until(m, 1, &batch, wait_long()), 0);
		assert_int_equal(batch.pos, next);
		assert_in_range(batch.end, next + 1, next + SLOTS);
		check_events(m, &batch, "when it came");
		stress_delay(&s->seed, 10);
		check_events(m, &batch, "after a while, unreleased");
		count(&s->tally->read, batch.end - next);
		next = batch.end;
		if (next < start + want)
			assert_int_equal(dmp_release(m, next), 0);
		else
			count(&s->tally->held, batch.end - batch.pos);
	}
}

static void check_start(const struct dmp_info *was, const struct dmp_info *is, enum start how, uint64_t asked,
			uint64_t start)
{
	uint64_t lowest = how == LATEST ? was->cursor : was->gate;

	if (how == POSITION)
		assert_int_equal(start, asked);
	assert_in_range(is->gate, was->gate, start);
	/* A stamped ring's stamps run ahead of its cursor, a start does not. */
	assert_in_range(start, lowest, is->cursor);
}

/* One visit: join in this way, read, leave. False if the position asked for was gone by then. */
static bool visit(struct storm *s, const char *name, enum start how)
{
	static const uint32_t from[STARTS] = { DMP_FROM_LATEST, DMP_FROM_OLDEST, DMP_FROM_POSITION, DMP_FROM_LATEST };
	static const char *const after_gate[] = { "gate" };
	struct dmp_info was = stress_info(s->ring), is;
	struct dmp_join_options options = {
		.name = name,
		.after = after_gate,
		.after_count = how == AFTER_GATE,
		.from = from[how],
		.wait = &dmp_wait_yield,
	};
	struct dmp_member *m;
	int ret;

	if (how == POSITION)
		options.position = was.gate + stress_below(&s->seed, was.cursor - was.gate + 1);
	ret = dmp_join(s->ring, DMP_ROLE_CONSUMER, &options, &m);
	if (ret == -ERANGE && how == POSITION) {
		is = stress_info(s->ring);
		assert_true(is.gate > options.position);
		count(&s->tally->visits[how][TOO_LATE], 1);
		return false;
	}
	assert_int_equal(ret, 0);
	is = stress_info(s->ring);
	check_start(&was, &is, how, options.position, dmp_position(m));
	read_some(s, m, dmp_position(m), stress_below(&s->seed, MOST_EVENTS));
	dmp_leave(m);
	count(&s->tally->visits[how][VISITED], 1);
	return true;
}

/* Without a gate that stays, a position may be too late for ever: then try another kind of start. */
static enum start choose(struct storm *s)
{
	return stress_below(&s->seed, s->gated ? STARTS : POSITION + 1);
}

static int storm(void *arg)
{
	struct storm *s = arg;
	struct name name = unique_name("s");

	for (uint64_t i = 0; i < s->visits; i++) {
		enum start how = choose(s);

		while (!visit(s, name.s, how))
			how = s->gated ? how : choose(s);
	}
	return 0;
}

static void print_tally(const struct storm *s, const char *kind)
{
	const struct tally *t = s->tally;

	print_message("%s, %s:\n", kind, s->gated ? "with another gate" : "without other gates");
	for (int how = 0; how < STARTS; how++)
		for (int o = 0; o < OUTCOMES; o++)
			if (t->visits[how][o])
				print_message("  %8llu  %s: %s\n", (unsigned long long)t->visits[how][o],
					      start_names[how], outcome_meaning[o]);
	print_message("  %8llu  events read and intact, twice\n", (unsigned long long)t->read);
	print_message("  %8llu  of them still unreleased when their reader left\n", (unsigned long long)t->held);
	print_message("  %8d  events lost, overwritten unread, or out of order: a failure\n", 0);
}

static void start_stormers(struct storm *s, pid_t *stormers, uint64_t visits, uint64_t *seed)
{
	for (int i = 0; i < STORMERS; i++) {
		s->seed = stress_random(seed);
		s->visits = visits / STORMERS + (i < (int)(visits % STORMERS));
		stormers[i] = start_child(storm, s);
	}
}

/* Members are few enough that each joins where another has just left: every slot and bit is used again and again. */
static struct dmp_ring *small_ring(const struct stress_kind *kind)
{
	struct dmp_ring_options options = {
		.slots = SLOTS,
		.event_size = kind->event_size,
		.members = 1 + stress_producers(kind) + STORMERS,
		.flags = kind->flags,
	};
	struct dmp_ring *ring;

	assert_int_equal(dmp_ring_create(&ring, NULL, &options), 0);
	return ring;
}

static void check_tally(const struct storm *s, uint64_t visits)
{
	uint64_t sum = 0;

	for (int how = 0; how < STARTS; how++)
		sum += s->tally->visits[how][VISITED];
	assert_int_equal(sum, visits);
	assert_true(s->tally->read > visits);
	for (int how = 0; s->gated && how < STARTS; how++)
		assert_true(s->tally->visits[how][VISITED] > 0);
}

static void run_storm(const struct stress_kind *kind, bool gated, uint64_t visits, uint64_t *seed)
{
	struct storm s = {
		.ring = small_ring(kind),
		.event_size = kind->event_size,
		.gated = gated,
		.seed = stress_random(seed),
		.tally = shared_memory(sizeof(struct tally)),
	};
	pid_t producer[2], gating = gated ? start_child(gate, &s) : 0, stormers[STORMERS];
	int producers = stress_producers(kind);
	struct dmp_info info;

	for (int i = 0; i < producers; i++, s.seed++)
		producer[i] = start_child(produce, &s);
	await_shared(&s.tally->ready, producers + gated);
	start_stormers(&s, stormers, visits, seed);
	for (int i = 0; i < STORMERS; i++)
		assert_int_equal(finish_child(stormers[i]), 0);
	store_shared(&s.tally->stop, 1);
	for (int i = 0; i < producers; i++)
		assert_int_equal(finish_child(producer[i]), 0);
	if (gated)
		assert_int_equal(finish_child(gating), 0);
	check_tally(&s, visits);
	print_tally(&s, kind->name);
	info = stress_info(s.ring);
	assert_int_equal(info.joined, 0);
	assert_int_equal(info.gate, info.cursor);
	dmp_ring_close(s.ring);
	free_shared_memory(s.tally, sizeof(struct tally));
}

/* Of each kind, with and without a gate. */
static uint64_t visits(void)
{
	return rounds(5000, 100000) / (2 * ARRAY_SIZE(stress_kinds)) + 1;
}

static void joins_without_other_gates_lose_nothing(void **state)
{
	uint64_t seed = stress_seed();

	(void)state;
	stress_each_kind(kind) run_storm(kind, false, visits(), &seed);
}

static void joins_beside_a_gate_lose_nothing(void **state)
{
	uint64_t seed = stress_seed();

	(void)state;
	stress_each_kind(kind) run_storm(kind, true, visits(), &seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins_without_other_gates_lose_nothing),
		cmocka_unit_test(joins_beside_a_gate_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
