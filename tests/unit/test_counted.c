// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_counted.c: what each built-in counter says after each way of going through the library */
#include "counters.h"

#define SLOTS 512
#define SIZE  56
#define LOOKS 64 /* a spinning wait whose deadline has passed looks so often */

static struct dmp_member *p, *q, *c, *o;

static int start(uint32_t flags, uint32_t counters, const struct dmp_wait_strategy *wait)
{
	fake_create(SLOTS, SIZE, flags);
	p = counting(DMP_ROLE_PRODUCER, counters, wait);
	q = flags & DMP_RING_MULTI ? counting(DMP_ROLE_PRODUCER, counters, wait) : NULL;
	c = counting(DMP_ROLE_CONSUMER, counters, wait);
	o = counting(DMP_ROLE_OBSERVER, counters, wait);
	return 0;
}

static int setup_packed(void **state)
{
	(void)state;
	return start(0, DMP_COUNTERS_FULL, &dmp_wait_spin);
}

static int setup_stamped(void **state)
{
	(void)state;
	return start(DMP_RING_STAMPED, DMP_COUNTERS_FULL, &dmp_wait_spin);
}

static int setup_several(void **state)
{
	(void)state;
	return start(DMP_RING_STAMPED | DMP_RING_MULTI, DMP_COUNTERS_FULL, &dmp_wait_spin);
}

static int setup_sleepers(void **state)
{
	(void)state;
	return start(DMP_RING_STAMPED, DMP_COUNTERS_FULL, &dmp_wait_block);
}

static int setup_several_sleepers(void **state)
{
	(void)state;
	return start(DMP_RING_STAMPED | DMP_RING_MULTI, DMP_COUNTERS_FULL, &dmp_wait_block);
}

static int setup_lite(void **state)
{
	(void)state;
	return start(DMP_RING_STAMPED, DMP_COUNTERS_LITE, &dmp_wait_block);
}

static int setup_none(void **state)
{
	(void)state;
	return start(DMP_RING_STAMPED, DMP_COUNTERS_NONE, &dmp_wait_block);
}

static int teardown(void **state)
{
	(void)state;
	dmp_leave(o);
	dmp_leave(c);
	dmp_leave(q);
	dmp_leave(p);
	fake_destroy();
	return 0;
}

static void expect_counted(const struct dmp_member *m, uint32_t id, uint64_t value)
{
	uint64_t counted = counter_of(m, id);

	if (counted != value)
		print_error("counter %#x: %llu, not %llu\n", id, (unsigned long long)counted,
			    (unsigned long long)value);
	assert_true(counted == value);
}

static void release_all(struct dmp_member *m)
{
	struct dmp_batch b;

	while (!dmp_try_wait(m, 1, &b))
		assert_int_equal(dmp_release(m, b.end), 0);
}

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

static void expect_full(uint64_t full, uint64_t spins)
{
	expect_counted(p, DMP_COUNTER_FULL, full);
	expect_counted(p, DMP_COUNTER_SPINS, spins);
}

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

/* ---- waking ---- */

static void expect_wakes(const struct dmp_member *m, uint64_t wakes, uint64_t empty)
{
	expect_counted(m, DMP_COUNTER_WAKES, wakes);
	expect_counted(m, DMP_COUNTER_EMPTY, empty);
}

static void calls_to_wake_and_those_that_found_nobody_are_counted(void **state)
{
	struct dmp_notify *line = fake_line(0);

	(void)state;
	fake_publish(p, 1);
	line->mode = DMP_MODE_FENCED;
	fake_publish(p, 1);
	expect_wakes(p, 0, 0);
	line->notify = 3;
	fake.woken = 2;
	fake_publish(p, 1);
	expect_wakes(p, 1, 0);
	fake.woken = 0;
	fake_publish(p, 1);
	expect_wakes(p, 2, 1);
	fake.error = -ESTALE;
	fake_publish(p, 1);
	expect_wakes(p, 2, 1);
	fake.error = 0;
	line = fake_line(1 + c->index);
	line->mode = DMP_MODE_FENCED;
	line->notify = 0;
	fake.woken = 1;
	release_all(c);
	assert_true(counter_of(c, DMP_COUNTER_WAKES) > 0);
	expect_counted(c, DMP_COUNTER_EMPTY, 0);
}

/* Who fills another slot than the one that sleepers watch makes no call. */
static void of_several_producers_the_one_that_fills_the_hole_counts(void **state)
{
	uint64_t hole, pos;

	(void)state;
	assert_int_equal(dmp_claim(p, 1, &hole), 0);
	assert_int_equal(dmp_claim(q, 1, &pos), 0);
	fake_line(0)->mode = DMP_MODE_FENCED;
	fake_line(0)->notify = hole + 1;
	fake.woken = 1;
	dmp_slot(q, pos);
	dmp_publish(q, pos, 1);
	expect_wakes(q, 0, 0);
	dmp_slot(p, hole);
	dmp_publish(p, hole, 1);
	expect_wakes(p, 1, 0);
}

/* ---- sleeping ---- */

static uint32_t naps; /* in vain, before there is what is waited for */

