// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_several_run.c: what consumers and observers make of the stamps of several producers */
#include "several.h"

#define BIG 1024 /* slots, of a ring that holds more than a batch */

static int setup_big(void **state)
{
	(void)state;
	fake_create(BIG, 56, MULTI);
	p = fake_producer();
	c = fake_consumer("c", NULL);
	return 0;
}

/* ---- consuming ---- */

static void expect_released(uint64_t position, uint64_t aborted)
{
	assert_int_equal(fake_own(c->index)->cursor, position);
	assert_int_equal(dmp_aborted(c), aborted);
}

static void a_batch_is_a_run_between_aborted_slots(void **state)
{
	(void)state;
	fake_publish(p, 2);
	abort_next(q, 3);
	fake_publish(p, 1);
	expect_batch(c, 4, 0, 2);
	expect_batch(c, 2, 0, 2);
	expect_released(0, 0); /* nothing is skipped while something below is not released */
	assert_int_equal(dmp_release(c, 1), 0);
	expect_batch(c, 2, 1, 2);
	assert_int_equal(dmp_release(c, 2), 0);
	expect_nothing(c, 2, -EAGAIN);
	expect_released(5, 3); /* one event is no two, but the aborted ones are released */
	expect_batch(c, 1, 5, 6);
}

static void a_slot_that_is_aborted_later_ends_the_batch_as_well(void **state)
{
	(void)state;
	fake_publish(p, 2);
	expect_nothing(c, 4, -EAGAIN);
	abort_next(q, 1);
	fake_publish(p, 5);
	expect_batch(c, 4, 0, 2);
}

static void what_is_skipped_wakes_who_waits_for_room(void **state)
{
	(void)state;
	fake_line(1 + c->index)->mode = DMP_MODE_FENCED;
	fake_line(1 + c->index)->notify = 2;
	abort_next(p, 1);
	expect_nothing(c, 1, -EAGAIN);
	assert_int_equal(fake.wakes, 0);
	abort_next(p, 1);
	expect_nothing(c, 1, -EAGAIN);
	assert_int_equal(fake.wakes, 1);
	expect_released(2, 2);
}

static int time_out(void)
{
	return -ETIMEDOUT;
}

static int abort_and_time_out(void)
{
	assert_int_equal(fake.wait.target, 4);
	abort_next(q, 1);
	return -ETIMEDOUT;
}

static void at_its_deadline_a_wait_looks_once_more(void **state)
{
	struct dmp_batch b;

	(void)state;
	fake_publish(p, 2);
	c->wait = dmp_wait_block;
	fake.on_wait = abort_and_time_out;
	assert_int_equal(dmp_wait_until(c, 4, &b, 99), 0);
	assert_int_equal(b.end, 2);
	assert_int_equal(dmp_release(c, 2), 0);
}

static void at_its_deadline_a_wait_for_a_hole_has_passed_in_vain(void **state)
{
	struct dmp_batch b = { 77, 77 };
	uint64_t pos;

	(void)state;
	assert_int_equal(dmp_try_claim(q, 1, &pos), 0);
	fake_publish(p, 3);
	c->wait = dmp_wait_block;
	fake.on_wait = time_out;
	assert_int_equal(dmp_wait_until(c, 1, &b, 99), -ETIMEDOUT);
	assert_int_equal(fake.wait.deadline, 99);
	assert_int_equal(b.pos, 77);
	expect_nothing(c, 1, -EAGAIN);
	dmp_publish(q, pos, 1);
	expect_batch(c, 1, 0, 4);
}

static void a_batch_is_bounded_unless_more_is_asked_for(void **state)
{
	(void)state;
	fake_publish(p, BIG);
	expect_batch(c, 2, 0, DMP_BATCH_MAX);
	expect_batch(c, DMP_BATCH_MAX + 1, 0, DMP_BATCH_MAX + 1);
	expect_batch(c, BIG, 0, BIG);
	assert_int_equal(dmp_release(c, DMP_BATCH_MAX), 0);
	expect_batch(c, 1, DMP_BATCH_MAX, 2 * DMP_BATCH_MAX);
}

static void a_wait_for_nothing_or_too_much_is_invalid(void **state)
{
	struct dmp_batch b;

	(void)state;
	expect_nothing(c, 0, -EINVAL);
	expect_nothing(c, SLOTS + 1, -EINVAL);
	expect_nothing(c, UINT64_MAX, -EINVAL);
	assert_int_equal(dmp_wait(c, 0, &b), -EINVAL);
	assert_int_equal(dmp_wait_until(c, SLOTS + 1, &b, 99), -EINVAL);
	expect_nothing(c, SLOTS, -EAGAIN);
	expect_nothing(p, 1, -EACCES);
	assert_int_equal(dmp_wait(p, 1, &b), -EACCES);
}

/* 15 of each 16 positions, in batches of which many lie across the wrap. */
static void runs_go_on_across_the_wrap(void **state)
{
	uint64_t laps = 100, next = 0;
	struct dmp_batch b;
	const void *e;

	(void)state;
	while (laps--) {
		fake_publish(p, 10);
		fake_publish(q, 5);
		assert_int_equal(dmp_try_wait(c, 15, &b), 0);
		assert_int_equal(b.pos, next);
		dmp_for_each(e, c, &b)
			assert_int_equal(fake_value(e), next++);
		assert_int_equal(dmp_release(c, b.end), 0);
		abort_next(p, 1);
		next++;
	}
	expect_nothing(c, 1, -EAGAIN);
	expect_released(next, 100);
}

static void a_stamp_of_a_later_lap_is_no_aborted_one(void **state)
{
	(void)state;
	*fake_stamp(0) = dmp_stamp_aborted(SLOTS);
	expect_batch(c, 1, 0, 1);
	expect_released(0, 0);
}

