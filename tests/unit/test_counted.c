// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_counted.c: what the counters of events, batches and looks say after each way of going through the library */
#include "counted.h"

/* ---- publishing ---- */

static void a_producer_counts_events_and_publishes(void **state)
{
	(void)state;
	fake_publish(p, 1);
	fake_publish(p, 1);
	fake_publish(p, 30);
	expect_counted(p, DMP_COUNTER_PUBLISHED, 32);
	expect_counted(p, DMP_COUNTER_BYTES, 32 * SIZE);
	expect_counted(p, DMP_COUNTER_ABORTED, 0);
	expect_counted(p, DMP_COUNTER_BATCHES, 3);
	expect_counted(p, DMP_COUNTER_FULL, 0);
	expect_counted(p, DMP_COUNTER_SPINS, 0);
	assert_true(counter_of(p, DMP_COUNTER_CONSUMED) == NOT_THERE);
}

static void several_producers_count_each_its_own(void **state)
{
	uint64_t pos;

	(void)state;
	fake_publish(p, 3);
	fake_publish(q, 5);
	assert_int_equal(dmp_claim(p, 4, &pos), 0);
	dmp_publish(p, pos, 1);
	expect_counted(p, DMP_COUNTER_PUBLISHED, 4);
	dmp_publish(p, pos + 1, 3);
	expect_counted(p, DMP_COUNTER_PUBLISHED, 7);
	expect_counted(p, DMP_COUNTER_BYTES, 7 * SIZE);
	expect_counted(p, DMP_COUNTER_BATCHES, 2); /* claims */
	expect_counted(q, DMP_COUNTER_PUBLISHED, 5);
	expect_counted(q, DMP_COUNTER_BATCHES, 1);
}

static void a_producer_counts_from_its_start_on(void **state)
{
	(void)state;
	fake_publish(p, 7);
	dmp_leave(p);
	p = counting(DMP_ROLE_PRODUCER, DMP_COUNTERS_FULL, NULL);
	expect_counted(p, DMP_COUNTER_PUBLISHED, 0);
	fake_publish(p, 2);
	expect_counted(p, DMP_COUNTER_PUBLISHED, 2);
}

/* ---- a full ring ---- */

static void claims_that_find_the_ring_full_are_counted_once_each(void **state)
{
	uint64_t pos;

	(void)state;
	fake_publish(p, SLOTS);
	expect_full(0, 0);
	assert_int_equal(dmp_try_claim(p, 1, &pos), -EAGAIN);
	expect_full(1, 1);
	assert_int_equal(dmp_claim_until(p, 1, &pos, 0), -ETIMEDOUT);
	expect_full(2, 1 + LOOKS);
	assert_int_equal(dmp_try_claim(p, SLOTS + 1, &pos), -EINVAL);
	expect_full(2, 1 + LOOKS);
	release_all(c);
	fake_publish(p, 1);
	expect_full(2, 1 + LOOKS);
	expect_counted(p, DMP_COUNTER_PUBLISHED, SLOTS + 1);
}

static void so_is_one_that_watches_required_consumers(void **state)
{
	uint64_t pos;

	(void)state;
	fake.meta->required = 1;
	fake_publish(p, SLOTS);
	assert_int_equal(dmp_claim_until(p, 1, &pos, 0), -ETIMEDOUT);
	expect_counted(p, DMP_COUNTER_FULL, 1);
}

/* ---- aborted ---- */

static void a_producer_counts_what_it_aborts(void **state)
{
	uint64_t pos;

	(void)state;
	assert_int_equal(dmp_claim(p, 5, &pos), 0);
	assert_int_equal(dmp_abort(p, pos + 4, 2), -EINVAL);
	expect_counted(p, DMP_COUNTER_ABORTED, 0);
	assert_int_equal(dmp_abort(p, pos + 2, 3), 0);
	dmp_publish(p, pos, 2);
	expect_counted(p, DMP_COUNTER_ABORTED, 3);
	expect_counted(p, DMP_COUNTER_PUBLISHED, 2);
}

