/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * exact_wakes: who sleeps on a barrier is woken once, when its last sequence is crossed, and nobody else is
 *
 * A WAKE has done its work when it returns, so what the kernel has counted is compared right after each publish: nothing
 * here hangs on time.
 */
#define _GNU_SOURCE
#include "stress.h"

#define SLEEPERS 64
#define SPREAD	 2			 /* positions from target to target */
#define ROUND	 (SPREAD * SLEEPERS + 1) /* positions per round: the last is nobody's target */
#define SLOTS	 512
#define MEMBERS	 (SLEEPERS + 2)

/* ---- 64 sleepers with 64 targets ---- */

struct hall {
	struct dmp_ring *ring;
	struct dmp_member *producer, *second; /* NULL: there is one */
	pthread_barrier_t barrier;	      /* sleepers and whoever wakes them */
	uint32_t rounds;
	uint32_t rank[SLEEPERS];   /* of each sleeper in this round: its target is SPREAD * (rank + 1) from the base */
	uint32_t shares[SLEEPERS]; /* what each got in its wait, in this round */
};

struct sleeper {
	struct hall *hall;
	struct dmp_member *member;
	uint32_t number;
	pthread_t thread;
};

static void *sleep_rounds(void *arg)
{
	struct sleeper *s = arg;
	struct hall *hall = s->hall;
	struct dmp_batch batch;

	for (uint32_t r = 0; r < hall->rounds; r++) {
		uint64_t base = dmp_position(s->member);

		pthread_barrier_wait(&hall->barrier); /* ranks are dealt */
		if (dmp_wait_until(s->member, SPREAD * (hall->rank[s->number] + 1), &batch, wait_long()))
			batch.end = batch.pos;
		hall->shares[s->number] = batch.end - base;
		pthread_barrier_wait(&hall->barrier); /* all is published */
		while (dmp_position(s->member) < base + ROUND && !dmp_try_wait(s->member, 1, &batch))
			dmp_release(s->member, batch.end);
	}
	return NULL;
}

/* Returns how many there are. */
static uint32_t read_members(struct hall *hall, struct dmp_member_info *members)
{
	uint32_t n = SLEEPERS + 1 + !!hall->second;

	assert_int_equal(dmp_ring_members(hall->ring, members, MEMBERS), n);
	return n;
}

static bool all_sleep(struct hall *hall)
{
	struct dmp_member_info members[MEMBERS];
	uint32_t n = read_members(hall, members), asleep = 0;

	while (n--)
		asleep += !!(members[n].waiting & DMP_WAITING_ASLEEP);
	return asleep == SLEEPERS;
}

static void publish(struct dmp_member *producer, uint32_t n)
{
	uint64_t pos;

	assert_int_equal(dmp_claim_until(producer, n, &pos, wait_long()), 0);
	dmp_publish(producer, pos, n);
}

/* Of two producers the second is done first: behind the hole it leaves all asleep, for whoever sleeps first sleeps there. */
static void publish_past(struct hall *hall, uint32_t n)
{
	uint64_t first = hall->second && n > SPREAD ? SPREAD : n, hole;

	assert_int_equal(dmp_claim_until(hall->producer, first, &hole, wait_long()), 0);
	if (n > first)
		publish(hall->second, n - first);
	dmp_publish(hall->producer, hole, first);
}

static void deal_ranks(struct hall *hall, uint64_t *seed)
{
	for (uint32_t i = 0; i < SLEEPERS; i++) {
		uint32_t j = stress_below(seed, i + 1);

		hall->rank[i] = hall->rank[j];
		hall->rank[j] = i;
	}
}

/* Between two looks: those with a rank in [from, to) were woken, once each, and the others not at all. */
static void check_woken(struct hall *hall, const struct dmp_member_info *was, uint32_t from, uint32_t to)
{
	struct dmp_member_info is[MEMBERS];
	uint32_t n = read_members(hall, is);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t rank;

		if (is[i].role != DMP_ROLE_CONSUMER)
			continue;
		rank = hall->rank[strtoul(is[i].name, NULL, 10)];
		assert_int_equal(is[i].woken - was[i].woken, rank >= from && rank < to);
		assert_int_equal(is[i].futile, 0);
	}
}

/* Publish past the targets of ranks [from, to) and see what that did. */
static void wake_some(struct hall *hall, uint32_t events, uint32_t from, uint32_t to)
{
	struct dmp_member_info members[MEMBERS];
	struct dmp_info was = stress_info(hall->ring), is;

	read_members(hall, members);
	if (events)
		publish_past(hall, events);
	is = stress_info(hall->ring);
	assert_int_equal(is.woken - was.woken, to - from);
	assert_int_equal(is.crossed - was.crossed, to - from);
	assert_in_range(is.examined - was.examined, to - from, to - from + 1);
	assert_int_equal(is.wakes - was.wakes, to > from ? 1 : 0);
	assert_int_equal(is.empty - was.empty, 0);
	assert_int_equal(is.futile, 0);
	assert_int_equal(is.late, 0);
	check_woken(hall, members, from, to);
}