/* ---- dependencies ---- */

static void nobody_skips_past_its_dependency(void **state)
{
	struct dmp_member *d = fake_consumer("d", "c");

	(void)state;
	abort_next(p, 2);
	expect_nothing(d, 1, -EAGAIN);
	assert_int_equal(dmp_aborted(d), 0);
	expect_nothing(c, 1, -EAGAIN);
	expect_nothing(d, 1, -EAGAIN);
	assert_int_equal(dmp_aborted(d), 2);
	dmp_leave(d);
}

static void a_dependency_that_has_left_holds_nobody_up(void **state)
{
	struct dmp_member *d = fake_consumer("d", "c");

	(void)state;
	fake_publish(p, 2);
	expect_nothing(d, 1, -EAGAIN);
	dmp_leave(c);
	c = NULL;
	expect_batch(d, 1, 0, 2);
	dmp_leave(d);
}

static void who_was_evicted_hears_it_instead_of_waiting(void **state)
{
	(void)state;
	fake_entry(c->index)->gone = DMP_GONE_EVICTED;
	fake_entry(c->index)->incarnation++;
	fake.meta->generation++;
	expect_nothing(c, 1, -ESTALE);
	expect_nothing(c, 8, -ESTALE);
}

/* ---- the end ---- */

static void end_at(uint64_t position)
{
	fake.cursor->cursor = fake.cursor->claimed = position;
	fake_end(DMP_END_CLEAN);
}

static void the_end_shortens_a_batch(void **state)
{
	(void)state;
	fake_publish(p, 3);
	end_at(3);
	expect_batch(c, 5, 0, 3);
	assert_int_equal(dmp_release(c, 3), 0);
	expect_nothing(c, 1, -EPIPE);
}

static void aborted_slots_at_the_end_are_skipped_before_it(void **state)
{
	(void)state;
	fake_publish(p, 1);
	abort_next(q, 2);
	end_at(3);
	expect_batch(c, 2, 0, 1);
	assert_int_equal(dmp_release(c, 1), 0);
	expect_nothing(c, 1, -EPIPE);
	expect_released(3, 2);
}

static void a_dependant_hears_of_the_end_behind_what_it_waits_for(void **state)
{
	struct dmp_member *d = fake_consumer("d", "c");

	(void)state;
	fake_publish(p, 2);
	abort_next(q, 1);
	end_at(3);
	expect_nothing(d, 5, -EAGAIN);
	expect_batch(c, 5, 0, 2);
	assert_int_equal(dmp_release(c, 2), 0);
	expect_nothing(d, 5, -EAGAIN); /* there may be a third one */
	expect_batch(d, 2, 0, 2);
	expect_nothing(c, 1, -EPIPE);
	expect_batch(d, 5, 0, 2);
	assert_int_equal(dmp_release(d, 2), 0);
	expect_nothing(d, 1, -EPIPE);
	assert_int_equal(dmp_aborted(d), 1);
	dmp_leave(d);
}

/* ---- observing ---- */

static void an_observer_goes_by_the_stamps_and_skips(void **state)
{
	struct dmp_member *o = fake_member(DMP_ROLE_OBSERVER, NULL);
	uint64_t event[7], pos, at, lost;

	(void)state;
	assert_int_equal(dmp_try_claim(p, 1, &pos), 0);
	abort_next(q, 1);
	fake_publish(q, 1);
	assert_int_equal(dmp_try_observe(o, event, &at, &lost), -EAGAIN);
	dmp_publish(p, 0, 1);
	assert_int_equal(dmp_try_observe(o, event, &at, &lost), 0);
	assert_int_equal(at, 0);
	assert_int_equal(dmp_try_observe(o, event, &at, &lost), 0);
	assert_int_equal(at, 2);
	assert_int_equal(lost, 0);
	assert_int_equal(dmp_aborted(o), 1);
	fake.cursor->claimed = UINT64_MAX;
	assert_int_equal(dmp_try_observe(o, event, &at, &lost), -EAGAIN);
	dmp_leave(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BESIDE_A_CONSUMER(a_batch_is_a_run_between_aborted_slots),
		BESIDE_A_CONSUMER(a_slot_that_is_aborted_later_ends_the_batch_as_well),
		BESIDE_A_CONSUMER(what_is_skipped_wakes_who_waits_for_room),
		BESIDE_A_CONSUMER(at_its_deadline_a_wait_looks_once_more),
		BESIDE_A_CONSUMER(at_its_deadline_a_wait_for_a_hole_has_passed_in_vain),
		cmocka_unit_test_setup_teardown(a_batch_is_bounded_unless_more_is_asked_for, setup_big, teardown),
		BESIDE_A_CONSUMER(a_wait_for_nothing_or_too_much_is_invalid),
		BESIDE_A_CONSUMER(runs_go_on_across_the_wrap),
		BESIDE_A_CONSUMER(a_stamp_of_a_later_lap_is_no_aborted_one),
		BESIDE_A_CONSUMER(nobody_skips_past_its_dependency),
		BESIDE_A_CONSUMER(a_dependency_that_has_left_holds_nobody_up),
		BESIDE_A_CONSUMER(who_was_evicted_hears_it_instead_of_waiting),
		BESIDE_A_CONSUMER(the_end_shortens_a_batch),
		BESIDE_A_CONSUMER(aborted_slots_at_the_end_are_skipped_before_it),
		BESIDE_A_CONSUMER(a_dependant_hears_of_the_end_behind_what_it_waits_for),
		ALONE(an_observer_goes_by_the_stamps_and_skips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