static void who_skips_aborted_slots_counts_them(void **state)
{
	uint64_t pos, lost;
	char event[SIZE];

	(void)state;
	assert_int_equal(dmp_claim(p, 3, &pos), 0);
	assert_int_equal(dmp_abort(p, pos, 3), 0);
	fake_publish(q, 2);
	expect_counted(p, DMP_COUNTER_ABORTED, 3);
	expect_counted(p, DMP_COUNTER_PUBLISHED, 0);
	expect_counted(p, DMP_COUNTER_BYTES, 0);
	release_all(c);
	expect_counted(c, DMP_COUNTER_ABORTED, 3);
	expect_counted(c, DMP_COUNTER_CONSUMED, 5);
	assert_int_equal(dmp_try_observe(o, event, &pos, &lost), 0);
	expect_counted(o, DMP_COUNTER_ABORTED, 3);
	expect_counted(o, DMP_COUNTER_CONSUMED, 1);
}

/* ---- consuming ---- */

static void a_consumer_counts_looks_and_what_they_find(void **state)
{
	struct dmp_batch b;

	(void)state;
	fake_publish(p, 100);
	assert_int_equal(dmp_try_wait(c, 2, &b), 0);
	expect_counted(c, DMP_COUNTER_BATCHES, 1);
	expect_counted(c, DMP_COUNTER_LAG_MAX, 100);
	expect_counted(c, DMP_COUNTER_CONSUMED, 0);
	assert_int_equal(dmp_release(c, b.end), 0);
	expect_counted(c, DMP_COUNTER_CONSUMED, DMP_BATCH_MAX);
	assert_int_equal(dmp_wait(c, 1, &b), 0); /* known: no look */
	assert_int_equal(dmp_release(c, b.end), 0);
	expect_counted(c, DMP_COUNTER_BATCHES, 1);
	fake_publish(p, 7);
	assert_int_equal(dmp_wait_until(c, 2, &b, 0), 0);
	assert_int_equal(dmp_release(c, b.end), 0);
	expect_counted(c, DMP_COUNTER_BATCHES, 2);
	expect_counted(c, DMP_COUNTER_LAG_MAX, 100);
	expect_counted(c, DMP_COUNTER_CONSUMED, 107);
	expect_counted(c, DMP_COUNTER_BYTES, 107 * SIZE);
	expect_counted(c, DMP_COUNTER_SPINS, 0);
}

static void looks_in_vain_are_spins(void **state)
{
	struct dmp_batch b;

	(void)state;
	expect_nothing(c, 1, -EAGAIN);
	expect_counted(c, DMP_COUNTER_SPINS, 1);
	assert_int_equal(dmp_wait_until(c, 2, &b, 0), -ETIMEDOUT);
	expect_counted(c, DMP_COUNTER_SPINS, 1 + LOOKS);
	expect_nothing(c, 0, -EINVAL);
	expect_counted(c, DMP_COUNTER_SPINS, 1 + LOOKS);
	expect_counted(c, DMP_COUNTER_BATCHES, 0);
	expect_counted(c, DMP_COUNTER_LAG_MAX, 0);
}

static void a_poll_of_the_next_event_counts_as_well(void **state)
{
	struct dmp_batch b;

	(void)state;
	assert_int_equal(dmp_wait_until(c, 1, &b, 0), -ETIMEDOUT);
	expect_counted(c, DMP_COUNTER_SPINS, LOOKS);
	fake_publish(p, 1);
	assert_int_equal(dmp_wait(c, 1, &b), 0);
	expect_counted(c, DMP_COUNTER_BATCHES, 1);
	expect_counted(c, DMP_COUNTER_LAG_MAX, 1);
}