static int nap_then_publish(void)
{
	if (naps-- == 0)
		fake_publish(p, 1);
	return 0;
}

static int nap_while_others_join(void)
{
	fake.meta->generation++;
	return nap_then_publish();
}

static int time_out(void)
{
	return -ETIMEDOUT;
}

static int nap_then_release(void)
{
	if (naps-- == 0)
		release_all(c);
	return 0;
}

static void expect_slept(const struct dmp_member *m, uint64_t sleeps, uint64_t futile)
{
	expect_counted(m, DMP_COUNTER_SLEEPS, sleeps);
	expect_counted(m, DMP_COUNTER_FUTILE, futile);
}

static void sleep_for_one(void)
{
	struct dmp_batch b;

	assert_int_equal(dmp_wait(c, 1, &b), 0);
	assert_int_equal(dmp_release(c, b.end), 0);
}

static void sleeps_in_vain_are_futile(void **state)
{
	(void)state;
	fake.on_wait = nap_then_publish;
	naps = 0;
	sleep_for_one();
	expect_slept(c, 1, 0);
	naps = 2;
	sleep_for_one();
	expect_slept(c, 4, 2);
	expect_counted(c, DMP_COUNTER_SPINS, 4);
}

static void to_be_woken_because_the_membership_changed_is_not(void **state)
{
	(void)state;
	fake.on_wait = nap_while_others_join;
	naps = 3;
	sleep_for_one();
	expect_slept(c, 4, 0);
}

static void nor_is_a_deadline(void **state)
{
	struct dmp_batch b;
	uint64_t pos, lost;
	char event[SIZE];

	(void)state;
	fake.on_wait = time_out;
	assert_int_equal(dmp_wait_until(c, 1, &b, 0), -ETIMEDOUT);
	assert_int_equal(dmp_wait_until(c, 1, &b, 0), -ETIMEDOUT);
	expect_slept(c, 2, 0);
	assert_int_equal(dmp_observe_until(o, event, &pos, &lost, 0), -ETIMEDOUT);
	expect_slept(o, 1, 0);
}

static void a_producer_sleeps_as_well(void **state)
{
	uint64_t pos;

	(void)state;
	fake_publish(p, SLOTS);
	fake.on_wait = nap_then_release;
	naps = 1;
	assert_int_equal(dmp_claim(p, 1, &pos), 0);
	expect_slept(p, 2, 1);
	expect_full(1, 2);
}

/* ---- less ---- */

static void lite_has_what_is_free_and_what_enters_the_kernel(void **state)
{
	(void)state;
	fake.on_wait = nap_then_publish;
	naps = 1;
	sleep_for_one();
	expect_slept(c, 2, 1);
	expect_counted(c, DMP_COUNTER_CONSUMED, 1);
	expect_counted(p, DMP_COUNTER_PUBLISHED, 1);
	assert_true(counter_of(c, DMP_COUNTER_SPINS) == NOT_THERE);
	assert_true(counter_of(p, DMP_COUNTER_BATCHES) == NOT_THERE);
	assert_int_equal(fake_page(c->index)->slot[DMP_COUNTER_AT_SPINS].value, 0);
	assert_int_equal(fake_page(p->index)->slot[DMP_COUNTER_AT_BATCHES].value, 0);
}

static void none_writes_to_no_slot(void **state)
{
	struct dmp_counters_page *page = fake_page(c->index);
	const struct dmp_counter_slot zero = { 0 };
	uint64_t pos;
	uint32_t i;

	(void)state;
	fake.on_wait = nap_then_publish;
	naps = 1;
	sleep_for_one();
	fake_publish(p, SLOTS);
	assert_int_equal(dmp_try_claim(p, 1, &pos), -EAGAIN);
	assert_int_equal(dmp_counters_read(o, c->index, NULL, 0), 0);
	assert_int_equal(dmp_counters_read(o, p->index, NULL, 0), 0);
	for (i = 0; i < DMP_COUNTERS_CAPACITY; i++) {
		assert_memory_equal(&page->slot[i], &zero, sizeof(zero));
		assert_memory_equal(&fake_page(p->index)->slot[i], &zero, sizeof(zero));
	}
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		TEST(calls_to_wake_and_those_that_found_nobody_are_counted, setup_packed),
		TEST(calls_to_wake_and_those_that_found_nobody_are_counted, setup_stamped),
		TEST(of_several_producers_the_one_that_fills_the_hole_counts, setup_several),
		TEST(sleeps_in_vain_are_futile, setup_sleepers),
		TEST(sleeps_in_vain_are_futile, setup_several_sleepers),
		TEST(to_be_woken_because_the_membership_changed_is_not, setup_sleepers),
		TEST(nor_is_a_deadline, setup_sleepers),
		TEST(nor_is_a_deadline, setup_several_sleepers),
		TEST(a_producer_sleeps_as_well, setup_sleepers),
		TEST(a_producer_sleeps_as_well, setup_several_sleepers),
		TEST(lite_has_what_is_free_and_what_enters_the_kernel, setup_lite),
		TEST(none_writes_to_no_slot, setup_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
