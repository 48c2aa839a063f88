// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_wait.c: wait, event, release: what a consumer is given, and what its release tells others */
#include "fake.h"

#define SLOTS 1024

static struct dmp_member *p, *c;

static int start(uint32_t event_size, uint32_t flags)
{
	fake_create(SLOTS, event_size, flags);
	p = fake_producer();
	c = fake_consumer("c", NULL);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return start(56, DMP_RING_STAMPED);
}

static int setup_packed(void **state)
{
	(void)state;
	return start(8, 0);
}

static int teardown(void **state)
{
	(void)state;
	dmp_leave(c);
	dmp_leave(p);
	p = c = NULL;
	fake_destroy();
	return 0;
}

/* ---- what is there ---- */

static void an_empty_ring_has_nothing(void **state)
{
	(void)state;
	expect_nothing(c, 1, -EAGAIN);
	expect_nothing(c, 2, -EAGAIN);
	assert_int_equal(fake.waits, 0);
}

static void a_stamp_is_news_before_the_cursor_is(void **state)
{
	(void)state;
	*fake_stamp(0) = dmp_stamp_published(0);
	expect_batch(c, 1, 0, 1);
	assert_int_equal(dmp_release(c, 1), 0); /* ahead of the ring's cursor */
	assert_int_equal(fake_own(c->index)->cursor, 1);
	expect_nothing(c, 1, -EAGAIN);
}

static void a_stamp_of_the_lap_before_or_of_writing_is_no_news(void **state)
{
	uint64_t pos;

	(void)state;
	fake_publish(p, SLOTS);
	c->pos = c->seen = SLOTS; /* all read */
	fake_own(c->index)->cursor = SLOTS;
	expect_nothing(c, 1, -EAGAIN);
	assert_int_equal(dmp_try_claim(p, 1, &pos), 0);
	dmp_slot(p, pos);
	expect_nothing(c, 1, -EAGAIN);
	dmp_publish(p, pos, 1);
	expect_batch(c, 1, SLOTS, SLOTS + 1);
}

static void more_than_one_event_is_waited_for_at_the_cursor(void **state)
{
	(void)state;
	fake_publish(p, 1);
	expect_nothing(c, 2, -EAGAIN);
	fake_publish(p, 2);
	expect_batch(c, 2, 0, 3);
}

static void a_packed_ring_has_what_its_cursor_says(void **state)
{
	(void)state;
	expect_nothing(c, 1, -EAGAIN);
	fake_publish(p, 5);
	expect_batch(c, 1, 0, 5);
}

static void waiting_again_gives_the_same_events_until_they_are_released(void **state)
{
	(void)state;
	fake_publish(p, 5);
	expect_batch(c, 5, 0, 5);
	expect_batch(c, 1, 0, 5);
	assert_int_equal(dmp_release(c, 2), 0);
	expect_batch(c, 1, 2, 5);
	assert_int_equal(dmp_position(c), 2);
}

static void a_batch_is_bounded_so_that_it_is_released_in_time(void **state)
{
	(void)state;
	fake_publish(p, 1000);
	expect_batch(c, 2, 0, DMP_BATCH_MAX);
	expect_batch(c, DMP_BATCH_MAX + 1, 0, DMP_BATCH_MAX + 1);
	expect_batch(c, 1000, 0, 1000);
}

static void a_wait_for_nothing_or_too_much_is_invalid(void **state)
{
	struct dmp_batch b;

	(void)state;
	expect_nothing(c, 0, -EINVAL);
	expect_nothing(c, SLOTS + 1, -EINVAL);
	expect_nothing(c, UINT64_MAX, -EINVAL);
	assert_int_equal(dmp_wait(c, 0, &b), -EINVAL);
	expect_nothing(c, SLOTS, -EAGAIN);
	expect_nothing(p, 1, -EACCES);
}

static void events_are_read_in_order_across_the_wrap(void **state)
{
	struct dmp_batch b;
	uint64_t next = 0;
	const void *e;
	uint32_t i;

	(void)state;
	for (i = 0; i < 40; i++) {
		fake_publish(p, 100);
		assert_int_equal(dmp_try_wait(c, 100, &b), 0);
		assert_int_equal(fake_value(dmp_event(c, b.pos)), next);
		dmp_for_each(e, c, &b)
			assert_int_equal(fake_value(e), next++);
		assert_int_equal(dmp_release(c, b.end), 0);
	}
	assert_int_equal(next, 4000);
}

/* ---- being behind ---- */

static void read_one_at_a_time(uint32_t n)
{
	struct dmp_batch b;
	uint32_t i;

	for (i = 0; i < n; i++) {
		assert_int_equal(dmp_wait(c, 1, &b), 0);
		assert_int_equal(dmp_release(c, b.end), 0);
	}
}

static void who_finds_events_at_once_twice_running_takes_all_that_is_there(void **state)
{
	(void)state;
	fake_publish(p, 50);
	expect_batch(c, 1, 0, 1);
	assert_int_equal(dmp_release(c, 1), 0);
	expect_batch(c, 1, 1, 50);
}

static void who_had_to_look_twice_has_caught_up(void **state)
{
	(void)state;
	fake_publish(p, 1);
	expect_batch(c, 1, 0, 1);
	assert_int_equal(dmp_release(c, 1), 0);
	expect_nothing(c, 1, -EAGAIN);
	fake_publish(p, 50);
	expect_batch(c, 1, 1, 2); /* the first of a new streak */
}