/* Of several producers it looks no further than a batch; whoever claims says how far all is published. */
static void the_lag_behind_several_producers_is_what_the_cursor_says(void **state)
{
	struct dmp_batch b;

	(void)state;
	fake_publish(p, 200);
	assert_int_equal(dmp_wait(c, 1, &b), 0);
	assert_int_equal(dmp_release(c, b.end), 0);
	expect_counted(c, DMP_COUNTER_LAG_MAX, DMP_BATCH_MAX);
	fake.cursor->cursor = 200;
	assert_int_equal(dmp_wait(c, 1, &b), 0);
	expect_counted(c, DMP_COUNTER_LAG_MAX, 200 - DMP_BATCH_MAX);
	expect_counted(c, DMP_COUNTER_BATCHES, 2);
	expect_counted(c, DMP_COUNTER_CONSUMED, DMP_BATCH_MAX);
}

/* ---- observing ---- */

static void an_observer_counts_what_it_copies_and_what_it_loses(void **state)
{
	uint64_t pos, lost;
	char event[SIZE];

	(void)state;
	assert_int_equal(dmp_try_observe(o, event, &pos, &lost), -EAGAIN);
	expect_counted(o, DMP_COUNTER_SPINS, 1);
	assert_int_equal(dmp_observe_until(o, event, &pos, &lost, 0), -ETIMEDOUT);
	expect_counted(o, DMP_COUNTER_SPINS, 1 + LOOKS);
	fake_publish(p, SLOTS);
	release_all(c);
	fake_publish(p, 10);
	assert_int_equal(dmp_observe(o, event, &pos, &lost), 0);
	assert_int_equal(lost, 10);
	expect_counted(o, DMP_COUNTER_LOST, 10);
	assert_int_equal(dmp_try_observe(o, event, &pos, &lost), 0);
	expect_counted(o, DMP_COUNTER_LOST, 10);
	expect_counted(o, DMP_COUNTER_CONSUMED, 2);
	expect_counted(o, DMP_COUNTER_BYTES, 2 * SIZE);
	expect_counted(o, DMP_COUNTER_SLEEPS, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_producer_counts_events_and_publishes, setup_packed),
		TEST(a_producer_counts_events_and_publishes, setup_stamped),
		TEST(several_producers_count_each_its_own, setup_several),
		TEST(a_producer_counts_from_its_start_on, setup_packed),
		TEST(a_producer_counts_from_its_start_on, setup_several),
		TEST(claims_that_find_the_ring_full_are_counted_once_each, setup_packed),
		TEST(claims_that_find_the_ring_full_are_counted_once_each, setup_stamped),
		TEST(claims_that_find_the_ring_full_are_counted_once_each, setup_several),
		TEST(so_is_one_that_watches_required_consumers, setup_stamped),
		TEST(so_is_one_that_watches_required_consumers, setup_several),
		TEST(a_producer_counts_what_it_aborts, setup_packed),
		TEST(a_producer_counts_what_it_aborts, setup_stamped),
		TEST(who_skips_aborted_slots_counts_them, setup_several),
		TEST(a_consumer_counts_looks_and_what_they_find, setup_packed),
		TEST(a_consumer_counts_looks_and_what_they_find, setup_stamped),
		TEST(looks_in_vain_are_spins, setup_packed),
		TEST(looks_in_vain_are_spins, setup_stamped),
		TEST(looks_in_vain_are_spins, setup_several),
		TEST(a_poll_of_the_next_event_counts_as_well, setup_packed),
		TEST(a_poll_of_the_next_event_counts_as_well, setup_stamped),
		TEST(a_poll_of_the_next_event_counts_as_well, setup_several),
		TEST(the_lag_behind_several_producers_is_what_the_cursor_says, setup_several),
		TEST(an_observer_counts_what_it_copies_and_what_it_loses, setup_packed),
		TEST(an_observer_counts_what_it_copies_and_what_it_loses, setup_stamped),
		TEST(an_observer_counts_what_it_copies_and_what_it_loses, setup_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
