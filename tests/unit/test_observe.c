// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_observe.c: observers: nothing torn, every loss counted */
#include "fake.h"

#define SLOTS 512

static struct dmp_member *p, *o;
static uint64_t next; /* the position that comes next, if none is lost */

static int start(uint32_t flags)
{
	const struct dmp_join_options options = { .wait = &dmp_wait_block };

	fake_create(SLOTS, 8, flags);
	p = fake_producer();
	o = fake_member(DMP_ROLE_OBSERVER, &options);
	next = 0;
	return 0;
}

static int setup_stamped(void **state)
{
	(void)state;
	return start(DMP_RING_STAMPED);
}

static int setup_packed(void **state)
{
	(void)state;
	return start(0);
}

static int teardown(void **state)
{
	(void)state;
	dmp_leave(o);
	dmp_leave(p);
	fake_destroy();
	return 0;
}

/* One event, after so many that were lost. */
static void expect_event(uint64_t lost_before)
{
	uint64_t event = 77, pos = 77, lost = 77;

	assert_int_equal(dmp_try_observe(o, &event, &pos, &lost), 0);
	next += lost_before;
	assert_int_equal(lost, lost_before);
	assert_int_equal(pos, next);
	assert_int_equal(event, next);
	next++;
	assert_int_equal(dmp_position(o), next);
}

static void expect_none(int err)
{
	uint64_t event, pos = 77, lost = 77;

	assert_int_equal(dmp_try_observe(o, &event, &pos, &lost), err);
	assert_int_equal(pos, 77);
	assert_int_equal(lost, 77);
}

static void expect_events(uint64_t n)
{
	while (n--)
		expect_event(0);
}

static void events_come_in_order(void **state)
{
	uint32_t lap;

	(void)state;
	for (lap = 0; lap < 5; lap++) {
		fake_publish(p, 200);
		expect_events(200);
		expect_none(-EAGAIN);
	}
}

static void an_observer_never_gates(void **state)
{
	(void)state;
	fake_publish(p, SLOTS);
	fake_publish(p, SLOTS);
	assert_int_equal(fake.meta->gates, 0);
}

static void a_full_ring_is_observed_whole(void **state)
{
	(void)state;
	fake_publish(p, SLOTS);
	expect_events(SLOTS);
}

static void a_lapped_observer_says_how_many_it_lost(void **state)
{
	(void)state;
	fake_publish(p, 10);
	expect_events(3);
	fake_publish(p, SLOTS);
	expect_event(7); /* 10 + SLOTS are published: the ring has 10 .. SLOTS + 9 */
	expect_events(SLOTS - 1);
	expect_none(-EAGAIN);
}

static void many_laps_are_lost_as_one(void **state)
{
	uint32_t lap;

	(void)state;
	for (lap = 0; lap < 7; lap++)
		fake_publish(p, SLOTS);
	expect_event(6 * SLOTS);
	expect_event(0);
}

static void a_slot_that_is_being_written_is_lost(void **state)
{
	uint64_t pos;

	(void)state;
	fake_publish(p, SLOTS);
	assert_int_equal(dmp_try_claim(p, 2, &pos), 0);
	dmp_slot(p, pos);
	dmp_slot(p, pos + 1);
	expect_event(2);
	dmp_publish(p, pos, 2);
	expect_event(0);
}

static void what_is_claimed_of_a_packed_ring_counts_as_overwritten(void **state)
{
	uint64_t pos;

	(void)state;
	fake_publish(p, SLOTS);
	assert_int_equal(dmp_try_claim(p, 5, &pos), 0);
	expect_event(5);
}

static void a_claim_alone_loses_nothing_of_a_stamped_ring(void **state)
{
	uint64_t pos;

	(void)state;
	fake_publish(p, SLOTS);
	assert_int_equal(dmp_try_claim(p, 5, &pos), 0);
	expect_event(0);
}

/* The whole ring is claimed: nothing may still be there, yet what the cursor is at is not published. */
static void a_ring_that_is_claimed_whole_has_nothing(void **state)
{
	uint64_t pos;

	(void)state;
	fake_publish(p, SLOTS);
	assert_int_equal(dmp_try_claim(p, SLOTS, &pos), 0);
	expect_none(-EAGAIN);
	dmp_publish(p, pos, SLOTS);
	assert_int_equal(o->lost, SLOTS);
}

static void losses_are_kept_until_an_event_is_returned(void **state)
{
	uint64_t pos, i;

	(void)state;
	fake_publish(p, SLOTS);
	assert_int_equal(dmp_try_claim(p, SLOTS, &pos), 0);
	for (i = pos; i < pos + SLOTS; i++)
		memcpy(dmp_slot(p, i), &i, sizeof(i));
	expect_none(-EAGAIN);
	dmp_publish(p, pos, SLOTS);
	expect_event(SLOTS);
}

