// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_counted_wakes.c: what the counters of wakes and sleeps say, and what there is when less is counted */
#include "counted.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