static void without_a_budget_for_pacing_tiny_batches_leave_the_cursor_alone_for_a_while(void **state)
{
	uint32_t i;

	(void)state;
	c->wait.pace = 0;
	for (i = 0; i < DMP_PACE_STREAK; i++) {
		fake_publish(p, 1);
		read_one_at_a_time(1);
	}
	assert_int_equal(c->streak, -DMP_PACE_REST);
	for (i = 0; i <= DMP_PACE_REST; i++) {
		fake_publish(p, 1);
		read_one_at_a_time(1);
	}
	fake_publish(p, 50);
	expect_batch(c, 1, 20, 70);
}

/* Lines of a batch are its producer's until the cursor tells of it. */
static void who_finds_batches_looks_at_the_cursor_until_events_come_one_by_one(void **state)
{
	(void)state;
	fake_publish(p, 50);
	read_one_at_a_time(2);
	assert_int_equal(c->by_cursor, true);
	fake_publish(p, 32);
	expect_batch(c, 1, 50, 82);
	assert_int_equal(dmp_release(c, 82), 0);
	expect_nothing(c, 1, -EAGAIN);
	assert_int_equal(c->by_cursor, true);
}

static void a_paced_streak_goes_on(void **state)
{
	(void)state;
	c->wait.pace = 1;
	fake_publish(p, 3);
	read_one_at_a_time(2);
	fake_publish(p, 10);
	assert_true(c->streak >= 2);
	expect_batch(c, 1, 3, 13);
}

/* ---- release ---- */

static void releasing_what_was_not_given_is_invalid(void **state)
{
	(void)state;
	fake_publish(p, 5);
	assert_int_equal(dmp_release(c, 1), -EINVAL); /* nothing was waited for */
	expect_batch(c, 5, 0, 5);
	assert_int_equal(dmp_release(c, 6), -EINVAL);
	assert_int_equal(dmp_release(c, 3), 0);
	assert_int_equal(dmp_release(c, 2), -EINVAL);
	assert_int_equal(fake_own(c->index)->cursor, 3);
}

static void what_an_evicted_member_read_is_void(void **state)
{
	struct dmp_batch batch;

	(void)state;
	fake_publish(p, 5);
	expect_batch(c, 5, 0, 5);
	fake_entry(c->index)->incarnation++;
	assert_int_equal(dmp_release(c, 5), -ESTALE);
	assert_int_equal(dmp_try_wait(c, 1, &batch), -ESTALE);
	assert_int_equal(dmp_wait(c, 1, &batch), -ESTALE);
	assert_int_equal(fake_own(c->index)->cursor, 0);
	assert_int_equal(dmp_position(c), 0);
}

static void a_release_wakes_whose_position_is_reached(void **state)
{
	struct dmp_notify *line = fake_line(1 + c->index);

	(void)state;
	fake_publish(p, 5);
	expect_batch(c, 5, 0, 5);
	line->notify = 0;
	assert_int_equal(dmp_release(c, 1), 0); /* quiet: not looked at */
	assert_int_equal(fake.wakes, 0);
	line->mode = DMP_MODE_FENCED;
	line->notify = 4;
	assert_int_equal(dmp_release(c, 3), 0);
	assert_int_equal(fake.wakes, 0);
	assert_int_equal(dmp_release(c, 4), 0);
	assert_int_equal(fake.wakes, 1);
}

/* ---- poll ---- */

static int say_armed(void)
{
	return 0;
}

static void arming_says_what_is_waited_for(void **state)
{
	(void)state;
	fake.on_wait = say_armed;
	fake_publish(p, 5);
	expect_batch(c, 5, 0, 5);
	assert_int_equal(dmp_release(c, 5), 0);
	assert_int_equal(dmp_arm(c, 7), 0);
	assert_int_equal(fake.wait.target, 12);
	assert_int_equal(fake.wait.deadline, DMP_FOREVER);
	assert_int_equal(dmp_arm(p, 1), 0);
	assert_int_equal(fake.wait.target, 0); /* there is room: no gate need have moved */
	assert_int_equal(dmp_arm(p, SLOTS), 0);
	assert_int_equal(fake.wait.target, 5);
	assert_int_equal(dmp_arm(c, 0), -EINVAL);
	assert_int_equal(dmp_arm(c, SLOTS + 1), -EINVAL);
	assert_int_equal(dmp_arm(p, SLOTS + 1), -EINVAL);
	assert_int_equal(fake.arms, 3);
}

#define TEST(name)	  cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_PACKED(name) cmocka_unit_test_setup_teardown(name, setup_packed, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_ring_has_nothing),
		TEST(a_stamp_is_news_before_the_cursor_is),
		TEST(a_stamp_of_the_lap_before_or_of_writing_is_no_news),
		TEST(more_than_one_event_is_waited_for_at_the_cursor),
		TEST_PACKED(an_empty_ring_has_nothing),
		TEST_PACKED(a_packed_ring_has_what_its_cursor_says),
		TEST(waiting_again_gives_the_same_events_until_they_are_released),
		TEST(a_batch_is_bounded_so_that_it_is_released_in_time),
		TEST(a_wait_for_nothing_or_too_much_is_invalid),
		TEST(events_are_read_in_order_across_the_wrap),
		TEST_PACKED(events_are_read_in_order_across_the_wrap),
		TEST(who_finds_events_at_once_twice_running_takes_all_that_is_there),
		TEST(who_had_to_look_twice_has_caught_up),
		TEST(without_a_budget_for_pacing_tiny_batches_leave_the_cursor_alone_for_a_while),
		TEST(who_finds_batches_looks_at_the_cursor_until_events_come_one_by_one),
		TEST(a_paced_streak_goes_on),
		TEST(releasing_what_was_not_given_is_invalid),
		TEST(what_an_evicted_member_read_is_void),
		TEST(a_release_wakes_whose_position_is_reached),
		TEST(arming_says_what_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
