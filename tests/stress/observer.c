/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * observer: one who never holds the producer up is overtaken, and then knows exactly how many events it has lost
 *
 * Every word of an event tells its position, so that whatever was copied while it was overwritten shows.
 */
#define _GNU_SOURCE
#include "stress.h"

#define SLOTS	  64
#define EVENT_MAX 64

static void publish_filled(struct dmp_member *m, uint32_t n)
{
	uint64_t pos;

	assert_int_equal(dmp_claim_until(m, n, &pos, wait_long()), 0);
	for (uint32_t i = 0; i < n; i++)
		stress_fill(dmp_slot(m, pos + i), dmp_event_size(m), pos + i);
	dmp_publish(m, pos, n);
}

/* ---- exactly: the producer pauses ---- */

static void observe_at(struct dmp_member *m, uint64_t expected, uint64_t expected_lost)
{
	uint64_t event[EVENT_MAX / 8], pos, lost;

	assert_int_equal(dmp_try_observe(m, event, &pos, &lost), 0);
	assert_int_equal(pos, expected);
	assert_int_equal(lost, expected_lost);
	assert_true(stress_intact(event, dmp_event_size(m), pos));
}

static void lap_by(const struct stress_kind *kind, uint32_t more)
{
	struct dmp_ring *ring = stress_ring(kind, SLOTS);
	struct dmp_member *observer = stress_join(ring, DMP_ROLE_OBSERVER, "o", &dmp_wait_block);
	struct dmp_member *producer = stress_join(ring, DMP_ROLE_PRODUCER, "p", &dmp_wait_block);
	uint64_t event[EVENT_MAX / 8], pos, lost;

	for (uint32_t i = 0; i < SLOTS + more; i++)
		publish_filled(producer, 1);
	observe_at(observer, more, more);
	for (uint32_t i = 1; i < SLOTS; i++)
		observe_at(observer, more + i, 0);
	assert_int_equal(dmp_try_observe(observer, event, &pos, &lost), -EAGAIN);
	publish_filled(producer, 1);
	observe_at(observer, SLOTS + more, 0);
	dmp_leave(producer);
	dmp_leave(observer);
	dmp_ring_close(ring);
}

static void observer_overtaken_by_ten_has_lost_ten(void **state)
{
	(void)state;
	stress_each_kind(kind) lap_by(kind, 10);
}

static void observer_loses_exactly_what_was_overwritten(void **state)
{
	static const uint32_t by[] = { 0, 1, SLOTS - 1, SLOTS, SLOTS + 1, 5 * SLOTS + 3 };

	(void)state;
	stress_each_kind(kind)
	{
		for (uint32_t i = 0; i < ARRAY_SIZE(by); i++)
			lap_by(kind, by[i]);
	}
}

/* ---- at full speed ---- */

struct race {
	struct dmp_ring *ring;
	uint64_t events;
	int producers;
	uint64_t seed;
	uint64_t *joined; /* shared: the observer is there */
};

/*
 * No gate: the producer is never held up, and laps whoever looks on. Batches of all sizes up to a quarter of the ring, and
 * delays, so that the two are now apart, now at the same slot.
 */
static int produce(void *arg)
{
	struct race *race = arg;
	struct dmp_member *m = stress_join(race->ring, DMP_ROLE_PRODUCER, "p", &dmp_wait_spin);

	await_shared(race->joined, 1);
	for (uint64_t left = race->events / race->producers; left;) {
		uint64_t n = 1 + stress_below(&race->seed, SLOTS / 4);

		n = n < left ? n : left;
		publish_filled(m, n);
		stress_delay(&race->seed, 16);
		left -= n;
	}
	assert_int_equal(dmp_finish(m), 0);
	return 0;
}

struct tally {
	uint64_t received, lost, laps;
};

/* Until the end of the stream; lags on purpose now and then, by a delay of any size. */
static struct tally observe_all(struct dmp_member *m, uint64_t seed)
{
	uint64_t event[EVENT_MAX / 8], pos, lost, next = 0;
	struct tally t = { 0 };
	int ret;

	while (!(ret = dmp_observe_until(m, event, &pos, &lost, wait_long()))) {
		assert_int_equal(pos, next + lost);
		if (!stress_intact(event, dmp_event_size(m), pos))
			fail_msg("event %llu is torn", (unsigned long long)pos);
		next = pos + 1;
		t.received++;
		t.lost += lost;
		t.laps += !!lost;
		if (!stress_below(&seed, 1024))
			stress_delay(&seed, 16);
	}
	assert_int_equal(ret, -EPIPE);
	return t;
}

static void race_producer(const struct stress_kind *kind, uint64_t seed)
{
	struct race race = {
		.ring = stress_ring(kind, SLOTS),
		.events = rounds(2000000, 10000000) / stress_producers(kind),
		.producers = stress_producers(kind),
		.seed = seed,
		.joined = shared_memory(sizeof(uint64_t)),
	};
	struct dmp_member *observer = stress_join(race.ring, DMP_ROLE_OBSERVER, "o", &dmp_wait_yield);
	pid_t producer[2];
	struct tally t;

	for (int i = 0; i < race.producers; i++, race.seed++)
		producer[i] = start_child(produce, &race);
	store_shared(race.joined, 1);
	assert_true(stress_until(stress_info(race.ring).cursor > 2 * SLOTS)); /* lapped before the first look */
	t = observe_all(observer, ~seed);
	for (int i = 0; i < race.producers; i++)
		assert_int_equal(finish_child(producer[i]), 0);
	print_message("%s: published %llu, received %llu, lost %llu in %llu laps, torn 0\n", kind->name,
		      (unsigned long long)race.events, (unsigned long long)t.received, (unsigned long long)t.lost,
		      (unsigned long long)t.laps);
	/* Nothing overwrites the last event: it was received, and has reported the last loss. */
	assert_int_equal(dmp_position(observer), race.events);
	assert_int_equal(t.received + t.lost, race.events);
	assert_true(t.lost > 0);
	assert_int_equal(dmp_ended(observer), DMP_END_CLEAN);
	dmp_leave(observer);
	dmp_ring_close(race.ring);
	free_shared_memory(race.joined, sizeof(uint64_t));
}

static void racing_observer_accounts_for_every_event(void **state)
{
	uint64_t seed = stress_seed();

	(void)state;
	stress_each_kind(kind) race_producer(kind, seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(observer_overtaken_by_ten_has_lost_ten),
		cmocka_unit_test(observer_loses_exactly_what_was_overwritten),
		cmocka_unit_test(racing_observer_accounts_for_every_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