/* k of them, then the rest; an event that is nobody's target lies before and behind each cut. */
static void one_round(struct hall *hall, uint32_t k, uint64_t *seed)
{
	deal_ranks(hall, seed);
	pthread_barrier_wait(&hall->barrier);
	assert_true(stress_until(all_sleep(hall)));
	wake_some(hall, SPREAD * k + 1, 0, k);
	wake_some(hall, SPREAD * (SLEEPERS - k), k, SLEEPERS);
	pthread_barrier_wait(&hall->barrier);
	for (uint32_t i = 0; i < SLEEPERS; i++)
		assert_in_range(hall->shares[i], SPREAD * (hall->rank[i] + 1), ROUND);
}

static void seat(struct hall *hall, struct sleeper *sleepers)
{
	assert_int_equal(pthread_barrier_init(&hall->barrier, NULL, SLEEPERS + 1), 0);
	for (uint32_t i = 0; i < SLEEPERS; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%u", i);
		sleepers[i].hall = hall;
		sleepers[i].number = i;
		sleepers[i].member = stress_join(hall->ring, DMP_ROLE_CONSUMER, name, &dmp_wait_block);
		assert_int_equal(pthread_create(&sleepers[i].thread, NULL, sleep_rounds, &sleepers[i]), 0);
	}
}

static void wake_k_of_64(const struct stress_kind *kind, uint64_t *seed)
{
	static const uint32_t cuts[] = { 1, 0, 2, 31, 32, 33, 63, 64 };
	struct sleeper sleepers[SLEEPERS];
	struct hall hall = {
		.ring = stress_ring(kind, SLOTS),
		.rounds = ARRAY_SIZE(cuts),
	};

	hall.producer = stress_join(hall.ring, DMP_ROLE_PRODUCER, NULL, &dmp_wait_block);
	if (stress_producers(kind) > 1)
		hall.second = stress_join(hall.ring, DMP_ROLE_PRODUCER, NULL, &dmp_wait_block);
	seat(&hall, sleepers);
	for (uint32_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		struct dmp_info was = stress_info(hall.ring), is;

		one_round(&hall, cuts[i], seed);
		is = stress_info(hall.ring);
		print_message("%s: %u of %u woken, then %u: examined %llu, futile %llu\n", kind->name, cuts[i],
			      SLEEPERS, SLEEPERS - cuts[i], (unsigned long long)(is.examined - was.examined),
			      (unsigned long long)is.futile);
	}
	for (uint32_t i = 0; i < SLEEPERS; i++) {
		assert_int_equal(pthread_join(sleepers[i].thread, NULL), 0);
		dmp_leave(sleepers[i].member);
	}
	dmp_leave(hall.second);
	dmp_leave(hall.producer);
	dmp_ring_close(hall.ring);
	pthread_barrier_destroy(&hall.barrier);
}

static void publishing_past_k_targets_wakes_those_k_once(void **state)
{
	uint64_t seed = stress_seed();

	(void)state;
	stress_each_kind(kind) wake_k_of_64(kind, &seed);
}

/* ---- a sleeper on several sequences ---- */

struct one_wait {
	struct dmp_member *member;
	int result;
	pthread_t thread;
};

static void *wait_for_an_event(void *arg)
{
	struct one_wait *w = arg;
	struct dmp_batch batch;

	w->result = dmp_wait_until(w->member, 1, &batch, wait_long());
	if (!w->result)
		w->result = dmp_release(w->member, batch.end);
	return NULL;
}

static void *wait_for_a_slot(void *arg)
{
	struct one_wait *w = arg;
	uint64_t pos;

	w->result = dmp_claim_until(w->member, 1, &pos, wait_long());
	if (!w->result)
		dmp_publish(w->member, pos, 1);
	return NULL;
}

static void begin(struct one_wait *w, void *(*fn)(void *), const struct dmp_ring *ring, const char *name)
{
	assert_int_equal(pthread_create(&w->thread, NULL, fn, w), 0);
	await_asleep(dmp_ring_fd(ring), name);
}

static void end(struct one_wait *w)
{
	assert_int_equal(pthread_join(w->thread, NULL), 0);
	assert_int_equal(w->result, 0);
}

static void take_all(struct dmp_member *m)
{
	struct dmp_batch batch;

	assert_int_equal(dmp_try_wait(m, 1, &batch), 0);
	assert_int_equal(dmp_release(m, batch.end), 0);
}

/* name still sleeps, on these consumers' cursors; nobody was woken since was. */
static void check_sleeps_on(const struct dmp_ring *ring, const char *name, uint64_t woken, uint64_t consumers,
			    bool cursor)
{
	struct dmp_member_info m = member_info(dmp_ring_fd(ring), name);

	assert_int_equal(m.waiting & DMP_WAITING_ASLEEP, DMP_WAITING_ASLEEP);
	assert_int_equal(!!(m.waiting & DMP_WAITING_CURSOR), cursor);
	assert_int_equal(m.waits_on, consumers);
	assert_int_equal(m.woken, woken);
}