static void a_cursor_that_lies_leads_nowhere(void **state)
{
	(void)state;
	fake_publish(p, 10);
	expect_events(10);
	fake.cursor->cursor = 3; /* behind */
	expect_none(-EAGAIN);
	fake.cursor->cursor = UINT64_MAX;
	expect_none(-EAGAIN);
}

static void stamps_that_lie_end_at_the_cursor(void **state)
{
	uint64_t i;

	(void)state;
	fake_publish(p, SLOTS);
	for (i = 0; i < SLOTS; i++)
		*fake_stamp(i) = UINT64_MAX;
	expect_none(-EAGAIN);
	assert_true(dmp_position(o) <= SLOTS);
}

static void the_end_comes_after_the_last_event(void **state)
{
	(void)state;
	fake_publish(p, 2);
	fake_end(DMP_END_CRASHED);
	expect_events(2);
	expect_none(-EPIPE);
}

static int publish_one(void)
{
	fake_publish(p, 1);
	return 0;
}

static void a_sleeping_observer_waits_for_the_next_event(void **state)
{
	uint64_t event, pos, lost;

	(void)state;
	fake_publish(p, 3);
	expect_events(3);
	fake.on_wait = publish_one;
	assert_int_equal(dmp_observe(o, &event, &pos, &lost), 0);
	assert_int_equal(pos, 3);
	assert_int_equal(fake.wait.target, 4);
	assert_int_equal(dmp_observe_until(o, &event, &pos, &lost, 99), 0);
	assert_int_equal(fake.wait.deadline, 99);
}

static void only_an_observer_observes(void **state)
{
	uint64_t event, pos, lost;

	(void)state;
	assert_int_equal(dmp_try_observe(p, &event, &pos, &lost), -EACCES);
	assert_int_equal(dmp_observe(p, &event, &pos, &lost), -EACCES);
}

#define STAMPED(name) cmocka_unit_test_setup_teardown(name, setup_stamped, teardown)
#define PACKED(name)  cmocka_unit_test_setup_teardown(name, setup_packed, teardown)

/* A loop stamps what it has written but for its first slot: who reads in order sees all of the batch, or none. */
static void a_batch_shows_once_its_first_slot_is_stamped(void **state)
{
	uint64_t pos, at, lost, event, *payload;
	struct dmp_member *c = fake_consumer("c", NULL);

	(void)state;
	assert_int_equal(dmp_try_claim(p, 4, &pos), 0);
	dmp_for_each_slot(payload, p, pos, 4)
		*payload = 7;
	assert_int_equal(*fake_stamp(pos), dmp_stamp_writing(pos));
	assert_int_equal(*fake_stamp(pos + 3), dmp_stamp_published(pos + 3));
	expect_nothing(c, 1, -EAGAIN);
	assert_int_equal(dmp_try_observe(o, &event, &at, &lost), -EAGAIN);
	dmp_publish(p, pos, 4);
	expect_batch(c, 4, pos, pos + 4);
	dmp_leave(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAMPED(events_come_in_order),
		PACKED(events_come_in_order),
		STAMPED(an_observer_never_gates),
		PACKED(an_observer_never_gates),
		STAMPED(a_full_ring_is_observed_whole),
		PACKED(a_full_ring_is_observed_whole),
		STAMPED(a_lapped_observer_says_how_many_it_lost),
		PACKED(a_lapped_observer_says_how_many_it_lost),
		STAMPED(many_laps_are_lost_as_one),
		PACKED(many_laps_are_lost_as_one),
		STAMPED(a_slot_that_is_being_written_is_lost),
		PACKED(a_slot_that_is_being_written_is_lost),
		PACKED(what_is_claimed_of_a_packed_ring_counts_as_overwritten),
		STAMPED(a_claim_alone_loses_nothing_of_a_stamped_ring),
		PACKED(a_ring_that_is_claimed_whole_has_nothing),
		STAMPED(losses_are_kept_until_an_event_is_returned),
		PACKED(losses_are_kept_until_an_event_is_returned),
		STAMPED(a_cursor_that_lies_leads_nowhere),
		PACKED(a_cursor_that_lies_leads_nowhere),
		STAMPED(stamps_that_lie_end_at_the_cursor),
		STAMPED(the_end_comes_after_the_last_event),
		PACKED(the_end_comes_after_the_last_event),
		STAMPED(a_sleeping_observer_waits_for_the_next_event),
		PACKED(a_sleeping_observer_waits_for_the_next_event),
		STAMPED(only_an_observer_observes),
		STAMPED(a_batch_shows_once_its_first_slot_is_stamped),
		PACKED(only_an_observer_observes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