static uint64_t bit_of(const struct dmp_ring *ring, const char *name)
{
	return 1ULL << member_info(dmp_ring_fd(ring), name).index;
}

struct diamond {
	struct dmp_ring *ring;
	struct dmp_member *producer, *left, *right;
	struct one_wait join; /* waits for both */
};

/* The event is there before the sleeper comes, or not; the one or the other side is the later one. */
static void cross(struct diamond *d, bool published, struct dmp_member *sooner, struct dmp_member *later, uint64_t last)
{
	uint64_t both = bit_of(d->ring, "left") | bit_of(d->ring, "right");
	uint64_t woken = member_info(dmp_ring_fd(d->ring), "join").woken;
	struct dmp_info is, was = stress_info(d->ring);

	if (published)
		publish(d->producer, 1);
	begin(&d->join, wait_for_an_event, d->ring, "join");
	check_sleeps_on(d->ring, "join", woken, both, !published);
	if (!published)
		publish(d->producer, 1);
	check_sleeps_on(d->ring, "join", woken, both, false);
	take_all(sooner);
	check_sleeps_on(d->ring, "join", woken, last, false);
	take_all(later);
	is = stress_info(d->ring);
	assert_int_equal(is.woken - was.woken, 1);
	assert_int_equal(is.futile, 0);
	end(&d->join);
	assert_int_equal(member_info(dmp_ring_fd(d->ring), "join").woken, woken + 1);
}

static void sleeper_on_two_dependencies_is_woken_once_after_the_later(void **state)
{
	(void)state;
	stress_each_kind(kind)
	{
		struct diamond d = { .ring = stress_ring(kind, SLOTS) };

		d.producer = stress_join(d.ring, DMP_ROLE_PRODUCER, NULL, &dmp_wait_block);
		d.left = stress_join(d.ring, DMP_ROLE_CONSUMER, "left", &dmp_wait_block);
		d.right = stress_join(d.ring, DMP_ROLE_CONSUMER, "right", &dmp_wait_block);
		d.join.member = stress_after(d.ring, "join", "left", "right", &dmp_wait_block);
		for (int i = 0; i < 4; i++) {
			bool left_first = i & 2;

			cross(&d, i & 1, left_first ? d.left : d.right, left_first ? d.right : d.left,
			      bit_of(d.ring, left_first ? "right" : "left"));
		}
		dmp_leave(d.join.member);
		dmp_leave(d.right);
		dmp_leave(d.left);
		dmp_leave(d.producer);
		dmp_ring_close(d.ring);
	}
}

struct cell {
	struct dmp_ring *ring;
	int producers;
	struct one_wait wait[2]; /* each for a slot */
	struct dmp_member *gates[3];
};

static const char *const producer_names[] = { "p", "q" }, *const gate_names[] = { "a", "b", "c" };

static struct cell open_cell(const struct stress_kind *kind)
{
	struct cell c = { .ring = stress_ring(kind, SLOTS), .producers = stress_producers(kind) };

	for (int i = 0; i < c.producers; i++)
		c.wait[i].member = stress_join(c.ring, DMP_ROLE_PRODUCER, producer_names[i], &dmp_wait_block);
	for (int i = 0; i < 3; i++)
		c.gates[i] = stress_join(c.ring, DMP_ROLE_CONSUMER, gate_names[i], &dmp_wait_block);
	return c;
}

static void close_cell(struct cell *c)
{
	for (int i = 0; i < 3; i++)
		dmp_leave(c->gates[i]);
	for (int i = 0; i < c->producers; i++)
		dmp_leave(c->wait[i].member);
	dmp_ring_close(c->ring);
}

static void free_slots_one_gate_after_the_other(struct cell *c)
{
	uint64_t left = 0;

	for (int i = 0; i < 3; i++)
		left |= bit_of(c->ring, gate_names[i]);
	for (int i = 0; i < 3; left &= left - 1, i++) { /* the first joined has the lowest bit */
		for (int k = 0; k < c->producers; k++)
			check_sleeps_on(c->ring, producer_names[k], 0, left, false);
		take_all(c->gates[i]);
	}
}

static void producers_on_three_gates_are_woken_once_after_the_last(void **state)
{
	(void)state;
	stress_each_kind(kind)
	{
		struct cell c = open_cell(kind);

		publish(c.wait[0].member, SLOTS);
		for (int i = 0; i < c.producers; i++)
			begin(&c.wait[i], wait_for_a_slot, c.ring, producer_names[i]);
		free_slots_one_gate_after_the_other(&c);
		for (int i = 0; i < c.producers; i++)
			end(&c.wait[i]);
		assert_int_equal(stress_info(c.ring).woken, c.producers);
		assert_int_equal(stress_info(c.ring).futile, 0);
		close_cell(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(publishing_past_k_targets_wakes_those_k_once),
		cmocka_unit_test(sleeper_on_two_dependencies_is_woken_once_after_the_later),
		cmocka_unit_test(producers_on_three_gates_are_woken_once_after_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
